"""What a ledger and the forecasts behind it show beyond their figures: falls, months, rolling figures, costs.

All of it is made of the frames that a run keeps; what a cost or a late fill would have left is simulated by
the backtest's own rules with the weights of the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.costs import Costs
from geiger.backtest.figures import beats, cagr, drawdown, is_constant, sharpe
from geiger.backtest.simulate import simulate
from geiger.columns import WEIGHTS, require
from geiger.evidence.resampling import resample_counts
from geiger.figures import STRATEGY
from geiger.metrics import sharpe_variance
from geiger.report.view import (
    CostPoint,
    Distribution,
    Fall,
    Floats,
    Importance,
    Months,
    PathView,
    Positions,
    Rolling,
    SharpeRange,
    Stay,
)

COSTS_BPS = (0.0, 5.0, 10.0, 20.0, 30.0, 50.0)
MOST_FALLS = 10
LEAST_FALL = 0.005  # of the equity: less is no fall that a table is made for
BINS = 41
FEW_OUTSIDE = 0.995  # share of days that the middle bins hold
RESAMPLES = 1000
BLOCK = 10.0  # days, mean length of a resampled block, as in the scorecard's own comparison
PART = 100  # resamples at a time
SEED = 0
LEAST_ROWS = 60  # for an interval


def paths_of(ledger: pl.DataFrame, held: Floats, name: str, costs: Costs, days_per_year: int) -> PathView:
    """Return what a LEDGER shows; `held` (n,) are the returns that stand beside it, called `name`.

    Costs and positions are left out, which a portfolio of many symbols has of its own.
    """
    days = tuple(ledger["exit_day"].to_list())
    net = ledger["net"].to_numpy()
    both = {STRATEGY: net, name: held}
    return PathView(
        falls=falls_of(net, ledger["fill_day"][0], days),
        months=months_of(net, days),
        rolling_sharpe=rolling_sharpe(both, days, days_per_year, costs.cash_yield),
        distribution=distribution_of(both),
        sharpe_range=sharpe_range(net, days_per_year, costs.cash_yield),
    )


def alone_of(ledger: pl.DataFrame, costs: Costs, days_per_year: int, paths: PathView) -> PathView:
    """Return the same with what the ledger of one symbol shows besides: its positions, and other costs."""
    return replace(paths, positions=positions_of(ledger), costs=cost_points(ledger, costs, days_per_year))


def falls_of(net: Floats, began: dt.date, days: Sequence[dt.date]) -> tuple[Fall, ...]:
    """Return the deepest falls of the equity of net returns (n,), known on `days`; the deepest first.

    >>> day = dt.date(2020, 1, 1)
    >>> days = [day + dt.timedelta(i) for i in range(1, 5)]
    >>> [(round(f.depth, 3), f.rows, f.recovered) for f in falls_of(np.array([.1, -.2, .3, -.1]), day, days)]
    [(0.2, 2, datetime.date(2020, 1, 4)), (0.1, 1, None)]
    """
    depth = drawdown(net)
    low = depth > 0.0
    starts = np.flatnonzero(low & ~np.concatenate(([False], low[:-1])))
    found = []
    for start in starts.tolist():
        above = np.flatnonzero(~low[start:])
        end = start + int(above[0]) if above.size else None
        stretch = depth[start:end]
        trough = start + int(stretch.argmax())
        if depth[trough] < LEAST_FALL:
            continue
        found.append(
            Fall(
                depth=float(depth[trough]),
                start=days[start - 1] if start else began,
                trough=days[trough],
                recovered=None if end is None else days[end],
                rows=(len(depth) if end is None else end + 1) - start,
            )
        )
    return tuple(sorted(found, key=lambda fall: -fall.depth)[:MOST_FALLS])


def months_of(net: Floats, days: Sequence[dt.date]) -> Months | None:
    """Return net returns (n,) compounded by the calendar month in which they became known."""
    if not len(days):
        return None
    at = np.array(days, "datetime64[M]").astype(np.int64)
    years = np.unique(at // 12)
    place = np.searchsorted(years, at // 12), at % 12
    growth, rows = np.ones((len(years), 12)), np.zeros((len(years), 12))
    np.multiply.at(growth, place, 1.0 + net)
    np.add.at(rows, place, 1.0)
    returns = np.where(rows > 0, growth - 1.0, np.nan)
    return Months(tuple((years + 1970).tolist()), returns, growth.prod(axis=1) - 1.0)


def rolling_sharpe(
    nets: Mapping[str, Floats], days: Sequence[dt.date], days_per_year: int, cash_yield: float
) -> Rolling | None:
    """Return the Sharpe ratio of the last year, again every day, of each path of net returns (n,)."""
    if len(days) < 2 * days_per_year:  # one full window, and a second to see it move
        return None
    lines = {}
    for name, net in nets.items():
        mean, deviation = _rolled(net - cash_yield / days_per_year, days_per_year)
        with np.errstate(invalid="ignore", divide="ignore"):
            lines[name] = np.where(deviation > 0, mean / deviation, np.nan) * np.sqrt(days_per_year)
    return Rolling(days_per_year, tuple(days), lines)


def rolling_ic(forecast: Floats, outcome: Floats, days: Sequence[dt.date], window: int) -> Rolling | None:
    """Return the correlation of forecast and outcome (n,) over the last `window` rows, again every row."""
    if len(days) < 2 * window or is_constant(forecast):
        return None
    f, y = forecast - forecast.mean(), outcome - outcome.mean()
    mean_f, deviation_f = _rolled(f, window)
    mean_y, deviation_y = _rolled(y, window)
    mean_fy, _ = _rolled(f * y, window)
    covariance = (mean_fy - mean_f * mean_y) * window / (window - 1)
    tiny = 1e-9 * float(f.std())
    with np.errstate(invalid="ignore", divide="ignore"):
        line = np.where(deviation_f > tiny, covariance / (deviation_f * deviation_y), np.nan)
    return Rolling(window, tuple(days), {"correlation": line})


def _rolled(values: Floats, window: int) -> tuple[Floats, Floats]:
    """Return mean and deviation (ddof 1) of the last `window` values at each place (n,), NaN before."""
    mean, deviation = (np.full(values.size, np.nan) for _ in range(2))
    if values.size >= window:
        stretches = np.lib.stride_tricks.sliding_window_view(values, window)
        mean[window - 1 :] = stretches.mean(axis=1)
        deviation[window - 1 :] = stretches.std(axis=1, ddof=1)
    return mean, deviation


def distribution_of(nets: Mapping[str, Floats]) -> Distribution | None:
    """Return how often each path's net returns (n,) lay where, in steps alike around 0."""
    together = np.abs(np.concatenate(list(nets.values())))
    reach = float(np.quantile(together, FEW_OUTSIDE)) if together.size else 0.0
    if not 0.0 < reach < np.inf:  # nothing moves, or a damaged run has figures that are none
        return None
    edges = np.linspace(-reach, reach, BINS + 1)
    counts = {
        name: np.histogram(np.clip(net, -reach, reach), edges)[0].astype(np.int64)
        for name, net in nets.items()
    }
    return Distribution(edges, counts, {name: _facts(net) for name, net in nets.items()})


