"""Whether one forecast is more accurate than another.

`diebold_mariano` compares any two by their losses; where the second contains the first (a model against the
mean that it could have returned) it is too strict with the second, and `clark_west` allows for what the
second loses by estimating more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError, SettingError
from geiger.evidence.errors_of_mean import MeanTest, mean_test

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AccuracyTest:
    """Outcome of the Diebold-Mariano test.

    Attributes
    ----------
    difference : float
        Mean loss of the first minus that of the second: above 0 where the second is more accurate.
    plain : float or None
        The statistic of Diebold & Mariano, normal in large samples; None where the variance is not positive.
    statistic : float or None
        The same with the correction for short samples; Student's t with n - 1 degrees of freedom.
    p_value : float
        One-sided, for the second being more accurate; 1 where the statistic is undefined.
    n : int
        Rows.
    """

    difference: float
    plain: float | None
    statistic: float | None
    p_value: float
    n: int


def diebold_mariano(first: ArrayLike, second: ArrayLike, horizon: int = 1) -> AccuracyTest:
    """Test whether the second forecast loses less than the first.

    With d = loss of the first - loss of the second, DM = mean d / sqrt((g_0 + 2 sum_{k<h} g_k) / n), g_k its
    autocovariances, times sqrt((n + 1 - 2h + h(h - 1)/n) / n) against Student's t.

    Parameters
    ----------
    first, second : array (n,)
        Losses of two forecasts of the same outcomes, such as squared errors, in the order of their days.
    horizon : int
        h, rows that one outcome spans, less than n.

    Raises
    ------
    DataError
        Other than two equal columns of at least two finite losses.
    SettingError
        The horizon is below 1 or not below n.

    Notes
    -----
    At horizons above 1 the sum of autocovariances may come out negative, and then there is no statistic.

    References
    ----------
    Diebold & Mariano (1995), Comparing Predictive Accuracy.
    Harvey, Leybourne & Newbold (1997), Testing the Equality of Prediction Mean Squared Errors.
    """
    one, two = _columns(first=first, second=second)
    d, n = one - two, one.size
    _within(horizon, n)
    mean = float(d.mean())
    around = d - mean
    covariances = [float(around[lag:] @ around[: n - lag]) / n for lag in range(horizon)]
    variance = (covariances[0] + 2 * sum(covariances[1:])) / n
    if variance <= np.finfo(float).eps * mean**2:  # no spread but that of rounding
        return AccuracyTest(mean, None, None, 1.0, n)
    from scipy.special import stdtr

    plain = mean / math.sqrt(variance)
    statistic = plain * math.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    return AccuracyTest(mean, plain, statistic, float(stdtr(n - 1, -statistic)), n)


def clark_west(outcome: ArrayLike, small: ArrayLike, large: ArrayLike, horizon: int = 1) -> MeanTest:
    """Test whether a forecast that contains a smaller one adds anything to it.

    (y - small)^2 - (y - large)^2 + (small - large)^2, tested for a mean above 0. Where the larger one adds
    nothing its squared error is expected to be larger by the last term: the noise of what it estimates.

    Parameters
    ----------
    outcome, small, large : array (n,)
        In the order of their days; `small` such as the mean of earlier outcomes.
    horizon : int
        Rows that one outcome spans, see `errors_of_mean.mean_test`.

    Raises
    ------
    DataError
        Other than three equal columns of at least two finite values.
    SettingError
        The horizon is below 1 or not below n.

    References
    ----------
    Clark & West (2007), Approximately Normal Tests for Equal Predictive Accuracy in Nested Models.
    """
    y, less, more = _columns(outcome=outcome, small=small, large=large)
    _within(horizon, y.size)
    return mean_test((y - less) ** 2 - (y - more) ** 2 + (less - more) ** 2, horizon)


def _columns(**columns: ArrayLike) -> list[Floats]:
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or any(array.ndim != 1 or array.size < 2 for array in arrays.values()):
        told = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"accuracy: give equal columns of at least two rows, got {told}")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            row = int(np.argmin(np.isfinite(array)))
            raise DataError(f"accuracy: {name} is {array[row]} in row {row}; drop rows that are not known")
    return list(arrays.values())


def _within(horizon: int, n: int) -> None:
    if not 1 <= horizon < n:
        raise SettingError(f"accuracy: a horizon from 1 to {n - 1} fits {n} rows, not {horizon}")
