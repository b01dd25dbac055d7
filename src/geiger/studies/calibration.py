"""How often the verdict rings: made markets, with and without a signal, through the real pipeline.

A path is one made market. Its prices become features and labels, every model of the tier walks forward over
them, the score test looks at the forecasts as it looks at those of a run, and what came of it is stored at
once. Nothing is registered as a try: the prices are made up. What is counted here stands for the part of the
verdict that can err by chance: a p below the level, a slope of the same sign without cuts, no alarm.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from geiger.evidence.error_rates import SHIPPED, ErrorRates, Power, Rate, error_rates
from geiger.evidence.many_tries import DayScores, adjusted_p
from geiger.evidence.score_test import LEVEL, ScoreTest
from geiger.experiment.evaluation import evaluate
from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.prepare import prepare
from geiger.experiment.scored import scored
from geiger.experiment.walk import walk
from geiger.features.catalogue import WARMUP
from geiger.learning.target import make_target
from geiger.market.loaded import Loaded
from geiger.market.snapshots import Store
from geiger.models import forecaster_of
from geiger.processes import in_processes
from geiger.records import Outcome
from geiger.runs.environment import code_hash, key_of, threads_at_hand
from geiger.settings import MODELS, Config, override, recipe, shaping
from geiger.settings.contract import VERSION as FEATURES_VERSION
from geiger.settings.models import STACK
from geiger.settings.recipes import RECIPES
from geiger.studies.calibration_markets import MadeMarket, market
from geiger.studies.check_source import with_forecast
from geiger.studies.null_markets import FAMILIES, Family
from geiger.studies.path_log import PathLog

VERSION = 1  # of how a path is made and measured; a new number makes all paths anew
ROWS = 1764  # scored days: seven years
DEMO = 1000  # scored days of the stack in the demo, about
TRAIN = 504
TAIL = 2  # last rows, whose label is not known
SYMBOL = "MADE"
TRIES = 50
PLANTED = ("volume", "reversal")
# Families that hold nothing for a forecast made beforehand, but something for a model that learns: blocks of
# real returns come several times, in train rows and again in test rows.
LEARNABLE = frozenset({"real blocks"})

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Pipeline:
    """What is calibrated: a model of a recipe, perhaps lighter.

    Attributes
    ----------
    refit, seeds : int, optional
        In place of the recipe's.
    tries : bool
        Try many variants of it on every market, in place of one.
    """

    model: str
    recipe: str = "default"
    rows: int = ROWS
    refit: int | None = None
    seeds: int | None = None
    tries: bool = False

    @cached_property
    def config(self) -> Config:
        """All settings of a walk."""
        made = {"lockbox": 0, "min_train": TRAIN, "max_folds": None, "start": None, "end": None, "workers": 1}
        lighter = {name: value for name in ("refit", "seeds") if (value := getattr(self, name)) is not None}
        network = {"network_refit": self.refit} if self.refit is not None else {}
        return override(recipe(self.recipe), {**made, **lighter, **network})

    @property
    def effort(self) -> tuple[str, ...]:
        """What is lighter than the recipe, in words."""
        usual, told = recipe(self.recipe), []
        if self.refit is not None and self.refit != usual.refit:
            told.append(f"fitted every {self.refit} days")
        if self.seeds is not None and self.seeds != usual.seeds and MODELS[self.model].seeded:
            told.append(f"{self.seeds} of {usual.seeds} members a fold")
        return tuple(told)

    def key(self) -> str:
        """Return the key of all settings that its paths depend on.

        It knows nothing of the code, so that hours of paths survive an edit; each path says which code made
        it, and an edit that changes what is measured asks for a new `VERSION`.
        """
        models = [self.model, *(self.config.stack.models if self.model == STACK else ())]
        return key_of(
            {
                "calibration": VERSION,
                "features": FEATURES_VERSION,
                "pipeline": asdict(self),
                "config": shaping(self.config, models),
            }
        )[:12]


@dataclass(frozen=True)
class Cell:
    """One question: a pipeline on markets of one kind, so many of them.

    Attributes
    ----------
    kind : str
        A family without anything to find, or the signal that is planted.
    r2 : float
        What the signal explains; 0 for a family.
    """

    pipeline: Pipeline
    kind: str
    r2: float
    paths: int


@dataclass(frozen=True)
class Task:
    """One market, and the pipelines that walk over it."""

    kind: str
    r2: float
    number: int
    pipelines: tuple[Pipeline, ...]


def empty(family: Family) -> bool:
    """Return whether nothing can be learned of a family's next return: a SIGNAL there is false."""
    return family.null and family.name not in LEARNABLE


