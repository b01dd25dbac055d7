from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from geiger.columns import PRICES, require
from geiger.errors import DataError
from geiger.market.headings import shown
from geiger.market.prices import from_frame, slice_days

DAYS = [dt.date(2020, 1, 2), dt.date(2020, 1, 3), dt.date(2020, 1, 6)]


def table(**changes: object) -> pl.DataFrame:
    columns: dict[str, object] = {
        "Date": DAYS,
        "Open": [100.0, 102.0, 51.0],
        "High": [104.0, 103.0, 53.0],
        "Low": [99.0, 100.0, 50.0],
        "Close": [102.0, 101.0, 52.0],
        "Adj Close": [51.0, 50.5, 52.0],
        "Volume": [10, 20, 40],
    }
    columns.update(changes)
    return pl.DataFrame({name: values for name, values in columns.items() if values is not None})


def test_the_total_return_bar_and_its_volume_are_worked_out_by_hand() -> None:
    prices = require(from_frame(table()), PRICES)
    assert prices["open"].to_list() == [50.0, 51.0, 51.0]
    assert prices["high"].to_list() == [52.0, 51.5, 53.0]
    assert prices["low"].to_list() == [49.5, 50.0, 50.0]
    assert prices["close"].to_list() == [51.0, 50.5, 52.0]
    assert prices["raw_close"].to_list() == [102.0, 101.0, 52.0]
    assert prices["volume"].to_list() == [20.0, 40.0, 40.0]


def test_close_times_volume_is_the_money_traded() -> None:
    quoted = table()
    prices = from_frame(quoted)
    money = (prices["close"] * prices["volume"]).to_list()
    assert money == pytest.approx((quoted["Close"] * quoted["Volume"]).to_list())


def test_without_an_adjusted_close_the_prices_are_taken_bit_for_bit() -> None:
    prices = from_frame(table(**{"Adj Close": None, "Close": [102.1, 101.3, 52.7]}))
    assert prices["close"].to_list() == prices["raw_close"].to_list() == [102.1, 101.3, 52.7]
    assert prices["open"].to_list() == [100.0, 102.0, 51.0]


@pytest.mark.parametrize("adjusted", ["Adj Close", "adj_close", "Adjusted", "ADJ. CLOSE", "Adj Close**"])
def test_every_spelling_of_the_adjusted_close_counts(adjusted: str) -> None:
    assert from_frame(table().rename({"Adj Close": adjusted}))["close"][0] == 51.0


def test_letter_case_and_order_of_columns_do_not_matter() -> None:
    lower = table().rename(str.lower).select("volume", "adj close", "close", "low", "high", "open", "date")
    assert from_frame(lower).equals(from_frame(table()))


def test_closes_alone_make_flat_bars() -> None:
    prices = from_frame(table().select("Date", "Close"))
    assert prices["open"].equals(prices["close"], check_names=False)
    assert prices["volume"].to_list() == [0.0, 0.0, 0.0]


def test_a_missing_volume_is_zero() -> None:
    assert from_frame(table(Volume=[10.0, None, float("nan")]))["volume"].to_list() == [20.0, 0.0, 0.0]


def test_a_canonical_frame_comes_back_unchanged() -> None:
    prices = from_frame(table())
    assert from_frame(prices) is prices


# pandas


def pandas_table() -> pd.DataFrame:
    columns = table().drop("Date").to_dict(as_series=False)
    return pd.DataFrame(columns, index=pd.DatetimeIndex(DAYS, name="Date"))


def test_pandas_with_a_date_index() -> None:
    assert from_frame(pandas_table()).equals(from_frame(table()))


def test_pandas_with_an_unnamed_index() -> None:
    frame = pandas_table()
    frame.index.name = None
    assert from_frame(frame).equals(from_frame(table()))
    assert frame.index.name is None
    assert list(frame.columns) == table().columns[1:]


def test_pandas_with_a_date_column_of_text() -> None:
    frame = pandas_table().reset_index()
    frame["Date"] = frame["Date"].dt.strftime("%Y-%m-%d")
    assert from_frame(frame).equals(from_frame(table()))


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "UTC"])
def test_time_stamps_keep_their_local_date(zone: str) -> None:
    frame = pandas_table()
    frame.index = pd.DatetimeIndex(DAYS, tz=zone, name="Date")
    assert from_frame(frame)["day"].to_list() == DAYS


def test_midnight_in_india_moved_to_utc_is_refused() -> None:
    frame = pandas_table()
    frame.index = pd.DatetimeIndex(DAYS, tz="Asia/Kolkata", name="Date").tz_convert("UTC")
    with pytest.raises(DataError, match="UTC"):
        from_frame(frame)


