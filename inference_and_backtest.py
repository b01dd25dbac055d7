"""The plan's own line, ``python inference_and_backtest.py --symbol AAPL``: ``geiger backtest AAPL``."""

import sys

from geiger.cli import main

if __name__ == "__main__":
    sys.exit(main(["backtest", *sys.argv[1:]]))
