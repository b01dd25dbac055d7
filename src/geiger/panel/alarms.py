"""Figures of a panel that are too good for daily returns: a leak far more often than skill."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.yardsticks import ALARM_ERRORS, IC_FALLS, R2_LIMIT, Measured, alarms
from geiger.cross_section import Member
from geiger.evidence.errors_of_mean import cosine_count, cosine_error
from geiger.records import Notice

Floats = npt.NDArray[np.float64]

FEWEST = 60  # days, before anything is said


def panel_alarms(
    daily_ic: Floats,
    day: pl.Series,
    members: Sequence[Member] = (),
    *,
    sharpe: Measured | None = None,
    r2: Measured | None = None,
) -> tuple[Notice, ...]:
    """Return one ``LEAK_SUSPECT`` for each figure that is beyond belief by 1.645 of its standard errors.

    Parameters
    ----------
    daily_ic : array (D,)
        Rank correlation of scores and outcomes over the symbols of each day; a day without one is no number.
    day : Series of date (D,)
    members : sequence of Member
        What each symbol's own scores know of its outcomes over time: one misdated file drowns among many.
    sharpe : Measured or None
        Annual, net, of the long/short portfolio.
    r2 : Measured or None
        Share of the outcomes' variance over the symbols of a day that the forecasts explain.
    """
    now = (day >= dt.date(IC_FALLS, 1, 1)).to_numpy()
    found = alarms(
        sharpe=sharpe,
        r2=r2,
        ic_then=_mean(daily_ic[~now]),
        ic_now=_mean(daily_ic[now]),
    )
    return (*found, *(_of_member(one) for one in members if _beyond_belief(one)))


def _beyond_belief(member: Member) -> bool:
    """Whether a symbol's own correlation lies beyond that of an R2 no daily forecast has, by 1.645 errors."""
    if member.days < FEWEST or member.correlation is None or member.error is None:
        return False
    return member.correlation - ALARM_ERRORS * member.error > math.sqrt(R2_LIMIT)


def _of_member(member: Member) -> Notice:
    text = (
        f"{member.symbol}: its own scores go with its outcomes by {member.correlation:.2f} (se "
        f"{member.error:.2f}); above {math.sqrt(R2_LIMIT):.2f} look for days off by one in its prices"
    )
    return Notice("LEAK_SUSPECT", text)


def _mean(daily: Floats) -> Measured | None:
    counted = daily[np.isfinite(daily)]
    if counted.size < FEWEST:
        return None
    return Measured(float(counted.mean()), cosine_error(counted, cosine_count(counted.size)))
