"""The first ten lines on a run: at most ten, at most 80 columns, the answer first and a command last."""
