"""``geiger audit``: a proof that nothing saw the future, or the name of what did."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from geiger.audit.door import audit, audit_run
from geiger.cli.complaint import complain
from geiger.cli.complaint import plain as plain_error
from geiger.cli.museum import show_museum
from geiger.cli.named import run_named
from geiger.cli.options import config_of, experiment_of, settings_given, symbols_of
from geiger.cli.terminal import Tick, counted, print_json, progress, table, wrapped
from geiger.codec import plain
from geiger.errors import GeigerError, SettingError, did_you_mean
from geiger.judging.again import judge_stored
from geiger.runlog.verdict import headline
from geiger.runs.audits import Audit, CanaryCheck, Leak
from geiger.settings.models import OWN, SECTIONS

RED = 3
BEYOND = 1e4  # deviations: of a column that hardly varies
COLUMNS = 80  # of lines on a pipe
AS_IT_WAS = (
    "--run audits what that run was: leave out other symbols, model, data and settings, or leave out --run"
)
DEFAULT = "ridge"  # the model, where none is named


def audit_symbol(args: argparse.Namespace) -> int:
    """Audit one symbol and model, or a finished run of a symbol or a panel; or show the museum."""
    if args.museum:
        return show_museum(as_json=args.json)
    work = _audit_symbol if args.run is None else _audit_run
    what = args.run or " ".join([*args.symbols, *args.named])
    with progress(f"audit of {what}", 0, quiet=args.json) as tick:
        found = work(args, tick)
    if args.json:
        print_json(plain(found))
    else:
        print("\n".join(audit_lines(found)))
    if args.run is not None:
        _judge_again(args)
    return 0 if found.green else RED


def _judge_again(args: argparse.Namespace) -> None:
    """Give the run its verdict once more, now that it has an audit; the audit stands where that fails."""
    try:
        stored, runs = run_named(args.run, args.runs_dir)
        verdict = judge_stored(
            stored, runs, target=args.target, estimator=args.estimator, log_dir=args.log_dir
        )
    except GeigerError as error:
        complain(f"{args.run}: no new verdict: {plain_error(error)}")
        return
    if not args.json:
        print("\n".join(wrapped(f"Verdict: {headline(verdict)}", hanging="  ", columns=COLUMNS)))


def _audit_run(args: argparse.Namespace, tick: Tick) -> Audit:
    if settings_given(args, own=()) or args.model or args.data:
        raise SettingError(AS_IT_WAS)
    stored, runs = run_named(args.run, args.runs_dir)
    if any(name != stored.record.symbol for name in args.symbols):
        raise SettingError(AS_IT_WAS)
    return audit_run(
        stored,
        runs,
        features=args.features,
        target=args.target,
        estimator=args.estimator,
        log_dir=args.log_dir,
        again=args.again,
        canaries=args.canaries,
        on_step=tick,
        on_plan=tick.more,
    )


def _audit_symbol(args: argparse.Namespace, tick: Tick) -> Audit:
    symbols, model = symbols_of(args), args.model or (DEFAULT if args.estimator is None else OWN)
    if len(symbols) > 1:
        raise SettingError(f"one symbol at a time, got {', '.join(symbols[:5])}; audit each by itself")
    if args.estimator is None and model not in SECTIONS:
        raise SettingError(f"no model {model!r}: {did_you_mean(model, SECTIONS)}")
    experiment = experiment_of(args, symbols[0], model, config_of(args))
    return audit(experiment, again=args.again, canaries=args.canaries, on_step=tick, on_plan=tick.more)


def audit_lines(found: Audit) -> Iterator[str]:
    """Yield an audit as lines for people: the answer, then what it rests on, then what it does not cover."""
    yield from wrapped(_answer(found), hanging="  ", columns=COLUMNS)
    for leak in found.leaks:
        yield from _leak_lines(leak)
    values = sum(stage.values for stage in found.stages)
    yield from _wrapped(
        f"{counted(len(found.stages), 'stage')}, {counted(len(found.cuts), 'cut')}, "
        f"{counted(len(found.worlds), 'world')} a cut; {values:,} values compared in {found.seconds:.0f} s"
        f" on {found.made_at[:10]}"
    )
    for text in found.effort:
        yield from _wrapped(f"Lighter than in training: {text}")
    heading = ("stage", "worlds", "values compared", "seconds")
    rows = [(s.stage, str(s.worlds), f"{s.values:,}", f"{s.seconds:.1f}") for s in found.stages]
    yield table([heading, *rows], indent="  ")
    if found.canaries:
        yield from _canary_lines(found.canaries)
    for text in found.declared:
        yield from _wrapped(f"Declared: {text}")
    for one in found.not_checked:
        yield from _wrapped(f"Not checked: {one.stage}: {one.why}")


def _answer(found: Audit) -> str:
    what = f"{found.symbol} {found.model}"
    if found.leaks:
        return f"{what}: RED, look-ahead in {found.leaks[0].where}"
    if not found.green:
        missed = ", ".join(one.name for one in found.canaries if one.missed)
        return f"{what}: RED, a planted leak was not caught ({missed}): this audit proves nothing"
    if found.blind:
        worlds = counted(found.blind, "altered world")
        return f"{what}: GREEN as far as it goes, but {worlds} could not be made (see what was not checked)"
    return f"{what}: GREEN, nothing that was decided by a day moved when what came after it was altered"


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return wrapped(text, indent, f"{indent}  ", columns=COLUMNS)


def _size(size: float | None) -> str:
    if size is None:
        return "a value came or went"
    return f"by up to {size:.3g} of its deviation" if size < BEYOND else "where it is all but constant"


def _leak_lines(leak: Leak) -> Iterator[str]:
    whose = f" of {leak.member}" if leak.member else ""
    others = f", and {leak.columns - 1} more columns" if leak.columns > 1 else ""
    others += f", and {counted(leak.members - 1, 'more symbol')}" if leak.members > 1 else ""
    size = _size(leak.size)
    rows = counted(leak.rows, "row")
    yield from _wrapped(
        f"{leak.stage}: {leak.column}{whose}{others}: {rows} moved, the first {leak.day}, {size}"
    )
    for text in (
        f"when, behind {leak.cut}, {leak.world}",
        f"Likely cause: {leak.cause}",
        f"Mend: {leak.mend}",
    ):
        yield from _wrapped(text, "    ")


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
    for one in checks:
        if one.skipped is not None:
            yield from _wrapped(f"Not planted: {one.name}: {one.skipped}", "    ")
