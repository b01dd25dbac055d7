"""From a run, its audit, its check source and the register to the verdict."""
