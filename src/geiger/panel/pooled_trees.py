"""Gradient boosting over the rows of all symbols, on the features as they are.

A tree asks whether a feature lies above a threshold, so nothing is gained by scaling. The rows of a fold are
a slice of the panel's own; those without a known outcome weigh nothing. What the day as a whole does, trees
are not asked: timing is the mean of the learned outcomes, whose worth its slope finds out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geiger.errors import TrainingError
from geiger.experiment.train_fold import seeds_of
from geiger.experiment.workers import in_threads, workers_for
from geiger.learning.folds import Fold
from geiger.learning.windows import Block
from geiger.models import Ensemble, Predictor, average, forecaster_of
from geiger.models.boosting import Boosting
from geiger.models.state import State
from geiger.models.storage import restore
from geiger.panel.folds import counting, rows_of
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Fit, Pooled
from geiger.panel.scores import Floats
from geiger.panel.targets import Targets, mean_timing, weights_of
from geiger.settings import Config


@dataclass(frozen=True, eq=False)
class PooledTrees(Pooled):
    """Trees for selection, one number for timing."""

    trees: Ensemble
    timing: float

    def tell(self, material: PanelMaterial, rows: slice) -> tuple[Floats, Floats]:
        """Return selection (1, R) and timing (R,); see `Pooled`."""
        selection = self.trees.predict(_block(material, rows, None, None))
        return selection[None, :], np.full(len(selection), self.timing)

    def state(self) -> State:
        """Return the trees as their library writes them, and the number."""
        return State("pooled_trees", {"timing": self.timing}, parts=(self.trees.state(),))


def restore_trees(state: State) -> PooledTrees:
    """Return the model behind a state.

    Raises
    ------
    DataError
        A value is missing or wrong, or the library cannot read its trees.
    """
    state.require("pooled_trees", facts=("timing",), parts=1)
    trees = restore(state.parts[0])
    if not isinstance(trees, Ensemble):
        raise state.fault("an ensemble expected inside")
    return PooledTrees(trees, state.number("timing"))


def fit_trees(
    material: PanelMaterial, model: str, targets: Targets, folds: Sequence[Fold], config: Config
) -> Iterator[Fit]:
    """Fit each fold from its past, folds in threads; their number changes no bit.

    Raises
    ------
    TrainingError
        A fold has no row to learn from, or its trees cannot be grown.
    """
    forecaster = forecaster_of(config, model)
    assert isinstance(forecaster, Boosting)

    def fit(fold: Fold) -> Fit:
        try:
            return _fitted(material, model, forecaster, targets, fold, config)
        except TrainingError as error:
            raise TrainingError(f"fold {fold.index}: {error}") from error

    return in_threads(fit, folds, workers_for(config, len(folds)))


def _fitted(
    material: PanelMaterial, model: str, forecaster: Boosting, targets: Targets, fold: Fold, config: Config
) -> Fit:
    started, days = time.perf_counter(), counting(material)
    rows = rows_of(material, days, range(fold.train.start, fold.valid.stop))
    weight = weights_of(material, targets, rows, config.panel)
    if not weight.any():
        raise TrainingError("no row with a known outcome to learn from")
    seeds = seeds_of(config, model, fold)
    whole = _block(material, rows, targets.selection[rows], weight)
    if forecaster.settings.early_stopping is None:
        members = _grown(forecaster, whole, seeds)
    else:
        members = _watched(material, forecaster, targets, fold, config, whole)
    trees = average([replace(member, fit_rows=np.empty(0, np.int64)) for member in members])
    return Fit(
        fold=fold,
        model=PooledTrees(trees, mean_timing(targets, rows, weight)),
        rounds=trees.rounds_by_member,
        learned_rows=int((weight > 0.0).sum()),
        seconds=time.perf_counter() - started,
        importances=np.empty(0) if trees.importances is None else trees.importances,
    )


def _grown(forecaster: Boosting, block: Block, seeds: Sequence[int]) -> Sequence[Predictor]:
    """Grow all trees on a block, once for each seed; nothing is chosen, so nothing is held back."""
    settings = replace(forecaster.settings, early_stopping=None, refit=False)
    return replace(forecaster, settings=settings).fit_fold(block, block, seeds, course=False)


def _watched(
    material: PanelMaterial,
    forecaster: Boosting,
    targets: Targets,
    fold: Fold,
    config: Config,
    whole: Block,
) -> Sequence[Predictor]:
    """Choose the number of trees on the valid days, by trees that have not seen them; then grow as many."""
    days, seeds = counting(material), seeds_of(config, forecaster.name, fold)
    inner = rows_of(material, days, fold.train)
    weight = weights_of(material, targets, inner, config.panel)
    train = _block(material, inner, targets.selection[inner], weight)
    rows = rows_of(material, days, fold.valid)
    known = np.isfinite(targets.selection[rows])
    valid = _block(material, rows, targets.selection[rows], known.astype(np.float64))
    valid = valid.take(valid.rows[known])  # watched rows all count alike
    chosen = replace(forecaster, settings=replace(forecaster.settings, refit=False))
    members = chosen.fit_fold(train, valid, seeds, course=False)
    if not forecaster.settings.refit:
        return members
    return [
        _grown(forecaster.with_trees(member.rounds), whole, [seed])[0]
        for member, seed in zip(members, seeds, strict=True)
    ]


def _block(material: PanelMaterial, rows: slice, target: Floats | None, weight: Floats | None) -> Block:
    """Return rows as trees read them: views of the panel's own features, and no history."""
    x, n = material.features[rows], rows.stop - rows.start
    y = np.zeros(n) if target is None else np.nan_to_num(target)
    return Block(
        x=x,  # type: ignore[arg-type]  # in single precision, in which every library reads it anyway
        y=y,
        weight=np.ones(n) if weight is None else weight,
        rows=np.arange(rows.start, rows.stop, dtype=np.int64),
    )
