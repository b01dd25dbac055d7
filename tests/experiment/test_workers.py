"""Whoever trains the folds, the forecasts are the same."""

from __future__ import annotations

import signal
import threading
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import geiger.experiment.workers
from geiger.experiment.plan import plan
from geiger.experiment.run import run
from geiger.experiment.train_fold import Task
from geiger.experiment.workers import MEMBERS_AT_ONCE, _deaf_to_ctrl_c, gpu_at_hand, train_all
from geiger.experiment.written import Run
from helpers.folds import folds_of
from helpers.runs import (
    LOCKED,
    LSTM,
    ROWS,
    locked_experiment,
    network_experiment,
    network_settings,
    small,
    stored_of,
)
from helpers.stacks import material


@pytest.fixture(scope="module")
def pair_apart(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Run:
    """The run of `pair_run` in two processes."""
    place, config = tmp_path_factory.mktemp("apart"), network_settings(seeds=2, workers=2)
    return run(network_experiment(place, market, config=config))


@pytest.mark.slow
def test_a_network_goes_on_over_the_lock_box_in_processes_and_in_one_program(
    tmp_path: Path, planted: pl.DataFrame
) -> None:
    changes = {"network_refit": 200, "refit": 200, "seeds": 1, "workers": 2, "lstm": {**LSTM, "epochs": 2}}
    apart, together = (
        stored_of(run(locked_experiment(tmp_path / kind, planted, "lstm", parallel=kind, **changes)))
        for kind in ("processes", "vmap")
    )
    one, two = apart.sealed(), together.sealed()
    assert one["day"].to_list() == two["day"].to_list() == planted["day"][ROWS - LOCKED - 2 : -1].to_list()
    scale = float(one["forecast"].std())  # type: ignore[arg-type]
    np.testing.assert_allclose(one["forecast"], two["forecast"], atol=1e-3 * scale)


@pytest.mark.slow
def test_the_same_run_twice_gives_the_same_bits_whatever_the_processes(
    tmp_path: Path, market: pl.DataFrame, pair_run: Run, pair_apart: Run
) -> None:
    assert pair_run.forecasts.equals(pair_apart.forecasts)
    assert pair_run.evaluation.ledger.equals(pair_apart.evaluation.ledger)
    assert plan(network_experiment(tmp_path, market, config=network_settings(workers=1))).key() == (
        plan(network_experiment(tmp_path, market, config=network_settings(workers=2))).key()
    )


@pytest.mark.slow
def test_one_program_forecasts_what_processes_forecast(
    tmp_path: Path, market: pl.DataFrame, pair_apart: Run
) -> None:
    config = network_settings(seeds=2, parallel="vmap")
    together = run(network_experiment(tmp_path, market, config=config)).forecasts["forecast"]
    apart = pair_apart.forecasts["forecast"]
    np.testing.assert_allclose(together, apart, atol=1e-3 * float(np.std(apart.to_numpy())))


def test_folds_are_trained_in_order_and_only_as_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []

    def train(model: str, forecaster: Any, config: Any, task: Task) -> int:
        trained.append(task.fold.index)
        return task.fold.index

    monkeypatch.setattr(geiger.experiment.workers, "train_fold", train)
    tasks = [Task(material(), fold) for fold in folds_of(material())]
    here: Any = SimpleNamespace(apart=False)
    outputs = train_all("ridge", here, small(), tasks)
    assert trained == []
    assert next(outputs) == 0
    assert trained == [0]
    assert list(outputs) == trained[1:] == [fold.index for fold in folds_of(material())][1:]


def test_one_program_holds_so_many_members_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def program(model: str, forecaster: Any, config: Any, tasks: list[Any]) -> list[Any]:
        sizes.append(len(tasks))
        return tasks

    monkeypatch.setattr(geiger.experiment.workers, "_train_program", program)
    network: Any = SimpleNamespace(apart=True)
    tasks: list[Any] = list(range(50))
    done = train_all("lstm", network, small(seeds=3, parallel="vmap"), tasks)
    assert list(done) == tasks
    assert sizes == [21, 21, 8]
    assert 21 * 3 <= MEMBERS_AT_ONCE < 22 * 3


def test_without_a_plug_in_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **chosen: ())
    assert not gpu_at_hand()


def test_processes_start_deaf_to_ctrl_c_and_this_one_hears_again() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _deaf_to_ctrl_c():
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) == before
    seen: list[Any] = []

    def elsewhere() -> None:
        with _deaf_to_ctrl_c():  # only the main thread may choose who hears
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [before]
