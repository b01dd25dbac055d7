"""Many runs: their order, what is not done twice, and what one failure leaves to the others."""

from __future__ import annotations

import importlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.errors import TrainingError
from geiger.evidence.trials import Line, Register
from geiger.experiment.plan import plan
from geiger.experiment.run import run as unjudged
from geiger.judging.validate import Asked, Entry, Heard, lay_out, pooled, validate
from geiger.panel.engines import LocalEngine
from geiger.records import Status
from geiger.runlog.reader import read_text
from geiger.runs.environment import environment
from geiger.settings import override
from helpers.validations import HereEngine, asked, price_folder, validated

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return price_folder(tmp_path_factory.mktemp("validate") / "prices")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, data: Path) -> tuple[Asked, list[Entry]]:
    """Two models on two symbols."""
    what = asked(tmp_path_factory.mktemp("done"), data, ("ridge", "lgb"))
    return what, validated(what)


@pytest.fixture
def copy(tmp_path: Path, done: tuple[Asked, list[Entry]]) -> tuple[Asked, list[Entry]]:
    """The same, to be changed."""
    shutil.copytree(done[0].runs_dir.parent, tmp_path / "copy")
    moved = {"runs_dir": tmp_path / "copy" / "runs", "log_dir": tmp_path / "copy" / "training_logs"}
    return replace(done[0], **moved), done[1]


def lines(what: Asked) -> tuple[Line, ...]:
    return Register(what.runs.trials).lines()


def forecasts(what: Asked, entry: Entry) -> bytes:
    assert entry.run is not None, entry.error
    return (what.runs.load(entry.run).folder / "forecasts.parquet").read_bytes()


def test_runs_are_registered_in_the_order_asked_for_whoever_was_ready_first(
    done: tuple[Asked, list[Entry]],
) -> None:
    first = [one for one in lines(done[0]) if one.rerun_of is None and one.trial.kind == "skill"]
    assert [(one.trial.symbol, one.trial.model) for one in first] == [
        ("AAA", "ridge"),
        ("AAA", "lgb"),
        ("BBB", "ridge"),
        ("BBB", "lgb"),
    ]


def test_all_verdicts_count_all_tries(done: tuple[Asked, list[Entry]]) -> None:
    what, entries = done
    verdicts = [what.runs.load(str(entry.run)).record.verdict for entry in entries]
    assert [one.tries.skill for one in verdicts if one is not None and one.tries is not None] == [2, 2, 2, 2]


def test_a_run_is_the_one_that_train_makes(tmp_path: Path, done: tuple[Asked, list[Entry]]) -> None:
    what, entries = done
    alone = unjudged(plan(replace(entries[0].experiment, runs_dir=tmp_path / "r", log_dir=tmp_path / "l")))
    assert (alone.folder / "forecasts.parquet").read_bytes() == forecasts(what, entries[0])
    log = what.runs.load(str(entries[0].run)).record.log
    assert log is not None
    assert read_text(Path(log)).status is alone.status


def test_the_same_again_trains_and_registers_nothing(copy: tuple[Asked, list[Entry]]) -> None:
    what, before = copy
    engine, known = HereEngine(), lines(what)
    again = validated(what, engine)
    assert [entry.run for entry in again] == [entry.run for entry in before]
    assert engine.done == []
    assert lines(what) == known


def test_other_trading_is_another_run(copy: tuple[Asked, list[Entry]]) -> None:
    what, before = copy
    dearer = replace(what, configs=(override(what.configs[0], {"trading": {"cost_bps": 50.0}}),))
    again = validated(dearer)
    assert not {entry.run for entry in again} & {entry.run for entry in before}
    assert [forecasts(dearer, entry) for entry in again] == [forecasts(what, entry) for entry in before]


def test_a_run_that_was_killed_as_it_ended_is_ended_again(copy: tuple[Asked, list[Entry]]) -> None:
    """Its record is there, its log has no end, its folds are still kept."""
    what, before = copy
    stored, counting = what.runs.load(str(before[0].run)), sum(one.counts for one in lines(what))
    log = what.log_dir / f"{stored.name}.log"
    assert stored.record.log is not None
    text = log.read_text()
    planned = plan(replace(before[0].experiment, runs_dir=what.runs_dir, log_dir=what.log_dir))
    parts = planned.parts()
    assert parts is not None
    parts.folder.mkdir(parents=True)
    assert lay_out(what)[0].run == stored.name  # the log has its end: only the folds were left
    assert not parts.folder.exists()
    parts.folder.mkdir(parents=True)
    Path(stored.record.log).write_text(text[: text.index("=== STATUS ===")])
    try:
        engine = HereEngine()
        again = validated(what, engine)
    finally:
        Path(stored.record.log).write_text(text)
    assert again[0].run != stored.name
    assert forecasts(what, again[0]) == forecasts(what, before[0])
    assert sum(one.counts for one in lines(what)) == counting


