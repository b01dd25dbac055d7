"""Time the 154 features for many symbols, beside the same set in pandas, in one run.

    python bench/features.py [--symbols 500] [--rows 2520] [--workers 2] [--repeats 3] [--pandas-symbols 20]

Both sides run in the same worker processes, each on its share of the symbols, with the bars in memory
before and all 154 columns in memory after; the slowest worker counts. Pandas is timed on fewer symbols and
scaled to the same number: its cost is the same for each symbol. Threads in one process are timed too.
Compiling is done before and reported apart.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

sys.path.insert(0, str(Path(__file__).parent))
from pandas_features import pandas_features

from geiger.features import NAMES, VERSION, WARMUP, feature_matrix

Frames = tuple[pl.DataFrame, pl.DataFrame]
Side = Callable[[tuple[int, ...], int], float]


def market(seed: int, rows: int) -> Frames:
    """Return random bars with volume, and the context they move with."""
    random = np.random.default_rng(seed)
    index = random.standard_t(5, rows) * 0.008
    returns = 0.9 * index + random.standard_t(4, rows) * 0.012
    close = 50.0 * np.exp(np.cumsum(returns))
    opened = np.concatenate(([50.0], close[:-1])) * np.exp(random.normal(0, 0.004, rows))
    high = np.maximum(opened, close) * np.exp(random.exponential(0.004, rows))
    low = np.minimum(opened, close) * np.exp(-random.exponential(0.004, rows))
    volume = np.round(1e6 * np.exp(random.normal(0, 0.4, rows)))
    days = pl.Series("day", np.busday_offset("2010-01-04", np.arange(rows)))
    quotes = {"open": opened, "high": high, "low": low, "close": close, "raw_close": close, "volume": volume}
    fear = 18.0 * np.exp(np.cumsum(-index))
    context = {"day": days, "market_close": 1000.0 * np.exp(np.cumsum(index)), "market_volatility": fear}
    return pl.DataFrame({"day": days, **quotes}), pl.DataFrame(context)


def threads_side(markets: list[Frames], threads: int) -> float:
    """Return seconds for all markets in threads of one process."""
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        matrices = list(pool.map(lambda pair: feature_matrix(*pair), markets))
    seconds = time.perf_counter() - start
    assert all(np.isfinite(matrix[WARMUP:]).all() for matrix in matrices)
    return seconds


def geiger_share(share: tuple[int, ...], rows: int) -> float:
    """Return seconds of one process for its symbols, once warm."""
    markets = [market(seed, rows) for seed in share]
    feature_matrix(*markets[0])
    start = time.perf_counter()
    for pair in markets:
        assert feature_matrix(*pair).shape == (rows, len(NAMES))
    return time.perf_counter() - start


def as_pandas(frames: Frames) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return the same bars as pandas objects."""
    prices, context = frames
    days = pd.DatetimeIndex(prices["day"].to_numpy().astype("datetime64[ns]"))
    bars = pd.DataFrame({name: prices[name].to_numpy() for name in prices.columns[1:]}, index=days)
    index, fear = (pd.Series(context[name].to_numpy(), index=days) for name in context.columns[1:])
    return bars, index, fear


def pandas_share(share: tuple[int, ...], rows: int) -> float:
    """Return seconds of one process for its symbols, once warm."""
    markets = [as_pandas(market(seed, rows)) for seed in share]
    pandas_features(*markets[0])
    start = time.perf_counter()
    for bars in markets:
        assert len(pandas_features(*bars).columns) == len(NAMES)
    return time.perf_counter() - start


def in_workers(side: Side, symbols: int, rows: int, workers: int, pool: ProcessPoolExecutor) -> float:
    """Return seconds for the symbols in parallel processes: the slowest counts, start-up does not."""
    shares = [tuple(range(first, symbols, workers)) for first in range(workers)]
    return max(pool.map(side, shares, [rows] * workers))


def cold_start(rows: int) -> float:
    """Return seconds of a first call in a fresh process with an empty compile cache."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from features import market; "
        "from geiger.features import feature_matrix; pair = market(0, int(sys.argv[2])); "
        "start = time.perf_counter(); feature_matrix(*pair); print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-c", code, str(Path(__file__).parent), str(rows)]
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        return float(
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        )


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Return all figures of one run; the two sides take turns, so a busy moment hits both."""
    rows, workers, repeats = arguments.rows, arguments.workers, arguments.repeats
    scale = arguments.symbols / arguments.pandas_symbols
    ours, theirs = [], []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for _ in range(repeats):
            ours.append(in_workers(geiger_share, arguments.symbols, rows, workers, pool))
            theirs.append(scale * in_workers(pandas_share, arguments.pandas_symbols, rows, workers, pool))
    markets = [market(seed, rows) for seed in range(arguments.symbols)]
    feature_matrix(*markets[0])
    threaded = [threads_side(markets, workers) for _ in range(repeats)]
    return {
        "command": " ".join(["python bench/features.py", *sys.argv[1:]]),
        "day": date.today().isoformat(),
        "features": f"{VERSION}, {len(NAMES)}",
        "symbols": arguments.symbols,
        "rows": rows,
        "workers": workers,
        "pandas_symbols_timed": arguments.pandas_symbols,
        "geiger_seconds": [round(value, 3) for value in ours],
        "geiger_threads_seconds": [round(value, 3) for value in threaded],
        "pandas_seconds_scaled": [round(value, 3) for value in theirs],
        "geiger_median": round(statistics.median(ours), 3),
        "geiger_threads_median": round(statistics.median(threaded), 3),
        "pandas_median_scaled": round(statistics.median(theirs), 3),
        "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
        "cold_compile_seconds": round(cold_start(rows), 2),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "pandas": pd.__version__},
        "cpu_count": os.cpu_count(),
        "load_before": arguments.load,
    }


def main() -> None:
    """Measure, print the table, and keep the figures beside this file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in (
        ("symbols", 500),
        ("rows", 2520),
        ("workers", 2),
        ("repeats", 3),
        ("pandas-symbols", 20),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--print", action="store_true", help="print the figures as JSON and write nothing")
    arguments = parser.parse_args()
    arguments.load = round(os.getloadavg()[0], 2)
    figures = measure(arguments)
    if arguments.print:
        print(json.dumps(figures))
        return
    results = Path(__file__).parent / "results" / "features.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    size = f"{figures['symbols']} symbols x {figures['rows']} bars x {len(NAMES)} features"
    print(f"{size}, {figures['workers']} workers, median of {arguments.repeats}")
    print(f"{'geiger':<28}{figures['geiger_median']:>9} s")
    print(f"{'geiger in threads':<28}{figures['geiger_threads_median']:>9} s")
    print(f"{'pandas (scaled)':<28}{figures['pandas_median_scaled']:>9} s")
    print(f"{'ratio':<28}{figures['ratio']:>9} x")
    print(f"{'first call, nothing compiled':<28}{figures['cold_compile_seconds']:>9} s")


if __name__ == "__main__":
    main()
