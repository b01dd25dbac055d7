"""What a feature is, and the arrays that every feature is made of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError
from geiger.features.kernels import (
    Array,
    divide,
    smooth,
    window_cov,
    window_dot,
    window_max,
    window_mean,
    window_var,
)

# Below this (a log return, or a share of the price) a spread is rounding noise and counts as none.
TINY = 1e-10
# Values of a computed series nearer than this are equal.
TIE = 1e-12


@dataclass(frozen=True, eq=False)
class Bars:
    """One symbol's bars as arrays of length n; row t is complete at the close of day t.

    Attributes
    ----------
    day : datetime64[D] array
    open, high, low, close : float64 arrays
        Total-return prices. A bar's range always holds its open and close: where a source says otherwise, the
        high is the highest and the low the lowest of its four prices.
    volume : float64 array
        Shares; 0 where unknown.
    market_close, implied : float64 arrays
        Index and quoted volatility index (% a year) of the context, the last known value carried over missing
        rows; NaN before the first.
    market_known, implied_known : bool arrays
        Whether the row itself has a value.
    has_context : bool
        Whether a context was given at all.
    """

    day: npt.NDArray[np.datetime64]
    open: Array
    high: Array
    low: Array
    close: Array
    volume: Array
    market_close: Array
    market_known: npt.NDArray[np.bool_]
    implied: Array
    implied_known: npt.NDArray[np.bool_]
    has_context: bool

    @classmethod
    def from_frames(cls, prices: pl.DataFrame, context: pl.DataFrame | None) -> Bars:
        """Make the arrays from a PRICES frame and a CONTEXT frame with the same days.

        Raises
        ------
        DataError
            If the context has other days than the prices.
        """
        if context is not None and not context["day"].equals(prices["day"]):
            raise DataError(
                f"context: its {context.height} days are not the {prices.height} days of the prices; "
                "align it to the symbol's days first"
            )
        quotes = [_column(prices, name) for name in ("open", "high", "low", "close")]
        market, market_known = _context_column(context, "market_close", prices.height)
        implied, implied_known = _context_column(context, "market_volatility", prices.height)
        return cls(
            day=prices["day"].to_numpy().astype("datetime64[D]"),
            open=quotes[0],
            high=np.maximum.reduce(quotes),
            low=np.minimum.reduce(quotes),
            close=quotes[3],
            volume=_column(prices, "volume"),
            market_close=market,
            market_known=market_known,
            implied=implied,
            implied_known=implied_known,
            has_context=context is not None,
        )

    @property
    def rows(self) -> int:
        """Number of bars."""
        return len(self.close)

    @cached_property
    def month(self) -> npt.NDArray[np.int64]:
        """Calendar months since January 1970."""
        return self.day.astype("datetime64[M]").astype(np.int64)

    @cached_property
    def previous_close(self) -> Array:
        """Close of the row before."""
        return shift(self.close, 1)

    @cached_property
    def returns(self) -> Array:
        """Log return close to close."""
        return np.log(self.close / self.previous_close)

    @cached_property
    def sizes(self) -> Array:
        """Absolute log return close to close."""
        return np.abs(self.returns)

    @cached_property
    def signs(self) -> Array:
        """Direction of the day: -1, 0 or 1, from the closes themselves."""
        return np.sign(self.close - self.previous_close)

    @cached_property
    def gaps(self) -> Array:
        """Log return from the last close to the open."""
        return np.log(self.open / self.previous_close)

    @cached_property
    def bodies(self) -> Array:
        """Log return from open to close."""
        return np.log(self.close / self.open)

    @cached_property
    def log_ranges(self) -> Array:
        """Log of high over low."""
        return np.log(self.high / self.low)

    @cached_property
    def typical(self) -> Array:
        """Mean of high, low and close."""
        return (self.high + self.low + self.close) / 3.0

    @cached_property
    def money(self) -> Array:
        """Money traded: close x volume."""
        return self.close * self.volume

    @cached_property
    def true_range(self) -> Array:
        """Range of the bar, the last close included (Wilder 1978)."""
        high = np.maximum(self.high, self.previous_close)
        return high - np.minimum(self.low, self.previous_close)

    @cached_property
    def true_range_14(self) -> Array:
        """Wilder's smoothed true range over 14 days."""
        return smooth(self.true_range, 1.0 / 14.0, 14)

    @cached_property
    def close_location(self) -> Array:
        """Where the close lies in the bar: -1 at the low, 1 at the high, 0 without a range."""
        doubled = (self.close - self.low) - (self.high - self.close)
        return ratio(doubled, self.high - self.low, TINY * self.close, 0.0)

    @cached_property
    def _moments(self) -> dict[tuple[str, int], tuple[Array, Array]]:
        return {}

    @cached_property
    def _covariances(self) -> dict[tuple[str, str, int], Array]:
        return {}

    def moments(self, name: str, n: int) -> tuple[Array, Array]:
        """Return mean and population variance of the last n values of one of these arrays, computed once."""
        if (name, n) not in self._moments:
            self._moments[name, n] = mean_var(getattr(self, name), n)
        return self._moments[name, n]

    def volatility(self, n: int, name: str = "returns") -> Array:
        """Return the sample standard deviation of the last n daily log returns."""
        return np.sqrt(self.moments(name, n)[1] * (n / (n - 1)))

    def covariance(self, x: str, y: str, n: int) -> Array:
        """Return the population covariance of two of these arrays over the last n rows, computed once."""
        if (x, y, n) not in self._covariances:
            mean_x, mean_y = self.moments(x, n)[0], self.moments(y, n)[0]
            self._covariances[x, y, n] = window_cov(getattr(self, x), mean_x, getattr(self, y), mean_y, n)
        return self._covariances[x, y, n]

    def correlation(self, x: str, y: str, n: int, floor: float = TINY) -> Array:
        """Return the correlation of two of these arrays over the last n rows, in [-1, 1].

        0 where the deviation of x is no larger than `TINY` or that of y no larger than `floor`.
        """
        var_x, var_y = self.moments(x, n)[1], self.moments(y, n)[1]
        both = np.sqrt(var_x) * np.sqrt(var_y)
        both = np.where((var_x <= TINY**2) | (var_y <= floor**2), 0.0, both)
        return np.clip(ratio(self.covariance(x, y, n), both, 0.0, 0.0), -1.0, 1.0)

    @cached_property
    def returns_before(self) -> Array:
        """Return of the day before."""
        return shift(self.returns, 1)

    @cached_property
    def sizes_before(self) -> Array:
        """Absolute return of the day before."""
        return shift(self.sizes, 1)

    @cached_property
    def market_returns(self) -> Array:
        """Daily log returns of the market; 0 where this row or the one before has no value of its own."""
        both = self.market_known & (shift(self.market_known.astype(np.float64), 1) == 1.0)
        returns = np.log(self.market_close / shift(self.market_close, 1))
        return np.where(both | np.isnan(returns), returns, 0.0)


