"""Forecast figures against known values, and the health table in cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geiger import metrics
from geiger.errors import DataError
from geiger.metrics import health
from geiger.records import HealthCode

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

N = 2500
SIGMA = 0.012


def normal(seed: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=n)


def pair(rho: float, k: float, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Return forecast and outcome with exactly this correlation and ratio of spreads, both of mean zero."""
    y = normal(1, n)
    y = (y - y.mean()) / y.std()
    z = normal(2, n)
    z = z - z.mean() - y * np.mean(z * y)
    z = z / z.std()
    return k * (rho * y + math.sqrt(1 - rho**2) * z), y


@pytest.mark.parametrize(
    ("k", "expected"), [(0.01, 0.0013), (0.07, 0.0049), (0.14, 0.0), (0.5, -0.18), (1.0, -0.86)]
)
def test_r2_is_two_rho_k_minus_k_squared(k: float, expected: float) -> None:
    f, y = pair(rho=0.07, k=k)
    assert metrics.r2_oos(f, y, train_mean=0.0) == pytest.approx(expected, abs=1e-12)
    assert metrics.pred_std(f, y) == pytest.approx(k, rel=1e-12)
    assert metrics.correlation(f, y) == pytest.approx(0.07, abs=1e-12)
    assert metrics.calibration_slope(f, y) == pytest.approx(0.07 / k, rel=1e-9)


@pytest.mark.parametrize(
    ("rho", "accuracy"),  # 1/2 + asin(rho) / pi
    [
        (0.05, 0.5159221332366604),
        (0.0707, 0.5225232993433898),
        (0.1, 0.53188428042926),
        (0.156434465, 0.5499999999870345),
        (0.309016994, 0.5999999998745086),
    ],
)
def test_measured_accuracy_of_gaussian_pairs_agrees_with_the_formula(rho: float, accuracy: float) -> None:
    f, y = pair(rho=rho, k=0.3, n=200_000)
    assert metrics.direction_accuracy(f, y) == pytest.approx(accuracy, abs=0.004)  # standard error 0.0011


@pytest.mark.parametrize(
    ("r", "share"),  # Phi(drift / (r sigma))
    [
        (0.02, 0.9423546914643032),
        (0.03, 0.8531182562801396),
        (0.05, 0.7356333374392849),
        (0.07, 0.6736295314264219),
        (0.10, 0.6236079336750765),
        (0.15, 0.583158461177823),
    ],
)
def test_positive_share_of_a_calibrated_forecast(r: float, share: float) -> None:
    drift, sigma = 0.00031746031746031746, 0.010079052613579392
    forecast = drift + r * sigma * normal(3, 200_000)
    assert metrics.positive_share(forecast) == pytest.approx(share, abs=0.005)
    assert metrics.share_above(forecast, drift) == pytest.approx(0.5, abs=0.005)


def test_direction_accuracy_drops_flat_days_and_counts_zero_forecasts_wrong() -> None:
    assert metrics.direction_accuracy([1, 1, 0, -1, 5], [2, -2, 3, -1, 0]) == 0.5
    assert metrics.direction_accuracy([0.0, 0.0], [1.0, -1.0]) == 0.0
    assert metrics.direction_accuracy([1.0], [0.0]) is None
    assert metrics.direction_accuracy([], []) is None


def test_base_rate_is_the_commoner_direction() -> None:
    assert metrics.base_rate([1, -1, -1, -1, 0]) == 0.75
    assert metrics.base_rate([1, 1, 1, -1]) == 0.75
    assert metrics.base_rate([0.0, 0.0]) is None


def test_errors_by_hand() -> None:
    assert metrics.mean_squared_error([1, 2, 3], [1, 0, 6]) == pytest.approx(13 / 3)
    # errors 0, 4, 9 against squared distances 4, 9, 9 from the fold's own mean
    assert metrics.r2_oos([1, 2, 3], [1, 0, 6], train_mean=[3, 3, 3]) == pytest.approx(1 - 13 / 22)


