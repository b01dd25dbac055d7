"""Markets in which no forecast knows anything, each with something that could fool a test; plain forecasts.

A path is daily log returns; a decision at the close of a day is filled there, or at an open after it. Given
the past, the mean of every return is the drift of its family and nothing else, but in the drift regimes,
where the mean changes and its own past tells something about it: there a rejection need not be false.

Volatility is 18% and drift 8% a year where nothing else is said. Randomness is handed in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from geiger.market.sources import embedded_symbols, load_prices

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

YEAR = 252
DRIFT, VOL = 0.08, 0.18  # a year
NU = 5.0
ALPHA, BETA = 0.08, 0.90
LEVERAGE = 0.12  # a fall's weight above that of a rise, in GJR; alpha is .02 there
WARM = 250  # days before a path begins, so that its first variance is not always the same
STALE = 0.3  # share of opens that repeat the last close
BLOCK = 21  # mean days of a block of real returns
LAG = (1, 5, 20, 60, 252)  # days, whose returns the ridge forecast learns from
_HANSEN = (  # 4 c (nu - 2) / (nu - 1), c of his density
    4.0
    * math.gamma((NU + 1.0) / 2.0)
    / (math.sqrt(math.pi * (NU - 2.0)) * math.gamma(NU / 2.0))
    * (NU - 2.0)
    / (NU - 1.0)
)


@dataclass(frozen=True)
class Path:
    """One market.

    Attributes
    ----------
    returns : array (N,)
        Daily log returns, each known at its close.
    paid : array (N + delay,)
        Log price at which a decision at the close of row t is filled: entry t + delay.
    delay : int
        0 where that is the close itself, 1 where it is the next open.
    """

    returns: Floats
    paid: Floats
    delay: int = 0

    def outcome(self, horizon: int) -> tuple[Floats, Rows]:
        """Return what each row's decision earns over `horizon` days (N,), and the row when it is known."""
        n = self.returns.size
        rows = np.arange(n)
        end = rows + self.delay + horizon
        inside = end < self.paid.size
        outcome = np.full(n, np.nan)
        outcome[inside] = self.paid[end[inside]] - self.paid[rows[inside] + self.delay]
        return outcome, end


@dataclass(frozen=True)
class Family:
    """A kind of market: its name, what it is, and how one path of n days is made."""

    name: str
    what: str
    make: Callable[[int, np.random.Generator], Path]

    @property
    def null(self) -> bool:
        """Whether nothing can be known of the next return: a rejection is false."""
        return "regime" not in self.name


def garch(
    shocks: Floats | Callable[[float], float], n: int, *, drift: Floats | float = DRIFT, leverage: float = 0.0
) -> Floats:
    """Return n log returns mu + sqrt(h) z, h of GARCH(1,1), or of GJR where `leverage` is above 0.

    Parameters
    ----------
    shocks : array (WARM + n,) or callable
        z, of mean 0 and variance 1; or what makes z of h over its long-run mean.
    drift : float or array (WARM + n,)
        Mean log return a year.
    """
    mean = np.broadcast_to(np.asarray(drift, dtype=np.float64) / YEAR, (WARM + n,))
    long_run = VOL**2 / YEAR
    alpha = ALPHA - leverage / 2.0  # a symmetric z gives both the same persistence
    h, found = long_run, np.empty(WARM + n)
    for t in range(WARM + n):
        z = shocks(h / long_run) if callable(shocks) else float(shocks[t])
        e = math.sqrt(h) * z
        found[t] = e
        weight = alpha + leverage * (e < 0.0)
        h = long_run * (1.0 - ALPHA - BETA) + weight * e * e + BETA * h
    return np.asarray((found + mean)[WARM:])


def student(rng: np.random.Generator, n: int) -> Floats:
    """Return n Student t innovations of variance 1."""
    return rng.standard_t(NU, n) * math.sqrt((NU - 2.0) / NU)


