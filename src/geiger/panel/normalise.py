"""What linear models and networks read: a symbol's features in its own past deviations, or ranks of a day.

Neither knows of folds: a row's numbers are the same in every fold, so sums over rows may be kept from fold to
fold.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

FLAT = 1e-9  # deviations, as a share of the size of the column's numbers, below which a column stands still
AT_ONCE = 4  # columns: what is made of them meanwhile stays in the processor's cache


def rolling_z(features: Floats, *, window: int, least: int, clip: float) -> Singles:
    """Return each row in means and deviations of the last `window` rows, its own among them.

    Row t knows rows <= t. A column that has stood still for the window is 0.

    Parameters
    ----------
    features : (n, F) float64
        Of one symbol, every number finite.
    window, least : int
        Rows that a mean and a deviation are made of, and the fewest: before, a row is not a number.
    clip : float
        Largest absolute value of the result.

    Returns
    -------
    float32 (n, F)
    """
    n, columns = features.shape
    out = np.full(features.shape, np.nan, dtype=np.float32)
    if n < least:
        return out
    count = np.minimum(np.arange(1, n + 1), window).astype(np.float64)
    for first in range(0, columns, AT_ONCE):
        some = np.ascontiguousarray(features[:, first : first + AT_ONCE].T)
        # About the first row, so that a level far from 0 does not drown what moves.
        values = some - some[:, :1]
        mean, square = _sums(values, window) / count, _sums(values * values, window) / count
        deviation = np.sqrt(np.maximum(square - mean * mean, 0.0))
        moves = deviation > FLAT * (np.sqrt(square) + np.abs(some[:, :1]))
        z = np.where(moves, (values - mean) / np.where(moves, deviation, 1.0), 0.0)
        out[least - 1 :, first : first + AT_ONCE] = np.clip(z[:, least - 1 :], -clip, clip).T
    return out


def _sums(values: Floats, width: int) -> Floats:
    """Return the sums of the last `width` numbers of each line (k, n), or of all where there are fewer.

    Each is a sum of two parts of blocks of `width` numbers, and never the difference of two long sums: one
    huge number is forgotten once it has left the window.
    """
    lines, n = values.shape
    blocks = -(-n // width)
    padded = np.zeros((lines, blocks * width))
    padded[:, :n] = values
    parts = padded.reshape(lines, blocks, width)
    through = np.cumsum(parts, axis=2)
    # Of the block before: what is still in the window.
    through[:, 1:, :-1] += np.cumsum(parts[:, :-1, ::-1], axis=2)[:, :, ::-1][:, :, 1:]
    found: Floats = through.reshape(lines, blocks * width)[:, :n]
    return found


def day_ranks(features: Singles, day: npt.NDArray[np.int32]) -> Singles:
    """Return the ranks of each column within its day, evenly spread from -1.73 to 1.73 (deviation about 1).

    Equal numbers share the mean of their ranks. Row t knows the rows of its own day.

    Parameters
    ----------
    features : (n, F) float32
        Rows sorted by day.
    day : (n,) int32
    """
    from scipy.stats import rankdata

    out = np.zeros(features.shape, dtype=np.float32)
    edges = np.flatnonzero(np.diff(day, prepend=-1, append=-1))
    for first, stop in itertools.pairwise(edges):
        size = stop - first
        if size > 1:
            ranks = rankdata(features[first:stop], axis=0)
            out[first:stop] = ((ranks - 1.0) / (size - 1.0) - 0.5) * np.sqrt(12.0)
    return out
