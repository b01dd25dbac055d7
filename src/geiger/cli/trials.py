"""``geiger trials``: what was tried so far, and whether the register of it is whole."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from geiger.cleaning import clean
from geiger.cli.terminal import counted, print_json, table
from geiger.codec import plain
from geiger.errors import SettingError
from geiger.evidence.trials import Line
from geiger.experiment.tried import log_heads, register_of
from geiger.records import as_text
from geiger.runs.folder import RunsFolder

SCHEMA = 1
HEADING = ("no", "registered", "kind", "symbol", "model", "days", "rows", "p", "counts", "run", "settings")


def list_trials(args: argparse.Namespace) -> int:
    """Print every trial and rerun, the newest first."""
    register = register_of(RunsFolder(args.runs_dir))
    if args.limit < 1:
        raise SettingError(f"--limit must be at least 1, got {args.limit}")
    lines = register.lines()
    if args.symbol is not None:
        wanted = {line.trial.series for line in lines if line.trial.symbol == args.symbol}
        lines = tuple(line for line in lines if line.trial.series in wanted)
    trials = sum(line.counts for line in lines)
    shown = lines[::-1] if args.all else lines[::-1][: args.limit]
    if args.json:
        print_json({"schema": SCHEMA, "trials": trials, "lines": [_facts(line) for line in shown]})
        return 0
    if not lines:
        of = "" if args.symbol is None else f" of {clean(args.symbol)}"
        print(f"no trials{of} in {clean(register.folder)}; every scored run is registered there")
        return 0
    print(table([HEADING, *(_row(line) for line in shown)]))
    if len(shown) < len(lines):
        print(f"{len(lines) - len(shown)} older ones not shown; --all shows them")
    print(f"{counted(trials, 'trial')} counted, {counted(len(lines), 'line')}; {_names(lines)}")
    return 0


def _facts(line: Line) -> dict[str, Any]:
    """Return a line as JSON-able facts: the trial's own fields, then what it is to others."""
    facts = {**plain(line.trial), **plain(line)}
    del facts["trial"]
    return facts


def _row(line: Line) -> tuple[str, ...]:
    trial = line.trial
    return (
        str(line.number),
        line.at[:10],
        trial.kind,
        clean(trial.symbol),
        clean(trial.model),
        f"{clean(trial.first)} to {clean(trial.last)}",
        str(trial.rows),
        as_text(trial.p_value, "number"),
        _standing(line),
        clean(trial.run or "-"),
        clean(trial.settings),
    )


def _standing(line: Line) -> str:
    """Return whether a line counts, and why not."""
    if line.rerun_of is not None:
        return f"no, rerun of {line.rerun_of}"
    if line.continued_by is not None:
        return f"no, continued by {line.continued_by}"
    return "yes" if line.continues is None else f"yes, continues {line.continues}"


def _names(lines: Iterable[Line]) -> str:
    """Return which symbols are the same prices."""
    groups: dict[str, set[str]] = {}
    for line in lines:
        groups.setdefault(line.trial.series, set()).add(clean(line.trial.symbol))
    shared = [" and ".join(sorted(names)) for names in groups.values() if len(names) > 1]
    return f"the same prices: {'; '.join(shared)}" if shared else "no two symbols have the same prices"


def verify_trials(args: argparse.Namespace) -> int:
    """Say whether the register is whole; exit code 1 where it is not."""
    register = register_of(RunsFolder(args.runs_dir))
    found = register.verify(log_heads(args.log_dir))
    if args.json:
        print_json({"schema": SCHEMA, "sound": found.sound, **plain(found)})
        return 0 if found.sound else 1
    for fault in found.faults:
        print(f"FAULT {clean(fault)}")
    if any(str(args.log_dir) in fault for fault in found.faults):
        print(
            "A log of runs in another folder names heads that this register never had: then name the folder "
            "of its own logs with --log-dir."
        )
    for path in found.gone:
        print(f"gone: {clean(path)}; its trial counts as independent of all others")
    if found.head is not None:
        print(
            f"{clean(register.chain.path)}: {counted(found.head.trials, 'trial')} in "
            f"{counted(found.head.length, 'line')}, head {found.head.hash}"
        )
        print(f"goes on from {counted(found.heads, 'head')} kept beside it, in runs and in logs")
    if found.sound:
        print(
            "sound: no line was changed or removed since the last of these was kept. It proves the order of "
            "trials, not their time, and nothing against whoever makes all of it anew."
        )
    return 0 if found.sound else 1
