"""Networks of a size that trains in moments, and one fold of a made market."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models.nets.forecaster import LSTMTransformer
from geiger.models.nets.loop import train
from geiger.settings import LSTMSettings

FOLD = Fold(0, range(40, 280), range(281, 340), range(341, 380))


PLAIN = {  # patient by the epoch, with no penalty and no margin
    **{"learning_rate": 1e-3, "plateau_patience": 10, "stop_patience": 30, "patience_unit": "epochs"},
    **{"start_margin": 0.0, "epochs": 50},
}
SMALL_SETTINGS = LSTMSettings(
    **{**PLAIN, "weight_decay": 0.0, "refit": False, "learning_rate": 0.01, "epochs": 3},
    lookback=9,
    burn_in=4,
    stretch=16,
    skip="zeros",
    lstm=(4,),
    width=8,
    blocks=2,
    heads=2,
    key=4,
    inner=8,
    batch_size=64,
)
SMALL = LSTMTransformer(SMALL_SETTINGS)


def changed(network, **changes):
    """Return the network with other settings."""
    return replace(network, settings=replace(network.settings, **changes))


def market(seed=0, n=380, width=6):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, width))
    target = 0.0005 + 0.01 * (0.6 * features[:, 0] + 0.8 * rng.normal(size=n))
    return features, target, np.append(0.0, target[:-1])


def arrays(features=None, target=None):
    default_features, default_target, last = market()
    return fold_arrays(
        default_features if features is None else features,
        default_target if target is None else target,
        FOLD,
        last_return=last,
    )


def drained(program, jobs, schedule):
    """Return all records and what the loop returns."""
    loop, records = train(program, jobs, schedule), []
    while True:
        try:
            records += next(loop)
        except StopIteration as end:
            return records, end.value
