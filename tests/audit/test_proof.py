"""The proof: green on the pipeline as it is, red and rightly named on one that looks ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import geiger.audit.proof
import geiger.experiment.evaluation
import geiger.experiment.past_errors
import geiger.experiment.prepare
import geiger.learning.folds
from geiger.audit.cuts import Cut
from geiger.audit.findings import Findings
from geiger.audit.proof import prove
from geiger.audit.tables import Moved
from geiger.audit.worlds import World
from geiger.errors import DataError
from geiger.experiment.own import own_features
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.train_fold import Task, arrays_of
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market
from geiger.runs.audits import Audit
from geiger.settings import Config, override, recipe
from helpers.runs import (
    Constant,
    experiment,
    network_experiment,
    network_settings,
    small,
    stack_settings,
)

PRICES = garch_market(900, 3)
WORLD = World(Loaded("TEST", PRICES, "frame", "given in memory"))
CUT = Cut(5, PRICES["day"][5], "here")


def proved(folder: Path, model: str = "ridge", config: Config | None = None) -> Audit:
    return prove(experiment(folder, PRICES, model, config or small(max_folds=2)), WORLD)


@pytest.mark.parametrize("model", ["ridge", pytest.param("xgb", marks=pytest.mark.slow)])
def test_the_pipeline_as_it_is_is_green(tmp_path: Path, model: str) -> None:
    found = proved(tmp_path, model)
    assert found.leaks == ()
    assert found.color == "green"
    checked = {stage.stage for stage in found.stages}
    assert checked >= {"bars", "features", "target", "labels", "folds", "scaler", "model", "weights", "fills"}
    assert all(stage.values > 0 for stage in found.stages)
    assert len(found.cuts) >= 5
    assert {one.stage for one in found.not_checked} == {
        *("reader", "context", "stack", "lock-box", "source", "choice of symbol")
    }


@pytest.mark.slow
def test_a_stack_is_green_and_its_base_models_are_refitted(tmp_path: Path) -> None:
    found = proved(tmp_path, "stack", stack_settings())
    assert found.leaks == ()
    assert "stack" in {stage.stage for stage in found.stages}
    assert found.effort == ("one of 2 members a fold",)


@pytest.mark.slow
def test_a_network_is_green_and_fitted_on_a_planted_signal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, told = network_experiment(tmp_path, PRICES, config=network_settings(max_folds=1)), []
    found = prove(given, WORLD, told.append)
    assert found.leaks == ()
    assert found.blind == 0
    assert told[-1] == "lstm on a market with a planted signal"
    refits = {stage.stage: stage.worlds for stage in found.stages}["scaler"]

    planted = Findings()
    planted.take(Moved("model", "forecast", PRICES["day"][5], 1.0, 1, PRICES["day"][5], 1), CUT, "noise")
    monkeypatch.setattr(geiger.audit.proof, "_on_a_signal", lambda experiment: planted)
    without = prove(given, WORLD)
    assert without.color == "red"  # what was found there is found
    assert {stage.stage: stage.worlds for stage in without.stages}["scaler"] < refits


@pytest.mark.parametrize(("name", "color"), [("momentum_gap", "green"), ("momentum_gap_leaky", "red")])
def test_the_example_of_a_feature_of_ones_own_is_told_rightly(tmp_path: Path, name: str, color: str) -> None:
    features = f"{Path(__file__).parents[2] / 'examples' / 'own_feature.py'}:{name}"
    given = replace(experiment(tmp_path, PRICES, config=small(max_folds=1)), features=features)
    told: list[str] = []
    planned: list[int] = []
    world = replace(WORLD, features=own_features(features))
    found = prove(given, world, told.append, on_plan=planned.append)
    assert found.color == color
    assert planned == [len(told)]
    assert [(leak.stage, leak.column) for leak in found.leaks] == (
        [("features", name)] if color == "red" else []
    )


def test_an_estimator_of_ones_own_is_audited(tmp_path: Path) -> None:
    class Line(Constant):
        def fit(self, x: Any, y: Any) -> None:
            self.line = np.linalg.lstsq(x, y, rcond=None)[0]

        def predict(self, x: Any) -> Any:
            return x @ self.line

    given = replace(experiment(tmp_path, PRICES, config=small(max_folds=2)), estimator=Line(0.0))
    found = prove(given, WORLD)
    assert found.leaks == ()
    assert "own estimator" in {one.stage for one in found.not_checked}


@pytest.mark.slow
def test_a_lockbox_is_behind_the_last_cut(tmp_path: Path) -> None:
    found = proved(tmp_path, config=small(max_folds=2, lockbox=100))
    assert found.leaks == ()
    assert found.cuts[-1].day == str(PRICES["day"][899 - 100])


def patched(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, leaky: Callable[..., Any]) -> None:
    """Put `leaky(real, *args)` in the place of a function of the pipeline."""
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **given: leaky(real, *args, **given))


def peeking_features(real: Any, prices: pl.DataFrame, context: Any) -> Any:
    made = real(prices, context).copy()
    later = np.roll(np.log(prices["close"].to_numpy()), -1)
    made[:-1, 7] += 1e-9 * later[:-1]
    return made


def late_labels(real: Any, row: int, horizon: int) -> int:
    return int(real(row, horizon)) + horizon


def peeking_volatility(real: Any, returns: Any, halflife: float = 21.0) -> Any:
    made = real(returns, halflife)
    return np.append(made[1:], made[-1])


def same_bar(real: Any, rows: pl.DataFrame, *given: Any) -> Any:
    return real(rows.with_columns(simple=pl.col("simple").shift(2).fill_null(0.0)), *given)


@pytest.mark.parametrize(
    ("module", "name", "leaky", "stage", "column"),
    [
        (geiger.experiment.prepare, "feature_matrix", peeking_features, "features", None),
        (geiger.learning.folds, "known_before", late_labels, "labels", "known_on of fold"),
        (geiger.experiment.evaluation, "weigh", None, "weights", "weight"),
        (geiger.experiment.evaluation, "simulate", same_bar, "fills", "asset_return"),
    ],
    ids=["features", "gap", "weights", "fills"],
)
def test_what_looks_ahead_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    leaky: Any,
    stage: str,
    column: str | None,
) -> None:
    if leaky is None:  # sizes by tomorrow's forecast
        real = module.weigh
        monkeypatch.setattr(module, name, lambda day, f, v, s: real(day, np.append(f[1:], f[-1]), v, s))
    else:
        patched(monkeypatch, module, name, leaky)
    found = proved(tmp_path)
    assert found.color == "red"
    assert found.leaks[0].stage == stage
    assert column is None or found.leaks[0].column.startswith(column)
    assert found.leaks[0].mend


def test_a_leak_of_features_names_the_column_the_row_and_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from geiger.features.catalogue import NAMES

    patched(monkeypatch, geiger.experiment.prepare, "feature_matrix", peeking_features)
    (leak,) = proved(tmp_path).leaks
    assert leak.column == NAMES[7]
    assert leak.day == leak.cut  # the last row that is known reads the next one
    assert leak.columns == 1
    assert leak.size is not None
    assert leak.size < 1e-5  # one part in a billion of a level is found


def test_a_walk_that_learns_from_a_later_fold_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import geiger.experiment.walk as walked

    def with_the_last(real: Any, model: str, forecaster: Any, config: Any, tasks: Any) -> Any:
        fold = tasks[-1].fold
        known = tasks[-1].rows.target[fold.test.start : fold.test.stop]
        later = float(known[np.isfinite(known)].sum())
        for output in real(model, forecaster, config, tasks):
            mine = output.result.fold == fold.index
            yield output if mine else replace(output, test_forecast=output.test_forecast + later)

    patched(monkeypatch, walked, "train_all", with_the_last)
    found = proved(tmp_path, config=small(max_folds=3))
    assert found.leaks[0].stage == "model"
    assert found.leaks[0].column == "forecast"


def test_a_network_is_audited_where_its_screen_finds_something(tmp_path: Path) -> None:
    from geiger.audit.proof import PLANTED_R2
    from geiger.features.catalogue import WARMUP
    from geiger.market.synthetic import planted_market
    from geiger.models.screen import fit_screened

    rows = WARMUP + recipe("default").min_train + 200
    prices = planted_market(rows, 0, PLANTED_R2, signal="delayed").prices
    planned = plan(experiment(tmp_path, prices, config=override(recipe("default"), {"lockbox": 0})))
    task = Task.of(planned.material, planned.folds[-1])
    arrays = arrays_of(task.rows, planned.experiment.config, task.fold)
    assert len(fit_screened(arrays.train, arrays.valid).terms) >= 1


def test_labels_that_do_not_move_with_their_own_day_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def still(real: Any, prices: pl.DataFrame, fill: str, horizon: int) -> Any:
        made = real(prices, fill, horizon)
        return made.with_columns(
            value=pl.when(pl.col("value").is_not_null()).then(0.001 * pl.int_range(pl.len()))
        )

    patched(monkeypatch, geiger.experiment.prepare, "make_target", still)
    found = proved(tmp_path)
    assert found.leaks[0].stage == "labels"
    assert "did not move with its own day" in found.leaks[0].column


def test_a_context_that_rests_is_not_filled_from_its_next_bar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import geiger.market.context as joined

    def next_close(days: pl.Series, given: Any, *, lagged: bool) -> pl.Series:
        theirs = given[1].select("day", pl.col("close").alias("x"))
        return pl.DataFrame({"day": days}).join_asof(theirs, on="day", strategy="forward")["x"]

    index = Loaded("^GSPC", garch_market(900, 8), "frame", "given in memory")
    monkeypatch.setattr(joined, "_known_closes", next_close)
    found = prove(experiment(tmp_path, PRICES, config=small(max_folds=1)), replace(WORLD, index=index))
    assert found.leaks[0].stage == "context"


@pytest.mark.slow
def test_what_cannot_be_made_in_another_world_is_said_and_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    height = PRICES.height

    def proud(real: Any, prices: pl.DataFrame, context: Any) -> Any:
        if prices.height < height:
            raise DataError("my function needs all rows")
        return real(prices, context)

    patched(monkeypatch, geiger.experiment.prepare, "feature_matrix", proud)
    found = proved(tmp_path)
    assert [
        one.why for one in found.not_checked if one.stage.startswith("the rows after it were removed")
    ] == ["my function needs all rows"] * (len(found.cuts) - 1)  # nothing lies behind the last


@pytest.mark.slow
def test_every_step_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    given: Experiment = experiment(tmp_path, PRICES, config=small(max_folds=1))
    found = prove(given, WORLD, told.append)
    assert len(told) == 1 + 5 * len(found.cuts)