def _cells(pipelines: Iterable[Pipeline], null: int, planted: Mapping[float, int]) -> tuple[Cell, ...]:
    kinds = [(family.name, 0.0, null) for family in FAMILIES]
    kinds += [(signal, r2, n) for signal in PLANTED for r2, n in planted.items()]
    return tuple(Cell(one, *kind) for one, kind in product(pipelines, kinds))


def _tries(null: int) -> tuple[Cell, ...]:
    tried = Pipeline("ridge", refit=252, seeds=1, tries=True)
    return tuple(Cell(tried, family.name, 0.0, null) for family in FAMILIES if empty(family))


def _lights(*models: str) -> list[Pipeline]:
    return [Pipeline(model, refit=252, seeds=1) for model in models]


TIERS: Mapping[str, tuple[Cell, ...]] = {
    "quick": _cells(_lights("ridge", "lgb"), 20, {0.01: 20}),
    "standard": (
        *_cells(_lights("ridge", "lgb"), 300, {0.0025: 100, 0.005: 100, 0.01: 100}),
        *_cells([Pipeline("lgb")], 20, {0.01: 50}),
        *_tries(25),
    ),
    "tries": _tries(25),
    "networks": _cells(_lights("lstm"), 4, {0.01: 25}),
    "stack": _cells(_lights("stack"), 3, {0.01: 15}),
    "demo": _cells(
        [Pipeline("stack", recipe="quick", rows=DEMO)], 20, {0.005: 20, 0.01: 20}
    ),  # what `geiger demo` ends with
}


def log_path(folder: Path) -> Path:
    """Return the file that paths are stored in."""
    return folder / "calibration" / "paths.jsonl"


def tasks_of(cells: Sequence[Cell], log: PathLog) -> list[Task]:
    """Return what is missing, market by market, so that a run that is stopped has a bit of everything."""
    wanted: dict[tuple[int, str, float], list[Pipeline]] = {}
    for cell in cells:
        for number in range(cell.paths):
            if name_of(cell.pipeline, cell.kind, cell.r2, number) not in log.found:
                wanted.setdefault((number, cell.kind, cell.r2), []).append(cell.pipeline)
    order = sorted(wanted, key=lambda one: one[0])
    return [Task(kind, r2, number, tuple(wanted[number, kind, r2])) for number, kind, r2 in order]


def name_of(pipeline: Pipeline, kind: str, r2: float, number: int) -> tuple[str | float | int, ...]:
    """Return the name of a path in the log."""
    return pipeline.key(), kind, r2, number


def calibrate(
    cells: Sequence[Cell],
    log: PathLog,
    *,
    workers: int | None = None,
    minutes: float | None = None,
    on_done: Callable[[str], None] = lambda text: None,
) -> None:
    """Make what is missing, in processes of one thread, and store each path as it comes.

    Parameters
    ----------
    workers : int, optional
        Processes; by default one for each processor.
    minutes : float, optional
        Start nothing new after so long; what has started ends.
    """
    deadline = None if minutes is None else time.monotonic() + 60.0 * minutes

    def in_time() -> Iterator[Task]:
        for task in tasks_of(cells, log):
            if deadline is not None and time.monotonic() >= deadline:
                return
            yield task

    jobs, code = workers or threads_at_hand(), code_hash()[:12]
    for task, found in in_processes(measured, in_time(), jobs, ordered=False):
        for pipeline, facts in zip(task.pipelines, found, strict=True):
            name = name_of(pipeline, task.kind, task.r2, task.number)
            log.add(name, {**facts, "code": code})
        on_done(f"{task.kind}, path {task.number + 1}")


def measured(task: Task) -> tuple[Task, list[dict[str, Any]]]:
    """Make one market, and return what every pipeline came to on it."""
    days = WARMUP + TRAIN + 1 + task.pipelines[0].rows + TAIL
    made = market(task.kind, task.r2, days, task.number)
    material = material_of(made.prices, task.pipelines[0].config)
    return task, [_measured(one, relabelled(material, one.config), made) for one in task.pipelines]


def _measured(pipeline: Pipeline, material: Material, made: MadeMarket) -> dict[str, Any]:
    return many(pipeline, material) if pipeline.tries else once(pipeline, material, made)


def material_of(prices: pl.DataFrame, config: Config) -> Material:
    """Return what a model learns from on made prices."""
    loaded = Loaded(SYMBOL, prices, "frame", "made for a calibration")
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        return prepare(
            *(SYMBOL, config), data=None, context="none", library=store, snapshots=store, loaded=loaded
        )


