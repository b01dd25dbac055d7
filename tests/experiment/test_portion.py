"""Folds that somebody else trains: the same bits, and nothing that does not belong to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.codec import plain
from geiger.errors import DataError
from geiger.experiment.plan import WalkPlan, plan
from geiger.experiment.portion import keep_portion, numbers_of, portions, train_portion
from geiger.experiment.run import run
from geiger.runs.parts import Parts
from helpers.runs import Constant, experiment, small


def walk(folder: Path, prices: pl.DataFrame, model: str = "ridge", **changes: Any) -> WalkPlan:
    planned = plan(experiment(folder, prices, model, small(lockbox=130, **changes)))
    assert isinstance(planned, WalkPlan)
    return planned


def trained(planned: WalkPlan) -> None:
    """Train all portions as a worker does, the last one first."""
    parts = planned.parts()
    assert parts is not None
    for wanted in portions(planned)[::-1]:
        inputs = {name: path.read_bytes() for name, path in wanted.files.items()}
        keep_portion(parts, train_portion(plain(wanted.portion), inputs))


def files(folder: Path) -> dict[str, bytes]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name != "run.json"}


@pytest.mark.parametrize("model", ["ridge", pytest.param("lgb", marks=pytest.mark.slow)])
def test_a_run_of_portions_is_the_run_that_trained_itself(
    tmp_path: Path, planted: pl.DataFrame, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = run(walk(tmp_path / "own", planted, model))
    monkeypatch.setattr("geiger.experiment.portion.MANY", 2)
    planned = walk(tmp_path / "portions", planted, model)
    assert len(portions(planned)) > 2
    trained(planned)
    assert not portions(planned)
    monkeypatch.setattr("geiger.experiment.walk.train_all", lambda *args: _none(args[-1]))
    other = run(planned)
    assert files(other.folder) == files(own.folder)
    assert "model/manifest.json" in files(own.folder)
    assert [notice.code for notice in other.notices] == [notice.code for notice in own.notices]


def _none(tasks: list[Any]) -> Any:
    assert not tasks
    yield from ()


def test_what_came_back_is_not_wanted_again(tmp_path: Path, planted: pl.DataFrame) -> None:
    planned = walk(tmp_path, planted)
    parts, numbers = planned.parts(), numbers_of(planned)
    assert parts is not None
    trained(planned)
    for number in (numbers[0], numbers[-1]):  # a scored fold, and the model for use
        (parts.folder / f"fold_{number:04d}.npz").unlink()
    assert [wanted.portion.folds for wanted in portions(planned)] == [(numbers[0], numbers[-1])]


@pytest.mark.parametrize(
    "name", ["run.json", "use/../../x.npz", "fold_1.npz", "use/a/b.json", "fold_0001.npz.py"]
)
def test_no_other_file_is_kept(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no file of a fold"):
        keep_portion(Parts(tmp_path / "parts"), {"fold_0001.npz": b"", name: b""})
    assert not list(tmp_path.iterdir())


def test_the_part_of_the_model_comes_after_the_model(tmp_path: Path) -> None:
    written: list[str] = []
    content = {"fold_0009.npz": b"", "use/state.json": b"", "use/arrays.npz": b""}
    keep_portion(Parts(tmp_path), content, write=lambda path, _: written.append(path.name))
    assert written[-1] == "fold_0009.npz"


def test_other_code_or_libraries_are_refused(tmp_path: Path, planted: pl.DataFrame) -> None:
    wanted = portions(walk(tmp_path, planted))[0]
    inputs = {name: path.read_bytes() for name, path in wanted.files.items()}
    other = replace(wanted.portion, code="0", versions={**wanted.portion.versions, "numpy": "1.0"})
    with pytest.raises(DataError, match=r"a worker has geiger's own code .*, numpy .* in place of 1\.0"):
        train_portion(plain(other), inputs)


@pytest.mark.parametrize("inputs", [{}, {"prices": b"no parquet"}])
def test_what_is_no_price_frame_is_refused(
    tmp_path: Path, planted: pl.DataFrame, inputs: dict[str, bytes]
) -> None:
    wanted = portions(walk(tmp_path, planted))[0]
    with pytest.raises(DataError, match="prices"):
        train_portion(plain(wanted.portion), inputs)


def test_folds_that_are_not_there_are_refused(tmp_path: Path, planted: pl.DataFrame) -> None:
    wanted = portions(walk(tmp_path, planted))[0]
    inputs = {name: path.read_bytes() for name, path in wanted.files.items()}
    with pytest.raises(DataError, match="has no folds"):
        train_portion(plain(replace(wanted.portion, folds=(999,))), inputs)
    with pytest.raises(DataError, match="no portion of a walk"):
        train_portion({"symbol": "A"}, inputs)


def test_what_is_the_users_own_stays_at_home(tmp_path: Path, planted: pl.DataFrame) -> None:
    own = replace(experiment(tmp_path, planted), estimator=Constant(0.0))
    planned = plan(own)
    assert isinstance(planned, WalkPlan)
    with pytest.raises(DataError, match="what is your own"):
        portions(planned)


def test_a_damaged_model_for_use_is_trained_again(tmp_path: Path, planted: pl.DataFrame) -> None:
    own, planned = run(walk(tmp_path / "own", planted)), walk(tmp_path / "other", planted)
    trained(planned)
    parts = planned.parts()
    assert parts is not None
    (parts.for_use / "arrays.npz").write_bytes(b"damaged")
    other = run(planned)
    assert files(other.folder) == files(own.folder)
    assert np.isfinite(other.forecasts["forecast"].to_numpy()).all()
