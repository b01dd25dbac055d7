"""From a panel's stored run to what its page shows: record, forecasts and ledger, no prices.

The tables are those of the record. What a record has no room for is made again from the forecasts by the same
functions: the rank correlation of each day, and of each symbol the correlation of each year. The forecasts of
a run hold the rows that were scored and no other, so both come out as the record has them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.cleaning import clean, cleaned
from geiger.codec import fitted
from geiger.cross_section import CrossSection, RankRival
from geiger.errors import DataError
from geiger.evidence.cross_section import beside_rival, centred, rank_ic
from geiger.metrics import correlation, correlation_error
from geiger.report.gather import costs_of_run, kept
from geiger.report.view import Floats, RanksView, RunView
from geiger.runs.folder import StoredRun
from geiger.runs.record import PanelMember
from geiger.settings.panel import PanelSettings

Days = npt.NDArray[np.datetime64]

LEAST_CELL = 20  # days of a symbol's year from which on it has a correlation of its own


@dataclass(frozen=True, eq=False)
class Traces:
    """What the scores knew, day by day: grids (D, N) of the days that count, NaN where a symbol has nothing.

    Attributes
    ----------
    symbols : tuple of str (N,)
    days : array (D,)
        Of decision.
    daily : array (D,)
        Rank correlation of each day; NaN where a day ranks nothing.
    scores, outcomes : array (D, N)
        Both in daily volatilities, less the mean of the day.
    """

    symbols: tuple[str, ...]
    days: Days
    daily: Floats
    scores: Floats
    outcomes: Floats

    def of(self, column: int) -> tuple[Days, Floats, Floats]:
        """Return days, scores and outcomes of one symbol, where it has both."""
        rows = np.isfinite(self.scores[:, column])
        return self.days[rows], self.scores[rows, column], self.outcomes[rows, column]


@dataclass(frozen=True)
class Ranked:
    """One symbol of the last scored day; returns are log returns, `score` is in daily volatilities."""

    symbol: str
    score: float
    forecast: float
    outcome: float | None
    volatility: float


@dataclass(frozen=True, eq=False, kw_only=True)
class UniverseView:
    """Everything that the page of a panel's run says.

    Attributes
    ----------
    run : RunView
        What it shares with the page of a symbol.
    found : CrossSection or None
        None where the record has none.
    members : tuple of PanelMember
    traces : Traces or None
        None where the forecasts cannot be read, or no day counts.
    ranking : tuple of Ranked
        Of the last scored day, the highest score first.
    ranked_on : date or None
    paid_bps : float
        Cost of a unit of turnover that the run traded at, one way.
    """

    run: RunView
    found: CrossSection | None
    members: tuple[PanelMember, ...]
    traces: Traces | None = None
    ranking: tuple[Ranked, ...] = ()
    ranked_on: dt.date | None = None
    paid_bps: float = 0.0


def universe_of(stored: StoredRun, run: RunView) -> UniverseView:
    """Return what the page of a panel's run shows; forecasts that cannot be read only leave gaps."""
    gaps = list[str]()
    found, costs = stored.record.results.cross_section, costs_of_run(stored)
    forecasts = kept(stored.panel_forecasts, gaps)
    panel = fitted(stored.record.config.get("panel", {}), PanelSettings)
    least = panel.least_names if found is None else found.least_names
    traces = None if forecasts is None else traces_of(forecasts, least)
    day, ranking = (None, ()) if forecasts is None or traces is None else _ranking(forecasts, traces)
    return UniverseView(
        run=replace(run, gaps=(*run.gaps, *gaps)),
        found=None if found is None else cleaned(found),
        members=tuple(cleaned(member) for member in stored.record.members),
        traces=traces,
        ranking=ranking,
        ranked_on=day,
        paid_bps=costs.cost_bps + costs.slippage_bps,
    )


def traces_of(forecasts: pl.DataFrame, least: int) -> Traces | None:
    """Return what PANEL_FORECASTS knew day by day; None where no day has `least` symbols."""
    known = forecasts.drop_nulls("outcome")
    outcomes = known["outcome"].to_numpy() / known["volatility"].to_numpy()
    columns = known["score"].to_numpy(), known["outcome"].to_numpy(), outcomes
    days, symbols, (scores, raw, moves) = grids_of(known, *columns)
    counted = (np.isfinite(scores) & np.isfinite(moves)).sum(axis=1) >= least
    if not counted.any():
        return None
    scores, raw, moves = scores[counted], raw[counted], moves[counted]
    return Traces(
        symbols=tuple(clean(symbol) for symbol in symbols),
        days=days[counted],
        daily=rank_ic(scores, raw, least),  # ranks returns as they are, not in units of volatility
        scores=centred(np.where(np.isfinite(moves), scores, np.nan)),
        outcomes=centred(np.where(np.isfinite(scores), moves, np.nan)),
    )


