"""What shapes a forecast is marked in the setting, and keys follow the marks."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any, cast

import pytest

from geiger.errors import SettingError
from geiger.experiment.key import forecast_key
from geiger.experiment.material import Material
from geiger.models import forecaster_of
from geiger.runs.environment import key_of
from geiger.runs.record import NOTHING_OWN
from geiger.settings import (
    MODELS,
    Config,
    Settings,
    as_dict,
    override,
    paced,
    recipe,
    shaping,
    shaping_a_run,
)
from geiger.settings.models import GROUPS, SECTIONS
from geiger.settings.setting import Known, known_settings

# Every value of it goes with the others.
BASE = override(
    recipe("default"),
    {"network_refit": None, **{name: {"skip": "none"} for name in GROUPS["net"]}},
)
ONLY_ONE = {"horizon", "catboost.l1", "catboost.min_leaf_rows"}  # no other value is allowed so far


def all_settings(record: Settings) -> list[tuple[str, Known]]:
    """Return every setting of `record` under its dotted name."""
    found = []
    for name, item in known_settings(type(record)).items():
        found += [(record.place(name), item)] if item.section is None else all_settings(getattr(record, name))
    return found


def another(item: Known, value: Any) -> Any:
    """Return a value that the setting may have and has not."""
    if item.choices:
        return next(word for word in item.choices if word != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return value[:1] if len(value) > 1 else (*value, *value)
    kind = item.declared.removesuffix(" | None")
    if kind == "str":
        return "2012-03-31"
    tried = [0.25, 1.5, 7] if kind == "float" else [(value or 0) + 1, 50]
    return next(number for number in tried if number != value and item.about.admits(number))


def changed(config: Config, name: str, value: Any) -> Config:
    section, _, inner = name.rpartition(".")
    return override(config, {section: {inner: value}} if section else {name: value})


@functools.cache  # that of BASE serves all tests
def key(config: Config, model: str) -> str:
    if model == "stack":
        return key_of(shaping_a_run(config, model))
    provenance = SimpleNamespace(as_dict=lambda: {"data_hash": "h"})
    material = SimpleNamespace(symbol="X", fill="next_open", provenance=provenance, own=NOTHING_OWN)
    return forecast_key(config, cast(Material, material), model)


@pytest.mark.parametrize(("name", "item"), all_settings(BASE), ids=lambda part: str(part)[:40])
def test_a_key_changes_exactly_where_a_setting_shapes_the_forecast(name: str, item: Known) -> None:
    if name in ONLY_ONE:
        return
    section, _, inner = name.rpartition(".")
    old = getattr(getattr(BASE, section) if section else BASE, inner)
    new = changed(BASE, name, another(item, old))
    assert new != BASE
    for model in ("mean", *SECTIONS):
        if section in SECTIONS:
            shapes = section == model
        elif item.about.shapes == "networks":
            shapes = MODELS[model].family == "network"
        else:
            shapes = item.about.shapes == "forecast"
        assert (key(new, model) != key(BASE, model)) == shapes, model


def test_marks_are_those_that_the_walk_and_the_trading_have() -> None:
    marks = {name: item.about.shapes for name, item in all_settings(BASE)}
    assert {name for name, mark in marks.items() if mark == "networks"} == {"network_refit", "parallel"}
    elsewhere = {name for name, mark in marks.items() if mark == "nothing" and "." not in name}
    assert elsewhere == {"recipe", "back_transform", "workers"}
    assert {name.split(".")[0] for name, mark in marks.items() if mark == "nothing" and "." in name} == {
        "trading"
    }


def test_a_pace_of_their_own_is_the_pace_of_networks() -> None:
    config = override(BASE, {"refit": 63, "network_refit": 252})
    assert (paced(config, "lstm").refit, paced(config, "ridge").refit) == (252, 63)
    assert paced(BASE, "lstm") == BASE
    same = override(BASE, {"refit": 252})
    assert key(paced(config, "lstm"), "lstm") == key(config, "lstm") == key(same, "lstm")


def test_settings_of_other_models_are_left_out() -> None:
    found = shaping(BASE, ["xgb"])
    assert found["xgb"] == as_dict(BASE.xgb)
    assert not set(SECTIONS) & set(found) - {"xgb"}
    assert not {"trading", "workers", "parallel", "network_refit"} & set(found)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon": 5}, "next-day"),
        ({"start": "2012-13-01"}, "start: '2012-13-01' is no day"),
        ({"start": "2012-01-02", "end": "2011-01-02"}, "swap them"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"lockbox": -1}, "lockbox must be at least 0"),
        ({"weighting": {"cap": 1.0}}, "weighting.cap must be above 1"),
        ({"valid_share": 1.0}, r"valid_share must lie in \(0, 1\)"),
    ],
)
def test_what_cannot_be_walked_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        override(recipe("default"), changes)


def test_the_defaults_are_the_recipe() -> None:
    assert Config() == recipe("default")
    assert forecaster_of(Config(), "lstm").settings == Config().lstm  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "changes", [{"batch_size": 0}, {"learning_rate": 0.0}, {"stretch": 0}, {"width": 0}, {"epochs": 0}]
)
def test_a_network_refuses_nothing_at_all(changes: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(changes))):
        override(Config(), {"lstm": changes})
