"""The ledger as figures, always beside the baselines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geiger.backtest import figures
from geiger.backtest.baselines import BUY_AND_HOLD, VOLATILITY_MATCHED
from geiger.backtest.simulate import bankrupt_on
from geiger.columns import LEDGER, require
from geiger.errors import DataError, did_you_mean
from geiger.records import Better, Figure, Score, Unit, Year

Floats = NDArray[np.float64]
STRATEGY = "strategy"
_COLUMNS = ("weight", "gross", "cost", "turnover", "net")


@dataclass(frozen=True)
class Drawdown:
    """The deepest fall of the equity.

    Attributes
    ----------
    depth : float
        Share of the highest equity that was lost.
    start : date
        Day of that highest equity; the first fill where it was the starting equity.
    trough : date
        Day of the lowest equity after it.
    recovery : date or None
        First day at or above the old height again, None if it has not come yet.
    """

    depth: float
    start: dt.date
    trough: dt.date
    recovery: dt.date | None


@dataclass(frozen=True)
class Scorecard:
    """All figures of a strategy, beside those of its baselines, on the same days.

    Attributes
    ----------
    scores : tuple of Score
        One row a figure, strategy first; `LABELS` has the words for people.
    figures : tuple of Figure
        The strategy's own column, with the rows behind each.
    years : tuple of Year
        One row for each calendar year in which returns became known.
    drawdowns : tuple of (name, Drawdown or None)
        Dates of the deepest fall of each path, None for one that never fell.
    rows : int
    first_day, last_day : date
        First fill and last exit.
    bankrupt_on : date or None
        Day on which the strategy lost all its equity.
    """

    scores: tuple[Score, ...]
    figures: tuple[Figure, ...]
    years: tuple[Year, ...]
    drawdowns: tuple[tuple[str, Drawdown | None], ...]
    rows: int
    first_day: dt.date
    last_day: dt.date
    bankrupt_on: dt.date | None

    def value(self, name: str, path: str = STRATEGY) -> float | None:
        """Return one figure of the strategy or of a baseline, None where it is undefined."""
        values = {score.name: dict(score.values) for score in self.scores}
        if name not in values:
            raise DataError(f"scorecard has no figure {name!r}; {did_you_mean(name, values)}")
        if path not in values[name]:
            raise DataError(f"scorecard has no path {path!r}; {did_you_mean(path, values[name])}")
        return values[name][path]


@dataclass(frozen=True)
class _Path:
    """One ledger as arrays (n,), with what its figures are measured against."""

    name: str
    weight: Floats
    gross: Floats
    cost: Floats
    turnover: Floats
    net: Floats
    market: Floats  # net of buy-and-hold
    matched: Floats | None  # net of volatility-matched buy-and-hold; the strategy's alone has one
    days: int  # trading days in a year
    cash: float  # yearly interest
    seed: int


@dataclass(frozen=True)
class _Row:
    label: str
    unit: Unit
    better: Better
    measure: Callable[[_Path], float | None]


def _beats_matched(path: _Path) -> float | None:
    return None if path.matched is None else figures.beats(path.net, path.matched, path.days)


def _matched_p(path: _Path) -> float | None:
    return None if path.matched is None else figures.difference_p(path.net, path.matched, path.seed)


_ROWS: dict[str, _Row] = {
    "sharpe": _Row("Sharpe ratio", "ratio", "higher", lambda p: figures.sharpe(p.net, p.days, p.cash)),
    "sharpe_t": _Row(
        "Sharpe t-statistic", "ratio", "higher", lambda p: figures.sharpe_t(p.net, p.days, p.cash)
    ),
    "total_return": _Row("Total return", "return", "higher", lambda p: figures.total_return(p.net)),
    "cagr": _Row("CAGR, net", "return", "higher", lambda p: figures.cagr(p.net, p.days)),
    "volatility": _Row("Volatility a year", "return", "neither", lambda p: figures.volatility(p.net, p.days)),
    "max_drawdown": _Row("Max drawdown", "share", "lower", lambda p: figures.max_drawdown(p.net)),
    "calmar": _Row("Calmar ratio", "ratio", "higher", lambda p: figures.calmar(p.net, p.days)),
    "beat_buy_and_hold": _Row(
        "Beat buy & hold, a year", "points", "higher", lambda p: figures.beats(p.net, p.market, p.days)
    ),
    "beat_volatility_matched": _Row("Beat volatility-matched, a year", "points", "higher", _beats_matched),
    "volatility_matched_p": _Row("p of that difference", "p", "lower", _matched_p),
    "time_in_market": _Row("Time in market", "share", "neither", lambda p: figures.time_in_market(p.weight)),
    "mean_exposure": _Row("Mean |weight|", "share", "neither", lambda p: figures.mean_exposure(p.weight)),
    "turnover_a_year": _Row(
        "Turnover a year", "ratio", "neither", lambda p: figures.turnover_a_year(p.turnover, p.days)
    ),
    "cost_paid": _Row("Cost paid, total", "return", "lower", lambda p: float(p.cost.sum())),
    "break_even_bps": _Row(
        "Break-even cost", "bp", "higher", lambda p: figures.break_even_bps(p.gross, p.turnover)
    ),
    "hit_rate": _Row("Hit rate of positions", "share", "higher", lambda p: figures.hit_rate(p.gross)),
    "beta": _Row("Beta to buy & hold", "ratio", "neither", lambda p: figures.beta(p.net, p.market)),
    "correlation": _Row(
        "Correlation to buy & hold", "ratio", "neither", lambda p: figures.correlation(p.net, p.market)
    ),
}

LABELS: Mapping[str, str] = {name: row.label for name, row in _ROWS.items()}


def scorecard(
    ledger: pl.DataFrame,
    baselines: Mapping[str, pl.DataFrame],
    days_per_year: int = 252,
    cash_yield: float = 0.0,
    seed: int = 0,
) -> Scorecard:
    """Return the figures of a strategy beside those of its baselines.

    Parameters
    ----------
    ledger : LEDGER frame
    baselines : mapping of name to LEDGER frame
        On the same days; ``buy_and_hold`` must be among them. The figures against ``volatility_matched``
        are undefined without it, and for the baselines themselves.
    days_per_year : int
        Trading days in a year: 252 on exchanges, 365 for crypto.
    cash_yield : float
        Yearly interest on cash that the Sharpe ratio takes off.
    seed : int
        Of the bootstrap behind ``volatility_matched_p``.
    """
    ledgers = _same_days(ledger, baselines)
    market = ledgers[BUY_AND_HOLD]["net"].to_numpy()
    matching = ledgers[VOLATILITY_MATCHED]["net"].to_numpy() if VOLATILITY_MATCHED in ledgers else None

    def path(name: str, frame: pl.DataFrame) -> _Path:
        arrays = {column: frame[column].to_numpy() for column in _COLUMNS}
        matched = matching if name == STRATEGY else None
        return _Path(
            name, **arrays, market=market, matched=matched, days=days_per_year, cash=cash_yield, seed=seed
        )

    paths = [path(name, frame) for name, frame in ledgers.items()]
    scores = tuple(
        Score(name, row.unit, row.better, tuple((p.name, row.measure(p)) for p in paths))
        for name, row in _ROWS.items()
    )
    return Scorecard(
        scores=scores,
        figures=tuple(Figure(s.name, s.values[0][1], s.unit, s.better, len(ledger)) for s in scores),
        years=_years(ledger, ledgers[BUY_AND_HOLD]),
        drawdowns=tuple((name, deepest_drawdown(frame)) for name, frame in ledgers.items()),
        rows=len(ledger),
        first_day=ledger["fill_day"][0],
        last_day=ledger["exit_day"][-1],
        bankrupt_on=bankrupt_on(ledger),
    )


def deepest_drawdown(ledger: pl.DataFrame) -> Drawdown | None:
    """Return the dates of the deepest fall of a LEDGER's equity, None if it never fell."""
    depth = figures.drawdown(ledger["net"].to_numpy())
    trough = int(depth.argmax())
    if depth[trough] <= 0:
        return None
    peaks = np.flatnonzero(depth[:trough] <= 0)  # rows at the highest equity so far
    again = np.flatnonzero(depth[trough:] <= 0)
    exits = ledger["exit_day"]
    return Drawdown(
        depth=float(depth[trough]),
        start=exits[int(peaks[-1])] if peaks.size else ledger["fill_day"][0],
        trough=exits[trough],
        recovery=exits[trough + int(again[0])] if again.size else None,
    )


