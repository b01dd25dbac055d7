"""Made markets for a calibration, as prices: every null family, and planted signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import polars as pl

from geiger.columns import PRICES, require
from geiger.errors import SettingError, did_you_mean
from geiger.experiment.material import Floats
from geiger.market.synthetic import (
    FIRST_DAY,
    FIRST_PRICE,
    FIRST_VOLUME,
    VOLUME_SPREAD,
    Signal,
    planted_market,
)
from geiger.seeds import derive, generator
from geiger.studies.null_markets import FAMILIES, Path

GAP = 0.25  # of a day's variance falls between the last close and the open
DECAY = 0.94  # of the variance that a day's range follows


@dataclass(frozen=True, eq=False)
class MadeMarket:
    """One market.

    Attributes
    ----------
    prices : PRICES frame
    truth : array (n,), optional
        Expected log return of each row, known at its close; None where nothing can be known.
    """

    prices: pl.DataFrame
    truth: Floats | None = None


def market(kind: str, r2: float, days: int, number: int) -> MadeMarket:
    """Return a market of a null family, or with a planted signal; no two share a random number.

    Parameters
    ----------
    kind : str
        A family of `null_markets.FAMILIES` where `r2` is 0, else a signal of `planted_market`.
    """
    names = ("calibration", kind, f"{r2:g}")
    if r2 == 0.0:
        families = {one.name: one for one in FAMILIES}
        if kind not in families:
            raise SettingError(f"no market {kind!r}: {did_you_mean(kind, list(families))}")
        rng = generator(number, *names)
        return MadeMarket(bars(families[kind].make(days, rng), rng))
    signals = {str(one): one for one in get_args(Signal)}
    if kind not in signals:
        raise SettingError(f"no signal {kind!r}: {did_you_mean(kind, list(signals))}")
    made = planted_market(days, derive(number, *names), r2, signal=signals[kind])
    return MadeMarket(made.prices, made.true_mean)


def bars(path: Path, rng: np.random.Generator) -> pl.DataFrame:
    """Return the bars of a path of returns, as a PRICES frame; range and volume say nothing of what comes.

    Where the path has no opens of its own, a quarter of each day's variance and drift falls before its open;
    gap and session of a day are uncorrelated, whatever the days before.
    """
    r, n = path.returns, path.returns.size
    close = np.cumsum(r)
    side = rng.choice((-1.0, 1.0), n)
    gap = GAP * r + np.sqrt(GAP * (1.0 - GAP)) * np.abs(r) * side
    opened = path.paid[:n] if path.delay else close - r + gap
    variance, found = float(np.mean(r[:60] ** 2)), np.empty(n)
    for t, value in enumerate(r.tolist()):
        variance = DECAY * variance + (1.0 - DECAY) * value * value
        found[t] = variance
    up, down = -2.0 * (1.0 - GAP) * found * np.log(1.0 - rng.random((2, n)))  # of a bridge from open to close
    span = (close - opened) ** 2
    frame = pl.DataFrame(
        {
            "day": np.busday_offset(np.datetime64(FIRST_DAY), np.arange(n), roll="forward"),
            "open": FIRST_PRICE * np.exp(opened),
            "high": FIRST_PRICE * np.exp(0.5 * (opened + close + np.sqrt(span + up))),
            "low": FIRST_PRICE * np.exp(0.5 * (opened + close - np.sqrt(span + down))),
            "close": FIRST_PRICE * np.exp(close),
            "raw_close": FIRST_PRICE * np.exp(close),
            "volume": np.round(FIRST_VOLUME * np.exp(VOLUME_SPREAD * rng.standard_normal(n))),
        }
    ).with_columns(
        high=pl.max_horizontal("open", "high", "close"), low=pl.min_horizontal("open", "low", "close")
    )
    return require(frame, PRICES)
