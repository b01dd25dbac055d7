"""Many symbols on one calendar whose true cross-section is known: one factor, and a signal of known strength.

Every symbol has its own beta, volatility, GARCH(1,1) variance and Student t innovations; all share a factor
of the same kind. The signal ranks symbols within a day and adds nothing to the day's mean. Bars are made as
in `synthetic`, days are weekdays from 1990-01-01. A seed gives the same bits every time, and more days change
no earlier one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import PRICES, require
from geiger.errors import SettingError
from geiger.market.synthetic import (
    DAYS_PER_YEAR,
    FIRST_PRICE,
    FIRST_VOLUME,
    GAP_SHARE,
    VOLUME_SPREAD,
    bar_reach,
    weekdays,
)
from geiger.seeds import generator

Floats = npt.NDArray[np.float64]
RawSignal = Callable[[pl.DataFrame], Floats]

FIRST_DAY = date(1990, 1, 1)  # so that thirty years lie behind us
DRIFT = 0.08  # of the factor, log return a year
FACTOR_VOLATILITY = 0.16  # a year
BETA_SPREAD = 0.3  # standard deviation of betas about 1, between symbols
OWN_VOLATILITY = 0.24  # a year, of the median symbol, beside the factor
OWN_SPREAD = 0.35  # standard deviation of its logarithm between symbols
NU, ALPHA, BETA = 5.0, 0.08, 0.90
STANDARD_ROWS = 252  # rows of its past from which a symbol's raw signal is standardised
SIGNAL_CAP = 3.0
ROUNDS = 20  # of planting; each makes what is planted right for later days, see the notes of `planted_panel`


@dataclass(frozen=True, eq=False)
class PlantedPanel:
    """A panel with a planted signal; D days, N symbols.

    Attributes
    ----------
    prices : mapping of str to PRICES frame, D rows each
    signal : (D, N) float64
        What ranks the symbols: mean 0 on each day, mean square about 1; 0 while there is too little past.
    selection : (D, N) float64
        Expected log return of the target of row t beyond the day's common part: root of R^2 x the symbol's
        own volatility of day t + 1 x signal. The ranking that nobody can beat is that of this.
    own_volatility : (D, N) float64
        Daily, beside the factor, of the day on which the signal of row t is earned.
    beta : (N,) float64
    """

    prices: dict[str, pl.DataFrame]
    signal: Floats
    selection: Floats
    own_volatility: Floats
    beta: Floats


def planted_panel(
    symbols: int, days: int, seed: int, r2: float = 0.0, raw: RawSignal | None = None
) -> PlantedPanel:
    """Return symbols that share a factor, with a signal of the given R^2 in the cross-section.

    r_i = beta_i m + s_i (rho x_i + sqrt(1 - rho^2) z_i), rho = sqrt(r2); the predictable part of row t comes
    between open and close of t + 1, so that whoever buys at that open earns all of it.

    Parameters
    ----------
    symbols, days : int
    seed : int
    r2 : float
        Share of the variance of the symbols' own returns, beside the factor, that the signal explains.
    raw : callable, optional
        A PRICES frame -> a number a row, made of rows up to it alone; not a number where it has none yet.
        Each symbol's is standardised over its past (252 rows at least), cut at 3, freed of the mean of the
        day, and brought to mean square 1 over all days so far. None: no signal.

    Returns
    -------
    PlantedPanel

    Notes
    -----
    What is planted moves prices, from which later signals are made. So signals are computed and planted in 20
    rounds, each from the bars of the one before. `selection` is exactly what the bars hold. That `signal` is
    that of the bars handed out as well was measured at R^2 0.5%: but for 1e-11 where it is made of one bar,
    1e-6 of returns over 21 days, 2e-5 of returns over 231.
    """
    if min(symbols, days) < 1:
        raise SettingError(f"a panel has at least 1 symbol and 1 day, got {symbols} and {days}")
    if not 0.0 <= r2 < 1.0:
        raise SettingError(f"r2 must be at least 0 and below 1, got {r2}")
    rho = math.sqrt(r2) if raw is not None else 0.0
    shocks = _draw(symbols, days, seed)
    own = shocks.volatility
    names = [f"S{number:04d}" for number in range(symbols)]
    expected = np.zeros((days, symbols))
    signal = np.zeros((days, symbols))
    prices = _prices(names, shocks, math.sqrt(1.0 - rho**2), expected)
    # Of the day on which it is earned; the last row's is that of the day to come.
    ahead = np.vstack([own[1:], shocks.next_volatility])
    for _ in range(ROUNDS if rho else 0):
        signal = cross_section_signal([raw(prices[name]) for name in names])  # type: ignore[misc]
        expected[1:] = rho * own[1:] * signal[:-1]
        prices = _prices(names, shocks, math.sqrt(1.0 - rho**2), expected)
    return PlantedPanel(prices, signal, rho * ahead * signal, ahead, shocks.beta)


def cross_section_signal(raw: list[Floats]) -> Floats:
    """Return what `planted_panel` makes of raw numbers, one array (D,) a symbol; row t knows rows <= t."""
    standard = np.column_stack([_standardised(one) for one in raw])
    there = np.isfinite(standard)
    several = there.sum(axis=1) > 1
    total = np.where(there, standard, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    beyond = np.where(there & several[:, None], standard - total[:, None], 0.0)
    square, count = np.cumsum((beyond**2).sum(axis=1)), np.cumsum(np.where(several, there.sum(axis=1), 0))
    size = np.sqrt(square / np.maximum(count, 1))
    return beyond / np.where(size > 0.0, size, 1.0)[:, None]


def _standardised(raw: Floats) -> Floats:
    """Return a symbol's numbers in means and deviations of all its rows so far (D,)."""
    known = np.isfinite(raw)
    values = np.where(known, raw, 0.0)
    count = np.cumsum(known)
    mean = np.cumsum(values) / np.maximum(count, 1)
    variance = np.cumsum(values**2) / np.maximum(count, 1) - mean**2
    ready = known & (count >= STANDARD_ROWS) & (variance > 0.0)
    z = (values - mean) / np.sqrt(np.where(ready, variance, 1.0))
    return np.where(ready, np.clip(z, -SIGNAL_CAP, SIGNAL_CAP), np.nan)


