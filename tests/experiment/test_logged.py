"""What a log says of a run, and of one that failed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from geiger.errors import TrainingError
from geiger.experiment.logged import Logged, own_lines, own_settings
from geiger.experiment.run import run
from geiger.records import Epoch, FoldResult, Outcome, Status
from geiger.runlog import RunLogWriter, read_log
from geiger.runs.record import NOTHING_OWN, OwnPart, OwnParts
from helpers.runs import Constant, experiment


def test_log_run_folder_and_result_tell_the_same(tmp_path: Path, market: pl.DataFrame) -> None:
    done = run(experiment(tmp_path, market))
    assert done.log is not None
    log, facts = read_log(done.log), json.loads((done.folder / "run.json").read_text())
    assert log.status == facts["status"] == done.status
    assert log.figures == done.evaluation.figures
    assert [figure.value for figure in log.figures] == [f["value"] for f in facts["results"]["figures"]]
    assert log.checkpoints == done.evaluation.checkpoints
    assert log.scorecard.rungs == done.evaluation.rungs
    assert log.warnings == done.notices
    assert len(log.folds) == len(facts["folds"]) == done.forecasts["fold"].n_unique()
    assert log.verdict == ("not evaluated",)


def test_what_is_the_users_own_has_a_line_each() -> None:
    columns = tuple(f"x{i}" for i in range(23))
    features = OwnPart(name="mine.py:gap", digest="0123456789abcdef" * 4, columns=columns)
    own = OwnParts(features=features, estimator=OwnPart(name="Lasso(alpha=1.0)"))
    shown = ", ".join(columns[:20])
    assert own_lines(own) == [
        ("features", f"mine.py:gap (hash 0123456789ab): {shown} and 3 more"),
        ("estimator", "Lasso(alpha=1.0) (in memory)"),
    ]
    assert own_settings(own)["features"] == 154 + 23
    assert own_settings(NOTHING_OWN) == {"features": 154}


def test_a_model_that_fails_leaves_a_log_that_says_so(tmp_path: Path, market: pl.DataFrame) -> None:
    with pytest.raises(TrainingError):
        run(replace(experiment(tmp_path, market), estimator=Constant(float("nan"))))
    (path,) = (tmp_path / "logs").glob("TEST_own_*.log")
    log = read_log(path)
    assert log.status is Status.FAILED
    assert [notice.code for notice in log.warnings][-1] == "TRAINING_FAILED"
    assert log.checkpoints[0].outcome is Outcome.FAIL


def test_of_an_epoch_that_happens_the_log_gets_what_helps(tmp_path: Path) -> None:
    heard: list[Epoch] = []
    with RunLogWriter(tmp_path, "SPY", "lstm", shown=(1, 0)) as log:
        logged = Logged(log, lambda fold: None, heard.append, shown=(1, 0), every=5)
        told = [Epoch(n, 0.9, 1.0, 0.1, 52.0, fold=fold) for fold in (0, 1) for n in range(12)]
        for epoch in told:
            logged.happened(epoch)
        result = FoldResult(0, *["2010-01-04"] * 6, 1000, 100, 252, (60,), 1.0)
        done: Any = SimpleNamespace(result=result, epochs=(), trainings=())
        logged.trained(done)
        logged.happened(replace(told[0], epoch=15))
    assert heard == told, "of what comes late nobody is told"
    assert log.path is not None
    found = read_log(log.path).progress
    assert [one.epoch for one in found if one.fold == 0] == [1, 5, 10]
    assert [one.epoch for one in found if one.fold == 1] == list(range(12))
