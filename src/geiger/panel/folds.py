"""The folds of a panel: cut by day, so that all symbols of a day stand on the same side of every border."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geiger.experiment.cut import cut_folds
from geiger.learning.folds import Fold, folds_for_use
from geiger.panel.material import PanelMaterial
from geiger.settings import Config


def panel_folds(material: PanelMaterial, config: Config) -> tuple[Fold, ...]:
    """Return the folds; their rows are positions among the days that count (see `counting`).

    Such a day's outcomes are known, where they are on time, as soon as the calendar allows: the gap rule of
    `learning.folds` holds for all symbols at once, and what is late is not learned.

    Raises
    ------
    SettingError
        The days are too few.
    """
    return cut_folds(0, len(counting(material)) - config.horizon - 1, config)


def use_fold(material: PanelMaterial, config: Config) -> Fold:
    """Return the fold behind all others: it forecasts the last day, from every outcome known by then."""
    days, index = len(counting(material)), panel_folds(material, config)[-1].index + 1
    return folds_for_use(
        0,
        days,
        days,
        index=index,
        horizon=config.horizon,
        refit=config.refit,
        valid_share=config.valid_share,
        rolling=config.rolling,
    )[-1]


def counting(material: PanelMaterial) -> npt.NDArray[np.int64]:
    """Return the positions in the calendar of the days that count (C,)."""
    return np.flatnonzero(material.counts)


def rows_of(material: PanelMaterial, days: npt.NDArray[np.int64], span: range) -> slice:
    """Return the rows of a span of counting days; no row lies between them that does not count."""
    if not len(span):
        return slice(0, 0)
    return material.rows(int(days[span[0]]), int(days[span[-1]]) + 1)


def spans(folds: Sequence[Fold]) -> list[range]:
    """Return what each fold learns from in the end: its train, gap and valid days."""
    return [range(fold.train.start, fold.valid.stop) for fold in folds]
