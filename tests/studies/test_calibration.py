"""Error rates, measured: the real pipeline on made markets, counted once each, whatever was interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.evidence.error_rates import ErrorRates, Rate, write_tables
from geiger.experiment.plan import plan
from geiger.market.synthetic import garch_market
from geiger.settings import Config, override, recipe, shaping
from geiger.studies import calibration as module
from geiger.studies.calibration import (
    TIERS,
    TRIES,
    Cell,
    Pipeline,
    Task,
    calibrate,
    empty,
    log_path,
    measured,
    name_of,
    rates_of,
    rings,
    summary,
    tasks_of,
    variants,
)
from geiger.studies.null_markets import FAMILIES
from geiger.studies.path_log import PathLog
from helpers.runs import Constant, experiment, small

SMALL = Pipeline("ridge", rows=420, refit=252, seeds=1)
CELLS = (
    *(Cell(SMALL, "GARCH-t", 0.0, 2), Cell(SMALL, "volume", 0.2, 2)),
    *(Cell(SMALL, "regimes", 0.0, 1), Cell(SMALL, "real blocks", 0.0, 1)),
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> PathLog:
    log = PathLog(log_path(tmp_path_factory.mktemp("runs")))
    calibrate(CELLS, log, workers=1)
    return log


def test_every_path_is_made_once(done: PathLog) -> None:
    assert tasks_of(CELLS, done) == []
    assert len(done.found) == len(done.path.read_bytes().splitlines()) == 6
    for facts in done.found.values():
        assert facts["n"] == 400  # the first 20 forecasts have too few earlier ones
        assert 0.0 <= facts["p"] <= 1.0
        assert len(facts["gates"]) == 10


def test_a_signal_too_strong_to_be_true_is_an_alarm_and_not_counted(done: PathLog) -> None:
    strong = [facts for (_, kind, _, _), facts in done.found.items() if kind == "volume"]
    assert all(facts["p"] < 0.001 and facts["alarm"] for facts in strong)
    (table,) = summary([SMALL], done)
    (power,) = table.planted
    assert (power.signal, power.r2, power.n, power.count, power.oracle) == ("volume", 0.2, 2, 0, 2)


def test_markets_that_hold_something_are_not_counted_as_false(done: PathLog) -> None:
    (table,) = summary([SMALL], done)
    assert [rate.name for rate in table.null] == ["GARCH-t"]
    assert [rate.name for rate in table.moving] == ["real blocks", "regimes"]
    assert table.pooled.n == 2
    gates = {gate.name: gate for gate in table.gates}
    assert gates["Training completes"] == Rate(name="Training completes", n=2, count=2)
    assert gates["all of them"].count <= min(gate.count for gate in table.gates)
    assert table.effort == ("fitted every 252 days",)


def test_an_interrupted_one_goes_on_and_counts_nothing_twice(tmp_path: Path, done: PathLog) -> None:
    log, seen = PathLog(log_path(tmp_path)), []

    class Stop(Exception):
        pass

    def stop(text: str) -> None:
        seen.append(text)
        if len(seen) == 2:
            raise Stop

    with pytest.raises(Stop):
        calibrate(CELLS, log, workers=1, on_done=stop)
    again = PathLog(log.path)
    assert 2 <= len(again.found) < 6
    again.path.write_bytes(again.path.read_bytes() + again.path.read_bytes()[:40])  # and a torn line
    again = PathLog(log.path)
    calibrate(CELLS, again, workers=1)
    assert again.found == done.found  # the same paths have the same figures, whoever made them
    assert PathLog(log.path).found == done.found


def test_nothing_new_is_begun_after_the_minutes(tmp_path: Path) -> None:
    log = PathLog(log_path(tmp_path))
    calibrate(CELLS, log, workers=1, minutes=0.0)
    assert log.found == {}


def test_a_market_serves_all_its_pipelines_alike(done: PathLog) -> None:
    plan_recipe = Pipeline("ridge", recipe="plan", rows=420)  # another fill: other labels
    _, (alone,) = measured(Task("GARCH-t", 0.0, 0, (plan_recipe,)))
    _, (first, second) = measured(Task("GARCH-t", 0.0, 0, (SMALL, plan_recipe)))
    assert second == alone
    assert second["p"] != first["p"]
    stored = dict(done.found[name_of(SMALL, "GARCH-t", 0.0, 0)])
    assert first == {name: value for name, value in stored.items() if name != "code"}


def test_a_signal_needs_its_sign_and_no_alarm() -> None:
    good: dict[str, Any] = {"p": 0.009, "sign": True, "alarm": False}
    assert rings(good)
    assert not rings({**good, "p": 0.01})
    assert not rings({**good, "sign": False})
    assert not rings({**good, "alarm": True})


# ---- what a path is known by ----


def test_a_pipeline_is_known_by_its_settings() -> None:
    others = [
        replace(SMALL, rows=421),
        replace(SMALL, model="lgb"),
        replace(SMALL, recipe="plan"),
        replace(SMALL, refit=None),
        replace(SMALL, tries=True),
    ]
    keys = {one.key() for one in (SMALL, *others)}
    assert len(keys) == 6
    assert Pipeline("ridge", rows=420, refit=252, seeds=1).key() == SMALL.key()


def test_what_a_recipe_means_is_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SMALL.key()

    def other(config: Config, models: list[str]) -> dict[str, Any]:
        return {**shaping(config, models), "clip": 4.0}

    monkeypatch.setattr(module, "shaping", other)
    assert SMALL.key() != before


# ---- somebody who tries often ----


def test_variants_are_different_settings() -> None:
    found = variants()
    assert len(found) == TRIES
    assert len({str(one) for one in found}) == TRIES


def test_who_tries_often_is_told_how_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "variants", lambda: variants(4))
    often = replace(SMALL, tries=True)
    _, (null,) = measured(Task("GARCH-t", 0.0, 0, (often,)))
    assert null["best_alone"] <= null["best"]
    _, (strong,) = measured(Task("volume", 0.2, 0, (often,)))
    assert strong["first"] == 1
    assert strong["best"] < 0.01
    log = PathLog(log_path(tmp_path))
    log.add(name_of(SMALL, "GARCH-t", 0.0, 0), {**_facts(0.5), "code": "x"})
    for number, facts in enumerate((null, strong)):
        log.add(name_of(often, "GARCH-t", 0.0, number), {**facts, "code": "x"})
    (table,) = summary([SMALL, often], log)
    stops, best, uncounted = table.tries
    assert (stops.n, best.n, uncounted.n) == (2, 2, 2)
    assert stops.count >= best.count >= 1


def _facts(p: float) -> dict[str, Any]:
    return {"p": p, "sign": True, "n": 400, "alarm": False, "gates": {}}


# ---- tiers ----


def test_every_tier_asks_all_null_families() -> None:
    null = {family.name for family in FAMILIES if empty(family)}
    for cells in TIERS.values():
        assert {cell.kind for cell in cells if cell.r2 == 0.0} >= null
    assert {cell.pipeline.model for cell in TIERS["quick"]} == {"ridge", "lgb"}
    assert {cell.paths for cell in TIERS["quick"]} == {20}


def test_a_stopped_tier_has_a_bit_of_everything(tmp_path: Path) -> None:
    tasks = tasks_of(TIERS["quick"], PathLog(log_path(tmp_path)))
    kinds = {(cell.kind, cell.r2) for cell in TIERS["quick"]}
    assert {(task.kind, task.r2) for task in tasks[: len(kinds)]} == kinds
    assert all(len(task.pipelines) == 2 for task in tasks)


# ---- what belongs to a run ----


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rates")
    one = ErrorRates(model="ridge", recipe="default", rows=480, level=0.01)
    write_tables(folder / "a.json", [one, replace(one, recipe="plan"), replace(one, model="own")])
    return folder


def rates(tmp_path: Path, carried: Path, **changes: Any) -> str | None:
    """The recipe whose table a run of 480 scored days gets."""
    asked = override(recipe(changes.pop("recipe", "default")), {"lockbox": 0, "min_train": 300, **changes})
    found = rates_of(plan(experiment(tmp_path, garch_market(1050, seed=1), config=asked)), carried)
    return None if found is None else found.recipe


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, "default"),
        ({"seeds": 1, "refit": 100, "seed": 5}, "default"),
        ({"recipe": "quick", "max_folds": None}, "default"),  # of ridge it changes nothing else
        ({"recipe": "plan"}, "plan"),
        ({"clip": 4.0}, None),
        ({"ridge": {"alphas": [1.0]}}, None),
        ({"lgb": {"depth": 9}}, "default"),  # of another model
        ({"min_train": 600}, None),  # leaves 180 scored days
    ],
)
def test_a_run_gets_the_table_of_its_settings(
    tmp_path: Path, carried: Path, changes: dict[str, Any], found: str | None
) -> None:
    assert rates(tmp_path, carried, **changes) == found


def test_what_is_your_own_was_not_measured(tmp_path: Path, carried: Path) -> None:
    made = experiment(tmp_path, garch_market(1050, seed=1), "own", small())
    assert rates_of(plan(replace(made, estimator=Constant(0.0))), carried) is None
