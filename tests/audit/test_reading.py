"""The reader's own proof, on files of both kinds and both orders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.audit.reading import reread
from geiger.audit.tables import moved
from geiger.errors import DataError
from geiger.market.loaded import Loaded
from geiger.market.sources import load
from geiger.market.synthetic import garch_market

PRICES = garch_market(120, 0)
CUTS = [PRICES["day"][row] for row in (40, 80, 118)]


def written(folder: Path, kind: str) -> Loaded:
    frame = PRICES.select(
        pl.col("day").alias("Date"),
        *(pl.col(name).alias(name.title()) for name in ("open", "high", "low", "close", "volume")),
    )
    if kind.startswith("newest first"):
        frame = frame.reverse()
    if kind.endswith("parquet"):
        frame.write_parquet(folder / "TEST.parquet")
    else:
        frame.write_csv(folder / "TEST.csv")
    return load("TEST", data=folder)


@pytest.mark.parametrize("kind", ["csv", "newest first csv", "parquet", "newest first parquet"])
def test_a_file_without_its_later_lines_has_the_same_earlier_bars(tmp_path: Path, kind: str) -> None:
    given = written(tmp_path, kind)
    found = reread(given, CUTS)
    for cut, base, other in zip(CUTS, found.base, found.others, strict=True):
        assert len(other.rows) == PRICES["day"].to_list().index(cut) + 1
        assert moved(base, other, cut, truncated=True) is None
    assert found.values == 6 * (41 + 81 + 119)


def test_a_reader_that_fills_from_later_lines_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import geiger.audit.reading as reading

    real = reading.read_prices

    def leaky(path: Any, symbol: str | None = None) -> Any:
        made = real(path, symbol)
        later = pl.col("close").shift(-1).fill_null(pl.col("close"))
        return type(made)(**{**vars(made), "prices": made.prices.with_columns(close=later)})

    given = written(tmp_path, "csv")
    monkeypatch.setattr(reading, "read_prices", leaky)
    monkeypatch.setattr(reading, "content_hash", lambda prices: "same")
    found = reread(given, CUTS)
    moves = [moved(b, o, c, truncated=True) for c, b, o in zip(CUTS, found.base, found.others, strict=True)]
    assert all(move is not None and move.column == "close" for move in moves)


def test_prices_that_come_from_no_file_say_so() -> None:
    with pytest.raises(DataError, match="no file of their own"):
        reread(Loaded("TEST", PRICES, "frame", "given in memory"), CUTS)


def test_a_file_that_is_gone_or_has_changed_is_said(tmp_path: Path) -> None:
    given = written(tmp_path, "csv")
    path = Path(given.where)
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(DataError, match="has changed"):
        reread(given, CUTS)
    path.unlink()
    with pytest.raises(DataError, match="is gone"):
        reread(given, CUTS)


def test_a_file_with_other_lines_between_is_not_guessed_at(tmp_path: Path) -> None:
    given = written(tmp_path, "csv")
    path = Path(given.where)
    lines = path.read_text().splitlines()
    blank = "".join("," for _ in lines[0].split(",")[1:])
    path.write_text(
        "\n".join([*lines[:20], *[f"2001-01-{day:02d}{blank}" for day in range(1, 29)], *lines[20:]])
    )
    try:
        again = load("TEST", data=tmp_path)
    except DataError:
        return  # refused when it is read: nothing to audit
    with pytest.raises(DataError, match="which are later is not sure"):
        reread(again, CUTS)
