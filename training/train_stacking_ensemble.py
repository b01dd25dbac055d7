"""The plan's own line, ``python training/train_stacking_ensemble.py AAPL``: ``geiger train stack AAPL``."""

import sys

from geiger.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", "stack", *sys.argv[1:]]))
