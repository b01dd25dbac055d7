"""How results look on a terminal: short lines first, the tables of the log where they are asked for."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from geiger import codec
from geiger.backtest.scorecard import LABELS
from geiger.cli.gist import gist_lines
from geiger.cli.terminal import counted, shown_in, table
from geiger.experiment.cost_curve import CostRow
from geiger.experiment.logged import own_lines, places_of
from geiger.experiment.plan import BaseRun, Plan
from geiger.experiment.written import Run
from geiger.figures import FigureName
from geiger.records import Notice, Outcome, Status, as_text
from geiger.runlog import LoggedScorecard
from geiger.runlog.sections import scorecard_lines
from geiger.runlog.verdict import verdict_lines
from geiger.runlog.wording import audit_line, how_to_audit
from geiger.runs.folder import StoredRun
from geiger.runs.record import Results

SAME = "traded as in training (the same costs, rule and risk), so its ledger is this backtest: no new run"
MOST_WARNINGS = 3  # of the data, before a training begins
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


def short_warnings(notices: Sequence[Notice]) -> list[str]:
    """Return one line a notice, as far as it goes, and how many more there are."""
    shown = [line for one in warning_lines(notices[:MOST_WARNINGS]) for line in shown_in(one, most=1)]
    left = len(notices) - MOST_WARNINGS
    return shown if left <= 0 else [*shown, f"  and {counted(left, 'more warning')}, with -v"]


def run_lines(run: Run) -> list[str]:
    """Return all that a terminal says of a run; its warnings stand apart."""
    text = {figure.name: as_text(figure.value, figure.unit) for figure in run.evaluation.figures}
    health, points = run.evaluation.health, run.evaluation.checkpoints
    codes = ", ".join(health.codes)
    passed = sum(point.outcome is Outcome.PASS for point in points)
    answer, *rest = verdict_lines(run.verdict)
    how = how_to_audit(run.trained, run.own.kinds, places_of(run.folder, run.log))
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
        f"  {audit_line(run.audit, how)}",
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


def scorecard_text(results: Results) -> str:
    """Return the scorecard's tables, with words for people in place of the names for programs."""
    scores = tuple(
        replace(
            score,
            name=LABELS[score.name],
            values=tuple((column.replace("_", " "), value) for column, value in score.values),
        )
        for score in results.scores
    )
    card = LoggedScorecard(scores, results.ladder, results.years, results.folds or ())
    return "\n".join(scorecard_lines(card))


def show_repeated(args: argparse.Namespace, stored: StoredRun) -> None:
    """Print the training's own ledger, which a backtest under the same settings would only repeat."""
    print("\n".join(shown_in(SAME, "  ", "  ")))
    if args.verbose:
        print(f"\n{scorecard_text(stored.record.results)}\n")
    print("\n".join(gist_lines(stored.record, stored.folder, args.log_dir)), flush=True)


def cost_lines(rows: Sequence[CostRow]) -> list[str]:
    """Return what the same forecasts earn at other costs, and a day late, beside buying and holding."""
    heading = ("Cost, one way", "Sharpe", "CAGR", "held: Sharpe", "CAGR")
    return [
        "The same forecasts at other costs (not counted as tries), beside holding:",
        *table([heading, *map(_cost_cells, rows)], indent="  ").splitlines(),
    ]


def _cost_cells(row: CostRow) -> tuple[str, ...]:
    late = "" if not row.days_late else f", {counted(row.days_late, 'day')} late"
    pairs = (row.sharpe, "ratio"), (row.cagr, "return"), (row.held_sharpe, "ratio"), (row.held_cagr, "return")
    return (f"{row.cost_bps:g} bp{late}", *(as_text(value, unit) for value, unit in pairs))  # type: ignore[arg-type]


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


def stored_facts(stored: StoredRun) -> dict[str, Any]:
    """Return a stored run as JSON-able facts, with the same names as `run_facts`."""
    record = stored.record
    return {
        "run": stored.name,
        "symbol": record.symbol,
        "model": record.model,
        "status": record.status,
        "log": record.log,
        "folder": stored.folder,
        **codec.plain(record.results),
        "verdict": codec.plain(record.verdict),
        "audit": codec.plain(record.audit),
        "warnings": [asdict(notice) for notice in record.warnings],
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


def plan_lines(planned: Plan, *, verbose: bool) -> list[str]:
    """Return what the data are, what is doubtful about them, and what will be done."""
    lines, plan = data_lines(planned), plan_line(plan_facts(planned))
    if verbose:
        return [*lines, plan]
    told = [line for line in lines if line not in warning_lines(planned.notices)]
    short = [line for text in told for line in shown_in(text, hanging="  ")]
    return [*short, *short_warnings(planned.notices), *shown_in(plan, hanging="  ")]


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
