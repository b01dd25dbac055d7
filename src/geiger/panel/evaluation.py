"""What a panel's forecasts were worth: the cross-section, a long/short portfolio, and the plan's figures.

The portfolio of the ledger is long the symbols above the mean score of the day and short those below, half
of equity each; scores are smoothed over days, so that it trades less. "Buy and hold" is all symbols alike,
set anew every day.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from geiger import metrics
from geiger.backtest.baselines import BUY_AND_HOLD
from geiger.backtest.scorecard import Scorecard, scorecard
from geiger.backtest.yardsticks import Measured, checkpoints
from geiger.blas import one_blas_thread
from geiger.cross_section import CrossSection
from geiger.evidence.cross_section import rank_ic
from geiger.experiment.evaluation import (
    Evaluation,
    costs_of,
    ladder_of,
    measured_sharpe,
    status_of,
    trading_figures,
    worth_of_sharpe,
)
from geiger.figures import FigureName, ScoreName
from geiger.panel.alarms import panel_alarms
from geiger.panel.cross_section import Scored, measured, scored_of, traded
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import Floats
from geiger.panel.walk import PanelWalk
from geiger.records import Figure, FoldScore, Health, HealthCode, Notice
from geiger.settings import Config

NOTHING_ISSUED = (
    "earlier scores were worth nothing, so the slope that they are scaled by is all but 0 and nothing of "
    "them is issued"
)


@one_blas_thread()
def evaluate_panel(
    material: PanelMaterial, made: PanelWalk, config: Config, health: Health | None = None
) -> Evaluation:
    """Trade the scores, and measure scores, forecasts and ledger.

    Every row that is measured was forecast by a fold that had not seen it; of rows with stale opens nothing
    is measured.

    Parameters
    ----------
    health : Health, optional
        Of these very forecasts, where it was measured before.
    """
    days_per_year, least = material.market.days_per_year, config.panel.least_names
    scored, costs = scored_of(material, made, config.horizon), costs_of(config)
    own = traded(scored, least=least, costs=costs, days_per_year=days_per_year)
    ledger, others = own.ledger, own.baselines
    card = scorecard(ledger, others, days_per_year, cash_yield=config.trading.cash_yield, seed=config.seed)
    across = measured(scored, least=least, costs=costs, days_per_year=days_per_year)
    if health is None:
        learned = min(fold.learned_rows for fold in made.folds)
        health = health_of(made.forecasts, learned, config.horizon)
    figures = (
        *_forecast_figures(made.forecasts, health, card.value(ScoreName.SHARPE), len(ledger)),
        FigureName.BUY_AND_HOLD_SHARPE.of(card.value(ScoreName.SHARPE, BUY_AND_HOLD), ledger.height),
        *worth_of_sharpe(ledger["net"].to_numpy(), card, days_per_year, config),
        *trading_figures(card),
    )
    return Evaluation(
        ledger=ledger,
        baselines=others,
        scorecard=card,
        health=health,
        figures=figures,
        checkpoints=checkpoints(
            completed=True,
            pred_std=health.k,
            share_above_mean=health.above_mean,
            positive_share=health.positive,
            wfe=None,
            beat=card.value(ScoreName.BEAT_BUY_AND_HOLD),
            health=health.code,
            cost_bps=config.trading.cost_bps + config.trading.slippage_bps,
            break_even_bps=card.value(ScoreName.BREAK_EVEN_COST),
        ),
        rungs=ladder_of(card, figures, None),
        notices=_alarms(scored, card, ledger["net"].to_numpy(), across, days_per_year, config),
        status=status_of(health),
        folds=_fold_scores(made.forecasts, ledger, others[BUY_AND_HOLD]),
        cross_section=across,
    )


def _alarms(
    scored: Scored, card: Scorecard, net: Floats, across: CrossSection, days_per_year: int, config: Config
) -> tuple[Notice, ...]:
    """Return the alarms of a leak, each figure with its standard error."""
    share, error = across.explained, across.explained_error
    return panel_alarms(
        rank_ic(scored.scores, scored.outcomes, across.least_names),
        pl.Series(scored.day),
        across.members,
        sharpe=measured_sharpe(net, card, days_per_year, config),
        r2=None if share is None or error is None else Measured(share, error),
    )


def health_of(forecasts: pl.DataFrame, learned_rows: int, horizon: int = 1) -> Health:
    """Return the health of a panel's selection; errors hold the symbols of a day together."""
    forecast, outcome = beyond_the_day(forecasts)
    day = forecasts["day"].rank("dense").to_numpy() - 1
    found = metrics.health(forecast, outcome, 0.0, 1.0, learned_rows, horizon, day=day)
    if found.code is HealthCode.COLLAPSED_CONSTANT and float(np.ptp(forecasts["score"].to_numpy())) > 0.0:
        # The scores differ; that nothing of them is issued is what earlier forecasts were worth.
        return replace(found, code=HealthCode.NO_SKILL, also=(), meaning=NOTHING_ISSUED)
    return found


