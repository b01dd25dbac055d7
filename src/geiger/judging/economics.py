"""What trading the forecasts earned beside holding the market at the same volatility."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.evidence.resampling import bootstrap_mean_p

Floats = npt.NDArray[np.float64]
BLOCK = 10.0  # mean length of the blocks that are resampled, in days


@dataclass(frozen=True)
class Economics:
    """What trading earned beside buy and hold at the same volatility.

    Attributes
    ----------
    days : Series of date (n,)
        Decision days.
    difference : array (n,)
        Net of the strategy less that of the market, simple return of a day.
    p_value, p_below : float or None
        Block-bootstrap p that its mean is above 0, and below 0; None where it does not vary.
    net : array (n,)
        Of the strategy.
    """

    days: pl.Series
    difference: Floats
    net: Floats
    p_value: float | None
    p_below: float | None

    @property
    def sharpe(self) -> float | None:
        """Mean over standard deviation of the net, per day."""
        spread = float(self.net.std())
        return float(self.net.mean()) / spread if spread > 0.0 else None


def economics(ledger: pl.DataFrame, market: pl.DataFrame, seed: int) -> Economics:
    """Compare a LEDGER with that of buy and hold at its volatility, on the same days."""
    net = ledger["net"].to_numpy()
    difference = net - market["net"].to_numpy()
    varies = difference.size > 1 and float(difference.std()) > 0.0
    above, below = bootstrap_mean_p(difference, block=BLOCK, seed=seed) if varies else (None, None)
    return Economics(ledger["day"], difference, net, above, below)
