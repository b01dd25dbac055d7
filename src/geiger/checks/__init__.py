"""Checks: questions put to the records of a run."""
