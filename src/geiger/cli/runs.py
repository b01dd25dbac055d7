"""``geiger runs``: every run in one table, the answer first."""

from __future__ import annotations

import argparse
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from geiger.cleaning import clean
from geiger.cli.terminal import counted, print_json, table
from geiger.codec import plain
from geiger.command_line import Folders
from geiger.records import Status
from geiger.runs.listing import DAMAGED, RUNNING, STOPPED, Choice, RunRow, age, rows

HEAD = ("answer", "p", "correlation", "Sharpe (held)", "age", "run", "")
MOST_TROUBLE = 5  # runs of which it is told what is wrong


def list_runs(args: argparse.Namespace) -> int:
    """Print every run in short, the newest first."""
    choice = Choice(
        sort=args.sort, symbol=args.symbol, model=args.model, answer=args.answer, status=args.status
    )
    found = rows(args.runs_dir, args.log_dir)
    chosen = choice.of(found)
    shown = chosen if args.all else chosen[: max(args.limit, 0)]
    now = dt.datetime.now(dt.UTC)
    if args.json:
        print_json({"total": len(chosen), "runs": [row_facts(row) for row in shown]})
        return 0
    folders = Folders.of(args.runs_dir, args.log_dir)
    if not chosen:
        print(nothing_line(bool(found), folders))
        return 0
    print("\n".join(run_table(shown, now)))
    print("\n".join(foot_lines(shown, len(chosen), folders)))
    return 0


def nothing_line(others: bool, folders: Folders) -> str:
    """Return what is said where no run is to be shown."""
    if others:
        every = folders.command("geiger", "runs", runs=True, logs=True)
        return f"no run in {clean(folders.runs)} is such; `{every}` lists all"
    first = folders.command("geiger", "train", "ridge", "AAPL", runs=True, logs=True)
    return f"no runs in {clean(folders.runs)} yet; `{first}` makes one in seconds"


def row_facts(row: RunRow) -> dict[str, Any]:
    """Return a row as JSON-able facts."""
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else plain(value, texts=True)
        for name, value in vars(row).items()
    }


def run_table(shown: Sequence[RunRow], now: dt.datetime) -> list[str]:
    """Return the lines of the table; names that are usual fit 100 columns."""
    return table([HEAD, *(cells(row, now) for row in shown)]).splitlines()


def cells(row: RunRow, now: dt.datetime) -> tuple[str, ...]:
    """Return the cells of a row."""
    found = row.correlation_text() if row.recorded else row.progress()
    words = (row.answer_text(), row.p_text(), found, row.sharpe_text())
    return (*words, age(row.when, now), row.name, row.note())


def foot_lines(shown: Sequence[RunRow], total: int, folders: Folders) -> Iterator[str]:
    """Yield how many there are, what is wrong with some of them, and what to type now."""
    words = Counter(row.answer_text() for row in shown)
    several = f"{counted(len(shown), 'run')}: {', '.join(f'{n} {word}' for word, n in words.most_common())}"
    yield f"\n{several}" + (f"; {total - len(shown)} more with --all" if total > len(shown) else "")
    troubled = [row for row in shown if row.trouble and row.status in (DAMAGED, STOPPED, Status.FAILED)]
    yield from (f"  {row.name}: {row.trouble}" for row in troubled[:MOST_TROUBLE])
    if any(row.panel for row in shown):
        yield "  correlation of a panel: the mean rank correlation of a day"
    first = next((row for row in shown if row.recorded), None)
    if first is not None:
        yield f"Look at one: {folders.command('geiger', 'report', first.name, runs=True, logs=True)}"
    elif any(row.status == RUNNING for row in shown):
        yield f"Watch them: {folders.command('geiger', 'serve', runs=True, logs=True)}"
