"""The ablation: every arm on every market, one training after another, each result stored as it comes.

A result is stored under a key of the arm's settings, the market and its data. The key knows nothing of the
code, so results survive an edit; each says which code made it.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger import metrics
from geiger.checks.collapse import diagnose
from geiger.codec import plain
from geiger.errors import DataError, GeigerError, SettingError, TrainingError, did_you_mean
from geiger.evidence.trials import Register
from geiger.experiment.cut import plan_folds
from geiger.experiment.estimate import STARTUP_SECONDS
from geiger.experiment.evaluation import health_of, status_of
from geiger.experiment.key import trial_key
from geiger.experiment.material import Material
from geiger.experiment.scored import scored
from geiger.experiment.tried import Tried, tried
from geiger.experiment.walk import Walk, walk
from geiger.models import Forecaster, forecaster_of
from geiger.processes import in_processes
from geiger.records import Status
from geiger.runs.environment import environment, key_of, threads_at_hand
from geiger.settings import MODELS, Config, override, recipe, shaping
from geiger.settings.contract import VERSION as FEATURES_VERSION
from geiger.settings.models import GROUPS
from geiger.studies.arms import Arm
from geiger.studies.markets import Market, few_of

Floats = npt.NDArray[np.float64]
Record = dict[str, Any]

VERSION = 2  # of what a result holds and how it is measured; a new number makes all results anew
TRIED = "tried"  # of a fresh result: what the register is told; it is not stored with the result
ERROR = "ERROR"  # a task that broke for a reason that is no result; it is tried again
COMMON: dict[str, Any] = {"fill": "next_open", "seeds": 1}  # the same target and effort for every arm


@dataclass(frozen=True)
class Task:
    """One arm on one market."""

    arm: Arm
    market: Market
    key: str

    @property
    def config(self) -> Config:
        """All settings of the training."""
        return config_of(self.arm, self.market)


def select(arms: Sequence[Arm], glob: str = "*", group: str | None = None) -> list[Arm]:
    """Return the arms of that name and group, and the arms they are compared with."""
    groups = list(dict.fromkeys(arm.group for arm in arms))
    if group is not None and group not in groups:
        raise SettingError(f"no group {group!r}: {did_you_mean(group, groups)}")
    chosen = {arm.name for arm in arms if fnmatch(arm.name, glob) and group in (None, arm.group)}
    if not chosen:
        raise SettingError(f"no arm matches {glob!r}: {did_you_mean(glob, [arm.name for arm in arms])}")
    chosen |= {arm.base for arm in arms if arm.name in chosen}
    return [arm for arm in arms if arm.name in chosen]


def config_of(arm: Arm, market: Market) -> Config:
    """Return the settings: the recipe, then what the market asks for, then the arm's change."""
    config = override(recipe(arm.recipe), {**COMMON, **market.changes, "workers": 1})
    return override(config, arm.changes)


def make_tasks(arms: Iterable[Arm], markets: Sequence[Market]) -> list[Task]:
    """Return every arm on every market, one arm after the other; equal settings have equal keys."""
    prints = {market.name: market.fingerprint() for market in markets}
    found, few = [], few_of(markets)
    for arm in arms:
        for market in few if arm.few else markets:
            facts = {
                "study": VERSION,
                "features": FEATURES_VERSION,
                "model": arm.model,
                "target": arm.target,
                "config": shaping(config_of(arm, market), [arm.model]),
                "market": market.settings(),
                "data": prints[market.name],
            }
            found.append(Task(arm, market, key_of(facts)))
    return found


