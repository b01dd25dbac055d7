from __future__ import annotations

import datetime as dt

import pytest

from geiger.errors import DataError
from geiger.market.readers import read_prices
from helpers.price_files import Read, notes, said

PROVED = {
    "gbk": "日期,开盘,收盘,最高,最低\n2020-01-02,1,1.5,2,0.5\n",
    "big5": "日期,開盤價,收盤價,最高價,最低價\n2020-01-02,1,1.5,2,0.5\n",
    "shift_jis": "日付,始値,終値,高値,安値\n2020-01-02,1,1.5,2,0.5\n",
    "euc-kr": "날짜,시가,종가,고가,저가\n2020-01-02,1,1.5,2,0.5\n",
    "cp1251": "Дата,Откр.,Цена,Макс.,Мин.\n2020-01-02,1,1.5,2,0.5\n",
    "cp1250": "Data,Otwarcie,Zamknięcie,Najwyższy,Najniższy\n2020-01-02,1,1.5,2,0.5\n",
    "utf-16-le": "Date,Open,Close,High,Low\n2020-01-02,1,1.5,2,0.5\n",
}


@pytest.mark.parametrize("encoding", PROVED)
def test_an_encoding_in_which_the_headings_are_words(read: Read, encoding: str) -> None:
    reading = read(PROVED[encoding].encode(encoding))
    assert reading.prices.row(0)[:5] == (dt.date(2020, 1, 2), 1.0, 2.0, 0.5, 1.5)
    assert "not UTF-8 and was read as" in said(reading, "DATA_ENCODING")


UNPROVED = {
    "GB18030": ("gbk", "股票,成本\n2020-01-02,1\n"),
    "SHIFT_JIS": ("shift_jis", "はじめ,おわり\n2020-01-02,1\n"),
    "EUC-KR": ("euc-kr", "시작가,마감\n2020-01-02,1\n"),
    "CP1251": ("cp1251", "Сутки,Курс\n2020-01-02,1\n"),
}


@pytest.mark.parametrize("likely", UNPROVED)
def test_an_encoding_that_nothing_proves_is_named(read: Read, likely: str) -> None:
    encoding, text = UNPROVED[likely]
    first = text.splitlines()[0]
    says = rf"likely {likely} .* first line is '{first}'; convert it \(iconv -f {likely} -t UTF-8"
    with pytest.raises(DataError, match=says):
        read(text.encode(encoding))


@pytest.mark.parametrize("mark", [b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_archives_are_called_so(read: Read, mark: bytes) -> None:
    with pytest.raises(DataError, match=r"archive.*unpack it"):
        read(mark + b"rest")


def test_windows_text(write) -> None:
    path = write("Data;Último;Abertura;Máxima;Mínima\n02.01.2020;10,5;10,1;10,9;10,0\n".encode("cp1252"))
    reading = read_prices(path)
    assert reading.prices.row(0) == (dt.date(2020, 1, 2), 10.1, 10.9, 10.0, 10.5, 10.5, 0.0)
    assert "DATA_ENCODING" in notes(reading)