def beyond_the_day(forecasts: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return forecasts and outcomes (n,) beyond the mean of their day, in daily volatilities.

    How the whole market does drowns what symbols do against each other, which is what a panel forecasts.
    """
    unit = pl.col("volatility")
    outcome = pl.col("outcome") / unit
    found = forecasts.select(
        forecast=pl.col("forecast") / unit - pl.col("market"), outcome=outcome - outcome.mean().over("day")
    )
    return found["forecast"].to_numpy(), found["outcome"].to_numpy()


def _forecast_figures(
    forecasts: pl.DataFrame, health: Health, sharpe: float | None, traded: int
) -> tuple[Figure, ...]:
    """Return the plan's five figures, in the plan's order, then ours."""
    forecast, outcome = beyond_the_day(forecasts)
    accuracy, base = metrics.direction_accuracy(forecast, outcome), metrics.base_rate(outcome)
    gain = None if accuracy is None or base is None else accuracy - base
    n = forecasts.height
    return (
        FigureName.DIRECTION_ACCURACY.of(accuracy, n),
        FigureName.PREDICTION_STD.of(health.k, n),
        FigureName.POSITIVE_SHARE.of(health.positive, n),
        FigureName.WFE.of(None, n),
        FigureName.SHARPE.of(sharpe, traded),
        FigureName.BASE_RATE.of(base, n),
        FigureName.ABOVE_BASE_RATE.of(gain, n),
        FigureName.CORRELATION.of(health.rho, n),
        FigureName.CALIBRATION_SLOPE.of(health.beta, n),
        FigureName.R2.of(metrics.r2_oos(forecast, outcome, 0.0), n),
        FigureName.ABOVE_MEAN_SHARE.of(health.above_mean, n),
    )


def _fold_scores(
    forecasts: pl.DataFrame, ledger: pl.DataFrame, market: pl.DataFrame
) -> tuple[FoldScore, ...]:
    """Return what came of each fold's forecasts; portfolio and market by the days of the fold."""
    nets = ledger.select("day", net="net").join(market.select("day", market="net"), on="day")
    found = []
    for (fold,), rows in forecasts.group_by("fold", maintain_order=True):
        forecast, outcome = beyond_the_day(rows)
        traded = nets.join(rows.select("day").unique(), on="day", how="semi")
        grown = [float((1.0 + traded[name].to_numpy()).prod() - 1.0) for name in ("net", "market")]
        found.append(
            FoldScore(
                fold=int(str(fold)),
                first=str(rows["day"][0]),
                last=str(rows["day"][-1]),
                rows=rows.height,
                rho=metrics.correlation(forecast, outcome),
                k=metrics.pred_std(forecast, outcome),
                above_mean=metrics.share_above(forecast, 0.0),
                accuracy=metrics.direction_accuracy(forecast, outcome),
                net=grown[0] if traded.height else None,
                buy_and_hold=grown[1] if traded.height else None,
            )
        )
    return tuple(found)
