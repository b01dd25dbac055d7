"""The check source: a run's own prices and settings, on labels in which the answer is known.

A counter that stays silent may have found nothing, or may be deaf. So a source of known strength is held to
it: the labels of the user's own rows are replaced (see `planting`), the real walk learns from them, and the
score test looks at its forecasts as it looks at those of the run. In the same worlds the planted signal
itself is tested: what even it does not find, no model can.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from geiger.errors import SettingError
from geiger.evidence.score_test import ENOUGH, LEVEL, SKIPPED
from geiger.experiment.material import Floats, Material
from geiger.experiment.own import estimator_of_run
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.scored import scored
from geiger.records import CheckSource, SourceArm
from geiger.runs.check_sources import keep_check, read_check
from geiger.runs.environment import key_of
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.seeds import generator
from geiger.settings import BoostSettings, settings_of
from geiger.studies.path_log import PathLog
from geiger.studies.planting import SIGNAL, Planting

Step = Callable[[str], None]
Plans = Callable[[int], None]
World = tuple[float, int]  # R^2 that is planted, and its number
PValues = tuple[float, float]  # of the model's forecasts, and of the planted signal itself

VERSION = 1  # of how worlds are made and tested; a new number holds all check sources anew
REFIT = 252  # days between two fits, at least
WEAK, STRONG = 0.005, 0.05
LADDER = (0.0025, WEAK, 0.01, STRONG)
PATHS, FULL_PATHS = 20, 50

# What the short version may take, and what its fits take: measured on two cores of an AMD EPYC, so that
# the same run holds the same check source on every machine, whatever else the machine does.
SECONDS = 40.0
ROW_SECONDS = {"ridge": 6e-6, "xgb": 2.2e-7, "lgb": 2.2e-7, "catboost": 4e-7}  # boosting: a tree and a level
AT_A_TIME = 2  # fits of boosting
STOPPED = 200  # trees that early stopping leaves of many, about
LIGHTER = ((1, PATHS), (2, PATHS), (2, PATHS // 2), (4, PATHS // 2), (8, PATHS // 2), (8, PATHS // 4))


@dataclass(frozen=True)
class Effort:
    """How many worlds, and how often the model is fitted in each.

    Attributes
    ----------
    r2 : tuple of float
        Planted shares of the outcome's variance, ascending.
    paths : int
        Worlds of each, and without a source.
    refit : int
        Days between two fits at least; models that are fitted more rarely stay as they are.
    """

    r2: tuple[float, ...] = LADDER
    paths: int = FULL_PATHS
    refit: int = REFIT


def short_effort(planned: Plan) -> Effort | None:
    """Return what takes a minute at most; None for models of which nothing does (networks, stacks, own ones).

    Where all of it takes longer, fits come first to be fewer, then worlds.
    """
    if planned.model not in ROW_SECONDS:
        return None
    efforts = [Effort((WEAK, STRONG), paths, times * REFIT) for times, paths in LIGHTER]
    return next((one for one in efforts if _seconds(planned, one) <= SECONDS), efforts[-1])


def check_source(
    planned: Plan,
    *,
    level: float = LEVEL,
    effort: Effort | None = None,
    on_step: Step = lambda text: None,
    on_plan: Plans = lambda steps: None,
) -> CheckSource:
    """Hold a known source to a plan: how often does it ring without one, how often with one.

    What was found is kept under the runs folder and used again; an interrupted one goes on where it was.

    Parameters
    ----------
    planned : Plan
        What was trained, or would be. Nothing is registered as a try: the labels are made up.
    level : float
        A p rings below it; what is kept does not depend on it.
    effort : Effort, optional
        By default the full one.
    on_step, on_plan : callable
        Told of each world in words, and beforehand how many there will be.

    Raises
    ------
    GeigerError
        The model cannot be fitted, or what is kept cannot be read or written.
    """
    effort, started = effort or Effort(), time.perf_counter()
    key, folder = check_key(planned, effort), planned.experiment.runs.checks
    kept = None if key is None else read_check(folder, key)
    if kept is not None:
        return kept.at(level)
    lighter, told = _lighter(planned, effort)
    found = CheckSource(
        symbol=planned.experiment.symbol,
        model=planned.model,
        level=level,
        source=SIGNAL,
        days=planned.test_rows,
        null=SourceArm(r2=0.0),
        planted=(),
        effort=told,
        day=dt.datetime.now(dt.UTC).date().isoformat(),
        key=key,
    )
    if planned.test_rows < ENOUGH + SKIPPED:  # no world could ring
        return found
    paths = [(r2, number) for number in range(effort.paths) for r2 in (0.0, *effort.r2)]
    log = None if key is None else PathLog(folder / f"{key}.jsonl")
    p_values = _tested(lighter, paths, log, on_step, on_plan)
    found = replace(
        found,
        null=SourceArm(r2=0.0, p_values=tuple(p_values[0.0, i][0] for i in range(effort.paths))),
        planted=tuple(_arm(r2, [p_values[r2, i] for i in range(effort.paths)]) for r2 in effort.r2),
        seconds=round(time.perf_counter() - started, 1),
    )
    if log is not None:
        keep_check(folder, found)
        log.remove()
    return found


def kept_check(planned: Plan) -> CheckSource | None:
    """Return a check source that was held to a plan before, the full one rather than the short one, or None.

    Raises
    ------
    DataError
        The file is damaged.
    """
    for effort in (Effort(), short_effort(planned)):
        key = None if effort is None else check_key(planned, effort)
        kept = None if key is None else read_check(planned.experiment.runs.checks, key)
        if kept is not None:
            return kept
    return None


def check_key(planned: Plan, effort: Effort) -> str | None:
    """Return the key of all that a check source depends on but the level; None where the plan has none."""
    key = planned.key()
    if key is None:
        return None
    return key_of({"check source": VERSION, "forecasts": key, "effort": asdict(effort)})


def order_of(planting: Planting, number: int) -> np.ndarray:
    """Return the permutation of one world: the same for every symbol and every strength of the source."""
    return planting.order(generator(0, "check source", number))


def p_of(forecasts: pl.DataFrame, world: Material, horizon: int) -> float:
    """Return the p-value of the score test of forecasts in a world."""
    return scored(forecasts, world, horizon).p_value


def _tested(
    planned: Plan, paths: Sequence[World], log: PathLog | None, on_step: Step, on_plan: Plans
) -> dict[World, PValues]:
    """Return both p-values of each path, those of an interrupted check source among them."""
    known = {} if log is None else {name: (facts["p"], facts["oracle"]) for name, facts in log.found.items()}
    done = {path: known[path] for path in paths if path in known}
    left = [path for path in paths if path not in done]
    on_plan(len(left))
    if not left:
        return done
    horizon = planned.experiment.config.horizon
    planting = Planting.of(planned.material, horizon)
    worlds = [planting.world(order_of(planting, number), r2) for r2, number in left]
    with closing(planned.relearned(worlds)) as learned:  # whoever stops early leaves no process behind
        for path, world, forecasts in zip(left, worlds, learned, strict=True):
            oracle = with_forecast(forecasts, world, planting.oracle(path[0]))
            both = p_of(forecasts, world, horizon), p_of(oracle, world, horizon)
            done[path] = both
            if log is not None:
                log.add(path, {"p": both[0], "oracle": both[1]})
            planted = "nothing planted" if path[0] == 0.0 else f"R2 {100 * path[0]:g}% planted"
            on_step(f"check source, world {path[1] + 1}, {planted}: p {both[0]:.3f}")
    return done


def with_forecast(forecasts: pl.DataFrame, world: Material, forecast: Floats) -> pl.DataFrame:
    """Return a FORECASTS frame with what stands in `forecast` (n,) on its days, one for each price row."""
    return forecasts.with_columns(forecast=pl.Series(forecast[world.rows_of(forecasts["day"])]))


def _arm(r2: float, p_values: Sequence[PValues]) -> SourceArm:
    own, oracle = zip(*p_values, strict=True)
    return SourceArm(r2=r2, p_values=own, oracle_p_values=oracle)


def _lighter(planned: Plan, effort: Effort) -> tuple[Plan, tuple[str, ...]]:
    """Return the plan with one member a fold and fewer fits, and sentences that say so."""
    told = []
    refits = {one.experiment.config.refit for one in planned.bases or (planned,)}
    for refit in sorted(refits):
        every = refit * max(1, round(effort.refit / refit))
        if every > refit:
            told.append(f"fitted every {every} days, not {refit}")
    members = max(one.members for one in (planned, *planned.bases))
    if members > 1:
        told.append(f"one of {members} members a fold")
    return planned.lighter(effort.refit), tuple(told)


def _seconds(planned: Plan, effort: Effort) -> float:
    """Return about how long a check source of one model takes on two cores."""
    rows = sum(len(fold.train) + len(fold.valid) for fold in planned.lighter(effort.refit).folds)
    each, settings = ROW_SECONDS[planned.model] * rows, settings_of(planned.experiment.config, planned.model)
    if isinstance(settings, BoostSettings):
        stops = settings.early_stopping is not None
        trees = min(settings.max_trees, STOPPED) if stops else settings.max_trees
        each *= trees * settings.depth / AT_A_TIME
    return each * effort.paths * (1 + len(effort.r2))


def check_run(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    features: Any = None,
    target: Any = None,
    estimator: Any = None,
    level: float = LEVEL,
    effort: Effort | None = None,
    on_step: Step = lambda text: None,
    on_plan: Plans = lambda steps: None,
) -> CheckSource:
    """Hold a check source to what made a finished run, on the data it kept.

    Parameters
    ----------
    features, target, estimator : optional
        What the run had of the user's own, as `Experiment` takes it; of that a run keeps frames alone.

    Raises
    ------
    SettingError
        The run used code of the user's own, which it did not keep, and none is given; or it trained nothing.
    DataError
        Its data are gone.
    """
    record = stored.record
    if record.kind != "train":
        raise SettingError(
            f"{stored.name}: a backtest trained nothing; name the run whose forecasts it traded: "
            f"{stored.trained}"
        )
    config = stored.config()
    material = material_of_run(stored, config, runs, features=features, target=target)
    experiment = Experiment(
        record.symbol,
        record.model,
        config,
        estimator=estimator_of_run(stored, estimator),
        runs_dir=runs.root,
    )
    planned = plan(experiment, material)
    return check_source(planned, level=level, effort=effort, on_step=on_step, on_plan=on_plan)
