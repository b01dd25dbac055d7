"""A small body of the LSTM-Transformer, and random features for it."""

from __future__ import annotations

import numpy as np

from geiger.models.nets.lstm_transformer import (
    LSTMTransformerBody,
)

WIDTH = 5


def body(**changes):
    settings = {
        "feeding": "dense",
        "lookback": 13,
        "burn_in": 6,
        "lstm": (4,),
        "width": 8,
        "blocks": 2,
        "heads": 2,
        "key": 4,
        "inner": 16,
        "dropout": 0.1,
        "readout": "last",
        "causal": True,
        "seed": 3,
    }
    return LSTMTransformerBody(**{**settings, **changes})


def days(n, seed=0, batch=2):
    return np.random.default_rng(seed).normal(size=(batch, n, WIDTH)).astype(np.float32)
