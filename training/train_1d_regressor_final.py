"""The plan's own line, ``python training/train_1d_regressor_final.py AAPL``: ``geiger train lstm AAPL``."""

import sys

from geiger.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", "lstm", *sys.argv[1:]]))
