"""The error of a mean over symbols that share their days, against markets drawn again and a formula."""

from __future__ import annotations

import numpy as np
import pytest

from geiger import metrics
from geiger.errors import DataError
from geiger.evidence.by_day import Daily, error_over_symbols


def figure(forecast: np.ndarray, outcome: np.ndarray, first: int = 0) -> Daily:
    """Return the correlation of one symbol, over consecutive days."""
    rho, influence = metrics.correlation(forecast, outcome), metrics.correlation_influence(forecast, outcome)
    assert rho is not None
    assert influence is not None
    return Daily(rho, np.arange(first, first + len(forecast)), influence)


def panel(seed: int, *, together: float, symbols: int = 12, n: int = 300) -> list[Daily]:
    """Return symbols whose forecasts, and whose outcomes, share a part of this size; without any skill."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(2):
        own, common = rng.normal(size=(symbols, n)), rng.normal(size=n)
        parts.append(np.sqrt(together) * common + np.sqrt(1 - together) * own)
    return [figure(f, y) for f, y in zip(*parts, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("together", [0.0, 0.5])
def test_one_in_twenty_means_without_skill_lies_outside_the_band(together: float) -> None:
    outside, outside_by_spread, errors, means = 0, 0, [], []
    for seed in range(600):
        found = panel(seed, together=together)
        values = np.array([one.value for one in found])
        error, days = error_over_symbols(found)  # type: ignore[misc]
        assert days == 300
        outside += abs(values.mean()) > 1.96 * error
        outside_by_spread += abs(values.mean()) > 2.2 * values.std(ddof=1) / np.sqrt(12)  # Student's t
        errors.append(error)
        means.append(values.mean())
    assert 0.025 < outside / 600 < 0.085  # a share of 5% of 600 has a standard error of 0.9%
    assert np.median(errors) == pytest.approx(np.std(means), rel=0.12)
    if together:
        assert outside_by_spread / 600 > 0.2  # symbols taken as independent


def test_independent_symbols_have_the_error_of_their_number() -> None:
    errors = [error_over_symbols(panel(seed, together=0.0))[0] for seed in range(50)]  # type: ignore[index]
    assert np.mean(errors) == pytest.approx(1 / np.sqrt(12 * 300), rel=0.05)


def test_one_symbol_has_its_own_error_and_a_copy_adds_nothing() -> None:
    rng = np.random.default_rng(1)
    f, y = rng.normal(size=(2, 500))
    one = figure(f, y)
    alone = error_over_symbols([one])
    assert alone is not None
    assert alone[0] == pytest.approx(metrics.correlation_error(f, y))
    assert error_over_symbols([one] * 24) == (pytest.approx(alone[0]), 500)


def test_a_difference_of_twins_has_no_error_and_a_common_part_cancels() -> None:
    rng = np.random.default_rng(2)
    f, y = rng.normal(size=(2, 500))
    one, near = figure(f, y), figure(f + 0.01 * rng.normal(size=500), y)
    assert error_over_symbols([one.minus(one)]) == (0.0, 500)
    error = error_over_symbols([one.minus(near)])
    assert error is not None
    assert error[0] < 0.05 / np.sqrt(500)
    assert one.minus(near).value == pytest.approx(one.value - near.value)


def test_symbols_of_other_days_are_joined_by_date() -> None:
    """Two halves of one long series: the error of their mean is half the root of the summed squares."""
    rng = np.random.default_rng(3)
    f, y = rng.normal(size=(2, 800))
    early, late = figure(f[:400], y[:400]), figure(f[400:], y[400:], first=400)
    parts = [metrics.correlation_error(f[:400], y[:400]), metrics.correlation_error(f[400:], y[400:])]
    error, days = error_over_symbols([late, early])  # type: ignore[misc]
    assert (error, days) == (pytest.approx(np.hypot(*parts) / 2), 800)


def test_a_constant_adds_nothing_and_a_figure_without_days_has_no_error() -> None:
    rng = np.random.default_rng(4)
    one = figure(*rng.normal(size=(2, 100)))
    nothing, lost = (Daily(value, np.zeros(0, np.int64), np.zeros(0)) for value in (0.0, 0.3))
    alone, beside = error_over_symbols([one]), error_over_symbols([one, nothing])
    assert alone is not None
    assert beside == (pytest.approx(alone[0] / 2), 100)
    assert error_over_symbols([one, lost]) is None
    assert error_over_symbols([one.minus(lost)]) is None
    assert error_over_symbols([]) is None


def test_outcomes_that_overlap_widen_the_error() -> None:
    rng = np.random.default_rng(5)
    week = np.convolve(rng.normal(size=1004), np.ones(5), "valid")
    slow = np.convolve(rng.normal(size=1019), np.ones(20), "valid")
    found = [figure(slow, week)]
    assert error_over_symbols(found, 5)[0] > 1.4 * error_over_symbols(found)[0]  # type: ignore[index]


def test_a_day_twice_is_refused() -> None:
    with pytest.raises(DataError, match="twice"):
        Daily(0.1, np.array([1, 1]), np.array([0.1, 0.2]))
    with pytest.raises(DataError, match="influence"):
        Daily(0.1, np.array([1, 2]), np.array([0.1]))
