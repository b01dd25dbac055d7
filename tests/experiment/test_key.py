"""Stored forecasts serve again for the same data and settings, wherever the data lie, and for no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from geiger.experiment import key as keys
from geiger.experiment.key import economic_key, forecast_key, stack_key, trial_key
from geiger.experiment.plan import plan
from geiger.runs.record import OwnPart, OwnParts
from helpers.runs import experiment, small


def test_what_the_data_are_counts_and_not_where_they_lie(tmp_path: Path, market: pl.DataFrame) -> None:
    material = plan(experiment(tmp_path, market)).material
    data, key = material.provenance, forecast_key(small(), material, "ridge")
    moved = replace(material, provenance=replace(data, source="folder", where="elsewhere"))
    assert forecast_key(small(), moved, "ridge") == key
    others = (
        replace(material, provenance=replace(data, data_hash="0" * 64)),
        replace(material, provenance=replace(data, last_day="2031-01-02")),
        replace(material, fill="close"),
        replace(material, symbol="OTHER"),
    )
    keys = {
        key,
        *(forecast_key(small(), one, "ridge") for one in others),
        forecast_key(small(), material, "lgb"),
    }
    assert len(keys) == 6


def test_own_parts_count_by_their_hashes_and_leave_other_keys_alone(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    material = plan(experiment(tmp_path, market)).material
    part = OwnPart(name="mine.py:gap", where="/mine.py", digest="a", values="b", columns=("gap",))

    def key(**own: OwnPart) -> str:
        return forecast_key(small(), replace(material, own=OwnParts(**own)), "ridge")

    assert key() == forecast_key(small(), material, "ridge", None)
    assert key(features=part) == key(features=replace(part, where="/elsewhere/mine.py"))
    others = [replace(part, **{name: "c"}) for name in ("name", "digest", "values")]
    keys = {key(), key(features=part), key(target=part), *(key(features=other) for other in others)}
    keys.add(forecast_key(small(), material, "ridge", part))
    assert len(keys) == 7


def test_a_try_is_the_same_on_more_days_under_another_name_and_with_other_libraries(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    material = plan(experiment(tmp_path, market)).material
    data, key = material.provenance, trial_key(small(), material, "ridge")
    grown = replace(data, data_hash="0" * 64, last_day="2031-01-02", rows=data.rows + 1, where="elsewhere")
    assert trial_key(small(), replace(material, provenance=grown, symbol="OTHER"), "ridge") == key
    monkeypatch.setattr(keys, "environment", lambda: None)
    assert trial_key(small(), material, "ridge") == key
    other_context = replace(data, context=replace(data.context, market="^OTHER"))
    tries = {
        key,
        trial_key(small(), material, "lgb"),
        trial_key(small(seed=7), material, "ridge"),
        trial_key(small(clip=4.0), material, "ridge"),
        trial_key(small(end="2020-01-02"), material, "ridge"),
        trial_key(small(), replace(material, fill="close"), "ridge"),
        trial_key(small(), replace(material, provenance=other_context), "ridge"),
    }
    assert len(tries) == 7


def test_a_try_has_the_code_of_own_parts_and_not_their_numbers(tmp_path: Path, market: pl.DataFrame) -> None:
    material = plan(experiment(tmp_path, market)).material
    code = OwnPart(name="mine.py:gap", where="/mine.py", digest="a", values="b", columns=("gap",))
    frame = OwnPart(name="mine.parquet", where="/mine.parquet", digest="a", values="b")

    def key(part: OwnPart | None) -> str:
        return trial_key(small(), replace(material, own=OwnParts(features=part)), "ridge")

    assert key(code) == key(replace(code, values="c", where="/elsewhere/mine.py"))
    in_memory = OwnPart(name="gap", values="b")  # nothing but its numbers tells it from another
    assert key(in_memory) != key(replace(in_memory, values="c"))
    tries = {
        key(None),
        key(code),
        key(frame),
        key(replace(frame, digest="d")),
        key(replace(code, digest="d")),
        key(replace(code, name="m.py:b")),
    }
    assert len(tries | {trial_key(small(), material, "ridge", code)}) == 7


def test_trading_settings_are_tries_at_trading_alone(tmp_path: Path, market: pl.DataFrame) -> None:
    material = plan(experiment(tmp_path, market)).material
    other = small(trading={"risk": "aggressive"})
    assert trial_key(other, material, "ridge") == trial_key(small(), material, "ridge")
    assert economic_key("a", other) != economic_key("a", small())
    assert economic_key("a", small()) != economic_key("b", small())


def test_a_stack_is_another_with_another_base_run_or_other_weighing() -> None:
    bases = {"ridge": "a", "lgb": "b"}
    keys = {
        stack_key(small(), bases),
        stack_key(small(), {**bases, "lgb": "c"}),
        stack_key(small(), {"ridge": "a"}),
        stack_key(small(stack={"meta": "equal"}), bases),
    }
    assert len(keys) == 4
    assert stack_key(small(trading={"cost_bps": 20.0}), bases) in keys
