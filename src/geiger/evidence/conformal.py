"""Intervals around daily forecasts that hold the outcome as often as they promise.

Split conformal prediction with normalised scores, each tail by itself. The error of every past forecast, in
units of the volatility known when it was made, is one score::

    score_i = (outcome_i - forecast_i) / scale_i

and the interval of a new forecast reaches from ``scale`` times a low quantile of these scores to ``scale``
times a high one. No distribution is assumed. Where the scores are exchangeable (their order tells nothing)
the outcome lies below the interval with probability (1 - level) / 2 or less, and above it likewise. Daily
returns are so only nearly, hence `coverage`: it counts how often the intervals would have been right, each
made from what was known at its day.

The tails are apart because falls are larger than rises: of the sizes of errors, one quantile left 5.7% of
eight indices' outcomes below and 4.2% above. The scale forgets fast (`HALFLIFE`), so that a miss widens the
next intervals: see docs/decisions/0013 for both.

Forecasts, outcomes, scales and intervals are log returns of the same horizon; scores have no unit.
The forecasts must be out of sample: errors on rows that a model was fitted on are too small, and so are
intervals made from them.

References
----------
Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World.
Papadopoulos, Gammerman & Vovk (2008), Normalized Nonconformity Measures for Regression Conformal Prediction.
Lei, G'Sell, Rinaldo, Tibshirani & Wasserman (2018), Distribution-Free Predictive Inference for Regression.
"""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError, SettingError

Floats = npt.NDArray[np.float64]

HALFLIFE = 5.0  # rows until a squared return counts half in the scale


