"""Whether the direction of forecasts tells anything about the direction of outcomes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from geiger.errors import DataError

_NORMAL = NormalDist()


@dataclass(frozen=True)
class DirectionTest:
    """Outcome of the Pesaran-Timmermann test.

    Attributes
    ----------
    statistic : float or None
        S, standard normal without skill; None where it is undefined.
    p_value : float
        One-sided; 1 where S is undefined.
    hit_rate, expected_hit_rate : float or None
        Share of right directions, and the share that independent signs with these margins would have.
    n : int
        Rows counted.
    """

    statistic: float | None
    p_value: float
    hit_rate: float | None
    expected_hit_rate: float | None
    n: int


def pesaran_timmermann(forecast: ArrayLike, outcome: ArrayLike) -> DirectionTest:
    """Test whether the forecast's direction tells anything about the outcome's.

    Drift is absorbed: always naming the commoner direction is no skill. Rows with outcome 0 are dropped, a
    forecast of 0 counts as wrong and as not up. Where all forecasts or all outcomes share a direction S is
    undefined and p is 1. Signs must not be serially dependent (labels of one row).

    References
    ----------
    Pesaran & Timmermann (1992), A Simple Nonparametric Test of Predictive Performance.
    """
    f, y = np.asarray(forecast, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if f.ndim != 1 or f.shape != y.shape:
        raise DataError(f"direction test: forecast {f.shape} and outcome {y.shape} must be two equal columns")
    if not (np.isfinite(f).all() and np.isfinite(y).all()):
        raise DataError("direction test: a forecast or outcome is not finite; drop rows that are not known")
    f, y = f[y != 0], y[y != 0]
    if not y.size:
        return DirectionTest(None, 1.0, None, None, 0)
    hits = np.sign(f) == np.sign(y)
    return direction_test(y.size, float(hits.mean()), float((y > 0).mean()), float((f > 0).mean()))


def direction_test(n: int, hit_rate: float, outcome_up: float, forecast_up: float) -> DirectionTest:
    """Return the Pesaran-Timmermann test from its shares: right, outcomes up, forecasts up.

    >>> round(direction_test(1000, hit_rate=0.53, outcome_up=0.54, forecast_up=0.6).statistic, 4)
    1.4254
    """
    py, px = outcome_up, forecast_up
    expected = py * px + (1 - py) * (1 - px)
    if not (0 < py < 1 and 0 < px < 1):
        return DirectionTest(None, 1.0, hit_rate, expected, n)
    vy, vx = py * (1 - py), px * (1 - px)
    of_hits = expected * (1 - expected) / n
    of_expected = ((2 * py - 1) ** 2 * vx + (2 * px - 1) ** 2 * vy) / n + 4 * vy * vx / n**2
    if of_hits <= of_expected:
        return DirectionTest(None, 1.0, hit_rate, expected, n)
    statistic = (hit_rate - expected) / math.sqrt(of_hits - of_expected)
    return DirectionTest(statistic, _NORMAL.cdf(-statistic), hit_rate, expected, n)
