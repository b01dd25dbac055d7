"""The named recipes: what each changes of the defaults. Data, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# The plan's own numbers, on the object that is trained. The plan gives LightGBM none: it takes XGBoost's.
_PLAN_BOOST: dict[str, Any] = {
    "max_trees": 1000,
    "early_stopping": 100,
    "learning_rate": 0.05,
    "depth": 6,
    "min_leaf_rows": None,
    "subsample": 0.8,
    "colsample": 0.8,
    "l1": 0.01,
    "l2": 0.01,
    "bins": None,
    "refit": False,
}
_PLAN_CATBOOST: dict[str, Any] = {
    **_PLAN_BOOST,
    "learning_rate": 0.03,
    "subsample": None,
    "colsample": None,
    "l1": None,
    "l2": 3.0,
}

# Sizes are those of its model's paper as far as they are known; the plan gives the xLSTM none.
_PLAN_NET: dict[str, Any] = {
    "feeding": "windows",
    "lookback": 60,
    "burn_in": 0,
    "residual": "last_return",
    "skip": "none",
    "loss": "directional_mse",
    "direction_weight": 0.5,
    "target_unit": "standardised",
    "weight_decay": 0.0,
    "epochs": 50,
    "batch_size": 512,
    "learning_rate": 1e-3,
    "clip_norm": 1.0,
    "plateau_factor": 0.5,
    "plateau_patience": 10,
    "min_rate": 1e-6,
    "stop_patience": 30,
    "patience_unit": "epochs",
    "keep_best": True,
    "start_counts": False,
    "start_margin": 0.0,
    "refit": False,
    "width": 64,
    "blocks": 4,
}

RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "plan": {
            "fill": "close",
            "refit": 252,
            "network_refit": None,
            "seeds": 1,
            "back_transform": "median",
            "weighting": {"recency_half_life": 1260, "balance_signs": True},
            "xgb": _PLAN_BOOST,
            "lgb": _PLAN_BOOST,
            "catboost": _PLAN_CATBOOST,
            "lstm": {
                **_PLAN_NET,
                "lstm": (32,),
                "heads": 4,
                "key": 16,
                "inner": 128,
                "readout": "mean",
                "causal": False,
            },
            "xlstm": _PLAN_NET,
            "stack": {"meta": "elastic_net"},
            "trading": {"rule": "long_flat", "holding_days": 1.0},
        },
        "default": {},
        "quick": {
            "refit": 252,
            "network_refit": None,
            "seeds": 1,
            "max_folds": 6,
            "catboost": {"max_trees": 50, "learning_rate": 0.06},
            "lstm": {"epochs": 10},
            "xlstm": {"epochs": 10},
            "stack": {"models": ("lstm", "xgb", "lgb", "catboost", "ridge")},
        },
    }
)

# What a panel changes of every recipe: thousands of rows a day-block carry deeper trees and one penalty, and
# the stack weighs the linear family and the trees alike.
_PANEL_TREES: dict[str, Any] = {
    "max_trees": 120,
    "learning_rate": 0.03,
    "depth": 5,
    "min_leaf_rows": 1000,
    "subsample": 0.7,
    "colsample": 0.3,
    "l2": 100.0,
}
_PANEL_NETS: dict[str, Any] = {
    "skip": "ridge",
    "epochs": 10,
    "learning_rate": 1e-3,
    "patience_unit": "epochs",
    "plateau_patience": 1,
    "stop_patience": 3,
}
PANEL: Mapping[str, Any] = MappingProxyType(
    {
        "ridge": {"alphas": (30_000.0,)},
        "xgb": _PANEL_TREES,
        "lgb": _PANEL_TREES,
        "catboost": {**_PANEL_TREES, "min_leaf_rows": None},
        "lstm": _PANEL_NETS,
        "xlstm": _PANEL_NETS,
        "stack": {"models": ("ridge", "lgb")},
    }
)
