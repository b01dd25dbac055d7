"""From stitched forecasts to positions, ledger and figures: the same steps for every model.

Whatever is measured here was made by a fold that had not seen it. In-sample forecasts serve one figure
only, the walk-forward efficiency.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger import metrics
from geiger.backtest import (
    BUY_AND_HOLD,
    Costs,
    Scorecard,
    Sizing,
    baselines,
    decide,
    scorecard,
    simulate,
    simulate_many,
    weigh,
    wfe,
)
from geiger.backtest.figures import sharpe, total_return
from geiger.backtest.yardsticks import Measured, alarms, checkpoints, ladder
from geiger.checks.collapse import diagnose
from geiger.evidence.statistics import lo_factor, pesaran_timmermann, probabilistic_sharpe
from geiger.experiment.material import Material
from geiger.records import Checkpoint, Diagnosis, Figure, FoldScore, Notice, Rival, Rung, Status, Training
from geiger.runs.record import Results
from geiger.settings import RISK, Config

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """What the forecasts were worth, in all the words the log knows."""

    ledger: pl.DataFrame
    baselines: dict[str, pl.DataFrame]
    scorecard: Scorecard
    health: metrics.Health
    figures: tuple[Figure, ...]
    checkpoints: tuple[Checkpoint, ...]
    rungs: tuple[Rung, ...]
    notices: tuple[Notice, ...]
    status: Status
    folds: tuple[FoldScore, ...]
    diagnosis: Diagnosis | None = None  # of networks
    rivals: tuple[Rival, ...] = ()  # of a stack

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
        )


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
    in_sample : frame with day, fold, forecast
        The rows that each fold's final fit used.
    trainings : sequence of Training
        How the training of each network of the folds went; empty for other models.
    rivals : frame with day, rival, forecast, optional
        The simpler alternatives to a stack, on the days of `forecasts`.
    """
    days_per_year = material.market.days_per_year
    costs = costs_of(config)
    ledger = trade(forecasts, material, config)
    last_returns = material.simple_returns_on(forecasts["day"])
    others = baselines(ledger, last_returns, costs, days_per_year)
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
        *_sharpe_figures(ledger["net"].to_numpy(), card, days_per_year, config),
        *_trading_figures(card),
    )
    value = {figure.name: figure.value for figure in figures}
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
            wfe=efficiency,
            wfe_reason=reason,
            beat=card.value("beat_buy_and_hold"),
            health=health.code,
            cost_bps=config.trading.cost_bps + config.trading.slippage_bps,
            break_even_bps=card.value("break_even_bps"),
        ),
        rungs=ladder(
            sharpe=card.value("sharpe"),
            direction_accuracy=value["Direction Accuracy"],
            beat=card.value("beat_buy_and_hold"),
            max_drawdown=card.value("max_drawdown"),
            wfe=efficiency,
        ),
        notices=_alarms(forecasts, ledger["net"].to_numpy(), card, days_per_year, config) + _fault(diagnosis),
        status=status_of(health),
        folds=_fold_scores(forecasts, ledger, others[BUY_AND_HOLD]),
        diagnosis=diagnosis,
        rivals=() if rivals is None else _rivals(forecasts, rivals, material, config),
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


def status_of(health: metrics.Health) -> Status:
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


def trade(forecasts: pl.DataFrame, material: Material, config: Config) -> pl.DataFrame:
    """Return the LEDGER frame of a FORECASTS frame: sized, filled and paid for by the rules of `config`."""
    expected = expected_simple(forecasts["forecast"].to_numpy(), forecasts["train_std"].to_numpy(), config)
    volatility = material.volatility_on(forecasts["day"])
    sizing = sizing_of(config, material.market.days_per_year)
    weights = weigh(forecasts["day"], expected, volatility, sizing)
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


def health_of(forecasts: pl.DataFrame, in_sample: pl.DataFrame, horizon: int = 1) -> metrics.Health:
    """Return the health of test forecasts, each beside what its fold learned from."""
    counts = in_sample.group_by("fold").len("n_train").with_columns(pl.col("n_train").cast(pl.Float64))
    rows = forecasts.join(counts, on="fold", how="left", maintain_order="left")
    forecast, outcome = rows["forecast"].to_numpy(), rows["outcome"].to_numpy()
    train_mean, train_std, n_train = (
        rows[name].to_numpy() for name in ("train_mean", "train_std", "n_train")
    )
    return metrics.health(forecast, outcome, train_mean, train_std, n_train, horizon)