def skewed(t: float, high: float, skew: float) -> float:
    """Return an innovation of mean 0 and variance 1 with Hansen's (1994) skew, -1 to 1.

    Parameters
    ----------
    t : float
        Student t innovation of variance 1.
    high : float
        Uniform in [0, 1): chooses the side.
    """
    a = skew * _HANSEN
    b = math.sqrt(1.0 + 3.0 * skew * skew - a * a)
    side = 1.0 + skew if high < (1.0 + skew) / 2.0 else skew - 1.0
    return (side * abs(t) - a) / b


def _skewed_student(rng: np.random.Generator, n: int, skew: float = -0.15) -> Floats:
    pairs = zip(student(rng, n).tolist(), rng.random(n).tolist(), strict=True)
    return np.array([skewed(t, high, skew) for t, high in pairs])


def at_close(returns: Floats) -> Path:
    """Return the path that is filled at the close."""
    return Path(returns, np.cumsum(returns))


def _plain(n: int, rng: np.random.Generator) -> Path:
    return at_close(garch(student(rng, WARM + n), n))


def _steady_drift(n: int, rng: np.random.Generator) -> Path:
    return at_close(garch(student(rng, WARM + n), n, drift=0.25))


def _gjr(n: int, rng: np.random.Generator) -> Path:
    return at_close(garch(student(rng, WARM + n), n, leverage=LEVERAGE))


def _jumps(n: int, rng: np.random.Generator) -> Path:
    jump = (rng.random(n) < 0.01) * rng.normal(-0.02, 0.04, n)
    return at_close(garch(student(rng, WARM + n), n) + jump + 0.01 * 0.02)


def _stochastic(n: int, rng: np.random.Generator) -> Path:
    """Return a path whose log variance is an AR(1) of .97 a day that rises after falls."""
    z, w = rng.standard_normal((2, WARM + n))
    level, logs = 0.0, np.empty(WARM + n)
    for t in range(WARM + n):
        logs[t] = level
        level = 0.97 * level + 0.24 * (-0.5 * z[t] + math.sqrt(0.75) * w[t])
    deviation = np.exp(0.5 * (logs - 0.24**2 / (1.0 - 0.97**2) / 2.0)) * VOL / math.sqrt(YEAR)
    return at_close((deviation * z)[WARM:] + DRIFT / YEAR)


def _skew(n: int, rng: np.random.Generator) -> Path:
    return at_close(garch(_skewed_student(rng, WARM + n), n))


def _skew_and_leverage(n: int, rng: np.random.Generator) -> Path:
    return at_close(garch(_skewed_student(rng, WARM + n), n, leverage=LEVERAGE))


def _skew_of(sign: float) -> Callable[[int, np.random.Generator], Path]:
    def make(n: int, rng: np.random.Generator) -> Path:
        t, high = student(rng, WARM + n).tolist(), rng.random(WARM + n).tolist()
        days = iter(zip(t, high, strict=True))

        def shock(variance: float) -> float:
            value, side = next(days)
            return skewed(value, side, sign * 0.4 * math.tanh(math.log(variance)))

        return at_close(garch(shock, n))

    return make


def _stale_opens(n: int, rng: np.random.Generator) -> Path:
    """Return a path with a quarter of a day's variance before its open, or none: the last close again."""
    returns = garch(student(rng, WARM + n + 1), n + 1)
    gap = 0.25 * returns + math.sqrt(0.1875) * np.abs(returns) * rng.choice((-1.0, 1.0), n + 1)
    close = np.cumsum(returns)
    opened = close - returns + np.where(rng.random(n + 1) < STALE, 0.0, gap)
    return Path(returns[:n], opened, 1)


def _regimes(up: float, down: float, days: float) -> Callable[[int, np.random.Generator], Path]:
    def make(n: int, rng: np.random.Generator) -> Path:
        turns = np.cumsum(rng.random(WARM + n) < 1.0 / days) + rng.integers(2)
        return at_close(garch(student(rng, WARM + n), n, drift=np.where(turns % 2, up, down)))

    return make


