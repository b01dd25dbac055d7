"""Rules between the settings of one model, each refused with what to do."""

from __future__ import annotations

from typing import Any

import pytest

from geiger.errors import SettingError
from geiger.settings import override, recipe
from geiger.settings.model_settings import NetworkSettings, ScheduleSettings
from geiger.settings.setting import known_settings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ridge": {"alphas": []}}, "ridge.alphas must be positive and ascending"),
        ({"ridge": {"alphas": [2, 1]}}, "ridge.alphas must be positive and ascending"),
        ({"ridge": {"alphas": [0, 1]}}, "ridge.alphas must be above 0"),
        ({"catboost": {"l1": 0.1}}, "catboost.l1: its symmetric trees have no l1"),
        ({"catboost": {"min_leaf_rows": 5}}, "catboost.min_leaf_rows: its symmetric trees"),
        ({"lstm": {"lookback": 2}}, "lstm.lookback 2 is too short for 2 blocks; give at least 3"),
        ({"lstm": {"lstm": []}}, "lstm.lstm needs the units of at least one LSTM"),
        ({"xlstm": {"residual": "direct"}}, "xlstm.skip 'screened' .* residual 'drift' only"),
        ({"xlstm": {"loss": "huber", "target_unit": "raw"}}, "xlstm.loss 'huber' counts in train"),
        ({"lstm": {"loss": "hubert"}}, r"lstm.loss: no 'hubert'; did you mean 'huber'\?"),
        ({"stack": {"models": ["xgb", "xgb"]}}, "stack.models: name at least one model, each once"),
        ({"stack": {"models": []}}, "stack.models: name at least one model, each once, got none"),
        ({"stack": {"models": ["xbg"]}}, r"stack.models: no model 'xbg': did you mean 'xgb'\?"),
        ({"stack": {"models": ["stack"]}}, "stack.models: no model 'stack'"),
        ({"stack": {"min_rows": 19}}, "stack.min_rows must be at least 20, got 19"),
    ],
)
def test_what_does_not_go_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        override(recipe("default"), changes)


def test_a_network_is_its_own_schedule() -> None:
    """The loop reads the schedule from the settings of the network: the fields stand once."""
    assert issubclass(NetworkSettings, ScheduleSettings)
    assert isinstance(recipe("plan").xlstm, ScheduleSettings)


def test_a_compiled_network_depends_on_nothing_that_steers_its_training() -> None:
    steering = {n for n, item in known_settings(NetworkSettings).items() if not item.about.compiled}
    kept = {"batch_size", "clip_norm", "loss", "direction_weight", "skip"}
    assert steering == {
        *(set(known_settings(ScheduleSettings)) - kept),
        *("residual", "target_unit", "weight_decay", "refit"),
    }
