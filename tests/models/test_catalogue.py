from __future__ import annotations

import dataclasses

import pytest

from geiger.errors import SettingError
from geiger.models import FORECASTERS, GROUPS, LOG_NAMES, expand, make, resolve


def test_catalogue_names_agree():
    assert {*FORECASTERS, "stack"} == set(LOG_NAMES)
    assert {name: make(name, {}).name for name in FORECASTERS} == {name: name for name in FORECASTERS}
    assert all(member in FORECASTERS for group in GROUPS.values() for member in group)
    assert expand("gbm") == ("xgb", "lgb", "catboost")
    assert expand("zero") == ("zero",)


@pytest.mark.parametrize("ask", [expand, lambda name: make(name, {})])
def test_unknown_model_is_refused_with_the_nearest(ask):
    with pytest.raises(SettingError, match="unknown model 'catbost': did you mean 'catboost'"):
        ask("catbost")


@pytest.mark.parametrize("name", list(FORECASTERS))
def test_unknown_setting_is_refused(name):
    with pytest.raises(SettingError, match=f"{name} has no setting 'thread': did you mean 'threads'"):
        make(name, {"thread": 2})
    with pytest.raises(SettingError, match="has no setting 'name'"):
        make(name, {"name": "x"})


def test_settings_reach_the_forecaster_and_are_frozen():
    model = make("ridge", {"alphas": (1.0, 2.0), "threads": 2})
    assert (model.alphas, model.threads) == ((1.0, 2.0), 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.refit = False


def test_installed_models_stand_for_themselves():
    assert [resolve(name) for name in FORECASTERS] == [(name, None) for name in FORECASTERS]
