"""Positions become a ledger: the accounting of every path, kept in one place.

Row t is decided at the close of `day`, filled on `fill_day` and known on `exit_day`, where the fill of row
t+1 follows at the same price. With w the weight over the interval and r the asset's simple return::

    gross     = w r
    financing = max(0, 1 - |w|) cash - max(0, |w| - 1) (cash + spread) - max(-w, 0) borrow    (each a day)
    cost      = c |w - w before the trade|
    net       = gross + financing - cost                 equity_t = equity_{t-1} (1 + net)

All of a row is measured in the equity at its start. Cash that backs a position, long or short, earns
nothing; short proceeds neither.

The weight before the trade is the one to which the last row's has drifted, w (1 + r) / (1 + net). Only 0
and +1 do not drift: who holds nothing, or all his equity in the asset, has nothing to trade. A short unit
does: after a loss it is more than the equity that is left, after a gain less, and -1 again takes a trade.

Before the first row nothing is held. The last row also pays for closing what its position has become,
c |w| (1 + r), unless `liquidate` is False. A row that would lose all equity or more loses all of it
(net = -1), and every row after it holds nothing: see `bankrupt_on`.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geiger.backtest.costs import Costs
from geiger.columns import LEDGER, WEIGHTS, require
from geiger.errors import DataError, SettingError
from geiger.native import native

Floats = NDArray[np.float64]
ROW_COLUMNS = ["day", "entry_day", "known_on", "simple"]


class Paths(NamedTuple):
    """What became of V paths over T rows, each array (T, V)."""

    net: Floats
    equity: Floats
    turnover: Floats
    financing: Floats


def simulate(
    rows: pl.DataFrame,
    weights: pl.DataFrame,
    costs: Costs,
    days_per_year: int = 252,
    liquidate: bool = True,
) -> pl.DataFrame:
    """Return the LEDGER frame of one path of weights.

    Parameters
    ----------
    rows : frame with the TARGET columns day, entry_day, known_on, simple
        Consecutive decision rows whose outcome is known; other columns are ignored.
    weights : WEIGHTS frame
        One weight for each day of `rows`.
    costs : Costs
    days_per_year : int
        Trading days in a year: 252 on exchanges, about 260 for FX, 365 for crypto.
    liquidate : bool
        Whether the last row pays for closing its position.

    Raises
    ------
    DataError
        If an outcome is missing, the days of rows and weights differ, a fill comes before its decision, or
        holding intervals overlap or leave a gap.
    """
    rows = _known_rows(rows)
    require(weights, WEIGHTS)
    if not rows["day"].equals(weights["day"]):
        raise DataError(
            "ledger: rows and weights must have the same days; select both by the forecast's days"
        )
    _check_clock(rows)
    return _ledger(rows, weights["weight"].to_numpy(), costs, days_per_year, liquidate)


def simulate_many(
    asset_returns: Floats,
    weights: Floats,
    costs: Costs,
    days_per_year: int = 252,
    liquidate: bool = True,
) -> Paths:
    """Account for many paths of weights on one asset.

    Parameters
    ----------
    asset_returns : array (T,)
        Simple returns of the asset, fill to exit, at least -1.
    weights : array (T, V)
        Share of equity held over each interval, one column a path.
    costs : Costs
    days_per_year : int
    liquidate : bool

    Returns
    -------
    Paths
        Arrays (T, V): net, equity, turnover, financing.

    >>> paths = simulate_many(np.array([0.01, -0.02]), np.ones((2, 1)), Costs(cost_bps=10.0), liquidate=False)
    >>> paths.net[:, 0].round(6)
    array([ 0.009, -0.02 ])
    """
    # Read-only arrays, as frames hand out, would be one more type to compile for.
    asset_returns = np.require(asset_returns, np.float64, ["C", "W"])
    weights = np.require(weights, np.float64, ["C", "W"])
    _check_arrays(asset_returns, weights)
    if days_per_year < 1:
        raise SettingError(f"days_per_year must be at least 1, got {days_per_year}")
    paths = Paths(*(np.empty_like(weights) for _ in Paths._fields))
    _account(
        asset_returns,
        weights,
        costs.per_turnover,
        costs.cash_yield / days_per_year,
        (costs.cash_yield + costs.margin_spread) / days_per_year,
        costs.borrow_rate / days_per_year,
        liquidate,
        *paths,
    )
    return paths


def bankrupt_on(ledger: pl.DataFrame) -> dt.date | None:
    """Return the exit day on which the equity of a LEDGER reached 0, None where it never did."""
    gone = ledger.filter(pl.col("equity") <= 0)["exit_day"]
    return gone[0] if len(gone) else None


@native
def _account(  # pragma: no cover - compiled
    asset_returns: Floats,
    weights: Floats,
    cost: float,
    cash: float,
    margin: float,
    borrow: float,
    liquidate: bool,
    net: Floats,
    equity: Floats,
    turnover: Floats,
    financing: Floats,
) -> None:
    rows, paths = weights.shape
    before = np.zeros(paths)  # weight before the trade
    wealth = np.ones(paths)
    for t in range(rows):
        r = asset_returns[t]
        for v in range(paths):
            w = weights[t, v] if wealth[v] > 0.0 else 0.0
            size = abs(w)
            traded = abs(w - before[v])
            carry = 0.0
            if wealth[v] > 0.0:
                carry = max(0.0, 1.0 - size) * cash - max(0.0, size - 1.0) * margin - max(-w, 0.0) * borrow
            earned = max(w * r + carry - cost * traded, -1.0)
            if earned <= -1.0:
                before[v] = 0.0
            elif w in (0.0, 1.0):
                before[v] = w
            else:
                before[v] = w * (1.0 + r) / (1.0 + earned)
            if liquidate and t == rows - 1 and earned > -1.0:
                traded += size * (1.0 + r)  # like all of the row, in the equity at its start
                earned = max(w * r + carry - cost * traded, -1.0)
            wealth[v] *= 1.0 + earned
            turnover[t, v] = traded
            financing[t, v] = carry
            net[t, v] = earned
            equity[t, v] = wealth[v]


def _ledger(
    rows: pl.DataFrame, weights: Floats, costs: Costs, days_per_year: int, liquidate: bool
) -> pl.DataFrame:
    returns = rows["simple"].to_numpy()
    paths = simulate_many(returns, weights[:, None], costs, days_per_year, liquidate)
    net, equity, turnover, financing = (array[:, 0] for array in paths)
    held = np.where(np.append(1.0, equity[:-1]) > 0, weights, 0.0)
    frame = pl.DataFrame(
        {
            "day": rows["day"],
            "fill_day": rows["entry_day"],
            "exit_day": rows["known_on"],
            "weight": held,
            "asset_return": returns,
            "turnover": turnover,
            "gross": held * returns,
            "financing": financing,
            "cost": costs.per_turnover * turnover,
            "net": net,
            "equity": equity,
        }
    )
    return require(frame, LEDGER)


def _known_rows(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in ROW_COLUMNS if name not in rows.columns]
    if missing:
        raise DataError(f"ledger: the rows lack {', '.join(missing)}; give rows of the target frame")
    rows = rows.select(ROW_COLUMNS)
    if rows.is_empty():
        raise DataError("ledger: no rows to trade; give at least one decision with a known outcome")
    for name in ROW_COLUMNS:
        if rows[name].null_count():
            at = int(rows[name].is_null().arg_max() or 0)
            raise DataError(
                f"ledger: {name} is missing in row {at}; drop rows whose outcome is not yet known"
            )
    return rows


def _check_clock(rows: pl.DataFrame) -> None:
    """Refuse rows that could not have been traded one after the other."""
    day, fill, exit_ = (rows[name] for name in ("day", "entry_day", "known_on"))
    _refuse(fill < day, rows, "is filled before its decision")
    _refuse((exit_ < fill) | (exit_ <= day), rows, "ends before it can be held")
    at_close = fill == day
    if at_close.any() and not at_close.all():
        _refuse(at_close != at_close[0], rows, "is filled at another time than the first row; use one fill")
    next_fill = fill.shift(-1)
    _refuse((exit_ > next_fill).fill_null(False), rows, "overlaps the next one; only horizon 1 can be traded")
    _refuse(
        (exit_ < next_fill).fill_null(False),
        rows,
        "leaves a gap before the next one; rows must be consecutive",
    )


def _refuse(fault: pl.Series, rows: pl.DataFrame, what: str) -> None:
    if fault.any():
        row = rows.row(int(fault.arg_max() or 0), named=True)
        raise DataError(
            f"ledger: the interval decided on {row['day']} ({row['entry_day']} to {row['known_on']}) {what}"
        )


def _check_arrays(asset_returns: Floats, weights: Floats) -> None:
    if asset_returns.ndim != 1 or weights.ndim != 2 or len(asset_returns) != len(weights):
        shapes = f"{asset_returns.shape} and {weights.shape}"
        raise DataError(f"ledger: returns (T,) and weights (T, V) must have the same rows, got {shapes}")
    if not np.isfinite(weights).all():
        raise DataError(
            f"ledger: a weight is not finite in row {int(np.argwhere(~np.isfinite(weights))[0, 0])}"
        )
    sound = np.isfinite(asset_returns) & (asset_returns >= -1.0)
    if not sound.all():
        row = int(np.argmin(sound))
        found = asset_returns[row]
        raise DataError(
            f"ledger: row {row} has the return {found}; a simple return is finite and at least -1"
        )
