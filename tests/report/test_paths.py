from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.backtest.costs import Costs
from geiger.backtest.simulate import simulate
from geiger.figures import STRATEGY
from geiger.report.gather import HELD, view_of
from geiger.report.paths import (
    cost_points,
    distribution_of,
    falls_of,
    importances_of,
    months_of,
    paths_of,
    positions_of,
    rolling_ic,
    rolling_sharpe,
    sharpe_range,
)
from helpers.pages import KINDS, Runs

FIRST = dt.date(2020, 1, 30)


def days_of(n: int) -> tuple[dt.date, ...]:
    return tuple(FIRST + dt.timedelta(days=i) for i in range(1, n + 1))


def ledger_of(weights: list[float], returns: list[float], costs: Costs) -> pl.DataFrame:
    days = [FIRST + dt.timedelta(days=i) for i in range(len(weights) + 2)]
    rows = pl.DataFrame({"day": days[:-2], "entry_day": days[1:-1], "known_on": days[2:], "simple": returns})
    return simulate(rows, pl.DataFrame({"day": days[:-2], "weight": weights}), costs)


def test_falls_are_apart_from_each_other_and_the_last_may_not_be_over() -> None:
    net = np.array([0.0, -0.1, -0.1, 0.3, 0.1, -0.5])  # 1, .9, .81, 1.053, 1.1583, .57915
    days = days_of(6)
    deep, shallow = falls_of(net, FIRST, days)
    assert (deep.start, deep.trough, deep.recovered, deep.rows) == (days[4], days[5], None, 1)
    assert deep.depth == pytest.approx(0.5)
    assert (shallow.start, shallow.trough, shallow.recovered, shallow.rows) == (days[0], days[2], days[3], 3)
    assert shallow.depth == pytest.approx(0.19)


def test_a_path_that_only_rises_has_no_fall() -> None:
    assert falls_of(np.full(9, 0.01), FIRST, days_of(9)) == ()


def test_a_fall_from_the_start_begins_with_the_first_fill() -> None:
    (fall,) = falls_of(np.array([-0.2, 0.5]), FIRST, days_of(2))
    assert fall.start == FIRST


def test_months_compound_and_a_month_without_days_has_none() -> None:
    days = (dt.date(2020, 1, 30), dt.date(2020, 1, 31), dt.date(2020, 3, 2), dt.date(2021, 3, 1))
    months = months_of(np.array([0.1, 0.1, -0.5, 0.2]), days)
    assert months is not None
    assert months.years == (2020, 2021)
    assert months.returns[0, [0, 2]] == pytest.approx([0.21, -0.5])
    assert np.isnan(months.returns).sum() == 24 - 3
    assert months.totals == pytest.approx([1.21 * 0.5 - 1, 0.2])


def test_a_month_is_that_in_which_a_return_became_known() -> None:
    """Decided on 30 January, filled on the 31st, known on 1 February: the return is one of February."""
    ledger = ledger_of([1.0, 1.0, 1.0], [0.05, 0.0, 0.0], Costs(cost_bps=0.0, slippage_bps=0.0))
    assert (str(ledger["day"][0]), str(ledger["exit_day"][0])) == ("2020-01-30", "2020-02-01")
    held = np.zeros(3)
    months = paths_of(ledger, held, HELD, Costs(), 252).months
    assert months is not None
    assert np.isnan(months.returns[0, 0])
    assert months.returns[0, 1] == pytest.approx(0.05)


def test_the_rolling_sharpe_ends_with_that_of_the_last_days() -> None:
    net = np.random.default_rng(0).normal(0.001, 0.01, 50)
    found = rolling_sharpe({"a": net}, days_of(50), 20, 0.02)
    assert found is not None
    last = net[-20:] - 0.02 / 20
    assert found.lines["a"][-1] == pytest.approx(last.mean() / last.std(ddof=1) * np.sqrt(20))
    assert np.isnan(found.lines["a"][:19]).all()
    assert np.isfinite(found.lines["a"][19:]).all()
    assert rolling_sharpe({"a": net[:39]}, days_of(39), 20, 0.0) is None


def test_the_rolling_correlation_is_that_of_numpy() -> None:
    rng = np.random.default_rng(1)
    forecast, outcome = rng.normal(0, 1e-4, 60), rng.normal(0, 0.02, 60)
    found = rolling_ic(forecast, outcome, days_of(60), 20)
    assert found is not None
    for end in (20, 41, 60):
        truth = np.corrcoef(forecast[end - 20 : end], outcome[end - 20 : end])[0, 1]
        assert found.lines["correlation"][end - 1] == pytest.approx(truth)
    assert rolling_ic(np.zeros(60), outcome, days_of(60), 20) is None


def test_a_distribution_holds_every_day_the_wild_ones_at_its_ends() -> None:
    net = np.concatenate([np.random.default_rng(2).normal(0, 0.01, 999), [-0.5]])
    found = distribution_of({"a": net, "b": -net})
    assert found is not None
    assert found.counts["a"].sum() == found.counts["b"].sum() == 1000
    assert found.counts["a"].tolist() == found.counts["b"][::-1].tolist()
    assert -found.edges[0] == found.edges[-1] < 0.05
    assert found.facts["a"]["worst"] == -0.5
    assert distribution_of({"a": np.zeros(5)}) is None


