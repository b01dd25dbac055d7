"""The material of a stored run, made once more from what it left."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.experiment.past_material import material_of_run
from geiger.experiment.run import run
from geiger.market.synthetic import planted_market
from geiger.runs.folder import RunsFolder, StoredRun
from helpers.runs import ROWS, experiment, stack_experiment, stack_settings, stored_of, with_record


def test_it_is_what_the_run_had(stack_stored: StoredRun, stack_place: Path, planted: pl.DataFrame) -> None:
    again = material_of_run(stack_stored, stack_settings(), RunsFolder(stack_stored.folder.parent))
    before = stack_experiment(stack_place, planted).material()
    assert again.prices.equals(before.prices)
    np.testing.assert_array_equal(again.features, before.features)
    assert again.target.equals(before.target)
    assert again.provenance == stack_stored.record.data  # the source of then, not the copy


def test_the_market_around_it_comes_back_too(tmp_path: Path) -> None:
    prices = tmp_path / "prices"
    prices.mkdir()
    for seed, symbol in enumerate(("AAPL", "SPY")):
        market = planted_market(ROWS, seed=seed, r2=0.05).prices.rename({"day": "Date"})
        market.drop("raw_close").write_csv(prices / f"{symbol}.csv")
    asked = replace(
        experiment(tmp_path, pl.DataFrame(), symbol="AAPL"), prices=None, data=prices, context="SPY"
    )
    stored = stored_of(run(asked))
    assert stored.record.data.context.market == "SPY"
    again = material_of_run(stored, asked.config, asked.runs)
    before = asked.material()
    assert before.context is not None
    assert again.context is not None
    assert again.context.equals(before.context)
    np.testing.assert_array_equal(again.features, before.features)


def test_features_of_another_version_are_refused(stack_stored: StoredRun, tmp_path: Path) -> None:
    old = with_record(stack_stored, tmp_path, data={"features": "features v0"})
    with pytest.raises(DataError, match=r"was made with features v0, this version has .*; replay it with"):
        material_of_run(old, stack_settings(), RunsFolder(stack_stored.folder.parent))


def test_prices_that_are_gone_are_named(stack_stored: StoredRun, tmp_path: Path) -> None:
    shutil.copytree(stack_stored.folder, tmp_path / stack_stored.name)
    runs = RunsFolder(tmp_path)
    with pytest.raises(DataError, match=f"^{stack_stored.name}: the data it used are gone"):
        material_of_run(runs.load(stack_stored.name), stack_settings(), runs)
