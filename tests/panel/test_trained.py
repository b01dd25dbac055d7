"""The model for use forecasts a day as the fold that begins on it does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.pooled import cut, made_panel, pooled_config

from geiger.errors import DataError
from geiger.models.storage import read_state, write_state
from geiger.panel.fits import folds_of
from geiger.panel.trained import FOR_USE, PooledTrained, restore_pooled, trained_for_use
from geiger.panel.walk import walk

MADE, CONFIG = made_panel(), pooled_config(seeds=1)
FOLD = 3


def used(model: str) -> tuple[PooledTrained, int]:
    """Return the model for use at the day on which a fold begins, made of what was known then."""
    day = folds_of(MADE, "ridge", CONFIG)[FOLD].test.start
    short = cut(MADE, day + 1)
    return trained_for_use(short, model, CONFIG, walk(short, model, CONFIG)), day


@pytest.mark.parametrize("model", ["ridge", "lgb", "stack"])
def test_it_is_the_fold_that_begins_on_its_day(model: str) -> None:
    """Two ways to the same forecast: one ends on the day, the other goes on behind it."""
    trained, day = used(model)
    found = trained.forecast(cut(MADE, day + 1), MADE.rows(day, day + 1))
    full = walk(MADE, model, CONFIG).issued
    at = MADE.day[full.rows] == day
    assert (found.fold == FOR_USE).all()
    for one, other in ((found.score, full.score), (found.slope, full.slope), (found.market, full.market)):
        np.testing.assert_allclose(one, other[at], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.expected, full.expected[at], rtol=1e-7, atol=1e-9)
    assert full.fold[at][0] == FOLD


def test_several_days_are_forecast_as_each_alone() -> None:
    trained, day = used("stack")
    rows = MADE.rows(day, day + 5)
    found = trained.forecast(MADE, rows)
    for one in range(day, day + 5):
        alone = trained.forecast(MADE, MADE.rows(one, one + 1))
        at = MADE.day[rows] == one
        np.testing.assert_allclose(alone.expected, found.expected[at], rtol=1e-9, atol=1e-12)


def test_it_comes_back_from_plain_values(tmp_path: Path) -> None:
    trained, day = used("stack")
    hashes = write_state(tmp_path / "model", trained.state())
    again = restore_pooled(read_state(tmp_path / "model", hashes))
    rows = MADE.rows(day, day + 3)
    np.testing.assert_array_equal(again.forecast(MADE, rows).expected, trained.forecast(MADE, rows).expected)
    state = trained.state()
    for facts, said in (
        ({"names": ["ridge"]}, "one name a part"),
        ({"names": ["ridge", "none"]}, "one name a part"),
        ({"candidates": [0]}, "one candidate a part"),
        ({"candidates": [9, 0]}, "ridge has no candidate 9"),
        ({"model": "lgb"}, "does not go with"),
        ({"slope": -1.0}, "0 or more"),
    ):
        with pytest.raises(DataError, match=said):
            restore_pooled(replace(state, facts={**state.facts, **facts}))
    with pytest.raises(DataError, match="no model of a panel"):
        restore_pooled(replace(state, parts=(state.parts[1].parts[0], state.parts[1])))
