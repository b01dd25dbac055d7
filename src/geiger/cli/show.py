"""How results look on a terminal: short lines first, the tables of the log where they are asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Protocol

from geiger.backtest import LABELS
from geiger.experiment import Plan, Run
from geiger.records import Outcome, as_text
from geiger.runlog import Scorecard
from geiger.runlog.sections import scorecard_lines

HEADLINE = (
    "Direction Accuracy",
    "Base Rate",
    "Prediction Std",
    "Positive %",
    "WFE",
    "Test Sharpe",
    "Buy & Hold Sharpe",
)


class Tick(Protocol):
    """Told of each finished step."""

    def __call__(self, text: str) -> None:
        """Take note of one step."""


@contextmanager
def progress(title: str, steps: int, *, quiet: bool = False) -> Iterator[Tick]:
    """Show a progress bar on a terminal, and nothing on a pipe."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(title, total=steps, note="")

        def tick(text: str) -> None:
            bar.update(task, advance=1, note=text)

        yield tick


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2, default=str, allow_nan=False))


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return rows of text with aligned columns, the first row being the heading."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(indent + line.rstrip() for line in lines)


def run_lines(run: Run) -> list[str]:
    """Return what a person wants to know of a run, in a few lines."""
    value = {figure.name: figure for figure in run.evaluation.figures}
    headline = "   ".join(f"{name} {as_text(value[name].value, value[name].unit)}" for name in HEADLINE)
    failed = [c for c in run.evaluation.checkpoints if c.outcome is Outcome.FAIL]
    lines = [f"  {headline}", f"  Health: {run.evaluation.health.code}: {run.evaluation.health.meaning}"]
    passed = sum(c.outcome is Outcome.PASS for c in run.evaluation.checkpoints)
    lines.append(f"  Checkpoints: {passed} of {len(run.evaluation.checkpoints)} passed")
    lines += [f"    {c.number}. {c.name}: FAIL ({c.found})" for c in failed]
    lines += [f"  Warning {notice.code}: {notice.text}" for notice in run.notices]
    lines.append(f"  Log: {run.log or 'none could be written'}")
    lines.append(f"  Run: {run.folder}")
    return lines


def scorecard_text(run: Run) -> str:
    """Return the scorecard's tables, with words for people in place of the names for programs."""
    card = run.evaluation.scorecard
    scores = tuple(
        replace(
            score,
            name=LABELS[score.name],
            values=tuple((column.replace("_", " "), value) for column, value in score.values),
        )
        for score in card.scores
    )
    return "\n".join(scorecard_lines(Scorecard(scores, run.evaluation.rungs, card.years)))


def run_facts(run: Run) -> dict[str, Any]:
    """Return a run as JSON-able facts."""
    return {
        "run": run.name,
        "symbol": run.forecasts["symbol"][0],
        "model": run.model,
        "status": run.status,
        "log": run.log,
        "folder": run.folder,
        **run.evaluation.as_dict(),
        "verdict": "not evaluated",
        "warnings": [asdict(notice) for notice in run.notices],
    }


def plan_facts(planned: Plan) -> dict[str, Any]:
    """Return what a run will do as JSON-able facts."""
    return {
        "symbol": planned.experiment.symbol,
        "model": planned.model,
        "folds": len(planned.folds),
        "members": len(planned.folds) * planned.members,
        "test_rows": planned.test_rows,
        "first_forecast": planned.material.prices["day"][planned.folds[0].test.start],
        "last_forecast": planned.material.prices["day"][planned.folds[-1].test[-1]],
        "data": dict(planned.material.provenance),
        "minutes": round(planned.minutes(), 2),
        "warnings": [asdict(notice) for notice in planned.notices],
    }


def plan_line(planned: Plan) -> str:
    """Return what a run will do, in two lines."""
    facts, data = plan_facts(planned), planned.material.provenance
    minutes = facts["minutes"]
    duration = f"about {minutes:.0f} min" if minutes >= 1.5 else f"about {max(60 * minutes, 1):.0f} s"
    span = f"from {facts['first_forecast']} to {facts['last_forecast']}"
    locked = f"; the last {data['lockbox_rows']} rows stay locked" if data["lockbox_rows"] else ""
    return (
        f"{facts['symbol']} {facts['model']}: {facts['folds']} folds x {planned.members} member(s), "
        f"{facts['test_rows']} days forecast {span}, {duration}\n"
        f"  data: {data['source']}, {data['rows']} days to {data['last_day']}{locked}"
    )
