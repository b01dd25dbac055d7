"""The plan's own line, ``python training/train_gbm_baseline.py AAPL``: ``geiger train gbm AAPL``."""

import sys

from geiger.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", "gbm", *sys.argv[1:]]))
