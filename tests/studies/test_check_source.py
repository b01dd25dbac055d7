"""A known source held to the counter: it rings with one and not without, and says when it is deaf."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import SettingError
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.run import run
from geiger.market.synthetic import garch_market
from geiger.records import SourceVerdict
from geiger.runs.check_sources import keep_check
from geiger.settings import recipe
from geiger.studies import check_source as module
from geiger.studies.check_source import (
    Effort,
    check_key,
    check_run,
    check_source,
    kept_check,
    order_of,
    short_effort,
)
from geiger.studies.planting import Planting
from helpers.runs import experiment, small, stack_experiment, stored_of

FEW = Effort(r2=(0.15,), paths=6, refit=160)


class Noise:
    """An estimator that forecasts numbers of its own, whatever it was shown."""

    def fit(self, x: Any, y: Any) -> None:
        self.rows = len(y)

    def predict(self, x: Any) -> Any:
        return np.random.default_rng(self.rows).normal(size=len(x))


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return garch_market(1500, seed=12)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Plan:
    return plan(experiment(tmp_path_factory.mktemp("check"), market))


def test_it_rings_with_a_source_and_hardly_without(tmp_path: Path, market: pl.DataFrame) -> None:
    told, steps, planned = [], [], plan(experiment(tmp_path, market))
    found = check_source(planned, effort=FEW, on_step=told.append, on_plan=steps.append)
    (strong,) = found.planted
    assert found.null.rings(0.01) <= 1
    assert strong.rings(0.01) >= 5
    assert strong.oracle_rings(0.01) == 6
    assert found.verdict is SourceVerdict.OK
    assert found.effort == ("fitted every 160 days, not 80",)
    assert (steps, len(told)) == ([12], 12)
    assert found.text().startswith("on these very prices it rang falsely in ")
    assert f"a planted R2 of 15% in {strong.rings(0.01)} of 6" in found.text()


def test_without_a_source_p_values_are_even(planned: Plan) -> None:
    """Of 40 worlds without one about a quarter lies in each quarter."""
    found = check_source(planned, effort=Effort(r2=(), paths=40, refit=320))
    quarters = np.histogram(found.null.p_values, bins=4, range=(0.0, 1.0))[0]
    assert quarters.sum() == 40
    assert quarters.min() >= 2  # of 40 even ones a quarter holds fewer with 1 in 10,000
    assert found.null.rings(0.01) <= 3


def test_worlds_of_which_none_is_permuted_are_caught(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were nothing permuted, all null worlds would say the same."""
    monkeypatch.setattr(module, "order_of", lambda planting, number: np.arange(planting.rows.size))
    one = check_source(plan(experiment(tmp_path, market)), effort=replace(FEW, paths=3))
    assert len(set(one.null.p_values)) == 1
    monkeypatch.undo()
    other = check_source(plan(experiment(tmp_path / "b", market)), effort=replace(FEW, paths=3))
    assert len(set(other.null.p_values)) == 3


def test_a_deaf_model_is_called_broken(tmp_path: Path, market: pl.DataFrame) -> None:
    deaf = replace(experiment(tmp_path, market, "own"), estimator=Noise())
    found = check_source(plan(deaf), effort=FEW)
    assert found.verdict is SourceVerdict.BROKEN
    assert found.planted[0].oracle_rings(0.01) == 6
    assert "broken: the planted signal itself rang in 6 of 6, but the model does not learn it" in found.text()
    assert found.key is None


def test_a_source_that_nothing_could_find_is_too_little_data(planned: Plan) -> None:
    found = check_source(planned, effort=replace(FEW, r2=(0.001,)))
    assert found.planted[0].oracle_rings(0.01) < 5
    assert found.verdict is SourceVerdict.TOO_LITTLE
    assert "too little data: the planted signal itself rang in" in found.text()


def test_a_higher_bar_rings_less(planned: Plan) -> None:
    kept = check_source(planned, effort=FEW)
    strict = check_source(planned, effort=FEW, level=1e-30)
    assert kept.at(1e-30) == strict
    assert strict.planted[0].rings(strict.level) == 0
    assert strict.verdict is SourceVerdict.TOO_LITTLE


def test_few_days_make_no_world(tmp_path: Path, market: pl.DataFrame) -> None:
    steps: list[int] = []
    short = plan(experiment(tmp_path, market.head(800), config=small(min_train=300)))
    assert short.test_rows < 270
    found = check_source(short, effort=FEW, on_plan=steps.append)
    assert steps == []
    assert found.verdict is SourceVerdict.TOO_LITTLE
    assert (
        found.text() == f"on these very prices nothing can be told: {short.test_rows} scored days are too few"
    )


