"""Famous ways to find skill where there is none, each beside the honest way, on markets without any signal.

Nothing in these markets can be forecast: whatever skill a function here returns as `wrong` is its mistake.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import polars as pl

from geiger import metrics
from geiger.backtest.figures import sharpe
from geiger.features.catalogue import WARMUP, feature_matrix
from geiger.learning.target import Fill, make_target
from geiger.learning.windows import Floats
from geiger.market.synthetic import DAYS_PER_YEAR, garch_market
from geiger.seeds import generator

TRAIN_SHARE = 0.7
# Low-pass filter of the wavelet db4 (Daubechies 1988): eight taps, orthonormal to its own even shifts.
DB4 = np.array(
    [
        -0.010597401785069032,
        0.0328830116668852,
        0.030841381835560764,
        -0.18703481171909309,
        -0.027983769416859854,
        0.6308807679298589,
        0.7148465705529157,
        0.23037781330889653,
    ]
)
PAD = 100  # rows that the edges are prolonged by before the transform
CAUSAL_ROWS = 256  # of the window that a causal transform may see
LAGS = 20
STEP = 0.05  # of the descent: large, so that no two epochs are alike


@dataclass(frozen=True)
class Figures:
    """What forecasts of test days seem to be worth: their direction taken, nothing paid."""

    accuracy: float
    sharpe: float
    correlation: float
    wealth: Floats  # (days,) growth of 1


@dataclass(frozen=True)
class Shown:
    """One exhibit on one market: computed the wrong way, and the right way on the same days."""

    wrong: Figures
    right: Figures


@dataclass(frozen=True)
class Noise:
    """A market without signal, and what a decision at each close can still earn."""

    prices: pl.DataFrame
    close: Floats  # log
    simple: Floats  # (n,) not a number where it is not known yet
    log: Floats

    @classmethod
    def of(cls, rows: int, seed: int, fill: Fill = "next_open") -> Noise:
        """Return a market without drift: half of its days rise."""
        prices = garch_market(rows, seed=seed, drift=0.0)
        target = make_target(prices, fill)
        return cls(
            prices,
            np.log(prices["close"].to_numpy()),
            target["simple"].fill_null(np.nan).to_numpy(),
            target["value"].fill_null(np.nan).to_numpy(),
        )

    @property
    def split(self) -> int:
        """First test row."""
        return int(TRAIN_SHARE * len(self.close))

    def judged(self, forecast: Floats, first: int | None = None) -> Figures:
        """Return the figures of forecasts (n,) on the rows from the first test row on."""
        first = self.split if first is None else first
        rows = first + np.flatnonzero(np.isfinite(self.simple[first:]) & np.isfinite(forecast[first:]))
        return traded(np.sign(forecast[rows]), self.simple[rows], forecast[rows])


def traded(side: Floats, simple: Floats, forecast: Floats | None = None) -> Figures:
    """Return the figures of positions (m,), from -1 to 1, on days that returned `simple` (m,)."""
    net, out = side * simple, side != 0.0
    told = side if forecast is None else forecast
    return Figures(
        accuracy=metrics.direction_accuracy(side[out], simple[out]) or 0.0,
        sharpe=sharpe(net, DAYS_PER_YEAR) or 0.0,
        correlation=metrics.correlation(told, simple) or 0.0,
        wealth=np.asarray(np.cumprod(1.0 + net), np.float64),
    )


def denoised(series: Floats) -> Floats:
    """Return rows (..., n) without the finest detail of a db4 wavelet transform of all of them at once."""
    pad = [(0, 0)] * (series.ndim - 1) + [(PAD, PAD + series.shape[-1] % 2)]
    long = np.pad(series, pad, mode="edge")
    coarse = sum(tap * np.roll(long, -i, axis=-1)[..., ::2] for i, tap in enumerate(DB4))
    spread = np.zeros(long.shape)
    spread[..., ::2] = coarse
    smooth = sum(tap * np.roll(spread, i, axis=-1) for i, tap in enumerate(DB4))
    return np.asarray(smooth)[..., PAD : PAD + series.shape[-1]]


def denoised_causally(series: Floats) -> Floats:
    """Return the same (n,) where each value is the last of a transform of the 256 rows that end with it."""
    share = denoised(np.eye(CAUSAL_ROWS))[
        :, -1
    ]  # a transform is linear: what each row adds to the last value
    before = np.pad(series, (CAUSAL_ROWS - 1, 0), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(before, CAUSAL_ROWS) @ share)


def wavelet(seed: int) -> Shown:
    """Forecast the next close from closes that were smoothed over the whole series."""
    noise = Noise.of(3000, seed, fill="close")
    return Shown(
        *(
            noise.judged(_linear(_lagged(smooth(noise.close)), noise))
            for smooth in (denoised, denoised_causally)
        )
    )


def selection(seed: int, rows: int = 1000, candidates: int = 5000, kept: int = 20) -> Shown:
    """Choose 20 of 5000 random indicators by how they go with the outcome: of all days, or of train days."""
    noise = Noise.of(rows, seed)
    indicators = generator(seed, "museum", "indicators").standard_normal((rows, candidates))
    known = np.flatnonzero(np.isfinite(noise.log))
    found = []
    for learned in (known, known[known < noise.split]):
        y = noise.log[learned] - noise.log[learned].mean()
        best = np.argsort(np.abs(y @ indicators[learned]))[-kept:]
        found.append(noise.judged(_linear(indicators[:, best], noise)))
    return Shown(*found)


def scaling(seed: int, block: int = 126, blocks: int = 12) -> Shown:
    """Hold more the lower a price stands in a range of half a year, less than nothing in its upper half.

    The range is that of the half-year which the day lies in, or of the days so far and as many before.
    """
    rows = block * (blocks + 1)
    noise = Noise.of(rows + 2, seed)
    close, simple = noise.close[block:rows], noise.simple[block:rows]
    own = np.repeat(_ends(close.reshape(blocks, block)), block, axis=1)
    so_far = _ends(np.lib.stride_tricks.sliding_window_view(noise.close[1:rows], block))
    return Shown(*(traded(1.0 - 2.0 * (close - low) / (high - low), simple) for low, high in (own, so_far)))


def _ends(windows: Floats) -> Floats:
    """Return lowest and highest value of each window (2, n)."""
    return np.stack([windows.min(axis=1), windows.max(axis=1)])


def same_bar(seed: int) -> Shown:
    """Buy when a bar closes above its open, sell short when below: filled at that open, or at the next."""
    noise = Noise.of(1500, seed)
    body = np.log(noise.prices["close"].to_numpy() / noise.prices["open"].to_numpy())
    rows = np.arange(1, len(body) - 2)
    side = np.sign(body[rows])
    return Shown(traded(side, noise.simple[rows - 1]), traded(side, noise.simple[rows]))


def resample(seed: int) -> Shown:
    """Buy when the week's bar closes above today: the bar's name is its first day, or its last."""
    noise = Noise.of(1500, seed)
    week = pl.col("day").dt.truncate("1w")
    closes = noise.prices.select(
        pl.col("close").log().last().over(week).alias("named first"),
        pl.col("close").log().last().over(week).shift(5).alias("named last"),
    )
    return Shown(
        *(
            noise.judged(closes[name].fill_null(np.nan).to_numpy() - noise.close, first=10)
            for name in ("named first", "named last")
        )
    )


def window(seed: int) -> Shown:
    """Forecast from the last 20 returns: of a window that is off by one, or that ends with the day."""
    noise = Noise.of(1500, seed)
    returns = np.diff(noise.close, prepend=noise.close[0])
    lags = _lagged_returns(returns)
    ahead = np.vstack([lags[1:], np.full((1, LAGS), np.nan)])
    return Shown(noise.judged(_linear(ahead, noise)), noise.judged(_linear(lags, noise)))


def stopping(seed: int, epochs: int = 100, block: int = 21, blocks: int = 24) -> Shown:
    """Train a line by small steps and keep the epoch that forecasts best: the test days, or earlier ones."""
    noise = Noise.of(WARMUP + 504 + block * blocks + 2, seed)
    features = feature_matrix(noise.prices)
    found: list[list[Floats]] = [[], []]
    rng = generator(seed, "museum", "steps")
    rows = []
    for start in range(WARMUP + 504, WARMUP + 504 + block * blocks, block):
        learned, valid = np.arange(WARMUP, start - 65), np.arange(start - 64, start - 1)
        test = np.arange(start, start + block)
        scale = features[learned].std(axis=0) + 1e-12
        x = np.clip((features - features[learned].mean(axis=0)) / scale, -5.0, 5.0)
        path = _descent(x[learned], noise.log[learned], epochs, rng)
        for chosen, looked_at in zip(found, (test, valid), strict=True):
            hits = [np.mean(np.sign(x[looked_at] @ w) == np.sign(noise.log[looked_at])) for w in path]
            chosen.append(x[test] @ path[int(np.argmax(hits))])
        rows.append(test)
    at = np.concatenate(rows)
    return Shown(*(traded(np.sign(f), noise.simple[at], f) for f in map(np.concatenate, found)))


def _descent(x: Floats, y: Floats, epochs: int, rng: np.random.Generator) -> list[Floats]:
    """Return the weights after each epoch of stochastic gradient descent."""
    weights, path, y = np.zeros(x.shape[1]), [], y / y.std()
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), max(len(x) // 64, 1)):
            weights = weights - STEP * x[rows].T @ (x[rows] @ weights - y[rows]) / len(rows)
        path.append(weights)
    return path


@dataclass(frozen=True)
class Tries:
    """Strategies that toss a coin every day, over two years.

    Attributes
    ----------
    first, second : (tries,) float64
        Sharpe ratio of each year.
    wealth : (days, tries) float64
        Growth of 1 over both.
    """

    first: Floats
    second: Floats
    wealth: Floats

    @property
    def best(self) -> int:
        """The one that the first year would choose."""
        return int(self.first.argmax())


def best_of_many(seed: int, tries: int = 50) -> Tries:
    """Toss a coin for each day and try."""
    noise = Noise.of(2 * DAYS_PER_YEAR + 2, seed)
    days = 2 * DAYS_PER_YEAR
    side = generator(seed, "museum", "tries").choice([-1.0, 1.0], (days, tries))
    net = side * noise.simple[:days, None]
    years = (net[:DAYS_PER_YEAR], net[DAYS_PER_YEAR:])
    first, second = (np.array([sharpe(one, DAYS_PER_YEAR) or 0.0 for one in year.T]) for year in years)
    return Tries(first, second, np.asarray(np.cumprod(1.0 + net, axis=0), np.float64))


def expected_best(tries: int, years: float = 1.0) -> float:
    """Return the Sharpe ratio to expect of the best of so many tries without skill.

    E max = (1 - g) z(1 - 1/N) + g z(1 - 1/(N e)), g Euler's constant, over the root of the years.
    Source: Bailey, Borwein, Lopez de Prado and Zhu 2014.

    >>> round(expected_best(50), 2), round(expected_best(45, years=5), 2)
    (2.28, 1.0)
    """
    normal, euler = NormalDist().inv_cdf, 0.5772156649015329
    most = (1 - euler) * normal(1 - 1 / tries) + euler * normal(1 - 1 / (tries * math.e))
    return most / math.sqrt(years)


def _linear(features: Floats, noise: Noise) -> Floats:
    """Return least-squares forecasts (n,), fitted on train rows whose outcome is known before the test."""
    complete = np.asarray(np.isfinite(features).all(axis=1))
    rows = np.flatnonzero(complete & np.isfinite(noise.log) & (np.arange(len(features)) < noise.split - 2))
    design = np.column_stack([np.ones(len(features)), features])
    weights = np.linalg.lstsq(design[rows], noise.log[rows], rcond=None)[0]
    found = np.full(len(features), np.nan)
    found[complete] = design[complete] @ weights
    return found


def _lagged(level: Floats) -> Floats:
    """Return the last 20 steps of a level (n, 20); not a number where there are fewer."""
    return _lagged_returns(np.diff(level, prepend=level[0]))


def _lagged_returns(returns: Floats) -> Floats:
    before = np.concatenate([np.full(LAGS - 1, np.nan), returns])
    return np.lib.stride_tricks.sliding_window_view(before, LAGS)[:, ::-1].copy()
