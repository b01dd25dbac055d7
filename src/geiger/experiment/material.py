"""What every model of one symbol learns from: prices, context, features, target.

The lock-box is no part of it: what is scored never holds its rows. The same with these rows stands apart, in
`Material.whole`, for the model for use alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.sizing import trailing_volatility
from geiger.errors import TrainingError
from geiger.features.catalogue import NAMES
from geiger.market.calendar import Market
from geiger.records import Notice
from geiger.runs.record import NOTHING_OWN, OwnParts, Provenance
from geiger.settings import Fill

Floats = npt.NDArray[np.float64]
LAST_RETURN = "return_1"  # the feature a residual head may build on


@dataclass(frozen=True)
class Material:
    """What every model of one symbol learns from.

    Attributes
    ----------
    prices : PRICES frame
        Development rows only: the lock-box is not in it.
    context : CONTEXT frame, optional
        What the market is known to be on those days.
    features : (n, F) float array
        Row t is made of bars <= t; not a number within the warm-up. Its columns are `names`.
    target : TARGET frame
        Log return that a decision at the close of t can still earn, and when it is known.
    fill : {"next_open", "close"}
        The fill that is used, which differs from the one asked for where opens are no prices.
    provenance : Provenance
        Source, days, content hashes; written to the log and to ``run.json``.
    beyond : Material, optional
        The same up to the last bar (or to --end), the lock-box included; None where nothing is locked.
    own : OwnParts
        Features and target of the user's own that are part of it.
    """

    symbol: str
    market: Market
    prices: pl.DataFrame
    context: pl.DataFrame | None
    features: Floats
    target: pl.DataFrame
    fill: Fill
    warmup: int
    notices: tuple[Notice, ...]
    provenance: Provenance
    beyond: Material | None = None
    own: OwnParts = NOTHING_OWN

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the features, in order: the contract's, then the user's own."""
        return (*NAMES, *self.own.columns)

    @property
    def whole(self) -> Material:
        """All rows, the lock-box included: for the model for use; nothing made of them is scored or shown."""
        return self if self.beyond is None else self.beyond

    @property
    def labelled(self) -> int:
        """One past the last row whose label is known; behind the warm-up all rows before it have one."""
        known = self.target["value"].is_not_null().arg_true()
        return int(known[-1]) + 1 if len(known) else 0

    @cached_property
    def last_returns(self) -> Floats:
        """Each day's own log return (n,), close to close, known at its close: the feature of that name.

        Raises
        ------
        TrainingError
            If the feature is not what its name says: a residual head would add its change to something else.
        """
        found = self.features[:, self.names.index(LAST_RETURN)]
        close = np.log(self.prices["close"].to_numpy())
        made = np.diff(close, prepend=np.nan)
        if not np.allclose(found[self.warmup :], made[self.warmup :], atol=1e-9):
            raise TrainingError(
                f"feature {LAST_RETURN!r} is not the log return of the day, which a residual head builds on; "
                "please report it"
            )
        return found

    def simple_returns_on(self, days: pl.Series) -> Floats:
        """Return the simple close-to-close return of each of `days`; not a number on the first bar."""
        return np.asarray(self._simple_returns[self.rows_of(days)])

    def volatility_on(self, days: pl.Series, halflife: float = 21.0) -> Floats:
        """Return the daily volatility known at the close of each of `days`; see `trailing_volatility`."""
        return np.asarray(trailing_volatility(self._simple_returns, halflife)[self.rows_of(days)])

    def rows_of(self, days: pl.Series) -> npt.NDArray[np.int64]:
        """Return the row number of each of `days`, which are days of its prices."""
        return self.prices["day"].search_sorted(days).to_numpy().astype(np.int64)

    @property
    def _simple_returns(self) -> Floats:
        close = self.prices["close"].to_numpy()
        return np.append(np.nan, close[1:] / close[:-1] - 1.0)
