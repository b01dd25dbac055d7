"""Whoever trains the folds, the forecasts are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from threadpoolctl import ThreadpoolController

import geiger.experiment.workers
from geiger.errors import TrainingError
from geiger.experiment.material import LAST_RETURN, Material
from geiger.experiment.plan import plan
from geiger.experiment.run import run
from geiger.experiment.train_fold import Task
from geiger.experiment.workers import AHEAD, MEMBERS_AT_ONCE, _deaf_to_ctrl_c, gpu_at_hand, train_all
from geiger.experiment.written import Run
from geiger.features.catalogue import NAMES
from geiger.models import make
from geiger.records import Epoch
from geiger.runlog import read_log
from geiger.settings.models import GROUPS
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


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C is heard, whatever this process was started from."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


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
@pytest.mark.parametrize("how", [{"workers": 2}, {"workers": 1}, {"parallel": "vmap"}])
def test_epochs_are_told_as_they_happen_and_change_no_bit(
    tmp_path: Path, market: pl.DataFrame, pair_run: Run, how: dict[str, Any]
) -> None:
    heard: list[Epoch] = []
    config = network_settings(seeds=2, **how)
    made = run(network_experiment(tmp_path, market, config=config), on_epoch=heard.append)
    if "workers" in how:
        assert made.forecasts.equals(pair_run.forecasts)
    assert made.log is not None
    log = read_log(made.log)
    told = sorted((e.fold, e.seed, e.epoch, e.val_loss) for e in heard)
    assert told == sorted((e.fold, e.seed, e.epoch, e.val_loss) for e in log.epochs), "and of no locked fold"
    assert sorted({e.fold for e in heard}) == sorted(fold.fold for fold in log.folds)
    lines = made.log.with_suffix(".jsonl").read_text().splitlines()
    first = {kind: next(i for i, line in enumerate(lines) if f'"event": "{kind}"' in line) for kind in KINDS}
    assert first["progress"] < first["epoch"] < first["fold"]
    assert log.unread == ()


KINDS = ("progress", "epoch", "fold")


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
    nothing: Any = None
    tasks = [Task(nothing, fold, ()) for fold in folds_of(material())]
    here: Any = SimpleNamespace(workers="none")
    outputs = train_all("ridge", here, small(), tasks)
    assert trained == []
    assert next(outputs) == 0
    assert trained == [0]
    assert list(outputs) == trained[1:] == [fold.index for fold in folds_of(material())][1:]


def threaded(monkeypatch: pytest.MonkeyPatch, train: Any, workers: int = 2) -> Any:
    """Train twelve tasks, which are numbers, by `train(number)` in threads."""
    monkeypatch.setattr(geiger.experiment.workers, "train_fold", lambda m, f, c, task: train(task))
    library: Any = SimpleNamespace(workers="threads")
    tasks: Any = list(range(12))
    return train_all("lgb", library, small(workers=workers), tasks)


def test_threads_hand_folds_on_in_order_and_do_not_run_away(monkeypatch: pytest.MonkeyPatch) -> None:
    first, begun = threading.Event(), []

    def train(number: int) -> int:
        begun.append(number)
        if number == 0:
            first.wait()
        elif number == AHEAD * 2 - 1:  # the last that may begin before the first one is handed on
            first.set()
        return number

    outputs = threaded(monkeypatch, train)
    assert next(outputs) == 0
    assert set(begun[: AHEAD * 2]) == set(range(AHEAD * 2))
    while threading.active_count() and len(begun) < AHEAD * 2 + 1:
        time.sleep(0.001)  # one more begins for each that is handed on, and no other
    assert sorted(begun) == list(range(AHEAD * 2 + 1))
    assert list(outputs) == list(range(1, 12))
    assert sorted(begun) == list(range(12))


def test_so_many_folds_at_a_time_as_there_are_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    met, names = threading.Barrier(3), set()

    def train(number: int) -> int:
        met.wait()  # would break if fewer than three were trained at a time
        names.add(threading.current_thread().name)
        return number

    assert list(threaded(monkeypatch, train, workers=3)) == list(range(12))
    assert len(names) == 3
    names.clear()
    monkeypatch.setattr(met, "wait", lambda: None)
    assert list(threaded(monkeypatch, train, workers=1)) == list(range(12))
    assert names == {threading.current_thread().name}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fold_has_one_thread_for_linear_algebra(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    def train(_: int) -> set[int]:
        libraries = ThreadpoolController().select(user_api="blas").lib_controllers
        return {one.num_threads for one in libraries}

    with ThreadpoolController().limit(limits=2, user_api="blas"):
        assert list(threaded(monkeypatch, train, workers)) == [{1}] * 12


def test_the_first_fold_that_fails_is_the_one_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    later, begun = threading.Event(), []

    def train(number: int) -> int:
        begun.append(number)
        if number == 3:
            later.set()
        if number == 2:
            later.wait()
        if number >= 2:
            raise TrainingError(f"fold {number}")
        return number

    outputs = threaded(monkeypatch, train)
    assert [next(outputs), next(outputs)] == [0, 1]
    with pytest.raises(TrainingError, match="fold 2"):
        next(outputs)
    assert len(begun) < 12


def featured() -> Material:
    """The material of `helpers.stacks` with the return of the day and noise as features."""
    known = material()
    features = np.random.default_rng(0).normal(size=(known.prices.height, NAMES.index(LAST_RETURN) + 5))
    close = np.log(known.prices["close"].to_numpy())
    features[:, NAMES.index(LAST_RETURN)] = np.diff(close, prepend=0.0)
    return replace(known, features=features, warmup=1)


def endless(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[Any, threading.Event]:
    """Train folds that would take hours in threads; the event is set once trees grow."""
    growing, known = threading.Event(), featured()
    model = make(name, {"max_trees": 10_000_000, **({} if name == "catboost" else {"min_leaf_rows": 20})})
    grow = type(model).grow  # type: ignore[attr-defined]

    def told(*args: Any) -> Any:
        growing.set()
        return grow(*args)

    monkeypatch.setattr(type(model), "grow", told)
    tasks = [Task.of(known, fold) for fold in folds_of(known)]
    return train_all(name, model, small(workers=2, seeds=2), tasks), growing


def ended_within(seconds: float) -> bool:
    """Whether every thread of a fold ends in that time; one that had not even begun cannot be joined."""
    last = time.monotonic() + seconds
    while growing := [one for one in threading.enumerate() if one.name.startswith("fold")]:
        if time.monotonic() > last:
            return False
        if growing[0].is_alive():
            growing[0].join(0.1)
        else:  # enumerated before its start has come back
            time.sleep(0.01)
    return True


@pytest.mark.usefixtures("heard")
@pytest.mark.skipif(os.name == "nt", reason="this system sends no signals to one process")
@pytest.mark.parametrize("name", GROUPS["gbm"])
def test_ctrl_c_ends_what_grows_in_threads(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, growing = endless(monkeypatch, name)

    def interrupt() -> None:
        growing.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        next(outputs)
    assert ended_within(60.0)


@pytest.mark.parametrize("name", GROUPS["gbm"])
def test_number_of_threads_that_train_folds_changes_no_bit(name: str) -> None:
    known = featured()
    tasks = [Task.of(known, fold, keep=True) for fold in folds_of(known)]
    model = make(name, {"max_trees": 30, **({} if name == "catboost" else {"min_leaf_rows": 20})})
    found = []
    for workers in (1, 2, 4):
        outputs = list(train_all(name, model, small(workers=workers, seeds=2), tasks))
        assert [one.result.fold for one in outputs] == [task.fold.index for task in tasks]
        found.append([(one.member_forecast.tobytes(), one.fit_forecast.tobytes()) for one in outputs])
        assert len({one.test_forecast.std() for one in outputs}) == len(tasks)
    assert found[0] == found[1] == found[2]


ALGEBRA = """
import hashlib, sys
import numpy as np
from geiger.experiment.plan import Experiment
from geiger.experiment.run import run
from geiger.market.synthetic import garch_market
from helpers.runs import small

