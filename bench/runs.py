"""A thousand runs: how long until they are listed, and how long a client of the live view waits.

Run ``python bench/runs.py RUN`` with the folder of a real run; its record is copied under other names.
`--print` prints the figures and writes nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from geiger.records import Answer, Verdict
from geiger.runs.environment import threads_at_hand
from geiger.runs.folder import RunsFolder
from geiger.runs.listing import Listing
from geiger.runs.record import RECORD, read_record, write_record
from geiger.service.view import Query, View

OUT = Path(__file__).parent / "results" / "runs.json"
COMMAND = [sys.executable, "-c", "import sys; from geiger.cli import main; sys.exit(main())", "runs"]


def copy_runs(source: Path, root: Path, number: int) -> None:
    """Fill `root` with copies of a record under other symbols, a minute apart, with other answers."""
    record = read_record(source)
    if record is None:
        raise SystemExit(f"{source}: no finished run there")
    answers = (Answer.NO_SIGNAL, Answer.CANNOT_TELL, Answer.SIGNAL)
    for n in range(number):
        when = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=n)
        name = f"S{n:04d}_ridge_{when:%Y%m%d_%H%M%S}"
        told = record.verdict
        verdict: Verdict | None = None if told is None else replace(told, answer=answers[n % 3])
        (root / name).mkdir(parents=True)
        made = replace(record, name=name, symbol=f"S{n:04d}", finished_at=when.isoformat(), verdict=verdict)
        write_record(root / name, made)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def decode_only(root: Path) -> None:
    """Read the bytes of all records and decode all of their JSON: what the list must not need."""
    for path in root.glob(f"*/{RECORD}"):
        msgspec.json.decode(path.read_bytes())


def measured(root: Path, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each job, one a repeat."""
    runs, logs = RunsFolder(root), root / "logs"
    kept, view = Listing(root, logs), View(root, logs)
    kept.rows()
    line = [*COMMAND, "--runs-dir", str(root), "--log-dir", str(logs)]
    jobs: dict[str, Callable[[], object]] = {
        "geiger runs, start to exit": lambda: subprocess.run(line, check=True, stdout=subprocess.DEVNULL),
        "rows, first time": lambda: Listing(root, logs).rows(),
        "rows, again": kept.rows,
        "page of the live view": lambda: view.runs_page(Query()),
        "all records whole, as typed records": runs.all,
        "all records, JSON only": lambda: decode_only(root),
    }
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            found[name].append(timed(job))
    return found


def main() -> None:
    """Measure, and write bench/results/runs.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--print", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="runs-bench-") as place:
        root = Path(place) / "runs"
        copy_runs(options.source, root, options.runs)
        megabytes = sum(path.stat().st_size for path in root.glob(f"*/{RECORD}")) / 1e6
        found = measured(root, options.repeats)
    facts = {
        "command": "python bench/runs.py runs/AAPL_ridge_20240105_143022",
        "runs": options.runs,
        "megabytes": round(megabytes, 1),
        "processors": threads_at_hand(),
        "median_seconds": {name: round(statistics.median(times), 3) for name, times in found.items()},
        "seconds": {name: [round(one, 3) for one in times] for name, times in found.items()},
    }
    if not options.print:
        OUT.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
