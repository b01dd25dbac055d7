"""Markets whose true answer is known: one without any signal, one with a signal of known strength.

Log returns have GARCH(1,1) variance and Student t innovations. Each day is a gap (last close to open) and a
session (open to close) whose innovations are uncorrelated given the past, so the gap says nothing of the
session. Days are weekdays from 2000-01-03; a seed gives the same bits every time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import PRICES, require
from geiger.errors import SettingError, did_you_mean
from geiger.seeds import generator

Fill = Literal["next_open", "close"]
Signal = Literal["volume", "reversal", "interaction", "delayed", "memory"]
Floats = npt.NDArray[np.float64]

FIRST_DAY = date(2000, 1, 3)
DAYS_PER_YEAR = 252
FIRST_PRICE = 100.0
FIRST_VOLUME = 1_000_000.0
GAP_SHARE = 0.25  # of a day's variance and drift that falls between the last close and the open
VOLUME_SPREAD = 0.5  # standard deviation of a day's log volume, independent from day to day
VOLUME_DAYS = 20  # the signal `volume` compares with the mean log volume of as many earlier days
REVERSAL_DAYS = 5  # the signal `reversal` is against the return of as many days
REVERSAL_SCALE_DAYS = 60  # in units of the standard deviation of as many daily returns
SIGNAL_CAP = 3.0
BODY_SHARE = 0.42  # of the bar's log range: about the median body with nu 5, whatever the volatility
DELAY_DAYS = 5  # the signals `delayed` and `memory` need the row of as many days ago


@dataclass(frozen=True, eq=False)
class Planted:
    """A market with a planted signal.

    Attributes
    ----------
    prices : PRICES frame, n rows
    signal : array (n,)
        f_t, computed by `planted_signal` from the bars up to t alone; 0 during its warm-up.
    true_mean : array (n,)
        Expected log return of the target of row t given everything up to the close of t, for the fill that
        was planted (``next_open``: for either): the forecast that nobody can beat.
    """

    prices: pl.DataFrame
    signal: Floats
    true_mean: Floats


@dataclass(frozen=True)
class _Shocks:
    """Everything random about a market, drawn before anything is computed."""

    gap: Floats  # (n,) innovation between the last close and the open, in units of the day's deviation
    session: Floats  # (n,) the same, open to close; gap + session is Student t with variance 1
    high: Floats  # (n,) uniform in (0, 1]: how far the day's path went up
    low: Floats
    volume: Floats  # (n,) standard normal


@dataclass(frozen=True)
class _Garch:
    """The settings that both markets share, see `garch_market`."""

    drift: float
    vol: float
    nu: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        if not (
            self.vol > 0 and self.nu > 2 and min(self.alpha, self.beta) >= 0 and self.alpha + self.beta < 1
        ):
            raise SettingError(
                "a market needs vol above 0, nu above 2, alpha and beta not negative with a sum below 1; got "
                f"vol={self.vol}, nu={self.nu}, alpha={self.alpha}, beta={self.beta}"
            )

    @property
    def mean(self) -> float:
        """Log return a day."""
        return self.drift / DAYS_PER_YEAR

    @property
    def variance(self) -> float:
        """Of log returns, a day, in the long run."""
        return self.vol**2 / DAYS_PER_YEAR

    def next_variance(self, variance: float, shock: float) -> float:
        """Return h_{t+1} from h_t and the squared shock of day t in units of h_t."""
        omega = self.variance * (1.0 - self.alpha - self.beta)
        return omega + variance * (self.alpha * shock + self.beta)


def garch_market(
    n: int,
    seed: int,
    *,
    drift: float = 0.08,
    vol: float = 0.18,
    nu: float = 5.0,
    alpha: float = 0.08,
    beta: float = 0.90,
) -> pl.DataFrame:
    """Return a market whose past says nothing about the sign of its next return.

    r_t = mu + e_t, e_t = sqrt(h_t) z_t, h_t = omega + alpha e_{t-1}^2 + beta h_{t-1}, z Student t (nu).

    Parameters
    ----------
    n : int
        Number of days.
    seed : int
    drift : float
        Mean log return a year; mu = drift / 252.
    vol : float
        Standard deviation of log returns a year; omega = vol^2 / 252 (1 - alpha - beta).
    nu : float
        Degrees of freedom, above 2.
    alpha, beta : float
        Weights of the last squared shock and of the last variance.

    Returns
    -------
    PRICES frame, n rows
    """
    return _simulate(n, seed, 0.0, "volume", "next_open", _Garch(drift, vol, nu, alpha, beta)).prices


def planted_market(
    n: int,
    seed: int,
    r2: float,
    *,
    signal: Signal = "volume",
    fill: Fill = "next_open",
    drift: float = 0.08,
    vol: float = 0.18,
    nu: float = 5.0,
    alpha: float = 0.08,
    beta: float = 0.90,
) -> Planted:
    """Return a market whose next return is predictable with the given R^2, and the signal that predicts it.

    r_{t+1} = mu + s_{t+1} (rho f_t + sqrt(1 - rho^2) z_{t+1}), rho = sqrt(r2), s^2 the GARCH variance.

    Parameters
    ----------
    n, seed, drift, vol, nu, alpha, beta
        As in `garch_market`.
    r2 : float
        Share of the variance of the next return that f explains, 0 to below 1.
    signal : {"volume", "reversal", "interaction", "delayed", "memory"}
        f_t, see the notes. Mean 0 and variance 1 but for ``reversal``: exactly so, except that the mean of
        ``interaction`` is 0 only nearly (its mean square is 1).
    fill : {"next_open", "close"}
        Who can earn it. ``next_open``: the predictable part comes between open t+1 and close t+1, so targets
        of either fill contain all of it. ``close``: it comes between close t and open t+1, so a fill at the
        next open is too late for it.

    Returns
    -------
    Planted

    Notes
    -----
    v_t is the log volume of day t against its mean over the 20 days before: exactly standard normal, made
    of volumes alone.

    ===========  ===================================================  =====  =============================
    signal       f_t                                                  line   what it takes
    ===========  ===================================================  =====  =============================
    volume       v_t                                                    99%  a line
    reversal     minus the return of 5 days over its standard           93%  a line
                 deviation (from 60 days), cut at 3; standard
                 deviation about 0.9, so R^2 is a fifth less
    interaction  v_t where the body is above 0.42 of the bar's log     0.6%  two facts of one row, and
                 range (half of the days with nu 5), else -v_t               no line
    delayed      v_{t-5}                                               0.3%  a line over the last 6 rows
    memory       v_t v_{t-5}, brought to mean 0 and variance 1;          0%  the last 6 rows, and no line
                 its fourth moment is 9, a normal one's is 3
    ===========  ===================================================  =====  =============================

    The column "line" is the share of the variance of f_t that least squares on the 154 features of row t
    explains on new data: fitted on 6 markets of 20,000 days, measured on 6 others, all other settings at
    their defaults and r2 at 0.
    """
    if not 0.0 <= r2 < 1.0:
        raise SettingError(f"r2 must be at least 0 and below 1, got {r2}")
    return _simulate(n, seed, math.sqrt(r2), signal, fill, _Garch(drift, vol, nu, alpha, beta))


def planted_signal(prices: pl.DataFrame, signal: Signal = "volume") -> Floats:
    """Return f_t of `planted_market` from a PRICES frame; row t uses bars up to t only.

    The first rows, which lack history, have 0.
    """
    log_open, log_high, log_low, log_close, log_volume = (
        np.log(prices[name].to_numpy()) for name in ("open", "high", "low", "close", "volume")
    )
    if signal == "reversal":
        rows = range(REVERSAL_SCALE_DAYS, len(log_close))
        found = np.zeros(len(log_close))
        found[REVERSAL_SCALE_DAYS:] = [_reversal_signal(log_close[: t + 1]) for t in rows]
        return found
    by_volume = _volume_part(log_volume, signal)
    if signal == "interaction":
        return by_volume * _body_side(log_close - log_open, log_high - log_low)
    return by_volume


def _simulate(n: int, seed: int, rho: float, signal: Signal, fill: Fill, garch: _Garch) -> Planted:
    if n < 1:
        raise SettingError(f"a market has at least 1 day, got {n}")
    shocks = _draw(n, seed, garch.nu)
    log_volume = math.log(FIRST_VOLUME) + VOLUME_SPREAD * shocks.volume
    by_volume = _volume_part(log_volume, signal)
    log_open, log_close, deviation, true_mean = (np.empty(n) for _ in range(4))
    last, h, expected, noise = math.log(FIRST_PRICE), garch.variance, 0.0, math.sqrt(1.0 - rho**2)
    for t in range(n):
        s = math.sqrt(h)
        in_gap, in_session = (expected, 0.0) if fill == "close" else (0.0, expected)
        log_open[t] = last + GAP_SHARE * garch.mean + in_gap + s * noise * shocks.gap[t]
        log_close[t] = (
            log_open[t] + (1.0 - GAP_SHARE) * garch.mean + in_session + s * noise * shocks.session[t]
        )
        last, deviation[t] = log_close[t], s
        h = garch.next_variance(h, (shocks.gap[t] + shocks.session[t]) ** 2)
        f = _reversal_signal(log_close[: t + 1]) if signal == "reversal" else by_volume[t]
        if signal == "interaction":
            body = log_close[t] - log_open[t]
            log_range = bar_reach(body, s, shocks.high[t]) + bar_reach(body, s, shocks.low[t])
            f *= _body_side(body, log_range)
        expected = rho * math.sqrt(h) * f
        true_mean[t] = garch.mean + expected
    prices = _bars(log_open, log_close, deviation, log_volume, shocks)
    return Planted(prices, planted_signal(prices, signal), true_mean)


def _draw(n: int, seed: int, nu: float) -> _Shocks:
    """Draw gap and session with one chi-square a day: Student t together; neither tells the other's sign."""
    rng = generator(seed, "market")
    heavy = np.sqrt((nu - 2.0) / rng.chisquare(nu, n))
    gap, session, volume = rng.standard_normal((3, n))
    high, low = 1.0 - rng.random((2, n))
    return _Shocks(
        gap=heavy * math.sqrt(GAP_SHARE) * gap,
        session=heavy * math.sqrt(1.0 - GAP_SHARE) * session,
        high=high,
        low=low,
        volume=volume,
    )


