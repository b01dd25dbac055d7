"""The same run again, from what it left behind: settings, seeds and snapshots of its data.

Bits depend on more than settings: on versions, the processor and the number of threads. What differs there
is said first, so that a difference in the forecasts is read in its light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from geiger.experiment.evaluation import trade
from geiger.experiment.material import Material
from geiger.experiment.own import OwnEstimator, estimator_of_run
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import BaseRun, Experiment, Plan, plan
from geiger.experiment.run import run, run_bases
from geiger.experiment.written import Run
from geiger.runs.environment import environment
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import Config


@dataclass(frozen=True)
class Comparison:
    """One column of numbers, as it was and as it is now.

    Attributes
    ----------
    what : str
        Whose forecasts, or what else.
    rows, identical : int
        Rows that either side has, and rows with the same bits on both.
    largest : float or None
        Largest absolute difference, in the unit of the numbers; None where a row is on one side only.
    first : str
        The first row that differs: its day, and of a panel its symbol; empty where none does.
    """

    what: str
    rows: int
    identical: int
    largest: float | None
    first: str = ""

    @property
    def same(self) -> bool:
        """Whether every row has the same bits."""
        return self.identical == self.rows

    def text(self) -> str:
        """Return it in one line.

        >>> Comparison("ridge forecasts", 504, 504, 0.0).text()
        'ridge forecasts: bit-identical on all 504 rows'
        """
        if self.same:
            return f"{self.what}: bit-identical on all {self.rows} rows"
        where = "some rows are on one side only" if self.largest is None else f"by up to {self.largest:.3g}"
        first = f"; the first is {self.first}" if self.first else ""
        return f"{self.what}: {self.rows - self.identical} of {self.rows} rows differ, {where}{first}"


@dataclass(frozen=True)
class Replay:
    """What became of repeating a run.

    Attributes
    ----------
    changes : tuple of str
        What differs in versions, machine, threads and code since the run.
    comparisons : tuple of Comparison
        Of the run itself, and of a stack's base models.
    """

    run: str
    changes: tuple[str, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def same(self) -> bool:
        """Whether everything came out with the same bits."""
        return all(comparison.same for comparison in self.comparisons)


def changes_since(stored: StoredRun) -> tuple[str, ...]:
    """Say in what this machine differs from the one that made the run, as far as bits may depend on it."""
    then, now = stored.record.environment, environment()
    found = [
        f"{word}: {old} then, {new} now"
        for word, old, new in (
            ("python", then.python, now.python),
            ("machine", then.machine, now.machine),
            ("threads", then.threads, now.threads),
            ("geiger's own code", then.code, now.code),
        )
        if old != new
    ]
    for old, new in ((then.versions, now.versions), (then.thread_variables, now.thread_variables)):
        found += [
            f"{name}: {old.get(name, 'none')} then, {new.get(name, 'none')} now"
            for name in sorted(old.keys() | new.keys())
            if old.get(name) != new.get(name)
        ]
    return tuple(found)


def replay(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    features: Any = None,
    target: Any = None,
    estimator: Any = None,
    on_plan: Any = lambda planned: None,
    on_fold: Any = lambda output: None,
) -> Replay:
    """Repeat a finished run and compare.

    Parameters
    ----------
    stored : StoredRun
    runs : RunsFolder
        Where the run lies, with the snapshots of its data.
    features, target, estimator : optional
        What the run had of the user's own, as `Experiment` takes it; of that a run keeps frames alone.
    on_plan, on_fold : callable
        Told of each plan before it is run, and of each fold when it is done.

    Raises
    ------
    DataError
        The data are gone, or the run's record cannot be read.
    SettingError
        The run used code of the user's own, which it did not keep, and none is given, or another.
    """
    config = stored.config()
    again = stored.record.kind != "backtest"
    own = estimator_of_run(stored, estimator) if again else None
    material = material_of_run(stored, config, runs, features=features, target=target, forecasting=again)
    if not again:
        found: tuple[Comparison, ...] = (_backtest_again(stored, material, config),)
    else:
        found = _train_again(stored, material, config, runs, own, on_plan, on_fold)
    return Replay(stored.name, changes_since(stored), found)


def _train_again(
    stored: StoredRun,
    material: Material,
    config: Config,
    runs: RunsFolder,
    own: OwnEstimator | None,
    on_plan: Any,
    on_fold: Any,
) -> tuple[Comparison, ...]:
    model = stored.record.model
    with TemporaryDirectory() as folder:
        place = Path(folder)
        experiment = Experiment(
            material.symbol,
            model,
            config,
            estimator=own,
            runs_dir=place / "runs",
            log_dir=place / "logs",
        )
        planned = plan(experiment, material)

        def train(one: Plan) -> Run:
            on_plan(one)
            return run(one, on_fold=on_fold)

        bases = run_bases(planned, train=train)
        on_plan(planned)
        again = run(planned, on_fold=on_fold, bases=bases)
        made = experiment.runs.load(again.name)
        return (*_bases_compared(stored, bases, runs), *_forecasts_compared(model, stored, made))


def _bases_compared(stored: StoredRun, bases: Sequence[BaseRun], runs: RunsFolder) -> tuple[Comparison, ...]:
    """Compare what a stack's base models forecast, as far as their own runs are still there."""
    found = []
    for base in bases:
        name = stored.record.bases.get(base.model)
        if name is not None and base.stored is not None and (runs.root / name).is_dir():
            found += _forecasts_compared(base.model, runs.load(name), base.stored)
    return tuple(found)


def _forecasts_compared(model: str, old: StoredRun, new: StoredRun) -> list[Comparison]:
    """Compare the scored forecasts, and those after them that are kept for sizing alone."""
    return [
        compared(f"{model} forecasts", old.forecasts(), new.forecasts()),
        compared(f"{model} forecasts behind the scored days", old.sealed(), new.sealed()),
    ]


def _backtest_again(stored: StoredRun, material: Material, config: Config) -> Comparison:
    """Trade the stored forecasts once more: the ledger must come out the same."""
    return compared("ledger", stored.ledger(), trade(stored.forecasts(), material, config), column="net")


def compared(
    what: str,
    old: pl.DataFrame,
    new: pl.DataFrame,
    column: str = "forecast",
    key: Sequence[str] = ("day",),
) -> Comparison:
    """Compare a column of two frames, bit by bit, row by row of `key`."""
    both = old.select(*key, old=column).join(new.select(*key, new=column), on=key, how="full", coalesce=True)
    one, other = (both[name].to_numpy().astype(np.float64) for name in ("old", "new"))
    alone = both["old"].is_null() | both["new"].is_null()
    same = (one.view(np.uint64) == other.view(np.uint64)) & ~alone.to_numpy()
    largest = None if alone.any() else float(np.abs(one - other).max(initial=0.0))
    differing = both.filter(pl.Series(~same)).sort(key)
    first = " ".join(map(str, differing.select(key).row(0))) if differing.height else ""
    return Comparison(what, both.height, int(same.sum()), largest, first)
