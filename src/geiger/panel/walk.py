"""Strict walk-forward over many symbols: a fold learns from the past of all, forecasts its test days once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.blas import one_blas_thread
from geiger.columns import PANEL_FORECASTS, require
from geiger.errors import TrainingError
from geiger.learning.folds import Fold
from geiger.panel.fits import folds_of, walk_folds
from geiger.panel.folds import counting
from geiger.panel.issue import Chosen, Issued, choose, scale
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import FoldScores
from geiger.panel.stack import together
from geiger.panel.targets import Targets, targets_of
from geiger.runs.parts import Parts
from geiger.settings import Config
from geiger.settings.models import STACK

Listener = Callable[[str, FoldScores], None]


@dataclass(frozen=True, eq=False)
class PanelWalk:
    """What a panel's walk made.

    Attributes
    ----------
    forecasts : PANEL_FORECASTS frame
    folds : tuple of FoldScores
        Of all models, in the order in which they were made.
    chosen : mapping of str to Chosen
        What each base model says by itself.
    """

    model: str
    forecasts: pl.DataFrame
    issued: Issued
    targets: Targets
    folds: tuple[FoldScores, ...]
    chosen: dict[str, Chosen]


def bases_of(model: str, config: Config) -> tuple[str, ...]:
    """Return the models that are trained for `model`: those that a stack weighs, or itself."""
    return tuple(config.stack.models) if model == STACK else (model,)


def walk(
    material: PanelMaterial,
    model: str,
    config: Config,
    *,
    parts: Parts | None = None,
    on_fold: Listener = lambda model, fold: None,
) -> PanelWalk:
    """Train `model` on every fold, and return what is issued of its out-of-sample forecasts.

    Parameters
    ----------
    parts : Parts, optional
        Finished folds of an earlier, killed run of exactly this work; they are used, not trained again.
    on_fold : callable
        Told of each model's fold when it is done.
    """
    targets, folds, chosen = targets_of(material, config.panel), [], {}
    with one_blas_thread():
        for base in bases_of(model, config):
            made = []
            for fold in walk_folds(material, base, targets, config, parts):
                on_fold(base, fold)
                made.append(fold)
            folds += made
            chosen[base] = choose(material, targets, made, config)
        said = together(material, chosen) if model == STACK else chosen[model]
        issued = scale(material, targets, said, config)
    often = max(chosen, key=lambda base: len(folds_of(material, base, config)))
    frame = frame_of(material, model, issued, folds_of(material, often, config), config.panel.least_names)
    return PanelWalk(model, frame, issued, targets, tuple(folds), chosen)


def frame_of(
    material: PanelMaterial, model: str, issued: Issued, folds: Sequence[Fold], least: int
) -> pl.DataFrame:
    """Return the PANEL_FORECASTS frame of what is issued: what is scored.

    These are the tradable rows with a known outcome, of days on which at least so many symbols have one;
    years of stale opens have none.

    Parameters
    ----------
    folds : sequence of Fold
        Those that `Issued.fold` counts.

    Raises
    ------
    TrainingError
        If a forecast was made by a fold that had seen a label of a later day.
    """
    rows = issued.rows
    kept = material.tradable[rows] & np.isfinite(material.outcome[rows])
    names = np.bincount(material.day[rows][kept], minlength=len(material.calendar))
    kept &= names[material.day[rows]] >= least
    day, member = material.day[rows][kept], material.member[rows][kept]
    volatility = material.volatility[rows]
    frame = pl.DataFrame(
        {
            "day": material.calendar.gather(day),
            "symbol": pl.Series(material.symbols).gather(member),
            "model": pl.Series([model]).gather(np.zeros(len(day), dtype=np.uint32)),
            "fold": issued.fold[kept],
            "score": issued.score[kept],
            "market": issued.market[kept],
            "forecast": (volatility * issued.expected)[kept],
            "outcome": material.outcome[rows][kept],
            "known_on": material.known_on[rows].filter(kept),
            "train_end": material.calendar.gather(_learned_to(material, issued, folds)[kept]),
            "volatility": volatility[kept],
        }
    )
    late = frame.filter(pl.col("train_end") > pl.col("day"))
    if late.height:
        raise TrainingError(f"fold {late['fold'][0]} learned from outcomes of later days than it forecast")
    return require(frame, PANEL_FORECASTS)


def _learned_to(material: PanelMaterial, issued: Issued, folds: Sequence[Fold]) -> npt.NDArray[np.int64]:
    """Return, for each row, the day at which its fold was fitted, from outcomes known by then (R,)."""
    days = counting(material)
    fitted = np.zeros(max(fold.index for fold in folds) + 1, dtype=np.int64)
    for fold in folds:
        fitted[fold.index] = days[fold.test.start]
    return fitted[issued.fold]
