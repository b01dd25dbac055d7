from __future__ import annotations

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.backtest import figures

# The accounting oracle's path, net of 10 bp a unit.
NET = np.array([0.009, -0.02, -0.017, -0.005, -0.001, 0.019])
WEIGHT = np.array([1.0, 1.0, -1.0, -1.0, 0.0, 1.0])
GROSS = WEIGHT * np.array([0.01, -0.02, 0.015, 0.005, -0.01, 0.02])
TURNOVER = np.array([1.0, 0.0, 2.0, 0.0, 1.0, 1.0])


def test_the_oracle_figures_hold() -> None:
    assert figures.max_drawdown(NET) == pytest.approx(0.04243522330000005, abs=1e-9)
    assert figures.sharpe(NET, 252) == pytest.approx(-2.652242513956084, abs=1e-9)
    assert figures.time_in_market(WEIGHT) == pytest.approx(0.8333333333333334, abs=1e-9)
    assert figures.break_even_bps(GROSS, TURNOVER) == pytest.approx(-20.0, abs=1e-9)


def test_the_t_statistic_of_sharpe_is_its_size_times_the_root_of_the_years() -> None:
    # The oracle: a yearly Sharpe of 0.6 over 10 years is t = 1.8973665961.
    swings = np.resize([1.0, -1.0], 2520)
    daily = 0.6 / math.sqrt(252)
    net = 0.01 * (daily + swings / swings.std(ddof=1))
    assert figures.sharpe(net, 252) == pytest.approx(0.6)
    assert figures.sharpe_t(net, 252) == pytest.approx(1.8973665961010275, abs=1e-6)


def test_sharpe_takes_cash_off() -> None:
    net = np.array([0.01, -0.005, 0.002])
    assert figures.sharpe(net, 252, cash_yield=0.0252) == pytest.approx(figures.sharpe(net - 1e-4, 252))


def test_growth_by_hand() -> None:
    net = np.array([0.1, -0.1, 0.2, 0.0])
    assert figures.total_return(net) == pytest.approx(1.1 * 0.9 * 1.2 - 1)
    assert figures.cagr(net, 2) == pytest.approx(math.sqrt(1.1 * 0.9 * 1.2) - 1)
    assert figures.volatility(net, 4) == pytest.approx(2 * math.sqrt(0.05 / 3))
    assert figures.max_drawdown(net) == pytest.approx(0.1)
    assert figures.calmar(net, 2) == pytest.approx((math.sqrt(1.188) - 1) / 0.1)
    assert figures.beats(net, np.zeros(4), 2) == figures.cagr(net, 2)


def test_the_starting_equity_counts_in_drawdowns() -> None:
    assert figures.drawdown(np.array([-0.1, 0.05])).tolist() == pytest.approx([0.1, 0.055])


def test_a_bankruptcy_is_a_growth_of_minus_one() -> None:
    net = np.array([0.5, -1.0, 0.0])
    assert figures.cagr(net, 252) == figures.total_return(net) == -1.0
    assert figures.max_drawdown(net) == 1.0


def test_hits_are_counted_on_positions_that_moved() -> None:
    assert figures.hit_rate(np.array([0.01, 0.0, -0.02, 0.03])) == pytest.approx(2 / 3)


def test_trading_by_hand() -> None:
    assert figures.turnover_a_year(TURNOVER, 252) == pytest.approx(5 / 6 * 252)
    assert figures.mean_exposure(np.array([-0.5, 1.0, 0.0])) == pytest.approx(0.5)


def test_beta_and_correlation_of_a_scaled_market() -> None:
    market = np.array([0.01, -0.02, 0.005, 0.0])
    assert figures.beta(-0.5 * market + 0.001, market) == pytest.approx(-0.5)
    assert figures.correlation(-0.5 * market + 0.001, market) == pytest.approx(-1.0)


ONE, NONE, FLAT = np.array([0.01]), np.array([]), np.full(5, 0.001)


