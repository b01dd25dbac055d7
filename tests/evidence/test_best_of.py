"""The best of many by luck: known maxima of independent and of equal figures."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.evidence.best_of import best_by_luck
from geiger.evidence.by_day import Daily


def figures(count: int, shared: float, value: float = 0.0, days: int = 400) -> list[Daily]:
    """Figures without skill whose days share part of their influence."""
    rng = np.random.default_rng(3)
    day, common = np.arange(days, dtype=np.int64), rng.standard_normal(days)
    return [
        Daily(value, day, np.sqrt(shared) * common + np.sqrt(1.0 - shared) * rng.standard_normal(days))
        for _ in range(count)
    ]


def test_of_independent_figures_it_is_the_largest_of_as_many_normals() -> None:
    """Quantiles of the maximum of 20 independent standard normals: Phi^-1(q^(1/20))."""
    found = best_by_luck(figures(20, 0.0, days=4000))
    assert found is not None
    assert found.usual == pytest.approx(1.821, abs=0.08)
    assert found.high == pytest.approx(2.799, abs=0.12)


def test_of_figures_that_are_one_it_is_no_more_than_of_one() -> None:
    found = best_by_luck(figures(20, 1.0))
    assert found is not None
    assert found.usual == pytest.approx(0.0, abs=0.08)
    assert found.high == pytest.approx(1.645, abs=0.12)


def test_what_is_seen_stands_in_its_own_errors() -> None:
    one = Daily(0.3, np.arange(4, dtype=np.int64), np.array([1.0, -1.0, 1.0, -1.0]))  # error 0.5
    found = best_by_luck([one])
    assert found is not None
    assert found.seen == pytest.approx(0.6)
    assert found.p_value == pytest.approx(0.274, abs=0.03)  # 1 - Phi(0.6)


def test_days_may_differ_and_what_has_no_error_is_left_out() -> None:
    early = Daily(0.1, np.arange(3, dtype=np.int64), np.array([1.0, 0.0, -1.0]))
    late = Daily(0.1, np.arange(2, 6, dtype=np.int64), np.array([1.0, -1.0, 1.0, -1.0]))
    constant = Daily(0.0, np.empty(0, dtype=np.int64), np.empty(0))
    found = best_by_luck([early, late, constant])
    assert found is not None
    assert found.n == 2
    assert best_by_luck([constant]) is None
