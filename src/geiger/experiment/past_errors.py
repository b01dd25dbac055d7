"""Errors of earlier out-of-sample forecasts, beside the volatility known when they were made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.evidence.conformal import HALFLIFE, Coverage, coverage, scores_of
from geiger.experiment.material import Floats, Material


@dataclass(frozen=True)
class PastErrors:
    """The out-of-sample forecasts whose outcome is known; every array has a row for each (n,)."""

    days: pl.Series
    forecast: Floats
    outcome: Floats
    scale: Floats
    delay: int  # rows until an outcome is known to a decision

    @property
    def scores(self) -> Floats:
        """Errors in units of their scale."""
        return scores_of(self.forecast, self.outcome, self.scale)

    @property
    def known_from(self) -> npt.NDArray[np.int64]:
        """First row at whose decision each outcome is known."""
        return np.arange(len(self.forecast), dtype=np.int64) + self.delay

    def coverage(self, level: float) -> Coverage:
        """Return how often intervals made from the errors before each row held its outcome."""
        return coverage(self.forecast, self.outcome, self.scale, self.known_from, level)


def past_errors(history: pl.DataFrame, material: Material) -> PastErrors:
    """Return the errors of a FORECASTS frame's rows whose outcome is known and whose price has ever moved."""
    scale = material.volatility_on(history["day"], HALFLIFE)
    usable = history["outcome"].is_not_null().to_numpy() & (scale > 0.0)
    return PastErrors(
        history["day"].filter(pl.Series(usable)),
        history["forecast"].to_numpy()[usable],
        history["outcome"].to_numpy()[usable],
        scale[usable],
        2 if material.fill == "next_open" else 1,
    )
