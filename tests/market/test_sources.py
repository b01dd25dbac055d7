from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from geiger.errors import DataError, SettingError
from geiger.market.snapshots import Store, content_hash
from geiger.market.sources import (
    Loaded,
    align_context,
    default_context,
    default_volatility,
    list_symbols,
    load,
    load_prices,
)
from geiger.market.synthetic import garch_market
from helpers.price_files import two_symbols

TABLE = (
    "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,9,11,8,10,5,100\n2020-01-03,10,12,9,11,5.5,200\n"
)


def folder_of(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_text(TABLE)
    return tmp_path


# A folder, a file, the store


@pytest.mark.parametrize("name", ["AAPL.csv", "AAPL.CSV", "^GSPC.csv", "AIR.PA.csv", "BRK-B.csv"])
def test_a_symbol_is_found_in_a_folder(tmp_path: Path, name: str) -> None:
    symbol = name[:-4]
    found = load(symbol, data=folder_of(tmp_path, name, "OTHER.csv"))
    assert (found.symbol, found.source, found.where) == (symbol, "folder", str(tmp_path / name))
    assert found.prices["close"].to_list() == [5.0, 5.5]
    assert found.prices["raw_close"].to_list() == [10.0, 11.0]


def test_a_folder_may_hold_parquet(tmp_path: Path) -> None:
    prices = garch_market(30, 1)
    prices.write_parquet(tmp_path / "SYN.parquet")
    assert content_hash(load("SYN", data=tmp_path).prices) == content_hash(prices)


def test_a_symbol_that_is_not_there_gets_the_nearest_one(tmp_path: Path) -> None:
    data = folder_of(tmp_path, "AAPL.csv", "MSFT.csv", "notes.txt")
    with pytest.raises(SettingError, match=r"no APPL\.csv.*did you mean 'AAPL'\? Known: AAPL, MSFT$"):
        load("APPL", data=data)


def test_in_a_large_folder_not_every_symbol_is_listed(tmp_path: Path) -> None:
    data = folder_of(tmp_path, *(f"S{n:03}.csv" for n in range(80)))
    with pytest.raises(SettingError, match="80 other symbols") as caught:
        load("NOTHING", data=data)
    assert len(str(caught.value)) < 300
    with pytest.raises(SettingError, match="did you mean"):
        load("S0033", data=data)


def test_another_spelling_is_suggested_and_never_taken(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="did you mean 'aapl'"):
        load("AAPL", data=folder_of(tmp_path, "aapl.csv"))


@pytest.mark.parametrize(
    "names", [("AAPL.csv", "AAPL.parquet"), ("AAPL.csv", "aapl.csv"), ("AAPL.csv", "AAPL.CSV")]
)
def test_two_files_for_one_symbol_are_refused_by_name(tmp_path: Path, names: tuple[str, str]) -> None:
    data = folder_of(tmp_path, *names)
    if len(list(data.iterdir())) < 2:
        pytest.skip("this file system does not tell upper from lower case")
    with pytest.raises(DataError, match="keep one of them") as caught:
        load("AAPL", data=data)
    assert all(name in str(caught.value) for name in names)


def test_an_empty_folder_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no symbol at all"):
        load("AAPL", data=tmp_path)
    with pytest.raises(SettingError, match="no such folder or file"):
        load("AAPL", data=tmp_path / "nowhere")


@pytest.mark.parametrize("symbol", ["../../etc/passwd", "..", "a/b", "/etc/passwd", "CON"])
def test_a_symbol_never_leaves_the_folder(tmp_path: Path, symbol: str) -> None:
    with pytest.raises(SettingError, match=r"symbol|Windows"):
        load(symbol, data=folder_of(tmp_path, "AAPL.csv"))


def test_one_file_serves_the_symbol_it_is_asked_for(tmp_path: Path) -> None:
    folder_of(tmp_path, "daily_aapl.csv", "prices.csv")
    named = load("AAPL", data=tmp_path / "daily_aapl.csv")
    assert (named.source, [note.code for note in named.notes]) == ("file", [])
    unnamed = load("AAPL", data=tmp_path / "prices.csv")
    assert [note.code for note in unnamed.notes] == ["DATA_FILE_NAME"]


def test_a_file_named_for_one_symbol_is_never_taken_for_another(tmp_path: Path) -> None:
    folder_of(tmp_path, "AAPL.csv", "gspc.csv")
    with pytest.raises(SettingError, match=r"AAPL\.csv holds AAPL, not \^GSPC"):
        load("^GSPC", data=tmp_path / "AAPL.csv")
    assert load("^GSPC", data=tmp_path / "gspc.csv").notes == ()


def test_prices_alone_for_a_notebook(tmp_path: Path) -> None:
    data = folder_of(tmp_path, "SYN.csv")
    assert load_prices("SYN", str(data)).equals(load("SYN", data=data).prices)
    assert load_prices("AAPL").equals(load("AAPL").prices)


def test_the_store_comes_before_the_embedded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert load("AAPL", store=store).source == "embedded"
    old, new = garch_market(20, 1), garch_market(20, 2)
    for prices in (old, new):
        store.save(Loaded("AAPL", prices, "yahoo", "Yahoo Finance"))
    found = load("AAPL", store=store)
    assert found.source == "store"
    assert found.prices.equals(new)


def test_a_symbol_nobody_has_gets_what_is_at_hand(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no prices of 'NVDA' at hand.*AAPL.*geiger data fetch NVDA"):
        load("NVDA", store=Store(tmp_path))


def test_what_is_listed_can_be_loaded(tmp_path: Path) -> None:
    data = folder_of(tmp_path, "MSFT.csv", "AAPL.csv", "not a symbol.csv", "readme.txt")
    assert list_symbols(data) == {"AAPL": "folder", "MSFT": "folder"}
    assert list_symbols(data / "AAPL.csv") == {"AAPL": "file"}
    store = Store(tmp_path / "store")
    store.save(Loaded("AAPL", garch_market(20, 1), "yahoo", "Yahoo Finance"))
    store.save(Loaded("TSLA", garch_market(20, 1), "yahoo", "Yahoo Finance"))
    listed = list_symbols(store=store)
    assert (listed["AAPL"], listed["TSLA"], listed["^GSPC"]) == ("store", "store", "embedded")
    assert list(listed) == sorted(listed)
    for name, source in listed.items():
        assert load(name, store=store).source == source


@pytest.mark.slow
def test_every_symbol_of_the_panel_loads(panel_folder: Path) -> None:
    symbols = list_symbols(panel_folder)
    assert len(symbols) == 50
    available = {
        name: load(name, data=panel_folder).prices for name in ("^GSPC", "SPY", "QQQ", "DIA", "^VIX")
    }
    for symbol in symbols:
        found = load(symbol, data=panel_folder)
        days = found.prices["day"]
        assert found.prices.height > 2000, symbol
        assert days[-1] <= date(2023, 12, 31), symbol
        market, volatility = default_context(symbol, symbols), default_volatility(symbol, symbols)
        assert market is not None
        context, _ = align_context(
            days,
            symbol,
            (market, available[market]),
            (volatility, available[volatility]) if volatility else None,
        )
        covered = days >= available[market]["day"][1]
        assert context.filter(covered)["market_close"].null_count() == 0, symbol


def test_a_file_is_taken_as_the_symbol_that_its_rows_name(tmp_path: Path) -> None:
    two_symbols("tic").write_csv(tmp_path / "all.csv")
    loaded = load("RR", data=tmp_path / "all.csv")
    assert loaded.prices["close"].to_list() == [500.0, 505.0]
    assert "DATA_FILE_NAME" not in {note.code for note in loaded.notes}


def test_columns_that_mean_nothing_are_said_in_python(tmp_path: Path) -> None:
    rows = "\n".join(f"2024-01-{day:02},10.0,x" for day in (2, 3, 4))
    (tmp_path / "SYN.csv").write_text(f"Date,Adj Close,Mood\n{rows}\n".replace("Adj Close", "Close"))
    with pytest.warns(UserWarning, match="were not read: 'Mood'"):
        load_prices("SYN", tmp_path)
