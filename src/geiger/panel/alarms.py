"""Figures of a panel that are too good for daily returns: a leak far more often than skill."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.yardsticks import IC_FALLS, Measured, alarms
from geiger.evidence.errors_of_mean import cosine_count, cosine_error
from geiger.records import Notice

Floats = npt.NDArray[np.float64]

FEWEST = 60  # days, before anything is said


def panel_alarms(
    daily_ic: Floats, day: pl.Series, *, sharpe: Measured | None = None, r2: Measured | None = None
) -> tuple[Notice, ...]:
    """Return one ``LEAK_SUSPECT`` for each figure that is beyond belief by 1.645 of its standard errors.

    Parameters
    ----------
    daily_ic : array (D,)
        Rank correlation of scores and outcomes over the symbols of each day; a day without one is no number.
    day : Series of date (D,)
    sharpe : Measured or None
        Annual, net, of the long/short portfolio.
    r2 : Measured or None
        Share of the outcomes' variance over the symbols of a day that the forecasts explain.
    """
    now = (day >= dt.date(IC_FALLS, 1, 1)).to_numpy()
    return alarms(
        sharpe=sharpe,
        r2=r2,
        ic_then=_mean(daily_ic[~now]),
        ic_now=_mean(daily_ic[now]),
    )


def _mean(daily: Floats) -> Measured | None:
    counted = daily[np.isfinite(daily)]
    if counted.size < FEWEST or not float(counted.std()) > 0.0:
        return None
    return Measured(float(counted.mean()), cosine_error(counted, cosine_count(counted.size)))
