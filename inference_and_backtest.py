"""The plan's own line, ``python inference_and_backtest.py --symbol AAPL``.

Takes the model that was trained last on the symbol, or trains the stack: ``geiger backtest AAPL --again``,
which leaves a log of its own, then ``geiger predict AAPL``.
"""

import sys

from geiger.cli import main
from geiger.cli.parser import parse


def predict_words(args) -> list[str]:
    """Return the words that forecast the same symbols with the same model and prices."""
    words = [*args.symbols, *args.named, "--runs-dir", str(args.runs_dir)]
    for name in ("model", "data"):
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    return words


if __name__ == "__main__":
    words = sys.argv[1:]
    args = parse(["backtest", *words])
    code = main(["backtest", *words, "--again"])
    if not args.json:  # one document on standard output, and that of the backtest
        code = max(code, main(["predict", *predict_words(args)]))
    sys.exit(code)
