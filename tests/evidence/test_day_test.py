"""What all tests with one score a day have in common."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.evidence.day_test import DayTest
from geiger.evidence.panel_test import PanelScores, SelectionTest
from geiger.evidence.score_test import Scores, ScoreTest

ROW, C = np.arange(3), np.array([1.0, 2.0, 3.0])
GRID = np.ones((3, 12))
TESTS = (
    ScoreTest(scores=Scores(ROW, C, C, C, C), horizon=5, forecast_variance=4.0, outcome_variance=2.0),
    SelectionTest(
        scores=PanelScores(ROW, C, np.full(3, 12), GRID, GRID, GRID),
        horizon=5,
        forecast_variance=4.0,
        outcome_variance=2.0,
    ),
)


@pytest.mark.parametrize("told", TESTS, ids=lambda one: type(one).__name__)
def test_each_has_scores_by_day_and_what_a_slope_explains(told: DayTest) -> None:
    assert told.n == 3
    assert told.row is ROW
    assert told.c is C
    assert told.explained(0.5) == pytest.approx(0.1)  # .25 / 5 of 4 / 2
    assert (told.statistic, told.p_value) == (None, 1.0)


def test_of_outcomes_that_do_not_vary_nothing_is_explained() -> None:
    assert ScoreTest(scores=Scores(ROW, C, C, C, C), horizon=1).explained(1.0) is None
