"""Ways to have a content read as a price file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from geiger.market.readers import Reading, read_prices
from helpers.price_files import Read


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def from_content(
        content: str | bytes | pl.DataFrame | pd.DataFrame, symbol: str | None = None
    ) -> Reading:
        path = tmp_path / ("a.parquet" if isinstance(content, pl.DataFrame | pd.DataFrame) else "a.csv")
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        elif isinstance(content, pd.DataFrame):
            content.to_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_prices(path, symbol)

    return from_content


@pytest.fixture
def write(tmp_path: Path):
    def to_file(content: str | bytes, name: str = "AAA.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to_file
