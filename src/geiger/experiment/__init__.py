"""From settings to a run: material, plan, walk, evaluation, run, replay, in this order."""
