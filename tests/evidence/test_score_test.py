"""The score test against a slow second implementation, a known truth, and its own clock."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.evidence.score_test import Scores, ScoreTest, daily_volatility, score_test
from helpers.second_score_test import second_bias, second_p, second_scores, volatility

N, TESTED = 900, 600


def market(seed: int, rho: float = 0.0) -> tuple[np.ndarray, ...]:
    """Returns, outcomes of the next day, when they are known, and a forecast that explains rho^2 of them."""
    rng = np.random.default_rng(seed)
    z, x = rng.standard_t(5, N + 1) * 0.0077, rng.standard_normal(N + 1) * 0.01
    r = 0.0003 + np.sqrt(1 - rho**2) * z + rho * x
    forecast = np.where(np.arange(N) < N - TESTED, np.nan, 0.1 * x[1:])
    return r[:-1], r[1:], np.arange(N) + 1, forecast


def test_noise_rings_rarely_and_a_signal_often() -> None:
    noise = [score_test(*market(seed)).p_value < 0.05 for seed in range(200)]
    signal = [score_test(*market(seed, 0.2)).p_value < 0.01 for seed in range(50)]
    assert np.mean(noise) < 0.11  # 5% and four standard errors
    assert np.mean(signal) > 0.8


def test_no_score_knows_a_later_row() -> None:
    r, y, known, f = market(3)
    whole = score_test(r, y, known, f).scores
    cut = 700
    late = np.where(np.arange(N) >= cut, 50.0 * r, r), np.where(np.arange(N) >= cut, -9.0 * y, y)
    other = score_test(late[0], late[1], known, np.where(np.arange(N) >= cut, 7.0 * f, f)).scores
    before = whole.row < cut
    assert before.sum() > 300
    for name in ("c", "g", "u", "s"):
        np.testing.assert_array_equal(getattr(whole, name)[before], getattr(other, name)[before])


@pytest.mark.parametrize("forecast", [0.0, 0.001, 1e-300])
def test_a_constant_forecast_tells_nothing(forecast: float) -> None:
    r, y, known, f = market(1)
    told = score_test(r, y, known, np.where(np.isfinite(f), forecast, np.nan))
    assert (told.statistic, told.p_value, told.slope) == (None, 1.0, None)


def test_few_rows_tell_nothing() -> None:
    r, y, known, f = market(1)
    told = score_test(r, y, known, np.where(np.arange(N) < N - 260, np.nan, f))
    assert (told.n, told.p_value) == (240, 1.0)


def test_the_slope_is_that_of_the_forecast() -> None:
    slopes = [score_test(*market(seed, 0.3)).slope for seed in range(40)]  # rho x beside 0.1 x: 3
    assert np.mean([s for s in slopes if s is not None]) == pytest.approx(3.0, abs=0.45)


def test_an_outcome_known_on_its_own_row_is_refused() -> None:
    r, y, known, f = market(1)
    with pytest.raises(DataError, match="above its own row"):
        score_test(r, y, known - 1, f)


def test_the_volatility_begins_with_sixty_rows_and_has_a_floor() -> None:
    r = np.full(300, 0.02)
    r[200:] = 0.0
    s = daily_volatility(r)
    assert np.isnan(s[:59]).all()
    assert s[59] == pytest.approx(0.02)
    assert s[-1] == pytest.approx(0.01)  # a quarter of the variance


def hard_market(kind: str, horizon: int, delay: int) -> tuple[np.ndarray, ...]:
    """A market and forecasts with one thing that could go wrong; filled `delay` days after the close."""
    n, rng = 530, np.random.default_rng(horizon)
    r = 0.01 * rng.standard_t(4, n) + 0.0003
    r[0] = np.nan
    if kind == "no trade":
        r[200:330] = 0.0
    elif kind == "shock":
        r[[100, 350, 500]] = 3.0, -2.0, 1.5
    elif kind == "calm":
        r[150:300] *= 1e-3
    elif kind == "gaps":
        r[[50, 222, 400]] = np.nan
    paid = np.concatenate((np.cumsum(np.nan_to_num(r)), np.full(horizon + delay, np.nan)))
    rows = np.arange(n)
    y = paid[rows + delay + horizon] - paid[rows + delay]
    f = 0.05 * np.roll(y, 1) + 0.001 * rng.standard_normal(n)
    f[:150] = np.nan
    if kind == "constant at first":
        f[150:200] = 0.0005
    elif kind == "constant later":
        f[300:420] = 0.0005
    elif kind == "wild forecasts":
        f[[300, 400]] = 5.0, -5.0
    elif kind == "gaps":
        f[[260, 261, 262, 500]] = np.nan
        y[[180, 330]] = np.nan
    return r, y, rows + horizon + delay, f


KINDS = (
    "plain",
    "no trade",
    "shock",
    "calm",
    "gaps",
    "constant at first",
    "constant later",
    "wild forecasts",
)


@pytest.mark.parametrize(("horizon", "delay"), [(1, 0), (1, 1), (5, 0), (21, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_it_equals_a_second_implementation(kind: str, horizon: int, delay: int) -> None:
    columns = hard_market(kind, horizon, delay)
    one, two = score_test(*columns, horizon), second_scores(*columns, horizon)
    assert one.scores.row.tolist() == two["row"]
    for mine, other in (("c", "score"), ("g", "g"), ("u", "u")):
        np.testing.assert_allclose(getattr(one.scores, mine), two[other], rtol=1e-9, atol=1e-12)
    bias = second_bias(two["g"], two["v"], horizon, delay)
    assert one.bias == pytest.approx(bias, rel=1e-9)
    assert (one.statistic, one.p_value) == pytest.approx(second_p(two["score"], horizon, bias), rel=1e-9)
    np.testing.assert_allclose(daily_volatility(columns[0]), volatility(columns[0]), rtol=1e-12)


@pytest.mark.parametrize(("horizon", "delay"), [(1, 0), (1, 1), (5, 0), (21, 1)])
def test_a_score_knows_no_outcome_that_was_still_open(horizon: int, delay: int) -> None:
    r, y, known, f = hard_market("plain", horizon, delay)
    whole = score_test(r, y, known, f, horizon).scores
    for row in (240, 330, 440):
        later = np.arange(r.size) > row
        still_open = (known > row) & (np.arange(r.size) != row)
        other = score_test(
            np.where(later, -30.0 * r, r),
            np.where(still_open, 5.0 - 9.0 * y, y),
            known,
            np.where(later, 1.0 - f, f),
            horizon,
        ).scores
        for name in ("c", "g", "u", "s"):
            before, after = (getattr(x, name)[x.row == row] for x in (whole, other))
            assert before.size == 1
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("returns", [0.0, 1e-200, np.nan])
def test_prices_that_do_not_move_tell_nothing(returns: float) -> None:
    _, _, known, f = market(1)
    r = np.full(N, returns)
    assert score_test(r, r, known, f).p_value == 1.0


def test_nothing_tells_nothing() -> None:
    empty = np.empty(0)
    assert score_test(empty, empty, empty, empty).p_value == 1.0
    _, y, known, f = market(1)
    for columns in ((y, y, known, np.full(N, np.nan)), (y, np.full(N, np.nan), known, f)):
        assert score_test(*columns).p_value == 1.0


def test_a_horizon_of_no_day_is_refused() -> None:
    with pytest.raises(DataError, match="at least 1 day"):
        score_test(*market(1), horizon=0)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_unit_of_the_forecast_does_not_matter(scale: float) -> None:
    r, y, known, f = market(2)
    assert score_test(r, y, known, scale * f).statistic == pytest.approx(score_test(r, y, known, f).statistic)


def test_what_a_slope_explains_of_an_outcome_over_several_days() -> None:
    # u = b g / sqrt h + the rest: of a variance of 2 a slope of .5 over 5 days explains .25 * 4 / 5.
    empty = np.zeros(0)
    scores = Scores(empty.astype(np.int64), empty, empty, empty, empty)
    found = ScoreTest(scores=scores, horizon=5, forecast_variance=4.0, outcome_variance=2.0)
    assert found.explained(0.5) == pytest.approx(0.1)


def test_the_true_forecast_of_several_days_has_slope_one() -> None:
    rng, n, days = np.random.default_rng(3), 6000, 5
    drift = np.zeros(n)
    for t in range(1, n):
        drift[t] = 0.9 * drift[t - 1] + 0.0013 * rng.standard_normal()
    returns = np.append(np.nan, drift[:-1] + 0.01 * rng.standard_normal(n - 1))
    total = np.cumsum(np.nan_to_num(returns))
    outcome = np.append(total[days:] - total[:-days], np.full(days, np.nan))
    forecast = np.where(np.arange(n) < 500, np.nan, drift * sum(0.9**k for k in range(days)))
    found = score_test(returns, outcome, np.arange(n) + days, forecast, days)
    assert found.slope == pytest.approx(1.0, abs=0.2)
    assert found.uncut_slope == pytest.approx(1.0, abs=0.2)
    truth = np.corrcoef(forecast[500:-days], outcome[500:-days])[0, 1] ** 2
    assert found.explained(1.0) == pytest.approx(truth, rel=0.25)
