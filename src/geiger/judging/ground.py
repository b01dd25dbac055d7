"""The rows on which forecasts from elsewhere are judged: days, returns, outcomes, and when each is known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError, SettingError
from geiger.evidence.day_test import Ints
from geiger.experiment.fill import STALE_OPENS
from geiger.experiment.scored import known_rows
from geiger.learning.target import make_target
from geiger.market.doubts import stale_open_share
from geiger.market.forecasts import ForecastTable
from geiger.market.inspection import inspect, unusable
from geiger.market.loaded import Loaded
from geiger.market.rhythm import observed_market
from geiger.settings import Fill

Floats = npt.NDArray[np.float64]

AGREES = 0.99  # correlation from which on two columns of outcomes are the same
FEWEST = 60  # rows, before two columns are held against each other
STRANGERS = 0.2  # share of forecasts of days without a bar, above which the prices are of something else
EXCHANGE_YEAR, FULL_YEAR = 252, 365


@dataclass(frozen=True, eq=False)
class Ground:
    """Rows with their outcomes, and the forecasts that were made on some of them.

    Attributes
    ----------
    target : TARGET frame
        One row a day (N,): a decision at its close earns `value` (log) or `simple`, known on `known_on`.
    returns : array (N,)
        Daily log return that is known at the close of a row; not a number where there is none.
    known_from : array of int (N,)
        First row at whose close the outcome of a row is known.
    forecast : array (N,)
        Not a number on rows without one.
    days_per_year : int
    fill : {"next_open", "close"}
    horizon : int
    notes : tuple of str
        What was left out, or done otherwise than asked, in sentences.
    delayed : bool
        Whether `returns` end at the open of their row and not at its close.
    """

    target: pl.DataFrame
    returns: Floats
    known_from: Ints
    forecast: Floats
    days_per_year: int
    fill: Fill
    horizon: int
    notes: tuple[str, ...] = ()
    delayed: bool = False

    @property
    def outcome(self) -> Floats:
        """Log return that a decision at the close of a row earned (N,); not a number where not known."""
        return self.target["value"].to_numpy()

    @property
    def scored(self) -> Ints:
        """Rows with a forecast and its outcome."""
        return np.flatnonzero(np.isfinite(self.forecast) & np.isfinite(self.outcome)).astype(np.int64)


def from_prices(table: ForecastTable, loaded: Loaded, fill: Fill, horizon: int) -> Ground:
    """Lay forecasts on the rows of prices, whose returns are the outcomes: row t is decided at its close.

    An outcome column of the table is no more than a check of its dates.

    Raises
    ------
    DataError
        The prices cannot be used or are of something else, or the forecasts are dated by the day of their
        outcome, as the outcome column shows.
    """
    wrong = unusable(inspect(loaded))
    if wrong is not None:
        raise DataError(f"{loaded.where}: {wrong.text}")
    prices, notes = loaded.prices, []
    market = observed_market(loaded.symbol, prices)
    stale = stale_open_share(prices)
    if fill == "next_open" and (stale > STALE_OPENS or not market.has_open):
        why = f"{stale:.0%} of the opens repeat the last close" if market.has_open else "there are no opens"
        notes.append(
            f"{why}: filled at the close that the decision has seen instead, which is an upper bound"
        )
        fill = "close"
    returns = np.diff(np.log(prices["close"].to_numpy()), prepend=np.nan)
    target = make_target(prices, fill, horizon)
    notes += _held_against(table, prices, returns, fill, horizon)
    forecasts = table.rows.select("day", "forecast").drop_nulls()
    strangers = forecasts.filter(~pl.col("day").is_in(prices["day"].implode()))["day"]
    ahead = strangers.filter(strangers > prices["day"][-1])
    strangers = strangers.filter(strangers <= prices["day"][-1])
    if len(strangers) > STRANGERS * forecasts.height:
        raise DataError(
            f"{table.name}: {len(strangers)} of {forecasts.height} forecasts are of days without a bar in "
            f"{loaded.where} (first {strangers[0]}); give the prices that they were made from"
        )
    for days, what in ((strangers, "of days without a bar"), (ahead, "after the last bar")):
        if len(days):
            notes.append(f"{_counted(len(days), 'forecast')} {what} (first {days[0]}): left out")
    return Ground(
        target,
        returns,
        known_rows(target),
        _on_rows(prices["day"], forecasts),
        market.days_per_year,
        fill,
        horizon,
        tuple(notes),
    )


def from_outcomes(table: ForecastTable, fill: Fill, horizon: int) -> Ground:
    """Judge forecasts on the outcomes that stand beside them, as if no day was missing between the rows.

    The test needs daily returns. The outcome of a day is one, seen some rows later: at the next close where
    it was filled at the close, at the one after where it was filled at the next open.

    Raises
    ------
    SettingError
        An outcome spans several days, so that it is no daily return.
    """
    if horizon != 1:
        raise SettingError(
            f"outcomes over {horizon} days are no daily returns, which the test needs; give prices (--prices)"
        )
    rows = table.rows.filter(pl.col("outcome").is_not_null() | pl.col("forecast").is_not_null())
    days, outcome = rows["day"], rows["outcome"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    delay = 1 if fill == "next_open" else 0
    # Where the table ends the next days are not known; trading asks for their order alone.
    after = [days[-1] + dt.timedelta(days=step) for step in range(1, delay + 2)]
    every = pl.concat([days, pl.Series("day", after, dtype=pl.Date)])
    simple = np.expm1(outcome)
    usable = np.isfinite(outcome)
    target = pl.DataFrame(
        {
            "day": days,
            "entry_day": every[delay : delay + len(days)],
            "known_on": every[delay + 1 : delay + 1 + len(days)],
            "value": outcome,
            "simple": simple,
        }
    )
    if (simple[usable] < -0.95).any() or float(np.abs(outcome[usable]).mean() if usable.any() else 0.0) > 0.2:
        raise DataError(
            f"{table.name}: outcomes of this size are no daily returns; write them as shares (0.012 for 1.2%)"
        )
    lag = delay + 1
    returns = np.concatenate([np.full(lag, np.nan), outcome])[: len(days)]
    weekend = bool((days.dt.weekday() > 5).mean() > 0.1)  # type: ignore[operator]
    notes = ("there are no prices: the outcomes beside the forecasts stand for the daily returns",)
    known = np.arange(len(days), dtype=np.int64) + lag
    forecast = rows["forecast"].fill_null(np.nan).to_numpy()
    year = FULL_YEAR if weekend else EXCHANGE_YEAR
    return Ground(target, returns, known, forecast, year, fill, 1, notes, delayed=delay == 1)


def _held_against(
    table: ForecastTable, prices: pl.DataFrame, returns: Floats, fill: Fill, horizon: int
) -> list[str]:
    """Return what the outcome column says of the dates; refuse dates that are those of the outcome."""
    if not table.has("outcome"):
        return []
    given = _on_rows(prices["day"], table.rows.select("day", "outcome").drop_nulls())
    opens = np.log(prices["open"].to_numpy())
    own_day = (
        returns,
        np.log(prices["close"].to_numpy()) - opens,
        np.diff(opens, append=np.nan),
    )
    asked: tuple[tuple[Fill, Floats], ...] = tuple(
        (kind, make_target(prices, kind, horizon)["value"].to_numpy()) for kind in ("next_open", "close")
    )
    for kind, ours in asked:
        if _agree(given, ours):
            if kind == fill:
                return ["your outcomes are the returns that the prices give"]
            return [f"your outcomes are those of a fill at {_words(kind)}; judged here with {_words(fill)}"]
    if any(_agree(given, ours) for ours in own_day):
        raise DataError(
            f"{table.name}: the outcome of a row is the return of its own day, so that rows are dated by the "
            "day that they are of, and not by the one on which the forecast was made; write the session "
            "before as the day, or leave out the prices"
        )
    return ["your outcomes are not the returns that the prices give, and were not used"]


def _agree(given: Floats, ours: Floats) -> bool:
    both = np.isfinite(given) & np.isfinite(ours)
    if both.sum() < FEWEST or given[both].std() == 0.0 or ours[both].std() == 0.0:
        return False
    return float(np.corrcoef(given[both], ours[both])[0, 1]) >= AGREES


def _words(fill: Fill) -> str:
    return "the close" if fill == "close" else "the next open"


def _on_rows(days: pl.Series, values: pl.DataFrame) -> Floats:
    """Return the second column of `values` on all `days`; not a number where it has none."""
    name = values.columns[1]
    joined = pl.DataFrame({"day": days}).join(values, on="day", how="left", maintain_order="left")
    return np.array(joined[name].cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=np.float64)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
