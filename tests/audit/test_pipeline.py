"""The pipeline in another world, and the numbers that stand in for forecasts there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from geiger.audit.pipeline import StandIns
from geiger.experiment.cut import plan_folds
from helpers.runs import prepared, small


def test_stand_ins_are_the_same_however_a_column_is_stored(tmp_path: Path, planted: pl.DataFrame) -> None:
    """Polars adds up a column by its chunks, whose number follows threads: not a bit may hang on that."""
    material = prepared(tmp_path, planted, small())
    folds, given = plan_folds(material, small()), StandIns.of(material)
    target = material.target.rechunk()
    broken = replace(material, target=pl.concat([target[:333], target[333:450], target[450:]], rechunk=False))
    assert broken.target["value"].n_chunks() == 3
    whole = replace(material, target=target)
    assert given.frame(broken, "any", folds, None).equals(given.frame(whole, "any", folds, None))