@dataclass(frozen=True)
class Interval:
    """Where the outcome of one forecast lies with probability `level`.

    Attributes
    ----------
    low, high : float
        Log returns, both ends included; minus and plus infinity where there are too few scores.
    level : float
        Between 0 and 1.
    rows : int
        Past forecasts whose scores made it.
    """

    low: float
    high: float
    level: float
    rows: int


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the outcome.

    Attributes
    ----------
    level : float
        What they promise, between 0 and 1.
    rows : int
        Rows that had an interval.
    covered, below, above : float or None
        Shares of these rows whose outcome lay inside, below and above; None without rows.
    """

    level: float
    rows: int
    covered: float | None
    below: float | None
    above: float | None


def scores_of(forecast: ArrayLike, outcome: ArrayLike, scale: ArrayLike) -> Floats:
    """Return the error of each forecast in units of its scale (n,), above 0 where the outcome was higher.

    Parameters
    ----------
    forecast, outcome : array (n,)
        Log returns.
    scale : array (n,)
        Volatility of the outcome as known when the forecast was made, such as the trailing volatility. A
        price that has never moved has a scale of 0 and no score: leave such rows out.

    Raises
    ------
    DataError
        The columns differ in length, a value is missing or infinite, or a scale is not above 0.
    """
    f, y, s = _column("forecast", forecast), _column("outcome", outcome), _column("scale", scale)
    if not f.size == y.size == s.size:
        raise DataError(
            f"conformal: forecast, outcome and scale have {f.size}, {y.size} and {s.size} rows; "
            "give columns of equal length"
        )
    if not (s > 0).all():
        row = int(np.argmin(s > 0))
        raise DataError(_bad_scale(float(s[row]), f" in row {row}"))
    with np.errstate(over="ignore"):
        errors: Floats = (y - f) / s
    if not np.isfinite(errors).all():
        row = int(np.argmin(np.isfinite(errors)))
        raise DataError(
            f"conformal: the error in row {row} has no finite number of scales of {s[row]}; check the unit"
        )
    return errors


def quantiles(scores: ArrayLike, level: float) -> tuple[float, float]:
    """Return the two scores between which a new one lies with probability `level`.

    Of n scores the k-th largest and the k-th smallest, k = floor((n + 1) (1 - level) / 2). Where the order
    tells nothing, a new score takes each of the n + 1 places among them with equal probability, so this holds
    for few scores as it does for many.

    Parameters
    ----------
    scores : array (n,)
        In any order; may be empty.
    level : float
        Between 0 and 1, taken as the decimal number it is written as.

    Returns
    -------
    low, high : float
        Minus and plus infinity with fewer than (1 + level) / (1 - level) scores: 19 at 0.9.

    Raises
    ------
    DataError
        A score is missing or infinite.
    SettingError
        `level` is not between 0 and 1.

    Examples
    --------
    >>> quantiles([0.3, -2.0, 0.1], 0.5), quantiles([0.3, -2.0], 0.5)
    ((-2.0, 0.3), (-inf, inf))
    """
    values = np.sort(_column("scores", scores))
    place = _place(values.size, _share(level))
    return (float(values[place - 1]), float(values[-place])) if place else (-math.inf, math.inf)


def interval(forecast: float, scale: float, scores: ArrayLike, level: float) -> Interval:
    """Return the interval of one forecast: forecast + scale · `quantiles`.

    Parameters
    ----------
    forecast : float
        Log return.
    scale : float
        Volatility known when the forecast is made, of the same kind as that of the scores; above 0.
    scores : array (n,)
        `scores_of` forecasts whose outcomes are known when this one is made.
    level : float
        Between 0 and 1.

    Raises
    ------
    DataError
        A number is missing or infinite, or the scale is not above 0.
    SettingError
        `level` is not between 0 and 1.

    Examples
    --------
    >>> interval(0.001, 0.01, [0.3, -2.0, 0.1], 0.5)
    Interval(low=-0.019, high=0.004, level=0.5, rows=3)
    """
    if not math.isfinite(forecast):
        raise DataError(f"conformal: the forecast must be a finite log return, got {forecast}")
    if not (math.isfinite(scale) and scale > 0):
        raise DataError(_bad_scale(scale))
    low, high = quantiles(scores, level)
    return Interval(forecast + scale * low, forecast + scale * high, level, int(np.size(scores)))


def bounds(scores: ArrayLike, known_from: ArrayLike, level: float) -> Floats:
    """Return the `quantiles` of the scores that are known at each row (n, 2): low, high.

    Row t uses the scores of the rows i with known_from[i] <= t, and no others.

    Parameters
    ----------
    scores : array (n,)
        `scores_of` forecasts in the order of their days.
    known_from : array of int (n,)
        First row at whose decision the outcome of row i is known, always above i: i + 1 where positions are
        filled at the close, i + 2 where they are filled at the next open. May lie behind the last row.
    level : float
        Between 0 and 1.

    Returns
    -------
    array (n, 2)
        Without unit; infinite in rows that know too few scores for `quantiles`.

    Raises
    ------
    DataError
        `known_from` holds other than whole numbers above their own row.
    SettingError
        `level` is not between 0 and 1.
    """
    values = _column("scores", scores)
    share = _share(level)
    known = _known_from(known_from, values.size)
    order = np.argsort(known, kind="stable")  # rows as their outcomes become known
    arriving = list(zip(known[order].tolist(), values[order].tolist(), strict=True))[::-1]
    found = np.tile([-math.inf, math.inf], (values.size, 1))
    inside: list[float] = []  # the scores that are known, ascending
    for row in range(values.size):
        while arriving and arriving[-1][0] <= row:
            insort(inside, arriving.pop()[1])
        if place := _place(len(inside), share):
            found[row] = inside[place - 1], inside[-place]
    return found


def coverage(
    forecast: ArrayLike, outcome: ArrayLike, scale: ArrayLike, known_from: ArrayLike, level: float
) -> Coverage:
    """Count how often intervals held the outcome, each made from the `bounds` known at its row.

    Parameters are those of `scores_of` and `bounds`, errors too; rows without an interval are left out. Over
    n exchangeable rows chance moves the share `covered` away from the level by about
    sqrt(level (1 - level) / n).

    Examples
    --------
    >>> forecast, outcome = [0.0] * 6, [0.01, -0.01, 0.01, 0.02, -0.01, 0.01]
    >>> told = coverage(forecast, outcome, [0.01] * 6, [1, 2, 3, 4, 5, 6], 0.5)
    >>> told.rows, round(told.covered, 2), told.below, round(told.above, 2)
    (3, 0.67, 0.0, 0.33)
    """
    scores = scores_of(forecast, outcome, scale)
    low, high = bounds(scores, known_from, level).T
    counted = np.isfinite(high)
    if not counted.any():
        return Coverage(level, 0, None, None, None)
    # Scores are held against scores: as returns, an error equal to the bound could miss it by rounding.
    below, above = (float(missed[counted].mean()) for missed in (scores < low, scores > high))
    covered = float(((low <= scores) & (scores <= high))[counted].mean())
    return Coverage(level, int(counted.sum()), covered, below, above)


def _place(n: int, share: Fraction) -> int:
    """Return which of n scores, counted from either end, bounds the interval; 0 where too few are there."""
    return math.floor((n + 1) * (1 - share) / 2)


def _share(level: float) -> Fraction:
    """Return the level as the decimal it is written as: in floats 100 · 0.55 is above 55 and asks for 56."""
    if not 0 < level < 1:
        raise SettingError(f"conformal: level must lie between 0 and 1, such as 0.9, got {level}")
    return Fraction(repr(float(level)))


def _known_from(known_from: ArrayLike, n: int) -> npt.NDArray[np.int64]:
    known = np.asarray(known_from)
    if known.shape != (n,):
        raise DataError(
            f"conformal: known_from has shape {known.shape}; give a row number for each of {n} rows"
        )
    if n and not np.issubdtype(known.dtype, np.integer):
        raise DataError(f"conformal: known_from holds {known.dtype}; give row numbers as integers")
    known = known.astype(np.int64)
    early = known <= np.arange(n)
    if early.any():
        row = int(np.argmax(early))
        raise DataError(
            f"conformal: known_from[{row}] is {known[row]}, so the interval of row {row} would know its own "
            f"outcome; it must be {row + 1} or later"
        )
    return known


def _column(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"conformal: {name} must be one number a row, got shape {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array)))
        raise DataError(f"conformal: {name} is {array[row]} in row {row}; drop rows that are not known")
    return array


def _bad_scale(scale: float, where: str = "") -> str:
    return (
        f"conformal: scale must be a finite volatility above 0, got {scale}{where}; a price that has not "
        "moved has none: leave such rows out"
    )
