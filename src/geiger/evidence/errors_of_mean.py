"""Standard errors of a mean of scores that stand in the order of their days.

White's error takes the rows as uncorrelated and lets their spread change; the error of Newey and West allows
for rows that hang together over a few days, of whatever origin; the cosine error allows for rows that share
outcomes, such as forecasts over several days, of which neighbours overlap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError
from geiger.metrics import lagged_error, mean_error

Floats = npt.NDArray[np.float64]


def white_error(scores: ArrayLike) -> float:
    """Return the standard error of the mean of uncorrelated rows, whose spread may differ (White 1980).

    sqrt(sum (c - mean c)^2) / n. The mean over it is normal in large samples.

    Parameters
    ----------
    scores : array (n,)
        At least one, all finite.

    Examples
    --------
    >>> white_error([3.0, 1.0, 3.0, 1.0])
    0.5
    """
    c = _scores(scores, 1)
    return mean_error(c - c.mean())


def newey_west_error(scores: ArrayLike, horizon: int = 1) -> float:
    """Return the standard error of the mean of rows that hang together with those shortly before.

    So many lags as Newey & West (1994) advise for n rows, 4 (n / 100)^(2/9), and never fewer than
    2 (`horizon` - 1), where outcomes of `horizon` rows overlap.

    Parameters
    ----------
    scores : array (n,)
        In the order of their days, at least one, all finite.

    References
    ----------
    Newey & West (1987), A Simple, Positive Semi-Definite, Heteroskedasticity and Autocorrelation Consistent
    Covariance Matrix; Newey & West (1994), Automatic Lag Selection in Covariance Matrix Estimation.
    """
    c = _scores(scores, 1)
    lags = math.floor(4 * math.pow(c.size / 100, 2 / 9))
    return lagged_error(c - c.mean(), max(lags, 2 * (horizon - 1)))


def cosine_count(n: int) -> int:
    """Return how many cosines the error of `n` rows uses: 0.4 n^(2/3), rounded, at least 1.

    The number that Lazarus, Lewis, Stock & Watson (2018) advise: more of them reject too often under
    autocorrelation, fewer lose power.

    >>> cosine_count(1000), cosine_count(250)
    (40, 16)
    """
    return max(1, round(0.4 * math.pow(n, 2 / 3)))


def cosine_error(scores: ArrayLike, count: int) -> float:
    """Return the standard error of the mean of autocorrelated rows: the equal-weighted cosine estimator.

    The long-run variance is the mean square of the first `count` cosine transforms of the scores,
    Lambda_j = sqrt(2 / n) sum_t c_t cos(pi j (t - 1/2) / n), t from 1 to n; the error is the root of it over
    n. No cosine takes up a constant, so the scores need no centring. Under the hypothesis that their mean is
    zero, mean over error follows Student's t with `count` degrees of freedom: for few degrees that is wider
    than the normal distribution, and this is what keeps the size right in short samples.

    Parameters
    ----------
    scores : array (n,)
        In the order of their days, all finite.
    count : int
        Cosines, B in the paper, from 1 to n - 1; see `cosine_count`.

    References
    ----------
    Lazarus, Lewis, Stock & Watson (2018), HAR Inference: Recommendations for Practice.
    Müller (2007), A Theory of Robust Long-Run Variance Estimation.

    Examples
    --------
    >>> round(cosine_error([1.0, 2.0, 4.0], 1) ** 2, 12)  # (4 - 1)^2 / 2 over 3
    1.5
    """
    c = _scores(scores, 2)
    if not 1 <= count < c.size:
        raise DataError(f"error of a mean: {c.size} scores give 1 to {c.size - 1} cosines, not {count}")
    from scipy.fft import dct

    transforms = dct(c, type=2, norm="ortho")[1 : count + 1]
    return math.sqrt(float(np.mean(transforms**2)) / c.size)


@dataclass(frozen=True)
class MeanTest:
    """Whether a mean lies above 0.

    Attributes
    ----------
    statistic : float or None
        Mean over its error; None where the values do not vary.
    p_value : float
        One-sided; 1 where the statistic is undefined.
    """

    statistic: float | None
    p_value: float


def mean_test(scores: ArrayLike, horizon: int = 1) -> MeanTest:
    """Test whether the mean of scores, in the order of their days, lies above 0.

    Parameters
    ----------
    scores : array (n,)
        At least two, all finite.
    horizon : int
        Rows that one outcome spans. At 1 White's error and the normal distribution; above 1 outcomes overlap:
        the cosine error and Student's t with `cosine_count` degrees of freedom.
    """
    c = _scores(scores, 2)
    mean = float(c.mean())
    if float(c.std()) <= 1e-12 * float(np.max(np.abs(c))):
        return MeanTest(None, 1.0)
    if horizon == 1:
        statistic = mean / white_error(c)
        return MeanTest(statistic, NormalDist().cdf(-statistic))
    from scipy.special import stdtr

    count = min(cosine_count(c.size), c.size - 1)
    statistic = mean / cosine_error(c, count)
    return MeanTest(statistic, float(stdtr(count, -statistic)))


def _scores(values: ArrayLike, least: int) -> Floats:
    c = np.asarray(values, dtype=np.float64)
    if c.ndim != 1 or c.size < least:
        raise DataError(f"error of a mean: give one column of at least {least} scores, got shape {c.shape}")
    if not np.isfinite(c).all():
        raise DataError(f"error of a mean: score {int(np.argmin(np.isfinite(c)))} is not finite; drop it")
    return c