def _facts(net: Floats) -> dict[str, float]:
    deviation = float(net.std(ddof=1)) if net.size > 1 else float("nan")
    skew, kurtosis = _moments(net)
    return {
        "mean": float(net.mean()),
        "deviation": deviation,
        "skew": skew,
        "kurtosis": kurtosis,
        "worst": float(net.min()),
        "best": float(net.max()),
        "above": float((net > 0).mean()),
    }


def _moments(net: Floats) -> tuple[float, float]:
    """Return skew and kurtosis (3 for a normal distribution); NaN where nothing moves."""
    if is_constant(net):
        return float("nan"), float("nan")
    z = (net - net.mean()) / net.std()
    return float((z**3).mean()), float((z**4).mean())


def positions_of(ledger: pl.DataFrame) -> Positions | None:
    """Return what a LEDGER held, and how long it stayed on each side."""
    weight, net = ledger["weight"].to_numpy(), ledger["net"].to_numpy()
    if not weight.size:
        return None
    days, fills = ledger["exit_day"].to_list(), ledger["fill_day"].to_list()
    side = np.sign(weight)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(side)) + 1, [weight.size]))
    stays = []
    for first, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        stays.append(
            Stay(
                side={1: "long", -1: "short", 0: "flat"}[int(side[first])],
                first=fills[first],
                last=days[end - 1],
                rows=end - first,
                mean_weight=float(weight[first:end].mean()),
                net=float(np.prod(1.0 + net[first:end]) - 1.0),
            )
        )
    turnover = ledger["turnover"].to_numpy()
    return Positions(tuple(fills), weight, tuple(stays), int((turnover > 1e-9).sum()), float(turnover.sum()))


