"""What a run will do is known before it, and found again where it was done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.errors import SettingError
from geiger.experiment.plan import plan
from geiger.experiment.run import backtest, run
from geiger.settings import recipe
from helpers.runs import experiment, network_experiment, network_settings, small, stack_experiment

CUT = 787  # a row in the middle of a test block


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stack": {"models": ("ridge", "nope")}}, "no model 'nope'"),
        ({"stack": {"models": ()}}, "name at least one model"),
        ({"stack": {"models": ("ridge", "ridge")}}, "each once"),
        ({"stack": {"models": ("ridge",), "min_rows": 5000}}, "too few days for a stack"),
        ({"stack": {"models": ("ridge",)}, "max_folds": 1}, "too few days for a stack"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_trained(
    tmp_path: Path, planted: pl.DataFrame, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        plan(stack_experiment(tmp_path, planted, **wrong))
    assert not (tmp_path / "logs").exists()


def test_max_folds_gives_all_base_models_the_same_days(tmp_path: Path, planted: pl.DataFrame) -> None:
    settings = {"max_folds": 2, "network_refit": 120, "stack": {"models": ("ridge", "lstm"), "min_rows": 60}}
    planned = plan(stack_experiment(tmp_path, planted, **settings))
    ridge, lstm = planned.bases
    assert (len(lstm.folds), len(ridge.folds)) == (2, 4)
    assert ridge.folds[0].test.start == pytest.approx(lstm.folds[0].test.start, abs=60)
    assert planned.folds[0].train.start == max(base.folds[0].test.start for base in planned.bases)
    # where the longer fold is no multiple of the shorter one, a part of a fold is a fold
    uneven = plan(stack_experiment(tmp_path, planted, **{**settings, "network_refit": 100}))
    assert [len(base.folds) for base in uneven.bases] == [4, 2]  # 200 days in folds of 60
    assert uneven.bases[0].folds[0].test.start <= uneven.bases[1].folds[0].test.start


def test_networks_are_refitted_as_often_as_the_recipe_says_for_them(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    config = network_settings(network_refit=200, max_folds=None)
    rows = {
        model: plan(network_experiment(tmp_path, market, model, config)).folds for model in ("lstm", "ridge")
    }
    assert len(rows["lstm"][0].test) == 200
    assert len(rows["ridge"][0].test) == 80
    assert recipe("default").network_refit == 252


def test_other_prices_or_settings_never_continue_old_folds(
    tmp_path: Path, market: pl.DataFrame, other_future: Callable[..., pl.DataFrame]
) -> None:
    keys = {
        plan(experiment(tmp_path, prices, config=config)).key()
        for prices in (market, other_future(market, CUT))
        for config in (small(), small(refit=81), small(seed=1), small(fill="close"))
    }
    assert len(keys) == 8
    trading = small(trading={"cost_bps": 20.0})
    assert plan(experiment(tmp_path, market, config=trading)).key() in keys


def test_settings_that_shape_nothing_find_the_stored_forecasts(tmp_path: Path, market: pl.DataFrame) -> None:
    done = run(experiment(tmp_path, market))
    other = small(back_transform="median", recipe="quick", workers=1, trading={"risk": "conservative"})
    planned = plan(experiment(tmp_path, market, config=other))
    stored = planned.stored()
    assert stored is not None
    assert stored.name == done.name
    traded = backtest(planned, stored)
    assert traded.forecasts["forecast"].equals(done.forecasts["forecast"])
    refitted = plan(experiment(tmp_path, market, config=small(refit=81)))
    assert refitted.stored() is None
