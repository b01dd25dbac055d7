from __future__ import annotations

import polars as pl
import pytest

from geiger.market.synthetic import garch_market


@pytest.fixture(scope="session")
def market() -> pl.DataFrame:
    """900 days without a signal."""
    return garch_market(900, seed=5)


@pytest.fixture(scope="session")
def long_market() -> pl.DataFrame:
    """1300 days without a signal."""
    return garch_market(1300, seed=5)