def _forecast_figures(
    forecasts: pl.DataFrame, health: metrics.Health, efficiency: float | None, card: Scorecard
) -> tuple[Figure, ...]:
    """Return the plan's five figures, in the plan's order, then ours."""
    forecast, outcome = forecasts["forecast"].to_numpy(), forecasts["outcome"].to_numpy()
    train_mean = forecasts["train_mean"].to_numpy()
    accuracy, base = metrics.direction_accuracy(forecast, outcome), metrics.base_rate(outcome)
    centred = pesaran_timmermann(forecast - train_mean, outcome)
    n = forecasts.height
    return (
        Figure("Direction Accuracy", accuracy, "share", "higher", n),
        Figure("Prediction Std", health.k, "number", "neither", n),
        Figure("Positive %", health.positive, "share", "neither", n),
        Figure("WFE", efficiency, "share", "higher", n),
        Figure("Test Sharpe", card.value("sharpe"), "ratio", "higher", n),
        Figure("Base Rate", base, "share", "neither", n),
        Figure("DA minus Base Rate", _difference(accuracy, base), "points", "higher", n),
        Figure("Direction Test p", centred.p_value, "p", "lower", n),
        Figure("Correlation", health.rho, "number", "higher", n),
        Figure("Calibration Slope", health.beta, "ratio", "neither", n),
        Figure("R2 out of Sample", metrics.r2_oos(forecast, outcome, train_mean), "return", "higher", n),
        Figure("MADL", metrics.madl(forecast, outcome), "return", "lower", n),
        Figure("Above Train Mean %", health.above_mean, "share", "neither", n),
        Figure("Buy & Hold Sharpe", card.value("sharpe", BUY_AND_HOLD), "ratio", "higher", n),
    )


def _train_figures(in_sample: pl.DataFrame, material: Material) -> tuple[Figure, ...]:
    """Return spread and correlation on the rows of the final fits: far apart, they tell of a failed fit."""
    rows = in_sample.join(material.target.select("day", "value"), on="day", maintain_order="left")
    forecast, outcome = rows["forecast"].to_numpy(), rows["value"].to_numpy()
    return (
        Figure("Train Prediction Std", metrics.pred_std(forecast, outcome), "number", "neither", rows.height),
        Figure("Train Correlation", metrics.correlation(forecast, outcome), "number", "neither", rows.height),
    )


def _network_figures(trainings: Sequence[Training]) -> tuple[Figure, ...]:
    """Return the medians, over folds and seeds, of what only networks have."""
    if not trainings:
        return ()
    names = {
        "NRC1": "nrc1",
        "NRC2": "nrc2",
        "Copies Yesterday": "copies_yesterday",
        "Head Gradient, first epoch": "head_gradient_first",
        "Head Gradient, last epoch": "head_gradient_last",
        "Best Epoch": "best_epoch",
    }
    found = []
    for label, name in names.items():
        values = [v for v in (getattr(training, name) for training in trainings) if v is not None]
        middle = float(np.median(values)) if values else None
        found.append(Figure(label, middle, "number", "neither", len(trainings)))
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
    annual, sharpe = card.value("sharpe"), None
    if annual is not None:
        per_day, skew, kurtosis = _moments(net, annual, days_per_year, config)
        variance = metrics.sharpe_variance(per_day, skew, kurtosis) / (net.size - 1)
        sharpe = Measured(annual, math.sqrt(max(variance, 0.0) * days_per_year))
    return alarms(
        da_minus_base=None if accuracy is None else Measured(*accuracy),
        sharpe=sharpe,
        r2=None if r2 is None else Measured(*r2),
    )


def _moments(net: Floats, annual: float, days_per_year: int, config: Config) -> tuple[float, float, float]:
    """Return Sharpe ratio a day, skew and kurtosis (3 for a normal distribution) of the net returns (n,)."""
    excess = net - config.trading.cash_yield / days_per_year
    z = (excess - excess.mean()) / excess.std()
    return annual / math.sqrt(days_per_year), float((z**3).mean()), float((z**4).mean())


def _sharpe_figures(net: Floats, card: Scorecard, days_per_year: int, config: Config) -> tuple[Figure, ...]:
    """Return what the Sharpe ratio is worth: its probability, and its value with autocorrelation counted.

    The probability that the true ratio is above 0 (Bailey and Lopez de Prado, 2012) knows of one trial only.
    The other one is annualised with Lo's (2002) factor for the AR(1) of the net returns.
    """
    annual = card.value("sharpe")
    if annual is None:
        return (Figure("Sharpe above 0, PSR", None, "share"), Figure("Sharpe, Lo 2002", None, "ratio"))
    per_day, skew, kurtosis = _moments(net, annual, days_per_year, config)
    probability = probabilistic_sharpe(per_day, net.size, skew=skew, kurtosis=kurtosis)
    rho = float(np.corrcoef(net[1:], net[:-1])[0, 1])
    factor = lo_factor([rho**lag for lag in range(1, days_per_year)], days_per_year)
    adjusted = None if factor is None else per_day * factor
    return (
        Figure("Sharpe above 0, PSR", probability, "share", "higher", net.size),
        Figure("Sharpe, Lo 2002", adjusted, "ratio", "higher", net.size),
    )


def _trading_figures(card: Scorecard) -> tuple[Figure, ...]:
    names = {
        "beat_buy_and_hold": "Beat Buy & Hold",
        "beat_volatility_matched": "Beat Volatility-Matched",
        "max_drawdown": "Max Drawdown",
        "break_even_bps": "Break-even Cost",
        "turnover_a_year": "Turnover a Year",
        "mean_exposure": "Mean Absolute Weight",
    }
    by_name = {figure.name: figure for figure in card.figures}
    return tuple(
        Figure(label, by_name[name].value, by_name[name].unit, by_name[name].better, by_name[name].n)
        for name, label in names.items()
    )


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
