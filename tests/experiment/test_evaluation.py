"""From forecasts to figures: the steps that belong to no single part, by hand and by a second way."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.experiment.evaluation import Evaluation, costs_of, evaluate, expected_simple, sizing_of
from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.run import run
from geiger.experiment.written import Run
from geiger.learning.target import make_target
from geiger.market.calendar import market_of
from geiger.market.synthetic import garch_market
from geiger.settings import Config, override, recipe

FREE = {"rule": "sign", "cost_bps": 0.0, "borrow_rate": 0.0}


def small(**changes: object) -> Config:
    base = {"lockbox": 0, "min_train": 300, "refit": 80, "max_folds": 3, "seeds": 1, "lgb": {"max_trees": 10}}
    return override(recipe("quick"), {**base, **changes})


@pytest.fixture(scope="module")
def free_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, pl.DataFrame, pl.DataFrame]:
    """A run whose sign strategy costs nothing, its in-sample forecasts and its target."""
    folder: Path = tmp_path_factory.mktemp("run")
    market = garch_market(900, seed=8)
    planned = plan(
        Experiment(
            *("TEST", "lgb", small(trading=FREE)),
            context="none",
            prices=market,
            runs_dir=folder / "runs",
            log_dir=folder / "logs",
        )
    )
    done = run(planned)
    return done, planned.experiment.runs.load(done.name).in_sample(), planned.material.target


def test_a_log_forecast_is_traded_on_its_mean_or_its_median() -> None:
    forecast, deviation = np.array([0.001]), np.array([0.02])
    assert expected_simple(forecast, deviation, recipe("default"))[0] == pytest.approx(math.expm1(0.0012))
    assert expected_simple(forecast, deviation, recipe("plan"))[0] == pytest.approx(math.expm1(0.001))


def test_the_mean_is_that_of_a_log_normal_outcome() -> None:
    draws = np.random.default_rng(1).normal(-0.0001, 0.03, 2_000_000)
    found = expected_simple(np.array([-0.0001]), np.array([0.03]), recipe("default"))[0]
    assert found == pytest.approx(np.expm1(draws).mean(), abs=5 * 0.03 / math.sqrt(2e6))
    assert found > 0  # the median lies on the other side


@pytest.mark.parametrize(
    ("risk", "target", "cap"),
    [("conservative", 0.10, 1.0), ("balanced", 0.20, 1.0), ("aggressive", 0.40, 2.0)],
)
def test_risk_scales_volatility_target_and_leverage(risk: str, target: float, cap: float) -> None:
    sizing = sizing_of(small(trading={"risk": risk}), 252)
    assert (sizing.volatility_target, sizing.leverage_cap) == (target, cap)


def test_the_threshold_sees_the_whole_cost_of_a_trade() -> None:
    config = small(trading={"cost_bps": 4.0, "slippage_bps": 6.0, "holding_days": 5.0})
    assert sizing_of(config, 252).threshold == pytest.approx(10e-4 / 5)
    assert costs_of(config).per_turnover == pytest.approx(10e-4)


def test_wfe_is_the_ratio_of_two_means(free_run: tuple[Run, pl.DataFrame, pl.DataFrame]) -> None:
    done, in_sample, target = free_run
    spread = dict(done.forecasts.group_by("fold").agg(pl.col("train_std").first()).iter_rows())
    rows = in_sample.join(target, on="day")
    drift = rows["fold"].replace_strict(spread, return_dtype=pl.Float64).to_numpy() ** 2 / 2
    earned = np.sign(np.expm1(rows["forecast"].to_numpy() + drift)) * rows["simple"].to_numpy()
    by_fold = rows.select("fold", earned=pl.Series(earned)).group_by("fold").agg(pl.col("earned").mean())
    expected = float(done.evaluation.ledger["net"].mean()) / float(by_fold["earned"].mean())  # type: ignore[arg-type]
    found = next(figure.value for figure in done.evaluation.figures if figure.name == "WFE")
    assert found == pytest.approx(expected, rel=1e-9)


def test_what_the_sharpe_ratio_is_worth(free_run: tuple[Run, pl.DataFrame, pl.DataFrame]) -> None:
    """The formulas of the two papers, written out for these returns."""
    from scipy.stats import kurtosis, norm, skew

    done, _, _ = free_run
    net = done.evaluation.ledger["net"].to_numpy()
    daily, n = net.mean() / net.std(ddof=1), len(net)
    error = math.sqrt((1 - skew(net) * daily + (kurtosis(net, fisher=False) - 1) / 4 * daily**2) / (n - 1))
    rho = np.corrcoef(net[1:], net[:-1])[0, 1]
    factor = 252 / math.sqrt(252 + 2 * sum((252 - k) * rho**k for k in range(1, 252)))
    value = {figure.name: figure.value for figure in done.evaluation.figures}
    assert value["Sharpe above 0, PSR"] == pytest.approx(norm.cdf(daily / error))
    assert value["Sharpe, Lo 2002"] == pytest.approx(daily * factor)


def test_train_figures_are_those_of_the_in_sample_rows(
    free_run: tuple[Run, pl.DataFrame, pl.DataFrame],
) -> None:
    done, in_sample, target = free_run
    rows = in_sample.join(target, on="day")
    value = {figure.name: figure.value for figure in done.evaluation.figures}
    assert value["Train Correlation"] == pytest.approx(np.corrcoef(rows["forecast"], rows["value"])[0, 1])
    train_correlation, test_correlation = value["Train Correlation"], value["Correlation"]
    assert train_correlation is not None
    assert test_correlation is not None
    assert train_correlation > test_correlation  # trees fit what they have seen better than what comes


def test_the_direction_test_is_of_the_side_of_the_train_mean(
    free_run: tuple[Run, pl.DataFrame, pl.DataFrame],
) -> None:
    """Drift moves forecasts to one side of 0: what counts is which lie above the mean that was known."""
    rows = free_run[0].forecasts
    above, up = (rows["forecast"] > rows["train_mean"]).to_numpy(), (rows["outcome"] > 0).to_numpy()
    assert (rows["outcome"] != 0).all()
    n, py, px = len(rows), up.mean(), above.mean()
    expected = py * px + (1 - py) * (1 - px)
    of_expected = ((2 * py - 1) ** 2 * px * (1 - px) + (2 * px - 1) ** 2 * py * (1 - py)) / n
    of_expected += 4 * py * px * (1 - py) * (1 - px) / n**2
    statistic = ((above == up).mean() - expected) / math.sqrt(expected * (1 - expected) / n - of_expected)
    value = {figure.name: figure.value for figure in free_run[0].evaluation.figures}
    assert value["Direction Test p"] == pytest.approx(0.5 * math.erfc(statistic / math.sqrt(2)), abs=1e-12)


# How often the alarms of a leak ring.


def judged(rows: int, seed: int, leak: float = 0.0, rule: str = "proportional") -> Evaluation:
    """Evaluate made forecasts: noise, yesterday's return, and a share `leak` of the outcome."""
    before = 120
    prices = garch_market(before + rows + 3, seed)
    target = make_target(prices)
    days = prices["day"][before : before + rows]
    known = target.filter(pl.col("day").is_in(days))
    last = prices["close"].log().diff()[before : before + rows].to_numpy()
    outcome, spread = known["value"].to_numpy(), 0.011
    forecast = 0.0003 + 0.1 * np.random.default_rng(seed).normal(size=rows) * spread - 0.05 * last
    forecast = forecast + leak * outcome
    frame = known.select(
        "day",
        model=pl.lit("made"),
        fold=pl.lit(0),
        forecast=pl.Series(forecast),
        outcome="value",
        train_mean=pl.lit(0.0003),
        train_std=pl.lit(spread),
    )
    in_sample = pl.DataFrame({"day": prices["day"][60:before]}).with_columns(
        fold=pl.lit(0), forecast=pl.lit(0.0004)
    )
    material = Material(
        *("AAPL", market_of("AAPL"), prices, None, np.zeros((prices.height, 1)), target),
        *("next_open", 0, (), {}),
    )
    return evaluate(frame, in_sample, material, override(recipe("default"), {"trading": {"rule": rule}}))


def rings(found: Evaluation) -> bool:
    return any(notice.code == "LEAK_SUSPECT" for notice in found.notices)


def above_the_limits(found: Evaluation) -> bool:
    """Whether a figure lies above its limit, by however little."""
    value = {figure.name: figure.value for figure in found.figures}
    limits = {"DA minus Base Rate": 0.06, "Test Sharpe": 3.0, "R2 out of Sample": 0.03}
    return any((value[name] or 0.0) > limit for name, limit in limits.items())


@pytest.mark.parametrize("markets", [50, pytest.param(150, marks=pytest.mark.slow)])
def test_few_rows_without_a_leak_seldom_ring_the_alarm(markets: int) -> None:
    found = [judged(54, seed) for seed in range(markets)]
    assert np.mean([above_the_limits(one) for one in found]) > 0.08  # what the limits alone would do
    assert np.mean([rings(one) for one in found]) < 0.02


@pytest.mark.parametrize("rows", [54, 252])
def test_a_leak_rings_the_alarm_also_on_few_rows(rows: int) -> None:
    assert all(rings(judged(rows, seed, leak=1.0)) for seed in range(10))


def test_with_fewer_than_twenty_rows_nothing_rings() -> None:
    assert not rings(judged(15, 3, leak=1.0))
