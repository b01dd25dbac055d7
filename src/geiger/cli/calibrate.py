"""``geiger calibrate``: how often the verdict rings, on made markets or on the prices of a run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

from geiger.cli.named import run_named
from geiger.cli.terminal import print_json, progress, table, wrapped
from geiger.codec import plain
from geiger.errors import SettingError
from geiger.evidence.error_rates import ErrorRates, Rate, write_tables
from geiger.records import CheckSource
from geiger.runs.folder import RunsFolder
from geiger.studies.calibration import TIERS, calibrate, log_path, summary, tasks_of
from geiger.studies.check_source import Effort, check_run
from geiger.studies.path_log import PathLog

COLUMNS = 80  # of lines on a pipe


def calibrate_verdict(args: argparse.Namespace) -> int:
    """Measure on made markets, or hold the check source to a run; a run that was stopped goes on."""
    for name in ("workers", "paths"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise SettingError(f"--{name} must be at least 1, got {value}")
    if args.minutes is not None and not args.minutes >= 0.0:
        raise SettingError(f"--minutes must be 0 or more, got {args.minutes}")
    return _here(args) if args.here is not None else _made(args)


def _here(args: argparse.Namespace) -> int:
    stored, runs = run_named(args.here, args.runs_dir)
    effort = Effort() if args.paths is None else replace(Effort(), paths=args.paths)
    with progress(f"check source of {stored.name}", 0, quiet=args.json) as tick:
        found = check_run(
            stored,
            runs,
            features=args.features,
            target=args.target,
            estimator=args.estimator,
            effort=effort,
            on_step=tick,
            on_plan=tick.more,
        )
    if args.json:
        print_json({**plain(found), "verdict": str(found.verdict), "text": found.text()})
    else:
        print("\n".join(source_lines(found)))
    return 0


def source_lines(found: CheckSource) -> Iterator[str]:
    """Yield a check source as lines for people."""
    yield from wrapped(f"{found.symbol} {found.model}: {found.text()}", hanging="  ", columns=COLUMNS)
    if not found.null.paths:
        return
    heading = ("planted", "worlds", "this model rang", "the signal itself rang")
    rows = [("nothing", str(found.null.paths), str(found.null.rings(found.level)), "")]
    rows += [
        (
            f"R2 {100 * arm.r2:g}%",
            str(arm.paths),
            str(arm.rings(found.level)),
            str(arm.oracle_rings(found.level)),
        )
        for arm in found.planted
    ]
    yield table([heading, *rows], indent="  ")
    yield from wrapped(f"Planted: {found.source}", "  ", "    ", columns=COLUMNS)
    for text in found.effort:
        yield from wrapped(f"Lighter than in training: {text}", "  ", "    ", columns=COLUMNS)
    yield from wrapped(
        f"It rings where p is below {found.level:g}; {found.days} scored days a world; held on {found.day} "
        f"in {found.seconds:.0f} s",
        *("  ", "    "),
        columns=COLUMNS,
    )


def _made(args: argparse.Namespace) -> int:
    cells, log = TIERS[args.tier], PathLog(log_path(RunsFolder(args.runs_dir).root))
    todo = tasks_of(cells, log)
    if not args.json:
        print(
            f"{args.tier}: {sum(cell.paths for cell in cells)} paths, {len(todo)} markets to make", flush=True
        )
    with progress(f"calibrate {args.tier}", len(todo), quiet=args.json) as tick:
        calibrate(cells, log, workers=args.workers, minutes=args.minutes, on_done=tick)
    found = summary([cell.pipeline for cell in cells], log)
    if args.out is not None:
        write_tables(args.out, found)
    if args.json:
        print_json([{**plain(one), "text": one.text()} for one in found])
    else:
        for one in found:
            print("\n".join(rates_lines(one)))
        missing = len(tasks_of(cells, log))
        if missing:
            print(f"{missing} markets are missing; the same command goes on")
    return 0


def rates_lines(found: ErrorRates) -> Iterator[str]:
    """Yield measured error rates as lines for people."""
    yield from wrapped(f"{found.model}, recipe {found.recipe}: {found.text()}", hanging="  ", columns=COLUMNS)
    yield from _rates("nothing to find", "SIGNAL", found.null)
    yield from _rates("something to find", "SIGNAL", found.moving)
    if found.planted:
        heading = ("planted", "markets", "found", "by the signal itself")
        rows = [
            (f"{one.signal}, R2 {100 * one.r2:g}%", str(one.n), str(one.count), str(one.oracle))
            for one in found.planted
        ]
        yield table([heading, *rows], indent="  ")
    yield from _rates("gate of the plan", "passed with nothing to find", found.gates)
    yield from _rates("somebody who", "SIGNAL with nothing to find", found.tries)


def _rates(what: str, seen: str, rates: Sequence[Rate]) -> Iterator[str]:
    if rates:
        yield table([(what, seen), *((rate.name, rate.text()) for rate in rates)], indent="  ")
