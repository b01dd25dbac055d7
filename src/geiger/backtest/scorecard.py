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
from geiger.figures import STRATEGY, ScoreName
from geiger.records import Figure, Score, Year

Floats = NDArray[np.float64]
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

    def value(self, name: ScoreName, path: str = STRATEGY) -> float | None:
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


def _beats_matched(path: _Path) -> float | None:
    return None if path.matched is None else figures.beats(path.net, path.matched, path.days)


def _matched_p(path: _Path) -> float | None:
    return None if path.matched is None else figures.difference_p(path.net, path.matched, path.seed)


_MEASURES: dict[ScoreName, Callable[[_Path], float | None]] = {
    ScoreName.SHARPE: lambda p: figures.sharpe(p.net, p.days, p.cash),
    ScoreName.SHARPE_T: lambda p: figures.sharpe_t(p.net, p.days, p.cash),
    ScoreName.TOTAL_RETURN: lambda p: figures.total_return(p.net),
    ScoreName.CAGR: lambda p: figures.cagr(p.net, p.days),
    ScoreName.VOLATILITY: lambda p: figures.volatility(p.net, p.days),
    ScoreName.MAX_DRAWDOWN: lambda p: figures.max_drawdown(p.net),
    ScoreName.CALMAR: lambda p: figures.calmar(p.net, p.days),
    ScoreName.BEAT_BUY_AND_HOLD: lambda p: figures.beats(p.net, p.market, p.days),
    ScoreName.BEAT_VOLATILITY_MATCHED: _beats_matched,
    ScoreName.VOLATILITY_MATCHED_P: _matched_p,
    ScoreName.TIME_IN_MARKET: lambda p: figures.time_in_market(p.weight),
    ScoreName.MEAN_EXPOSURE: lambda p: figures.mean_exposure(p.weight),
    ScoreName.TURNOVER_A_YEAR: lambda p: figures.turnover_a_year(p.turnover, p.days),
    ScoreName.COST_PAID: lambda p: float(p.cost.sum()),
    ScoreName.BREAK_EVEN_COST: lambda p: figures.break_even_bps(p.gross, p.turnover),
    ScoreName.HIT_RATE: lambda p: figures.hit_rate(p.gross),
    ScoreName.BETA: lambda p: figures.beta(p.net, p.market),
    ScoreName.MARKET_CORRELATION: lambda p: figures.correlation(p.net, p.market),
}


LABELS: Mapping[str, str] = {name: name.label for name in ScoreName}


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
        Trading days in a year: 252 on exchanges, about 260 for FX, 365 for crypto.
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
        Score(str(name), name.unit, name.better, tuple((p.name, measure(p)) for p in paths))
        for name, measure in _MEASURES.items()
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
