"""A killed run goes on with what it left, to the bit."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.experiment.plan import plan
from geiger.experiment.resume import part_of, sealed_part, stored_fold, stored_sealed
from geiger.experiment.run import run
from geiger.experiment.written import Run
from geiger.records import Training
from geiger.runlog import read_log
from geiger.runs.parts import Parts
from helpers.folds import fold_output, folds_of
from helpers.runs import (
    experiment,
    locked_experiment,
    network_experiment,
    network_settings,
    runs_of,
    stored_of,
)
from helpers.stacks import material

TRAINING = Training(
    **{"loss": "mse", "target_unit": "standardised", "target_std": 0.012, "weight_decay": 0.1},
    **{"learning_rate": 1e-3, "final_learning_rate": 5e-4, "epochs": 5, "best_epoch": 3, "steps": 40},
    **{"head_gradient_first": 0.2, "head_gradient_last": 0.1, "k_train": 0.1, "rho_train": None},
    **{"nrc1": 0.5, "nrc2": 0.25, "copies_yesterday": None},
)


def test_a_killed_run_goes_on_over_the_lock_box_with_what_it_has(
    tmp_path: Path, planted: pl.DataFrame, locked_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    work = locked_experiment(tmp_path, planted, "ridge")
    folds = len(plan(work).folds)
    real = Parts.save

    def save(self: Parts, fold: int, part: Any) -> None:
        real(self, fold, part)
        if fold == folds + 1:  # the second block behind the scored ones
            raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "save", save)
        with pytest.raises(PowerCut):
            run(work)
    import geiger.experiment.workers

    trainings: list[int] = []
    train = geiger.experiment.workers.train_fold
    monkeypatch.setattr(
        geiger.experiment.workers,
        "train_fold",
        lambda m, f, c, task: trainings.append(task.fold.index) or train(m, f, c, task),
    )
    again = stored_of(run(work))
    assert trainings == [folds + 2, folds + 3]
    ridge = next(one for one in runs_of(locked_run) if one.record.model == "ridge")
    assert again.sealed().equals(ridge.sealed())
    assert again.forecasts().equals(ridge.forecasts())


@pytest.mark.slow
def test_a_broken_run_of_networks_goes_on_with_the_folds_it_has(
    tmp_path: Path, market: pl.DataFrame, network_run: Run
) -> None:
    class PowerCut(BaseException):
        pass

    def cut(output: Any) -> None:
        raise PowerCut

    broken = network_experiment(tmp_path, market, config=network_settings(workers=2))
    with pytest.raises(PowerCut):
        run(broken, on_fold=cut)
    resumed: list[bool] = []
    done = run(broken, on_fold=lambda output: resumed.append(output.resumed))
    assert resumed == [True, False, False]
    assert done.forecasts.equals(network_run.forecasts)
    assert done.evaluation.diagnosis == network_run.evaluation.diagnosis


def test_a_broken_run_goes_on_with_the_folds_it_has(tmp_path: Path, market: pl.DataFrame) -> None:
    class PowerCut(BaseException):
        pass

    def cut_after_two(output: Any) -> None:
        if output.result.fold == 1:
            raise PowerCut

    whole = run(experiment(tmp_path / "whole", market, "lgb"))
    broken = experiment(tmp_path / "broken", market, "lgb")
    with pytest.raises(PowerCut):
        run(broken, on_fold=cut_after_two)
    (log,) = (tmp_path / "broken" / "logs").glob("*.log")
    assert read_log(log).status is None
    resumed: list[bool] = []
    done = run(broken, on_fold=lambda output: resumed.append(output.resumed))
    assert resumed == [True, True, *[False] * (len(resumed) - 2)]
    assert "folds 0, 1 were finished" in next(n.text for n in done.notices if n.code == "RESUMED")
    assert done.forecasts.equals(whole.forecasts)
    assert done.evaluation.figures == whole.evaluation.figures
    assert not list((tmp_path / "broken" / "runs" / ".parts").iterdir())


def test_a_fold_comes_back_whole_and_says_that_it_was_stored(tmp_path: Path) -> None:
    known, parts = material(), Parts(tmp_path)
    first, second, *_ = folds_of(known)
    output = fold_output(known, first, importances=np.array([0.25, 0.75]), trainings=(TRAINING,))
    parts.save(first.index, part_of(output))
    back = stored_fold(parts, first)
    assert back is not None
    assert back.resumed
    for field in fields(output):
        if field.name not in ("resumed", "trained"):
            assert np.size(getattr(output, field.name)), f"{field.name}: nothing that could be lost"
            np.testing.assert_equal(getattr(back, field.name), getattr(output, field.name))
    assert back.trained is None
    assert stored_fold(parts, second) is None
    assert stored_fold(None, first) is None


def test_of_a_fold_over_the_lock_box_only_the_forecasts_are_kept(tmp_path: Path) -> None:
    known, parts = material(), Parts(tmp_path)
    fold = folds_of(known)[0]
    output = fold_output(known, fold)
    parts.save(fold.index, sealed_part(output))
    back = stored_sealed(parts, fold)
    assert back is not None
    assert set(back.arrays) == {"forecast"}
    np.testing.assert_array_equal(back.arrays["forecast"], output.test_forecast)
    assert back.facts == {"train_std": output.train_std}
    assert stored_sealed(None, fold) is None
