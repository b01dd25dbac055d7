"""One protocol for every model: a `Forecaster` holds settings, a `Predictor` holds what was learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geiger.errors import SettingError, TrainingError
from geiger.learning.windows import Block, Floats, Ints
from geiger.models.state import MAX_FEATURES, State, rows_of, spans_of
from geiger.records import Epoch, Notice, Training, TrainingSettings
from geiger.settings import MODELS
from geiger.settings.models import Workers


@dataclass(frozen=True, kw_only=True)
class Predictor(ABC):
    """What one fit learned.

    Attributes
    ----------
    rounds : int
        Trees, epochs or grid position (from 1) chosen on the inner validation rows; 0 where nothing is.
    epochs : tuple of Epoch
        The course of training on the inner validation rows, by a fit that has not seen them. Empty where the
        course of another member of the fold stands for all.
    fit_rows : (m,) int64
        Row numbers the final fit learned from.
    importances : (F,) float64, optional
        Share of each feature, summing to 1 (all 0 where nothing was used).
    importance_kind : str, optional
        What the shares are shares of.
    notices : tuple of Notice
        What people should know about this fit.
    training : Training, optional
        How the training of a network went.
    """

    fit_rows: Ints
    rounds: int = 0
    epochs: tuple[Epoch, ...] = ()
    importances: Floats | None = None
    importance_kind: str | None = None
    notices: tuple[Notice, ...] = ()
    training: Training | None = None

    @abstractmethod
    def predict(self, block: Block) -> Floats:
        """Return one forecast (n,) per row of `block`, in units of the standardised target.

        Only features are read, of these rows and, by models with memory, of the rows before each.
        """

    @property
    def reach(self) -> int:
        """How many rows before a row its forecast reads; 0 without memory."""
        return 0

    def rehearse(self, block: Block) -> None:  # noqa: B027 - most models have nothing to make
        """Make now, in forecasting `block`, what the first forecast by the saved model would have to make."""

    def state(self) -> State:
        """Return all that `predict` needs as plain values; `storage.restore` makes the model again.

        `fit_rows`, `rounds` and `importances` are part of it. The course of training, the notices and the
        training record are not: they stand in the run's log.

        Raises
        ------
        SettingError
            If a model of this kind cannot be written without running code when it is read.
        """
        raise SettingError(
            f"a {type(self).__name__} cannot be saved: it has no form that can be read without running code"
        )


@dataclass(frozen=True)
class Effort:
    """How much training one fit gets; None where the model has no such setting."""

    epochs: int | None = None
    trees: int | None = None  # at most
    batch_size: int | None = None
    learning_rate: float | None = None


class Learner(ABC):
    """Settings of whatever learns: a model, or what weighs the forecasts of models."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name, as on the command line."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """CPU threads one fit may use."""

    @property
    def seeded(self) -> bool:
        """Whether the seed changes the result."""
        return MODELS[self.name].seeded

    @property
    def effort(self) -> Effort:
        """How much training one fit gets."""
        return Effort()

    def members(self, seeds: int) -> int:
        """Return how many members a fold has where `seeds` are asked for: one where they are all alike."""
        return seeds if self.seeded else 1

    def described(self) -> TrainingSettings:
        """Return the settings that a log should show beside those that every model has."""
        return TrainingSettings()


class Forecaster(Learner):
    """Settings of one model; fitting returns a new thing and leaves the settings as they are."""

    @property
    def workers(self) -> Workers:
        """Who trains the folds: this process alone, threads, or processes."""
        return MODELS[self.name].workers

    def expected_seconds(self, rows: int) -> float | None:
        """Return about how long a fit of `rows` rows takes, where that is known without trying."""
        return None

    @property
    def storable(self) -> bool:
        """Whether what it learns, and what it is, can be written down without code."""
        return True

    def with_trees(self, number: int) -> Forecaster:
        """Return the same with so many trees and no early stopping; itself where it grows none."""
        return self

    @abstractmethod
    def fit(self, train: Block, valid: Block, *, seed: int) -> Predictor:
        """Learn from `train`; whatever is chosen is chosen on `valid`.

        Parameters
        ----------
        train, valid : Block
            Inner train and inner validation rows of one fold.
        seed : int
            The only source of randomness.

        Raises
        ------
        TrainingError
            If the model cannot be fitted to these rows.
        MissingLibrary
            If the library behind the model is not installed.
        """

    def fit_fold(
        self, train: Block, valid: Block, seeds: Sequence[int], *, course: bool = True
    ) -> Sequence[Predictor]:
        """Fit the members of one fold, one a seed; what does not depend on the seed is done once.

        Without `course` nobody reads how they learned, and nothing is done to know it alone.

        Raises
        ------
        TrainingError
            Naming the member that cannot be fitted.
        """
        members = []
        for number, seed in enumerate(seeds):
            with named(number):
                members.append(self.fit(train, valid, seed=seed))
        return members

    def fit_many(self, members: Sequence[tuple[Block, Block, int]]) -> Sequence[Predictor]:
        """Fit many (train, valid, seed) members: in one program where the model can, else one by one."""
        return [self.fit(train, valid, seed=seed) for train, valid, seed in members]


