"""A run is repeated to the bit, or it is said what differs."""

from __future__ import annotations

import json
import shutil
from dataclasses import astuple, replace
from pathlib import Path

import polars as pl
import pytest

from geiger.errors import DataError, SettingError
from geiger.experiment.plan import plan
from geiger.experiment.replay import changes_since, replay
from geiger.experiment.run import backtest, run
from geiger.experiment.written import Run
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.saved import model_of
from helpers.runs import LOCKED, MODELS, stack_experiment, stored_of


@pytest.mark.slow
def test_every_kind_of_run_is_repeated_to_the_bit(
    stack_place: Path, planted: pl.DataFrame, stack_run: Run, stack_stored: StoredRun
) -> None:
    runs = RunsFolder(stack_run.folder.parent)
    done = replay(stack_stored, runs)
    assert done.same
    assert done.changes == ()
    assert [one.what for one in done.comparisons] == [
        f"{name} forecasts{which}" for name in (*MODELS, "stack") for which in ("", " behind the scored days")
    ]
    assert all(one.rows > 100 for one in done.comparisons[::2])
    assert all(one.rows == 1 for one in done.comparisons[1::2])  # nothing is locked: the last row but one
    ridge = replay(runs.load(stack_stored.record.bases["ridge"]), runs)
    assert ridge.same
    planned = plan(stack_experiment(stack_place, planted))
    traded = backtest(planned, stack_stored)
    again = replay(runs.load(traded.name), runs)
    assert again.same
    assert [one.what for one in again.comparisons] == ["ledger"]


def test_a_run_with_context_is_repeated_with_the_context_it_had(
    tmp_path: Path, planted_folder: Path, planted: pl.DataFrame
) -> None:
    text = (planted_folder / "AAPL.csv").read_text()
    for name, step in (("^GSPC", 2), ("^VIX", 3)):  # other levels, moving otherwise
        lines = text.splitlines()
        cells = [line.split(",") for line in lines[1:]]
        moved = [
            [day, *(f"{float(v) * (1 + 0.01 * (i % step)):.6f}" for v in rest)]
            for i, (day, *rest) in enumerate(cells)
        ]
        (planted_folder / f"{name}.csv").write_text("\n".join([lines[0], *map(",".join, moved)]) + "\n")
    made = run(
        replace(
            stack_experiment(tmp_path, planted, model="ridge"),
            prices=None,
            data=planted_folder,
            context="^GSPC",
        )
    )
    runs = RunsFolder(made.folder.parent)
    stack_stored = runs.load(made.name)
    assert None not in astuple(stack_stored.record.data.context)  # both, and the hash of each
    assert replay(stack_stored, runs).same
    without = run(
        replace(
            stack_experiment(tmp_path, planted, model="ridge"),
            prices=None,
            data=planted_folder,
            context="none",
        )
    )
    assert not without.forecasts["forecast"].equals(made.forecasts["forecast"])  # it matters here


def test_a_replay_notices_what_differs(stack_run: Run, stack_stored: StoredRun, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(stack_run.folder.parent, root)
    runs = RunsFolder(root)
    path = root / stack_stored.record.bases["ridge"]
    frame = pl.read_parquet(path / "forecasts.parquet")
    moved = frame.with_columns(
        forecast=pl.when(pl.int_range(pl.len()) == 7)
        .then(pl.col("forecast") * (1 + 2e-16) + 1e-18)
        .otherwise("forecast")
    )
    moved.write_parquet(path / "forecasts.parquet")
    facts = json.loads((path / "run.json").read_text())
    facts["environment"]["versions"]["numpy"] = "1.0"
    facts["environment"]["threads"] = 99
    (path / "run.json").write_text(json.dumps(facts))
    own = runs.load(path.name)
    done = replay(own, runs)
    assert not done.same
    assert done.comparisons[0].identical == done.comparisons[0].rows - 1
    assert any("numpy: 1.0 then" in change for change in changes_since(own))
    assert any("threads: 99 then" in change for change in changes_since(own))


def test_a_run_whose_data_are_gone_says_so(stack_run: Run, stack_stored: StoredRun, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(stack_run.folder.parent, root)
    shutil.rmtree(root / "snapshots")
    runs = RunsFolder(root)
    with pytest.raises(DataError, match="the data it used are gone"):
        replay(runs.load(stack_stored.name), runs)


def test_a_users_own_estimator_is_not_kept_and_not_repeated(tmp_path: Path, planted: pl.DataFrame) -> None:
    from sklearn.linear_model import LinearRegression

    made = run(replace(stack_experiment(tmp_path, planted, model="ridge"), estimator=LinearRegression()))
    runs = RunsFolder(made.folder.parent)
    assert not (made.folder / "model").exists()
    with pytest.raises(DataError, match="left no model to use"):
        model_of(runs.load(made.name))
    with pytest.raises(SettingError, match="estimator of your own"):
        replay(runs.load(made.name), runs)


def test_sealed_forecasts_are_repeated_to_the_bit(locked_run: Run) -> None:
    done = replay(stored_of(locked_run), RunsFolder(locked_run.folder.parent))
    assert done.same
    assert {one.rows for one in done.comparisons if "behind" in one.what} == {LOCKED + 1}