@cache
def _real_innovations() -> Floats:
    """Return all embedded returns over the volatility known before, of mean 0 and variance 1."""
    found = []
    for returns in _real_returns():
        variance = float(np.mean(returns[:60] ** 2))
        for value in returns[60:].tolist():
            found.append(value / math.sqrt(variance))
            variance = max(0.94 * variance + 0.06 * value * value, 1e-8)
    z = np.array(found)
    return np.asarray((z - z.mean()) / z.std())


@cache
def _real_returns() -> tuple[Floats, ...]:
    """Return daily log returns of the embedded series, without the volatility index."""
    names = [name for name in embedded_symbols() if "VIX" not in name]
    closes = (load_prices(name)["close"].to_numpy() for name in names)
    return tuple(np.diff(np.log(close)) for close in closes)


def _real_shocks(n: int, rng: np.random.Generator) -> Path:
    return at_close(garch(rng.choice(_real_innovations(), WARM + n), n))


def _real_blocks(n: int, rng: np.random.Generator) -> Path:
    """Return a stationary bootstrap (Politis & Romano 1994) of one symbol's returns."""
    series = _real_returns()
    returns = series[rng.integers(len(series))]
    begins = rng.random(n) < 1.0 / BLOCK
    begins[0] = True
    starts = np.flatnonzero(begins)
    begun = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
    first = rng.integers(0, returns.size, starts.size)[np.cumsum(begins) - 1]
    return at_close(returns[(first + np.arange(n) - begun) % returns.size])


FAMILIES: tuple[Family, ...] = (
    Family("GARCH-t", "GARCH(1,1), alpha .08, beta .90, Student t with 5 degrees of freedom", _plain),
    Family("steady drift", "the same with 25% a year", _steady_drift),
    Family("GJR", "a fall weighs .14 in the variance, a rise .02", _gjr),
    Family("jumps", "GARCH-t and on 1% of days a jump of -2% +- 4% in the mean of jumps", _jumps),
    Family("stochastic volatility", "log variance AR(1) .97 that rises after falls", _stochastic),
    Family(
        "stale opens", "filled at the next open, three in ten of which repeat the last close", _stale_opens
    ),
    Family("skew", "Hansen's skewed t, lambda -.15", _skew),
    Family("skew and leverage", "the same with the variance of GJR", _skew_and_leverage),
    Family("skew falls with volatility", "lambda -.4 tanh(log h): mean 0 on every day", _skew_of(-1.0)),
    Family("skew rises with volatility", "lambda +.4 tanh(log h)", _skew_of(1.0)),
    Family(
        "real shocks",
        "real returns over their volatility, drawn one by one, in a GARCH variance",
        _real_shocks,
    ),
    Family(
        "real blocks",
        "real returns in blocks of 21 days in the mean: what they know of each other stays",
        _real_blocks,
    ),
    Family(
        "regimes",
        "drift +25% or -15% a year, for 250 days in the mean, then the other",
        _regimes(0.25, -0.15, 250),
    ),
    Family("long regimes", "the same for 1000 days", _regimes(0.25, -0.15, 1000)),
)


def plain_forecasts(path: Path, rng: np.random.Generator, horizon: int = 1) -> dict[str, Floats]:
    """Return forecasts (N,) of each name; row t knows returns up to t, and outcomes known at it.

    Units differ: no test may depend on them. Rows without enough past hold a number that is not one.
    """
    r = path.returns
    n = r.size
    noise = rng.standard_normal(n)
    slow = _smoothed(rng.standard_normal(n), 0.97)
    square = _smoothed(r**2, 0.94)
    month, year = trailing_mean(r, 20), trailing_mean(r, YEAR)
    return {
        "noise": noise,
        "persistent noise": slow,
        "persistent noise x volatility": slow * np.sqrt(square),
        "trend, 20 days": month,
        "trend, 252 days": year,
        "reversal, 1 day": -r,
        "reversal, 5 days": -trailing_mean(r, 5),
        "reversal, 252 days": -year,
        "volatility": np.sqrt(square),
        "minus volatility": -np.sqrt(square),
        "mean so far": np.cumsum(r) / np.arange(1, n + 1),
        "ridge on past returns": ridge_forecast(path, horizon),
    }