@contextmanager
def named(number: int) -> Iterator[None]:
    """Say in a TrainingError raised inside whose training it was."""
    try:
        yield
    except TrainingError as error:
        raise TrainingError(f"seed {number}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Ensemble(Predictor):
    """Forecasts the mean of its members; `rounds` is their mean, `Epoch.seed` the member's position."""

    members: tuple[Predictor, ...]

    @property
    def rounds_by_member(self) -> tuple[int, ...]:
        """What each member chose on the inner validation rows."""
        return tuple(member.rounds for member in self.members)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """How the training of each network went; empty for other models."""
        found = [member.training for member in self.members]
        return tuple(replace(one, seed=i) for i, one in enumerate(found) if one is not None)

    def predict(self, block: Block) -> Floats:
        """Return the members' mean forecast (n,)."""
        return np.asarray(self.each(block).mean(axis=0))

    def each(self, block: Block) -> Floats:
        """Return every member's forecast (members, n)."""
        return np.array([member.predict(block) for member in self.members])

    def rehearse(self, block: Block) -> None:
        """Rehearse with one member: all have the same settings."""
        self.members[0].rehearse(block)

    @property
    def reach(self) -> int:
        """How many rows before a row the forecast of any member reads."""
        return max(member.reach for member in self.members)

    def state(self) -> State:
        """Return the members' states as parts of one."""
        parts = tuple(member.state() for member in self.members)
        facts, arrays = common_state(self, parts[0].facts["features"])
        return State("ensemble", facts, arrays, parts=parts)


def fit_members(
    forecaster: Forecaster, train: Block, valid: Block, seeds: Sequence[int], *, course: bool = True
) -> Ensemble:
    """Fit one member for each seed; a model that uses no seed is fitted once.

    `course` is that of `Forecaster.fit_fold`.

    Raises
    ------
    SettingError
        If there is no seed.
    """
    if not seeds:
        raise SettingError("an ensemble needs at least one seed")
    each = forecaster.members(len(seeds))
    return average(forecaster.fit_fold(train, valid, seeds[:each], course=course))


def average(members: Sequence[Predictor]) -> Ensemble:
    """Return the members as one predictor, the mean of all."""
    importances = [member.importances for member in members if member.importances is not None]
    return Ensemble(
        members=tuple(members),
        fit_rows=members[0].fit_rows,
        rounds=round(sum(member.rounds for member in members) / len(members)),
        epochs=tuple(replace(e, seed=i) for i, member in enumerate(members) for e in member.epochs),
        importances=np.mean(importances, axis=0) if importances else None,
        importance_kind=members[0].importance_kind,
        notices=tuple(dict.fromkeys(notice for member in members for notice in member.notices)),
    )


COMMON_FACTS = ("features", "rounds", "importance_kind")


def common_state(predictor: Predictor, features: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the facts and arrays that the state of every predictor for so many features has."""
    facts = {
        "features": features,
        "rounds": int(predictor.rounds),
        "importance_kind": predictor.importance_kind,
    }
    arrays: dict[str, Any] = {"fit_rows": spans_of(predictor.fit_rows)}
    if predictor.importances is not None:
        arrays["importances"] = predictor.importances
    return facts, arrays


def restore_common(state: State) -> dict[str, Any]:
    """Return the arguments that every predictor's constructor takes, checked.

    Raises
    ------
    DataError
        If one of them is missing or wrong.
    """
    features = state.whole("features", least=1, most=MAX_FEATURES)
    has = "importances" in state.arrays
    return {
        "fit_rows": rows_of(state, "fit_rows"),
        "rounds": state.whole("rounds"),
        "importances": state.floats("importances", (features,)) if has else None,
        "importance_kind": None if state.facts["importance_kind"] is None else state.text("importance_kind"),
    }


def epoch_record(
    number: int, on_train: Floats, on_valid: Floats, train: Block, valid: Block, *, best: bool = False
) -> Epoch:
    """Describe forecasts on the train rows (n,) and on the inner validation rows (m,).

    `loss` carries the sample weights that training used, `val_loss` never carries any.
    """
    spread = float(valid.y.std())
    return Epoch(
        epoch=number,
        loss=float(np.average((on_train - train.y) ** 2, weights=train.weight)),
        val_loss=float(np.mean((on_valid - valid.y) ** 2)),
        pred_std=float(on_valid.std()) / spread if spread > 0.0 else 0.0,
        pos_pct=100.0 * float(np.mean(on_valid > valid.zero)),
        best=best,
    )


def shares(values: Floats) -> Floats:
    """Return non-negative values (F,) as shares of their sum; all 0 where the sum is 0."""
    total = values.sum()
    return values / total if total > 0.0 else np.zeros(len(values))