def _same_days(ledger: pl.DataFrame, baselines: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return all ledgers, strategy first, or refuse those that cannot be compared."""
    if BUY_AND_HOLD not in baselines:
        raise DataError(f"scorecard: a {BUY_AND_HOLD!r} baseline is needed; see geiger.backtest.baselines")
    if STRATEGY in baselines:
        raise DataError(
            f"scorecard: {STRATEGY!r} is the ledger's own name; call that baseline something else"
        )
    if ledger.is_empty():
        raise DataError("scorecard: the ledger has no rows; simulate at least one decision")
    for name, frame in baselines.items():
        if not require(frame, LEDGER)["day"].equals(ledger["day"]):
            raise DataError(
                f"scorecard: baseline {name!r} has other days than the strategy; use the same rows"
            )
    return {STRATEGY: require(ledger, LEDGER), **baselines}


def _years(ledger: pl.DataFrame, market: pl.DataFrame) -> tuple[Year, ...]:
    years = ledger["exit_day"].dt.year().to_numpy()
    net, held, traded = ledger["net"].to_numpy(), market["net"].to_numpy(), ledger["turnover"].to_numpy()
    rows = ((int(year), years == year) for year in np.unique(years))
    return tuple(_year(year, net[inside], held[inside], traded[inside]) for year, inside in rows)


def _year(year: int, net: Floats, market: Floats, turnover: Floats) -> Year:
    return Year(
        year=year,
        rows=net.size,
        strategy=figures.total_return(net) or 0.0,
        buy_and_hold=figures.total_return(market) or 0.0,
        max_drawdown=figures.max_drawdown(net) or 0.0,
        turnover=float(turnover.sum()),
    )
