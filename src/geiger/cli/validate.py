"""``geiger validate``: many symbols and several models, trained by an engine, judged in one table."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shlex
import time
from collections.abc import Sequence
from typing import Any

from geiger import codec
from geiger.cli.complaint import complain
from geiger.cli.options import config_of, symbols_of
from geiger.cli.show import duration
from geiger.cli.summary import (
    HEADING,
    badly_lines,
    best_lines,
    called,
    mean_lines,
    suspect_lines,
    unaudited_lines,
    with_error,
)
from geiger.cli.terminal import Tick, counted, print_json, progress, table, wrapped
from geiger.cli.train import models_of
from geiger.errors import SettingError
from geiger.files import write_atomically
from geiger.judging.summary import Gate, OfModel, Row, Summary, summarise
from geiger.judging.validate import Asked, Entry, Heard, Pooled, lay_out, pooled, validate
from geiger.panel.engines import Engine, Outcome, engine_named
from geiger.records import Status, as_text, p_as_told
from geiger.runlog.writer import log_stem
from geiger.settings import panel_recipe

NOT_MEASURED = "not measured"
NOT_HELD = (
    "Not done here: no audit is made, so only kept ones count (`geiger audit SYMBOL --model MODEL` makes "
    "one), and no check source is held (`geiger calibrate --here RUN`)."
)


def validate_symbols(args: argparse.Namespace) -> int:
    """Say what there is to do, do it, and print what it came to; the same command goes on after a kill."""
    asked, engine = _asked(args), engine_named(args.engine, args.workers)
    total = len(list(asked.experiments()))
    with progress("plan", total, quiet=args.json) as tick:
        entries = lay_out(asked, Heard(planned=lambda entry: tick(entry.name)))
    facts = _estimate(entries, engine)
    if not args.json:
        print(_estimate_line(asked, facts), flush=True)
    if args.dry_run:
        if args.json:
            print_json(facts)
        return 0
    entries, together = _done(args, asked, entries, engine)
    found = summarise(asked, entries, together)
    text = "\n".join(summary_lines(found))
    path = _keep(asked, found, text)
    if args.json:
        print_json({**codec.plain(found), "log": path})
    else:
        print(f"{text}\n  Log: {path}")
    for entry in entries:
        if entry.error is not None:
            complain(f"{entry.name}: {entry.error}")
    codes = [_code(entry, row) for entry, row in _matched(entries, found)]
    return max([*codes, *(3 for one in together if one.failed)])


def _asked(args: argparse.Namespace) -> Asked:
    models = [model for name in args.models.split(",") if name.strip() for model in models_of(name.strip())]
    if not models:
        raise SettingError("--models names no model; name at least one, such as ridge")
    if args.workers is not None and args.workers < 1:
        raise SettingError(f"--workers must be at least 1, got {args.workers}")
    recipes = list(dict.fromkeys(args.recipes or [None]))
    plain = {**vars(args), "models": None, "workers": None}
    named = [argparse.Namespace(**plain, recipe=recipe) for recipe in recipes]
    return Asked(
        symbols=tuple(symbols_of(args)),
        models=tuple(dict.fromkeys(models)),
        configs=tuple(config_of(one) for one in named),
        panel=args.panel,
        panel_configs=tuple(config_of(one, panel_recipe) for one in named),
        data=args.data,
        context=args.context,
        runs_dir=args.runs_dir,
        log_dir=args.log_dir,
        command=shlex.join(["geiger", *args.words]),
    )


def _estimate(entries: Sequence[Entry], engine: Engine) -> dict[str, Any]:
    left = [entry for entry in entries if entry.run is None and entry.error is None]
    seconds = sum(entry.seconds for entry in entries) / engine.workers
    return {
        "runs": len(entries),
        "there": sum(entry.run is not None for entry in entries),
        "refused": sum(entry.error is not None for entry in entries),
        "to_train": len(left),
        "jobs": sum(len(entry.wanted) for entry in left),
        "workers": engine.workers,
        "minutes": round((seconds + ENDING * len(left)) / 60, 2),
    }


ENDING = 1.0  # seconds that a run takes to be ended, judged and written, about


def _estimate_line(asked: Asked, facts: dict[str, Any]) -> str:
    what = (
        f"{counted(len(asked.symbols), 'symbol')}, {counted(facts['runs'], 'run')}: "
        f"{facts['there']} there already, {facts['to_train']} to train"
    )
    refused = f", {facts['refused']} that cannot be" if facts["refused"] else ""
    then = "" if asked.panel is None else f"; then all symbols together as {asked.panel}"
    jobs = f"{counted(facts['jobs'], 'job')} for {counted(facts['workers'], 'worker')}"
    return f"{what}{refused}; {jobs}, {duration(facts['minutes'])}{then}"


def _done(
    args: argparse.Namespace, asked: Asked, entries: list[Entry], engine: Engine
) -> tuple[list[Entry], list[Pooled]]:
    """Validate with a line that says how far it is, and how long it will still take."""
    jobs = sum(len(entry.wanted) for entry in entries)
    many = 0 if asked.panel is None else len(asked.models) * len(asked.panel_configs)
    with progress("validate", jobs + len(entries) + many, quiet=args.json) as tick:
        heard = _Left(tick, sum(entry.seconds for entry in entries))
        done = validate(asked, entries, engine, Heard(trained=heard.trained, ended=heard.ended))
        return done, pooled(asked, told=tick)


class _Left:
    """Moves the progress line on; the time left follows from the jobs that are done by now."""

    def __init__(self, tick: Tick, expected: float) -> None:
        self._tick, self._expected, self._done, self._started = tick, expected, 0.0, time.monotonic()

    def trained(self, outcome: Outcome, seconds: float) -> None:
        """Take note of a job, which was expected to take so long."""
        self._done += seconds
        took = time.monotonic() - self._started
        left = took * (self._expected / self._done - 1.0) if self._done > 0.0 else 0.0
        self._tick(f"{outcome.job.name.split(' of ')[0]}, {duration(left / 60)} left")

    def ended(self, entry: Entry) -> None:
        """Take note of a run."""
        self._tick(f"{entry.name} judged" if entry.error is None else f"{entry.name} failed")


def _matched(entries: Sequence[Entry], found: Summary) -> list[tuple[Entry, Row | None]]:
    rows = {row.run: row for row in found.rows if row.run is not None}
    return [(entry, None if entry.run is None else rows[entry.run]) for entry in entries]


def _code(entry: Entry, row: Row | None) -> int:
    if row is None:
        return 3 if entry.failed else 1
    return 0 if row.status is Status.SUCCESS else 3


# ---- what it says ----


def summary_lines(found: Summary) -> list[str]:
    """Return a summary for people: the table first, then what stands behind it."""
    return [
        *table(_rows(found)).splitlines(),
        *suspect_lines(found),
        *unaudited_lines(found),
        *badly_lines(found),
        "",
        HEADING,
        *mean_lines(found.models),
        *_together(found),
        *(line for text in best_lines(found) for line in wrapped(text)),
        "",
        *_gates(found.models),
        "",
        *wrapped(NOT_HELD),
    ]


def _rows(found: Summary) -> list[list[str]]:
    several = len({row.recipe for row in found.rows}) > 1
    head = ["symbol", "model", *(["recipe"] if several else []), "verdict", "p, all tries", "correlation"]
    head += ["Sharpe", "buy and hold", "checkpoints"]
    return [head, *(_cells(row, several) for row in found.rows)]


def _cells(row: Row, several: bool) -> list[str]:
    named = [row.symbol, row.model, *([row.recipe] if several else [])]
    if row.run is None:
        return [*named, "no run", "", "", "", "", ""]
    return [
        *named,
        row.answer or "none",
        p_as_told(row.p_value),
        with_error(row.correlation, row.error),
        as_text(row.sharpe, "ratio"),
        as_text(row.hold, "ratio"),
        f"{row.passed} of 5",
    ]


def _together(found: Summary) -> list[str]:
    """Return what the symbols come to as one experiment, which is the answer to most questions."""
    if not found.pooled:
        return []
    several = len({one.recipe for one in found.pooled}) > 1
    lines = ["All symbols as one experiment (docs/panel.md):"]
    for one in found.pooled:
        name = f"{one.panel} {one.model}{f' {one.recipe}' if several else ''}"
        if one.run is None:
            lines += wrapped(f"{name}: no run: {one.trouble}", "  ", "    ")
            continue
        answer = "not judged" if one.answer is None else f"{one.answer}: {one.sentence}"
        lines += wrapped(f"{name}: {answer}", "  ", "    ")
        if one.rank_ic is not None:
            days = counted(one.days or 0, "day")
            lines.append(f"    rank IC {with_error(one.rank_ic, one.error)} over {days}; run {one.run}")
    return lines


def _gates(models: Sequence[OfModel]) -> list[str]:
    shown = [one for one in models if one.gates]
    if not shown:
        return []
    heads = [cell for one in shown for cell in (called(one, models), "by chance")]
    rows = [["Passed", *heads]]
    for place, gate in enumerate(shown[0].gates):
        rows.append([gate.name, *(cell for one in shown for cell in _gate(one.gates[place]))])
    return [*table(rows).splitlines(), *_chance_note(shown)]


def _gate(gate: Gate) -> tuple[str, str]:
    share = as_text(gate.passed / gate.n, "share")
    if gate.chance is None:
        return f"{gate.passed} of {gate.n} ({share})", NOT_MEASURED
    some = f" (for {gate.chance_of} of {gate.n})" if gate.chance_of < gate.n else ""
    return f"{gate.passed} of {gate.n} ({share})", f"{as_text(gate.chance, 'share')}{some}"


def _chance_note(shown: Sequence[OfModel]) -> list[str]:
    if any(gate.chance is not None for one in shown for gate in one.gates):
        return [
            "By chance: shares of made markets without skill (docs/calibration.md), not of these symbols."
        ]
    return []


def _keep(asked: Asked, found: Summary, text: str) -> str:
    """Write the summary beside the logs, as text and as facts, and return the name of the text."""
    stem = log_stem("validate", "summary", dt.datetime.now())
    command = f"{asked.command}\n\n" if asked.command else ""
    facts = json.dumps(codec.plain(found, texts=True), indent=1).encode()
    write_atomically(asked.log_dir / f"{stem}.json", facts)
    write_atomically(asked.log_dir / f"{stem}.txt", f"{command}{text}\n".encode())
    return str(asked.log_dir / f"{stem}.txt")
