"""A strategy of random weights and the baselines beside it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.backtest.baselines import baselines
from helpers.ledgers import COSTS, run


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    return np.random.default_rng(11).normal(0.0004, 0.012, 300)


@pytest.fixture(scope="module")
def strategy(returns: np.ndarray) -> pl.DataFrame:
    return run(returns, np.random.default_rng(12).uniform(-0.5, 1.0, 300))


@pytest.fixture(scope="module")
def others(strategy: pl.DataFrame, returns: np.ndarray) -> dict[str, pl.DataFrame]:
    return baselines(strategy, np.roll(returns, 2), COSTS)
