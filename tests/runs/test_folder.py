"""The run folder: complete or absent, and read back without running anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.runs.folder import Part, Parts, RunsFolder, code_hash, environment, key_of


def part() -> Part:
    return Part({"test_forecast": np.array([0.1, -0.2]), "fit_rows": np.arange(3)}, {"train_mean": 0.5})


def test_a_part_comes_back_as_it_was(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "key")
    parts.save(3, part())
    back = parts.load(3)
    assert back is not None
    assert back.facts == {"train_mean": 0.5}
    assert all(np.array_equal(back.arrays[name], value) for name, value in part().arrays.items())
    assert parts.load(4) is None


@pytest.mark.parametrize("damage", ["cut", "garbage", "pickle"])
def test_a_damaged_part_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    parts = Parts(tmp_path)
    parts.save(0, part())
    path = tmp_path / "fold_0000.npz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "garbage":
        path.write_bytes(b"no archive")
    else:  # an array of objects would need code to load
        np.savez(path, facts=np.array([{"a": 1}], dtype=object))
    assert parts.load(0) is None


def test_a_folder_without_run_json_is_no_run(tmp_path: Path) -> None:
    runs = RunsFolder(tmp_path)
    (tmp_path / "AAPL_gbm_xgb_20240105_143022").mkdir()
    assert runs.all() == []
    with pytest.raises(DataError, match="no finished run"):
        runs.load("AAPL_gbm_xgb_20240105_143022")


@pytest.mark.parametrize("name", ["../AAPL_ridge_20240105_143022", "/etc/passwd", "..", ""])
def test_a_run_name_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no run name"):
        RunsFolder(tmp_path).load(name)


def test_the_newest_run_with_a_key_is_found(tmp_path: Path) -> None:
    runs = RunsFolder(tmp_path)
    for second, when in enumerate(("2024-01-05T14:30:20", "2024-01-05T14:30:22", "2024-01-05T14:30:21")):
        runs.save(f"AAPL_ridge_20240105_14302{second}", {"forecast_key": "k", "finished_at": when}, {})
    runs.save("MSFT_ridge_20240105_143029", {"forecast_key": "other", "finished_at": "2025"}, {})
    found = runs.find("k")
    assert found is not None
    assert found.name == "AAPL_ridge_20240105_143021"
    assert runs.find("none") is None


def test_keys_see_content_and_not_order() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})


def test_the_environment_names_what_bits_depend_on() -> None:
    facts = environment()
    assert facts["code"] == code_hash()
    assert {"numpy", "polars", "lightgbm", "catboost"} <= set(facts["versions"])
    assert facts["threads"] >= 1