def grids_of(forecasts: pl.DataFrame, *columns: Floats) -> tuple[Days, list[str], list[Floats]]:
    """Return the days, the symbols, and each column of the rows (n,) as a grid (D, N)."""
    days, row = np.unique(forecasts["day"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    symbols = sorted(forecasts["symbol"].unique().to_list())
    place = {symbol: i for i, symbol in enumerate(symbols)}
    column = forecasts["symbol"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    grids = []
    for values in columns:
        grid = np.full((len(days), len(symbols)), np.nan)
        grid[row, column] = values
        grids.append(grid)
    return days, symbols, grids


def by_month(traces: Traces) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return the years (Y,), the mean daily rank correlation of each month (Y, 12), and its error.

    The error is the deviation of all daily correlations over the root of the days of the month: a month is
    too short for one of its own.
    """
    known = np.isfinite(traces.daily)
    months = traces.days[known].astype("datetime64[M]").astype(np.int64)
    years = np.unique(months // 12)
    total, days = np.zeros((len(years), 12)), np.zeros((len(years), 12))
    place = np.searchsorted(years, months // 12), months % 12
    np.add.at(total, place, traces.daily[known])
    np.add.at(days, place, 1.0)
    deviation = float(traces.daily[known].std(ddof=1)) if known.sum() > 1 else np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return years + 1970, total / days, np.where(days > 0, deviation / np.sqrt(days), np.nan)


def by_symbol_and_year(traces: Traces, columns: list[int]) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Return the years (Y,), the correlation of each symbol in each of them (N, Y), and its error.

    A year in which a symbol has fewer than 20 days has none.
    """
    year = traces.days.astype("datetime64[Y]").astype(np.int64) + 1970
    years = np.unique(year)
    found, error = (np.full((len(columns), len(years)), np.nan) for _ in range(2))
    for row, column in enumerate(columns):
        days, scores, outcomes = traces.of(column)
        own = days.astype("datetime64[Y]").astype(np.int64) + 1970
        for place, one in enumerate(years):
            inside = own == one
            if inside.sum() < LEAST_CELL:
                continue
            rho = correlation(scores[inside], outcomes[inside])
            if rho is not None:
                found[row, place] = rho
                error[row, place] = correlation_error(scores[inside], outcomes[inside]) or np.nan
    return years, found, error


def own_sum(scores: Floats, outcomes: Floats) -> Floats | None:
    """Return the running sum of a symbol's standardised score x outcome (n,), over the root of its days.

    It ends at correlation x sqrt(days), about the correlation over its error; without skill 95% of such sums
    end within 1.96. None where scores or outcomes do not vary.
    """
    if scores.size < LEAST_CELL or not scores.std() or not outcomes.std():
        return None
    product = (scores - scores.mean()) * (outcomes - outcomes.mean()) / (scores.std() * outcomes.std())
    return np.asarray(np.cumsum(product) / np.sqrt(scores.size), np.float64)


def _ranking(forecasts: pl.DataFrame, traces: Traces) -> tuple[dt.date, tuple[Ranked, ...]]:
    day = traces.days[-1].astype(object)
    if not isinstance(day, dt.date):
        raise DataError(f"forecasts: {day!r} is no day")
    rows = forecasts.filter(pl.col("day") == day).sort("score", "symbol", descending=[True, False])
    found = rows.select("symbol", "score", "forecast", "outcome", "volatility").iter_rows()
    return day, tuple(Ranked(clean(symbol), *figures) for symbol, *figures in found)


def ranks_of(stored: Sequence[StoredRun]) -> RanksView:
    """Return the rank correlations of several runs of one panel, side by side and paired."""
    found = [run.record.results.cross_section for run in stored]
    frames = [kept(run.panel_forecasts, []) for run in stored]
    ours = frames[0]
    pairs = () if ours is None else tuple(frame for frame in frames[1:] if frame is not None)
    least = min((one.least_names for one in found if one is not None), default=0)
    if ours is None or len(pairs) + 1 < len(stored) or not least:
        return RanksView(own=tuple(None if one is None else cleaned(one) for one in found))
    names = [clean(run.name) for run in stored[1:]]
    horizon = int(stored[0].record.config.get("horizon", 1))
    common = tuple(
        _paired(name, ours, theirs, least, horizon) for name, theirs in zip(names, pairs, strict=True)
    )
    return RanksView(own=tuple(None if one is None else cleaned(one) for one in found), common=common)


def _paired(name: str, ours: pl.DataFrame, theirs: pl.DataFrame, least: int, horizon: int) -> RankRival:
    """Return the rank correlation of their scores, and what ours add, on the days and symbols of both."""
    both = ours.join(
        theirs.select("day", "symbol", rival="score"), on=["day", "symbol"], how="inner"
    ).drop_nulls("outcome")
    if both.is_empty():
        return RankRival(name=name, days=0)
    columns = (both[column].to_numpy() for column in ("score", "rival", "outcome"))
    _, _, (scores, rival, outcomes) = grids_of(both, *columns)
    return beside_rival(name, scores, rival, outcomes, least, horizon)
