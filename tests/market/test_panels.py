from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.readers import read_given
from helpers.price_files import BARS, MARCH, Read, in_memory, said, two_symbols

SYMBOL_HEADINGS = [
    *("symbol", "ticker", "tic", "ts_code", "instrument", "unique_id", "Stock", "code", "Name", "asset"),
    *("stock_symbol", "sec_code", "Company", "kind", "RIC", "coin", "underlying"),
]


@pytest.mark.parametrize("heading", SYMBOL_HEADINGS)
@pytest.mark.parametrize("stored", [False, True])
def test_several_symbols_are_refused_or_the_asked_one_is_read(read: Read, heading: str, stored: bool) -> None:
    content = two_symbols(heading) if stored else two_symbols(heading).write_csv()
    with pytest.raises(DataError, match=rf"column '{heading}' holds several symbols \(QQ, RR\); ask for one"):
        read(content)
    with pytest.raises(DataError, match=r"several symbols \(QQ, RR\), not SS"):
        read(content, "SS")
    reading = read(content, "RR")
    assert reading.prices["close"].to_list() == [500.0, 505.0]
    assert reading.symbol == "RR"
    assert said(reading, "DATA_ONE_OF_SEVERAL").startswith("RR was read out of 2 symbols in column")


def test_days_that_do_not_repeat_are_no_excuse_for_two_symbols(read: Read) -> None:
    with pytest.raises(DataError, match="several symbols"):
        read("date,close,tic\n2020-01-02,10,QQ\n2020-01-03,11,QQ\n2020-01-06,500,RR\n")


def test_a_column_with_one_symbol_is_fine(read: Read) -> None:
    assert read(BARS.replace("Close\n", "Close,tic\n").replace("5\n", "5,QQ\n")).prices.height == 2


def wide(swapped: bool = False) -> pd.DataFrame:
    words = pd.MultiIndex.from_product([["Close", "Volume"], ["QQ", "RR"]], names=["Price", "Ticker"])
    days = pd.DatetimeIndex(["2020-01-02", "2020-01-03"], name="Date")
    frame = pd.DataFrame([[1.5, 500.0, 7, 8], [1.75, 505.0, 9, 10]], columns=words, index=days)
    return frame.swaplevel(axis=1) if swapped else frame


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_two_levels_of_columns(read: Read, swapped: bool, stored: bool) -> None:
    both = wide(swapped)
    alone = both.loc[:, both.columns.get_level_values("Ticker") == "QQ"]
    assert read(alone if stored else alone.to_csv()).prices["close"].to_list() == [1.5, 1.75]
    content = both if stored else both.to_csv()
    with pytest.raises(DataError, match=r"several symbols \(QQ, RR\)"):
        read(content)
    assert read(content, "RR").prices["close"].to_list() == [500.0, 505.0]


@pytest.mark.parametrize("joint", ["{0}_{1}", "{1}.{0}", "{0} {1}"])
def test_words_and_symbols_in_one_heading(read: Read, joint: str) -> None:
    flat = wide().reset_index()
    flat.columns = pd.Index(["Date", *(joint.format(*levels) for levels in wide().columns)])
    for content in (flat, flat.to_csv(index=False)):
        assert read(content, "RR").prices["close"].to_list() == [500.0, 505.0]


def test_a_table_of_several_symbols_is_not_one_series() -> None:
    table = in_memory(tic=["QQ", "QQ", "QQ", "RR", "RR", "RR"])
    for given in (table, table.set_index("tic", append=True).rename_axis(["Date", "tic"])):
        with pytest.raises(DataError, match=r"several symbols \(QQ, RR\)"):
            read_given(given)
        assert read_given(given, "RR").prices["close"].to_list() == [13.0, 14.0, 15.0]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_table_with_two_levels_of_columns(swapped: bool) -> None:
    assert read_given(wide(swapped), "RR").prices["close"].to_list() == [500.0, 505.0]


def test_ids_in_digits_part_symbols(read: Read) -> None:
    rows = "date,close,line id\n2020-01-02,10,7\n2020-01-03,11,7\n2020-01-02,500,8\n2020-01-03,505,8\n"
    for content in (rows, pl.read_csv(rows.encode(), try_parse_dates=True)):
        with pytest.raises(DataError, match=r"'line id' holds several symbols \(7, 8\)"):
            read(content)


def test_symbols_that_differ_in_their_letters_alone(read: Read) -> None:
    with pytest.raises(DataError, match="QQ and qq, which differ in small and capital letters alone"):
        read("date,close,tic\n2020-01-02,10,QQ\n2020-01-03,11,qq\n", "QQ")


def test_a_nested_column_is_not_read(read: Read) -> None:
    frame = pl.DataFrame({"date": MARCH[:2], "close": [1.0, 2.0], "ticker": [["a"], ["b"]]})
    assert read(frame).prices.height == 2