def test_one_lost_job_and_one_bad_symbol_stop_nothing_else(tmp_path: Path, data: Path) -> None:
    what = asked(tmp_path, data, symbols=("AAA", "NONE", "BBB"))
    ended: list[str] = []
    lost, bad, good = validated(what, HereEngine(lose="AAA"), Heard(ended=lambda one: ended.append(one.name)))
    assert (lost.error, lost.failed, lost.run) == ("its worker went away", True, None)
    assert bad.error is not None
    assert "NONE" in bad.error
    assert not bad.failed
    assert good.run is not None
    assert ended == ["AAA ridge", "NONE ridge", "BBB ridge"]
    assert {one.trial.symbol for one in lines(what)} == {"BBB"}
    again = validated(what)  # the lost one is tried again, and only that
    assert [entry.run is not None for entry in again] == [True, False, True]
    assert again[2].run == good.run


def test_what_workers_cannot_do_is_said_and_a_failed_fit_is_logged(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, forecaster: Any, config: Any, task: Any) -> Any:
        raise TrainingError(f"fold {task.fold.index}: no such luck")

    what = asked(tmp_path, data, symbols=("AAA",))
    with monkeypatch.context() as patch:
        patch.setattr("geiger.experiment.portion.environment", lambda: replace(environment(), python="2.7"))
        (other,) = validate(what, _wanting_python(lay_out(what), "3"), HereEngine())
    assert (other.run, other.failed) == (None, True)
    assert other.error is not None
    assert "a worker has python 2.7 in place of 3" in other.error
    monkeypatch.setattr("geiger.experiment.workers.train_fold", broken)
    (failed,) = validated(what)
    assert failed.error is not None
    assert "no such luck" in failed.error
    (log,) = what.log_dir.glob("AAA_ridge_*.log")
    assert read_text(log).status is Status.FAILED


def _wanting_python(entries: list[Entry], version: str) -> list[Entry]:
    return [
        replace(
            entry,
            wanted=tuple(
                (replace(one, portion=replace(one.portion, python=version)), parts)
                for one, parts in entry.wanted
            ),
        )
        for entry in entries
    ]


def test_a_model_alone_and_in_a_stack_is_trained_once(tmp_path: Path, data: Path) -> None:
    stack: dict[str, Any] = {"models": ("ridge",), "min_rows": 40, "meta": "nnls"}
    what = asked(tmp_path, data, ("stack", "ridge"), symbols=("AAA",), stack=stack, refit=60)
    engine = HereEngine()
    weighed, alone = validated(what, engine)
    assert len(engine.done) == len(set(engine.done))
    assert what.runs.load(str(weighed.run)).record.bases == {"ridge": alone.run}


@pytest.mark.slow
def test_processes_leave_the_same_runs(tmp_path: Path, data: Path, done: tuple[Asked, list[Entry]]) -> None:
    what = asked(tmp_path, data, ("ridge", "lgb"))
    entries = lay_out(what)
    assert all(entry.seconds > 0.0 for entry in entries)
    found = validate(what, entries, LocalEngine(2))
    assert [forecasts(what, one) for one in found] == [forecasts(done[0], one) for one in done[1]]


def test_too_few_symbols_are_no_panel_and_it_is_said(done: tuple[Asked, list[Entry]]) -> None:
    what = replace(done[0], panel="PAIR", panel_configs=done[0].configs, models=("ridge",))
    (one,) = pooled(what)
    assert one.run is None
    assert one.error is not None
    assert "2 symbols, and a day counts from 10 on" in one.error
    assert not one.failed
    assert pooled(done[0]) == []


@pytest.mark.slow
def test_after_a_kill_at_a_write_the_same_command_ends_the_same(tmp_path: Path) -> None:
    """At a handful of places; bench/kills.py takes all of them, and moments at random."""
    sys.path.insert(0, str(BENCH))
    try:
        kills = importlib.import_module("kills")
    finally:
        sys.path.remove(str(BENCH))
    whole = kills.validated(kills.make(tmp_path / "whole"))
    undisturbed = kills.content(tmp_path / "whole")
    assert len(undisturbed) == 3  # two runs and the tries
    for part in (0.3, 0.75):
        at = int(part * whole.writes)
        assert kills.faults(tmp_path / str(at), undisturbed, at=at, after=None) == []
