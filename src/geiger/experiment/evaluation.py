"""From stitched forecasts to positions, ledger and figures: the same steps for every model.

Whatever is measured here was made by a fold that had not seen it. In-sample forecasts serve one figure
only, the walk-forward efficiency.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger import metrics
from geiger.backtest.baselines import BUY_AND_HOLD, baselines
from geiger.backtest.costs import Costs
from geiger.backtest.figures import sharpe, total_return, wfe
from geiger.backtest.scorecard import Scorecard, scorecard
from geiger.backtest.simulate import simulate, simulate_many
from geiger.backtest.sizing import Sizing, decide, weigh
from geiger.backtest.yardsticks import Measured, alarms, checkpoints, ladder
from geiger.blas import one_blas_thread
from geiger.checks.collapse import diagnose
from geiger.cross_section import CrossSection
from geiger.evidence.direction import pesaran_timmermann
from geiger.evidence.sharpe import lo_factor, probabilistic_sharpe
from geiger.experiment.material import Material
from geiger.figures import FigureName, ScoreName
from geiger.records import (
    Checkpoint,
    Diagnosis,
    Figure,
    FoldScore,
    Health,
    Notice,
    Rival,
    Rung,
    Status,
    Training,
)
from geiger.runs.record import Results
from geiger.settings import RISK, Config

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """What the forecasts were worth, in all the words the log knows."""

    ledger: pl.DataFrame
    baselines: dict[str, pl.DataFrame]
    scorecard: Scorecard
    health: Health
    figures: tuple[Figure, ...]
    checkpoints: tuple[Checkpoint, ...]
    rungs: tuple[Rung, ...]
    notices: tuple[Notice, ...]
    status: Status
    folds: tuple[FoldScore, ...]
    diagnosis: Diagnosis | None = None  # of networks
    rivals: tuple[Rival, ...] = ()  # of a stack
    cross_section: CrossSection | None = None  # of a panel

    def results(self) -> Results:
        """Return every figure, as the run's record keeps it."""
        card = self.scorecard
        return Results(
            health=self.health,
            diagnosis=self.diagnosis,
            figures=self.figures,
            checkpoints=self.checkpoints,
            ladder=self.rungs,
            scores=card.scores,
            years=card.years,
            folds=self.folds,
            rivals=self.rivals,
            cross_section=self.cross_section,
        )


@one_blas_thread()
def evaluate(
    forecasts: pl.DataFrame,
    in_sample: pl.DataFrame,
    material: Material,
    config: Config,
    trainings: Sequence[Training] = (),
    rivals: pl.DataFrame | None = None,
) -> Evaluation:
    """Trade the stitched forecasts, and measure forecasts and ledger.

    Parameters
    ----------
    forecasts : FORECASTS frame
        Test rows of all folds; every outcome is known.
    in_sample : IN_SAMPLE frame
    trainings : sequence of Training
        How the training of each network of the folds went; empty for other models.
    rivals : RIVALS frame, optional
        The simpler alternatives to a stack, on the days of `forecasts`.
    """
    days_per_year = material.market.days_per_year
    ledger = trade(forecasts, material, config)
    last_returns = material.simple_returns_on(forecasts["day"])
    others = baselines(ledger, last_returns, costs_of(config), days_per_year)
    card = scorecard(ledger, others, days_per_year, cash_yield=config.trading.cash_yield, seed=config.seed)
    efficiency, reason = _efficiency(ledger, forecasts, in_sample, material, config)
    health = health_of(forecasts, in_sample, config.horizon)
    copies = metrics.correlation(forecasts["forecast"].to_numpy(), last_returns)
    trainings = [replace(training, copies_yesterday=copies) for training in trainings]
    diagnosis = diagnose(health, trainings) if trainings else None
    figures = (
        *_forecast_figures(forecasts, health, efficiency, card),
        *_train_figures(in_sample, material),
        *_network_figures(trainings),
        *worth_of_sharpe(ledger["net"].to_numpy(), card, days_per_year, config),
        *trading_figures(card),
    )
    return Evaluation(
        ledger=ledger,
        baselines=others,
        scorecard=card,
        health=health,
        figures=figures,
        checkpoints=_checkpoints(card, health, efficiency, reason, config),
        rungs=ladder_of(card, figures, efficiency),
        notices=_alarms(forecasts, ledger["net"].to_numpy(), card, days_per_year, config) + _fault(diagnosis),
        status=status_of(health),
        folds=_fold_scores(forecasts, ledger, others[BUY_AND_HOLD]),
        diagnosis=diagnosis,
        rivals=() if rivals is None else _rivals(forecasts, rivals, material, config),
    )


