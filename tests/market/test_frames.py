from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.readers import read_given
from helpers.price_files import MARCH, Read, in_memory


@pytest.mark.parametrize("zone", [None, "America/New_York", "+05:30"])
@pytest.mark.parametrize("stored", [False, True])
def test_stamps_in_a_table_keep_the_day_of_their_own_zone(read: Read, zone: str | None, stored: bool) -> None:
    table = in_memory()
    table.index = (table.index + pd.Timedelta(hours=9)).tz_localize(zone)
    reading = read(table) if stored else read_given(table)
    assert reading.prices["day"].to_list() == MARCH


@pytest.mark.parametrize("zone", [None, "America/New_York", "-05:00"])
def test_evenings_in_a_table_are_refused(zone: str | None) -> None:
    table = in_memory()
    table.index = (table.index - pd.Timedelta(hours=2)).tz_localize(zone)
    for given in (table, pl.from_pandas(table.tz_localize(None).reset_index(names="Date"))):
        with pytest.raises(DataError, match=r"table, row 1, .*2 Sundays present, no Fridays"):
            read_given(given)


def test_what_a_table_lists_is_kept_beside_its_prices() -> None:
    reading = read_given(in_memory(Dividends=[0, 0, 0.5, 0, 0, 0]))
    assert reading.actions is not None
    assert reading.actions["dividend"].to_list() == [0, 0, 0.5, 0, 0, 0]
    assert "DATA_ADJUSTMENT_UNKNOWN" in {note.code for note in reading.notes}


def test_periods_are_days_or_refused(read: Read) -> None:
    daily, monthly = in_memory(), in_memory()
    daily.index = daily.index.to_period("D")
    monthly.index = pd.period_range("2020-01", periods=6, freq="M")
    assert read_given(daily).prices["day"].to_list() == MARCH
    with pytest.raises(DataError, match="found '2020-01', expected a date"):
        read_given(monthly)
    with pytest.raises(DataError, match=r"column 'Date' holds Extension.*, not dates"):
        read(daily.rename_axis("Date"))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="expected a pandas or polars DataFrame, got dict"):
        read_given({"Close": [1.0]})
    with pytest.raises(DataError, match="a column mixes kinds of values"):
        read_given(in_memory(Note=[1, "a", None, 2.5, b"b", "c"]))
    with pytest.raises(DataError, match="the index cannot become a column"):
        read_given(in_memory(tic="QQ").rename_axis("Date").set_index("tic", append=True, drop=False))