def test_figures_that_are_none_have_no_distribution() -> None:
    """As of a damaged run whose cost is beyond all numbers."""
    assert distribution_of({"strategy": np.array([0.01, np.nan, -np.inf])}) is None


def test_stays_change_with_the_side() -> None:
    ledger = ledger_of([0.5, 1.0, 0.0, -0.5, -0.5], [0.1, 0.1, 0.1, 0.1, -0.1], Costs(cost_bps=0.0))
    found = positions_of(ledger)
    assert found is not None
    assert [(stay.side, stay.rows) for stay in found.stays] == [("long", 2), ("flat", 1), ("short", 2)]
    assert found.stays[0].net == pytest.approx(1.05 * 1.1 - 1)
    assert found.stays[0].mean_weight == 0.75
    assert (found.stays[0].first, found.stays[0].last) == (FIRST + dt.timedelta(1), FIRST + dt.timedelta(3))


def test_the_weights_at_their_own_cost_leave_what_the_ledger_says(made: Runs) -> None:
    for kind in KINDS:
        view = view_of(made[kind])
        own = next(point for point in view.paths.costs if point.own)
        assert own.sharpe == pytest.approx(view.score("sharpe")[STRATEGY], abs=1e-12)
        assert own.cagr == pytest.approx(view.score("cagr")[STRATEGY], abs=1e-12)
        assert own.beat == pytest.approx(view.score("beat_buy_and_hold")[STRATEGY], abs=1e-12)
        dearer = [point.cagr for point in view.paths.costs if not point.late]
        assert dearer == sorted(dearer, reverse=True)


def test_a_day_late_the_weight_of_the_day_before_is_held() -> None:
    returns = [0.02, -0.01, 0.03, 0.01]
    ledger = ledger_of([1.0, 0.0, 1.0, 0.0], returns, Costs(cost_bps=0.0))
    late = next(point for point in cost_points(ledger, Costs(cost_bps=0.0), 252) if point.late)
    net = np.array([0.0, -0.01, 0.0, 0.01])  # held on the second and on the last
    assert late.sharpe == pytest.approx(net.mean() / net.std(ddof=1) * np.sqrt(252), abs=1e-9)


def test_the_interval_of_a_sharpe_ratio_is_as_wide_as_theory_says() -> None:
    net = np.random.default_rng(3).normal(0.0005, 0.01, 2520)
    found = sharpe_range(net, 252, 0.0)
    assert found is not None
    assert found.value == pytest.approx(net.mean() / net.std(ddof=1) * np.sqrt(252))
    width = 2 * 1.96 / np.sqrt(10)  # of ten years of independent returns
    for low, high in (found.drawn, found.formula or (0, 0)):
        assert low < found.value < high
        assert high - low == pytest.approx(width, rel=0.12)
    assert sharpe_range(net[:59], 252, 0.0) is None
    assert sharpe_range(np.full(100, 0.01), 252, 0.0) is None


def test_the_formula_counts_skew_and_tails() -> None:
    """Bailey and Lopez de Prado (2012): the error of a Sharpe ratio whose returns are not normal."""
    net = np.random.default_rng(3).exponential(0.01, 500) - 0.004
    n, ratio = len(net), net.mean() / net.std(ddof=1)
    z = (net - net.mean()) / net.std()
    variance = (1 - (z**3).mean() * ratio + ((z**4).mean() - 1) / 4 * ratio**2) / (n - 1)
    found = sharpe_range(net, 252, 0.0)
    assert found is not None
    assert found.formula is not None
    half = 1.96 * np.sqrt(252 * variance)
    assert found.formula == pytest.approx((ratio * 252**0.5 - half, ratio * 252**0.5 + half), rel=1e-3)


def test_days_that_move_together_are_drawn_together() -> None:
    """Each return stands twenty times in a row: as if there were far fewer days, so far less is known."""
    net = np.repeat(np.random.default_rng(5).normal(0.0, 0.01, 60), 20)
    found = sharpe_range(net, 252, 0.0)
    assert found is not None
    assert found.formula is not None
    (low, high), (least, most) = found.drawn, found.formula
    assert high - low > 2 * (most - least)


def test_importances_are_means_over_folds() -> None:
    frame = pl.DataFrame(
        {
            "feature": ["x", "y", "z", "x", "y", "z"],
            "fold": [0, 0, 0, 1, 1, 1],
            "importance": [0.2, 0.8, 0.0, 0.4, 0.6, 0.0],
        }
    )
    first, second = importances_of(frame)
    assert (first.feature, second.feature) == ("y", "x")
    assert (second.mean, second.least, second.most) == pytest.approx((0.3, 0.2, 0.4))


def test_a_panel_has_paths_but_no_single_position(panel_run: object) -> None:
    paths = view_of(panel_run).paths  # type: ignore[arg-type]
    assert paths.months is not None
    assert paths.positions is None
    assert paths.costs == ()


def test_held_returns_are_those_of_the_curve(made: Runs) -> None:
    view = view_of(made["ridge"])
    assert view.paths.distribution is not None
    held = view.equity.curves[HELD]  # type: ignore[union-attr]
    returns = np.diff(held, prepend=1.0) / np.concatenate(([1.0], held[:-1]))
    assert view.paths.distribution.facts[HELD]["mean"] == pytest.approx(returns.mean())