@pytest.mark.parametrize(
    "undefined",
    [
        figures.sharpe(ONE, 252),
        figures.sharpe(FLAT, 252),
        figures.sharpe(FLAT, 252, cash_yield=0.1),
        figures.sharpe_t(ONE, 252),
        figures.total_return(NONE),
        figures.cagr(ONE, 252),
        figures.cagr(np.full(3, 1e6), 252),
        figures.volatility(ONE, 252),
        figures.max_drawdown(NONE),
        figures.calmar(FLAT, 252),
        figures.calmar(ONE, 252),
        figures.time_in_market(NONE),
        figures.mean_exposure(NONE),
        figures.turnover_a_year(NONE, 252),
        figures.break_even_bps(np.zeros(3), np.zeros(3)),
        figures.hit_rate(np.zeros(3)),
        figures.beta(ONE, ONE),
        figures.beta(NET[:5], FLAT),
        figures.correlation(NET[:5], FLAT),
        figures.correlation(FLAT, NET[:5]),
        figures.beats(ONE, ONE, 252),
        figures.difference_p(NET, NET, 0),
        figures.difference_p(ONE, ONE, 0),
        figures.wfe(NET, []),
        figures.wfe(NONE, [NET]),
        figures.wfe(NET, [NONE]),
    ],
)
def test_undefined_is_none(undefined: float | None) -> None:
    assert undefined is None


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(-1, 3)))
def test_no_figure_is_ever_nan_or_infinite(net: np.ndarray) -> None:
    found = [
        figures.total_return(net),
        *(measure(net, 252) for measure in (figures.cagr, figures.volatility, figures.calmar)),
        *(measure(net, 252) for measure in (figures.sharpe, figures.sharpe_t)),
        figures.max_drawdown(net),
        figures.beta(net, net[::-1]),
        figures.correlation(net, net[::-1]),
        figures.hit_rate(net),
        figures.difference_p(net, net[::-1], 0, reps=20),
    ]
    assert all(value is None or math.isfinite(value) for value in found)


@pytest.mark.parametrize(
    ("test", "train", "expected"),
    [
        # The oracle's yearly returns, as daily means.
        (0.06, [0.12], 0.5),
        (-0.02, [0.10], -0.2),
        (0.06, [-0.03], None),
        (0.02, [0.0], None),
        # A ratio of means: the folds' means are 0.1 and 0.3, whatever their lengths.
        (0.1, [0.1, 0.3], 0.5),
    ],
)
def test_wfe(test: float, train: list[float], expected: float | None) -> None:
    folds = [np.full(10 * (i + 1), mean / 252) for i, mean in enumerate(train)]
    found = figures.wfe(np.full(7, test / 252), folds)
    assert found is None if expected is None else found == pytest.approx(expected, abs=1e-12)


def test_the_bootstrap_is_the_same_for_the_same_seed_only() -> None:
    net = np.random.default_rng(1).normal(0.0003, 0.01, 400)
    zero = np.zeros(400)
    assert figures.difference_p(net, zero, 5) == figures.difference_p(net, zero, 5)
    assert figures.difference_p(net, zero, 5) != figures.difference_p(net, zero, 6)


def test_the_bootstrap_agrees_with_the_normal_p_of_independent_days() -> None:
    noise = np.random.default_rng(2).normal(0, 0.01, 1000)
    net = noise - noise.mean() + 1.5 * 0.01 / math.sqrt(1000)
    z = net.mean() / (net.std() / math.sqrt(1000))
    normal = 0.5 * math.erfc(z / math.sqrt(2))
    found = figures.difference_p(net, np.zeros(1000), 0, reps=4000, mean_block=1.0)
    assert found == pytest.approx(normal, abs=0.015)


def test_the_bootstrap_rejects_no_skill_about_as_often_as_it_says() -> None:
    noise = np.random.default_rng(5).normal(0, 0.01, (200, 150))
    found = [figures.difference_p(days, np.zeros(150), 0, reps=200, mean_block=5.0) for days in noise]
    share = np.mean([p is not None and p < 0.10 for p in found])
    assert 0.04 <= share <= 0.17  # 0.10 with a standard error of 0.02, and small blocks are a little too keen


def test_the_bootstrap_keeps_the_dependence_of_near_days() -> None:
    # Returns that come in runs of 20 carry less evidence than their number says.
    rng = np.random.default_rng(3)
    runs = np.repeat(rng.normal(0, 0.01, 100), 20)
    runs += 0.0008 - runs.mean()
    blocks = figures.difference_p(runs, np.zeros(2000), 0, mean_block=40.0)
    single = figures.difference_p(runs, np.zeros(2000), 0, mean_block=1.0)
    assert blocks is not None
    assert single is not None
    assert blocks > 10 * single


def test_the_bootstrap_finds_no_skill_in_a_loss() -> None:
    loss = np.random.default_rng(4).normal(-0.002, 0.01, 500)
    assert (figures.difference_p(loss, np.zeros(500), 0) or 0) > 0.99
