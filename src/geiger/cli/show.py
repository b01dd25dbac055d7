"""How results look on a terminal: short lines first, the tables of the log where they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from geiger import codec
from geiger.backtest.scorecard import LABELS
from geiger.cli.terminal import counted
from geiger.experiment.evaluation import Evaluation
from geiger.experiment.logged import own_lines
from geiger.experiment.plan import BaseRun, Plan
from geiger.experiment.written import Run
from geiger.figures import FigureName
from geiger.records import Notice, Outcome, Status, as_text
from geiger.runlog import LoggedScorecard
from geiger.runlog.sections import scorecard_lines
from geiger.runlog.verdict import verdict_lines
from geiger.runlog.wording import audit_line, how_to_audit

EXIT = {Status.SUCCESS: 0, Status.FAILED: 3, Status.COLLAPSED: 3}  # code of a command that made a run


class Voice:
    """Says a line once: what is true of a symbol is not repeated for each of its models."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, lines: Iterable[str]) -> None:
        """Print the lines that are new, at once."""
        for line in lines:
            if line not in self._said:
                self._said.add(line)
                print(line, flush=True)


def warning_lines(notices: Iterable[Notice]) -> list[str]:
    """Return one line a notice."""
    return [f"  Warning {notice.code}: {notice.text}" for notice in notices]


def run_lines(run: Run) -> list[str]:
    """Return what a person wants to know of a run, in a few lines; its warnings stand apart."""
    text = {figure.name: as_text(figure.value, figure.unit) for figure in run.evaluation.figures}
    health, points = run.evaluation.health, run.evaluation.checkpoints
    codes = ", ".join(health.codes)
    passed = sum(point.outcome is Outcome.PASS for point in points)
    answer, *rest = verdict_lines(run.verdict)
    return [
        f"  {answer}",
        *warning_lines(run.evaluation.notices),  # the alarms, before anything good is said
        f"  {run.status}: training ended{'' if run.status is Status.SUCCESS else ' badly'}",
        f"  Direction Accuracy {text[FigureName.DIRECTION_ACCURACY]} "
        f"(base rate {text[FigureName.BASE_RATE]}), "
        f"Prediction Std {text[FigureName.PREDICTION_STD]}, Positive {text[FigureName.POSITIVE_SHARE]}",
        f"  WFE {text[FigureName.WFE]}, Test Sharpe {text[FigureName.SHARPE]} "
        f"(buy and hold {text[FigureName.BUY_AND_HOLD_SHARPE]}), "
        f"Max Drawdown {text[FigureName.MAX_DRAWDOWN]}",
        f"  Health: {codes}: {health.meaning}",
        *doctor_lines(run),
        *rival_lines(run),
        f"  Checkpoints: {passed} of {len(points)} passed",
        *(f"    {p.number}. {p.name}: FAIL ({p.found})" for p in points if p.outcome is Outcome.FAIL),
        "  Verdict:",
        *(f"    {line}" for line in rest),
        f"  {audit_line(run.audit, how_to_audit(run.trained, run.own.kinds))}",
    ]


def doctor_lines(run: Run) -> list[str]:
    """Return the doctor's sentence on a network, with its evidence; nothing for other models."""
    found = run.evaluation.diagnosis
    if found is None:
        return []
    return [f"  Doctor: {found.cause}: {found.text}", *(f"    {evidence}" for evidence in found.evidence)]


def rival_lines(run: Run) -> list[str]:
    """Return how a stack does beside its simplest alternatives; nothing for other models."""
    rivals = run.evaluation.rivals
    return ["  On the same days:", *(f"    {rival.text()}" for rival in rivals)] if rivals else []


def base_line(base: BaseRun) -> str:
    """Return what is known of a base model of a stack, in one line."""
    if base.stored is None:
        return f"{base.model}: FAILED and is left out: {base.error}"
    return f"{base.model}: {base.stored.record.status}, forecasts of {base.stored.name}"


def place_lines(run: Run) -> list[str]:
    """Return where a run was written."""
    return [f"  Log: {run.log or 'none could be written'}", f"  Run: {run.folder}"]


def scorecard_text(evaluation: Evaluation) -> str:
    """Return the scorecard's tables, with words for people in place of the names for programs."""
    card = evaluation.scorecard
    scores = tuple(
        replace(
            score,
            name=LABELS[score.name],
            values=tuple((column.replace("_", " "), value) for column, value in score.values),
        )
        for score in card.scores
    )
    return "\n".join(scorecard_lines(LoggedScorecard(scores, evaluation.rungs, card.years, evaluation.folds)))


def run_facts(run: Run) -> dict[str, Any]:
    """Return a run as JSON-able facts."""
    return {
        "run": run.name,
        "symbol": run.forecasts["symbol"][0],
        "model": run.model,
        "status": run.status,
        "log": run.log,
        "folder": run.folder,
        **codec.plain(run.evaluation.results()),
        "verdict": codec.plain(run.verdict),
        "audit": codec.plain(run.audit),
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
        "data": planned.material.provenance.as_dict(),
        **({"own": own} if (own := planned.own.content()) else {}),
        "minutes": round(planned.minutes(), 2),
        "warnings": [asdict(notice) for notice in planned.notices],
    }


def plan_line(facts: Mapping[str, Any]) -> str:
    """Return what a run will do, in one line, from its `plan_facts`."""
    work = f"{counted(facts['folds'], 'fold')}, {counted(facts['members'], 'training')}"
    span = f"from {facts['first_forecast']} to {facts['last_forecast']}"
    days = f"{counted(facts['test_rows'], 'day')} forecast {span}"
    return f"{facts['symbol']} {facts['model']}: {work}, {days}, {duration(facts['minutes'])}"


def duration(minutes: float) -> str:
    """Return an estimate in words.

    >>> duration(0.2), duration(12.4)
    ('about 12 s', 'about 12 min')
    """
    return f"about {minutes:.0f} min" if minutes >= 1.5 else f"about {max(60 * minutes, 1):.0f} s"


def data_lines(planned: Plan) -> list[str]:
    """Return what the prices are, and everything doubtful about them."""
    data = planned.material.provenance
    locked = f"; the last {data.lockbox_rows} rows stay locked" if data.lockbox_rows else ""
    span = f"{data.rows} days from {data.first_day} to {data.last_day}{locked}"
    return [
        f"{planned.experiment.symbol}: {data.source}, {data.where}, {span}",
        *(f"{planned.experiment.symbol}: own {kind} {text}" for kind, text in own_lines(planned.own)),
        *warning_lines(planned.notices),
    ]
