"""What a panel's forecasts say of its symbols against each other: the tables of log, record and report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["all", "period", "year", "horizon", "part", "delay", "neutral"]


@dataclass(frozen=True, kw_only=True)
class RankIC:
    """Rank correlation of scores with outcomes over the symbols of a day, averaged over days.

    Attributes
    ----------
    kind, name : str
        What was correlated on which days: ``all``; a ``period`` or ``year`` of days; outcomes of another
        ``horizon`` (days), of a ``part`` of the day, or one day late (``delay``); scores made ``neutral``.
    days : int
        That counted.
    mean : float or None
        Mean of the daily correlations, -1 to 1; None without a day.
    deviation : float or None
        Standard deviation of the daily correlations.
    error : float or None
        Standard error of the mean, allowing for days that hang together (Newey & West, 1987).
    """

    kind: Kind
    name: str
    days: int
    mean: float | None = None
    deviation: float | None = None
    error: float | None = None

    @property
    def t(self) -> float | None:
        """Mean over its standard error."""
        return None if self.mean is None or not self.error else self.mean / self.error

    @property
    def ratio(self) -> float | None:
        """Mean over deviation, a day: the information ratio of the correlation (ICIR)."""
        return None if self.mean is None or not self.deviation else self.mean / self.deviation


@dataclass(frozen=True, kw_only=True)
class RankRival:
    """A simpler score on the same days and symbols, and what the panel's adds to it.

    Attributes
    ----------
    name : str
    mean, error : float or None
        Rank IC of the rival and its standard error.
    gain, gain_error : float or None
        Mean of the daily differences (ours less the rival's), and its standard error.
    """

    name: str
    days: int
    mean: float | None = None
    error: float | None = None
    gain: float | None = None
    gain_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Quantile:
    """Symbols of one quantile of the day's scores, 1 the lowest: their mean return beyond the day's mean.

    `mean` and `error` are simple returns of a holding interval; None with fewer than two days. Number 0
    stands for the highest quantile less the lowest.
    """

    number: int
    days: int
    mean: float | None = None
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Portfolio:
    """One way of trading the scores, at one cost.

    Attributes
    ----------
    name : str
        Such as ``long/short`` or ``long only``; ``equal weight`` holds all symbols alike.
    cost_bps : float
        Of a unit of turnover, one way.
    days : int
    net, volatility : float or None
        A year, simple; `net` is the mean daily net return times the days of a year.
    sharpe : float or None
        A year, of net returns.
    against : float or None
        Mean net less what equal weight with the same net exposure each day earns free of cost, a year.
    against_error : float or None
        Standard error of it.
    turnover : float or None
        A year, in units of equity (bought and sold).
    break_even_bps : float or None
        Cost of a unit of turnover, one way, at which nothing is left beside that equal weight.
    beta : float or None
        To equal weight.
    drawdown : float or None
        Deepest, as a share of equity below 0.
    capacity : float or None
        Money with which half of all that is traded is at most 1% of what its symbol trades a day, in the
        prices' currency; None where volume is unknown.
    closed : int
        Positions closed at a last price because their symbol had no next open.
    """

    name: str
    cost_bps: float
    days: int
    net: float | None = None
    volatility: float | None = None
    sharpe: float | None = None
    against: float | None = None
    against_error: float | None = None
    turnover: float | None = None
    break_even_bps: float | None = None
    beta: float | None = None
    drawdown: float | None = None
    capacity: float | None = None
    closed: int = 0


@dataclass(frozen=True, kw_only=True)
class Member:
    """One symbol of a panel.

    Attributes
    ----------
    symbol : str
    first, last : str
        Of its scored days, ISO; empty where it has none.
    days : int
        Scored.
    left_out : int
        Rows left out because opens were stale.
    correlation, error : float or None
        Of its scores with its outcomes over time, both beyond the day's mean and in daily volatilities, and
        the standard error.
    """

    symbol: str
    first: str
    last: str
    days: int
    left_out: int = 0
    correlation: float | None = None
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class CrossSection:
    """All of it.

    Attributes
    ----------
    least_names : int
        Symbols that a day needs to count.
    names : tuple of int
        Fewest, median and most symbols of a scored day.
    ics : tuple of RankIC
        The first is that of all days.
    spread : Quantile or None
        Highest quantile less lowest.
    explained, explained_error : float or None
        Share of the variance of outcomes beyond the day's mean (in daily volatilities) that the forecasts
        with their slope explain, out of sample, and its standard error; below 0 where they do harm.
    slope : float or None
        By which scores were scaled in the last fold.
    persistence : float or None
        Mean correlation of a day's scores with those of the day before.
    """

    least_names: int
    names: tuple[int, int, int]
    ics: tuple[RankIC, ...]
    rivals: tuple[RankRival, ...] = ()
    quantiles: tuple[Quantile, ...] = ()
    spread: Quantile | None = None
    portfolios: tuple[Portfolio, ...] = ()
    members: tuple[Member, ...] = ()
    explained: float | None = None
    explained_error: float | None = None
    slope: float | None = None
    persistence: float | None = None
