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
    assert "kept: `geiger train ridge BBB` will find it" in call("data", "add", data / "BBB.parquet").out


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


def test_list_says_which_files_it_leaves_out_and_why(call: Call, data: Path) -> None:
    (data / "my export.csv").write_text("Date,Close\n2020-01-02,1\n")
    (data / "AAA.xlsx").write_bytes(b"PK")
    (data / ".hidden").write_text("")
    for options in ((), ("--json",)):
        answer = call("data", "list", "--data", data, *options)
        assert answer.code == 0
        assert "my export.csv (its name is no symbol" in answer.complaint
        assert "AAA.xlsx (neither .csv nor .parquet)" in answer.complaint
        assert "hidden" not in answer.complaint
        assert "AAA" in answer.out


def test_check_and_show_say_the_same_as_training_of_a_weekend(call: Call, data: Path) -> None:
    """A market of unknown name: neither is told whether it trades on weekends."""
    days = [dt.date(2020, 1, 6) + dt.timedelta(n) for n in range(60)]
    days = [day for day in days if day.weekday() < 5 or day.day == 11]
    rows = [
        f"{day},{100 + n % 7},{102 + n % 7},{98 + n % 7},{101 + n % 7},{n + 10}" for n, day in enumerate(days)
    ]
    (data / "X1.csv").write_text("\n".join(["Date,Open,High,Low,Close,Volume", *rows]) + "\n")
    for command in (("check", data / "X1.csv"), ("show", "X1", "--data", data)):
        assert "DATA_WEEKEND_DAYS: 1 bar on a Saturday or Sunday: 2020-01-11" in call("data", *command).out


def test_check_holds_listed_dividends_against_the_adjusted_close(call: Call, data: Path) -> None:
    rows = [f"2020-01-{day:02},{20 - (day > 5)},{20 - (day > 5)},{int(day == 6)}" for day in range(1, 11)]
    (data / "X1.csv").write_text("\n".join(["Date,Close,Adj Close,Dividends", *rows]) + "\n")
    answer = call("data", "check", data / "X1.csv")
    assert answer.code == 1
    assert "ERROR   DATA_ADJUSTMENT_MISMATCH" in answer.out
    assert answer.out.endswith(
        "1 error: mend the file first; `geiger train` goes on with it, and repeats this as a warning\n"
    )
    assert "2020-01-06: dividend 1 on a last close of 20" in answer.out
    call("data", "add", data / "X1.csv")
    assert "DATA_ADJUSTMENT_MISMATCH" in call("data", "show", "X1").out  # the store keeps no dividends
    whole = [",".join((cells := row.split(","))[:2] + cells[3:]) for row in rows]
    (data / "X1.csv").write_text("\n".join(["Date,Close,Dividends", *whole]) + "\n")  # adjusted already
    assert "DATA_ADJUSTMENT_MISMATCH" not in call("data", "check", data / "X1.csv").out


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


def test_a_check_and_a_training_agree_on_what_is_refused(
    call: Call, data: Path, market: pl.DataFrame
) -> None:
    first = pl.date(1880, 1, 2)
    weekly = market.with_columns(Date=first + pl.duration(days=7 * pl.int_range(pl.len())))
    future = market.with_columns(Date=pl.col("Date") + pl.duration(days=200 * 365))
    for name, prices, word in (("WK", weekly, "DATA_NOT_DAILY"), ("FUT", future, "DATA_FUTURE_DAYS")):
        prices.write_csv(data / f"{name}.csv")
        checked = call("data", "check", data / f"{name}.csv")
        assert checked.code == 1
        assert f"  ERROR   {word}: " in checked.out
        assert "mend the file first; `geiger train` refuses it" in checked.out
        trained = call("train", "ridge", name, "--data", data)
        assert trained.code == 1
        assert checked.out.split(f"{word}: ")[1].split("\n")[0].removesuffix("]")[:40] in trained.complaint


def test_a_currency_whose_close_comes_first_is_no_error(call: Call, data: Path, market: pl.DataFrame) -> None:
    close = pl.col("Open") * 1.0001  # as some feeds of currencies have it; the rest of the bar comes after
    wide = {"High": pl.max_horizontal("High", close), "Low": pl.min_horizontal("Low", close)}
    bars = market.with_columns(Close=close, **wide).drop("Adj Close")
    for name, volume, code in (("EURUSD=X", 0, 0), ("AAA", 1000, 1)):
        bars.with_columns(Volume=volume).write_csv(data / f"{name}.csv")
        answer = call("data", "check", data / f"{name}.csv")
        assert answer.code == code, answer.out
        assert f"{'ERROR  ' if code else 'WARNING'} DATA_CLOSE_FIRST" in answer.out


def test_example_files_are_told_and_not_written_over(call: Call) -> None:
    answer = call("data", "example", "try it")
    assert answer.code == 0
    assert "  prices/NOISE.csv  a made-up market without any" in answer.out
    assert answer.out.splitlines()[-2:] == [
        "Look: geiger data check 'try it/MESSY.csv'",
        "Next: geiger train ridge ACME --data 'try it/prices' --context none --recipe quick",
    ]
    checked = call("data", "check", "try it/MESSY.csv")
    assert checked.code == 1
    assert "DATA_UNADJUSTED_SPLIT" in checked.out
    Path("try it/symbols.txt").write_text("MINE\n")
    again = call("data", "example", "try it", "--json")
    assert again.code == 1
    assert "symbols.txt: is there and holds something else" in again.complaint
    files = call("data", "example", "try it", "--force", "--json").json
    assert [file["file"] for file in files][:2] == ["try it/README.txt", "try it/prices/ACME.csv"]
