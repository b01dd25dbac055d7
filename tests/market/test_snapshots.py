from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.errors import DataError, GeigerError, SettingError
from geiger.market.doubts import Doubt
from geiger.market.loaded import Loaded
from geiger.market.snapshots import Change, Store, changed_days, content_hash
from geiger.market.synthetic import garch_market

BAR = ("open", "high", "low", "close", "raw_close")
ADJUSTED = pl.col("open", "high", "low", "close")


def loaded(prices: pl.DataFrame, symbol: str = "AAPL") -> Loaded:
    return Loaded(symbol, prices, "file", "somewhere.csv", (), "a layout")


def one_bar() -> pl.DataFrame:
    bar = {name: [10.0] for name in BAR}
    return pl.DataFrame({"day": [date(1970, 1, 3)], **bar, "volume": [5.0]})


def test_the_hash_is_the_sha256_of_the_written_out_numbers() -> None:
    text = b"geiger prices v1\n1\n" + b"day\n" + struct.pack("<i", 2)
    for name in BAR:
        text += name.encode() + b"\n" + struct.pack("<d", 10.0)
    text += b"volume\n" + struct.pack("<d", 5.0)
    assert content_hash(one_bar()) == hashlib.sha256(text).hexdigest()


def test_the_hash_sees_every_bit_and_no_file(tmp_path: Path) -> None:
    prices = garch_market(50, 1)
    digest = content_hash(prices)
    for level, name in ((1, "a.parquet"), (19, "b.parquet")):
        prices.write_parquet(tmp_path / name, compression="zstd", compression_level=level)
        assert content_hash(pl.read_parquet(tmp_path / name)) == digest
    assert content_hash(pl.concat([prices[:20], prices[20:]], rechunk=False)) == digest
    for name in prices.columns[1:]:
        moved = prices.with_columns(pl.col(name) * (1 + 2.0**-52))
        assert content_hash(moved) != digest
    assert content_hash(prices[:-1]) != digest
    later = prices.with_columns(pl.col("day").dt.offset_by("1d"))
    assert content_hash(later) != digest


def test_saved_prices_come_back_bit_for_bit(tmp_path: Path) -> None:
    store, prices = Store(tmp_path / "store"), garch_market(60, 2)
    snapshot = store.save(loaded(prices))
    again = store.load("AAPL", snapshot.hash[:8])
    assert again.prices.equals(prices)
    assert again.source == "store"
    assert snapshot.rows == 60
    assert (snapshot.first, snapshot.last) == (str(prices["day"][0]), str(prices["day"][-1]))
    assert snapshot.layout == "a layout"
    names = sorted(path.name for path in store.root.iterdir())
    assert names == [f"AAPL_{snapshot.hash[:12]}.parquet", "index.jsonl"]


def test_the_same_content_is_kept_once_and_the_newest_is_the_last_saved(tmp_path: Path) -> None:
    store, one, two = Store(tmp_path), garch_market(30, 1), garch_market(30, 2)
    first = store.save(loaded(one))
    assert store.save(loaded(one)) == first
    second = store.save(loaded(two))
    assert store.latest("AAPL") == second
    assert [entry.hash for entry in store.history("AAPL")] == [first.hash, second.hash]
    third = store.save(loaded(one))
    assert third.hash == first.hash
    assert store.latest("AAPL") == third
    assert len(list(tmp_path.glob("*.parquet"))) == 2
    assert store.symbols() == ("AAPL",)


def test_an_empty_store_has_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "nothing")
    assert store.latest("AAPL") is None
    assert store.symbols() == ()
    with pytest.raises(DataError, match=r"no snapshot of AAPL.*known: none"):
        store.load("AAPL", "00")
    assert not store.root.exists()


def test_a_changed_file_is_refused_and_saving_again_heals_it(tmp_path: Path) -> None:
    store, prices = Store(tmp_path), garch_market(30, 1)
    snapshot = store.save(loaded(prices))
    path = tmp_path / snapshot.file_name
    prices.with_columns(pl.col("close") * 1.01).write_parquet(path)
    with pytest.raises(DataError, match="not the numbers that were saved"):
        store.load("AAPL", snapshot.hash)
    store.save(loaded(prices))
    assert store.load("AAPL", snapshot.hash).prices.equals(prices)


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1 half a file PAR1"])
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path)
    snapshot = store.save(loaded(garch_market(30, 1)))
    (tmp_path / snapshot.file_name).write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        store.load("AAPL", snapshot.hash)


def test_an_ambiguous_prefix_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in range(2):
        store.save(loaded(garch_market(10, seed)))
    with pytest.raises(DataError, match="2 snapshots of AAPL start with ''"):
        store.load("AAPL", "")


