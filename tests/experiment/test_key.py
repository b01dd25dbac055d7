"""Stored forecasts serve again for the same data and settings, wherever the data lie, and for no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from geiger.experiment.key import forecast_key, stack_key
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
