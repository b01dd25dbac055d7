"""Ledgers of made returns and weights."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from geiger.backtest.costs import Costs
from geiger.backtest.simulate import simulate

COSTS = Costs(cost_bps=10.0)
FREE = Costs(cost_bps=0.0, borrow_rate=0.0, margin_spread=0.0)


def run(
    returns: np.ndarray, weights: np.ndarray, costs: Costs = COSTS, start: dt.date = dt.date(2020, 12, 1)
) -> pl.DataFrame:
    n = len(returns)
    calendar = [start + dt.timedelta(days=i) for i in range(n + 2)]
    rows = pl.DataFrame(
        {
            "day": calendar[:n],
            "entry_day": calendar[1 : n + 1],
            "known_on": calendar[2:],
            "simple": np.asarray(returns, dtype=np.float64),
        }
    )
    held = pl.DataFrame({"day": rows["day"], "weight": np.asarray(weights, dtype=np.float64)})
    return simulate(rows, held, costs)
