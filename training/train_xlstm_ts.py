"""The plan's own line, ``python training/train_xlstm_ts.py AAPL``: ``geiger train xlstm AAPL``."""

import sys

from geiger.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", "xlstm", *sys.argv[1:]]))
