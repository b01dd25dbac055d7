"""Evidence of locked forecasts that may be looked at every day: a bet against their having no skill.

Somebody starts with 1 and bets each day that the score is above 0, with a stake that only earlier days
decide. Without skill the wealth has no tendency to grow, so that it ever reaches 20 with a probability of at
most 1 in 20, however often one looks and whenever one stops (Ville 1939).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError
from geiger.evidence.score_test import Scores

Floats = npt.NDArray[np.float64]

STRONG = 20.0  # reached with a probability of at most 1 / 20 without skill
_WHOLE = 6.0  # root mean squares of the forecast that are a score of 1: scores beyond it are very rare
_PRIOR_DAYS = 63  # earlier days that the first stake is worth
_PRIOR_MEAN, _PRIOR_SQUARE = 0.009, 0.02  # of scores in units of `_WHOLE` where R^2 is about 0.4%
_MOST = 0.9  # of the wealth at stake


def wealth(c: ArrayLike, g: ArrayLike, earlier_g: ArrayLike = ()) -> Floats:
    """Return the wealth (n,) after each day, beginning with 1 before the first.

    x_t = c_t / (6 rms_t), within -1 and 1; stake_t = (63 m + sum x) / (63 v + sum x^2), within 0 and 0.9,
    m = 0.009, v = 0.02, sums over days before t; wealth_t = wealth_{t-1} (1 + stake_t x_t).

    Parameters
    ----------
    c : array (n,)
        Scores of the skill test in the order of their days, of forecasts that were locked before their entry.
        The outcome of a day must be known before the next day's forecast counts (a horizon of one day).
    g : array (n,)
        The forecasts in these scores, in units of volatility, each known before its day.
    earlier_g : array (m,), optional
        Those of days before the first, such as the test rows of the run.

    Returns
    -------
    array (n,)
        Above 0. Entry t is known when the outcome of day t is.

    Raises
    ------
    DataError
        Other than equal columns of finite values.

    Notes
    -----
    rms_t is the root mean square of `earlier_g` and of g before t, day t not included: what is at stake on a
    day never depends on that day. Where it is 0, or there is none, nothing is bet. The skill test clips g at
    three such root mean squares and the outcome at 1.5 volatilities, so that x seldom leaves (-0.8, 0.8); the
    limits of -1 and 1 only make sure that the wealth stays above 0.
    The bound of 1 in 20 needs scores whose mean is 0 given the past. Those of the skill test have that where
    outcomes are symmetric around a drift that is known; else the bound holds nearly.

    References
    ----------
    Waudby-Smith & Ramdas (2024), Estimating Means of Bounded Random Variables by Betting.
    Ville (1939), Étude critique de la notion de collectif.

    Examples
    --------
    >>> wealth([0.6, -0.6], [1.0, 1.0], earlier_g=[1.0]).round(4).tolist()  # x 0.1, -0.1; stakes 0.45, 0.5252
    [1.045, 0.9901]
    """
    scores, forecasts = _column("c", c), _column("g", g)
    before = _column("earlier_g", earlier_g)
    if scores.size != forecasts.size:
        raise DataError(f"e-process: {scores.size} scores need as many forecasts, got {forecasts.size}")
    x = np.clip(_over(scores, _WHOLE * _root_mean_square(forecasts, before)), -1.0, 1.0)
    stake = (_PRIOR_DAYS * _PRIOR_MEAN + _before(x)) / (_PRIOR_DAYS * _PRIOR_SQUARE + _before(x**2))
    return np.asarray(np.cumprod(1.0 + np.clip(stake, 0.0, _MOST) * x))


def wealth_of(scores: Scores, first: int) -> Floats:
    """Return the wealth (n,) of the scores from row `first` on; the forecasts before say what is usual.

    The rows before `first` are those that a run forecast out of sample; nothing is bet on them.
    """
    bet = scores.row >= first
    return wealth(scores.c[bet], scores.g[bet], scores.g[~bet])


def first_reached(path: ArrayLike, level: float = STRONG) -> int | None:
    """Return the place of the first day whose wealth is at least `level`, None where none is.

    >>> first_reached([1.0, 20.0, 3.0]), first_reached([1.0, 2.0])
    (1, None)
    """
    reached = np.flatnonzero(np.asarray(path, dtype=np.float64) >= level)
    return int(reached[0]) if reached.size else None


def _root_mean_square(g: Floats, before: Floats) -> Floats:
    """Return the root mean square of all values before each of `g` (n,), 0 where there are none."""
    total = float(np.sum(before**2)) + _before(g**2)
    return np.sqrt(_over(total, before.size + np.arange(g.size, dtype=np.float64)))


def _before(values: Floats) -> Floats:
    """Return the sum of all earlier values at each place (n,)."""
    return np.concatenate([[0.0], np.cumsum(values)[:-1]])[: values.size]


def _over(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros(top.size), where=bottom > 0)


def _column(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise DataError(f"e-process: {name} must be one finite number a day, got shape {array.shape}")
    return array