def _checkpoints(
    card: Scorecard, health: Health, efficiency: float | None, reason: str | None, config: Config
) -> tuple[Checkpoint, ...]:
    """Return the plan's checkpoints of a run that came to its end."""
    return checkpoints(
        completed=True,
        pred_std=health.k,
        share_above_mean=health.above_mean,
        positive_share=health.positive,
        wfe=efficiency,
        wfe_reason=reason,
        beat=card.value(ScoreName.BEAT_BUY_AND_HOLD),
        health=health.code,
        cost_bps=config.trading.cost_bps + config.trading.slippage_bps,
        break_even_bps=card.value(ScoreName.BREAK_EVEN_COST),
    )


def ladder_of(card: Scorecard, figures: Iterable[Figure], efficiency: float | None) -> tuple[Rung, ...]:
    """Return the plan's ladder."""
    value = {figure.name: figure.value for figure in figures}
    return ladder(
        sharpe=card.value(ScoreName.SHARPE),
        direction_accuracy=value[FigureName.DIRECTION_ACCURACY],
        beat=card.value(ScoreName.BEAT_BUY_AND_HOLD),
        max_drawdown=card.value(ScoreName.MAX_DRAWDOWN),
        wfe=efficiency,
    )


def _rivals(
    forecasts: pl.DataFrame, rivals: pl.DataFrame, material: Material, config: Config
) -> tuple[Rival, ...]:
    """Measure the alternatives to a stack as the stack itself is measured."""
    outcome, mean = forecasts["outcome"].to_numpy(), forecasts["train_mean"].to_numpy()
    found = []
    for (name,), rows in rivals.group_by("rival", maintain_order=True):
        on_days = forecasts.select("day").join(rows, on="day", how="left", maintain_order="left")
        values = on_days["forecast"].to_numpy()
        net = trade(forecasts.with_columns(pl.Series("forecast", values)), material, config)["net"].to_numpy()
        gain = metrics.r2_gain(forecasts["forecast"].to_numpy(), values, outcome, mean)
        found.append(
            Rival(
                name=str(name),
                correlation=metrics.correlation(values, outcome),
                r2=metrics.r2_oos(values, outcome, mean),
                accuracy=metrics.direction_accuracy(values, outcome),
                sharpe=sharpe(net, material.market.days_per_year, config.trading.cash_yield),
                gain=None if gain is None else gain[0],
                gain_error=None if gain is None else gain[1],
            )
        )
    return tuple(found)


def _fold_scores(
    forecasts: pl.DataFrame, ledger: pl.DataFrame, market: pl.DataFrame
) -> tuple[FoldScore, ...]:
    """Measure the test rows of each fold by themselves."""
    nets = ledger.select("day", "net").with_columns(held=market["net"])
    return tuple(
        _fold_score(rows)
        for _, rows in forecasts.join(nets, on="day", how="left", maintain_order="left").group_by(
            "fold", maintain_order=True
        )
    )


def _fold_score(rows: pl.DataFrame) -> FoldScore:
    forecast, outcome = rows["forecast"].to_numpy(), rows["outcome"].to_numpy()
    return FoldScore(
        fold=int(rows["fold"][0]),
        first=str(rows["day"][0]),
        last=str(rows["day"][-1]),
        rows=rows.height,
        rho=metrics.correlation(forecast, outcome),
        k=metrics.pred_std(forecast, outcome),
        above_mean=metrics.share_above(forecast, rows["train_mean"].to_numpy()),
        accuracy=metrics.direction_accuracy(forecast, outcome),
        net=total_return(rows["net"].to_numpy()),
        buy_and_hold=total_return(rows["held"].to_numpy()),
    )


