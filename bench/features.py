"""Time the 154 features for many symbols, beside the same set in pandas, in one run.

    python bench/features.py [--symbols 500] [--rows 2520] [--threads 2] [--repeats 3] [--pandas-symbols 20]

Ours is timed on all symbols with threads over symbols. Pandas is timed on fewer symbols with a process for each
thread of ours and scaled to the same number: its cost is the same for each symbol. Both begin with the bars in
memory and end with all 154 columns in memory; compiling is done before and reported apart.
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


def ours(markets: list[Frames], threads: int) -> float:
    """Return seconds for all markets, one thread a symbol at a time."""
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        matrices = list(pool.map(lambda pair: feature_matrix(*pair), markets))
    seconds = time.perf_counter() - start
    assert all(np.isfinite(matrix[WARMUP:]).all() for matrix in matrices)
    return seconds


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


def pandas_side(symbols: int, rows: int, processes: int, pool: ProcessPoolExecutor) -> float:
    """Return seconds for the symbols in parallel processes: the slowest process counts, start-up does not."""
    shares = [tuple(range(first, symbols, processes)) for first in range(processes)]
    return max(pool.map(pandas_share, shares, [rows] * processes))


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
    markets = [market(seed, arguments.rows) for seed in range(arguments.symbols)]
    feature_matrix(*markets[0])
    ours_seconds, pandas_seconds = [], []
    with ProcessPoolExecutor(arguments.threads, mp_context=get_context("spawn")) as pool:
        for _ in range(arguments.repeats):
            ours_seconds.append(ours(markets, arguments.threads))
            timed = pandas_side(arguments.pandas_symbols, arguments.rows, arguments.threads, pool)
            pandas_seconds.append(timed * arguments.symbols / arguments.pandas_symbols)
    mine, theirs = statistics.median(ours_seconds), statistics.median(pandas_seconds)
    return {
        "command": "python bench/features.py " + " ".join(sys.argv[1:]),
        "day": date.today().isoformat(),
        "features": f"{VERSION}, {len(NAMES)}",
        "symbols": arguments.symbols,
        "rows": arguments.rows,
        "workers": arguments.threads,
        "pandas_symbols_timed": arguments.pandas_symbols,
        "geiger_seconds": [round(value, 3) for value in ours_seconds],
        "pandas_seconds_scaled": [round(value, 3) for value in pandas_seconds],
        "geiger_median": round(mine, 3),
        "pandas_median_scaled": round(theirs, 3),
        "ratio": round(theirs / mine, 2),
        "cold_compile_seconds": round(cold_start(arguments.rows), 2),
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
        ("threads", 2),
        ("repeats", 3),
        ("pandas-symbols", 20),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    arguments.load = round(os.getloadavg()[0], 2)
    figures = measure(arguments)
    results = Path(__file__).parent / "results" / "features.json"
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    size = f"{figures['symbols']} symbols x {figures['rows']} bars x {len(NAMES)} features"
    print(f"{size}, {figures['workers']} workers, median of {arguments.repeats}")
    print(f"{'geiger (threads)':<28}{figures['geiger_median']:>9} s")
    print(f"{'pandas (processes, scaled)':<28}{figures['pandas_median_scaled']:>9} s")
    print(f"{'ratio':<28}{figures['ratio']:>9} x")
    print(f"{'first call, nothing compiled':<28}{figures['cold_compile_seconds']:>9} s")


if __name__ == "__main__":
    main()
