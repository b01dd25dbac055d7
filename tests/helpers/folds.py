"""Folds of the material of `helpers.stacks`, and what a fold hands on that forecasts one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from geiger.experiment.material import Material
from geiger.experiment.train_fold import FoldOutput
from geiger.learning.folds import Fold, walk_forward
from geiger.records import Epoch, FoldResult, Notice


def folds_of(known: Material) -> tuple[Fold, ...]:
    return walk_forward(known.warmup, known.labelled, min_train=300, refit=50)


def fold_output(known: Material, fold: Fold, value: float = 0.01, **changes: Any) -> FoldOutput:
    """Two members, one that forecasts 0.001 less than `value` on every row, one that forecasts 0.001 more."""
    days = [str(day) for day in known.prices["day"]]
    result = FoldResult(
        fold.index,
        *(days[row] for part in (fold.train, fold.valid, fold.test) for row in (part[0], part[-1])),
        *(len(part) for part in (fold.train, fold.valid, fold.test)),
        rounds=(3, 5),
        seconds=0.5,
    )
    fit_rows = np.array([*fold.train, *fold.valid])
    facts: dict[str, Any] = {
        "result": result,
        "epochs": (Epoch(0, 1.0, float("inf"), 0.05, 50.0, fold.index, best=True),),
        "notices": (Notice("ODD", "something is odd"),),
        "test_forecast": np.full(len(fold.test), value),
        "member_forecast": np.stack([np.full(len(fold.test), value + shift) for shift in (-0.001, 0.001)]),
        "fit_rows": fit_rows,
        "fit_forecast": np.full(len(fit_rows), value / 2),
        "importances": np.empty(0),
        "train_mean": 0.0003,
        "train_std": 0.012,
        "later_forecast": np.array([value]),
    }
    return FoldOutput(**{**facts, **changes})