def trailing_mean(values: Floats, days: int) -> Floats:
    """Return the mean of the last `days` values of each row (N,); not a number on the first ones.

    Only the first values may be missing.
    """
    first = int(np.isnan(values).sum())
    total = np.concatenate(([0.0], np.cumsum(values[first:])))
    found = np.full(values.size, np.nan)
    found[first + days - 1 :] = (total[days:] - total[:-days]) / days
    return found


def ridge_forecast(path: Path, horizon: int = 1, penalty: float = 0.05, refit: int = YEAR) -> Floats:
    """Return forecasts (N,) of a ridge on past returns and volatility, fitted anew each year on the past."""
    r = path.returns
    x = np.column_stack(
        [trailing_mean(r, days) * math.sqrt(days) for days in LAG] + [np.sqrt(_smoothed(r**2, 0.94))]
    )
    y, known = path.outcome(horizon)
    full = np.isfinite(x).all(axis=1)
    found = np.full(r.size, np.nan)
    for begin in range(2 * YEAR, r.size, refit):
        rows = full & (known <= begin)
        mean, spread = x[rows].mean(axis=0), x[rows].std(axis=0)
        z = (x - mean) / spread
        gram = z[rows].T @ z[rows] / rows.sum() + penalty * np.eye(z.shape[1])
        weights = np.linalg.solve(gram, z[rows].T @ (y[rows] - y[rows].mean()) / rows.sum())
        found[begin : begin + refit] = y[rows].mean() + z[begin : begin + refit] @ weights
    return found


def _autoregressive(shocks: Floats, memory: float) -> Floats:
    """Return x_t = memory x_{t-1} + sqrt(1 - memory^2) e_t, of variance 1."""
    level, found = float(shocks[0]), []
    for shock in shocks.tolist():
        level = memory * level + math.sqrt(1.0 - memory * memory) * shock
        found.append(level)
    return np.array(found)


def _smoothed(values: Floats, decay: float) -> Floats:
    """Return the exponential mean of each row (N,), begun with the first 60 values' mean."""
    level, found = float(values[:60].mean()), []
    for value in values.tolist():
        level = decay * level + (1.0 - decay) * value
        found.append(level)
    return np.array(found)


SIZES: Sequence[str] = ("constant", "with the volatility")


def planted(
    n: int, rng: np.random.Generator, r2: float, *, scaled: bool, by_path: bool = False, memory: float = 0.0
) -> tuple[Path, Floats]:
    """Return a GARCH-t market with a signal, and the forecast (N,) that nobody can beat.

    r_{t+1} = mu + m_t + sqrt(h_{t+1}) sqrt(1 - R^2) z, x_t standard normal with autocorrelation `memory` and
    independent of all z, and m_t either
    sqrt(h_{t+1}) sqrt(R^2) x_t (`scaled`) or of one size, sqrt(R^2) x_t times the long-run deviation
    (`by_path`: times the deviation of this very path, so that R^2 holds in it).
    """
    shocks = student(rng, WARM + n)
    x = _autoregressive(rng.standard_normal(n), memory)
    rest = garch(shocks, n, drift=0.0)
    deviation: Floats | float
    if scaled:
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.abs(rest / shocks[WARM:])
    else:
        deviation = float(rest.std()) if by_path else VOL / math.sqrt(YEAR)
    mean = math.sqrt(r2) * deviation * x
    returns = DRIFT / YEAR + mean + math.sqrt(1.0 - r2) * rest
    # row t knows the mean of the next return
    return at_close(returns), np.append(mean[1:], np.nan) + DRIFT / YEAR
