"""``geiger features``: the contract as a table, and one symbol's frame as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.features.catalogue import NAMES, WARMUP

Call = Any


def test_list_prints_all_of_the_contract(call: Call) -> None:
    facts = call("features", "list", "--json").json
    assert [fact["name"] for fact in facts] == list(NAMES)
    assert [fact["number"] for fact in facts] == list(range(1, 155))
    assert all(fact["formula"] and fact["group"] and fact["unit"] for fact in facts)
    lines = call("features", "list").out.splitlines()
    assert lines[0].split()[:3] == ["no", "name", "group"]
    assert len(lines) == 1 + 154 + 2
    assert "154 features" in lines[-1]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_build_writes_every_row(call: Call, data: Path, ending: str) -> None:
    out = Path(f"features.{ending}")
    answer = call("features", "build", "AAA", "--data", data, "--out", out, "--json")
    assert (answer.code, answer.err) == (0, "")
    facts = answer.json
    frame = pl.read_csv(out) if ending == "csv" else pl.read_parquet(out)
    assert frame.columns == ["day", *NAMES]
    assert (facts["rows"], facts["features"]) == (frame.height, 154) == (1100, 154)
    assert facts["complete_from"] == str(frame["day"][WARMUP])
    assert frame[WARMUP:].null_count().sum_horizontal().item() == 0


def test_build_in_words(call: Call, data: Path) -> None:
    answer = call("features", "build", "AAA", "--data", data, "--out", "f.parquet", "--context", "none")
    assert answer.out.startswith("f.parquet: 1100 days x 154 features, complete from 2001-01-17 on\n")
    assert "Warning CONTEXT_MISSING: no market context" in answer.out


def test_a_file_that_cannot_be_written(call: Call, data: Path) -> None:
    build = ("features", "build", "AAA", "--data", data, "--out")
    assert "must end in .parquet or .csv" in call(*build, "x.txt").complaint
    assert "the folder nodir does not exist" in call(*build, "nodir/x.csv").complaint
    Path("dir.csv").mkdir()
    answer = call(*build, "dir.csv")
    assert answer.code == 1
    assert "dir.csv: is no regular file; name another" in answer.complaint
    assert not list(Path().glob(".*tmp"))


def test_too_short_a_series(call: Call, data: Path) -> None:
    answer = call("features", "build", "TINY", "--data", data, "--out", "x.csv")
    assert answer.code == 1
    assert "30 of 30 days are left" in answer.complaint
    assert not Path("x.csv").exists()
