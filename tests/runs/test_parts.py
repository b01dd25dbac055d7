"""Finished folds of a run that was killed: whole, or as good as absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geiger.runs.parts import Part, Parts


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
