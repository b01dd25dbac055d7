"""How much data it takes: recomputed values, and tests that ring as often as promised."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.evidence.power import rows_for_correlation, rows_for_hit_rate, years_for_sharpe


@pytest.mark.parametrize(
    ("rate", "base", "n"),
    [(0.52, 0.5, 3862), (0.55, 0.5, 616), (0.6, 0.5, 152), (0.55, 0.535, 6824), (0.56, 0.54, 3829)],
)
def test_days_for_a_hit_rate(rate: float, base: float, n: int) -> None:
    assert rows_for_hit_rate(rate, base) == pytest.approx(n, abs=1)


@pytest.mark.parametrize(
    ("explained", "n"), [(0.001, 6181), (0.0025, 2472), (0.005, 1235), (0.01, 617), (0.02, 308)]
)
def test_days_for_a_correlation(explained: float, n: int) -> None:
    assert rows_for_correlation(math.sqrt(explained)) == pytest.approx(n, abs=1)


@pytest.mark.parametrize(
    ("annual", "years"), [(0.6, 17.173770088943797), (0.5, 24.7), (0.8, 9.7), (1.0, 6.2), (1.5, 2.7)]
)
def test_years_for_a_sharpe(annual: float, years: float) -> None:
    assert years_for_sharpe(annual) == pytest.approx(years, abs=1e-6 if annual == 0.6 else 0.06)


def test_a_correlation_rings_as_often_as_promised() -> None:
    n, rng = rows_for_correlation(0.1), np.random.default_rng(0)
    rang = 0
    for _ in range(600):
        f, z = rng.normal(size=(2, n))
        rang += np.corrcoef(f, 0.1 * f + math.sqrt(0.99) * z)[0, 1] * math.sqrt(n) > 1.645
    assert 0.74 < rang / 600 < 0.86  # standard error 1.6%


def test_what_has_no_size_is_refused() -> None:
    for rate, base in ((0.5, 0.5), (1.0, 0.5), (0.5, 0.0)):
        with pytest.raises(SettingError, match="above its base"):
            rows_for_hit_rate(rate, base)
    for correlation in (0.0, 1.0, math.nan):
        with pytest.raises(SettingError, match="correlation between"):
            rows_for_correlation(correlation)
    with pytest.raises(SettingError, match="Sharpe ratio above 0"):
        years_for_sharpe(0.0)
    with pytest.raises(SettingError, match="level < power"):
        years_for_sharpe(0.6, level=0.9)
