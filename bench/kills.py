"""What `kill -9` costs a validation: nothing that was finished, and nothing counts twice.

    python bench/kills.py [--random 100] [--every 1]

A small `geiger validate` (ridge on two made markets, two workers) is killed at every write that it is about
to make, and at random moments, with its workers left to find out by themselves. Then the same command is
given again. Held against an undisturbed validation: every file of every run, bit for bit, apart from names
and times; the register; and that no fold is trained again that had come back. Keeps the counts in
bench/results/kills.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from geiger.cli import main as geiger
from geiger.evidence.trials import Register
from geiger.market.synthetic import planted_market
from geiger.runs.folder import RunsFolder
from geiger.runs.parts import Parts

sys.path.insert(0, str(Path(__file__).parent))
from harness import RESULTS, machine

STORED = RESULTS / "kills.json"
SYMBOLS = ("AAA", "BBB")
LINE = (
    *("validate", *SYMBOLS, "--models", "ridge", "--recipe", "quick", "--context", "none", "--json"),
    *("--min-train", "200", "--lockbox", "60", "--refit", "60", "--max-folds", "3", "--workers", "2"),
    *("--data", "prices"),
)
WANTED = "wanted.json"
WRITES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
TIMES = {"name", "log", "finished_at", "seconds", "head", "new"}  # of a record: when, and under which name


def make(folder: Path) -> Path:
    """Write the prices, and return the folder of one validation."""
    data = folder / "prices"
    data.mkdir(parents=True)
    for seed, symbol in enumerate(SYMBOLS):
        names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
        columns = {name: pl.col(column) for name, column in names.items()}
        prices = planted_market(800, seed + 1, 0.02).prices
        prices.select(**columns, Volume="volume").write_csv(data / f"{symbol}.csv")
    return folder


def child(at: int | None) -> int:
    """Validate in this folder and process, and kill it before write `at`; say how many writes there were."""
    from geiger.cli import validate as command

    lay_out = command.lay_out

    def told(*args: Any) -> Any:
        entries = lay_out(*args)
        wanted = [
            [parts.folder.name, list(one.portion.folds)] for entry in entries for one, parts in entry.wanted
        ]
        Path(WANTED).write_text(json.dumps(wanted))
        return entries

    command.lay_out = told
    writes, inside = 0, ("runs", "training_logs")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal writes
        writing = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if (writing or event in WRITES) and str(args[0]).startswith(inside):
            if writes == at:
                os.kill(os.getpid(), signal.SIGKILL)
            writes += 1

    sys.addaudithook(hook)
    code = geiger(list(LINE))
    print(f"WRITES {writes}", file=sys.stderr)
    return code


@dataclass(frozen=True)
class Ended:
    """How a validation ended: its exit code, how long it took, and the writes it made."""

    code: int
    seconds: float
    writes: int | None


def validated(folder: Path, *, at: int | None = None, after: float | None = None) -> Ended:
    """Validate in a process of its own, which is killed before write `at`, or after so many seconds."""
    words = [sys.executable, os.path.abspath(__file__), "--child", *([] if at is None else ["--at", str(at)])]
    started = time.monotonic()
    process = subprocess.Popen(
        words,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    found = [text for text in said.splitlines() if text.startswith("WRITES ")]
    if process.returncode not in (0, 3, -signal.SIGKILL):
        raise SystemExit(f"a validation ended with code {process.returncode}: {said}")
    return Ended(process.returncode, time.monotonic() - started, int(found[0][7:]) if found else None)


def kept(folder: Path) -> dict[str, set[int]]:
    """Return the folds that are there, by the key of their run; all folds of a finished run are."""
    found: dict[str, set[int]] = {}
    for place in (folder / "runs" / ".parts").glob("*"):
        numbers = {int(path.stem[5:]) for path in place.glob("fold_*.npz")}
        found[place.name] = {number for number in numbers if Parts(place).holds(number)}
    for run in RunsFolder(folder / "runs").all():
        if run.record.forecast_key is not None and run.record.forecast_key not in found:
            found[run.record.forecast_key] = set(range(1000))
    return found


def trained_again(folder: Path, before: Mapping[str, set[int]]) -> int:
    """Return how many folds the last validation trained that were there before it."""
    wanted = json.loads((folder / WANTED).read_text())
    return sum(number in before.get(key, ()) for key, folds in wanted for number in folds)


def content(folder: Path) -> dict[str, Any]:
    """Return all that a validation found, without names and times."""
    found: dict[str, Any] = {}
    for run in RunsFolder(folder / "runs").all():  # of two with the same forecasts the later one
        about = f"{run.record.symbol} {run.record.model}"
        files = {
            path.relative_to(run.folder).as_posix(): path.read_bytes()
            for path in sorted(run.folder.rglob("*"))
            if path.is_file()
        }
        record = json.loads(files.pop("run.json"))
        found[about] = (files, _without_times(record))
    lines = Register(folder / "runs" / "trials").lines()
    found["tries"] = sorted(
        (one.trial.symbol, one.trial.model, one.trial.kind, one.trial.p_value) for one in lines if one.counts
    )
    return found


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(inner) for name, inner in value.items() if name not in TIMES}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def faults(folder: Path, undisturbed: Mapping[str, Any], *, at: int | None, after: float | None) -> list[str]:
    """Kill a validation, give it again, and return what is not as it should be."""
    make(folder)
    killed = validated(folder, at=at, after=after)
    there = kept(folder)
    again = validated(folder)
    found = ["the second one was killed as well"] if again.code == -signal.SIGKILL else []
    if number := trained_again(folder, there):
        found.append(f"{number} folds were trained again")
    now = content(folder)
    found += [f"{name} differs" for name in undisturbed | now if undisturbed.get(name) != now.get(name)]
    verified = Register(folder / "runs" / "trials").verify()
    found += list(verified.faults)
    if killed.code == -signal.SIGKILL and any((folder / "runs" / ".parts").glob("*/*.npz")):
        found.append("folds of finished runs were left behind")
    return found


def main() -> None:
    """Kill, compare, and keep the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--random", type=int, default=100, help="kills at random moments")
    parser.add_argument("--every", type=int, default=1, help="kill at every Nth write; 0: at none")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--at", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        sys.exit(child(args.at))
    with TemporaryDirectory() as place:
        root = Path(place)
        whole = validated(make(root / "whole"))
        undisturbed, writes = content(root / "whole"), whole.writes or 0
        print(f"undisturbed: {whole.seconds:.1f} s, {writes} writes, {len(undisturbed) - 1} runs", flush=True)
        rng = random.Random(5)
        kills: list[tuple[str, int | None, float | None]] = []
        kills += [("at random", None, rng.uniform(0.0, whole.seconds)) for _ in range(args.random)]
        if args.every:
            kills += [("at a write", at, None) for at in range(0, writes, args.every)]
        counts: Counter[str] = Counter()
        told: list[str] = []
        for number, (kind, at, after) in enumerate(kills):
            found = faults(root / str(number), undisturbed, at=at, after=after)
            counts[f"{kind}: kills"] += 1
            counts[f"{kind}: with a fault"] += bool(found)
            told += [f"{kind} {at if after is None else after}: {one}" for one in found]
            shutil.rmtree(root / str(number))
            print(f"{number + 1} of {len(kills)}, {dict(counts)}", *found, sep="\n  ", flush=True)
            facts = {
                "command": " ".join(["python", "bench/kills.py", *sys.argv[1:]]),
                "machine": machine(),
                "writes": writes,
                "seconds": round(whole.seconds, 1),
                "counts": dict(counts),
                "faults": told,
            }
            STORED.write_text(json.dumps(facts, indent=2) + "\n")  # at once: it takes an hour


if __name__ == "__main__":
    main()
