"""The evidence of forecasts that were saved before their outcome: a bet that may be looked at every day.

The scores are those of the verdict's test. The forecasts that a run made out of sample come before the saved
ones and say what is usual for it; only the saved ones are bet on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from geiger.errors import DataError
from geiger.evidence.eprocess import STRONG, first_reached, wealth_of
from geiger.evidence.score_test import score_test
from geiger.learning.target import make_target
from geiger.settings import Fill

CROSSED = 0.027  # of forecasts without skill, within so many years of saved ones: docs/evidence/live.md
CROSSED_YEARS = 7


@dataclass(frozen=True)
class Live:
    """What the saved forecasts of one model of one symbol have come to.

    Attributes
    ----------
    days : int
        Saved forecasts with a score.
    wealth : float
        Of somebody who began with 1 and bet on each of them; 20 is strong.
    reached : str or None
        Day on which it was first at least 20, ISO.
    """

    days: int
    wealth: float
    reached: str | None

    def text(self) -> str:
        """Return it in one clause.

        >>> Live(63, 2.14, None).text()
        'after 63 days e = 2.1; 20 is strong (reached by 2.7% of no-skill forecasts within 7 years)'
        """
        day = "day" if self.days == 1 else "days"
        when = "" if self.reached is None else f", reached on {self.reached},"
        return (
            f"after {self.days} {day} e = {self.wealth:.1f}; {STRONG:g}{when} is strong (reached by "
            f"{100 * CROSSED:.1f}% of no-skill forecasts within {CROSSED_YEARS} years)"
        )


def live(saved: Mapping[dt.date, float], past: pl.DataFrame, prices: pl.DataFrame, fill: Fill) -> Live | None:
    """Return what saved forecasts of the next day have come to; None where none has an outcome yet.

    Parameters
    ----------
    saved : mapping of date to float
        Decision day to the forecast that was saved in time, log return; of several of one day the first.
    past : frame
        ``day`` and ``forecast`` (log return) of what the run forecast before, out of sample. Days from the
        first saved one on are left out.
    prices : PRICES frame
        Up to now.
    fill : {"next_open", "close"}
        Of the saved forecasts.

    Raises
    ------
    DataError
        A saved forecast is of a day that the prices lack.
    """
    if not saved:
        return None
    days, first = prices["day"], min(saved)
    strange = sorted(day for day in saved if day <= days[-1] and not days.is_in([day]).any())
    if strange:
        raise DataError(f"the prices have no bar of {strange[0]}, of which a forecast was saved")
    before = past.filter(pl.col("day") < first)
    forecasts = {**dict(zip(before["day"], before["forecast"], strict=True)), **saved}
    column = days.replace_strict(
        list(forecasts), list(forecasts.values()), default=None, return_dtype=pl.Float64
    )
    target = make_target(prices, fill, 1)
    known = days.search_sorted(target["known_on"].fill_null(days[-1] + dt.timedelta(days=1))).to_numpy()
    rows = np.arange(days.len())
    scores = score_test(
        np.diff(np.log(prices["close"].to_numpy()), prepend=np.nan),
        target["value"].to_numpy(),
        np.maximum.accumulate(np.maximum(known, rows + 1)),
        column.to_numpy(),
    ).scores
    begin = int(days.search_sorted(first))
    path = wealth_of(scores, begin)
    if not path.size:
        return None
    place = first_reached(path)
    reached = None if place is None else str(days[int(scores.row[-path.size :][place])])
    return Live(path.size, float(path[-1]), reached)
