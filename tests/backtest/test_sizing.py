from __future__ import annotations

import datetime as dt
import math

import hypothesis.extra.numpy as hnp
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.backtest.sizing import RULES, Rule, Sizing, decide, trailing_volatility, weigh
from geiger.columns import WEIGHTS, require
from geiger.errors import DataError, SettingError

CALM = np.full(5, 0.01)
FORECASTS = np.array([0.001, -0.002, 0.0, 0.003, -0.001])


def free(rule: Rule, **options: object) -> Sizing:
    return Sizing(rule=rule, cost_bps=0.0, **options)  # type: ignore[arg-type]


def test_sign_holds_one_unit_either_way_and_nothing_without_a_view() -> None:
    assert decide(FORECASTS, CALM, free("sign")).tolist() == [1.0, -1.0, 0.0, 1.0, -1.0]


def test_long_flat_is_never_short() -> None:
    assert decide(FORECASTS, CALM, free("long_flat")).tolist() == [1.0, 0.0, 0.0, 1.0, 0.0]


def test_proportional_by_hand() -> None:
    sizing = free("proportional", volatility_target=0.10, leverage_cap=1.0)
    # Daily volatility 0.01 is 0.158745 a year: a forecast of typical size gets 0.10 / 0.158745 = 0.629941.
    typical = 0.10 / (0.01 * math.sqrt(252))
    second = -0.002 / math.sqrt((0.001**2 + 0.002**2) / 2) * typical
    fourth = 0.003 / math.sqrt((0.001**2 + 0.002**2 + 0.003**2) / 4) * typical
    found = decide(FORECASTS, CALM, sizing)
    assert found[:4] == pytest.approx([typical, second, 0.0, min(fourth, 1.0)])


def test_proportional_looks_back_a_year() -> None:
    sizing = free("proportional", volatility_target=0.10, leverage_cap=9.0, days_per_year=3)
    typical = 0.10 / (0.01 * math.sqrt(3))
    fifth = -0.001 / math.sqrt((0.0**2 + 0.003**2 + 0.001**2) / 3) * typical
    assert decide(FORECASTS, CALM, sizing)[4] == pytest.approx(fifth)


@settings(max_examples=50, deadline=None)
@given(
    earlier=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(-0.05, 0.05)),
    year=hnp.arrays(np.float64, 30, elements=st.floats(-0.05, 0.05)),
    cost=st.sampled_from([0.0, 5.0]),
    rule=st.sampled_from(RULES),
)
def test_a_weight_does_not_know_where_the_rows_began(
    earlier: np.ndarray, year: np.ndarray, cost: float, rule: Rule
) -> None:
    """Bit for bit, from the first forecast that counts after a year of forecasts on."""
    sizing = Sizing(rule=rule, cost_bps=cost, days_per_year=20)
    counting = np.flatnonzero(np.abs(year[19:]) >= sizing.threshold)
    first = 19 + int(counting[0]) if counting.size else year.size
    long = decide(np.append(earlier, year), np.full(earlier.size + year.size, 0.01), sizing)
    alone = decide(year, np.full(year.size, 0.01), sizing)
    np.testing.assert_array_equal(long[earlier.size :][first:], alone[first:])


def test_proportional_is_capped_and_long_only_on_request() -> None:
    found = decide(FORECASTS, CALM / 100, free("proportional", leverage_cap=1.5, allow_short=False))
    assert found.tolist() == [1.5, 0.0, 0.0, 1.5, 0.0]


def test_proportional_halves_when_volatility_doubles() -> None:
    sizing = free("proportional", leverage_cap=100.0)
    np.testing.assert_array_equal(decide(FORECASTS, 2 * CALM, sizing), decide(FORECASTS, CALM, sizing) / 2)


@given(st.integers(-20, 20))
def test_proportional_without_threshold_ignores_the_unit_of_the_forecast(power: int) -> None:
    sizing = free("proportional")
    scaled = decide(FORECASTS * 2.0**power, CALM, sizing)
    np.testing.assert_array_equal(scaled, decide(FORECASTS, CALM, sizing))


def test_nothing_to_scale_by_means_no_position() -> None:
    sizing = free("proportional")
    assert decide(np.zeros(5), CALM, sizing).tolist() == [0.0] * 5
    assert decide(FORECASTS, np.zeros(5), sizing).tolist() == [0.0] * 5


def test_a_change_that_does_not_earn_its_cost_is_not_made() -> None:
    # 5 bp a unit, held 5 days: 1 bp a day is the least that pays.
    sizing = Sizing(rule="sign", cost_bps=5.0, holding_days=5.0)
    assert sizing.threshold == pytest.approx(1e-4)
    expected = np.array([0.00009, 0.0002, -0.00009, -0.00011, 0.0, 0.00005, 0.00012])
    assert decide(expected, np.full(7, 0.01), sizing).tolist() == [0, 1, 1, -1, -1, -1, 1]


def test_the_threshold_is_reached_when_gain_equals_cost() -> None:
    sizing = Sizing(rule="sign", cost_bps=4.0, holding_days=4.0)
    assert decide(np.array([sizing.threshold]), np.ones(1), sizing).tolist() == [1.0]


def test_the_threshold_keeps_a_proportional_weight_too() -> None:
    sizing = Sizing(rule="proportional", cost_bps=10.0, holding_days=1.0)  # 10 bp a day
    found = decide(FORECASTS * np.array([1.0, 0.4, 1, 0.3, 2]), CALM, sizing)
    assert found[0] != 0
    assert found[:4].tolist() == [found[0]] * 4
    assert found[4] < 0


