"""What every training hands on, and whom it tells how it goes: the same words for a model and for a stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import polars as pl

from geiger.experiment.train_fold import FoldOutput
from geiger.records import FoldResult, Notice, Training
from geiger.runs.saved import SavedModel


class Listener(Protocol):
    """Who is told how a training goes."""

    def trained(self, fold: FoldOutput) -> None:
        """Hear that a model has learned and forecast a fold."""

    def weighed(self, result: FoldResult) -> None:
        """Hear that weights were found for a period."""


class Made(Protocol):
    """What a training hands on, whatever was trained.

    Attributes
    ----------
    forecasts : FORECASTS frame
        Test rows of all folds.
    in_sample : IN_SAMPLE frame
        The rows that each fold's final fit used.
    frames : mapping of str to frame
        The tables of a run folder beside the forecasts.
    weights : STACK_WEIGHTS frame, optional
        Of base models.
    rivals : RIVALS frame, optional
        Simpler alternatives, on the same days.
    notes : tuple of str
        Sentences for the log.
    """

    @property
    def forecasts(self) -> pl.DataFrame: ...  # noqa: D102 - above
    @property
    def in_sample(self) -> pl.DataFrame: ...  # noqa: D102
    @property
    def frames(self) -> Mapping[str, pl.DataFrame]: ...  # noqa: D102
    @property
    def weights(self) -> pl.DataFrame | None: ...  # noqa: D102
    @property
    def rivals(self) -> pl.DataFrame | None: ...  # noqa: D102
    @property
    def results(self) -> tuple[FoldResult, ...]: ...  # noqa: D102
    @property
    def trainings(self) -> tuple[Training, ...]: ...  # noqa: D102
    @property
    def notices(self) -> tuple[Notice, ...]: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102

    def model_for_use(self, facts: Mapping[str, Any]) -> SavedModel | None:
        """Return what `geiger predict` needs, `facts` saying what it was made of; None without one."""
