"""Families weigh alike, day by day, whatever the size of their scores."""

from __future__ import annotations

import numpy as np
import pytest
from tests.helpers.pooled import made_panel

from geiger.panel.issue import Chosen
from geiger.panel.stack import by_day, together

MADE = made_panel()


def chosen(rows: slice, seed: int, folds: int, scale: float = 1.0) -> Chosen:
    """Return random scores of these rows."""
    draw, n = np.random.default_rng(seed), rows.stop - rows.start
    fold = (np.arange(n) * folds // n).astype(np.int32)
    return Chosen(rows, fold, scale * draw.standard_normal(n), draw.standard_normal(n))


def test_scores_are_measured_by_the_spread_of_their_day() -> None:
    day = np.array([3, 3, 3, 5, 5, 8])
    found = by_day(np.array([1.0, 2.0, 3.0, 7.0, 7.0, 4.0]), day)
    root = np.sqrt(1.5)  # the deviation of 1, 2, 3 is sqrt(2 / 3)
    np.testing.assert_allclose(found, [-root, 0.0, root, 0.0, 0.0, 0.0], atol=1e-12)


def test_each_family_is_the_mean_of_its_models_and_all_families_weigh_alike() -> None:
    rows = MADE.rows(200, 260)
    given = {"ridge": chosen(rows, 1, 6), "lgb": chosen(rows, 2, 2, 50.0), "xgb": chosen(rows, 3, 2, 0.01)}
    found = together(MADE, given)
    day = MADE.day[rows]
    for one in (200, 231, 259):
        at = day == one
        z = {}
        for name, scores in given.items():
            values = scores.score[at]
            z[name] = (values - values.mean()) / values.std()
        np.testing.assert_allclose(found.score[at], (z["ridge"] + (z["lgb"] + z["xgb"]) / 2) / 2, rtol=1e-9)
    timing = (given["ridge"].timing + (given["lgb"].timing + given["xgb"].timing) / 2) / 2
    np.testing.assert_allclose(found.timing, timing, rtol=1e-12)
    np.testing.assert_array_equal(found.fold, given["ridge"].fold)  # the model that is fitted most often


def test_only_rows_that_all_have_forecast_are_forecast() -> None:
    given = {"ridge": chosen(MADE.rows(200, 260), 1, 6), "lgb": chosen(MADE.rows(210, 250), 2, 2)}
    found = together(MADE, given)
    assert found.rows == MADE.rows(210, 250)
    first = found.rows.start - given["ridge"].rows.start
    np.testing.assert_array_equal(found.fold, given["ridge"].fold[first : first + len(found.score)])
    alone = together(MADE, {"ridge": given["ridge"]})
    assert np.corrcoef(alone.score, given["ridge"].score)[0, 1] == pytest.approx(1.0, abs=0.1)
