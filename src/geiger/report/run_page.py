"""The page of one run: from its view record to one HTML file that needs nothing else.

No network and no other file; its two scripts stand in it, and without them all of it can be read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from geiger.backtest.baselines import BUY_AND_HOLD
from geiger.figures import STRATEGY, FigureName, ScoreName
from geiger.records import Epoch
from geiger.report.charts import (
    ABSURD,
    Member,
    binned,
    calibration_drawing,
    epochs_drawing,
    relative_losses,
    weights_drawing,
)
from geiger.report.parts import (
    MEANINGS,
    MOST_ROWS,
    SHAPES,
    Chart,
    KeyFigure,
    Table,
    alarms_of,
    answered,
    counted,
    is_alarm,
    plain,
    render,
    wealth_chart,
    written,
)
from geiger.report.path_parts import (
    costs_chart,
    distribution_chart,
    falls_table,
    gates_table,
    held_chart,
    importances_chart,
    months_table,
    rolling_ic_chart,
    rolling_sharpe_chart,
    sharpe_table,
    stays_table,
)
from geiger.report.tables import (
    figures_table,
    folds_table,
    ladder_table,
    pairs_table,
    scorecard_table,
    trained_table,
    years_table,
)
from geiger.report.view import Floats, Pairing, RunView, Weights
from geiger.settings.models import GROUPS

STEEPEST = 1e6  # a calibration line steeper than this is not drawn


def run_page(view: RunView) -> str:
    """Return the page of one run."""
    paths = view.paths
    alarms = alarms_of(view)
    return render(
        "run.html.j2",
        view=view,
        title=f"{view.symbol}, {view.model}",
        shape=SHAPES.get(view.status, "square"),
        meaning=MEANINGS.get(view.status, "not a status that this version knows"),
        answer=answered(view.gist, alarms),
        alarms=alarms,
        key_figures=_key_figures(view) if view.figures else [],
        equity=_equity_chart(view),
        falls=falls_table(paths),
        months=months_table(paths.months),
        calibration=_calibration_chart(view),
        rolling_ic=rolling_ic_chart(paths),
        sharpe_range=sharpe_table(paths.sharpe_range),
        rolling_sharpe=rolling_sharpe_chart(paths),
        distribution=distribution_chart(paths),
        weights_held=held_chart(paths.positions),
        stays=stays_table(paths.positions),
        costs=costs_chart(paths),
        importances=importances_chart(view.importances),
        epochs=epochs_chart(view),
        years=years_table(view),
        folds=folds_table(view),
        weights=weights_chart(view.weights),
        rivals=_rivals_table(view),
        checkpoints=view.checkpoints,
        ladder=ladder_table(view),
        gates=gates_table(view.gates),
        scorecard=scorecard_table(view),
        all_figures=figures_table(view),
        trained=trained_table(view),
        notices=[notice for notice in view.notices if not is_alarm(notice)],
        data=pairs_table("Where the prices came from", view.data),
        settings=pairs_table("Settings that shaped this run", view.settings),
        idle=pairs_table("Settings of models that this run did not use", view.idle_settings),
        environment=pairs_table("Machine and versions", view.environment),
    )


def _key_figures(view: RunView) -> list[KeyFigure]:
    def text(name: FigureName) -> str:
        return _figure(view, name)

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
    return wealth_chart("equity", "Equity and drawdown, net of costs", view.equity)


def _calibration_chart(view: RunView) -> Chart | str:
    pairing = view.pairing
    if pairing is None:  # what could not be read is said further up
        return ""
    bins = binned(pairing.forecast, pairing.outcome)
    if bins is None:
        return _no_bins(pairing)
    beta = view.health.beta if view.health else None
    covered = int(np.sum(np.abs(bins.outcome - bins.forecast) <= bins.error))
    slope = "undefined" if beta is None else plain(beta, 2)
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


def epochs_chart(view: RunView) -> Chart | None:
    """Return how losses and forecasts came out by epoch; None of a run that has none."""
    if not view.epochs:
        return None
    unit = "boosting round" if view.model in GROUPS["gbm"] else "epoch"
    members: dict[tuple[int, int], list[Epoch]] = {}
    for epoch in view.epochs:
        members.setdefault((epoch.fold, epoch.seed), []).append(epoch)
    drawn, rows = [], []
    for (fold, seed), unsorted in sorted(members.items()):
        epochs = sorted(unsorted, key=lambda epoch: epoch.epoch)
        best = next((i for i, epoch in enumerate(epochs) if epoch.best), None)
        drawn.append(_member(epochs, best))
        rows.append((f"fold {fold}, seed {seed}", *_member_cells(epochs, best)))
    best_epochs = [e.epoch for e in view.epochs if e.best]
    kept_text = (
        f"The kept {unit}s lie between {min(best_epochs)} and {max(best_epochs)}."
        if best_epochs
        else f"No {unit} is marked as the one that was kept."
    )
    level = " Losses are drawn in percent of each member's first." if relative_losses(drawn) else ""
    gist = (
        f"Training and validation loss of {counted(len(drawn), 'member')} (fold and seed), and what their "
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


def _member(epochs: Sequence[Epoch], best: int | None) -> Member:
    return Member(
        epoch=_column(epochs, "epoch"),
        loss=_column(epochs, "loss"),
        val_loss=_column(epochs, "val_loss"),
        pred_std=_column(epochs, "pred_std"),
        positive=_column(epochs, "pos_pct"),
        best=best,
    )


def _member_cells(epochs: Sequence[Epoch], best: int | None) -> tuple[str, ...]:
    """Return the cells behind a member's name: its last epoch, and the one that was kept."""
    last, kept = epochs[-1], epochs[-1 if best is None else best]
    return (
        str(last.epoch),
        "not marked" if best is None else str(kept.epoch),
        plain(last.loss, 4),
        plain(last.val_loss, 4),
        plain(kept.val_loss, 4),
        plain(kept.pred_std, 4),
        written(kept.pos_pct / 100, "share"),
    )


def _column(epochs: Sequence[Epoch], name: str) -> Floats:
    return np.array([getattr(epoch, name) for epoch in epochs], np.float64)


def weights_chart(weights: Weights | None) -> Chart | None:
    """Return the weights of a stack over time; None of another model."""
    if weights is None or not weights.days:
        return None
    latest = ", ".join(f"{model} {_weight(values[-1])}" for model, values in weights.models.items())
    gist = (
        f"Weights of {counted(len(weights.models), 'base model')} over "
        f"{counted(len(weights.days), 'block')}, each decided from earlier forecasts only. "
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
    """Return a stack beside its rivals, itself first."""
    if not view.rivals:
        return None
    own = (
        "the stack itself",
        _figure(view, FigureName.CORRELATION),
        _figure(view, FigureName.R2),
        _figure(view, FigureName.DIRECTION_ACCURACY),
        _figure(view, FigureName.SHARPE),
        "",
        "",
    )
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
    columns = (
        "Forecast",
        "Correlation",
        "R²",
        "Direction accuracy",
        "Sharpe ratio",
        "R² of the stack above it",
    )
    caption = "The stack and simpler alternatives, on the same days under the same trading rule"
    clear = sum((one.gain or 0.0) > 1.96 * (one.gain_error or math.inf) for one in view.rivals)
    note = f"The stack's R² lies above that of {clear} of {len(rows)} by more than 1.96 standard errors."
    return Table(caption, (*columns, "Standard error"), (own, *rows), note=note)


def _figure(view: RunView, name: FigureName) -> str:
    figure = view.figure(name)
    return "not measured" if figure is None else written(figure.value, figure.unit)