@dataclass(frozen=True, eq=False)
class _Shocks:
    """Everything random about a panel, and what follows from it alone; (D, N) each unless said."""

    beta: Floats  # (N,)
    volatility: Floats  # own, daily
    next_volatility: Floats  # (N,) of the day behind the last
    factor_gap: Floats  # (D,) log return of the factor between the last close and the open
    factor_session: Floats  # (D,)
    gap: Floats  # innovations, units of the own volatility
    session: Floats
    deviation: Floats  # of the day's whole return, by which bars reach beyond open and close
    high: Floats
    low: Floats
    volume: Floats


def _draw(symbols: int, days: int, seed: int) -> _Shocks:
    of_symbols = generator(seed, "panel", "symbols")
    beta = 1.0 + BETA_SPREAD * of_symbols.standard_normal(symbols)
    level = OWN_VOLATILITY * np.exp(OWN_SPREAD * of_symbols.standard_normal(symbols))
    gap, session = _innovations(seed, "own", days, symbols)
    factor_gap, factor_session = _innovations(seed, "factor", days, 1)
    volatility, following = _volatility((gap + session) ** 2, level**2 / DAYS_PER_YEAR)
    of_factor, _ = _volatility(
        (factor_gap + factor_session) ** 2, np.array([FACTOR_VOLATILITY**2 / DAYS_PER_YEAR])
    )
    mean = DRIFT / DAYS_PER_YEAR
    high, low = (1.0 - generator(seed, "panel", side).random((days, symbols)) for side in ("high", "low"))
    return _Shocks(
        beta=beta,
        volatility=volatility,
        next_volatility=following,
        factor_gap=(GAP_SHARE * mean + of_factor * factor_gap)[:, 0],
        factor_session=((1.0 - GAP_SHARE) * mean + of_factor * factor_session)[:, 0],
        gap=gap,
        session=session,
        deviation=np.sqrt(volatility**2 + (beta * of_factor) ** 2),
        high=high,
        low=low,
        volume=generator(seed, "panel", "volume").standard_normal((days, symbols)),
    )


def _innovations(seed: int, name: str, days: int, columns: int) -> tuple[Floats, Floats]:
    """Return gap and session (D, columns): together Student t, variance 1; neither tells the other's sign.

    Each has a generator of its own: more days take up where fewer ended.
    """
    chi = generator(seed, "panel", name, "tails").chisquare(NU, (days, columns))
    heavy = np.sqrt((NU - 2.0) / chi)
    gap, session = (
        generator(seed, "panel", name, part).standard_normal((days, columns)) for part in ("gap", "session")
    )
    return heavy * math.sqrt(GAP_SHARE) * gap, heavy * math.sqrt(1.0 - GAP_SHARE) * session


def _volatility(shocks: Floats, long_run: Floats) -> tuple[Floats, Floats]:
    """Return the GARCH volatility of each day (D, columns), and of the day behind the last (columns,)."""
    found = np.empty_like(shocks)
    variance = long_run.copy()
    for day, shock in enumerate(shocks):
        found[day] = variance
        variance = long_run * (1.0 - ALPHA - BETA) + variance * (ALPHA * shock + BETA)
    return np.sqrt(found), np.sqrt(variance)


def _prices(names: list[str], shocks: _Shocks, noise: float, expected: Floats) -> dict[str, pl.DataFrame]:
    in_gap = shocks.beta * shocks.factor_gap[:, None] + noise * shocks.volatility * shocks.gap
    in_session = (
        shocks.beta * shocks.factor_session[:, None] + noise * shocks.volatility * shocks.session + expected
    )
    log_close = math.log(FIRST_PRICE) + np.cumsum(in_gap + in_session, axis=0)
    log_open = log_close - in_session
    above, below = (bar_reach(in_session, shocks.deviation, uniform) for uniform in (shocks.high, shocks.low))
    middle = (log_open + log_close) / 2.0
    opened, closed = np.exp(log_open), np.exp(log_close)
    high = np.maximum(np.exp(middle + above), np.maximum(opened, closed))
    low = np.minimum(np.exp(middle - below), np.minimum(opened, closed))
    volume = FIRST_VOLUME * np.exp(VOLUME_SPREAD * shocks.volume)
    calendar = weekdays(len(closed), FIRST_DAY)
    return {
        name: require(
            pl.DataFrame(
                {
                    "day": calendar,
                    "open": opened[:, column],
                    "high": high[:, column],
                    "low": low[:, column],
                    "close": closed[:, column],
                    "raw_close": closed[:, column],
                    "volume": volume[:, column],
                }
            ),
            PRICES,
        )
        for column, name in enumerate(names)
    }