def cost_points(ledger: pl.DataFrame, costs: Costs, days_per_year: int) -> tuple[CostPoint, ...]:
    """Return what the weights of a LEDGER leave at other costs, and filled a day late at the run's own.

    Weights stay as they were: a rule that knew of the other cost might have traded less.
    """
    if len(ledger) < 2:
        return ()
    own = costs.cost_bps + costs.slippage_bps
    points = [
        _at_cost(ledger, costs, bps, days_per_year, own=bps == own) for bps in sorted({*COSTS_BPS, own})
    ]
    return (*points, _at_cost(ledger, costs, own, days_per_year, late=True))


def _at_cost(
    ledger: pl.DataFrame,
    costs: Costs,
    bps: float,
    days_per_year: int,
    *,
    late: bool = False,
    own: bool = False,
) -> CostPoint:
    rates = replace(costs, cost_bps=bps, slippage_bps=0.0)
    rows = ledger.select("day", entry_day="fill_day", known_on="exit_day", simple="asset_return")
    weight = ledger["weight"].shift(1, fill_value=0.0) if late else ledger["weight"]

    def net(weights: pl.Series) -> Floats:
        frame = require(pl.DataFrame({"day": ledger["day"], "weight": weights}), WEIGHTS)
        return simulate(rows, frame, rates, days_per_year)["net"].to_numpy()

    mine, held = net(weight), net(pl.Series(np.ones(len(ledger))))
    return CostPoint(
        label=f"{bps:g} bp" + (", a day late" if late else ""),
        cost_bps=bps,
        late=late,
        sharpe=sharpe(mine, days_per_year, costs.cash_yield),
        cagr=cagr(mine, days_per_year),
        beat=beats(mine, held, days_per_year),
        own=own,
    )


def sharpe_range(net: Floats, days_per_year: int, cash_yield: float) -> SharpeRange | None:
    """Return where the Sharpe ratio of net returns (n,) may lie; None with fewer than 60."""
    value = sharpe(net, days_per_year, cash_yield)
    if value is None or net.size < LEAST_ROWS:
        return None
    excess = net - cash_yield / days_per_year
    counts = resample_counts(net.size, block=BLOCK, resamples=RESAMPLES, seed=SEED)
    drawn = np.concatenate([_ratios(counts[i : i + PART], excess) for i in range(0, RESAMPLES, PART)])
    drawn = drawn[np.isfinite(drawn)] * np.sqrt(days_per_year)
    if not drawn.size:
        return None
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return SharpeRange(value, (low, high), _by_formula(net, value, days_per_year), BLOCK, RESAMPLES)


def _ratios(counts: npt.NDArray[np.uint16], excess: Floats) -> Floats:
    """Return mean over deviation of each resample (r,) of returns (n,)."""
    n = excess.size
    drawn = counts.astype(np.float64)
    mean = drawn @ excess / n
    variance = (drawn @ excess**2 / n - mean**2) * n / (n - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(variance > 0, mean / np.sqrt(variance), np.nan))


def _by_formula(net: Floats, value: float, days_per_year: int) -> tuple[float, float] | None:
    skew, kurtosis = _moments(net)
    daily = value / np.sqrt(days_per_year)
    variance = sharpe_variance(daily, skew, kurtosis)
    if not variance > 0:
        return None
    error = float(np.sqrt(variance / (net.size - 1) * days_per_year))
    return value - 1.96 * error, value + 1.96 * error


def importances_of(frame: pl.DataFrame) -> tuple[Importance, ...]:
    """Return the features of an IMPORTANCES frame, the largest mean share first, those of none left out."""
    shares = frame.group_by("feature", maintain_order=True).agg(
        mean=pl.col("importance").mean(), least=pl.col("importance").min(), most=pl.col("importance").max()
    )
    used = shares.filter(pl.col("mean") > 0).sort("mean", "feature", descending=[True, False])
    return tuple(Importance(*row) for row in used.iter_rows())
