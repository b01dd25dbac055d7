"""Folds side by side."""

from __future__ import annotations

import numpy as np

from geiger.learning.folds import Fold
from geiger.panel.scores import FoldScores, stitched


def scores(index: int, rows: slice, first: float) -> FoldScores:
    """Scores of a fold, two candidates, counted up from `first`."""
    size = rows.stop - rows.start
    line = first + np.arange(size)
    fold = Fold(index, range(1), range(1), range(1))
    return FoldScores(fold, rows, np.array([line, -line]), 10.0 * line, (1,), 5, 0.1, np.empty(0))


def test_they_are_laid_end_to_end() -> None:
    rows, selection, timing = stitched([scores(0, slice(4, 7), 0.0), scores(1, slice(7, 9), 3.0)])
    assert rows == slice(4, 9)
    assert selection.tolist() == [[0, 1, 2, 3, 4], [0, -1, -2, -3, -4]]
    assert timing.tolist() == [0, 10, 20, 30, 40]
