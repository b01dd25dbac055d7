from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from geiger import metrics
from geiger.studies.ablate import (
    Results,
    Task,
)
from geiger.studies.ablation_report import Ablation
from geiger.studies.markets import MadeMarket, Market, RealMarket
from geiger.studies.tables import Estimate, by_kind, differences, make_rows, over_made_markets, t_97_5
from helpers.ablations import ARMS_HERE


def test_rows_agree_with_a_hand_computation(done: tuple[list[Task], Results]) -> None:
    tasks, results = done
    report = Ablation("geiger ablate", ARMS_HERE, tasks, results)
    weak, strong = make_rows(ARMS_HERE, report.planned(), report.found())
    eic = {
        arm.name: [results.by_key[t.key]["measured"]["eic"] for t in tasks if t.arm is arm][:2]
        for arm in ARMS_HERE
    }
    first, second = eic["strong"][0] - eic["weak"][0], eic["strong"][1] - eic["weak"][1]
    found = strong.made_difference
    assert found is not None
    assert found.mean == pytest.approx((first + second) / 2)
    assert found.error == pytest.approx(abs(first - second) / 2)  # of two values
    assert found.half_width == pytest.approx(12.7062 * abs(first - second) / 2)
    assert weak.made_difference is None
    assert weak.linear is not None
    assert weak.linear.mean == pytest.approx(sum(eic["weak"]) / 2)
    assert (weak.nulls, weak.nonlinear, weak.real, weak.done) == (1, None, None, 3)


def test_constant_and_failed_forecasts_have_learned_nothing() -> None:
    market = MadeMarket("volume", 0.1, 0)
    own = {market: {"measured": {"eic": None}}}
    assert differences(own, {market: {"measured": {"eic": 0.25}}}, ("linear",)) == [-0.25]
    assert differences({market: {"measured": {}}}, {market: {"measured": {"eic": 0.25}}}, ("linear",)) == [
        -0.25
    ]


def test_marks_and_intervals() -> None:
    assert over_made_markets([]) is None
    assert over_made_markets([1.0]) == Estimate(1.0, None, 1, 0)
    assert Estimate(1.0, None, 1, 0).mark == "?"
    assert Estimate(0.1, 0.1, 4, 3).mark == "="
    assert Estimate(0.11, 0.1, 4, 3).mark == "+"
    assert Estimate(-0.11, 0.1, 4, 3).mark == "-"
    values = [0.1, 0.4, 0.2, 0.9]
    found = over_made_markets(values)
    assert found is not None
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert found.half_width is not None
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(
        (low, high), abs=1e-4
    )


@pytest.mark.parametrize("freedom", [1, 2, 10, 30, 31, 100, 1000])
def test_quantiles_of_student(freedom: int) -> None:
    assert t_97_5(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-3)


def test_the_error_over_kinds_leaves_out_what_lies_between_them() -> None:
    found = by_kind({"weak": [0.1, 0.3], "strong": [0.9, 1.1]})
    assert found is not None
    assert (found.mean, found.error, found.n) == (
        pytest.approx(0.6),
        pytest.approx(math.sqrt(4 * 0.02 / 16)),
        4,
    )
    assert by_kind({}) is None


def test_the_error_over_symbols_comes_from_the_days_they_share() -> None:
    """Two symbols with the same forecasts and outcomes are one: their spread of 0 is no error of 0."""
    rng = np.random.default_rng(0)
    forecasts, days = rng.normal(size=(2, 200)), list(range(200))
    outcome = rng.normal(size=200)

    def record(forecast: np.ndarray) -> dict[str, Any]:
        influence = metrics.correlation_influence(forecast, outcome)
        assert influence is not None
        rho = metrics.correlation(forecast, outcome)
        measured = {"rho": rho, "rho_error": metrics.correlation_error(forecast, outcome), "k": 0.1}
        return {
            "status": "SUCCESS",
            "error": None,
            "measured": measured,
            "by_day": {"day": days, "influence": influence.tolist()},
        }

    first, second = RealMarket("AAA"), RealMarket("BBB")
    weak, strong = (record(forecast) for forecast in forecasts)
    found = {"weak": {first: weak, second: weak}, "strong": {first: strong, second: strong}}
    planned: dict[str, list[Market]] = {"weak": [first, second], "strong": [first, second]}
    base, other = make_rows(ARMS_HERE, planned, found)
    assert base.real is not None
    assert base.real.error == pytest.approx(metrics.correlation_error(forecasts[0], outcome))
    assert base.real.freedom == 199
    assert other.real_difference is not None
    assert other.real_difference.error is not None
    assert other.real_difference.mean == pytest.approx(strong["measured"]["rho"] - weak["measured"]["rho"])
    drawn = [
        metrics.correlation(forecasts[1][rows], outcome[rows])  # type: ignore[operator]
        - metrics.correlation(forecasts[0][rows], outcome[rows])
        for rows in rng.integers(0, 200, (2000, 200))
    ]
    assert other.real_difference.error == pytest.approx(np.std(drawn), rel=0.1)