def test_the_train_mean_may_differ_from_row_to_row() -> None:
    assert metrics.share_above([1.0, 1.0, 1.0, 1.0], [0.0, 2.0, 1.0, 0.5]) == 0.5
    assert metrics.r2_oos([0.0, 0.0], [1.0, 1.0], train_mean=[0.0, 2.0]) == 0.0


def test_figures_are_undefined_where_nothing_varies() -> None:
    y, flat = [0.1, -0.2, 0.3], [0.1, 0.1, 0.1]
    assert metrics.correlation(flat, y) is None
    assert metrics.correlation(y, flat) is None
    assert metrics.calibration_slope(flat, y) is None
    assert metrics.pred_std(flat, y) == 0.0
    assert metrics.pred_std(y, flat) is None
    assert metrics.r2_oos(y, flat, train_mean=0.1) is None
    assert metrics.pred_std([], []) is None
    assert metrics.positive_share([]) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_figures_of_forecasts_that_are_not_finite_are_undefined(bad: float) -> None:
    f, y = [0.1, bad, 0.2], [0.1, 0.2, -0.3]
    for figure in (
        metrics.direction_accuracy,
        metrics.pred_std,
        metrics.correlation,
        metrics.calibration_slope,
        metrics.mean_squared_error,
    ):
        assert figure(f, y) is None
    assert metrics.r2_oos(f, y, 0.0) is None
    assert metrics.positive_share(f) is None


def test_huge_forecasts_do_not_overflow() -> None:
    f, y = 1e300 * normal(4, 50), normal(5, 50)
    assert metrics.pred_std(f, y) == pytest.approx(1e300 * normal(4, 50).std() / y.std())
    assert metrics.mean_squared_error(f, y) is None
    assert health(f, y, 0.0, 1.0, 500).code is HealthCode.OVERDISPERSED


def test_wrong_shapes_and_open_outcomes_are_refused() -> None:
    with pytest.raises(DataError, match="2 forecasts against 3 outcomes"):
        metrics.correlation([1, 2], [1, 2, 3])
    with pytest.raises(DataError, match="one-dimensional"):
        metrics.pred_std([[1.0], [2.0]], [1.0, 2.0])
    with pytest.raises(DataError, match="nan in row 1"):
        metrics.direction_accuracy([1.0, 2.0], [1.0, math.nan])
    with pytest.raises(DataError, match="train_mean must be one number or 2"):
        metrics.r2_oos([1.0, 2.0], [1.0, 2.0], [0.0, 0.0, 0.0])
    with pytest.raises(DataError, match="no forecasts"):
        health([], [], 0.0, 1.0, 100)


vectors = hnp.arrays(np.float64, 30, elements=st.floats(-1e6, 1e6, width=32))


@steady
@given(vectors, vectors, st.sampled_from([2.0**-20, 2.0**30]))
def test_figures_do_not_depend_on_the_unit(f: np.ndarray, y: np.ndarray, unit: float) -> None:
    for figure in (metrics.direction_accuracy, metrics.correlation, metrics.pred_std):
        assert figure(f * unit, y * unit) == figure(f, y)


@steady
@given(vectors, vectors)
def test_correlation_and_shares_stay_in_their_range(f: np.ndarray, y: np.ndarray) -> None:
    rho = metrics.correlation(f, y)
    assert rho is None or -1 <= rho <= 1
    assert 0.5 <= (metrics.base_rate(y) or 0.5) <= 1


# The health table: each row fires where it should and stays quiet where it should.


