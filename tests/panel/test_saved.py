"""The model that a panel's run leaves for use: fresh, whole, and read back without running code."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.panel.plan import PanelPlan
from geiger.panel.saved import model_for_use, panel_model_of
from geiger.panel.walk import walk
from geiger.panel.written import PanelRun
from geiger.runs.folder import RunsFolder
from helpers.panels import LOCKED, SYMBOLS


def test_what_is_read_back_forecasts_the_same_bits(small_plan: PanelPlan, small_run: PanelRun) -> None:
    stored = RunsFolder(small_run.folder.parent).load(small_run.name)
    made = walk(small_plan.material, "ridge", small_plan.work.config)
    kept, fresh = panel_model_of(stored), model_for_use(small_plan, made)
    days = len(small_plan.material.calendar)
    rows = small_plan.material.rows(days - 5, days)
    old, new = (one.trained.forecast(small_plan.material, rows) for one in (kept, fresh))
    np.testing.assert_array_equal(old.score, new.score)
    np.testing.assert_array_equal(old.expected, new.expected)
    assert old.score.std() > 0.0


def test_it_learned_from_the_locked_days_too(small_plan: PanelPlan, small_run: PanelRun) -> None:
    """Whose last two have no outcome yet; slope and candidate are from before the lock-box."""
    stored = RunsFolder(small_run.folder.parent).load(small_run.name)
    facts = panel_model_of(stored).facts
    locked = small_plan.material.provenance
    assert locked.lockbox_rows == LOCKED
    assert facts["learned_to"] > locked.lockbox_from
    assert facts["learned_to"] < facts["decided_on"]
    assert set(facts["members"]) == set(SYMBOLS)


def test_a_model_that_was_changed_is_refused(small_run: PanelRun, tmp_path: Path) -> None:
    shutil.copytree(small_run.folder, tmp_path / small_run.name)
    stored = RunsFolder(tmp_path).load(small_run.name)
    state = stored.folder / "model" / "state.json"
    state.write_text(state.read_text().replace("ridge", "lasso"))
    with pytest.raises(DataError, match="was changed"):
        panel_model_of(stored)
    shutil.rmtree(stored.folder / "model")
    with pytest.raises(DataError, match="train again"):
        panel_model_of(stored)
