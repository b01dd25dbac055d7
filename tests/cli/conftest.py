"""A small market in a folder, and a way to call commands on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.cli import main
from geiger.market.synthetic import planted_market

UNAIDED = ("--no-audit", "--no-check-source")  # both train many times more: tests that mean them ask
SMALL = ("--recipe", "quick", "--min-train", "200", "--lockbox", "50", "--refit", "60", "--max-folds", "2")


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        def refuse(word: str) -> None:
            raise AssertionError(f"{word} is no JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        assert self.err.startswith("geiger: ")
        assert self.err.endswith("\n")
        line = self.err[:-1]
        assert "Traceback" not in line
        assert line.isprintable(), "more than one line, or something a terminal would obey"
        return line


Call = Callable[..., Answer]


def as_csv(prices: pl.DataFrame) -> pl.DataFrame:
    """Return prices as an export has them: quoted prices with an adjusted close that agrees."""
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    return prices.select(
        **{name: pl.col(column) for name, column in names.items()},
        **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")},
    )


@pytest.fixture(scope="session")
def market() -> pl.DataFrame:
    return as_csv(planted_market(1100, 1, 0.02).prices)


@pytest.fixture(scope="session")
def shared_data(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Path:
    folder = tmp_path_factory.mktemp("data")
    market.write_csv(folder / "AAA.csv")
    as_csv(planted_market(1100, 2, 0.02).prices).write_parquet(folder / "BBB.parquet")
    as_csv(planted_market(1100, 3, 0.0).prices).write_csv(folder / "SPY.csv")
    market.head(30).write_csv(folder / "TINY.csv")
    return folder


@pytest.fixture
def data(tmp_path: Path, shared_data: Path) -> Path:
    """A copy that a test may change."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path in shared_data.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Call a command in an empty folder of its own."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)

    def call(*words: object, judged_in_full: bool = False) -> Answer:
        capsys.readouterr()
        if words[:1] == ("train",) and not judged_in_full:
            words = (*words, *UNAIDED)
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:
            code = int(error.code or 0)
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call


@pytest.fixture
def on_data(call: Call, data: Path) -> Call:
    """Call `train` or `backtest` on the small markets with small settings."""

    def on_data(command: str, *words: object) -> Answer:
        # later options win over the small settings
        return call(command, "--data", data, *SMALL, "--epochs", 20, *words)

    return on_data
