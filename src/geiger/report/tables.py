"""The tables that the page of a symbol and that of a panel share: years, folds, scorecard, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from geiger.report.parts import Table, plain, written
from geiger.report.view import RunView

HELD = "Buy and hold"  # as a column is headed
SAME: Mapping[str, str] = MappingProxyType({})


def years_table(view: RunView, held: str = HELD) -> Table | None:
    """Return what each calendar year brought; `held` names what the strategy stands beside."""
    if not view.years:
        return None
    rows = tuple(
        (
            str(year.year),
            str(year.rows),
            written(year.strategy, "return"),
            written(year.buy_and_hold, "return"),
            written(year.max_drawdown, "share"),
            plain(year.turnover, 2),
        )
        for year in view.years
    )
    columns = (
        "Year",
        "Rows",
        "Strategy, net",
        f"{held}, net",
        "Max drawdown",
        "Turnover: sum of trades / equity",
    )
    return Table("By calendar year in which returns became known", columns, rows)


def folds_table(view: RunView, held: str = HELD) -> Table | None:
    """Return the test rows of each fold; None where the run is too old to have measured them."""
    if not view.folds:
        return None
    rows = tuple(
        (
            f"{fold.fold}",
            f"{fold.first} to {fold.last}",
            str(fold.rows),
            written(fold.rho, "number"),
            written(fold.k, "number"),
            written(fold.above_mean, "share"),
            written(fold.accuracy, "share"),
            written(fold.net, "return"),
            written(fold.buy_and_hold, "return"),
        )
        for fold in view.folds
    )
    columns = (
        "Fold",
        "Test days (of decision)",
        "Rows",
        "Correlation",
        "pred_std",
        "Above train mean",
        "Accuracy",
    )
    return Table("The test rows of each fold", (*columns, "Strategy, net", f"{held}, net"), rows)


def ladder_table(view: RunView) -> Table | None:
    """Return the plan's success ladder."""
    if not view.rungs:
        return None
    rows = []
    for rung in view.rungs:
        sign = "<" if rung.minimum > rung.stretch else ">"
        steps = (f"{sign} {written(step, rung.unit)}" for step in (rung.minimum, rung.target, rung.stretch))
        rows.append((rung.name, written(rung.value, rung.unit), *steps, rung.reached, rung.band))
    columns = ("Metric", "Value", "Minimum", "Target", "Stretch", "Reached", "Band")
    note = "The ladder is a scorecard, not evidence: chance passes each gate too, at its own rate."
    return Table("The plan's success ladder", columns, tuple(rows), note=note)


def scorecard_table(view: RunView, words: Mapping[str, str] = SAME) -> Table | None:
    """Return every figure of the strategy beside its baselines; `words` renames those."""
    if not view.scores:
        return None
    paths = tuple(dict(view.scores[0].values))
    rows = tuple(
        (
            view.labels.get(score.name, score.name),
            *(written(dict(score.values).get(path), score.unit) for path in paths),
            score.better,
        )
        for score in view.scores
    )
    columns = ("Figure", *(words.get(path, path.replace("_", " ")) for path in paths), "Better")
    return Table("Strategy beside its baselines, on the same days and costs", columns, rows)


def figures_table(view: RunView) -> Table | None:
    """Return the final metrics, as the log has them."""
    if not view.figures:
        return None
    rows = tuple(
        (f.name, written(f.value, f.unit), "not counted" if f.n is None else str(f.n), f.better)
        for f in view.figures
    )
    return Table("Final metrics, as in the log", ("Figure", "Value", "Rows", "Better"), rows)


def trained_table(view: RunView) -> Table | None:
    """Return what each fold learned from, was chosen on and tested on."""
    if not view.trained:
        return None
    rows = tuple(
        (
            str(fold.fold),
            f"{fold.train_first} to {fold.train_last}",
            str(fold.train_rows),
            f"{fold.valid_first} to {fold.valid_last}" if fold.valid_rows else "none",
            str(fold.valid_rows),
            f"{fold.test_first} to {fold.test_last}",
            str(fold.test_rows),
            ", ".join(str(n) for n in fold.rounds) or "none",
        )
        for fold in view.trained
    )
    columns = ("Fold", "Learned from", "Rows", "Chosen on", "Rows", "Tested on", "Rows", "Rounds chosen")
    return Table("What each fold learned from", columns, rows)


def pairs_table(caption: str, pairs: Iterable[tuple[str, str]]) -> Table | None:
    """Return names and values, or None without any."""
    rows = tuple(pairs)
    return Table(caption, ("Name", "Value"), rows, prose=True) if rows else None
