"""What a test says whose scores are one number a day: what rule and register look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class DayTest(ABC):
    """What the scores of days say, of one symbol or of many.

    Attributes
    ----------
    horizon : int
        Days that an outcome spans.
    mean, error : float or None
        Of the scores, and the standard error of their mean.
    bias : float or None
        Mean of mean over error without skill, in standard errors, 0 or more: it is off the statistic.
    statistic : float or None
        Mean score over its standard error, less the bias; None where nothing is told: too few scores, or
        forecasts or outcomes without spread.
    dof : int or None
        Degrees of freedom of its t distribution; None for the normal one.
    p_value : float
        One-sided; 1 where nothing is told.
    slope, slope_error : float or None
        By how much the outcome moves with the forecast, from the cut scores.
    uncut_slope : float or None
        The same by weighted least squares without cuts: of one sign with the statistic, or few days decide.
    forecast_variance, outcome_variance : float
        Of what the test compares, in units of the volatility, over the rows that count.
    """

    horizon: int
    mean: float | None = None
    error: float | None = None
    bias: float | None = None
    statistic: float | None = None
    dof: int | None = None
    p_value: float = 1.0
    slope: float | None = None
    slope_error: float | None = None
    uncut_slope: float | None = None
    forecast_variance: float = 0.0
    outcome_variance: float = 0.0

    @property
    @abstractmethod
    def row(self) -> Ints:
        """Position of each score's day among the days that were given (n,), ascending."""

    @property
    @abstractmethod
    def c(self) -> Floats:
        """Score of each of these days (n,)."""

    @property
    def n(self) -> int:
        """Scores that count."""
        return len(self.c)

    def explained(self, slope: float) -> float | None:
        """Return the share of the outcome's variance that forecasts with this slope explain (R^2)."""
        if self.outcome_variance <= 0.0:
            return None
        return slope**2 / self.horizon * self.forecast_variance / self.outcome_variance
