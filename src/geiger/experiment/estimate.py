"""How long a walk will take, before it is walked."""

from __future__ import annotations

import time
from collections.abc import Sequence

from geiger.experiment.cut import use_folds
from geiger.experiment.material import Material
from geiger.experiment.workers import workers_for
from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models import Forecaster
from geiger.settings import Config

PROBE_TREES = (5, 25)
STARTUP_SECONDS = 20.0  # loading Keras and compiling a network


def expected_seconds(
    material: Material,
    forecaster: Forecaster,
    config: Config,
    folds: Sequence[Fold],
    *,
    for_use: bool = False,
) -> float:
    """Return about how long `walk` will take, from a short training of the last fold, timed now.

    The time of a few trees and of some more tells the fixed cost from the cost of a tree. Early stopping
    usually ends sooner.
    """
    fits = forecaster.members(config.seeds)
    trained = [*folds, *(use_folds(material, config, folds) if for_use else ())]
    workers = 1 if forecaster.workers == "none" else workers_for(config, len(trained))
    known = [forecaster.expected_seconds(len(fold.train)) for fold in trained]
    if None not in known:
        return STARTUP_SECONDS + fits * sum(filter(None, known)) / workers
    target = material.target["value"].to_numpy()
    arrays = fold_arrays(material.features, target, folds[-1], clip=config.clip)

    def timed(trees: int, seeds: int = fits) -> float:
        probe, started = forecaster.with_trees(trees), time.perf_counter()
        probe.fit_fold(arrays.train, arrays.valid, range(seeds))
        return time.perf_counter() - started

    few, more = PROBE_TREES
    timed(1, seeds=1)  # loads the library
    once, trees = timed(few), forecaster.effort.trees
    if trees is not None:
        a_tree = max(timed(more) - once, 0.0) / (more - few)
        once += a_tree * max(trees - few, 0)
    used = sum(len(fold.train) for fold in trained)
    return once * used / len(folds[-1].train) / workers
