"""How often each day stands in a resample of the stationary bootstrap.

A mean over resampled days needs no copies of the days, only how often each was drawn: products of these
counts with the values of many trials are what `many_tries` and `comparison` are made of.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError, SettingError

Counts = npt.NDArray[np.uint16]

_PART = 500  # resamples drawn at a time: bounds the memory, and no result depends on it


def resample_counts(n: int, *, block: float, resamples: int, seed: int) -> Counts:
    """Return how often each of `n` days stands in each resample (resamples, n); each row sums to `n`.

    Blocks begin on any day with equal probability and have geometric lengths with mean `block`, so that a
    resample is as stationary as the days are; behind the last day the first follows. Days within a block
    keep their order and with it their dependence.

    Parameters
    ----------
    n : int
        Days, from 1 to 65535.
    block : float
        Mean length of a block in days, at least 1; at 1 days are drawn independently.
    resamples, seed : int
        The same three numbers and seed give the same counts.

    Raises
    ------
    SettingError
        No days, too many, a block below 1, or no resample.

    References
    ----------
    Politis & Romano (1994), The Stationary Bootstrap.
    """
    if not 1 <= n <= np.iinfo(np.uint16).max:
        raise SettingError(f"bootstrap: from 1 to 65535 days can be resampled, not {n}")
    if not (block >= 1 and math.isfinite(block)) or resamples < 1:
        raise SettingError(
            f"bootstrap: give a mean block of 1 day or more and at least one resample, "
            f"not {block} and {resamples}"
        )
    rng = np.random.default_rng(seed)
    counts = np.empty((resamples, n), dtype=np.uint16)
    for first in range(0, resamples, _PART):
        part = counts[first : first + _PART]
        part[:] = _drawn(n, block, len(part), rng)
    return counts


def bootstrap_mean_p(
    values: ArrayLike, *, block: float, resamples: int = 5000, seed: int
) -> tuple[float, float]:
    """Return the one-sided p of a mean above 0, and that of one below 0, from one stationary bootstrap.

    Of a mean above 0: the share of resamples whose mean lies above the observed one by at least the observed
    mean, the observed one counted among them: never below 1 / (resamples + 1). Resampled means scatter around
    the observed mean as the observed one does around the true mean, dependence within blocks included.

    Parameters
    ----------
    values : array (n,)
        In the order of their days, such as daily net returns minus those of a benchmark; all finite.
    block : float
        Mean block in days, at least 1; `comparison.block_length` finds one.

    Raises
    ------
    DataError
        There is no value, or one is not finite.

    References
    ----------
    Politis & Romano (1994), The Stationary Bootstrap; Davison & Hinkley (1997), section 4.2.5, for the count.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not x.size or not np.isfinite(x).all():
        raise DataError(f"bootstrap: give one column of finite values, at least one; got shape {x.shape}")
    observed = float(x.mean())
    means = _means(resample_counts(x.size, block=block, resamples=resamples, seed=seed), x - observed)
    # Rounding may not decide where all values are the same: such a mean is as sure as it can be, or zero.
    margin = 1e-12 * float(np.max(np.abs(x)))
    above = int(np.count_nonzero(means >= observed - margin))
    below = int(np.count_nonzero(-means >= -observed - margin))
    return (1 + above) / (resamples + 1), (1 + below) / (resamples + 1)


def _means(counts: Counts, centred: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    parts = range(0, len(counts), _PART)
    sums = [counts[first : first + _PART].astype(np.float64) @ centred for first in parts]
    return np.asarray(np.concatenate(sums) / centred.size)


def _drawn(n: int, block: float, resamples: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Return counts (resamples, n): each block adds one from its first day to its last, around the end."""
    lengths = np.zeros((resamples, 0), dtype=np.int64)
    while not lengths.size or lengths.sum(axis=1).min() < n:
        more = max(1, round(1.2 * n / block))
        lengths = np.hstack([lengths, rng.geometric(1 / block, size=(resamples, more))])
    ends = np.minimum(lengths.cumsum(axis=1), n)  # the block that reaches beyond the n-th draw is cut there
    used = np.diff(ends, axis=1, prepend=0)
    begin = rng.integers(n, size=used.shape)
    end = begin + used
    around = end > n
    # One more from the first day of a block, one less behind its last; around the end it begins again at 0.
    row = np.arange(resamples)[:, None] * (n + 1)
    size = resamples * (n + 1)
    steps = np.bincount((row + begin).ravel(), minlength=size).astype(np.int32)
    steps -= np.bincount((row + np.where(around, end - n, end)).ravel(), minlength=size).astype(np.int32)
    steps = steps.reshape(resamples, n + 1)
    steps[:, 0] += around.sum(axis=1, dtype=np.int32)
    return np.asarray(steps.cumsum(axis=1, dtype=np.int32)[:, :n])
