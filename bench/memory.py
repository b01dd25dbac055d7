"""Peak memory and time of training one symbol: ``python bench/memory.py [--data DIR]``.

Each model in a process of its own, recipe ``default``, on the embedded AAPL (or the longest file of DIR), the
last two folds: they hold the most rows.
Writes bench/results/memory.json. Goal: under 1 GB.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODELS = ("ridge", "xgb", "lgb", "catboost")


def measure(model: str, symbol: str, data: list[str]) -> dict[str, float]:
    """Train the two largest folds in a child process; return its peak memory (MB) and time (s)."""
    with tempfile.TemporaryDirectory() as folder:
        folders = ["--runs-dir", f"{folder}/runs", "--log-dir", f"{folder}/logs"]
        code = (
            "import resource, sys\nfrom geiger.cli import main\n"
            "code = main(sys.argv[1:])\n"
            "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\nsys.exit(code)"
        )
        started = time.perf_counter()
        arguments = ["train", model, symbol, *data, *folders, "--max-folds", "2"]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        took = time.perf_counter() - started
    peak = int(done.stdout.split("PEAK")[-1])
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return {"peak_mb": round(peak * unit / 1e6, 1), "seconds": round(took, 1)}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    symbol, data = "AAPL", []
    if args.data:
        symbol = max(args.data.glob("*.csv"), key=lambda path: path.stat().st_size).stem
        data = ["--data", str(args.data)]
    results = {model: measure(model, symbol, data) for model in MODELS}
    for model, found in results.items():
        print(f"{symbol} {model:9} peak {found['peak_mb']:7.1f} MB, {found['seconds']:6.1f} s")
    out = Path(__file__).parent / "results" / "memory.json"
    facts = {"command": "python bench/memory.py" + (" --data DIR" if data else ""), "symbol": symbol}
    out.write_text(json.dumps({**facts, "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