def status_of(health: Health) -> Status:
    """Return what a run with forecasts of such health ends as."""
    if health.failed:
        return Status.FAILED
    return Status.COLLAPSED if health.collapsed else Status.SUCCESS


def costs_of(config: Config) -> Costs:
    """Return the rates of `config` as the backtest takes them."""
    return Costs.of(config.trading)


def sizing_of(config: Config, days_per_year: int) -> Sizing:
    """Return the sizing rule of `config`; the threshold sees the whole cost of a trade."""
    trading = config.trading
    volatility_target, leverage_cap = RISK[trading.risk]
    return Sizing(
        rule=trading.rule,
        volatility_target=volatility_target,
        leverage_cap=leverage_cap,
        holding_days=trading.holding_days,
        cost_bps=trading.cost_bps + trading.slippage_bps,
        days_per_year=days_per_year,
        allow_short=trading.allow_short,
    )


def expected_simple(forecast: Floats, train_std: Floats | float, config: Config) -> Floats:
    """Return the expected simple return (n,) of log-return forecasts (n,).

    ``expm1(forecast)`` is the median of a log-normal outcome; its mean lies half a variance higher, 0.7 bp
    a day at a deviation of 1.2%, enough to turn the sign of a weak forecast. The variance is that of the
    fold's train rows on every day, calm or not (docs/decisions/0014).
    """
    half_variance = 0.5 * np.square(train_std) if config.back_transform == "mean" else 0.0
    return np.asarray(np.expm1(forecast + half_variance))


def positions(forecasts: pl.DataFrame, material: Material, config: Config) -> pl.DataFrame:
    """Return the WEIGHTS frame of a FORECASTS frame: each row's is decided at its own close."""
    expected = expected_simple(forecasts["forecast"].to_numpy(), forecasts["train_std"].to_numpy(), config)
    volatility = material.volatility_on(forecasts["day"])
    return weigh(forecasts["day"], expected, volatility, sizing_of(config, material.market.days_per_year))


def trade(forecasts: pl.DataFrame, material: Material, config: Config) -> pl.DataFrame:
    """Return the LEDGER frame of a FORECASTS frame: sized, filled and paid for by the rules of `config`."""
    weights = positions(forecasts, material, config)
    rows = material.target.join(forecasts.select("day"), on="day", how="semi")
    return simulate(rows, weights, costs_of(config), material.market.days_per_year)


def _efficiency(
    ledger: pl.DataFrame, forecasts: pl.DataFrame, in_sample: pl.DataFrame, material: Material, config: Config
) -> tuple[float | None, str | None]:
    """Return the walk-forward efficiency, or None and why it is undefined."""
    sizing = sizing_of(config, material.market.days_per_year)
    spread = dict(forecasts.group_by("fold").agg(pl.col("train_std").first()).iter_rows())
    simple = material.target.select("day", "simple")
    nets = []
    for (fold,), rows in in_sample.join(simple, on="day", maintain_order="left").group_by(
        "fold", maintain_order=True
    ):
        expected = expected_simple(rows["forecast"].to_numpy(), spread[fold], config)
        weight = decide(expected, material.volatility_on(rows["day"]), sizing)
        paths = simulate_many(
            rows["simple"].to_numpy(), weight[:, None], costs_of(config), material.market.days_per_year
        )
        nets.append(paths.net[:, 0])
    found = wfe(ledger["net"].to_numpy(), nets)
    return found, None if found is not None else "the in-sample net return is not above 0"


