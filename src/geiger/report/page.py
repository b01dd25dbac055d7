"""From view records to one HTML page that needs nothing else: no script, no network, no other file.

All text of runs and logs is escaped by the templates; only the charts, made here, go in as they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from geiger.backtest import BUY_AND_HOLD, STRATEGY
from geiger.figures import FigureName, ScoreName
from geiger.records import Better, Epoch, Notice, Score, Unit, as_text
from geiger.report.charts import (
    ABSURD,
    Drawing,
    Member,
    binned,
    calibration_drawing,
    drawdown,
    epochs_drawing,
    equity_drawing,
    relative_losses,
    weights_drawing,
)
from geiger.report.view import CompareView, Equity, Floats, Pairing, RunView, Weights

if TYPE_CHECKING:
    from jinja2 import Environment

ALARMS = ("LEAK_SUSPECT", "DOCTOR_")  # beginnings of the codes that come before anything good
MOST_ROWS = 60  # of one table
HUGE = 1e9  # from here on a number is written by its power of ten
STEEPEST = 1e6  # a calibration line steeper than this is not drawn
CHANCE = "No figure on this page says by itself whether this is skill or luck."
SHAPES = {"SUCCESS": "circle", "COLLAPSED": "triangle", "FAILED": "square"}
MEANINGS = {
    "SUCCESS": "the run finished and its forecasts are usable, which is no statement about skill",
    "COLLAPSED": "the forecasts are constant or have one sign only",
    "FAILED": "some forecasts are not finite, so they cannot be used at all",
}
BASELINE_FIGURES = (
    FigureName.BUY_AND_HOLD_SHARPE,
    FigureName.BASE_RATE,
)  # nothing that a run could be better at
BOOSTERS = ("xgb", "lgb", "catboost")


@dataclass(frozen=True)
class Table:
    """One table: the first cell of a row is its heading, the other cells align right unless `prose`."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: bool = False
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawing with its sentence, its legend, and its numbers as a table."""

    drawing: Drawing
    caption: str
    table: Table


@dataclass(frozen=True)
class KeyFigure:
    """One figure that is never shown without its companion."""

    label: str
    value: str
    companion: str
    note: str = ""


def written(value: float | None, unit: Unit) -> str:
    """Write `value` in the notation of its unit; a number too large for a cell by its power of ten."""
    if value is None or not np.isfinite(value) or abs(value) < HUGE:
        return as_text(value, unit)
    return f"{value:.3g}"


def _plain(value: float, digits: int) -> str:
    """Write a number that has no unit, as a loss or wealth.

    >>> _plain(0.51234, 4), _plain(float("nan"), 4), _plain(1e300, 2)
    ('0.5123', 'undefined', '1e+300')
    """
    if not np.isfinite(value):
        return "undefined"
    return f"{value:.{digits}f}" if abs(value) < HUGE else f"{value:.3g}"


def _deepest(wealth: Floats) -> str:
    """Write the deepest drawdown; a path that never falls has 0.0%, without a sign."""
    return written(abs(float(drawdown(wealth).min())), "share")


def run_page(view: RunView) -> str:
    """Return the page of one run."""
    return _render(
        "run.html.j2",
        view=view,
        title=f"{view.symbol}, {view.model}",
        shape=SHAPES.get(view.status, "square"),
        meaning=MEANINGS.get(view.status, "not a status that this version knows"),
        chance=CHANCE,
        alarms=alarms_of(view),
        key_figures=_key_figures(view),
        equity=_equity_chart(view),
        calibration=_calibration_chart(view),
        epochs=_epochs_chart(view),
        years=_years_table(view),
        folds=_folds_table(view),
        weights=_weights_chart(view.weights),
        rivals=_rivals_table(view),
        checkpoints=view.checkpoints,
        ladder=_ladder_table(view),
        scorecard=_scorecard_table(view),
        all_figures=_figures_table(view),
        trained=_trained_table(view),
        notices=[notice for notice in view.notices if not _is_alarm(notice)],
        data=_pairs("Where the prices came from", view.data),
        settings=_pairs("Settings that shaped this run", view.settings),
        idle=_pairs("Settings of models that this run did not use", view.idle_settings),
        environment=_pairs("Machine and versions", view.environment),
    )


def compare_page(view: CompareView) -> str:
    """Return the page of several runs side by side."""
    return _render(
        "compare.html.j2",
        view=view,
        title=f"{len(view.runs)} runs side by side",
        chance=CHANCE,
        shapes={run.name: SHAPES.get(run.status, "square") for run in view.runs},
        alarms=[(run, alarms_of(run)) for run in view.runs],
        letters=[(letter, run, _called(run)) for letter, run in _letters(view)],
        overview=_overview_table(view),
        figures=_side_by_side(view),
        scores=_scores_side_by_side(view),
        common=_common_chart(view),
        common_table=_common_table(view),
        differences=_wide("Settings that differ", view, view.differences),
        origins=_wide("Data and versions", view, view.origins),
        years=_years_side_by_side(view),
    )


def alarms_of(view: RunView) -> list[Notice]:
    """Return what must be read before anything good: alarms of the run, then findings that say FAIL."""
    found = [notice for notice in view.notices if _is_alarm(notice)]
    if view.status != "SUCCESS":
        text = f"The run ended {view.status}: {MEANINGS.get(view.status, 'see its health below')}."
        found.insert(0, Notice(view.status, text))
    return found + [Notice(one.code, one.text) for one in view.findings or () if one.severity == "FAIL"]


def _is_alarm(notice: Notice) -> bool:
    return notice.code.startswith(ALARMS)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("geiger.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made


def _render(template: str, **content: Any) -> str:
    style = resources.files("geiger.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    return _environment().get_template(template).render(style=style, **content)


def _key_figures(view: RunView) -> list[KeyFigure]:
    def text(name: FigureName) -> str:
        figure = view.figure(name)
        return "not measured" if figure is None else written(figure.value, figure.unit)

    growth, fall = view.score(ScoreName.CAGR), view.score(ScoreName.MAX_DRAWDOWN)
    p = view.score(ScoreName.VOLATILITY_MATCHED_P).get(STRATEGY)
    return [
        KeyFigure(
            "Sharpe ratio, net",
            text(FigureName.SHARPE),
            f"buy and hold {text(FigureName.BUY_AND_HOLD_SHARPE)}",
        ),
        KeyFigure(
            "Direction accuracy",
            text(FigureName.DIRECTION_ACCURACY),
            f"base rate {text(FigureName.BASE_RATE)}",
            f"{text(FigureName.ABOVE_BASE_RATE)} against always naming the commoner direction",
        ),
        KeyFigure(
            "pred_std",
            text(FigureName.PREDICTION_STD),
            f"correlation with the outcome {text(FigureName.CORRELATION)}",
            "spread of the forecasts / spread of the outcomes",
        ),
        KeyFigure(
            "WFE",
            text(FigureName.WFE),
            "the plan wants above 50%",
            "mean net return on test rows / on train rows",
        ),
        KeyFigure(
            "Beat buy and hold, a year",
            text(FigureName.BEAT_BUY_AND_HOLD),
            f"growth a year {written(growth.get(STRATEGY), 'return')}, "
            f"buy and hold {written(growth.get(BUY_AND_HOLD), 'return')}",
        ),
        KeyFigure(
            "Beat volatility-matched, a year",
            text(FigureName.BEAT_VOLATILITY_MATCHED),
            f"p {written(p, 'p')} of the mean daily difference",
            "against buy and hold scaled to the strategy's volatility",
        ),
        KeyFigure(
            "Max drawdown",
            text(FigureName.MAX_DRAWDOWN),
            f"buy and hold {written(fall.get(BUY_AND_HOLD), 'share')}",
        ),
        KeyFigure(
            "R² out of sample",
            text(FigureName.R2),
            f"calibration slope {text(FigureName.CALIBRATION_SLOPE)}",
            "against the train mean; 1 would be a calibrated slope",
        ),
    ]


def _equity_chart(view: RunView) -> Chart | None:
    if view.equity is None:
        return None
    return _wealth_chart("equity", "Equity and drawdown, net of costs", view.equity)


def _wealth_chart(name: str, title: str, equity: Equity, words: Mapping[str, str] | None = None) -> Chart:
    """Draw wealth; `words` renames the curves."""
    named = {(words or {}).get(curve, curve): values for curve, values in equity.curves.items()}
    ends = ", ".join(
        f"{_plain(float(values[-1]), 2)} with {curve} (deepest drawdown {_deepest(values)})"
        for curve, values in named.items()
    )
    gist = f"With returns known from {equity.days[0]} to {equity.days[-1]}, 1 became {ends}."
    rows = []
    for year, last in _last_of_years(equity.days):
        rows.append((str(year), *(_plain(float(values[last]), 3) for values in named.values())))
    table = Table("Growth of 1, at the end of each year", ("Year", *named), tuple(rows[:MOST_ROWS]))
    return Chart(equity_drawing(name, gist, equity.days, named, title), gist, table)


def _last_of_years(days: Sequence[dt.date]) -> list[tuple[int, int]]:
    last = {day.year: i for i, day in enumerate(days)}
    return list(last.items())


def _calibration_chart(view: RunView) -> Chart | str:
    pairing = view.pairing
    if pairing is None:
        return "The forecasts could not be read."
    bins = binned(pairing.forecast, pairing.outcome)
    if bins is None:
        return _no_bins(pairing)
    beta = view.health.beta if view.health else None
    covered = int(np.sum(np.abs(bins.outcome - bins.forecast) <= bins.error))
    slope = "undefined" if beta is None else _plain(beta, 2)
    gist = (
        f"Mean outcome in {len(bins.rows)} groups of the forecasts, ascending and about equal in size where "
        f"forecasts are not tied; {bins.rows.sum()} test rows. "
        f"Calibration slope {slope}, where 1 is calibrated and 0 knows nothing; "
        f"{covered} of {len(bins.rows)} intervals hold the 45 degree line."
    )
    rows = tuple(
        (str(i), str(n), written(f, "return"), written(y, "return"), f"±{written(e, 'return')}")
        for i, (n, f, y, e) in enumerate(
            zip(
                bins.rows.tolist(),
                bins.forecast.tolist(),
                bins.outcome.tolist(),
                bins.error.tolist(),
                strict=True,
            ),
            1,
        )
    )
    table = Table(
        f"Mean forecast and mean outcome, a day, in {len(bins.rows)} groups of the forecasts",
        ("Group", "Rows", "Mean forecast", "Mean outcome", "95% interval"),
        rows,
    )
    drawn = beta if beta is not None and abs(beta) < STEEPEST else None
    drawing = calibration_drawing("calibration", gist, pairing.forecast, pairing.outcome, bins, drawn)
    note = "Single days swing far wider; those beyond the frame, and some within, are not drawn."
    return Chart(drawing, f"{gist} {note}", table)


def _no_bins(pairing: Pairing) -> str:
    if pairing.forecast.size and np.ptp(pairing.forecast) == 0:
        return "All forecasts are the same, so there is no calibration to show."
    figures = np.concatenate([pairing.forecast, pairing.outcome])
    if not np.all(np.abs(figures) < ABSURD):
        return (
            "Some forecasts or outcomes are not finite, or beyond all sense: there is no calibration to show."
        )
    return "Too few forecasts, or too few that differ: there is no calibration to show."


def _epochs_chart(view: RunView) -> Chart | str:
    if not view.epochs:
        return view.epochs_missing or "This run has no epochs."
    unit = "boosting round" if view.model in BOOSTERS else "epoch"
    members: dict[tuple[int, int], list[Epoch]] = {}
    for epoch in view.epochs:
        members.setdefault((epoch.fold, epoch.seed), []).append(epoch)
    drawn, rows = [], []
    for (fold, seed), unsorted in sorted(members.items()):
        epochs = sorted(unsorted, key=lambda epoch: epoch.epoch)
        best = next((i for i, epoch in enumerate(epochs) if epoch.best), None)
        drawn.append(
            Member(
                epoch=_column(epochs, "epoch"),
                loss=_column(epochs, "loss"),
                val_loss=_column(epochs, "val_loss"),
                pred_std=_column(epochs, "pred_std"),
                positive=_column(epochs, "pos_pct"),
                best=best,
            )
        )
        kept = epochs[-1] if best is None else epochs[best]
        rows.append(
            (
                f"fold {fold}, seed {seed}",
                str(epochs[-1].epoch),
                "not marked" if best is None else str(kept.epoch),
                _plain(epochs[-1].loss, 4),
                _plain(epochs[-1].val_loss, 4),
                _plain(kept.val_loss, 4),
                _plain(kept.pred_std, 4),
                written(kept.pos_pct / 100, "share"),
            )
        )
    best_epochs = [e.epoch for e in view.epochs if e.best]
    kept_text = (
        f"The kept {unit}s lie between {min(best_epochs)} and {max(best_epochs)}."
        if best_epochs
        else f"No {unit} is marked as the one that was kept."
    )
    level = " Losses are drawn in percent of each member's first." if relative_losses(drawn) else ""
    gist = (
        f"Training and validation loss of {_counted(len(drawn), 'member')} (fold and seed), and what their "
        f"validation forecasts looked like. {kept_text}{level}"
    )
    more = len(rows) - MOST_ROWS
    table = Table(
        f"Each member's training: loss at the last {unit}, and its forecasts at the one that was kept",
        (
            "Member",
            f"Last {unit}",
            "Kept",
            "Loss, last",
            "Val. loss, last",
            "Val. loss, kept",
            "pred_std",
            "Positive",
        ),
        tuple(rows[:MOST_ROWS]),
        note=f"{more} more members are in the log." if more > 0 else "",
    )
    return Chart(epochs_drawing("epochs", gist, drawn, unit), gist, table)


def _column(epochs: Sequence[Epoch], name: str) -> Floats:
    return np.array([getattr(epoch, name) for epoch in epochs], np.float64)


def _years_table(view: RunView) -> Table | None:
    if not view.years:
        return None
    rows = tuple(
        (
            str(year.year),
            str(year.rows),
            written(year.strategy, "return"),
            written(year.buy_and_hold, "return"),
            written(year.max_drawdown, "share"),
            _plain(year.turnover, 2),
        )
        for year in view.years
    )
    columns = (
        "Year",
        "Rows",
        "Strategy, net",
        "Buy and hold, net",
        "Max drawdown",
        "Turnover: sum of trades / equity",
    )
    return Table("By calendar year in which returns became known", columns, rows)


def _folds_table(view: RunView) -> Table | str:
    if view.folds is None:
        return (
            "This run was made by a version that did not measure folds by themselves; train again for them."
        )
    if not view.folds:
        return "This run has no fold of its own to show."
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
    return Table("The test rows of each fold", (*columns, "Strategy, net", "Buy and hold, net"), rows)


def _weights_chart(weights: Weights | None) -> Chart | None:
    if weights is None or not weights.days:
        return None
    latest = ", ".join(f"{model} {_weight(values[-1])}" for model, values in weights.models.items())
    gist = (
        f"Weights of {_counted(len(weights.models), 'base model')} over "
        f"{_counted(len(weights.days), 'block')}, each decided from earlier forecasts only. "
        f"From {weights.days[-1]}: {latest}."
    )
    rows = tuple(
        (str(day), *(_weight(values[i]) for values in weights.models.values()))
        for i, day in enumerate(weights.days)
    )
    table = Table(
        "Weights from each day on",
        ("From", *weights.models),
        rows[-MOST_ROWS:],
        note=f"The last {MOST_ROWS} of {len(rows)} blocks." if len(rows) > MOST_ROWS else "",
    )
    lines = {model: values.tolist() for model, values in weights.models.items()}
    return Chart(weights_drawing("weights", gist, weights.days, lines), gist, table)


def _weight(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "left out"


def _rivals_table(view: RunView) -> Table | None:
    if not view.rivals:
        return None
    rows = tuple(
        (
            rival.name,
            written(rival.correlation, "number"),
            written(rival.r2, "return"),
            written(rival.accuracy, "share"),
            written(rival.sharpe, "ratio"),
            written(rival.gain, "points") if rival.gain is None else f"{100 * rival.gain:+.2f} pp",
            "undefined" if rival.gain_error is None else f"{100 * rival.gain_error:.2f} pp",
        )
        for rival in view.rivals
    )
    columns = ("Instead of the stack", "Correlation", "R²", "Accuracy", "Sharpe", "R² of the stack above it")
    return Table(
        "Simpler alternatives on the same days, under the same trading rule",
        (*columns, "Standard error"),
        rows,
    )


def _ladder_table(view: RunView) -> Table | None:
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


def _scorecard_table(view: RunView) -> Table | None:
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
    columns = ("Figure", *(_words(path) for path in paths), "Better")
    return Table("Strategy beside its baselines, on the same days and costs", columns, rows)


def _figures_table(view: RunView) -> Table | None:
    if not view.figures:
        return None
    rows = tuple(
        (f.name, written(f.value, f.unit), "not counted" if f.n is None else str(f.n), f.better)
        for f in view.figures
    )
    return Table("Final metrics, as in the log", ("Figure", "Value", "Rows", "Better"), rows)


def _trained_table(view: RunView) -> Table | None:
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


def _pairs(caption: str, pairs: Iterable[tuple[str, str]]) -> Table | None:
    rows = tuple(pairs)
    return Table(caption, ("Name", "Value"), rows, prose=True) if rows else None


def _words(name: str) -> str:
    return name.replace("_", " ")


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


# Several runs side by side. Runs are called A, B, C in the tables, so that those fit.


def _letters(view: CompareView) -> list[tuple[str, RunView]]:
    return [(_letter(i), run) for i, run in enumerate(view.runs)]


def _letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else f"R{i + 1}"


def _called(run: RunView) -> str:
    return f"{run.symbol} {run.model}" + (" backtest" if run.kind == "backtest" else "")


def _heads(view: CompareView) -> tuple[str, ...]:
    return tuple(f"{letter}: {_called(run)}" for letter, run in _letters(view))


def _overview_table(view: CompareView) -> Table:
    facts = (
        ("Status", [run.status for run in view.runs]),
        ("Health", [", ".join(run.health.codes) if run.health else "not measured" for run in view.runs]),
        ("Doctor", [run.diagnosis.cause if run.diagnosis else "not applicable" for run in view.runs]),
        ("Verdict", [run.verdict for run in view.runs]),
        ("Kind", [run.kind for run in view.runs]),
        ("Recipe", [run.recipe for run in view.runs]),
        ("Test days (of decision)", [_span(run) for run in view.runs]),
        ("Finished", [run.finished_at[:16].replace("T", " ") for run in view.runs]),
    )
    rows = tuple((name, *texts) for name, texts in facts)
    return Table("Status, health and days of each run", ("Fact", *_heads(view)), rows, prose=True)


def _span(run: RunView) -> str:
    if run.equity is None or run.equity.decided is None:
        return "not readable"
    first, last = run.equity.decided
    return f"{len(run.equity.days)}, {first} to {last}"


def _row(label: str, values: Sequence[float | None], unit: Unit, better: Better) -> tuple[str, ...]:
    """Return one row, the best value marked in words where there is one."""
    texts = [written(value, unit) for value in values]
    known = [value for value in values if value is not None and np.isfinite(value)]
    if better == "neither" or len(known) < 2 or len(set(texts)) == 1:
        return (label, *texts)
    best = max(known) if better == "higher" else min(known)
    shown = written(best, unit)
    return (label, *(f"{text} (best)" if text == shown else text for text in texts))


def _marked(view: CompareView) -> bool:
    """Whether one run can be called the best over its own days."""
    return view.same_days and view.alike


def _side_by_side(view: CompareView) -> Table:
    names = dict.fromkeys(figure.name for run in view.runs for figure in run.figures)
    rows = []
    for name in names:
        found = [run.figure(name) for run in view.runs]
        first = next(figure for figure in found if figure is not None)
        values = [None if figure is None else figure.value for figure in found]
        marked = _marked(view) and name not in BASELINE_FIGURES
        row = _row(name, values, first.unit, first.better if marked else "neither")
        texts = ("none" if figure is None else text for figure, text in zip(found, row[1:], strict=True))
        rows.append((name, *texts))
    return Table("Final metrics, over each run's own days", ("Figure", *_heads(view)), tuple(rows))


def _scores_side_by_side(view: CompareView) -> Table:
    names = dict.fromkeys(score.name for run in view.runs for score in run.scores)
    rows = []
    for name in names:
        score = next(s for run in view.runs for s in run.scores if s.name == name)
        values = [run.score(name).get(STRATEGY) for run in view.runs]
        label = view.runs[0].labels.get(name, name)
        rows.append(_row(label, values, score.unit, score.better if _marked(view) else "neither"))
    return Table(
        "Scorecard of the strategies, over each run's own days", ("Figure", *_heads(view)), tuple(rows)
    )


def _common_chart(view: CompareView) -> Chart | None:
    if view.common is None:
        return None
    words = dict(zip((run.name for run in view.runs), _heads(view), strict=True))
    return _wealth_chart("common", "Equity of the runs on their common days", view.common, words)


def _common_table(view: CompareView) -> Table | None:
    if not view.common_figures:
        return None

    def row(score: Score) -> tuple[str, ...]:
        return _row(
            score.name,
            [dict(score.values).get(run.name) for run in view.runs],
            score.unit,
            score.better if view.alike else "neither",
        )

    rows = tuple(row(score) for score in view.common_figures)
    days = len(view.common.days) if view.common else 0
    return Table(f"On the {days} common days alone", ("Figure", *_heads(view)), rows, note=view.common_note)


def _wide(caption: str, view: CompareView, pairs: Sequence[tuple[str, tuple[str, ...]]]) -> Table | None:
    rows = tuple((name, *texts) for name, texts in pairs)
    return Table(caption, ("Name", *_heads(view)), rows, prose=True) if rows else None


def _years_side_by_side(view: CompareView) -> Table | None:
    years = sorted({year.year for run in view.runs for year in run.years})
    if not years:
        return None
    known = [{year.year: year for year in run.years} for run in view.runs]
    rows = tuple(
        _row(
            str(year),
            [of[year].strategy if year in of else None for of in known],
            "return",
            "higher" if _marked(view) else "neither",
        )
        for year in years
    )
    rows = tuple(
        (row[0], *("no days" if year not in of else text for text, of in zip(row[1:], known, strict=True)))
        for row, year in zip(rows, years, strict=True)
    )
    return Table("Net return of the strategies, by year", ("Year", *_heads(view)), rows)
