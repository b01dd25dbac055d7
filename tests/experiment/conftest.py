from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from geiger.market.synthetic import garch_market

if TYPE_CHECKING:
    from geiger.experiment.written import Run


@pytest.fixture(scope="session")
def market() -> pl.DataFrame:
    """900 days without a signal."""
    return garch_market(900, seed=5)


@pytest.fixture(scope="session")
def long_market() -> pl.DataFrame:
    """1300 days without a signal."""
    return garch_market(1300, seed=5)


# ---- networks, trained once for all tests that only read them; see `helpers.runs` ----


@pytest.fixture(scope="session")
def network_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the network below has its run and log."""
    return tmp_path_factory.mktemp("network")


@pytest.fixture(scope="session")
def network_run(network_place: Path, market: pl.DataFrame) -> Run:
    """An LSTM-Transformer of one seed, trained in this process."""
    from geiger.experiment.run import run
    from helpers.runs import network_experiment

    return run(network_experiment(network_place, market))


@pytest.fixture(scope="session")
def pair_run(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Run:
    """The same of two seeds."""
    from geiger.experiment.run import run
    from helpers.runs import network_experiment, network_settings

    return run(network_experiment(tmp_path_factory.mktemp("pair"), market, config=network_settings(seeds=2)))
