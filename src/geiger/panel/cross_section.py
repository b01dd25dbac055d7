"""What a panel's forecasts say of its symbols against each other, gathered for log, record and report.

The portfolios were fixed before any panel was scored (a day's exponential smoothing, the costs, the band), so
that none of them is the best of several; all of them are shown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.costs import Costs
from geiger.backtest.portfolio import (
    Held,
    Tradable,
    equal_weight,
    hold,
    long_only,
    long_short,
    outermost,
    portfolio_baselines,
    portfolio_ledger,
    portfolio_record,
    smoothed,
)
from geiger.cross_section import CrossSection, Portfolio, RankIC
from geiger.errors import DataError
from geiger.evidence.cross_section import (
    beside_rival,
    explained,
    holding,
    ics_by_period,
    ics_by_year,
    late,
    market_betas,
    mean_ic,
    member_records,
    neutral,
    parts,
    persistence,
    quantile_numbers,
    quantile_returns,
    quantiles,
    rank_ic,
    spread,
)
from geiger.features.catalogue import NAMES
from geiger.panel.material import PanelMaterial
from geiger.panel.walk import PanelWalk

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

# One-feature rivals: their name, the feature of the contract, and which way it points.
RIVALS: Mapping[str, tuple[str, int]] = {
    "close-location reversal": ("close_location", -1),
    "12-1 momentum": ("momentum_12_1", 1),
    "1-day reversal": ("return_1", -1),
    "5-day reversal": ("return_5", -1),
    "low volatility": ("volatility_252", -1),
}
HORIZONS = (1, 5, 21)  # days of holding
HALFLIFE = 1.0  # days after which a score counts half in what is traded
BAND = 0.5  # of an equal position, by which a position may stand off
COSTS_BPS = (0.0, 5.0, 10.0, 20.0)  # of the curve
LONG_SHORT = "long/short"
EQUAL_WEIGHT = "equal weight"


@dataclass(frozen=True, eq=False)
class Scored:
    """What a run hands on to be measured; every grid (D, N) has NaN where a symbol has nothing that day.

    Attributes
    ----------
    symbols : tuple of str (N,)
    day : array (D,) of datetime64[D]
        Of the panel's calendar.
    scores : array (D, N)
        Out of sample, of the rows that count; row t knows the close of day t.
    expected : array (D, N)
        Expected return with slope, in daily volatilities, on the same rows.
    outcomes : array (D, N)
        Log return that a decision at the close of a row can still earn.
    volatility : array (D, N)
        Daily, known at the close of its row.
    opens, closes : array (D, N)
    money : array (D, N) or None
        Traded a day, close x volume.
    rivals : mapping of str to array (D, N)
        One-feature scores, see `rival_scores`.
    left_out : tuple of int (N,)
        Rows of each symbol that were left out because opens were stale.
    horizon : int
        Days that an outcome spans.
    slope : float or None
        By which scores were scaled in the last fold.
    """

    symbols: tuple[str, ...]
    day: Days
    scores: Floats
    expected: Floats
    outcomes: Floats
    volatility: Floats
    opens: Floats
    closes: Floats
    money: Floats | None = None
    rivals: Mapping[str, Floats] = dataclasses.field(default_factory=dict)
    left_out: tuple[int, ...] = ()
    horizon: int = 1
    slope: float | None = None

    def __post_init__(self) -> None:
        wanted = (len(self.day), len(self.symbols))
        grids = {
            name: getattr(self, name)
            for name in ("scores", "expected", "outcomes", "volatility", "opens", "closes")
        }
        for name, grid in {**grids, **self.rivals}.items():
            if grid.shape != wanted:
                raise DataError(
                    f"cross-section: {name} has shape {grid.shape}, days and symbols are {wanted}"
                )

    @property
    def market(self) -> Tradable:
        """What the portfolios trade."""
        return Tradable(self.day, self.opens, self.closes, self.money)


@dataclass(frozen=True, eq=False)
class Traded:
    """The main portfolio, long/short on smoothed scores, and what it is compared with.

    Attributes
    ----------
    ledger : LEDGER frame
    baselines : dict of str to LEDGER frame
        As `geiger.backtest.scorecard.scorecard` takes them; ``buy_and_hold`` is equal weight.
    held : Held
        The portfolio symbol by symbol, on the days of the ledger.
    """

    ledger: pl.DataFrame
    baselines: dict[str, pl.DataFrame]
    held: Held


def rival_scores(grid_of: Callable[[str], Floats]) -> dict[str, Floats]:
    """Return the one-feature rivals as scores.

    Parameters
    ----------
    grid_of : callable
        Returns the grid (D, N) of a feature of the contract by its name.
    """
    return {name: sign * grid_of(feature) for name, (feature, sign) in RIVALS.items()}


def scored_of(material: PanelMaterial, made: PanelWalk, horizon: int) -> Scored:
    """Return what a walk issued, as grids: rows whose opens were prices to trade at."""
    rows, bars = made.issued.rows, material.bars
    tradable = material.tradable[rows]

    def issued(values: npt.NDArray[np.floating]) -> Floats:
        return material.grid(np.where(tradable, values, np.nan), rows)

    return Scored(
        symbols=material.symbols,
        day=material.calendar.to_numpy().astype("datetime64[D]"),
        scores=issued(made.issued.score),
        expected=issued(made.issued.expected),
        outcomes=issued(material.outcome[rows]),
        volatility=issued(material.volatility[rows]),
        opens=bars["open"],
        closes=bars["close"],
        money=bars["close"] * bars["volume"],
        rivals=rival_scores(lambda name: issued(material.features[rows, NAMES.index(name)])),
        left_out=tuple(member.stale for member in material.members),
        horizon=horizon,
        slope=float(made.issued.slope[-1]) if made.issued.slope.size else None,
    )


def measured(scored: Scored, *, least: int, costs: Costs, days_per_year: int = 252) -> CrossSection:
    """Return all that is measured over the symbols of a panel.

    Parameters
    ----------
    least : int
        Symbols that a day needs to count.
    costs : Costs
        Of the portfolios; the curve of costs puts other rates in place of commission and slippage.
    """
    scores, outcomes = scored.scores, scored.outcomes
    daily = rank_ic(scores, outcomes, least)
    names = np.isfinite(scores).sum(axis=1)
    names = names[names >= least]
    if not names.size:
        raise DataError(f"cross-section: no day has scores of {least} symbols; lower panel.least_names")
    count = quantile_count(float(np.median(names)))
    by_quantile = quantile_returns(scores, np.expm1(outcomes), count, least)
    share = explained(scored.expected, outcomes / scored.volatility, least, scored.horizon)
    return CrossSection(
        least_names=least,
        names=(int(names.min()), int(np.median(names)), int(names.max())),
        ics=_ics(scored, daily, least),
        rivals=tuple(
            beside_rival(name, scores, rival, outcomes, least, scored.horizon)
            for name, rival in scored.rivals.items()
        ),
        quantiles=quantiles(by_quantile, scored.horizon),
        spread=spread(by_quantile, scored.horizon),
        portfolios=_portfolios(scored, count, least, costs, days_per_year),
        members=member_records(
            scored.symbols,
            scored.day,
            scores,
            outcomes / scored.volatility,
            least,
            scored.horizon,
            scored.left_out or None,
        ),
        explained=None if share is None else share[0],
        explained_error=None if share is None else share[1],
        slope=scored.slope,
        persistence=persistence(scores, least),
    )


def traded(scored: Scored, *, least: int, costs: Costs, days_per_year: int = 252) -> Traded:
    """Return the ledger of the main portfolio and its baselines."""
    market, held = scored.market, _main(scored, least, costs, days_per_year)
    equal = equal_weight(scored.scores, least)
    others = portfolio_baselines(market, held, equal, costs, days_per_year=days_per_year)
    ledger = portfolio_ledger(market, held, hold(market, equal, costs, days_per_year=days_per_year))
    return Traded(ledger, others, held)


def quantile_count(names: float) -> int:
    """Return how many quantiles a panel of so many symbols has: two symbols are too few for one."""
    return 10 if names >= 100 else 5 if names >= 20 else 3


def decades(day: Days) -> dict[str, tuple[np.datetime64, np.datetime64]]:
    """Return the calendar decades that days fall into, by the name of those of their years that occur.

    >>> decades(np.array(["2008-05-01", "2011-01-03", "2012-12-31"], dtype="datetime64[D]")).keys()
    dict_keys(['2008', '2011-2012'])
    """
    years = day.astype("datetime64[Y]").astype(np.int64) + 1970
    found = {}
    for decade in np.unique(years // 10):
        inside = years // 10 == decade
        first, last = years[inside].min(), years[inside].max()
        name = str(first) if first == last else f"{first}-{last}"
        found[name] = (day[inside].min(), day[inside].max())
    return found


def _ics(scored: Scored, daily: Floats, least: int) -> tuple[RankIC, ...]:
    day, scores = scored.day, scored.scores
    own = scored.horizon

    def against(outcomes: Floats) -> Floats:
        return rank_ic(scores, outcomes, least)

    counted = np.isfinite(daily)
    periods = decades(day[counted]) if counted.any() else {}
    pieces = parts(scored.opens, scored.closes)
    rest = neutral(scores, market_betas(_returns(scored.closes), least), scored.volatility)
    return (
        mean_ic("all", "all days", daily, own),
        *(ics_by_period(daily, day, periods, own) if len(periods) > 1 else ()),
        *ics_by_year(daily, day, own),
        *(mean_ic("horizon", str(days), against(holding(scored.opens, days)), days) for days in HORIZONS),
        *(mean_ic("part", name, against(piece)) for name, piece in pieces.items()),
        mean_ic("delay", "one day late", against(late(scored.outcomes)), own),
        mean_ic("neutral", "to beta and volatility", rank_ic(rest, scored.outcomes, least), own),
    )


def _portfolios(
    scored: Scored, count: int, least: int, costs: Costs, days_per_year: int
) -> tuple[Portfolio, ...]:
    """Return the main portfolio at all costs, its own first; then its variants and equal weight."""
    market, scores = scored.market, scored.scores
    calm = smoothed(scores, HALFLIFE, least)
    main = long_short(calm, least)
    equal = equal_weight(scores, least)
    names = np.isfinite(scores).sum(axis=1)
    band = BAND / float(np.median(names[names >= least]))

    def record(name: str, wanted: Floats, rates: Costs, off: float = 0.0) -> Portfolio:
        held = hold(market, wanted, rates, band=off, days_per_year=days_per_year)
        even = hold(market, equal, rates, days_per_year=days_per_year)
        return portfolio_record(name, market, held, even, rates, days_per_year)

    own = costs.cost_bps + costs.slippage_bps
    curve = [dataclasses.replace(costs, cost_bps=bps, slippage_bps=0.0) for bps in COSTS_BPS if bps != own]
    return (
        record(LONG_SHORT, main, costs),
        *(record(LONG_SHORT, main, rates) for rates in curve),
        record("not smoothed", long_short(scores, least), costs),
        record("outer quantiles", outermost(quantile_numbers(calm, count), count, least), costs),
        record("no-trade band", main, costs, band),
        record("by volatility", long_short(calm, least, scored.volatility), costs),
        record("long only", long_only(calm, least), costs),
        record(EQUAL_WEIGHT, equal, costs),
    )


def wanted_of(scored: Scored, least: int) -> Floats:
    """Return the weights (D, N) that the main portfolio wants: long/short on smoothed scores."""
    return long_short(smoothed(scored.scores, HALFLIFE, least), least)


def _main(scored: Scored, least: int, costs: Costs, days_per_year: int) -> Held:
    return hold(scored.market, wanted_of(scored, least), costs, days_per_year=days_per_year)


def _returns(closes: Floats) -> Floats:
    """Return the log return of each row, close to close, known at its close (D, N); the first has none."""
    return np.diff(np.log(closes), axis=0, prepend=np.full((1, closes.shape[1]), np.nan))
