"""The error of a mean over symbols, when the symbols share their days.

Symbols fall and rise together, so that a lucky day is lucky for most of them: the spread of a figure from
symbol to symbol says little about how far their mean would be off on other days. What counts is what each day
adds, over all symbols together (one-way clustering, Cameron, Gelbach & Miller 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geiger.errors import DataError
from geiger.metrics import mean_error

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Daily:
    """A figure of one symbol, and what each of its days adds to the figure's error.

    Attributes
    ----------
    value : float
    day : array (n,)
        Days since 1970-01-01, none twice; without any the error is 0 if the value is (a constant forecast has
        no correlation, on whatever days), and unknown if it is not.
    influence : array (n,)
        By how much a day pulls the figure, times n: the influence function, mean about 0.
    """

    value: float
    day: Days
    influence: Floats

    def __post_init__(self) -> None:
        if self.day.shape != self.influence.shape or self.day.ndim != 1:
            raise DataError(f"{len(self.day)} days need as many influence values, got {self.influence.shape}")
        if len(np.unique(self.day)) != len(self.day):
            raise DataError("a day stands twice among the days of one symbol; give each once")

    @property
    def unknown(self) -> bool:
        """Whether nothing tells the error."""
        return not len(self.day) and self.value != 0.0

    @property
    def share(self) -> Floats:
        """What each day adds (n,)."""
        return self.influence / max(len(self.influence), 1)

    def minus(self, other: Daily) -> Daily:
        """Return the difference of two figures, on the days of either."""
        if self.unknown or other.unknown:
            return Daily(self.value - other.value, self.day[:0], self.influence[:0])
        day, added = _sum_by_day([(self.day, self.share), (other.day, -other.share)])
        return Daily(self.value - other.value, day, added * len(day))


def error_over_symbols(figures: Sequence[Daily], horizon: int = 1) -> tuple[float, int] | None:
    """Return the standard error of the mean of `figures`, and how many days it rests on; None if unknown.

    Parameters
    ----------
    figures : sequence of Daily
        One a symbol.
    horizon : int
        Days that one outcome spans; above 1 neighbouring days share outcomes (Newey & West 1987).
    """
    day, added = _sum_by_day([(one.day, one.share) for one in figures])
    if not len(day) or any(one.unknown for one in figures):
        return None
    return mean_error(added / len(figures) * len(day), horizon), len(day)


def _sum_by_day(parts: Sequence[tuple[Days, Floats]]) -> tuple[Days, Floats]:
    """Return all days (n,) in their order, each with the sum of its values (n,)."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0)
    day, at = np.unique(np.concatenate([days for days, _ in parts]), return_inverse=True)
    total = np.zeros(len(day))
    np.add.at(total, at, np.concatenate([values for _, values in parts]))
    return np.asarray(day, dtype=np.int64), total
