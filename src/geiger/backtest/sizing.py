"""Forecasts become positions: row t is decided from rows up to t, and nothing later.

Three rules, all with the same threshold: a forecast counts where a unit held for some days would earn what
it costs to buy,

    |expected_t| x holding_days >= cost of one unit of turnover.

A row whose forecast counts sets the weight anew, to what its rule asks for; every other row leaves it as it
was. The threshold looks at the size of the forecast, not at the trade: a forecast that counts may also cut
a position of its own sign, because the asset moves more or forecasts have been larger. Such a trade earns no
expected return: it holds the volatility (docs/decisions/0011).

Before the first forecast that counts the weight is 0. With `cost_bps` 0 every forecast counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geiger.backtest.costs import BASIS_POINT
from geiger.columns import WEIGHTS, require
from geiger.errors import DataError, SettingError
from geiger.settings import RULES, Rule, TradingSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sizing:
    """How a forecast becomes a weight.

    Attributes
    ----------
    rule : {"sign", "long_flat", "proportional"}
        ``sign`` holds +1 or -1; a forecast of exactly 0 is no view, so it asks for no position (and, like
        every forecast below the threshold, moves nothing). ``long_flat`` holds 1 where the forecast is above
        0, else 0. ``proportional`` holds more the larger the forecast is beside those of the last year and
        the calmer the asset.
    volatility_target : float
        Yearly volatility that a forecast of typical size aims at; ``proportional`` only.
    leverage_cap : float
        Largest absolute weight; ``proportional`` only.
    holding_days : float
        Days over which a unit of position must earn its cost for a forecast to count.
    cost_bps : float
        Cost of one unit of turnover in basis points, slippage included.
    days_per_year : int
        Trading days in a year: 252 on exchanges, about 260 for FX, 365 for crypto.
    allow_short : bool
        False turns every negative weight into 0.
    """

    rule: Rule = TradingSettings.rule
    volatility_target: float = 0.15
    leverage_cap: float = 1.0
    holding_days: float = TradingSettings.holding_days
    cost_bps: float = TradingSettings.cost_bps
    days_per_year: int = 252
    allow_short: bool = TradingSettings.allow_short

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise SettingError(f"rule must be one of {', '.join(RULES)}, got {self.rule!r}")
        for name in ("volatility_target", "leverage_cap", "holding_days", "days_per_year"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingError(f"{name} must be a finite number above 0, got {value}")
        if not (math.isfinite(self.cost_bps) and self.cost_bps >= 0):
            raise SettingError(f"cost_bps must be a finite number of 0 or more, got {self.cost_bps}")

    @property
    def threshold(self) -> float:
        """Smallest absolute expected daily return that counts."""
        return self.cost_bps * BASIS_POINT / self.holding_days

    def counts(self, expected: Floats) -> NDArray[np.bool_]:
        """Return which expected daily returns (n,) are large enough to set the weight anew."""
        return np.abs(expected) >= self.threshold


def weigh(day: pl.Series, expected: Floats, volatility: Floats, sizing: Sizing) -> pl.DataFrame:
    """Return the WEIGHTS frame: one row a decision day, decided from rows up to that day.

    A weight is made of the last forecast that counts and, for ``proportional``, of those in the year before
    it: rows given before that year change nothing. Within its first year a path of forecasts is measured
    against those it has, so there a weight depends on where the rows begin.

    Parameters
    ----------
    day : Series of dates (n,)
        Decision days, ascending.
    expected : array (n,)
        Expected simple return of each decision, fill to exit.
    volatility : array (n,)
        Daily volatility of the asset as known at the close of each day, see `trailing_volatility`.
        Only ``proportional`` reads it.
    sizing : Sizing

    Raises
    ------
    DataError
        If lengths differ, a forecast is not finite, or a volatility that is needed is missing or negative.
    """
    weight = decide(expected, volatility, sizing)
    if len(day) != weight.size:
        raise DataError(f"weights: {weight.size} forecasts for {len(day)} days; give one forecast a day")
    return require(pl.DataFrame({"day": day, "weight": weight}), WEIGHTS)


def decide(expected: Floats, volatility: Floats, sizing: Sizing) -> Floats:
    """Return the weights (n,) of `weigh` as an array.

    >>> decide(np.array([0.002, 0.00001, -0.002]), np.full(3, 0.01), Sizing(rule="sign"))
    array([ 1.,  1., -1.])
    """
    expected = _finite("expected", expected)
    wanted = _wanted(expected, volatility, sizing)
    if not sizing.allow_short:
        wanted = np.maximum(wanted, 0.0)
    return _last_that_counts(wanted, sizing.counts(expected))


def _wanted(expected: Floats, volatility: Floats, sizing: Sizing) -> Floats:
    """Return the weights (n,) each row would hold if trading were free."""
    if sizing.rule == "sign":
        return np.sign(expected)
    if sizing.rule == "long_flat":
        return (expected > 0).astype(np.float64)
    volatility = _finite("volatility", volatility)
    if volatility.shape != expected.shape:
        raise DataError(
            f"weights: {volatility.size} volatilities for {expected.size} forecasts; give one each"
        )
    if (volatility < 0).any():
        raise DataError(f"weights: volatility is negative in row {int(np.argmax(volatility < 0))}")
    return _proportional(expected, volatility, sizing)


def _proportional(expected: Floats, volatility: Floats, sizing: Sizing) -> Floats:
    """Return forecast / their root mean square x target volatility / asset volatility, capped.

    The root mean square is that of the last year's forecasts, row t included, so their unit cancels and no
    forecast counts for ever. Where it or the volatility is 0 there is nothing to scale by: the weight is 0.
    """
    rms = np.sqrt(_trailing_mean(np.square(expected), sizing.days_per_year))
    yearly = volatility * math.sqrt(sizing.days_per_year)
    scale = rms * yearly
    known = scale > 0
    weight = np.zeros_like(expected)
    # A calm asset may overflow to infinity here: the cap is what it should get.
    with np.errstate(over="ignore"):
        np.divide(expected * sizing.volatility_target, scale, out=weight, where=known)
    return np.clip(weight, -sizing.leverage_cap, sizing.leverage_cap)


def _trailing_mean(values: Floats, rows: int) -> Floats:
    """Return the mean of the last `rows` values up to and with each (n,), of all where there are fewer.

    Each window is summed by itself, from its oldest value on: a running sum would carry the rounding of
    values that have left it, and a row would know, in its last bits, where the rows began.
    """
    total, count = np.zeros_like(values), np.minimum(np.arange(1, values.size + 1), rows)
    for lag in range(min(rows, values.size) - 1, -1, -1):
        total[lag:] += values[: values.size - lag]
    return total / count


def _last_that_counts(wanted: Floats, counts: NDArray[np.bool_]) -> Floats:
    """Return the wanted weight of the last row, up to and with each row, whose forecast counts."""
    last = np.maximum.accumulate(np.where(counts, np.arange(wanted.size), -1))
    return np.where(last >= 0, wanted[last], 0.0)


def trailing_volatility(returns: Floats, halflife: float = 21.0) -> Floats:
    """Return the daily volatility of an asset as known at each close (n,).

    The root of the exponentially weighted mean of squared returns up to and including row t, with weights
    that sum to 1 from the first row on (RiskMetrics 1996, without its start value). The mean return is taken
    as 0: over a day it is small beside the deviation.

    Parameters
    ----------
    returns : array (n,)
        Close-to-close simple returns, row t known at the close of t. Missing ones (NaN, such as the first
        day's) carry no weight.
    halflife : float
        Rows until a return counts half.

    Returns
    -------
    array (n,)
        NaN before the first known return.

    >>> trailing_volatility(np.array([np.nan, 0.01, -0.01]))
    array([ nan, 0.01, 0.01])
    """
    if not (math.isfinite(halflife) and halflife > 0):
        raise SettingError(f"halflife must be a finite number of rows above 0, got {halflife}")
    decay = 0.5 ** (1.0 / halflife)
    squares = weights = 0.0
    volatility = np.full(len(returns), np.nan)
    for row, value in enumerate(np.asarray(returns, dtype=np.float64).tolist()):
        known = not math.isnan(value)
        squares = decay * squares + (value * value if known else 0.0)
        weights = decay * weights + known
        if weights > 0:
            volatility[row] = math.sqrt(squares / weights)
    return volatility


def _finite(name: str, values: Floats) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"weights: {name} must be one number a row, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise DataError(f"weights: {name} is not finite in row {int(np.argmin(np.isfinite(array)))}")
    return array
