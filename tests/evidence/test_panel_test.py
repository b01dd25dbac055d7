"""The test of a panel against a slow second implementation, known truths, its own clock, wrong versions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.evidence.panel_test import (
    Grid,
    PanelScores,
    SelectionTest,
    equal_weight,
    panel_volatility,
    selection_test,
    timing_test,
)
from geiger.evidence.score_test import score_test
from helpers.second_score_test import volatility

D, N, FIRST_TEST = 620, 14, 300


def panel(
    seed: int, *, r2: float = 0.0, days: int = D, names: int = N, horizon: int = 1, delay: int = 0
) -> tuple[Grid, np.ndarray]:
    """Symbols that share a factor, with betas and volatilities of their own, and forecasts that know r2."""
    rng = np.random.default_rng(seed)
    beta, size = rng.uniform(0.3, 1.8, names), rng.uniform(0.006, 0.02, names)
    x = rng.standard_normal((days + 1, names))  # what is known of the next day
    factor = 0.01 * rng.standard_t(5, days)
    own = math.sqrt(1 - r2) * rng.standard_t(6, (days, names)) * math.sqrt(4 / 6) + math.sqrt(r2) * x[:-1]
    returns = 0.0002 + beta * factor[:, None] + size * own
    paid = np.concatenate((np.cumsum(returns, axis=0), np.full((horizon + delay, names), np.nan)))
    rows = np.arange(days)
    outcome = paid[rows + delay + horizon] - paid[rows + delay]
    returns[0] = np.nan
    score = np.where(rows[:, None] < FIRST_TEST, np.nan, 0.2 * x[1:])
    return Grid(returns, outcome, rows + horizon + delay, horizon), score


def second(grid: Grid, score: np.ndarray, least: int = 10) -> dict[str, list]:
    """The scores a second time, day by day and symbol by symbol, from the description alone."""
    days, names = grid.returns.shape
    first = [int(np.flatnonzero(np.isfinite(r))[0]) for r in grid.returns.T]
    s = np.full((days, names), math.nan)
    for i in range(names):
        begin = max(first[i] - 1, 0)
        s[begin:, i] = volatility(grid.returns[begin:, i])
    market = [math.log(np.nanmean(np.exp(r))) if np.isfinite(r).any() else math.nan for r in grid.returns]
    result: dict[str, list] = {name: [] for name in ("row", "c", "names", "g", "u")}
    earlier: list[float] = []
    counted = 0
    for t in range(days):
        here, columns, y, f, weight = [], [], [], [], []
        for i in range(names):
            past = [k for k in range(max(t - 755, 0), t + 1) if math.isfinite(grid.returns[k, i])]
            year = [r for r in grid.returns[max(t - 251, 0) : t + 1, i] if math.isfinite(r)]
            values = score[t, i], grid.outcome[t, i], s[t, i]
            if len(past) < 60 or len(year) < 60 or not all(map(math.isfinite, values)):
                continue
            both = np.cov([market[k] for k in past], grid.returns[past, i])
            here.append(i)
            usual = math.sqrt(math.fsum(r * r for r in year) / len(year))
            columns.append([1.0, both[0, 1] / both[0, 0], s[t, i], usual])
            y.append(grid.outcome[t, i])
            f.append(score[t, i] * s[t, i])
            weight.append(1 / s[t, i])
        if len(here) < least:
            continue
        w = np.array(weight)
        design = np.array(columns)
        left = []
        for z in (np.array(f), np.array(y)):
            fit, *_ = np.linalg.lstsq(design * w[:, None], z * w, rcond=None)
            left.append((z - design @ fit) * w)
        raw, u = left[0], left[1] / math.sqrt(grid.horizon)
        limit = 3 * math.sqrt(math.fsum(a * a for a in earlier) / len(earlier)) if earlier else 0.0
        earlier += list(raw)
        counted += 1
        if counted <= 20:
            continue
        g = [min(max(a, -limit), limit) for a in raw]
        total = math.fsum(a * min(max(b, -3.0), 3.0) for a, b in zip(g, u, strict=True))
        result["row"].append(t)
        result["c"].append(total / math.sqrt(len(here)))
        result["names"].append(len(here))
        for name, of_day in (("g", g), ("u", u)):
            line = np.full(names, math.nan)
            line[here] = of_day
            result[name].append(line)
    return result


def second_statistic(c: list[float]) -> tuple[float, float]:
    from scipy import stats

    n = len(c)
    b = round(0.4 * n ** (2 / 3))
    waves = [
        math.fsum(x * math.cos(math.pi * j * (i + 0.5) / n) for i, x in enumerate(c)) for j in range(1, b + 1)
    ]
    t = math.fsum(c) / n / math.sqrt(2 / n * math.fsum(w * w for w in waves) / b / n)
    return t, float(stats.t.sf(t, b))


def hard(kind: str, horizon: int, delay: int) -> tuple[Grid, np.ndarray]:
    grid, score = panel(horizon + delay, r2=0.01, horizon=horizon, delay=delay)
    returns, outcome = grid.returns.copy(), grid.outcome.copy()
    rng = np.random.default_rng(5)
    if kind == "members come and go":
        for i, (begin, end) in enumerate([(0, 450), (200, D), (280, D), (310, 560), (0, 400)]):
            outside = (np.arange(D) < begin) | (np.arange(D) >= end)
            for values in (returns, outcome, score):
                values[outside, i] = np.nan
    elif kind == "gaps":
        for values in (returns, outcome, score):
            values[rng.random(values.shape) < 0.1] = np.nan
    elif kind == "shocks":
        returns[350, 3], outcome[349, 3], score[400, 5], score[401, 6] = 2.0, 2.0, 50.0, -50.0
    elif kind == "the same for all":
        score[330:360] = 0.7
    return replace(grid, returns=returns, outcome=outcome), score


@pytest.mark.parametrize(("horizon", "delay"), [(1, 0), (1, 1), (5, 1)])
@pytest.mark.parametrize("kind", ["plain", "members come and go", "gaps", "shocks", "the same for all"])
def test_it_equals_a_second_implementation(kind: str, horizon: int, delay: int) -> None:
    grid, score = hard(kind, horizon, delay)
    one, two = selection_test(grid, score), second(grid, score)
    assert one.scores.row.tolist() == two["row"]
    assert one.scores.names.tolist() == two["names"]
    assert one.n >= 250
    for mine, other in ((one.scores.c, two["c"]), (one.scores.g, two["g"]), (one.scores.u, two["u"])):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-10)
    t, p = second_statistic(two["c"])
    assert one.statistic == pytest.approx(t, rel=1e-7)
    assert one.p_value == pytest.approx(p, rel=1e-6)


@pytest.mark.parametrize(("horizon", "delay"), [(1, 0), (5, 1)])
def test_no_score_knows_a_later_day(horizon: int, delay: int) -> None:
    """Beta or volatility with later rows, or a cut at the size of later forecasts, would show here."""
    grid, score = panel(3, horizon=horizon, delay=delay)
    whole = selection_test(grid, score).scores
    for cut in (400, 401, 500):
        late = np.arange(D)[:, None] > cut
        other = selection_test(
            replace(
                grid,
                returns=np.where(late, -30.0 * grid.returns[::-1], grid.returns),
                outcome=np.where(late, 5.0 - 9.0 * grid.outcome[::-1], grid.outcome),
            ),
            np.where(late, 7.0 - 40.0 * score, score),
        ).scores
        before = int(np.searchsorted(whole.row, cut, side="right"))
        assert before > 50
        for name in ("row", "c", "g", "u", "s"):
            np.testing.assert_array_equal(getattr(whole, name)[:before], getattr(other, name)[:before])


def test_beta_is_that_of_the_last_756_days_through_today() -> None:
    grid, _ = panel(4, days=1000)
    market = np.log(np.nanmean(np.exp(grid.returns[1:]), axis=1))
    row = 900
    past = slice(row - 755, row + 1)
    for i in (0, 7):
        x, y = market[row - 756 : row], grid.returns[past, i]
        assert grid.beta[row, i] == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-9)
    assert np.isnan(grid.beta[59]).all()  # the first day has no return, so these are 59
    assert np.isfinite(grid.beta[60]).all()


def test_the_usual_volatility_is_that_of_the_last_252_days() -> None:
    grid, _ = panel(4)
    assert grid.usual_volatility[500, 3] == pytest.approx(np.sqrt(np.mean(grid.returns[249:501, 3] ** 2)))
    assert np.isnan(grid.usual_volatility[59]).all()
    assert np.isfinite(grid.usual_volatility[60]).all()


def test_a_late_member_begins_with_sixty_days_of_its_own() -> None:
    grid, _ = panel(5)
    returns = grid.returns.copy()
    returns[:200, 2] = np.nan
    found = panel_volatility(returns)
    own = np.append(np.nan, returns[200:, 2])
    np.testing.assert_allclose(found[199:, 2], volatility(own), rtol=1e-12)
    assert np.isnan(found[:199, 2]).all()


def rings(level: float, forecasts, seeds: range, **changes: float) -> float:  # type: ignore[no-untyped-def]
    found = []
    for seed in seeds:
        grid, score = panel(seed, **changes)  # type: ignore[arg-type]
        found.append(selection_test(grid, forecasts(grid, score)).p_value < level)
    return float(np.mean(found))


def test_noise_rings_rarely_and_a_signal_often() -> None:
    assert rings(0.05, lambda _, score: score, range(150)) < 0.12  # 5% and four standard errors
    assert rings(0.01, lambda _, score: score, range(20), r2=0.02) > 0.8


def test_what_is_nothing_but_beta_or_volatility_tells_nothing() -> None:
    grid, score = panel(6)
    there = np.isfinite(score)
    s, beta, usual = grid.volatility, grid.beta, grid.usual_volatility
    day = np.random.default_rng(1).standard_normal((D, 1))
    for known in (beta / s, 1.0 / s, np.ones_like(s), usual / s, (3.0 - day * beta) / s + 2.0 * day):
        told = selection_test(grid, np.where(there, known, np.nan))
        assert (told.statistic, told.p_value, told.slope) == (None, 1.0, None)


def test_a_shift_of_a_whole_day_changes_nothing() -> None:
    """One regression a symbol, or for all days at once, would see what the market did."""
    grid, score = panel(7, r2=0.01)
    day = np.random.default_rng(2).standard_normal((D, 1))
    market = np.nan_to_num(grid.market)[:, None]
    moved = replace(grid, outcome=grid.outcome + 0.02 * day)
    one = selection_test(grid, score)
    for other in (selection_test(moved, score), selection_test(grid, score + 5.0 * day + 300.0 * market)):
        np.testing.assert_allclose(one.scores.u, other.scores.u, atol=1e-9)
        assert other.statistic == pytest.approx(one.statistic, rel=1e-2)
    assert selection_test(moved, score).statistic == pytest.approx(one.statistic, rel=1e-9)


def test_a_forecast_of_another_day_is_no_forecast() -> None:
    grid, score = panel(8, r2=0.05)
    z = {
        lag: selection_test(grid, np.roll(score, lag, axis=0)).statistic or 0.0
        for lag in (-1, 0, 1)  # rows that roll in from the end have no forecast, or no outcome
    }
    assert z[0] > 5
    assert abs(z[-1]) < 3.5
    assert abs(z[1]) < 3.5


def test_symbols_that_move_together_are_not_counted_as_several() -> None:
    """Ten copies of each symbol of ten know no more than the ten."""
    grid, score = panel(9, names=10, r2=0.02)
    noise = np.random.default_rng(3).standard_normal((10, *score.shape)) * 1e-6
    many = Grid(np.tile(grid.returns, 10), np.tile(grid.outcome, 10), grid.known_from)
    copies = np.concatenate([score + tiny for tiny in noise], axis=1)
    one, ten = selection_test(grid, score), selection_test(many, copies)
    assert ten.statistic == pytest.approx(one.statistic, rel=0.02)
    assert ten.together == pytest.approx(9 / 99, abs=0.05)  # 9 of the 99 others are copies


def test_the_slope_is_that_of_the_forecast() -> None:
    # The outcome moves by the root of r2 with x, in units of its own size, and the forecast is .2 x. Sizes
    # include the market's part here, so they are compared on symbols without one.
    slopes = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((801, N))
        returns = 0.01 * (0.1 * x[:-1] + math.sqrt(0.99) * rng.standard_normal((800, N)))
        outcome = np.concatenate((returns[1:], np.full((1, N), np.nan)))
        grid = Grid(returns, outcome, np.arange(800) + 1)
        told = selection_test(grid, np.where(np.arange(800)[:, None] < 300, np.nan, 0.2 * x[1:]))
        slopes.append((told.slope, told.uncut_slope, told.explained(told.slope or 0.0)))
    measured = np.mean(np.array(slopes, dtype=float), axis=0)
    assert measured[0] == pytest.approx(0.5, abs=0.06)
    assert measured[1] == pytest.approx(0.5, abs=0.06)
    assert measured[2] == pytest.approx(0.01, abs=0.003)


def test_few_days_or_few_names_tell_nothing() -> None:
    grid, score = panel(10)
    short = np.where(np.arange(D)[:, None] < D - 270, np.nan, score)
    assert selection_test(grid, short).n == 249  # the last day has no outcome, and the first 20 no score
    assert selection_test(grid, short).p_value == 1.0
    narrow = score.copy()
    narrow[:, 9:] = np.nan
    assert selection_test(grid, narrow).n == 0
    assert selection_test(grid, narrow, least_names=9).n == 299
    assert selection_test(grid, np.full_like(score, np.nan)).p_value == 1.0


def test_how_many_symbols_an_effect_would_need() -> None:
    # 20 symbols whose parts correlate by .05: information 20 / 1.95. Twice that is of 2 x 20 / 1.95 = 20.5
    # and more symbols than 1 / .05 never give 20.
    empty = np.zeros((300, 1))
    day = np.arange(300)
    scores = PanelScores(day, np.ones(300), np.full(300, 20), empty, empty, empty)
    told = SelectionTest(scores=scores, horizon=1, together=0.05)
    assert told.names == 20
    assert told.names_for(1.0) == 20
    assert told.names_for(1.5) == math.ceil(0.95 / (1.95 / 20 / 1.5 - 0.05))
    assert told.names_for(2.0) is None
    assert replace(told, together=0.0).names_for(2.0) == 40
    assert replace(told, together=0.0).names_for(math.inf) is None


def test_timing_is_the_test_of_one_symbol_on_the_market() -> None:
    grid, _ = panel(11, delay=1)
    rng = np.random.default_rng(4)
    market = np.log(np.mean(np.exp(grid.returns), axis=1))
    outcome = np.log(np.mean(np.exp(grid.outcome), axis=1))
    day = 0.001 * rng.standard_normal(D)
    apart = 0.01 * rng.standard_normal((D, N))
    forecast = day[:, None] + apart - apart.mean(axis=1, keepdims=True)
    forecast[:FIRST_TEST] = np.nan
    plain = score_test(market, outcome, grid.known_from, np.where(np.arange(D) < FIRST_TEST, np.nan, day))
    told = timing_test(grid, forecast)
    assert told.n == plain.n
    assert told.statistic == pytest.approx(plain.statistic, rel=1e-6)
    forecast[:, :5] = np.nan
    assert timing_test(grid, forecast).n == 0
    assert timing_test(grid, forecast, least_names=9).n == plain.n


def test_the_market_is_held_in_equal_parts() -> None:
    found = equal_weight(np.log([[1.1, 0.9, 1.3], [1.2, np.nan, 1.0]]))
    np.testing.assert_allclose(np.exp(found), [1.1, 1.1])
    assert np.isnan(equal_weight(np.full((1, 3), np.nan))[0])


def test_shapes_and_clocks_that_do_not_fit_are_refused() -> None:
    grid, score = panel(12)
    with pytest.raises(DataError, match="days by symbols"):
        Grid(grid.returns, grid.outcome[:, 1:], grid.known_from)
    with pytest.raises(DataError, match="above its own day"):
        Grid(grid.returns, grid.outcome, grid.known_from - 1)
    with pytest.raises(DataError, match="at least 1 day"):
        Grid(grid.returns, grid.outcome, grid.known_from, 0)
    for test in (selection_test, timing_test):
        with pytest.raises(DataError, match="forecasts have shape"):
            test(grid, score[:, 1:])


def test_the_market_of_timing_does_without_outcomes_that_are_late() -> None:
    """They are known behind those of their day, which a mean would have to wait for."""
    grid, score = panel(11)
    late = np.zeros(grid.returns.shape, dtype=bool)
    late[FIRST_TEST + 20 : FIRST_TEST + 60, 3] = True
    wild = replace(grid, outcome=np.where(late, grid.outcome + 0.3, grid.outcome), late=late)
    without = replace(grid, outcome=np.where(late, np.nan, grid.outcome))
    assert timing_test(wild, 0.01 * score).statistic == timing_test(without, 0.01 * score).statistic
    assert selection_test(wild, score).statistic != selection_test(without, score).statistic
