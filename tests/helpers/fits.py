"""One fold of a made market, and every model of the catalogue at a size that fits in moments."""

from __future__ import annotations

import functools

import numpy as np
from sklearn.linear_model import LinearRegression

from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models import make, wrap

FOLD = Fold(0, range(0, 240), range(241, 300), range(301, 340))
SMALL = {"max_trees": 25, "learning_rate": 0.1, "l2": 1.0}
NETWORK = {
    **{"lookback": 12, "burn_in": 4, "stretch": 16, "width": 8, "batch_size": 64},
    **{"epochs": 30, "learning_rate": 0.01, "skip": "zeros"},
    **{"plateau_patience": 10, "stop_patience": 30, "patience_unit": "epochs", "start_margin": 0.0},
    **{"weight_decay": 0.0, "refit": False},
}
SETTINGS = {
    "xgb": {**SMALL, "min_leaf_rows": 10},
    "lgb": {**SMALL, "min_leaf_rows": 10},
    "catboost": SMALL,
    "lstm": {**NETWORK, "lstm": (4,), "blocks": 1, "heads": 2, "key": 4, "inner": 8},
    "xlstm": {**NETWORK, "blocks": 2, "heads": 2},
}


def forecaster(name):
    return wrap(LinearRegression()) if name == "own" else make(name, SETTINGS.get(name, {}))


def market(seed=0, n=340, width=6):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, width))
    features[:, 4] = 7.0  # a column that never moves
    return features, 0.0005 + 0.01 * (0.6 * features[:, 0] + 0.8 * rng.normal(size=n))


def arrays(features=None, target=None, **options):
    default_features, default_target = market()
    return fold_arrays(
        default_features if features is None else features,
        default_target if target is None else target,
        FOLD,
        **options,
    )


def fitted(name, data, seed=1):
    return forecaster(name).fit(data.train, data.valid, seed=seed)


@functools.cache
def usual(name):
    """The model fitted to the market as it is, once for all tests that only read it."""
    return fitted(name, arrays())
