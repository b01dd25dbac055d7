"""The time that a walk will take."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from geiger.experiment.cut import use_folds
from geiger.experiment.estimate import expected_seconds
from geiger.experiment.plan import WalkPlan, plan
from helpers.runs import LOCKED, locked_experiment


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
