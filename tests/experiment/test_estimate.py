"""The time that a walk will take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from geiger.experiment.cut import use_folds
from geiger.experiment.estimate import expected_seconds
from geiger.experiment.plan import WalkPlan, plan
from helpers.folds import folds_of
from helpers.runs import LOCKED, locked_experiment, small
from helpers.stacks import material


def test_the_time_estimate_counts_the_folds_that_are_not_scored(
    tmp_path: Path, planted: pl.DataFrame
) -> None:
    """A network knows its time by its rows: every fold behind the scored ones adds its own."""
    planned = plan(locked_experiment(tmp_path, planted, "lstm", workers=1))
    material, config, folds = planned.material, planned.experiment.config, planned.folds
    assert isinstance(planned, WalkPlan)
    alone = expected_seconds(material, planned.forecaster, config, folds)
    more = expected_seconds(material, planned.forecaster, config, folds, for_use=True)
    ahead = use_folds(material, config, folds)
    assert len(ahead) == 1 + -(-LOCKED // config.refit)
    each = [planned.forecaster.expected_seconds(len(fold.train)) or 0.0 for fold in ahead]
    assert more - alone == pytest.approx(config.seeds * sum(each))
    assert min(each) > 0.0


class Clockwork:
    """Takes a second to begin a fold and a tenth of one for each tree of a member, on a clock of its own."""

    def __init__(self, trees: int | None, clock: list[float], workers: str = "none") -> None:
        self.workers = workers
        self.effort, self.clock = SimpleNamespace(trees=trees), clock

    def members(self, seeds: int) -> int:
        return seeds

    def expected_seconds(self, rows: int) -> None:
        return None

    def with_trees(self, number: int) -> Clockwork:
        return Clockwork(number, self.clock, self.workers)

    def fit_fold(self, train: Any, valid: Any, seeds: Sequence[int]) -> None:
        self.clock[0] += 1.0 + 0.1 * self.effort.trees * len(seeds)


@pytest.mark.parametrize(("workers", "at_once"), [("none", 1), ("threads", 2)])
@pytest.mark.parametrize(("trees", "fold"), [(100, 21.0), (None, 2.0)])
def test_a_few_trees_tell_the_time_of_many(
    trees: int | None, fold: float, workers: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, known = [0.0], material()
    here = SimpleNamespace(perf_counter=lambda: clock[0])
    monkeypatch.setattr("geiger.experiment.estimate.time", here)
    folds = folds_of(known)
    model: Any = Clockwork(trees, clock, workers)
    found = expected_seconds(known, model, small(seeds=2, workers=2), folds)
    shares = sum(len(fold.train) for fold in folds) / len(folds[-1].train)  # of the fold that was timed
    assert found == pytest.approx(fold * shares / at_once)
