"""Whether forecasts follow the past mean return: what they know may then be a spell of years, and no skill.

Where the mean return changes slowly its own past tells something about it, and a forecast that is nothing but
a mean of past returns can ring rightly. The answer stands; this says beside it what it may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from geiger.evidence.score_test import Scores

DAYS = (20, 60, 252)  # of which a mean return is followed
FOLLOWS = 0.5  # correlation from which on it is said
MAY_BE_A_REGIME = (
    "the forecasts move with the mean return of the last {days} days (correlation {correlation:.2f}): what "
    "they know may be a spell of good or bad years that ends, and no skill"
)


@dataclass(frozen=True)
class Following:
    """The past mean that forecasts go with most: its days, and the correlation over the rows that count."""

    days: int
    correlation: float

    def __str__(self) -> str:
        """Say what that means."""
        return MAY_BE_A_REGIME.format(days=self.days, correlation=self.correlation)


def following(returns: ArrayLike, scores: Scores) -> Following | None:
    """Return the past mean that the forecasts follow; None where they follow none of 20, 60 and 252 days.

    Both in units of the day's volatility. Forecasts against a trend do not follow it.

    Parameters
    ----------
    returns : array (N,)
        Daily log returns that the scores were made with; one that is missing counts as 0.
    scores : Scores
    """
    if scores.row.size < 2 or not np.ptp(scores.g) > 0.0:
        return None
    total = np.concatenate(([0.0], np.cumsum(np.nan_to_num(np.asarray(returns, dtype=np.float64)))))
    end, found = scores.row + 1, []
    for days in DAYS:
        past = (total[end] - total[np.maximum(end - days, 0)]) / days / scores.s
        if np.ptp(past) > 0.0:
            found.append(Following(days, float(np.corrcoef(past, scores.g)[0, 1])))
    most = max(found, key=lambda one: one.correlation, default=None)
    return None if most is None or most.correlation < FOLLOWS else most