def health_of(forecasts: pl.DataFrame, in_sample: pl.DataFrame, horizon: int = 1) -> Health:
    """Return the health of test forecasts, each beside what its fold learned from."""
    counts = in_sample.group_by("fold").len("n_train").with_columns(pl.col("n_train").cast(pl.Float64))
    rows = forecasts.join(counts, on="fold", how="left", maintain_order="left")
    forecast, outcome = rows["forecast"].to_numpy(), rows["outcome"].to_numpy()
    train_mean, train_std, n_train = (
        rows[name].to_numpy() for name in ("train_mean", "train_std", "n_train")
    )
    return metrics.health(forecast, outcome, train_mean, train_std, n_train, horizon)


def _forecast_figures(
    forecasts: pl.DataFrame, health: Health, efficiency: float | None, card: Scorecard
) -> tuple[Figure, ...]:
    """Return the plan's five figures, in the plan's order, then ours."""
    forecast, outcome = forecasts["forecast"].to_numpy(), forecasts["outcome"].to_numpy()
    train_mean = forecasts["train_mean"].to_numpy()
    accuracy, base = metrics.direction_accuracy(forecast, outcome), metrics.base_rate(outcome)
    centred = pesaran_timmermann(forecast - train_mean, outcome)
    n = forecasts.height
    return (
        FigureName.DIRECTION_ACCURACY.of(accuracy, n),
        FigureName.PREDICTION_STD.of(health.k, n),
        FigureName.POSITIVE_SHARE.of(health.positive, n),
        FigureName.WFE.of(efficiency, n),
        FigureName.SHARPE.of(card.value(ScoreName.SHARPE), n),
        FigureName.BASE_RATE.of(base, n),
        FigureName.ABOVE_BASE_RATE.of(_difference(accuracy, base), n),
        FigureName.DIRECTION_TEST_P.of(centred.p_value, n),
        FigureName.CORRELATION.of(health.rho, n),
        FigureName.CALIBRATION_SLOPE.of(health.beta, n),
        FigureName.R2.of(metrics.r2_oos(forecast, outcome, train_mean), n),
        FigureName.MADL.of(metrics.madl(forecast, outcome), n),
        FigureName.ABOVE_MEAN_SHARE.of(health.above_mean, n),
        FigureName.BUY_AND_HOLD_SHARPE.of(card.value(ScoreName.SHARPE, BUY_AND_HOLD), n),
    )


def _train_figures(in_sample: pl.DataFrame, material: Material) -> tuple[Figure, ...]:
    """Return spread and correlation on the rows of the final fits: far apart, they tell of a failed fit."""
    rows = in_sample.join(material.target.select("day", "value"), on="day", maintain_order="left")
    forecast, outcome = rows["forecast"].to_numpy(), rows["value"].to_numpy()
    return (
        FigureName.TRAIN_PREDICTION_STD.of(metrics.pred_std(forecast, outcome), rows.height),
        FigureName.TRAIN_CORRELATION.of(metrics.correlation(forecast, outcome), rows.height),
    )


def _network_figures(trainings: Sequence[Training]) -> tuple[Figure, ...]:
    """Return the medians, over folds and seeds, of what only networks have."""
    if not trainings:
        return ()
    fields = {
        FigureName.NRC1: "nrc1",
        FigureName.NRC2: "nrc2",
        FigureName.COPIES_YESTERDAY: "copies_yesterday",
        FigureName.HEAD_GRADIENT_FIRST: "head_gradient_first",
        FigureName.HEAD_GRADIENT_LAST: "head_gradient_last",
        FigureName.BEST_EPOCH: "best_epoch",
    }
    found = []
    for name, field in fields.items():
        values = [v for v in (getattr(training, field) for training in trainings) if v is not None]
        middle = float(np.median(values)) if values else None
        found.append(name.of(middle, len(trainings)))
    return tuple(found)


def _fault(diagnosis: Diagnosis | None) -> tuple[Notice, ...]:
    """Return the diagnosis as a warning where it names a fault."""
    if diagnosis is None or not diagnosis.fault:
        return ()
    return (Notice(f"DOCTOR_{diagnosis.cause}", " ".join((diagnosis.text, *diagnosis.evidence))),)


