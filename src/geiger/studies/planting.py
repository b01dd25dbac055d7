"""A known source on the user's own prices: the labels are replaced, everything else stays.

    e_t     (y_t - ybar) / s_t: the outcome in units of the volatility known at t
    null    ybar + s_t e_pi(t), pi a permutation of blocks of 21 days
    planted ybar + s_t (e_pi(t) + a x_t), x a causal function of the features

Bars, features and context stay, so that the link between features and outcome is cut, and nothing else.
Returns that are permuted before bars and features are rebuilt do not cut it: the features are then made of
the same returns. Blocks keep what outcomes of neighbouring days have in common, and the volatility of a day
stays where it was. The same permutation serves all symbols, so that what they have in common on a day stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError
from geiger.evidence.score_test import daily_volatility
from geiger.experiment.material import Floats, Material
from geiger.experiment.scored import daily_returns

Ints = npt.NDArray[np.int64]

BLOCK = 21  # days
EARLIER = 60  # rows by which the signal is standardised, at least
CAP = 3.0  # of the signal, in its standard deviations
SIGNAL = "minus the return of five days, in units of its 63-day volatility"


def block_order(n: int, rng: np.random.Generator, block: int = BLOCK) -> Ints:
    """Return the positions 0 ... n - 1 in an order that permutes blocks and keeps each of them together.

    >>> block_order(7, np.random.default_rng(0), block=3).tolist()
    [6, 0, 1, 2, 3, 4, 5]
    """
    blocks = np.split(np.arange(n, dtype=np.int64), range(block, n, block))
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])


def signal(material: Material) -> Floats:
    """Return what is planted, row by row (n,): made of the features through t, mean 0 and deviation 1.

    It is standardised by the rows before its own, cut at 3, and 0 where there are fewer than 60 of them or
    they do not vary.
    """
    found = np.zeros(len(material.features))
    names, behind = material.names, slice(material.warmup, None)
    moved, spread = (material.features[behind, names.index(n)] for n in ("return_5", "volatility_63"))
    raw = -np.divide(moved, spread, out=np.zeros(len(moved)), where=spread > 0.0)
    earlier = np.arange(len(raw), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (np.cumsum(raw) - raw) / earlier
        variance = (np.cumsum(raw**2) - raw**2) / earlier - mean**2
        x = (raw - mean) / np.sqrt(variance)
    usable = (earlier >= EARLIER) & (variance > 1e-12)
    found[behind] = np.where(usable, np.clip(x, -CAP, CAP), 0.0)
    return found


@dataclass(frozen=True)
class Planting:
    """What the worlds of one material are made of.

    Attributes
    ----------
    rows : (m,) int64
        Rows whose outcome and volatility are known.
    level : float
        Mean of all outcomes, weighted by 1 / scale^2: log return.
    scale : (n,) float64
        Volatility known at the close of each row over the days that an outcome spans, log return.
    shocks : (m,) float64
        Outcomes less their level in units of the scale.
    signal : (n,) float64
        What is planted, without unit.
    """

    material: Material
    rows: Ints
    level: float
    scale: Floats
    shocks: Floats
    signal: Floats

    @classmethod
    def of(cls, material: Material, horizon: int) -> Planting:
        """Take the outcomes of a material apart.

        Raises
        ------
        DataError
            No row has an outcome, or the price never moves.
        """
        outcome = material.target["value"].to_numpy()
        scale = daily_volatility(daily_returns(material)) * math.sqrt(horizon)
        rows = np.flatnonzero(np.isfinite(outcome) & np.isfinite(scale)).astype(np.int64)
        if not rows.size:
            raise DataError(f"{material.symbol}: no outcome has a known volatility, so none can be replaced")
        known, weight = outcome[rows], 1.0 / np.square(scale[rows])
        level = float((weight * known).sum() / weight.sum())
        return cls(material, rows, level, scale, (known - level) / scale[rows], signal(material))

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the shocks, which a signal of a given R^2 is measured by."""
        return float(self.shocks.std())

    def order(self, rng: np.random.Generator) -> Ints:
        """Return a permutation of the rows (m,); equal numbers of rows get equal ones of equal generators."""
        return block_order(self.rows.size, rng)

    def oracle(self, r2: float) -> Floats:
        """Return the expected outcome of each row (n,) where a signal of this R^2 is planted, log return."""
        size = self.spread * math.sqrt(r2 / (1.0 - r2))
        return np.asarray(self.level + self.scale * size * self.signal)

    def world(self, order: Ints, r2: float = 0.0) -> Material:
        """Return the material with other labels; it has no lock-box.

        Rows whose volatility is not known yet, which no fold reaches, keep theirs.

        Parameters
        ----------
        order : (m,) int64
            Which row's shock each row gets, as positions in `rows`.
        r2 : float
            Share of the label's variance, in units of its volatility, that the signal explains.
        """
        value = self.material.target["value"].to_numpy().copy()
        value[self.rows] = self.oracle(r2)[self.rows] + self.scale[self.rows] * self.shocks[order]
        labels = pl.Series("value", value, dtype=pl.Float64).fill_nan(None)
        target = self.material.target.with_columns(labels)
        return replace(self.material, target=target, beyond=None)