@pytest.mark.parametrize("order", [("Price", "Ticker"), ("Ticker", "Price")])
def test_two_level_columns_of_one_symbol(order: tuple[str, str]) -> None:
    frame = pandas_table()
    pairs = [(name, "AAPL") if order[0] == "Price" else ("AAPL", name) for name in frame.columns]
    frame.columns = pd.MultiIndex.from_tuples(pairs, names=order)
    assert from_frame(frame).equals(from_frame(table()))


def test_two_level_columns_of_two_symbols_are_refused() -> None:
    one = pandas_table()
    frame = pd.concat({"AAPL": one, "TSLA": one}, axis=1)
    with pytest.raises(DataError, match=r"several symbols \(AAPL, TSLA\)"):
        from_frame(frame)


def test_polars_stamps_in_utc_are_refused_unless_at_midnight() -> None:
    stamps = pl.Series("Date", DAYS).cast(pl.Datetime("us")).dt.replace_time_zone("Asia/Kolkata")
    assert from_frame(table(Date=stamps))["day"].to_list() == DAYS
    with pytest.raises(DataError, match="UTC"):
        from_frame(table(Date=stamps.dt.convert_time_zone("UTC")))


def test_pandas_columns_that_mix_kinds_are_refused() -> None:
    frame = pandas_table().astype({"Close": object})
    frame.loc[frame.index[1], "Close"] = "n/a"
    with pytest.raises(DataError, match=r"mixes kinds|holds"):
        from_frame(frame)


# refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"Close": [102.0, 0.0, 52.0]}, r"row 1, column 'Close': found 0"),
        ({"Low": [99.0, -1.0, 50.0]}, r"row 1, column 'Low': found -1"),
        ({"High": [104.0, None, 53.0]}, r"row 1, column 'High': no price"),
        ({"High": [104.0, float("nan"), 53.0]}, r"row 1, column 'High': no price"),
        ({"Open": [100.0, 102.0, float("inf")]}, r"row 2, column 'Open': found inf"),
        ({"Open": [100.0, 102.0, 1e300]}, r"row 2, column 'Open': found 1e\+300"),
        ({"Volume": [1.0, -2.0, 3.0]}, r"row 1, column 'Volume': found -2"),
        ({"Volume": [1.0, float("inf"), 3.0]}, r"row 1, column 'Volume': found inf"),
        ({"Date": [DAYS[0], DAYS[0], DAYS[2]]}, r"row 1, column 'Date': 2020-01-02 occurs twice"),
        ({"Date": [DAYS[1], DAYS[0], DAYS[2]]}, r"row 1, column 'Date': 2020-01-02 stands after 2020-01-03"),
        ({"Date": [DAYS[0], None, DAYS[2]]}, r"row 1, column 'Date': no date"),
        ({"Date": ["a", "b", "c"]}, r"'Date' holds no dates"),
        ({"Date": [1, 2, 3]}, r"'Date' holds no dates"),
        ({"Close": ["1", "2", "3"]}, r"'Close' holds String"),
        ({"Close": None}, r"no column 'Close'"),
        ({"Date": None}, r"no column 'Date'"),
        ({"High": None}, r"no column 'High'"),
        ({"adjusted": [1.0, 1.0, 1.0]}, r"'Adj Close' and 'adjusted' both mean adj"),
        ({"raw_close": [1.0, 1.0, 1.0]}, r"contradict"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(changes: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        from_frame(table(**changes))


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        from_frame(table().head(0))


def test_something_else_is_refused() -> None:
    with pytest.raises(DataError, match="expected a pandas or polars DataFrame, got dict"):
        from_frame({"Close": [1.0]})


def test_adjusted_prices_that_leave_all_bounds_are_refused() -> None:
    with pytest.raises(DataError, match="after adjustment"):
        from_frame(table(**{"Open": [1e14, 102.0, 51.0], "Adj Close": [5e5, 50.5, 52.0]}))


# slices and text


def test_slices_include_both_ends() -> None:
    prices = from_frame(table())
    assert slice_days(prices, DAYS[1], DAYS[2])["day"].to_list() == DAYS[1:]
    assert slice_days(prices, end=DAYS[0])["day"].to_list() == DAYS[:1]
    assert slice_days(prices).equals(prices)
    assert slice_days(prices, dt.date(2021, 1, 1)).height == 0


def test_foreign_text_is_short_and_harmless() -> None:
    assert shown("a\n\x1b[2J\u202eb") == "a\\n\\x1b[2J\\u202eb"
    assert len(shown("x" * 10_000)) < 60


def test_returns_do_not_depend_on_the_level_of_the_adjustment() -> None:
    once = from_frame(table())
    scaled = from_frame(table(**{"Adj Close": [5.1, 5.05, 5.2]}))
    for name in ("open", "high", "low", "close"):
        assert np.allclose(np.diff(np.log(once[name])), np.diff(np.log(scaled[name])), atol=1e-12)
