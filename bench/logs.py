"""Ten thousand logs: how long until they are read, listed again, and analyzed.

Run ``python bench/logs.py FOLDER`` with a folder of real logs; they are copied under other symbols.
`--print` prints the figures and writes nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from geiger.analysis.analyzer import analyze, list_facts
from geiger.analysis.logbook import INDEX, LogBook
from geiger.runs.environment import threads_at_hand

OUT = Path(__file__).parent / "results" / "logs.json"


def copy_logs(source: Path, folder: Path, number: int) -> None:
    """Fill `folder` with copies, ten to a symbol, a minute apart."""
    logs = sorted(path for path in source.glob("*.log") if path.with_suffix(".jsonl").exists())
    for n in range(number):
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


def processor_seconds() -> float:
    """Return what this process and those that it waited for have used of all processors."""
    kinds = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in kinds)


def parse_all(folder: Path) -> None:
    """Read all logs, and parse every line as JSON: the least that any reader must do."""
    for path in folder.glob("*.jsonl"):
        path.with_suffix(".log").read_bytes()
        for line in path.read_bytes().splitlines():
            json.loads(line)


def main() -> None:
    """Measure, and write bench/results/logs.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--logs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        copy_logs(options.source, folder, options.logs)
        found: dict[str, list[float]] = {
            "read all, no index": [],
            "list, with index": [],
            "analyze 20 new": [],
        }
        used = processor_seconds()
        list_facts(LogBook(folder))  # reads them from the disk, too, which later reads need not
        used = processor_seconds() - used
        floor = processor_seconds()
        parse_all(folder)
        floor = processor_seconds() - floor
        for _ in range(options.repeats):
            (folder / INDEX).unlink(missing_ok=True)
            found["read all, no index"].append(timed(lambda: list_facts(LogBook(folder))))
            found["list, with index"].append(timed(lambda: list_facts(LogBook(folder))))
            found["analyze 20 new"].append(timed(lambda: analyze(LogBook(folder), limit=20)))
        megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    facts = {
        "command": "python bench/logs.py training_logs",
        "logs": options.logs,
        "megabytes": round(megabytes, 1),
        "cpu_seconds": round(used, 3),
        "floor_seconds": round(floor, 3),
        "processors": threads_at_hand(),
        "repeats": options.repeats,
        "median_seconds": {name: round(statistics.median(values), 2) for name, values in found.items()},
        "seconds": {name: [round(value, 2) for value in values] for name, values in found.items()},
    }
    if not options.print:
        OUT.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
