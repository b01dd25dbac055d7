"""Ten thousand logs: how long until they are read, listed again, and analyzed, and how long at least.

Run ``python bench/logs.py FOLDER`` with a folder of real logs; they are copied under other symbols.
`--print` prints the figures and writes nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from geiger.analysis.analyzer import list_facts
from geiger.analysis.index import INDEX
from geiger.analysis.logbook import LogBook
from geiger.runs.environment import threads_at_hand

OUT = Path(__file__).parent / "results" / "logs.json"
COMMAND = [sys.executable, "-c", "import sys; from geiger.cli import main; sys.exit(main())", "logs"]


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


def processor_seconds() -> float:
    """Return the processor time of this process and of those it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call takes, and those of all processors."""
    began, used = time.perf_counter(), processor_seconds()
    work()
    return time.perf_counter() - began, processor_seconds() - used


def decode_only(folder: Path) -> None:
    """Read the bytes of all logs, and decode the JSON of their events, in this process: the floor."""
    for path in folder.iterdir():
        content = path.read_bytes()
        if path.suffix == ".jsonl" and not path.name.startswith("."):
            msgspec.json.Decoder().decode_lines(content)


def command(folder: Path, *words: str) -> Callable[[], object]:
    """Return what runs ``geiger logs`` from start to exit."""
    line = [*COMMAND, *words, "--log-dir", str(folder)]
    return lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL)


def measured(folder: Path, repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Return wall and processor seconds of each job, one pair a repeat."""
    jobs: dict[str, Callable[[], object]] = {
        "bytes and JSON only, one process": lambda: decode_only(folder),
        "geiger logs list, no index": command(folder, "list"),
        "list in this process, with index": lambda: list_facts(LogBook(folder)),
        "geiger logs list, with index": command(folder, "list"),
        "geiger logs analyze, 20 new in full": command(folder, "analyze"),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(repeats):
        (folder / INDEX).unlink(missing_ok=True)
        for name, job in jobs.items():
            found[name].append(timed(job))
    return found


def main() -> None:
    """Measure, and write bench/results/logs.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--logs", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="logs-bench-") as place:
        folder = Path(place)
        copy_logs(options.source, folder, options.logs)
        megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        found = measured(folder, options.repeats)
        index = (folder / INDEX).stat().st_size / 1e6
    wall, processor = (
        {name: round(statistics.median(pair[at] for pair in pairs), 2) for name, pairs in found.items()}
        for at in (0, 1)
    )
    facts = {
        "command": "python bench/logs.py training_logs",
        "logs": options.logs,
        "megabytes": round(megabytes, 1),
        "megabytes_of_index": round(index, 1),
        "processors": threads_at_hand(),
        "repeats": options.repeats,
        "median_seconds": wall,
        "median_processor_seconds": processor,
        "megabytes_a_second": {name: round(megabytes / wall[name], 1) for name in list(wall)[:2]},
        "seconds": {name: [round(value, 2) for value, _ in pairs] for name, pairs in found.items()},
    }
    if not options.print:
        OUT.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