def test_half_a_line_left_by_a_kill_costs_nothing_else(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.save(loaded(garch_market(10, 1)))
    with (tmp_path / "index.jsonl").open("a") as index:
        index.write('{"symbol": "AAPL", "ha')
    assert store.latest("AAPL") == first
    second = store.save(loaded(garch_market(10, 2)))
    assert [entry.hash for entry in store.history("AAPL")] == [first.hash, second.hash]


def test_odd_letters_in_a_place_do_not_break_the_index(tmp_path: Path) -> None:
    store, prices = Store(tmp_path), garch_market(10, 1)
    saved = store.save(Loaded("AAPL", prices, "file", "a\u2028b\x0b\x1c ö\n.csv"))
    assert store.latest("AAPL") == saved


@pytest.mark.parametrize("symbol", ["../evil", "a/b", "..", "CON", ""])
def test_names_from_outside_never_leave_the_store(tmp_path: Path, symbol: str) -> None:
    store = Store(tmp_path / "store")
    with pytest.raises(SettingError):
        store.save(loaded(garch_market(10, 1), symbol))
    with pytest.raises(SettingError):
        store.load(symbol, "00")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [{"symbol": "../evil"}, {"hash": "../../etc/passwd"}, {"hash": 5}, {"symbol": None}, {"more": 1}],
)
def test_an_index_line_that_names_another_place_is_no_snapshot(
    tmp_path: Path, change: dict[str, object]
) -> None:
    store = Store(tmp_path)
    store.save(loaded(garch_market(10, 1)))
    index = tmp_path / "index.jsonl"
    index.write_text(json.dumps(json.loads(index.read_text()) | change) + "\n")
    assert store.symbols() == ()


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_any_text_in_the_index_is_survived(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "index.jsonl").write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            found = Store(Path(folder)).symbols()
        except GeigerError as error:
            found = tuple(str(error).splitlines()[1:])
        assert found == ()


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        Store(tmp_path / "file").save(loaded(garch_market(10, 1)))


def test_new_days_are_no_change() -> None:
    prices = garch_market(60, 1)
    assert changed_days(prices[:40], prices) == Change((), rescaled=False)
    assert changed_days(prices[:20], prices[30:]) == Change((), rescaled=False)


def test_a_dividend_after_the_overlap_is_a_rescale_and_no_rewrite() -> None:
    prices = garch_market(60, 1)
    lower = prices[:50].with_columns(ADJUSTED * 0.987, pl.col("volume") / 0.987)
    assert changed_days(prices[:50], lower) == Change((), rescaled=True)


def test_a_dividend_adjusted_late_changes_the_return_of_its_day_alone() -> None:
    prices = garch_market(60, 1)
    factor = pl.when(pl.int_range(pl.len()) < 30).then(0.987).otherwise(1.0)
    later = prices.with_columns(ADJUSTED * factor, pl.col("volume") / factor)
    assert changed_days(prices, later) == Change((prices["day"][30],), rescaled=True)


@pytest.mark.parametrize(
    ("column", "rows"), [("close", (7, 8)), ("open", (7,)), ("high", (7,)), ("low", (7,)), ("volume", (7,))]
)
def test_one_rewritten_number_is_found_on_its_day(column: str, rows: tuple[int, ...]) -> None:
    prices = garch_market(20, 1)
    only = pl.int_range(pl.len()) == 7
    other = prices.with_columns(
        pl.when(only).then(pl.col(column) * 1.001).otherwise(pl.col(column)).alias(column)
    )
    assert changed_days(prices, other) == Change(tuple(prices["day"][row] for row in rows), rescaled=False)


def test_rounding_is_no_change() -> None:
    prices = garch_market(20, 1)
    assert changed_days(prices, prices.with_columns(ADJUSTED * (1 + 1e-8))) == Change((), rescaled=False)


def test_days_that_come_or_go_are_changes() -> None:
    prices = garch_market(20, 1)
    without = prices.filter(pl.int_range(pl.len()) != 5)
    for old, new in ((prices, without), (without, prices)):
        assert changed_days(old, new).days == (prices["day"][5],)


def test_what_reading_had_to_say_is_kept(tmp_path: Path) -> None:
    store, note = Store(tmp_path), Doubt("DATA_ADJUSTMENT_UNKNOWN", "warning", ("2020-01-02",), 1, "said")
    digest = store.save(replace(loaded(one_bar()), notes=(note,))).hash
    assert store.load("AAPL", digest).notes == (note,)
    index = tmp_path / "index.jsonl"
    line = index.read_text()
    for broken in ('"notes": [{"code": "X"}]', '"notes": 3', '"notes": [3]'):
        index.write_text(re.sub(r'"notes": \[.*\]', broken, line))
        assert store.history("AAPL") == ()
    index.write_text(re.sub(r', "notes": \[.*\]', "", line))  # written before notes were kept
    assert store.load("AAPL", digest).notes == ()
