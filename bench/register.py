"""The trial register behind ten thousand trials: how long an append and a query take, beside a plain chain.

Run ``python bench/register.py``. `--print` prints the figures and writes nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import harness
import numpy as np

from geiger.chain import Chain
from geiger.evidence.day_files import DayValues
from geiger.evidence.trial import Trial
from geiger.evidence.trials import INDEX, REGISTER, Register

OUT = harness.RESULTS / "register.json"
FIRST, ROWS, SCORED = 15_000, 1764, 500  # days since 1970-01-01; daily returns; days that a trial scores
SHARED = "/dev/shm"
SPAN = "2000-01-01", "2030-01-01"


def values(seed: int, rows: int) -> DayValues:
    """Return normal values on days in a row."""
    made = np.random.default_rng(seed).standard_normal(rows) * 0.01
    return DayValues(np.arange(FIRST, FIRST + rows, dtype=np.int32), made.astype(np.float32))


def trial(number: int, symbol: str) -> Trial:
    """Return a trial whose key no other has."""
    first = dt.date(1970, 1, 1) + dt.timedelta(days=FIRST)
    return Trial(
        kind="skill",
        key=f"{number:064x}",
        symbol=symbol,
        model="ridge",
        run=f"{symbol}_ridge_20240105_143022",
        first=str(first),
        last=str(first + dt.timedelta(days=SCORED - 1)),
        rows=SCORED,
        statistic=1.25,
        p_value=0.105,
        settings="ridge, recipe default, refit 21, seeds 3 from root 0, fill next_open",
    )


def fill(register: Register, trials: int, series: int) -> None:
    """Register so many trials: every second one on the first series, the others on all in turn."""
    # What fills the folder is not measured: it is made in memory where there is a folder there.
    with tempfile.TemporaryDirectory(dir=SHARED if Path(SHARED).is_dir() else None) as place:
        made = Register(Path(place) / "trials")
        for number in range(trials):
            which = 0 if number % 2 else number // 2 % series
            made.add(trial(number, f"S{which:05d}"), values(which, ROWS), values(10**6 + number, SCORED))
        shutil.copytree(made.folder, register.folder)


def measured(register: Register, series: int, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each job, one a repeat."""
    numbers = count(10**8)
    busy = register.series_of("S00000", values(0, ROWS))
    quiet = register.series_of("S00001", values(1, ROWS))
    if busy is None or quiet is None:
        raise RuntimeError("the register does not know its own series")
    plain = Chain(register.folder / "plain.jsonl")
    record = {"trial": dict(register.chain.entries()[0].record)}

    def add(symbol: str, seed: int) -> Callable[[], object]:
        one, prices = trial(next(numbers), symbol), values(seed, ROWS)
        scores = values(10**7 + seed + next(numbers), SCORED)
        return lambda: register.add(one, prices, scores)

    def begin(path: Path) -> Callable[[], object]:
        path.unlink()
        return register.head

    jobs: dict[str, Callable[[], Callable[[], object]]] = {
        "append, a known series": lambda: add("S00001", 1),
        "append, a series never seen": lambda: add(f"N{next(numbers)}", next(numbers)),
        "append, a known series under a new name": lambda: add(f"N{next(numbers)}", 2),
        "query, few trials share": lambda: lambda: register.sharing(quiet, *SPAN),
        "query, half of all share": lambda: lambda: register.sharing(busy, *SPAN),
        "head": lambda: register.head,
        "append to a plain chain": lambda: lambda: plain.append(record),
        "index made anew": lambda: begin(register.folder / INDEX),
    }
    plain.path.write_bytes(register.chain.path.read_bytes())
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, prepare in jobs.items():
            job = prepare()
            began = time.perf_counter()
            job()
            found[name].append(time.perf_counter() - began)
    return found


def main() -> None:
    """Measure, and write bench/results/register.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--series", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="register-bench-") as place:
        register = Register(Path(place) / "trials")
        began = time.perf_counter()
        fill(register, options.trials, options.series)
        harness.say(f"filled in {time.perf_counter() - began:.0f} s")
        load = harness.load()
        found = measured(register, options.series, options.repeats)
        began = time.perf_counter()
        verified = register.verify()
        seconds = time.perf_counter() - began
        facts = {
            "command": "python bench/register.py",
            "trials": options.trials,
            "series": options.series,
            "repeats": options.repeats,
            "sound": verified.sound,
            "megabytes": {
                "register": round((register.folder / REGISTER).stat().st_size / 1e6, 1),
                "index": round((register.folder / INDEX).stat().st_size / 1e6, 1),
            },
            "load_before": load,
            "median_seconds": {name: harness.median(times, 4) for name, times in found.items()},
            "longest_seconds": {name: round(max(times), 4) for name, times in found.items()},
            "seconds_to_verify_all": round(seconds, 1),
            "machine": harness.machine(),
        }
    if not options.print:
        OUT.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
