"""Ten thousand logs: how long until they are read, listed again, and analyzed.

Run ``python bench/logs.py FOLDER`` with a folder of real logs; they are copied under other symbols.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from geiger.analysis.analyzer import analyze, list_facts
from geiger.analysis.logbook import INDEX, LogBook
from geiger.runs.environment import threads_at_hand

LOGS = 10_000
REPEATS = 3
OUT = Path(__file__).parent / "results" / "logs.json"


def copy_logs(source: Path, folder: Path) -> None:
    """Fill `folder` with copies, ten to a symbol, a minute apart."""
    logs = sorted(path for path in source.glob("*.log") if path.with_suffix(".jsonl").exists())
    for n in range(LOGS):
        log, when = logs[n % len(logs)], dt.datetime(2024, 1, 1) + dt.timedelta(minutes=n)
        symbol, model = f"S{n // 10:04d}", log.stem[:-16].partition("_")[2]
        target = folder / f"{symbol}_{model}_{when:%Y%m%d_%H%M%S}"
        own = log.stem.partition("_")[0]
        for suffix in (".log", ".jsonl"):
            text = log.with_suffix(suffix).read_text(encoding="utf-8")
            text = text.replace(f"Symbol: {own}", f"Symbol: {symbol}", 1)
            text = text.replace(f'["Symbol", "{own}"]', f'["Symbol", "{symbol}"]', 1)
            target.with_suffix(suffix).write_text(text, encoding="utf-8")


def timed(work: object) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - began


def main() -> None:
    """Measure, and write bench/results/logs.json."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy_logs(Path(sys.argv[1]), folder)
        found: dict[str, list[float]] = {
            "read all, no index": [],
            "list, with index": [],
            "analyze 20 new": [],
        }
        for _ in range(REPEATS):
            (folder / INDEX).unlink(missing_ok=True)
            found["read all, no index"].append(timed(lambda: list_facts(LogBook(folder))))
            found["list, with index"].append(timed(lambda: list_facts(LogBook(folder))))
            found["analyze 20 new"].append(timed(lambda: analyze(LogBook(folder), limit=20)))
        megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    facts = {
        "command": "python bench/logs.py training_logs",
        "logs": LOGS,
        "megabytes": round(megabytes, 1),
        "processors": threads_at_hand(),
        "repeats": REPEATS,
        "median_seconds": {name: round(statistics.median(values), 2) for name, values in found.items()},
        "seconds": {name: [round(value, 2) for value in values] for name, values in found.items()},
    }
    OUT.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
