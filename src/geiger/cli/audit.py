"""``geiger audit``: a proof that nothing saw the future, or the name of what did."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from geiger.audit.door import audit, audit_run
from geiger.audit.worlds import FUTURES
from geiger.cli.options import config_of, experiment_of, symbols_of
from geiger.cli.terminal import counted, print_json, progress, table
from geiger.codec import plain
from geiger.errors import SettingError, did_you_mean
from geiger.runs.audits import Audit, CanaryCheck, Leak
from geiger.runs.folder import RunsFolder
from geiger.settings.models import SECTIONS

RED = 3
CUTS = 6  # for the progress bar; a stack has those of its base models too


def audit_symbol(args: argparse.Namespace) -> int:
    """Audit one symbol and model, or a finished run."""
    found = _audit(args)
    if args.json:
        print_json(plain(found))
    else:
        print("\n".join(audit_lines(found)))
    return 0 if found.green else RED


def _audit(args: argparse.Namespace) -> Audit:
    what = args.run or " ".join([*args.symbols, *args.named])
    with progress(f"audit of {what}", CUTS * len(FUTURES), quiet=args.json) as tick:
        if args.run is not None:
            path = Path(args.run)
            runs = RunsFolder(args.runs_dir if path.name == args.run else path.parent)
            return audit_run(
                runs.load(path.name),
                runs,
                features=args.features,
                target=args.target,
                estimator=args.estimator,
                log_dir=args.log_dir,
                again=args.again,
                canaries=args.canaries,
                on_step=tick,
            )
        symbols = symbols_of(args)
        if len(symbols) > 1:
            raise SettingError(f"one symbol at a time, got {', '.join(symbols[:5])}; audit each by itself")
        if args.estimator is None and args.model not in SECTIONS:
            raise SettingError(f"no model {args.model!r}: {did_you_mean(args.model, SECTIONS)}")
        experiment = experiment_of(args, symbols[0], args.model, config_of(args))
        return audit(experiment, again=args.again, canaries=args.canaries, on_step=tick)


def audit_lines(found: Audit) -> Iterator[str]:
    """Yield an audit as lines for people: the answer, then what it rests on, then what it does not cover."""
    what = f"{found.symbol} {found.model}"
    if found.leaks:
        first = found.leaks[0]
        yield f"{what}: RED, {first.stage} looks ahead: {first.column}"
    elif not found.green:
        missed = ", ".join(one.name for one in found.canaries if one.missed)
        yield f"{what}: RED, a planted leak was not caught ({missed}): this audit proves nothing"
    else:
        yield f"{what}: GREEN, nothing that was decided by a day moved when what came after it was altered"
    for leak in found.leaks:
        yield from _leak_lines(leak)
    values = sum(stage.values for stage in found.stages)
    yield (
        f"  {counted(len(found.stages), 'stage')}, {counted(len(found.cuts), 'cut')}, "
        f"{counted(len(found.worlds), 'world')} a cut; {values:,} values compared in {found.seconds:.0f} s"
        f" on {found.made_at[:10]}"
    )
    yield from (f"  Lighter than in training: {text}" for text in found.effort)
    heading = ("stage", "what", "compared", "seconds")
    rows = [(s.stage, s.what, f"{s.values:,}", f"{s.seconds:.1f}") for s in found.stages]
    yield table([heading, *rows], indent="  ")
    if found.canaries:
        yield from _canary_lines(found.canaries)
    yield from (f"  Not checked: {one.stage}: {one.why}" for one in found.not_checked)


def _leak_lines(leak: Leak) -> Iterator[str]:
    others = f", and {leak.columns - 1} more columns" if leak.columns > 1 else ""
    size = "a value came or went" if leak.size is None else f"by up to {leak.size:.3g} of its deviation"
    rows = counted(leak.rows, "row")
    yield f"  {leak.stage}: {leak.column}{others}: {rows} moved, the first {leak.day}, {size}"
    yield f"    when, behind {leak.cut}, {leak.world}"
    yield f"    Likely cause: {leak.cause}"
    yield f"    Mend: {leak.mend}"


def _canary_lines(checks: Sequence[CanaryCheck]) -> Iterator[str]:
    planted = [one for one in checks if one.skipped is None]
    caught = sum(one.caught for one in planted)
    yield f"  Leaks planted on a slice of the same prices: {caught} of {len(planted)} caught"
    heading = ("planted", "in", "found as", "")
    lines = [
        (c.name, c.planted, f"{c.found or 'nowhere'}: {c.column or ''}", "" if c.caught else "MISSED")
        for c in planted
    ]
    yield table([heading, *lines], indent="    ")
    yield from (f"    Not planted: {one.name}: {one.skipped}" for one in checks if one.skipped is not None)
