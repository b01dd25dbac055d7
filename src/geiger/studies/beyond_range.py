"""Do trees forecast beyond what they have seen? A small study whose answer is known.

A model learns a series from its last five values. ``within``: a level that returns to its mean, so that test
and train rows share a range. ``beyond``: a level with a trend, so that every test row lies above the train
rows. ``returns``: the returns of a level with a trend, which share a range again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models import forecaster_of
from geiger.seeds import derive, generator
from geiger.settings import MODELS as TABLE
from geiger.settings import override, recipe
from geiger.settings.models import names_of

Floats = npt.NDArray[np.float64]
Case = Literal["within", "beyond", "returns"]

CASES: tuple[Case, ...] = ("within", "beyond", "returns")
MODELS = names_of("linear", "boosting")
ROWS, TEST_ROWS, LAGS = 2000, 500, 5
GAP = 500  # rows between the last one learned and the first one forecast
PULL = 0.9  # of a level: share of its distance from the line that is left a day later
RETURN_SLOPE = 0.4  # of returns: what yesterday's adds to today's
TREND = 0.05  # a day, in standard deviations of a day's shock
UNCLIPPED = 1e6  # standard deviations; a level must arrive as it is


def beyond_range(
    seeds: int = 4, *, models: Sequence[str] = MODELS, trees: int = 300
) -> dict[str, dict[str, list[float]]]:
    """Return the out-of-sample R^2 of each model and case, one for each seed.

    Boosters have the plan's settings with at most `trees` trees; ridge may choose a weak penalty, because
    nothing here is noise alone. R^2 is 1 minus squared errors over those of the test rows' own mean.
    """
    return {
        model: {case: [_r2(model, case, seed, trees) for seed in range(seeds)] for case in CASES}
        for model in models
    }


def series(case: Case, seed: int) -> Floats:
    """Return the series (ROWS,) that is forecast."""
    shocks = generator(derive(seed, "beyond range"), case).standard_normal(ROWS)
    found, distance = np.empty(ROWS), 0.0
    slope = RETURN_SLOPE if case == "returns" else PULL
    for t, shock in enumerate(shocks):
        distance = slope * distance + shock
        found[t] = distance
    if case == "beyond":
        return found + TREND * np.arange(ROWS)
    return found + TREND if case == "returns" else found


def _r2(model: str, case: Case, seed: int, trees: int) -> float:
    values = series(case, seed)
    features = np.lib.stride_tricks.sliding_window_view(values[:-1], LAGS)
    target = values[LAGS:]
    end = len(target) - TEST_ROWS
    learned = end - GAP
    valid = learned - TEST_ROWS // 2
    fold = Fold(0, range(valid), range(valid, learned), range(end, len(target)))
    arrays = fold_arrays(features, target, fold, clip=UNCLIPPED)
    changes: dict[str, Any] = {"alphas": (0.1, 1.0, 10.0, 100.0)}
    if TABLE[model].family == "boosting":
        changes = {"max_trees": trees, "refit": True}
    forecaster = forecaster_of(override(recipe("plan"), {model: changes}), model)
    predictor = forecaster.fit(arrays.train, arrays.valid, seed=derive(seed, model))
    forecast, outcome = arrays.scaler.restore(predictor.predict(arrays.test)), target[fold.test.start :]
    return float(1.0 - np.mean((outcome - forecast) ** 2) / np.var(outcome))
