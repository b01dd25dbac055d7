"""Fitted models of every kind, and ways to damage what was saved of them."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models import Predictor, make
from geiger.models.storage import read_state, restore

FOLD = Fold(0, range(0, 240), range(241, 300), range(301, 340))
SMALL = {"max_trees": 25, "learning_rate": 0.1, "l2": 1.0}
NETWORK = {
    **{"lookback": 12, "burn_in": 4, "stretch": 16, "width": 8, "batch_size": 64},
    **{"epochs": 3, "learning_rate": 0.01, "skip": "zeros"},
    **{"plateau_patience": 10, "stop_patience": 30, "patience_unit": "epochs", "start_margin": 0.0},
    **{"weight_decay": 0.0, "refit": False},
}
LSTM = {**NETWORK, "lstm": (4,), "blocks": 1, "heads": 2, "key": 4, "inner": 8}
XLSTM = {**NETWORK, "blocks": 2, "heads": 2}
WINDOWS = {"feeding": "windows", "skip": "none", "residual": "direct"}


# case -> model and settings: every model of the catalogue, and networks in all their forms
CASES = {
    **{name: (name, {}) for name in ("zero", "mean", "ridge")},
    "xgb": ("xgb", {**SMALL, "min_leaf_rows": 10}),
    "lgb": ("lgb", {**SMALL, "min_leaf_rows": 10}),
    "catboost": ("catboost", SMALL),
    "lgb stopped early": ("lgb", {**SMALL, "min_leaf_rows": 10, "early_stopping": 3, "refit": False}),
    "xgb stopped early": ("xgb", {**SMALL, "min_leaf_rows": 10, "early_stopping": 3, "refit": False}),
    "catboost stopped early": ("catboost", {**SMALL, "early_stopping": 3, "refit": False}),
    "lstm": ("lstm", LSTM),
    "lstm ridge": ("lstm", {**LSTM, "skip": "ridge"}),
    "lstm screened": ("lstm", {**LSTM, "skip": "screened", "refit": True}),
    "lstm windows": ("lstm", {**LSTM, **WINDOWS, "readout": "mean", "causal": False}),
    "xlstm": ("xlstm", XLSTM),
    "xlstm screened": ("xlstm", {**XLSTM, "skip": "screened"}),
    "xlstm windows": ("xlstm", {**XLSTM, **WINDOWS, "target_unit": "raw", "clip_norm": None}),
}


@functools.cache
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(340, 6))
    features[:, 4] = 7.0  # a column that never moves
    pair = np.roll(features[:, 1], 2) * features[:, 2]  # what the screen must find
    target = 0.0005 + 0.01 * (0.4 * features[:, 0] + 0.6 * pair + 0.5 * rng.normal(size=340))
    return fold_arrays(features, target, FOLD)


@functools.cache
def fitted(case: str, seed: int = 1) -> Predictor:
    name, settings = CASES[case]
    return make(name, settings).fit(data().train, data().valid, seed=seed)


def refusal(folder: Path, hashes: dict) -> str:
    """Read and restore, which must end in one plain line."""
    with pytest.raises(DataError) as caught:
        restore(read_state(folder, hashes))
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 600
    return line


def rewrite(folder: Path, hashes: dict, name: str, content: bytes) -> dict:
    """Write a file as somebody would who can change the hashes, too."""
    (folder / name).write_bytes(content)
    return {**hashes, name: hashlib.sha256(content).hexdigest()}


def with_tree(folder: Path, hashes: dict, change) -> dict:
    tree = json.loads((folder / "state.json").read_text())
    change(tree["state"])
    return rewrite(folder, hashes, "state.json", json.dumps(tree).encode())


def changed(tree: dict, place: tuple, action: str, value: object) -> object:
    if not place:
        return value
    tree = copy.deepcopy(tree)
    node = functools.reduce(lambda node, key: node[key], place[:-1], tree)
    if action == "drop":
        del node[place[-1]]
    elif action == "add" and isinstance(node, dict):
        node[str(value)] = value
    else:
        node[place[-1]] = value
    return tree