def _volume_part(log_volume: Floats, signal: Signal) -> Floats:
    """Return what the volumes contribute to f: all of it, but for the side that `interaction` takes."""
    if signal not in get_args(Signal):
        raise SettingError(f"no signal {signal!r}: {did_you_mean(signal, get_args(Signal))}")
    surprise = _volume_signal(log_volume)
    if signal not in ("delayed", "memory"):
        return surprise
    earlier = np.zeros(len(surprise))
    earlier[DELAY_DAYS:] = surprise[:-DELAY_DAYS]
    if signal == "delayed":
        return earlier
    # Two standard normals with correlation c: their product has mean c and variance 1 + c^2.
    shared = -DELAY_DAYS / (VOLUME_DAYS * (VOLUME_DAYS + 1))
    found = (surprise * earlier - shared) / math.sqrt(1.0 + shared**2)
    found[: VOLUME_DAYS + DELAY_DAYS] = 0.0
    return found


def _volume_signal(log_volume: Floats) -> Floats:
    found = np.zeros(len(log_volume))
    if len(log_volume) > VOLUME_DAYS:
        before = np.lib.stride_tricks.sliding_window_view(log_volume[:-1], VOLUME_DAYS).mean(axis=1)
        deviation = VOLUME_SPREAD * math.sqrt(1.0 + 1.0 / VOLUME_DAYS)
        found[VOLUME_DAYS:] = (log_volume[VOLUME_DAYS:] - before) / deviation
    return found