def calibrated(r2: float, seed: int = 11, drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the forecast E[y|x] and its outcome in a market of known R^2."""
    signal, noise = normal(seed), normal(seed + 1)
    return drift + SIGMA * math.sqrt(r2) * signal, drift + SIGMA * (
        math.sqrt(r2) * signal + math.sqrt(1 - r2) * noise
    )


def judge(f: np.ndarray, y: np.ndarray, mean: object = 0.0, n_train: object = 1500) -> metrics.Health:
    return health(f, y, mean, SIGMA, n_train)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nonfinite_forecasts_fail(bad: float) -> None:
    f, y = calibrated(0.01)
    f[7] = bad
    found = judge(f, y)
    assert (found.code, found.failed, found.collapsed, found.also) == (HealthCode.NONFINITE, True, False, ())
    assert "1 of 2500" in found.meaning


@pytest.mark.parametrize("seed", range(20))
def test_a_calibrated_forecast_of_one_percent_never_counts_as_collapsed(seed: int) -> None:
    found = judge(*calibrated(0.01, seed=100 + 2 * seed))
    assert found.code is HealthCode.SHRUNK_OK
    assert not found.collapsed
    assert not found.failed
    assert found.k == pytest.approx(0.10, abs=0.01)


@pytest.mark.parametrize("level", [0.0, 0.0003, -0.05])
def test_a_constant_has_collapsed(level: float) -> None:
    _, y = calibrated(0.01)
    found = judge(np.full(N, level), y, mean=0.0003)
    assert found.code is HealthCode.COLLAPSED_CONSTANT
    assert found.collapsed
    assert found.k == 0.0
    assert found.rho is None


def test_one_constant_for_each_fold_has_collapsed_too() -> None:
    _, y = calibrated(0.01)
    means = np.repeat(np.linspace(-0.002, 0.002, 10), N // 10)  # k of 0.1, ten values
    assert judge(means, y, mean=means).code is HealthCode.COLLAPSED_CONSTANT
    assert judge(means, y, mean=0.0).code is not HealthCode.COLLAPSED_CONSTANT


def test_four_values_are_a_constant_and_five_are_not() -> None:
    _, y = calibrated(0.01)
    steps = SIGMA * 0.2 * np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    assert judge(np.resize(steps[:4] + 0.1 * SIGMA, N), y).code is HealthCode.COLLAPSED_CONSTANT
    assert judge(np.resize(steps, N), y).code is not HealthCode.COLLAPSED_CONSTANT


def test_rounding_noise_on_a_constant_makes_no_difference() -> None:
    _, y = calibrated(0.01)
    assert judge(0.001 + 1e-15 * normal(9), y).code is HealthCode.COLLAPSED_CONSTANT


def test_the_border_of_collapse_lies_at_half_a_percent() -> None:
    _, y = calibrated(0.01)
    z = normal(5) / normal(5).std() * y.std()
    assert judge(0.0049 * z, y).code is HealthCode.COLLAPSED_CONSTANT
    assert judge(0.0051 * z, y).code is not HealthCode.COLLAPSED_CONSTANT


def test_one_sign_by_bias_has_collapsed_and_by_drift_has_not() -> None:
    f, y = calibrated(0.0025, drift=0.0)
    band = 3 * SIGMA / math.sqrt(1500)
    biased = judge(f + 4 * band, y, mean=0.0)
    assert biased.code is HealthCode.COLLAPSED_SIGN
    assert biased.collapsed
    assert biased.also == ()
    drift = judge(f + 4 * band, y + 4 * band, mean=4 * band)
    assert drift.code is HealthCode.DRIFT_ONLY
    assert not drift.collapsed
    assert drift.above_mean == pytest.approx(0.5, abs=0.03)
    assert HealthCode.SHRUNK_OK in drift.also


def test_a_balanced_forecast_with_a_shifted_mean_is_no_sign_collapse() -> None:
    f, y = calibrated(0.01)
    shifted = judge(f + 1.9 * f.std(), y)  # 97% positive: within 2-98%
    assert shifted.positive == pytest.approx(0.97, abs=0.01)
    assert shifted.code is HealthCode.SHRUNK_OK


def test_a_smaller_training_set_allows_a_wider_drift() -> None:
    f, y = calibrated(0.0005)
    f = f + 3.5 * SIGMA / math.sqrt(1500)
    assert judge(f, y, n_train=1500).code is HealthCode.COLLAPSED_SIGN
    assert judge(f, y, n_train=np.full(N, 500)).code is HealthCode.DRIFT_ONLY


def test_the_last_return_as_forecast_is_overdispersed_and_has_no_skill() -> None:
    returns = SIGMA * normal(21, N + 1)
    found = judge(returns[:-1], returns[1:])
    assert found.code is HealthCode.OVERDISPERSED
    assert found.also == (HealthCode.NO_SKILL,)
    assert not found.collapsed
    assert found.k == pytest.approx(1.0, abs=0.01)
    assert "rescale" in found.meaning


def test_skill_that_swings_too_widely_is_overdispersed_alone() -> None:
    f, y = calibrated(0.01)
    found = judge(5 * f, y)
    assert (found.code, found.also) == (HealthCode.OVERDISPERSED, ())


def test_a_forecast_that_is_reliably_wrong_is_overdispersed_and_says_so() -> None:
    f, y = calibrated(0.02)
    found = judge(-f, y)
    assert (found.code, found.also) == (HealthCode.OVERDISPERSED, (HealthCode.NO_SKILL,))
    assert "on these rows they pointed the wrong way" in found.meaning


def test_narrow_noise_is_shrunk_well_and_says_that_it_has_no_skill() -> None:
    found = judge(0.03 * SIGMA * normal(31), SIGMA * normal(33))
    assert found.code is HealthCode.SHRUNK_OK
    assert HealthCode.NO_SKILL in found.also
    assert "noise" in found.meaning


def test_skill_shrunk_too_far_is_no_fault_and_says_so() -> None:
    f, y = calibrated(0.05)
    found = judge(f / 8, y)
    assert (found.code, found.also) == (HealthCode.SHRUNK_OK, ())
    assert "shrunk further" in found.meaning


def test_an_outcome_that_never_moves_leaves_no_skill_to_measure() -> None:
    found = judge(SIGMA * normal(1), np.zeros(N))
    assert found.code is HealthCode.NO_SKILL
    assert found.k is None


def test_overlapping_labels_widen_the_error_of_the_correlation() -> None:
    steps = SIGMA * normal(41, N + 20)
    week = np.convolve(steps, np.ones(5), "valid")
    slow = np.convolve(SIGMA * normal(43, N + 20), np.ones(20), "valid")
    y, f = week[:2400], slow[:2400]
    daily, weekly = health(f, y, 0.0, SIGMA, 1500, horizon=1), health(f, y, 0.0, SIGMA, 1500, horizon=5)
    assert daily.rho == weekly.rho
    assert weekly.rho_hi - weekly.rho > 1.4 * (daily.rho_hi - daily.rho)


def test_a_correlation_below_zero_shrinks_nothing_rightly() -> None:
    """Narrow noise that happened to be wrong: it fits no slope, and is no fault but the lack of skill."""
    f, y = pair(rho=-0.01, k=0.03)
    found = judge(f, y)
    assert (found.code, found.also) == (HealthCode.NO_SKILL, ())
    assert not found.collapsed
    assert not found.failed
    assert "within the noise" in found.meaning


def test_few_rows_are_judged_without_falling_over() -> None:
    assert health([0.1], [0.2], 0.0, 1.0, 10).n == 1
    line = np.linspace(-1.0, 1.0, 12)
    found = health(line + 0.01 * normal(3, 12), line, 0.0, 1.0, 10)
    assert (found.code, found.rho_error) == (HealthCode.NO_SKILL, None)  # for all its correlation of 0.99
    assert "12 rows are too few" in found.meaning
    assert health([0.1, -0.1, 0.2], [0.2, 0.1, 0.1], 0.0, 1.0, 10).code is not HealthCode.COLLAPSED_CONSTANT


@steady
@given(vectors, vectors, st.integers(1, 10))
def test_every_forecast_gets_an_answer(f: np.ndarray, y: np.ndarray, horizon: int) -> None:
    found = health(f, y, 0.0, 1.0, 500, horizon=horizon)
    assert found.code in HealthCode
    assert found.meaning
    assert found.code not in found.also


def test_one_constant_a_fold_is_collapse_wherever_it_lies():
    """Constants that follow no train mean, as a model with its own idea of the level puts out."""
    rng = np.random.default_rng(4)
    levels = rng.normal(0.0, 0.01, 10)
    outcome = rng.normal(0.0, 0.01, 630)
    mean = np.repeat(np.linspace(0.0, 0.001, 10), 63)
    found = health(np.repeat(levels, 63), outcome, mean, 0.01, 1000)
    assert found.code == "COLLAPSED_CONSTANT"
    # Refitted every row, each fold has one forecast: that alone is no collapse.
    daily = health(rng.normal(0.0, 0.001, 630), outcome, np.linspace(0.0, 0.001, 630), 0.01, 1000)
    assert not daily.collapsed


# The error of a correlation.


def garch_paths(
    n: int, paths: int, seed: int, alpha: float = 0.08, leverage: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return returns (n, paths) without any signal and the volatility known before each: GARCH(1,1)-t.

    A fall adds `leverage` to `alpha` (Glosten, Jagannathan & Runkle 1993).
    """
    rng = np.random.default_rng(seed)
    h, returns, volatility = np.ones(paths), np.empty((n, paths)), np.empty((n, paths))
    for t in range(-250, n):
        e = np.sqrt(h) * rng.standard_t(5, paths) * math.sqrt(3 / 5)
        if t >= 0:
            returns[t], volatility[t] = e, np.sqrt(h)
        h = 0.02 + (alpha + leverage * (e < 0)) * e**2 + 0.90 * h
    return returns, volatility


def share_outside(forecasts: np.ndarray, outcomes: np.ndarray, horizon: int = 1) -> float:
    """Return the share of columns whose correlation lies outside its own 95% band around 0."""
    outside = [
        abs(metrics.correlation(f, y)) > 1.96 * metrics.correlation_error(f, y, horizon)
        for f, y in zip(forecasts.T, outcomes.T, strict=True)
    ]
    return float(np.mean(outside))


PATHS = 1200


@pytest.mark.parametrize("n", [54, 252, pytest.param(1764, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["volatility", "last return", "persistent", "persistent x volatility"])
def test_of_markets_without_a_signal_one_in_twenty_lies_outside_the_band(kind: str, n: int) -> None:
    returns, volatility = garch_paths(n + 1, PATHS, seed=n)
    steps = np.random.default_rng(7).normal(size=(n, PATHS))
    slow = np.empty_like(steps)
    last = steps[0]
    for t, step in enumerate(steps):
        last = slow[t] = 0.97 * last + math.sqrt(1 - 0.97**2) * step
    forecast = {
        "volatility": volatility[1:],
        "last return": returns[:-1],
        "persistent": slow,
        "persistent x volatility": slow * volatility[1:],
    }[kind]
    found = share_outside(forecast, returns[1:])
    # A share of 5% of 1200 paths has a standard error of 0.6%; on 54 days the error is a little too small.
    assert 0.03 < found < (0.095 if n < 100 else 0.075)
    if n == 1764 and kind != "persistent":
        rho = [metrics.correlation(f, y) for f, y in zip(forecast.T, returns[1:].T, strict=True)]
        assert np.mean(np.abs(rho) > 1.96 / math.sqrt(n)) > 0.10  # what 1 / sqrt(n) would say


def tails(forecasts: np.ndarray, outcomes: np.ndarray) -> tuple[float, float]:
    """Return the shares of columns whose correlation lies 1.645 of its errors below, and above, 0."""
    score = np.array(
        [
            metrics.correlation(f, y) / metrics.correlation_error(f, y)
            for f, y in zip(forecasts.T, outcomes.T, strict=True)
        ]
    )
    return float(np.mean(score < -1.645)), float(np.mean(score > 1.645))


def test_no_error_mends_what_past_returns_do_to_the_forecast_itself() -> None:
    """The limits that docs/evidence/error-rates.md names; each share has a standard error of about 1%."""
    returns, volatility = garch_paths(253, PATHS, seed=9, alpha=0.02, leverage=0.12)
    below, above = tails(volatility[1:], returns[1:])
    assert below < 0.05 < 0.09 < above < 0.17
    returns, _ = garch_paths(54 + 61, PATHS, seed=9)
    sums = np.cumsum(returns, axis=0)
    below, above = tails(sums[60:-1] - sums[:-61], returns[61:])
    assert above < 0.02 < 0.2 < below < 0.34


def test_a_row_that_pulls_the_line_to_itself_counts_by_what_it_leaves_to_the_others() -> None:
    rng = np.random.default_rng(1)
    f = rng.normal(size=60)
    f[10] = 7.0
    y = 0.05 * f + rng.normal(size=60)
    both = np.column_stack([np.ones(60), f])
    leverage = np.diag(both @ np.linalg.pinv(both))
    zf, zy = (f - f.mean()) / f.std(), (y - y.mean()) / y.std()
    rho = np.mean(zf * zy)
    plain = zf * zy - rho * (zf**2 + zy**2) / 2
    np.testing.assert_allclose(metrics.correlation_influence(f, y), plain / (1 - leverage), rtol=1e-9)
    slopes = [np.polyfit(np.delete(f, t), np.delete(y, t), 1)[0] for t in range(60)]  # a jackknife
    error = np.sqrt(np.sum((slopes - np.polyfit(f, y, 1)[0]) ** 2))
    assert metrics._slope_error(f, y, 1) == pytest.approx(error, rel=1e-9)


def test_the_error_of_the_correlation_is_that_of_a_bootstrap() -> None:
    """Rows drawn again and again: another way to the same error, which 1 / sqrt(n) misses by a third."""
    returns, volatility = garch_paths(1501, 1, seed=5)
    f, y = volatility[1:, 0] * normal(8, 1500), returns[1:, 0]
    rng = np.random.default_rng(0)
    drawn = []
    for rows in rng.integers(0, 1500, (2000, 1500)):
        drawn.append(np.corrcoef(f[rows], y[rows])[0, 1])
    assert metrics.correlation_error(f, y) == pytest.approx(np.std(drawn), rel=0.08)
    assert np.std(drawn) > 1.2 / math.sqrt(1500)


def test_errors_of_normal_pairs_agree_with_the_formulas() -> None:
    """Without heteroskedasticity: (1 - rho^2) / sqrt(n) for rho, sqrt(1 - rho^2) / (k sqrt(n)) for beta."""
    n = 50_000
    f, y = pair(rho=0.4, k=0.5, n=n)
    assert metrics.correlation_error(f, y) == pytest.approx((1 - 0.16) / math.sqrt(n), rel=0.02)
    assert metrics._slope_error(f, y, 1) == pytest.approx(math.sqrt(1 - 0.16) / 0.5 / math.sqrt(n), rel=0.02)


def test_influence_is_what_leaving_a_row_out_changes() -> None:
    f, y = calibrated(0.05)
    f, y = f[:60], y[:60]
    rho, influence = metrics.correlation(f, y), metrics.correlation_influence(f, y)
    kept = np.arange(60)
    left = [metrics.correlation(f[kept != t], y[kept != t]) for t in range(60)]
    np.testing.assert_allclose(59 * (rho - np.array(left)), influence, atol=0.25)
    assert np.corrcoef(rho - np.array(left), influence)[0, 1] > 0.99


def test_outcomes_of_a_week_overlap_and_the_error_allows_for_it() -> None:
    returns, _ = garch_paths(1300, PATHS, seed=3)
    week = np.array([returns[t : t + 5].sum(axis=0) for t in range(1260)])
    steps = np.random.default_rng(1).normal(size=(1260, PATHS))
    slow = np.empty_like(steps)
    last = steps[0]
    for t, step in enumerate(steps):
        last = slow[t] = 0.97 * last + math.sqrt(1 - 0.97**2) * step
    assert share_outside(slow, week, horizon=5) < 0.11
    assert share_outside(slow, week) > 0.3


def test_the_error_of_a_gain_in_r2_is_that_of_a_bootstrap() -> None:
    f, y = calibrated(0.02)
    other = 0.5 * f + 0.0005 * normal(5)
    gain, error = metrics.r2_gain(f, other, y, 0.0)
    rng = np.random.default_rng(2)
    drawn = [metrics.r2_gain(f[r], other[r], y[r], 0.0)[0] for r in rng.integers(0, N, (1000, N))]
    assert error == pytest.approx(np.std(drawn), rel=0.1)
    assert metrics.r2_gain(f, np.zeros(N), y, 0.0)[0] == pytest.approx(metrics.r2_oos(f, y, 0.0))
    assert gain == pytest.approx(metrics.r2_oos(f, y, 0.0) - metrics.r2_oos(other, y, 0.0))
