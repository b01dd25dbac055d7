"""``geiger data``: what is at hand, what is doubtful about it, and keeping it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

import geiger.cli.data
from geiger.market.loaded import Loaded
from geiger.market.prices import from_frame

Call = Any


def test_list_of_a_folder(call: Call, data: Path) -> None:
    rows = call("data", "list", "--data", data, "--json").json
    assert [(row["symbol"], row["source"], row["rows"]) for row in rows] == [
        ("AAA", "folder", 1100),
        ("BBB", "folder", 1100),
        ("SPY", "folder", 1100),
        ("TINY", "folder", 30),
    ]
    assert rows[0]["first_day"] == "2000-01-03"
    lines = call("data", "list", "--data", data).out.splitlines()
    assert lines[0].split() == ["symbol", "source", "first_day", "last_day", "rows", "market"]
    assert len({line.index("folder") for line in lines[1:]}) == 1
    assert len(lines) == 5


def test_list_of_what_is_embedded(call: Call) -> None:
    rows = {row["symbol"]: row for row in call("data", "list", "--json").json}
    assert rows["AAPL"]["rows"] == 3270
    assert "^GSPC" in rows
    assert not list(Path().iterdir())


def test_one_file_that_cannot_be_read_hides_no_other(call: Call, data: Path) -> None:
    (data / "BAD.csv").write_text("")
    answer = call("data", "list", "--data", data)
    assert answer.code == 1
    assert "BAD.csv: the file is empty" in answer.complaint
    assert "AAA" in answer.out
    assert "BBB" in answer.out


def test_an_empty_folder(call: Call, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no symbols at hand" in call("data", "list", "--data", empty).out
    assert call("data", "list", "--data", empty, "--json").json == []


def test_show(call: Call, data: Path) -> None:
    facts = call("data", "show", "AAA", "--data", data, "--json").json
    assert (facts["symbol"], facts["rows"], facts["market"]) == ("AAA", 1100, "New York")
    assert len(facts["hash"]) == 64
    answer = call("data", "show", "AAA", "--data", data)
    assert f"hash {facts['hash'][:12]}" in answer.out
    assert "DATA_EXTRA_SESSIONS" in answer.out
    assert len(answer.out.split("last 5 bars")[1].splitlines()) == 1 + 1 + 5


def test_check_lists_doubts(call: Call, data: Path, market: pl.DataFrame) -> None:
    facts = call("data", "check", data / "AAA.csv", "--json").json
    assert (facts["symbol"], facts["rows"], facts["last_day"]) == ("AAA", 1100, "2004-03-19")
    assert [doubt["code"] for doubt in facts["doubts"]] == ["DATA_EXTRA_SESSIONS"]
    odd = data / "some export (1).csv"
    market.write_csv(odd)
    answer = call("data", "check", odd)
    assert answer.code == 0
    assert "compared with no exchange" in answer.out
    assert "compared with New York" in call("data", "check", odd, "--symbol", "AAA").out


def test_check_of_nothing(call: Call, data: Path) -> None:
    assert "cannot be opened (No such file or directory)" in call("data", "check", "no.csv").complaint
    assert "cannot be opened (it is not a file)" in call("data", "check", data).complaint


def test_add_keeps_a_file_where_the_next_command_finds_it(call: Call, data: Path) -> None:
    added = call("data", "add", data / "BBB.parquet", "--symbol", "MINE", "--json").json
    assert added["snapshot"] == added["hash"]
    shown = call("data", "show", "MINE", "--json").json
    assert (shown["source"], shown["hash"]) == ("store", added["hash"])
    assert "MINE" in call("data", "list").out
    assert "kept: `geiger train ridge BBB --runs-dir runs`" in call("data", "add", data / "BBB.parquet").out


def test_add_under_a_name_that_is_none(call: Call, data: Path, market: pl.DataFrame, tmp_path: Path) -> None:
    market.write_csv(data / "my export.csv")
    assert (
        "its name is no symbol; give one with --symbol"
        in call("data", "add", data / "my export.csv").complaint
    )
    assert "is no symbol" in call("data", "add", data / "AAA.csv", "--symbol", "../../x").complaint
    assert not list((tmp_path / "place").iterdir())


def test_a_damaged_index_loses_no_other_symbol(call: Call, data: Path) -> None:
    call("data", "add", data / "AAA.csv")
    call("data", "add", data / "BBB.parquet")
    index = Path("runs/library/index.jsonl")
    first, second = index.read_text().splitlines()
    index.write_text(f"{first[:50]}\nnonsense\n[1]\n{second}\n")
    listed = {row["symbol"] for row in call("data", "list", "--json").json}
    assert "BBB" in listed
    assert "AAA" not in listed
    index.write_bytes(b"\xff\xfe\x00")
    answer = call("data", "list")
    assert answer.code == 1
    assert "index.jsonl: cannot be read (no text); move it away" in answer.complaint


def test_fetch_passes_days_and_keeps_what_came(
    call: Call, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = SimpleNamespace()

    def fetched(symbol: str, *, start: dt.date | None, end: dt.date | None) -> Loaded:
        asked.span = (start, end)
        return Loaded(symbol, from_frame(market), "yahoo", "Yahoo Finance")

    monkeypatch.setattr(geiger.cli.data, "fetch_yahoo", fetched)
    facts = call("data", "fetch", "NEW", "--start", "2001-02-03", "--json").json
    assert asked.span == (dt.date(2001, 2, 3), None)
    assert (facts["symbol"], facts["rows"]) == ("NEW", 1100)
    assert call("data", "show", "NEW", "--json").json["hash"] == facts["hash"]
    assert "'x' is no day; write it as 2012-03-31" in call("data", "fetch", "NEW", "--end", "x").complaint


def test_check_and_show_read_the_same_rows_of_a_file_of_several_symbols(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text(
        "date,tic,close\n2020-01-02,QQ,10\n2020-01-02,RR,500\n2020-01-03,QQ,11\n2020-01-03,RR,505\n"
    )
    assert "column 'tic' holds several symbols (QQ, RR)" in call("data", "check", path).complaint
    checked = call("data", "check", path, "--symbol", "RR", "--json").json
    shown = call("data", "show", "RR", "--data", path, "--json").json
    assert (checked["rows"], checked["doubts"]) == (shown["rows"], shown["doubts"]) == (2, shown["doubts"])
    assert "DATA_ONE_OF_SEVERAL" in {doubt["code"] for doubt in checked["doubts"]}
