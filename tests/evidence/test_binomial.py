"""Exact intervals of a share, and shares that are too large: against tables and by hand."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from geiger.evidence.binomial import share_interval, too_often


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),  # the table of Clopper and Pearson, 95%
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_intervals_of_the_table(count: int, n: int, low: float, high: float) -> None:
    assert share_interval(count, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("count", "n"), [(3, 400), (17, 60), (59, 60)])
def test_intervals_of_a_second_implementation(count: int, n: int) -> None:
    other = binomtest(count, n).proportion_ci(0.95, method="exact")
    assert share_interval(count, n) == pytest.approx((other.low, other.high))


def test_too_often_counts_how_many_are_looked_at() -> None:
    # P(4 or more of 100 at 1%) = 0.0184: too often by itself, and not as the largest of three or more
    assert too_often([(4, 100)], 0.01) == [True]
    assert too_often([(4, 100), (1, 100), (0, 100)], 0.01) == [False, False, False]
    # once the worst is named, two are left: 2 x 0.0184 = 0.037
    assert too_often([(4, 100), (9, 100), (0, 100)], 0.01) == [True, True, False]


def test_nothing_seen_is_not_too_often() -> None:
    assert too_often([(0, 0), (0, 100)], 0.01) == [False, False]
    assert too_often([], 0.01) == []
