"""Symbols are found by their names, and a fit's scores are those of its test days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.helpers.pooled import made_panel

from geiger.learning.folds import Fold
from geiger.models.state import State
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Fit, Pooled, places_of
from geiger.panel.scores import Floats

MADE = made_panel(days=200)


class RowNumbers(Pooled):
    """Says of each row its number."""

    def tell(self, material: PanelMaterial, rows: slice) -> tuple[Floats, Floats]:
        """Return the numbers as selection, and their negatives as timing."""
        numbers = np.arange(rows.start, rows.stop, dtype=np.float64)
        return numbers[None, :], -numbers

    def state(self) -> State:
        """Return nothing."""
        return State("row_numbers")


def test_members_are_found_by_name() -> None:
    assert places_of(("S03", "S00"), MADE).tolist() == [1, 2, 2, 0] + [2] * 8
    assert places_of(MADE.symbols, MADE).tolist() == list(range(12))
    assert places_of((), replace(MADE, symbols=("A", "B"))).tolist() == [0, 0]


def test_scores_are_of_the_test_days() -> None:
    fit = Fit(Fold(4, range(0, 90), range(91, 110), range(111, 130)), RowNumbers(), (3,), 77, 0.5)
    scores = fit.scores(MADE)
    assert scores.rows == MADE.rows(111, 130)
    np.testing.assert_array_equal(scores.selection[0], np.arange(scores.rows.start, scores.rows.stop))
    np.testing.assert_array_equal(scores.timing, -scores.selection[0])
    assert (scores.rounds, scores.learned_rows, scores.seconds, scores.resumed) == ((3,), 77, 0.5, False)
    assert RowNumbers().candidates == 1