class Results:
    """Stored results, one line of JSON each; the newest of a key counts.

    Parameters
    ----------
    path : Path
        Lines are only ever added. A torn line, such as a kill leaves, is passed over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_key: dict[str, Record] = {}
        self.errors: dict[str, str] = {}
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: cannot be read as stored results ({error})") from None
        for line in lines:
            try:
                record = json.loads(line)
                self._keep(record)
            except (ValueError, KeyError, TypeError):
                continue

    def _keep(self, record: Record) -> None:
        if record["status"] == ERROR:
            self.errors[record["key"]] = record["error"]
            return
        self.errors.pop(record["key"], None)
        self.by_key[record["key"]] = record

    def add(self, record: Record) -> None:
        """Store one result at once."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                file.seek(0, 2)
                if file.tell():
                    file.seek(-1, 2)
                    torn = file.read(1) != b"\n"
                else:
                    torn = False
                line = json.dumps(record, default=str, allow_nan=False)
                file.write(("\n" if torn else "").encode() + line.encode() + b"\n")
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self.path}: cannot be written ({reason}); check the folder") from None
        self._keep(json.loads(line))

    def open_tasks(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks without a result, equal ones once."""
        return list({task.key: task for task in tasks if task.key not in self.by_key}.values())


def run(
    tasks: Sequence[Task],
    results: Results,
    *,
    register: Register | None = None,
    workers: int | None = None,
    minutes: float | None = None,
    on_done: Callable[[Record], None] = lambda record: None,
) -> None:
    """Train what has no result yet, in processes of one thread, and store each result as it comes.

    Parameters
    ----------
    register : Register, optional
        Every arm on a real market is written down there, before its figures are seen.
    workers : int, optional
        Processes; by default one for each processor.
    minutes : float, optional
        Start nothing new after so long; what has started ends.
    """
    made_by, deadline = plain(environment()), None if minutes is None else time.monotonic() + 60.0 * minutes

    def in_time() -> Iterator[Task]:
        for task in results.open_tasks(tasks):
            if deadline is not None and time.monotonic() >= deadline:
                return
            yield task

    jobs = workers or threads_at_hand()
    for record in in_processes(train, in_time(), jobs, ordered=False):
        made = record.pop(TRIED, None)
        if made is not None and register is not None:
            made.register(register)
        results.add({**record, "environment": made_by})
        on_done(record)


def train(task: Task) -> Record:
    """Train one arm on one market and measure it; a training that fails is a result too."""
    started, record = time.perf_counter(), _described(task)
    try:
        record |= {"error": None, **_measured(task)}
    except TrainingError as error:
        record |= {"status": str(Status.FAILED), "error": str(error), "measured": {}}
    except GeigerError as error:
        record |= {"status": ERROR, "error": str(error), "measured": {}}
    except Exception as error:  # such as memory that runs out: the other tasks go on
        record |= {"status": ERROR, "error": f"{type(error).__name__}: {error}", "measured": {}}
    record["seconds"] = round(time.perf_counter() - started, 3)
    record["finished_at"] = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    return record


def _described(task: Task) -> Record:
    arm, market = task.arm, task.market
    return {
        "key": task.key,
        "study": VERSION,
        "arm": arm.name,
        "model": arm.model,
        "recipe": arm.recipe,
        "target": arm.target,
        "changes": dict(arm.changes),
        "market": market.settings(),
    }


def _measured(task: Task) -> Record:
    arm, config = task.arm, task.config
    material, truth = task.market.load(config)
    if arm.target == "simple":
        material = replace(material, target=material.target.with_columns(value=pl.col("simple")))
    walked = walk(material, arm.model, _forecaster(arm, config), config, plan_folds(material, config))
    on_days = None
    if truth is not None:
        on_days = truth[material.rows_of(walked.forecasts["day"])]
    found = _figures(walked, on_days)
    if task.market.kind == "real":  # made markets share no day
        found["by_day"] = _by_day(walked.forecasts)
        found[TRIED] = _tried(task, material, walked)
    return found


def _tried(task: Task, material: Material, walked: Walk) -> Tried | None:
    """Return the arm as a try; None where no day has a score."""
    test = scored(walked.forecasts, material, task.config.horizon)
    if not test.n:
        return None
    key = trial_key(task.config, material, task.arm.model)
    if task.arm.target != "log":
        key = key_of({"trial": key, "target": task.arm.target})
    settings = f"ablation, arm {task.arm.name}, recipe {task.arm.recipe}"
    return tried(material, test, key=key, run=None, model=task.arm.model, settings=settings)


def _forecaster(arm: Arm, config: Config) -> Forecaster:
    return forecaster_of(config, arm.model)


def _figures(walked: Walk, truth: Floats | None) -> Record:
    """Return status and figures of the test rows; `truth` is their expected return (n,), if it is known."""
    f, y, mean = (walked.forecasts[name].to_numpy() for name in ("forecast", "outcome", "train_mean"))
    health = health_of(walked.forecasts, walked.in_sample)
    accuracy, base = metrics.direction_accuracy(f, y), metrics.base_rate(y)
    ceiling = efficiency = None
    if truth is not None:
        ceiling, efficiency = float(truth.std() / y.std()), metrics.correlation(f, truth)
    trainings = walked.trainings
    return {
        "status": str(status_of(health)),
        "measured": {
            "n": health.n,
            "rho": health.rho,
            "rho_error": health.rho_error,
            "k": health.k,
            "efficiency": efficiency,
            "ceiling": ceiling,
            "eic": None if ceiling is None or efficiency is None else efficiency * ceiling,
            "r2": metrics.r2_oos(f, y, mean),
            "edge": None if accuracy is None or base is None else accuracy - base,
            "above_mean": health.above_mean,
            "health": str(health.code),
            "cause": str(diagnose(health, trainings).cause) if trainings else None,
            "rounds": float(np.mean([value for fold in walked.folds for value in fold.result.rounds])),
            "train_seconds": sum(fold.result.seconds for fold in walked.folds),
        },
    }


def _by_day(forecasts: pl.DataFrame) -> Record | None:
    """Return what each day adds to the error of the correlation; None where the correlation has none."""
    influence = metrics.correlation_influence(
        forecasts["forecast"].to_numpy(), forecasts["outcome"].to_numpy()
    )
    if influence is None:
        return None
    day = forecasts["day"].to_physical().to_list()
    return {"day": day, "influence": [float(f"{one:.5g}") for one in influence]}


def expected_hours(tasks: Sequence[Task], results: Results, workers: int | None = None) -> float:
    """Return about how long the open tasks take: as long as the arm took before, else by its model."""
    took: dict[str, list[float]] = {}
    for record in results.by_key.values():
        took.setdefault(record["arm"], []).append(record["seconds"])
    todo, jobs = results.open_tasks(tasks), workers or threads_at_hand()
    seconds = sum(
        float(np.median(took[task.arm.name])) if task.arm.name in took else _guess(task) for task in todo
    )
    fresh = {task.arm.name for task in todo if task.arm.model in GROUPS["net"]} - set(took)
    return (seconds / jobs + STARTUP_SECONDS * len(fresh)) / 3600.0  # every process compiles every network


def _guess(task: Task) -> float:
    known = _forecaster(task.arm, task.config).expected_seconds(task.market.learned_rows)
    return (task.config.max_folds or 3) * (MODELS[task.arm.model].fit_seconds if known is None else known)