def relabelled(material: Material, config: Config) -> Material:
    """Return the same with the labels that other settings ask for."""
    if config.fill == material.fill:
        return material
    target = make_target(material.prices, config.fill, config.horizon)
    return replace(material, fill=config.fill, target=target)


def once(pipeline: Pipeline, material: Material, made: MadeMarket) -> dict[str, Any]:
    """Walk over a market once: what the score test says, and which gates of the plan are passed."""
    planned, config = planned_of(pipeline, material), pipeline.config
    gates: dict[str, bool] = {}
    if planned.bases:
        (forecasts,) = planned.relearned([material])
        alarm = False
    else:
        walked = walk(
            material,
            planned.model,
            forecaster_of(config, planned.model),
            planned.experiment.config,
            planned.folds,
        )
        forecasts = walked.forecasts
        evaluation = evaluate(forecasts, walked.in_sample, material, config, walked.trainings)
        gates = {one.name: one.outcome is Outcome.PASS for one in evaluation.checkpoints}
        gates |= {f"minimum {one.name}": one.reached != "none" for one in evaluation.rungs}
        alarm = any(notice.code == "LEAK_SUSPECT" for notice in evaluation.notices)
    test = scored(forecasts, material, config.horizon)
    facts = {**_told(test), "alarm": alarm, "gates": gates}
    if made.truth is not None:
        oracle = with_forecast(forecasts, material, made.truth)
        facts["oracle"] = _told(scored(oracle, material, config.horizon))
    return facts


def planned_of(pipeline: Pipeline, material: Material, config: Config | None = None) -> Plan:
    """Return the plan of a pipeline on a material."""
    return plan(Experiment(SYMBOL, pipeline.model, config or pipeline.config, context="none"), material)


def many(pipeline: Pipeline, material: Material) -> dict[str, Any]:
    """Try variant after variant of a pipeline on one market, as somebody does who wants to find something.

    Of each try its p is corrected for the tries so far. Told are the number of the first that rings, the p
    of the best of all with all of them counted, and how often it rings when the first is run again as often.
    """
    tests = [_tried(pipeline, material, changes) for changes in variants()]
    days = material.prices["day"].to_physical().to_numpy()
    scores = [DayScores(days[test.scores.row].astype(np.int64), test.scores.c) for test in tests]
    p_values = [test.p_value for test in tests]
    corrected = [
        adjusted_p(scores[: i + 1], i, p_values[: i + 1], seed=0) if p < LEVEL else 1.0
        for i, p in enumerate(p_values)
    ]
    rings = [p < LEVEL and (test.uncut_slope or 0.0) > 0.0 for p, test in zip(corrected, tests, strict=True)]
    best = int(np.argmin(p_values))
    best_p = adjusted_p(scores, best, p_values, seed=0) if p_values[best] < LEVEL else 1.0
    return {
        "first": rings.index(True) + 1 if any(rings) else None,
        "best": best_p,
        "best_alone": p_values[best],
        "best_sign": (tests[best].uncut_slope or 0.0) > 0.0,
    }


def _tried(pipeline: Pipeline, material: Material, changes: Mapping[str, Any]) -> ScoreTest:
    planned = planned_of(pipeline, material, override(pipeline.config, changes))
    (forecasts,) = planned.relearned([material])
    return scored(forecasts, material, pipeline.config.horizon)


def variants(number: int = TRIES) -> list[dict[str, Any]]:
    """Return different settings of ridge: penalties, weights that fade, and rolling windows."""
    penalties = (300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0)
    fading, rolling, clip = (None, 252, 1008), (None, 756), (5.0, 2.0)
    found = [
        {"ridge": {"alphas": (a,)}, "weighting": {"recency_half_life": f}, "rolling": r, "clip": c}
        for c, r, f, a in product(clip, rolling, fading, penalties)
    ]
    return found[:number]


def _told(test: ScoreTest) -> dict[str, Any]:
    return {"p": test.p_value, "sign": (test.uncut_slope or 0.0) > 0.0, "n": test.n}


# ---- what was counted ----


def rings(facts: Facts, level: float = LEVEL) -> bool:
    """Return whether a path is a SIGNAL as far as chance has a say."""
    return facts["p"] < level and facts["sign"] and not facts.get("alarm", False)


