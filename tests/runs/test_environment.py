"""What bits depend on, and the keys that are made of it."""

from __future__ import annotations

from geiger.runs.environment import code_hash, environment, key_of


def test_keys_see_content_and_not_order() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})


def test_the_environment_names_what_bits_depend_on() -> None:
    now = environment()
    assert now.code == code_hash()
    assert {"numpy", "polars", "lightgbm", "catboost"} <= set(now.versions)
    assert now.threads >= 1
