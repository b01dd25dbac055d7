"""One model that has learned, and the scaler its inputs go through: what forecasts rows of plain features."""

from __future__ import annotations

from dataclasses import dataclass

from geiger.learning.windows import Block, Floats, Scaler, block_of
from geiger.models.base import Ensemble


@dataclass(frozen=True, kw_only=True)
class Trained:
    """One model, and the scaler its inputs go through.

    Attributes
    ----------
    train_mean, train_std : float
        Of the target on the rows it learned from, log return.
    """

    predictor: Ensemble
    scaler: Scaler
    train_mean: float
    train_std: float

    def forecast(self, features: Floats, rows: range, last_return: Floats) -> Floats:
        """Return the forecasts (len(rows),), log return, of the given rows of features (n, F)."""
        return self.scaler.restore(self.predictor.predict(self._block(features, rows, last_return)))

    def rehearse(self, features: Floats, last_return: Floats) -> None:
        """Make now what the first forecast of the row after these, features (n, F), would have to make."""
        rows = range(len(features) - 1, len(features))
        self.predictor.rehearse(self._block(features, rows, last_return))

    def _block(self, features: Floats, rows: range, last_return: Floats) -> Block:
        start = max(rows.start - self.predictor.reach, 0)  # scaling all of the past would take longest
        needed = range(rows.start - start, rows.stop - start)
        return block_of(features[start : rows.stop], needed, self.scaler, last_return[start : rows.stop])
