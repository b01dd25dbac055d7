"""The p of one trial, corrected for every other trial on the same days.

Whoever tries fifty forecasts and shows the best has fifty chances of a false alarm, and fewer where the
forecasts resemble each other: fifty copies are one chance. How they hang together is in their scores of each
day. Days are drawn again for all trials at once, each trial's scores around their own mean, and the largest
statistic of each draw says what the best of such trials reaches without skill (Romano & Wolf 2005).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from geiger.blas import one_blas_thread
from geiger.errors import DataError, SettingError
from geiger.evidence.resampling import Counts, resample_counts

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Days = npt.NDArray[np.int64]

_TRIALS = 256  # trials in memory at a time, as columns over all days
_RESAMPLES = 1000  # resamples in memory at a time; neither changes the result
_NORMAL = NormalDist()


@dataclass(frozen=True, eq=False)
class DayScores:
    """What each day added to the statistic of one trial.

    Attributes
    ----------
    days : array of int (n,)
        Days since 1970-01-01, ascending, none twice.
    c : array (n,)
        Scores; their mean is above 0 where the trial knew something.
    """

    days: Days
    c: Floats

    def __post_init__(self) -> None:
        if self.days.ndim != 1 or self.days.shape != self.c.shape:
            raise DataError(f"scores of a trial: {self.days.shape} days and {self.c.shape} scores do not fit")
        if (np.diff(self.days) <= 0).any():
            raise DataError("scores of a trial: days must ascend, none twice")
        if not np.isfinite(self.c).all():
            raise DataError("scores of a trial: a score is not finite")


def adjusted_p(
    scores: Sequence[DayScores],
    which: int,
    p_values: Sequence[float],
    *,
    lost: int = 0,
    resamples: int = 5000,
    block: float = 10,
    seed: int,
) -> float:
    """Return the p of trial `which`, corrected for all trials: what the best of them reaches by chance.

    Step-down: trials with a smaller p than `which` are weighed first, each against itself and all behind it,
    and the result never falls below theirs. Calling a trial a signal where its corrected p is below a level
    names any trial without skill with at most about that probability, however many of the others have skill.

    Parameters
    ----------
    scores : sequence of DayScores (m,)
        Of all trials whose scores are kept. Days may differ: blocks are drawn from the union of all days,
        and every trial counts on those that are its own.
    which : int
        Place of the trial in `scores`.
    p_values : sequence of float (m,)
        One-sided p of each trial by itself, from 0 to 1, whatever test gave it.
    lost : int
        Trials whose scores are gone. They count as independent of all others (Šidák 1967), which costs most.
    resamples, block, seed
        Of the stationary bootstrap, see `resampling.resample_counts`.

    Returns
    -------
    float
        Never below the trial's own p, which is returned as it is where there is no other trial. With others
        never below 1 / (resamples + 1): fewer resamples than that reach the statistic cannot be counted. At a
        level of 1% and 5000 resamples the share of draws has a standard error of 0.14%.

    Raises
    ------
    DataError
        `which` is no trial, or the p of a trial is missing or outside 0 to 1.
    SettingError
        `lost` is below 0, or the bootstrap cannot be drawn.

    Notes
    -----
    A trial's statistic in a draw is mean over White's error, on its own days, with its scores around their
    mean, and then divided by its standard deviation over all draws. The observed statistic is the normal
    quantile of the trial's p. So each trial's own test is taken at its word, also where outcomes overlap and
    blocks of 10 days hold less dependence than its error allows for; the draws say only how trials hang
    together and how their tails deviate from the normal distribution. Without that division the chance
    autocorrelation of a trial's scores would move its bar: by 5% of a standard deviation over 1764 days. A
    trial whose scores do not vary cannot ring and raises no bar.

    References
    ----------
    Romano & Wolf (2005), Stepwise Multiple Testing as Formalized Data Snooping; (2016), Efficient Computation
    of Adjusted p-values for Resampling-Based Stepdown Multiple Testing.
    """
    p = _checked(scores, which, p_values, lost)
    own = float(p[which])
    order = np.argsort(p, kind="stable")
    place = int(np.flatnonzero(order == which)[0])
    if own == 1:
        return 1.0
    alone = len(scores) == 1
    chance = [own] if alone else _chance_of_best(scores, order, place, p, resamples, block, seed)
    with_lost = [_with_independent(c, float(p[order[i]]), lost) for i, c in enumerate(chance)]
    return max(own, *with_lost)


def _checked(scores: Sequence[DayScores], which: int, p_values: Sequence[float], lost: int) -> Floats:
    p = np.asarray(p_values, dtype=np.float64)
    if p.shape != (len(scores),) or not 0 <= which < len(scores):
        raise DataError(
            f"many tries: {len(scores)} trials need as many p-values and a trial among them, "
            f"got shape {p.shape} and trial {which}"
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError("many tries: the p of a trial is missing or not between 0 and 1")
    if lost < 0:
        raise SettingError(f"many tries: {lost} lost trials; give 0 or more")
    return p


def _with_independent(chance: float, p: float, lost: int) -> float:
    """Return the probability that the best reaches p where `lost` independent trials join (Šidák 1967)."""
    if not lost or chance >= 1 or p >= 1:
        return chance
    return -math.expm1(math.log1p(-chance) + lost * math.log1p(-p))


def _chance_of_best(
    scores: Sequence[DayScores],
    order: npt.NDArray[np.intp],
    place: int,
    p: Floats,
    resamples: int,
    block: float,
    seed: int,
) -> list[float]:
    """Return for each place up to `place` how often the best from there on reaches its statistic.

    Walks from the least to the most significant trial with the largest statistic of every draw so far.
    """
    union = _union(scores)
    counts = resample_counts(len(union), block=block, resamples=resamples, seed=seed)
    best = np.full(resamples, -np.inf, dtype=np.float32)
    reached = np.zeros(place + 1)
    for last in range(len(order), 0, -_TRIALS):
        places = range(max(last - _TRIALS, 0), last)[::-1]
        drawn = _statistics([scores[order[i]] for i in places], union, counts)
        for i, column in zip(places, drawn.T, strict=True):
            np.maximum(best, column, out=best)
            if i <= place:
                reached[i] = np.count_nonzero(best >= _quantile(float(p[order[i]])))
    return [float(share) for share in (1 + reached) / (resamples + 1)]


def _union(scores: Sequence[DayScores]) -> Days:
    """Return all days of the trials, ascending; a few trials at a time, which bounds the memory."""
    union = np.zeros(0, dtype=np.int64)
    for first in range(0, len(scores), _TRIALS):
        union = np.unique(np.concatenate([union, *(one.days for one in scores[first : first + _TRIALS])]))
    return union


def _quantile(p: float) -> float:
    """Return the statistic whose one-sided p under the normal distribution is `p`."""
    if 0 < p < 1:
        return -_NORMAL.inv_cdf(p)
    return math.inf if p <= 0 else -math.inf


def _statistics(trials: Sequence[DayScores], union: Days, counts: Counts) -> Singles:
    """Return the statistic of each trial in each draw (resamples, trials), standard deviation 1."""
    values, on, kind = _columns(trials, union)
    drawn = np.empty((len(counts), len(trials)), dtype=np.float32)
    squares = values**2
    with one_blas_thread():
        for first in range(0, len(counts), _RESAMPLES):
            times = counts[first : first + _RESAMPLES].astype(np.float32)
            days = np.maximum(times @ on, 1.0)[:, kind]
            mean = (times @ values) / days
            variance = (times @ squares) / days - mean**2
            error = np.sqrt(np.maximum(variance, 1e-6) / days)
            drawn[first : first + _RESAMPLES] = mean / error
    spread = drawn.std(axis=0)
    drawn /= np.where(spread > 0, spread, 1.0)
    drawn[:, spread == 0] = -np.inf
    return drawn


def _columns(trials: Sequence[DayScores], union: Days) -> tuple[Singles, Singles, npt.NDArray[np.intp]]:
    """Return standardised scores (days, trials), sets of days (days, sets), and the set of each trial."""
    values = np.zeros((len(union), len(trials)), dtype=np.float32)
    sets: dict[bytes, int] = {}
    rows: list[npt.NDArray[np.intp]] = []
    kind = np.empty(len(trials), dtype=np.intp)
    for i, one in enumerate(trials):
        key = one.days.tobytes()
        if key not in sets:
            sets[key] = len(rows)
            rows.append(np.searchsorted(union, one.days))
        kind[i] = sets[key]
        values[rows[kind[i]], i] = _standardised(one.c)
    on = np.zeros((len(union), len(rows)), dtype=np.float32)
    for j, at in enumerate(rows):
        on[at, j] = 1.0
    return values, on, kind


def _standardised(c: Floats) -> Floats:
    """Return scores around their mean in units of their spread; zeros where the spread is rounding."""
    if not c.size:
        return c
    centred = c - c.mean()
    spread = float(centred.std())
    return centred / spread if spread > 1e-9 * float(np.max(np.abs(c))) else np.zeros(c.size)
