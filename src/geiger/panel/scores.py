"""What a model of a panel hands on for a fold, and all folds side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geiger.learning.folds import Fold

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FoldScores:
    """What one fold forecast, in units of the volatility; R rows of its test days.

    Attributes
    ----------
    rows : slice
        Of the material.
    selection : (K, R) float64
        One line a candidate; the last is the simplest.
    timing : (R,) float64
    rounds : tuple of int
        Place on the penalty grid, or trees, or epochs, one a member.
    learned_rows : int
    seconds : float
    importances : (F,) float64
        Share of each feature in selection; empty where the model has none.
    resumed : bool
        Whether an earlier run, which was stopped, made it.
    """

    fold: Fold
    rows: slice
    selection: Floats
    timing: Floats
    rounds: tuple[int, ...]
    learned_rows: int
    seconds: float
    importances: Floats
    resumed: bool = False


def stitched(folds: Sequence[FoldScores]) -> tuple[slice, Floats, Floats]:
    """Return the rows of all folds, and their selection (K, R) and timing (R,); folds lie side by side."""
    rows = slice(folds[0].rows.start, folds[-1].rows.stop)
    selection = np.concatenate([fold.selection for fold in folds], axis=1)
    return rows, selection, np.concatenate([fold.timing for fold in folds])
