"""The folds of a material under its settings; where borders and gaps lie is for `learning.folds` to say."""

from __future__ import annotations

from collections.abc import Sequence

from geiger.experiment.material import Material
from geiger.learning.folds import Fold, folds_for_use, walk_forward
from geiger.settings import Config


def cut_folds(first_row: int, end_row: int, config: Config) -> tuple[Fold, ...]:
    """Return the folds of rows [first_row, end_row) under `config`."""
    return walk_forward(
        first_row,
        end_row,
        horizon=config.horizon,
        min_train=config.min_train,
        refit=config.refit,
        valid_share=config.valid_share,
        rolling=config.rolling,
        max_folds=config.max_folds,
    )


def plan_folds(material: Material, config: Config) -> tuple[Fold, ...]:
    """Return the folds that `walk` will train, without training any."""
    return cut_folds(material.warmup, material.labelled, config)


def use_folds(material: Material, config: Config, folds: Sequence[Fold]) -> tuple[Fold, ...]:
    """Return the folds behind the scored ones, of rows of `material.whole`; the last is the model for use."""
    return folds_for_use(
        material.warmup,
        material.prices.height,
        material.whole.prices.height,
        index=folds[-1].index + 1,
        horizon=config.horizon,
        refit=config.refit,
        valid_share=config.valid_share,
        rolling=config.rolling,
    )