def _alarms(
    forecasts: pl.DataFrame, net: Floats, card: Scorecard, days_per_year: int, config: Config
) -> tuple[Notice, ...]:
    """Return the alarms of a leak, each figure with its standard error; none where too few rows tell one."""
    if forecasts.height < metrics.ENOUGH_ROWS:
        return ()
    forecast, outcome, mean = (forecasts[name].to_numpy() for name in ("forecast", "outcome", "train_mean"))
    accuracy = metrics.accuracy_gain(forecast, outcome, config.horizon)
    r2 = metrics.r2_gain(forecast, mean, outcome, mean)
    return alarms(
        da_minus_base=None if accuracy is None else Measured(*accuracy),
        sharpe=measured_sharpe(net, card, days_per_year, config),
        r2=None if r2 is None else Measured(*r2),
    )


def measured_sharpe(net: Floats, card: Scorecard, days_per_year: int, config: Config) -> Measured | None:
    """Return the annual Sharpe ratio of net returns (n,) with its standard error."""
    annual = card.value(ScoreName.SHARPE)
    if annual is None or net.size < metrics.ENOUGH_ROWS:
        return None
    per_day, skew, kurtosis = _moments(net, annual, days_per_year, config)
    variance = metrics.sharpe_variance(per_day, skew, kurtosis) / (net.size - 1)
    return Measured(annual, math.sqrt(max(variance, 0.0) * days_per_year))


def _moments(net: Floats, annual: float, days_per_year: int, config: Config) -> tuple[float, float, float]:
    """Return Sharpe ratio a day, skew and kurtosis (3 for a normal distribution) of the net returns (n,)."""
    excess = net - config.trading.cash_yield / days_per_year
    z = (excess - excess.mean()) / excess.std()
    return annual / math.sqrt(days_per_year), float((z**3).mean()), float((z**4).mean())


def worth_of_sharpe(net: Floats, card: Scorecard, days_per_year: int, config: Config) -> tuple[Figure, ...]:
    """Return what the Sharpe ratio is worth: its probability, and its value with autocorrelation counted.

    The probability that the true ratio is above 0 (Bailey and Lopez de Prado, 2012) knows of one trial only.
    The other one is annualised with Lo's (2002) factor for the AR(1) of the net returns.
    """
    annual = card.value(ScoreName.SHARPE)
    if annual is None:
        return (
            Figure(FigureName.PROBABILISTIC_SHARPE, None, "share"),
            Figure(FigureName.LO_SHARPE, None, "ratio"),
        )
    per_day, skew, kurtosis = _moments(net, annual, days_per_year, config)
    probability = probabilistic_sharpe(per_day, net.size, skew=skew, kurtosis=kurtosis)
    rho = float(np.corrcoef(net[1:], net[:-1])[0, 1])
    factor = lo_factor([rho**lag for lag in range(1, days_per_year)], days_per_year)
    adjusted = None if factor is None else per_day * factor
    return (
        FigureName.PROBABILISTIC_SHARPE.of(probability, net.size),
        FigureName.LO_SHARPE.of(adjusted, net.size),
    )


def trading_figures(card: Scorecard) -> tuple[Figure, ...]:
    """Return what trading earned beside its baselines, and what it cost."""
    rows = {
        FigureName.BEAT_BUY_AND_HOLD: ScoreName.BEAT_BUY_AND_HOLD,
        FigureName.BEAT_VOLATILITY_MATCHED: ScoreName.BEAT_VOLATILITY_MATCHED,
        FigureName.MAX_DRAWDOWN: ScoreName.MAX_DRAWDOWN,
        FigureName.BREAK_EVEN_COST: ScoreName.BREAK_EVEN_COST,
        FigureName.TURNOVER_A_YEAR: ScoreName.TURNOVER_A_YEAR,
        FigureName.MEAN_EXPOSURE: ScoreName.MEAN_EXPOSURE,
    }
    return tuple(name.of(card.value(row), card.rows) for name, row in rows.items())


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