def _column(frame: pl.DataFrame, name: str) -> Array:
    # A writable copy: the compiled kernels know one kind of array only.
    return np.array(frame[name].to_numpy(), dtype=np.float64)


def _context_column(
    context: pl.DataFrame | None, name: str, rows: int
) -> tuple[Array, npt.NDArray[np.bool_]]:
    if context is None:
        return np.full(rows, np.nan), np.zeros(rows, dtype=np.bool_)
    column = context[name]
    values = np.array(column.to_numpy(), dtype=np.float64)  # a missing value becomes NaN
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(rows), 0)) if rows else np.arange(0)
    return values[last], known


def shift(x: Array, rows: int) -> Array:
    """Return x of `rows` rows ago; NaN where there is none."""
    out = np.full(len(x), np.nan)
    out[rows:] = x[: max(len(x) - rows, 0)]
    return out


def ratio(above: Array, below: Array, floor: Array | float, neutral: float) -> Array:
    """Return above / below, and `neutral` where `below` is no larger than `floor`; NaN stays NaN."""
    return divide(
        above, below, floor if isinstance(floor, np.ndarray) else np.full(len(below), floor), neutral
    )


def log_ratio(above: Array, below: Array, floor: float = 0.0) -> Array:
    """Return log(above / below), and 0 where either is no larger than `floor`; NaN stays NaN."""
    unusable = ((above <= floor) & ~np.isnan(below)) | ((below <= floor) & ~np.isnan(above))
    return np.log(np.where(unusable, 1.0, above) / np.where(unusable, 1.0, below))


def imbalance(a: Array, b: Array) -> Array:
    """Return (a - b) / (a + b) of two amounts that are 0 or more; 0 where both are 0."""
    return ratio(a - b, a + b, 0.0, 0.0)


def total(x: Array, n: int) -> Array:
    """Return the sum of the last n values."""
    return window_dot(x, np.ones(n))


def mean(x: Array, n: int) -> Array:
    """Return the mean of the last n values."""
    return window_dot(x, np.ones(n)) / n


def mean_var(x: Array, n: int) -> tuple[Array, Array]:
    """Return mean and population variance of the last n values; exactly 0 where all are equal."""
    centre = window_mean(x, n)
    return centre, window_var(x, centre, n)


def std(x: Array, n: int) -> Array:
    """Return the sample standard deviation of the last n values."""
    return np.sqrt(mean_var(x, n)[1] * (n / (n - 1)))


def ema(x: Array, n: int) -> Array:
    """Return the exponential mean of span n (rate 2 / (n + 1)), started at the mean of the first n values."""
    return smooth(x, 2.0 / (n + 1), n)


def wilder(x: Array, n: int) -> Array:
    """Return Wilder's mean (rate 1 / n), started at the mean of the first n values."""
    return smooth(x, 1.0 / n, n)


def highest(x: Array, n: int) -> Array:
    """Return the largest of the last n values."""
    return window_max(x, n)


def lowest(x: Array, n: int) -> Array:
    """Return the smallest of the last n values."""
    return -window_max(-x, n)


@dataclass(frozen=True)
class Feature:
    """One column of the contract.

    Attributes
    ----------
    name, group : str
    function : callable
        Bars to a float64 array of the same length. Row t is made of rows <= t alone.
    warmup : int
        Rows before the first finite value: every row from this one on is finite.
    unit : str
    formula : str
        The first line of the function's docstring, with its windows filled in.
    source : str
        Author and year, or empty.
    """

    name: str
    group: str
    function: Callable[[Bars], Array]
    warmup: int
    unit: str
    formula: str
    source: str


def feature(name: str, function: Callable[..., Array], warmup: int, unit: str, **windows: int) -> Feature:
    """Make one entry of the catalogue; its group is the file the function stands in.

    The windows are bound to the function and written into its name ``close_to_mean_{n}`` and formula.
    """
    document = inspect.getdoc(function) or ""
    formula = document.splitlines()[0].rstrip(".")
    for parameter, value in windows.items():
        formula = re.sub(rf"\b{parameter}\b", str(value), formula).replace(" 1 days", " 1 day")
    source = re.search(r"^Source: (.*)\.$", document, flags=re.MULTILINE)
    return Feature(
        name=name.format(**windows),
        group=function.__module__.rsplit(".", 1)[-1],
        function=partial(function, **windows) if windows else function,
        warmup=warmup,
        unit=unit,
        formula=formula,
        source=source[1] if source else "",
    )
