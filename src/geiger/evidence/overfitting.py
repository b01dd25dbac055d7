"""How often the best of several strategies in one half of the days is below the middle in the other.

Where choosing finds skill, the chosen one stays ahead; where it finds chance, it is anywhere. The halves are
all combinations of half the blocks of days (CSCV), so that every day chooses and judges equally often.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError, SettingError

Floats = npt.NDArray[np.float64]

MOST_BLOCKS = 16  # 12,870 halves; each two more nearly quadruple them


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What becomes of the best of one half in the other.

    Attributes
    ----------
    probability : float
        PBO: share of halves whose best has a logit of 0 or less in the other half. About one half on noise.
    logits : array (halves,)
        ln(w / (1 - w)), w the rank of the chosen one over N + 1: above 0 where it beat the middle.
    """

    probability: float
    logits: Floats


def probability_of_overfitting(returns: ArrayLike, blocks: int = 16) -> Overfitting:
    """Return the probability that choosing by Sharpe ratio picks a strategy from the lower half.

    Parameters
    ----------
    returns : array (n, strategies)
        Returns per day, columns on the same days; at least two strategies, better ten or more.
    blocks : int
        Even, from 2 to 16, each of at least two days. Days that do not divide go to the first blocks.

    Raises
    ------
    DataError
        Other than finite columns of enough days.
    SettingError
        The number of blocks cannot be halved or is out of range.

    Notes
    -----
    Returns without spread count as a Sharpe ratio of 0. The first of equals is chosen; equals share the mean
    of their ranks. Blocks are long where days hang together: the paper has 8 to 16.

    References
    ----------
    Bailey, Borwein, Lopez de Prado & Zhu (2017), The Probability of Backtest Overfitting.
    """
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise SettingError(
            f"overfitting: give an even number of blocks from 2 to {MOST_BLOCKS}, not {blocks}"
        )
    x = np.asarray(returns, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] < 2 or len(x) < 2 * blocks:
        raise DataError(
            f"overfitting: {blocks} blocks need {2 * blocks} days of two strategies or more, "
            f"got shape {x.shape}"
        )
    if not np.isfinite(x).all():
        raise DataError("overfitting: a return is not finite; give columns on days that all of them have")
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen_in = np.zeros((len(halves), blocks))
    np.put_along_axis(chosen_in, halves, 1.0, axis=1)
    inside, outside = (_sharpe(x, pick) for pick in (chosen_in, 1 - chosen_in))
    best = outside[np.arange(len(halves)), np.argmax(inside, axis=1)][:, None]
    rank = (outside < best).sum(axis=1) + ((outside == best).sum(axis=1) + 1) / 2
    w = rank / (x.shape[1] + 1)
    logits = np.log(w / (1 - w))
    # A rank in the very middle has a logit of 0, whatever the rounding.
    return Overfitting(float(np.mean(2 * rank <= x.shape[1] + 1)), logits)


def _sharpe(x: Floats, pick: Floats) -> Floats:
    """Return the Sharpe ratio (halves, strategies) over the blocks that each row of `pick` names."""
    level = np.abs(x).max(axis=0)
    scaled = x / np.where(level > 0, level, 1.0)
    centre = scaled.mean(axis=0)
    parts = np.array_split(scaled - centre, pick.shape[1])
    days = pick @ np.array([len(part) for part in parts], dtype=np.float64)
    sums = pick @ np.array([part.sum(axis=0) for part in parts])
    squares = pick @ np.array([(part**2).sum(axis=0) for part in parts])
    mean = sums / days[:, None]
    variance = (squares - days[:, None] * mean**2) / (days[:, None] - 1)
    spread = np.sqrt(np.where(variance > 1e-12, variance, np.inf))
    return np.asarray((mean + centre) / spread)
