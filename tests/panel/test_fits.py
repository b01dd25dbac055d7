"""Who fits what, and that a stopped run goes on with the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.helpers.pooled import made_panel, pooled_config

from geiger.errors import SettingError
from geiger.panel import fits as fitting
from geiger.panel.fits import fit, folds_of, walk_folds
from geiger.panel.folds import use_fold
from geiger.panel.targets import targets_of
from geiger.panel.walk import walk
from geiger.runs.parts import Parts

MADE, CONFIG = made_panel(), pooled_config()
TARGETS = targets_of(MADE, CONFIG.panel)


@pytest.mark.parametrize("model", ["zero", "mean", "own"])
def test_a_model_that_ranks_nothing_is_refused(model: str) -> None:
    with pytest.raises(SettingError, match=f"model {model}: not for panels; those are ridge"):
        fit(MADE, model, TARGETS, (), CONFIG)


def test_finished_folds_are_taken_up_and_change_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(walk_folds(MADE, "lgb", TARGETS, CONFIG, None))
    parts = Parts(tmp_path / "parts")
    started = walk_folds(MADE, "lgb", TARGETS, CONFIG, parts)
    for _ in range(2):
        next(started)
    started.close()
    asked = []

    def counted(material, model, targets, folds, config):
        asked.append([fold.index for fold in folds])
        return fit(material, model, targets, folds, config)

    monkeypatch.setattr(fitting, "fit", counted)
    again = list(walk_folds(MADE, "lgb", TARGETS, CONFIG, parts))
    assert asked == [[2, 3, 4]]
    assert [fold.resumed for fold in again] == [True, True, False, False, False]
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one.selection, other.selection)
        np.testing.assert_array_equal(one.timing, other.timing)
        np.testing.assert_array_equal(one.importances, other.importances)
        assert (one.rounds, one.learned_rows, one.rows) == (other.rounds, other.learned_rows, other.rows)
        assert one.fold == other.fold


def test_a_stacks_models_keep_their_folds_apart(tmp_path: Path) -> None:
    config = pooled_config(stack={"models": ("lgb", "xgb")}, seeds=1)
    parts = Parts(tmp_path / "parts")
    first = walk(MADE, "stack", config, parts=parts).forecasts
    assert walk(MADE, "stack", config, parts=parts).forecasts.equals(first)
    parts.discard()
    assert not parts.folder.exists()
    assert walk(MADE, "stack", config, parts=parts).forecasts.equals(first)


def test_the_fold_for_use_learns_from_all_that_is_known_on_the_last_day() -> None:
    days, folds = len(MADE.calendar), folds_of(MADE, "ridge", CONFIG)
    fold = use_fold(MADE, CONFIG)
    assert fold.test == range(days - 1, days)
    # A label is known two opens later: that of day 417 on day 419, the last.
    assert fold.valid.stop == days - 2
    assert np.isnan(MADE.outcome[MADE.rows(days - 2, days)]).all()
    assert fold.index == folds[-1].index + 1
