"""A setting refuses whatever it cannot be, wherever it comes from, and says where and what it may be."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, dataclass, fields
from typing import Any, ClassVar, Literal

import pytest

from geiger.errors import SettingError
from geiger.settings import Config, LSTMSettings, as_dict, override, recipe
from geiger.settings.setting import MARK, About, Settings, known_settings, section, setting


@dataclass(frozen=True)
class Inner(Settings):
    section: ClassVar[str] = "inner"
    share: float = setting(0.5, "A share.", above=0, most=1)
    sizes: tuple[int, ...] = setting((1,), "Sizes.", least=1)
    word: Literal["left", "right"] = setting("left", "A side.")


@dataclass(frozen=True)
class Outer(Settings):
    days: int | None = setting(None, "Days.", unit="days", least=1)
    on: bool = setting(False, "A switch.")
    inner: Inner = section(Inner, "The rest.")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"days": 0}, "days must be at least 1, got 0"),
        ({"days": 1.0}, r"'days' must be int \| None, got 1.0"),
        ({"days": True}, "'days' must be int"),
        ({"days": "7"}, "'days' must be int"),
        ({"days": 10**400}, r"days must lie within 64 bits, got 10{17}\.\.\.0+$"),
        ({"days": -(2**63)}, r"days must lie within 64 bits, got -9223372036854775808"),
        ({"on": 1}, "'on' must be bool, got 1"),
        ({"on": None}, "'on' must be bool, got None"),
        ({"dais": 1}, r"no setting 'dais': did you mean 'days'\?"),
        ({"d" * 5000: 1}, "no setting 'd{40}': known"),
        ({7: 1}, "no setting '7': known"),
        ({"inner": 5}, "'inner' is a table, got 5"),
        ({"inner": {"share": 0}}, r"inner.share must lie in \(0, 1\], got 0.0"),
        ({"inner": {"share": math.nan}}, "'inner.share' must be a finite number, got nan"),
        ({"inner": {"share": math.inf}}, "'inner.share' must be a finite number, got inf"),
        ({"inner": {"share": 10**400}}, "'inner.share' must be float"),
        ({"inner": {"share": None}}, "'inner.share' must be float"),
        ({"inner": {"sizes": [2, 0]}}, "inner.sizes must be at least 1, got 0"),
        ({"inner": {"sizes": [2, 1.5]}}, "'inner.sizes' must be int, got 1.5"),
        ({"inner": {"sizes": 2}}, "'inner.sizes' must be tuple"),
        ({"inner": {"word": "rihgt"}}, r"inner.word: no 'rihgt'; did you mean 'right'\?"),
        ({"inner": {"word": 3}}, "inner.word: no 3; known: left, right"),
        ({"inner": {"wrod": "left"}}, r"no setting 'inner.wrod': did you mean 'word'\?"),
    ],
)
def test_a_wrong_value_is_refused_with_place_and_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        override(Outer(), changes)


def test_construction_refuses_what_an_override_would() -> None:
    with pytest.raises(SettingError, match=r"inner.share must lie in \(0, 1\]"):
        Inner(share=2.0)
    with pytest.raises(SettingError, match="'inner' must be Inner"):
        Outer(inner={"share": 0.1})  # type: ignore[arg-type]


def test_whole_numbers_serve_as_floats_and_lists_as_tuples() -> None:
    made = Inner(share=1, sizes=[3, 4])  # type: ignore[arg-type]
    assert (made.share, type(made.share), made.sizes) == (1.0, float, (3, 4))
    assert hash(made) == hash(Inner(1.0, (3, 4)))
    with pytest.raises(FrozenInstanceError):
        made.share = 0.2  # type: ignore[misc]


def test_an_override_changes_what_it_names_and_nothing_else() -> None:
    changed = override(Outer(), {"days": 4, "inner": {"word": "right"}})
    assert changed == Outer(days=4, inner=Inner(word="right"))
    assert override(changed, {"days": None}).days is None
    assert override(Outer(), as_dict(changed)) == changed


def test_the_settings_of_a_network_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(SettingError, match=r"lstm.feeding: no 'dens'; did you mean 'dense'\?"):
        override(recipe("default"), {"lstm": {"feeding": "dens", "lookback": -3}})
    with pytest.raises(SettingError, match=r"lstm.lookback must be at least 1, got -3"):
        override(recipe("default"), {"lstm": {"lookback": -3}})


@pytest.mark.parametrize(
    ("about", "inside", "outside"),
    [
        (About("", least=1), [1, 2], [0.9]),
        (About("", above=1), [1.1], [1, 0]),
        (About("", least=0, below=1), [0, 0.9], [-0.1, 1]),
        (About("", most=2), [2, -5], [2.1]),
    ],
)
def test_bounds(about: About, inside: list[float], outside: list[float]) -> None:
    assert all(about.admits(number) for number in inside)
    assert not any(about.admits(number) for number in outside)
    assert about.range()


def test_every_setting_there_is_says_what_it_means() -> None:
    seen = 0
    records: list[type[Settings]] = [Config]
    for record in records:
        assert all(MARK in item.metadata for item in fields(record))
        for name, item in known_settings(record).items():
            assert item.about.meaning.endswith("."), name
            records += [item.section] if item.section is not None else []
            seen += item.section is None
    assert seen > 100


def test_old_flat_settings_of_a_run_are_read_again() -> None:
    """What `run.json` holds is what `override` takes, sections and JSON's lists included."""
    config = recipe("plan")
    stored = as_dict(config)
    stored["lstm"]["lstm"] = list(stored["lstm"]["lstm"])
    assert override(recipe("default"), stored) == config
    assert isinstance(config.lstm, LSTMSettings)
