"""What the best of many would show by luck alone, when the many share their days.

Of a hundred symbols without any skill the best one looks like skill. How good it looks depends on how much
they move together, which the days themselves say: every day gets one random factor, the same for all symbols
and models (a wild bootstrap, clustered by day: Cameron, Gelbach & Miller 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geiger.evidence.by_day import Daily
from geiger.metrics import mean_error

DRAWS = 4000
AT_ONCE = 200  # draws in one product, so that they need little memory


@dataclass(frozen=True)
class BestByLuck:
    """The largest of many figures over their errors.

    Attributes
    ----------
    n : int
        Figures with an error above 0; only these can be compared.
    seen : float
        The largest there is.
    usual, high : float
        The largest of as many without skill: in half of all cases below `usual`, in 19 of 20 below `high`.
    p_value : float
        Share of cases without skill with a larger one than `seen`.
    """

    n: int
    seen: float
    usual: float
    high: float
    p_value: float


def best_by_luck(figures: Sequence[Daily], *, draws: int = DRAWS, seed: int = 0) -> BestByLuck | None:
    """Return what the largest of `figures`, over its error, would be if all of them were 0 but for luck.

    Parameters
    ----------
    figures : sequence of Daily
        One for each symbol and model; days may differ. Outcomes span one day: neighbouring days count as
        independent.

    Returns
    -------
    BestByLuck or None
        None where no figure has an error.
    """
    kept = [one for one in figures if len(one.day) and mean_error(one.influence) > 0.0]
    if not kept:
        return None
    days = np.unique(np.concatenate([one.day for one in kept]))
    pulls = np.zeros((len(days), len(kept)))  # what each day adds to each figure, in errors of it
    for column, one in enumerate(kept):
        pulls[np.searchsorted(days, one.day), column] = one.share / mean_error(one.influence)
    rng, best = np.random.default_rng(seed), np.empty(draws)
    for start in range(0, draws, AT_ONCE):
        many = min(AT_ONCE, draws - start)
        best[start : start + many] = (rng.standard_normal((many, len(days))) @ pulls).max(axis=1)
    seen = max(one.value / mean_error(one.influence) for one in kept)
    usual, high = (float(value) for value in np.quantile(best, (0.5, 0.95)))
    return BestByLuck(len(kept), seen, usual, high, float((1 + np.sum(best >= seen)) / (1 + draws)))
