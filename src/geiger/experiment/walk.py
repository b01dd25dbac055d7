"""Strict walk-forward of one model: every fold learns from its past, forecasts its test rows once.

Finished folds are stored as they come, so a killed run continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from geiger.columns import SEALED, require
from geiger.experiment.cut import use_folds
from geiger.experiment.material import Material
from geiger.experiment.resume import (
    keep_trained,
    part_of,
    sealed_part,
    stored_fold,
    stored_sealed,
    stored_trained,
)
from geiger.experiment.stitch import forecasts_of, importances_of, in_sample_of, members_of, sealed_rows
from geiger.experiment.train_fold import FoldOutput, Rows, Task
from geiger.experiment.workers import train_all
from geiger.learning.folds import Fold
from geiger.models import Forecaster
from geiger.models.trained import Trained
from geiger.records import FoldResult, Notice, Training
from geiger.runs.parts import Parts
from geiger.runs.saved import SavedModel
from geiger.settings import Config


@dataclass(frozen=True)
class Walk:
    """The stitched test rows of all folds, and what each fold did.

    Attributes
    ----------
    members : MEMBERS frame
    in_sample : IN_SAMPLE frame
    importances : IMPORTANCES frame
        Empty where the model tells none.
    sealed : SEALED frame, optional
        Forecasts of the rows after the scored ones, the lock-box included. They are never scored.
    trained : Trained, optional
        The model for use: fitted once more, on every row whose label is known. It is never scored.
    """

    model: str
    forecasts: pl.DataFrame
    members: pl.DataFrame
    in_sample: pl.DataFrame
    importances: pl.DataFrame
    folds: tuple[FoldOutput, ...]
    sealed: pl.DataFrame | None = None
    trained: Trained | None = None

    @property
    def results(self) -> tuple[FoldResult, ...]:
        """What each fold did."""
        return tuple(fold.result for fold in self.folds)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """How the training of each network went; empty for other models."""
        return tuple(training for fold in self.folds for training in fold.trainings)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables of a run folder beside the forecasts."""
        found = {"members": self.members, "in_sample": self.in_sample, "importances": self.importances}
        return found if self.sealed is None else {**found, "sealed": self.sealed}

    @property
    def weights(self) -> pl.DataFrame | None:
        """Weights of base models: none."""
        return None

    @property
    def rivals(self) -> pl.DataFrame | None:
        """Simpler alternatives on the same days: none."""
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the log."""
        return () if self.rounds_note is None else (self.rounds_note,)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The folds' notices, one a code, with the folds that gave it."""
        given: dict[str, list[tuple[int, str]]] = {}
        for fold in self.folds:
            for notice in fold.notices:
                given.setdefault(notice.code, []).append((fold.result.fold, notice.text))
        found = [Notice(code, _in_folds(texts, len(self.folds))) for code, texts in given.items()]
        resumed = [fold.result.fold for fold in self.folds if fold.resumed]
        if resumed:
            were = "fold {} was" if len(resumed) == 1 else "folds {} were"
            text = f"{were.format(_listed(resumed))} finished by an earlier run that was stopped"
            found.append(Notice("RESUMED", text))
        return tuple(found)

    @property
    def rounds_note(self) -> str | None:
        """What the folds chose on their inner validation rows, in one sentence."""
        rounds = [value for fold in self.folds for value in fold.result.rounds]
        if not any(rounds):
            return None
        low, high, middle = min(rounds), max(rounds), int(np.median(rounds))
        span = f"{low} every time" if low == high else f"median {middle}, from {low} to {high}"
        return f"Rounds (trees, epochs, or place on the penalty grid) of {len(rounds)} trainings: {span}."

    def model_for_use(self, facts: Mapping[str, Any]) -> SavedModel | None:
        """Return what `geiger predict` needs, `facts` saying what it was made of; None without one."""
        one = self.trained
        if one is None:
            return None
        return SavedModel(
            parts={self.model: one},
            meta=None,
            train_mean=one.train_mean,
            train_std=one.train_std,
            facts=facts,
        )


def _in_folds(texts: Sequence[tuple[int, str]], total: int) -> str:
    numbers = sorted({fold for fold, _ in texts})
    others = len({text for _, text in texts}) - 1
    like = f"; and {others} more such" if others else ""
    return f"{texts[0][1]}{like} [in {len(numbers)} of {total} folds: {_listed(numbers)}]"


def _listed(numbers: Sequence[int], most: int = 12) -> str:
    return ", ".join(map(str, numbers[:most])) + (" ..." if len(numbers) > most else "")


