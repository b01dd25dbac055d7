"""Forecasts become positions: row t is decided from rows up to t, and nothing later.

Three rules, all with the same threshold against cost. A trade is worth its cost only if the position it
buys earns more than it costs while it is held, so yesterday's weight stays unless

    |expected_t| x holding_days >= cost of one unit of turnover.

Before the first decision the weight is 0. With `cost_bps` 0 there is no threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geiger.backtest.costs import BASIS_POINT
from geiger.columns import WEIGHTS, require
from geiger.errors import DataError, SettingError

Floats = NDArray[np.float64]
Rule = Literal["sign", "long_flat", "proportional"]
RULES: tuple[Rule, ...] = ("sign", "long_flat", "proportional")


@dataclass(frozen=True)
class Sizing:
    """How a forecast becomes a weight.

    Attributes
    ----------
    rule : {"sign", "long_flat", "proportional"}
        ``sign`` holds +1 or -1; a forecast of exactly 0 is no view, so it asks for no position (and, like
        every forecast below the threshold, moves nothing). ``long_flat`` holds 1 where the forecast is above
        0, else 0. ``proportional`` holds more the larger the forecast is beside the earlier ones and the
        calmer the asset.
    volatility_target : float
        Yearly volatility that a forecast of typical size aims at; ``proportional`` only.
    leverage_cap : float
        Largest absolute weight; ``proportional`` only.
    holding_days : float
        Days over which a change of position must earn its cost.
    cost_bps : float
        Cost of one unit of turnover in basis points, slippage included.
    days_per_year : int
        Trading days in a year: 252 on exchanges, 365 for crypto.
    allow_short : bool
        False turns every negative weight into 0.
    """

    rule: Rule = "proportional"
    volatility_target: float = 0.15
    leverage_cap: float = 1.0
    holding_days: float = 5.0
    cost_bps: float = 5.0
    days_per_year: int = 252
    allow_short: bool = True

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
        """Smallest absolute expected daily return that moves the position."""
        return self.cost_bps * BASIS_POINT / self.holding_days


def weigh(day: pl.Series, expected: Floats, volatility: Floats, sizing: Sizing) -> pl.DataFrame:
    """Return the WEIGHTS frame: one row a decision day, decided from rows up to that day.

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
    return _last_worthwhile(wanted, np.abs(expected) >= sizing.threshold)


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
    """Return forecast / its root mean square so far x target volatility / asset volatility, capped.

    The root mean square includes row t itself, so the unit of the forecasts cancels. Where it or the
    volatility is 0 there is nothing to scale by, and the weight is 0.
    """
    rms = np.sqrt(np.cumsum(np.square(expected)) / np.arange(1, expected.size + 1))
    yearly = volatility * math.sqrt(sizing.days_per_year)
    scale = rms * yearly
    known = scale > 0
    weight = np.zeros_like(expected)
    # A calm asset may overflow to infinity here: the cap is what it should get.
    with np.errstate(over="ignore"):
        np.divide(expected * sizing.volatility_target, scale, out=weight, where=known)
    return np.clip(weight, -sizing.leverage_cap, sizing.leverage_cap)


def _last_worthwhile(wanted: Floats, worth: NDArray[np.bool_]) -> Floats:
    """Return the wanted weight of the last row, up to and with each row, whose trade was worth its cost."""
    last = np.maximum.accumulate(np.where(worth, np.arange(wanted.size), -1))
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
