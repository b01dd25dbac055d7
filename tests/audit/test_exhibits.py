"""Each mistake earns on noise what it is famous for, and the honest way earns nothing: over many seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from geiger.audit import exhibits
from geiger.audit.exhibits import DB4, Shown

SEEDS = range(500, 506)  # none of those that the museum shows
# piece: measure, least mean of the wrong way, share of seeds beyond it less half of it, most of the right way
EXPECTED: dict[str, tuple[Callable[[int], Shown], str, float, float, float]] = {
    "wavelet": (exhibits.wavelet, "accuracy", 0.5, 0.64, 0.54),
    "selection": (exhibits.selection, "accuracy", 0.5, 0.56, 0.545),
    "scaling": (exhibits.scaling, "sharpe", 0.0, 1.4, 0.7),
    "same bar": (exhibits.same_bar, "sharpe", 0.0, 9.0, 0.8),
    "stopping": (exhibits.stopping, "accuracy", 0.5, 0.58, 0.545),
    "resample": (exhibits.resample, "accuracy", 0.5, 0.68, 0.53),
    "window": (exhibits.window, "correlation", 0.0, 0.6, 0.06),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_mistake_impresses_and_the_honest_way_does_not(name: str) -> None:
    show, measure, nothing, least, most = EXPECTED[name]

    shown = [show(seed) for seed in SEEDS]
    wrong = np.array([getattr(one.wrong, measure) for one in shown])
    right = np.array([getattr(one.right, measure) for one in shown])

    assert wrong.mean() > least
    assert right.mean() < most
    assert abs(right.mean() - nothing) < 0.5 * (wrong.mean() - nothing)
    assert np.mean(wrong > (nothing + least) / 2.0) >= 5 / 6


def test_growth_is_what_the_sides_earned() -> None:
    found = exhibits.traded(np.array([1.0, -1.0, 0.0]), np.array([0.1, 0.1, 0.5]))

    assert found.wealth == pytest.approx([1.1, 0.99, 0.99])
    assert found.accuracy == 0.5  # of the two days with a side


def test_the_filter_is_orthonormal_to_its_own_even_shifts() -> None:
    assert DB4.sum() == pytest.approx(np.sqrt(2.0))
    assert pytest.approx(1.0) == DB4 @ DB4
    for shift in (2, 4, 6):
        assert DB4[shift:] @ DB4[:-shift] == pytest.approx(0.0, abs=1e-12)


def test_a_line_has_no_detail_to_lose() -> None:
    line = np.linspace(1.0, 2.0, 200)
    inner = slice(20, -20)  # edges are prolonged by a constant

    assert exhibits.denoised(line)[inner] == pytest.approx(line[inner], abs=1e-9)


def test_denoising_reads_six_rows_ahead_and_the_causal_way_none() -> None:
    series = np.cumsum(np.random.default_rng(0).standard_normal(600))
    other = series.copy()
    other[400] += 1.0

    moved = np.flatnonzero(np.abs(exhibits.denoised(series) - exhibits.denoised(other)) > 1e-9)
    causal = np.flatnonzero(exhibits.denoised_causally(series) != exhibits.denoised_causally(other))

    assert 394 <= moved[0] < 400  # which of them depends on whether the row is even
    assert causal[0] == 400


def test_the_causal_way_is_the_last_value_of_the_whole_one() -> None:
    series = np.cumsum(np.random.default_rng(1).standard_normal(400))

    found = exhibits.denoised_causally(series)

    assert found[300] == pytest.approx(exhibits.denoised(series[45:301])[-1])


@pytest.mark.parametrize(("tries", "years", "expected"), [(10, 1.0, 1.57), (45, 5.0, 1.0)])
def test_the_best_of_many_is_expected_as_published(tries: int, years: float, expected: float) -> None:
    assert exhibits.expected_best(tries, years) == pytest.approx(expected, abs=0.01)


def test_the_best_of_many_is_as_good_as_expected_and_has_no_second_year() -> None:
    markets = [exhibits.best_of_many(seed) for seed in range(500, 540)]
    first = np.array([one.first[one.best] for one in markets])
    second = np.array([one.second[one.best] for one in markets])

    assert first.mean() == pytest.approx(exhibits.expected_best(50), abs=0.3)
    assert abs(second.mean()) < 0.6  # its standard error is 0.16
    assert all(one.first[one.best] == one.first.max() for one in markets)