class Stop(Exception):
    pass


def test_an_interrupted_one_goes_on_and_counts_nothing_twice(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan(experiment(tmp_path, market))
    whole = check_source(plan(experiment(tmp_path / "other", market)), effort=FEW)
    done: list[str] = []

    def stop_after_five(text: str) -> None:
        done.append(text)
        if len(done) == 5:
            raise Stop

    with pytest.raises(Stop):
        check_source(planned, effort=FEW, on_step=stop_after_five)
    (log,) = planned.experiment.runs.checks.iterdir()
    with log.open("ab") as file:  # and a line that a kill tore
        file.write(log.read_bytes().splitlines()[0] + b'\n[[0.0, 3], {"p": 0.')
    steps: list[int] = []
    found = check_source(planned, effort=FEW, on_plan=steps.append)
    assert steps == [7]
    assert (found.null, found.planted) == (whole.null, whole.planted)
    (kept,) = planned.experiment.runs.checks.iterdir()
    assert kept.name == f"{found.key}.json"
    assert json.loads(kept.read_text())["null"]["p_values"] == list(found.null.p_values)
    assert check_source(planned, effort=FEW, on_plan=lambda steps: pytest.fail("held again")) == found


def test_worlds_depend_on_their_number_alone(planned: Plan) -> None:
    planting = Planting.of(planned.material, 1)
    assert np.array_equal(order_of(planting, 2), order_of(Planting.of(planned.material, 1), 2))
    assert not np.array_equal(order_of(planting, 2), order_of(planting, 3))


def test_a_stack_is_held_as_well(tmp_path: Path, market: pl.DataFrame) -> None:
    stacked = plan(stack_experiment(tmp_path, market.head(1200)))
    found = check_source(stacked, effort=Effort(r2=(0.3,), paths=1, refit=240))
    assert found.model == "stack"
    assert found.planted[0].rings(0.01) == 1
    assert found.effort == ("fitted every 240 days, not 60", "one of 2 members a fold")


# ---- of a finished run ----


def test_a_run_is_held_on_the_data_it_kept(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan(experiment(tmp_path, market))
    stored = stored_of(run(planned))
    effort = replace(FEW, paths=1)
    found = check_run(stored, planned.experiment.runs, effort=effort)
    direct = check_source(plan(experiment(tmp_path / "other", market)), effort=effort)
    assert (found.null, found.planted) == (direct.null, direct.planted)
    traded = replace(stored, record=replace(stored.record, kind="backtest", forecasts_of=stored.name))
    with pytest.raises(SettingError, match=f"a backtest trained nothing; name the run .*{stored.name}"):
        check_run(traded, planned.experiment.runs)


def test_the_full_one_is_found_before_the_short_one(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan(experiment(tmp_path, market))
    assert kept_check(planned) is None
    folder, short = planned.experiment.runs.checks, short_effort(planned)
    assert short is not None
    held = check_source(planned, effort=replace(FEW, paths=1))
    assert kept_check(planned) is None  # of another effort
    keep_check(folder, replace(held, key=check_key(planned, short)))
    found = kept_check(planned)
    assert found is not None
    assert found.key == check_key(planned, short)
    keep_check(folder, replace(held, key=check_key(planned, Effort())))
    found = kept_check(planned)
    assert found is not None
    assert found.key == check_key(planned, Effort())


# ---- how much is done by itself ----


def long_plan(tmp_path: Path, model: str, rows: int = 3000) -> Plan:
    made = Experiment(
        "TEST",
        model,
        recipe("default"),
        context="none",
        prices=garch_market(rows, seed=1),
        runs_dir=tmp_path / "runs",
    )
    return plan(made)


@pytest.mark.parametrize("model", ["ridge", "xgb", "lgb"])
def test_twelve_years_take_the_whole_short_one(tmp_path: Path, model: str) -> None:
    assert short_effort(long_plan(tmp_path, model)) == Effort((0.005, 0.05), 20, 252)


def test_longer_series_and_slower_models_get_less(tmp_path: Path) -> None:
    long = short_effort(long_plan(tmp_path, "lgb", 6500))
    assert long is not None
    assert (long.refit, long.paths) == (504, 20)


def test_networks_and_stacks_get_none(tmp_path: Path, market: pl.DataFrame) -> None:
    assert short_effort(plan(stack_experiment(tmp_path, market))) is None
    assert short_effort(plan(replace(experiment(tmp_path, market, "own"), estimator=Noise()))) is None
