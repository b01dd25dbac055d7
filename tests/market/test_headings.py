from __future__ import annotations

import datetime as dt

import pytest

from geiger.errors import DataError
from geiger.market.readers import read_prices
from helpers.price_files import Read, refusal, stamped


@pytest.mark.parametrize("cell", ["2\u00a011,5x", "a\\b"])
def test_signs_are_escaped_once_or_not_at_all(read: Read, cell: str) -> None:
    with pytest.raises(DataError) as caught:
        read(f"Date;Close\n2020-01-02;{cell}\n")
    assert f"found '{cell.replace(chr(160), chr(92) + 'xa0')}'" in str(caught.value)


@pytest.mark.parametrize("heading", ["time", "timestamp", "DateTime", "Trade Date", "Date Time", "dt", "t"])
def test_words_for_a_column_of_days(read: Read, heading: str) -> None:
    assert read(stamped(["2020-01-02"], heading)).prices["day"].to_list() == [dt.date(2020, 1, 2)]


@pytest.mark.parametrize(
    ("header", "day"),
    [
        ("Fecha,Último,Apertura,Máximo,Mínimo", "31.01.2020"),
        ("Datum,Zuletzt,Eröffn.,Hoch,Tief", "31.01.2020"),
        ("Date,Dernier,Ouv.,Plus Haut,Plus Bas", "31/01/2020"),
        ("Data,Ultimo,Apertura,Massimo,Minimo", "31.01.2020"),
        ("date,close_last,open,high,low", "31-Jan-2020"),
        ("timestamp,Close/Last,open,high,low", "31 January 2020"),
        ("<DATE>,<CLOSE>,<OPEN>,<HIGH>,<LOW>", "20200131"),
        (",Close,Open,High,Low", "2020-01-31"),
    ],
)
def test_headings_in_other_words(write, header: str, day: str) -> None:
    prices = read_prices(write(f"{header}\n{day},10.5,10.25,11.0,10.0\n")).prices
    assert prices.row(0)[:5] == (dt.date(2020, 1, 31), 10.25, 11.0, 10.0, 10.5)


def test_two_columns_of_one_action_are_refused(write) -> None:
    message = refusal(write("Date,Close,Dividend,Div Cash\n2020-01-02,10.5,0,0\n"))
    assert "columns 'Dividend' and 'Div Cash' both list the same action (dividend)" in message