def _reversal_signal(log_close: Floats) -> float:
    """Return f of the last day of `log_close`; 0 where the history is too short."""
    recent = log_close[-REVERSAL_SCALE_DAYS - 1 :]
    if len(recent) <= REVERSAL_SCALE_DAYS:
        return 0.0
    deviation = float(np.diff(recent).std()) * math.sqrt(REVERSAL_DAYS)
    move = float(recent[-1] - recent[-1 - REVERSAL_DAYS])
    return max(-SIGNAL_CAP, min(SIGNAL_CAP, -move / deviation))


def _body_side(body: Floats, log_range: Floats) -> Floats:
    """Return 1 where the log body takes more than `BODY_SHARE` of the log range, else -1."""
    return np.where(np.abs(body) > BODY_SHARE * log_range, 1.0, -1.0)


def bar_reach(body: Floats, deviation: Floats | float, uniform: Floats) -> Floats:
    """Return how far a Brownian path from open to close goes above, or below, their middle (log prices).

    Parameters
    ----------
    body : float array
        Log close less log open.
    deviation : float array
        Of the day's log return, gap and session.
    uniform : float array
        In (0, 1]: how far the path went.
    """
    variance = (1.0 - GAP_SHARE) * deviation**2
    return np.asarray(np.sqrt(body**2 - 2.0 * variance * np.log(uniform)) / 2.0)


def _bars(
    log_open: Floats, log_close: Floats, deviation: Floats, log_volume: Floats, shocks: _Shocks
) -> pl.DataFrame:
    """Return PRICES; high and low are those of a Brownian path from open to close."""
    opened, closed = np.exp(log_open), np.exp(log_close)
    middle, body = (log_open + log_close) / 2.0, log_close - log_open
    above, below = (bar_reach(body, deviation, uniform) for uniform in (shocks.high, shocks.low))
    frame = pl.DataFrame(
        {
            "day": weekdays(len(opened)),
            "open": opened,
            "high": np.maximum(np.exp(middle + above), np.maximum(opened, closed)),  # but for rounding
            "low": np.minimum(np.exp(middle - below), np.minimum(opened, closed)),
            "close": closed,
            "raw_close": closed,
            "volume": np.exp(log_volume),
        }
    )
    return require(frame, PRICES)


def weekdays(n: int, first: date = FIRST_DAY) -> pl.Series:
    """Return `n` weekdays from `first` on, which is one."""
    days = np.busday_offset(np.datetime64(first, "D"), np.arange(n))
    return pl.Series(days.astype("datetime64[D]"), dtype=pl.Date)