def test_a_forecast_that_counts_may_cut_a_position_of_its_own_sign() -> None:
    # Up all the time; the asset moves twice as much from the third day on. 1 bp a day counts.
    sizing = Sizing(rule="proportional", cost_bps=5.0, holding_days=5.0)
    nervous = np.array([0.02, 0.02, 0.04, 0.04])
    held = decide(np.full(4, 0.001), nervous, sizing)
    assert held[2:] == pytest.approx(held[:2] / 2)
    kept = decide(np.array([0.001, 0.001, 0.00009, 0.00009]), nervous, sizing)  # too small to count
    assert kept.tolist() == [held[0]] * 4


def test_weigh_makes_the_weights_frame() -> None:
    day = pl.Series([dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(5)])
    frame = require(weigh(day, FORECASTS, CALM, free("sign")), WEIGHTS)
    assert frame["weight"].to_list() == [1.0, -1.0, 0.0, 1.0, -1.0]
    with pytest.raises(DataError, match="5 forecasts for 4 days"):
        weigh(day[:4], FORECASTS, CALM, free("sign"))


@settings(max_examples=100, deadline=None)
@given(
    expected=hnp.arrays(np.float64, st.integers(2, 60), elements=st.floats(-0.05, 0.05)),
    rule=st.sampled_from(RULES),
    cost=st.sampled_from([0.0, 5.0, 50.0]),
    data=st.data(),
)
def test_a_weight_does_not_know_later_rows(
    expected: np.ndarray, rule: Rule, cost: float, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, expected.size))
    moves = data.draw(hnp.arrays(np.float64, expected.size, elements=st.floats(-0.1, 0.1)))
    later = data.draw(hnp.arrays(np.float64, expected.size, elements=st.floats(-0.9, 0.9)))
    inside = np.arange(expected.size) < cut
    sizing = Sizing(rule=rule, cost_bps=cost, leverage_cap=2.0)

    def path(forecasts: np.ndarray, returns: np.ndarray) -> np.ndarray:
        return decide(forecasts, trailing_volatility(returns), sizing)[:cut]

    past = path(expected[:cut], moves[:cut])
    np.testing.assert_array_equal(path(expected, moves), past)
    changed = path(np.where(inside, expected, later), np.where(inside, moves, later))
    np.testing.assert_array_equal(changed, past)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float64, 30, elements=st.floats(-0.05, 0.05)), st.sampled_from(RULES))
def test_no_weight_exceeds_its_limits(expected: np.ndarray, rule: Rule) -> None:
    weights = decide(expected, np.full(30, 0.004), Sizing(rule=rule, leverage_cap=1.0))
    assert np.abs(weights).max() <= 1.0
    longs = decide(expected, np.full(30, 0.004), Sizing(rule=rule, allow_short=False))
    assert longs.min() >= 0.0


def test_trailing_volatility_by_hand() -> None:
    # Half-life 1: weights 1, 1/2, 1/4 from the newest back.
    found = trailing_volatility(np.array([0.02, np.nan, -0.01, 0.03]), halflife=1.0)
    third = math.sqrt((0.01**2 + 0.02**2 / 4) / (1 + 1 / 4))
    fourth = math.sqrt((0.03**2 + 0.01**2 / 2 + 0.02**2 / 8) / (1 + 1 / 2 + 1 / 8))
    assert found.tolist() == pytest.approx([0.02, 0.02, third, fourth])


def test_trailing_volatility_agrees_with_pandas() -> None:
    pd = pytest.importorskip("pandas")
    returns = np.random.default_rng(3).normal(0, 0.01, 300)
    expected = np.sqrt(pd.Series(returns**2).ewm(halflife=21).mean())
    np.testing.assert_allclose(trailing_volatility(returns), expected, rtol=1e-12)


def test_trailing_volatility_finds_a_planted_one() -> None:
    returns = np.random.default_rng(4).normal(0, 0.012, 20_000)
    assert trailing_volatility(returns, halflife=4000)[-1] == pytest.approx(0.012, rel=0.03)


def test_before_the_first_return_nothing_is_known() -> None:
    assert np.isnan(trailing_volatility(np.array([np.nan, np.nan]))).all()
    with pytest.raises(SettingError, match="halflife"):
        trailing_volatility(np.zeros(3), halflife=0.0)


@pytest.mark.parametrize(
    ("expected", "volatility", "message"),
    [
        (np.array([0.1, np.nan]), np.ones(2), "expected is not finite in row 1"),
        (np.ones(2), np.array([np.nan, 1.0]), "volatility is not finite in row 0"),
        (np.ones(2), np.array([0.1, -0.1]), "volatility is negative in row 1"),
        (np.ones(2), np.ones(3), "3 volatilities for 2 forecasts"),
        (np.ones((2, 1)), np.ones(2), r"got shape \(2, 1\)"),
    ],
)
def test_what_cannot_be_sized_is_refused(expected: np.ndarray, volatility: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decide(expected, volatility, Sizing())


def test_only_proportional_needs_a_volatility() -> None:
    assert decide(np.ones(2), np.full(2, np.nan), Sizing(rule="sign")).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "martingale"},
        {"volatility_target": 0.0},
        {"leverage_cap": float("inf")},
        {"holding_days": -1.0},
        {"days_per_year": 0},
        {"cost_bps": -1.0},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Sizing(**wrong)  # type: ignore[arg-type]