def summary(pipelines: Iterable[Pipeline], log: PathLog) -> list[ErrorRates]:
    """Return the table of each pipeline, from the paths that are there; none of one without paths."""
    tried = {_lighter_key(one): one for one in pipelines if one.tries}
    found = []
    for pipeline in dict.fromkeys(pipelines):
        if pipeline.tries:
            continue
        table = _table(pipeline, log)
        many_times = tried.get(_lighter_key(pipeline))
        if many_times is not None:
            table = replace(table, tries=_tries_table(_paths(many_times, log)))
        if table.null or table.planted:
            found.append(table)
    return found


def _lighter_key(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, tries=False)


def _paths(pipeline: Pipeline, log: PathLog) -> dict[tuple[str, float], list[Facts]]:
    """Return the facts of a pipeline's paths by kind and strength."""
    key, found = pipeline.key(), dict[tuple[str, float], list[Facts]]()
    for name, facts in log.found.items():
        if isinstance(name, tuple) and name[0] == key:
            found.setdefault((name[1], name[2]), []).append(facts)
    return found


def _table(pipeline: Pipeline, log: PathLog) -> ErrorRates:
    paths = _paths(pipeline, log)
    there = [family for family in FAMILIES if (family.name, 0.0) in paths]
    gates: dict[str, list[bool]] = {}
    for facts in (one for family in there if empty(family) for one in paths[family.name, 0.0]):
        passed = facts["gates"]
        for name, value in passed.items():
            gates.setdefault(name, []).append(value)
        if passed:
            gates.setdefault("all of them", []).append(all(passed.values()))
    return ErrorRates(
        model=pipeline.model,
        recipe=pipeline.recipe,
        rows=pipeline.rows,
        level=LEVEL,
        null=tuple(_rate(one.name, _rung(paths[one.name, 0.0])) for one in there if empty(one)),
        moving=tuple(_rate(one.name, _rung(paths[one.name, 0.0])) for one in there if not empty(one)),
        planted=tuple(
            Power(
                signal=kind,
                r2=r2,
                n=len(facts),
                count=sum(map(rings, facts)),
                oracle=sum(rings(one["oracle"]) for one in facts),
            )
            for (kind, r2), facts in sorted(paths.items())
            if r2 > 0.0
        ),
        gates=tuple(_rate(name, values) for name, values in gates.items()),
        effort=pipeline.effort,
        made_on=dt.datetime.now(dt.UTC).date().isoformat(),
        code=", ".join(sorted({one["code"] for of_kind in paths.values() for one in of_kind})),
    )


def _rung(facts: Iterable[Facts]) -> list[bool]:
    return [rings(one) for one in facts]


def _rate(name: str, values: Sequence[bool]) -> Rate:
    return Rate(name=name, n=len(values), count=sum(values))


def _tries_table(paths: Mapping[tuple[str, float], Sequence[Facts]]) -> tuple[Rate, ...]:
    facts = [one for family in FAMILIES if empty(family) for one in paths.get((family.name, 0.0), ())]
    if not facts:
        return ()
    return (
        _rate(f"stops at the first SIGNAL within {TRIES} tries", [one["first"] is not None for one in facts]),
        _rate(
            f"shows the best of {TRIES} tries", [one["best"] < LEVEL and one["best_sign"] for one in facts]
        ),
        _rate(f"the same without counting the {TRIES} tries", [one["best_alone"] < LEVEL for one in facts]),
    )


# ---- what belongs to a run ----

# Settings that say which rows are scored, how often is fitted, and which numbers are drawn: a table says in
# words where these were lighter, and the number of scored days is compared by itself.
NOT_COMPARED = frozenset(
    {"refit", "network_refit", "seeds", "seed", "min_train", "max_folds", "lockbox", "start", "end"}
)


def rates_of(planned: Plan, folder: Path = SHIPPED) -> ErrorRates | None:
    """Return the error rates that were measured for settings like these; None where none were.

    A run has the settings of a recipe where all that shape its forecasts are the recipe's, but for those
    in `NOT_COMPARED`. Whatever is the user's own was not measured.
    """
    config = planned.experiment.config
    if planned.own.kinds:
        return None
    for name in dict.fromkeys((config.recipe, *RECIPES)):
        if _compared(config, planned) == _compared(recipe(name), planned):
            found = error_rates(planned.model, name, planned.test_rows, config.horizon, folder=folder)
            if found is not None:
                return found
    return None


def _compared(config: Config, planned: Plan) -> dict[str, Any]:
    shapes = shaping(config, [planned.model, *(base.model for base in planned.bases)])
    return {name: value for name, value in shapes.items() if name not in NOT_COMPARED}