def walk(
    material: Material,
    model: str,
    forecaster: Forecaster,
    config: Config,
    folds: Sequence[Fold],
    *,
    parts: Parts | None = None,
    on_fold: Callable[[FoldOutput], None] = lambda fold: None,
    for_use: bool = False,
) -> Walk:
    """Train `forecaster` on every fold and return its stitched out-of-sample forecasts.

    Parameters
    ----------
    folds : sequence of Fold
        As `plan_folds` cut them.
    parts : Parts, optional
        Finished folds of an earlier, killed run of exactly this work; they are used, not trained again.
    on_fold : callable
        Told of each fold when it is done.
    for_use : bool
        Forecast the rows after the scored ones as well, go on over the lock-box, and fit the model for use:
        see `Walk.sealed` and `Walk.trained`.
    """
    whole = material.whole
    ahead = use_folds(material, config, folds) if for_use else ()
    known = {fold.index: stored_fold(parts, fold) for fold in folds}
    known_ahead = {fold.index: stored_sealed(parts, fold) for fold in ahead[:-1]}
    usable = stored_trained(parts, ahead[-1], model) if ahead else None
    there = {index for index, one in (known | known_ahead).items() if one is not None}
    there |= {fold.index for fold in ahead[-1:] if usable is not None}
    tasks = [task for task in _tasks(material, folds, ahead) if task.fold.index not in there]
    trained = train_all(model, forecaster, config, tasks)
    outputs, sealed = [], []
    with closing(trained):  # processes end with the walk, however it ends
        for fold in folds:
            output = known[fold.index] or next(trained)
            if parts is not None and fold.index not in there:
                parts.save(fold.index, part_of(output))
            on_fold(output)
            outputs.append(output)
        if not ahead:
            return _stitched(material, model, outputs)
        rows = range(folds[-1].test.stop, ahead[0].test.start)
        sealed.append(
            sealed_rows(whole, folds[-1].index, rows, outputs[-1].later_forecast, outputs[-1].train_std)
        )
        for fold in ahead[:-1]:
            part = known_ahead[fold.index]
            if part is None:
                part = sealed_part(next(trained))
                if parts is not None:
                    parts.save(fold.index, part)
            sealed.append(
                sealed_rows(whole, fold.index, fold.test, part.arrays["forecast"], part.facts["train_std"])
            )
        usable = usable or next(trained).trained
    stitched = _stitched(material, model, outputs)
    return replace(stitched, sealed=require(pl.concat(sealed), SEALED), trained=usable)


def fold_numbers(material: Material, config: Config, folds: Sequence[Fold], *, for_use: bool) -> range:
    """Return the numbers of all folds that `walk` trains: the scored ones, then those for use."""
    ahead = use_folds(material, config, folds) if for_use else ()
    return range(folds[0].index, folds[-1].index + 1 + len(ahead))


def train_some(
    material: Material,
    model: str,
    forecaster: Forecaster,
    config: Config,
    folds: Sequence[Fold],
    numbers: Collection[int],
    parts: Parts,
    *,
    for_use: bool,
) -> None:
    """Train some folds of a walk, by `fold_numbers`, and keep them where `walk` will find them.

    Whoever walks then takes them as trained on purpose, and not as what a stopped run left.
    """
    ahead = use_folds(material, config, folds) if for_use else ()
    scored = {fold.index for fold in folds}
    tasks = [task for task in _tasks(material, folds, ahead) if task.fold.index in numbers]
    with closing(train_all(model, forecaster, config, tasks)) as trained:
        for task, output in zip(tasks, trained, strict=True):
            number = task.fold.index
            if number in scored:
                parts.save(number, part_of(output, ahead=True))
            elif output.trained is None:
                parts.save(number, sealed_part(output))
            else:
                keep_trained(parts, number, model, output.trained)


def _tasks(material: Material, folds: Sequence[Fold], ahead: Sequence[Fold]) -> list[Task]:
    """Return the task of every fold, in order; the last one behind the scored rows is the model for use."""
    scored, whole = replace(material, beyond=None), material.whole
    tasks = [Task.of(scored, fold) for fold in folds]
    if not ahead:
        return tasks
    # Until the first decision behind the scored rows, the last scored fold is the newest model there is.
    later = (Rows.of(whole), range(folds[-1].test.stop, ahead[0].test.start))
    tasks[-1] = replace(tasks[-1], later=later)
    # Of these only forecasts and the model are kept: how they learned would tell of the lock-box.
    tasks += [Task.of(whole, fold, told=False) for fold in ahead[:-1]]
    return [*tasks, Task.of(whole, ahead[-1], keep=True, told=False)]


def _stitched(material: Material, model: str, outputs: Sequence[FoldOutput]) -> Walk:
    return Walk(
        model=model,
        forecasts=forecasts_of(material, model, outputs),
        members=members_of(material, outputs),
        in_sample=in_sample_of(material, outputs),
        importances=importances_of(material, outputs),
        folds=tuple(outputs),
    )