class Lines:
    def fit(self, x, y):
        self.line = np.linalg.lstsq(x, y, rcond=None)[0]
    def predict(self, x):
        return x @ self.line

for workers in (1, 2):
    for name, estimator in (("ridge", None), ("own", Lines())):
        made = run(Experiment(
            "TEST", name, small(workers=workers, refit=200), prices=garch_market(900, 1),
            estimator=estimator, runs_dir=sys.argv[1], log_dir=sys.argv[1],
        ))
        print(name, hashlib.sha256(made.forecasts["forecast"].to_numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_cores_and_workers_change_no_bit_of_linear_algebra(tmp_path: Path) -> None:
    said: set[bytes] = set()
    for threads in ("1", "2"):
        variables = {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
        command = [sys.executable, "-c", ALGEBRA, str(tmp_path / threads)]
        environment = {**os.environ, **variables, "PYTHONPATH": path}
        made = subprocess.run(command, env=environment, capture_output=True, check=True)
        said |= set(made.stdout.splitlines())
    assert len(said) == 2  # one for each model, with any number of either


def test_one_program_holds_so_many_members_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def program(model: str, forecaster: Any, config: Any, tasks: list[Any]) -> list[Any]:
        sizes.append(len(tasks))
        return tasks

    monkeypatch.setattr(geiger.experiment.workers, "_train_program", program)
    network: Any = SimpleNamespace(workers="processes")
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
