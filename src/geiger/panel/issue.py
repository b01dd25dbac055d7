"""From scores to the forecasts that are issued: one candidate, and a size learned from earlier forecasts.

Models of weak signals forecast too wide. So the outcomes of a panel's own earlier out-of-sample forecasts
say by what slope its scores are scaled, never below 0, day by day from all that are known by then. The first
`panel.slope_days` days only teach it and are not issued. Of several candidates (a symbol's own deviations,
shrunk more or less) the one whose earlier scores went best with their outcomes is issued, anew every fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geiger.errors import SettingError
from geiger.learning.folds import Fold
from geiger.panel.folds import counting
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import Floats, FoldScores, stitched
from geiger.panel.targets import Targets, day_means
from geiger.settings import Config

FEWEST_DAYS = 126  # of earlier forecasts, before which the simplest candidate is issued


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a model, or several together, says of the rows forecast out of sample; R rows.

    Attributes
    ----------
    rows : slice
        Of the material.
    fold : (R,) int32
    score : (R,) float64
        Selection, less the mean of the day, before any slope.
    timing : (R,) float64
    candidates : tuple of int
        Which candidate it is, one a fold.
    next_candidate : int
        Which it is behind the last row, from all outcomes that are known.
    """

    rows: slice
    fold: npt.NDArray[np.int32]
    score: Floats
    timing: Floats
    candidates: tuple[int, ...] = ()
    next_candidate: int = 0


@dataclass(frozen=True, eq=False)
class Issued:
    """What is issued; R rows.

    Attributes
    ----------
    rows : slice
        Of the material.
    fold : (R,) int32
    score : (R,) float64
        Selection, less the mean of the day, before any slope.
    slope : (R,) float64
        By which it is scaled on its day, into units of the volatility.
    market : (R,) float64
        Timing after its slope: expected mean return of the day, units of the volatility.
    next_slopes : (float, float)
        Of score and timing behind the last row, from all outcomes that are known.
    """

    rows: slice
    fold: npt.NDArray[np.int32]
    score: Floats
    slope: Floats
    market: Floats
    next_slopes: tuple[float, float]

    @property
    def expected(self) -> Floats:
        """Expected return (R,), units of the volatility."""
        return self.slope * self.score + self.market


def choose(material: PanelMaterial, targets: Targets, folds: Sequence[FoldScores], config: Config) -> Chosen:
    """Choose one candidate a fold, from outcomes known before its first day."""
    rows, selection, timing = stitched(folds)
    day = material.day[rows] - material.day[rows.start]
    days = int(day[-1]) + 1
    selection = np.array([line - day_means(line, day, days)[day] for line in selection])
    numbers = [_number(fold, rows) for fold in folds]
    along = np.array([_along(line, targets.beyond[rows], day, days) for line in selection])  # (K, 3, days)
    chosen = tuple(_candidate(along, int(day[part.start]), config.horizon + 1) for part in numbers)
    score, fold = np.empty(len(day)), np.empty(len(day), dtype=np.int32)
    for part, one, number in zip(numbers, chosen, folds, strict=True):
        score[part], fold[part] = selection[one, part], number.fold.index
    behind = _candidate(along, days + config.horizon, config.horizon + 1)
    return Chosen(rows, fold, score, timing, chosen, behind)


def scale(material: PanelMaterial, targets: Targets, chosen: Chosen, config: Config) -> Issued:
    """Scale scores by what earlier ones were worth, and drop the days that only teach it.

    Row t knows outcomes that were known at the close of its day, and no later one.

    Raises
    ------
    SettingError
        No day is left behind those that teach the slope.
    """
    rows, gap = chosen.rows, config.horizon + 1
    day = material.day[rows] - material.day[rows.start]
    days = int(day[-1]) + 1
    by_day = _along(chosen.score, targets.beyond[rows], day, days)
    timing = day_means(chosen.timing, day, days)
    mean = targets.mean[material.day[rows.start] : material.day[rows.start] + days]
    known = np.isfinite(timing) & np.isfinite(mean)
    product, square = (np.where(known, timing * other, 0.0) for other in (mean, timing))
    slope, market = _slope(by_day[0], by_day[1], gap), _slope(product, square, gap) * timing
    behind = _worth(by_day[0].sum(), by_day[1].sum()), _worth(product.sum(), square.sum())
    first = _first_issued(material, rows, config)
    kept = slice(first, len(day))
    return Issued(
        rows=slice(rows.start + first, rows.stop),
        fold=chosen.fold[kept],
        score=chosen.score[kept],
        slope=slope[day][kept],
        market=market[day][kept],
        next_slopes=behind,
    )


def _number(fold: FoldScores, rows: slice) -> slice:
    return slice(fold.rows.start - rows.start, fold.rows.stop - rows.start)


def _along(score: Floats, beyond: Floats, day: npt.NDArray[np.int32], days: int) -> Floats:
    """Return the sums of each day (3, days): score x outcome, score squared, outcome squared."""
    known = np.isfinite(beyond)
    outcome = np.where(known, beyond, 0.0)
    told = np.where(known, score, 0.0)
    sums = (told * outcome, told * told, outcome * outcome)
    return np.array([np.bincount(day, weights=values, minlength=days) for values in sums])


def _slope(product: Floats, square: Floats, gap: int) -> Floats:
    """Return the slope (days,) that is known on each day, never below 0; 0 before the first outcome."""
    above, below = np.cumsum(product), np.cumsum(square)
    found = np.zeros(len(product))
    known = below[:-gap] > 0.0
    found[gap:][known] = np.maximum(above[:-gap][known] / below[:-gap][known], 0.0)
    return found


def _worth(product: float, square: float) -> float:
    return max(float(product / square), 0.0) if square > 0.0 else 0.0


def _candidate(along: Floats, first: int, gap: int) -> int:
    """Return the candidate whose scores correlated best with outcomes known before a fold's first day."""
    stop = first - gap + 1
    last = len(along) - 1
    if stop < FEWEST_DAYS:
        return last
    product, square, outcome = along[:, :, :stop].sum(axis=2).T
    correlation = product / np.sqrt(np.maximum(square * outcome, 1e-300))
    return last - int(np.argmax(correlation[::-1]))  # of equals the simplest


def require_issued(material: PanelMaterial, folds: Sequence[Fold], config: Config) -> None:
    """Refuse folds of which no day would be issued, before anything is trained.

    Raises
    ------
    SettingError
        Their test days only teach the size of the forecasts.
    """
    _require_days(material, folds[-1].test.stop - folds[0].test.start, config)


def _require_days(material: PanelMaterial, days: int, config: Config) -> int:
    """Return how many first days only teach the size of the forecasts, fewer than `days`."""
    needed = config.panel.slope_days + config.horizon
    if needed >= days:
        raise SettingError(
            f"panel {material.name}: {days} days are forecast out of sample, and the first {needed} "
            "only teach the size of the forecasts; give longer series, more --max-folds, or a smaller "
            "panel.slope_days"
        )
    return needed


def _first_issued(material: PanelMaterial, rows: slice, config: Config) -> int:
    """Return the first of the rows that is issued."""
    days = counting(material)
    days = days[np.searchsorted(days, material.day[rows.start]) :]
    needed = _require_days(material, len(days), config)
    return int(material.edges[days[needed]]) - int(rows.start)
