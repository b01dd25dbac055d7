from __future__ import annotations

import pytest

from geiger.errors import DataError
from geiger.market.readers import read_prices
from helpers.price_files import YAHOO, Read, notes, said

NUMBERS = {
    '"1,23,45,678"': 12345678.0,
    '"1,00,000.50"': 100000.5,
    "12 345.5": 12345.5,
    "1\u00a0234\u00a0567": 1234567.0,
    "1\u202f234.5": 1234.5,
    "1\u2009234.5": 1234.5,
    "1'234.5": 1234.5,
    "0": 0.0,
}


@pytest.mark.parametrize("written", NUMBERS)
def test_groups_of_digits(read: Read, written: str) -> None:
    reading = read(f"Date,Close,Volume\n2020-01-02,10.25,{written}\n")
    assert reading.prices["volume"].to_list() == [NUMBERS[written]]


def test_decimal_commas_with_blanks(read: Read) -> None:
    reading = read("Date;Close\n2020-01-02;2\u00a0119,580\n2020-01-03;12\u00a0119,5\n")
    assert reading.prices["close"].to_list() == [2119.58, 12119.5]


THREE = "Date;Close;Volume\n2020-01-02;196{0}840;{1}\n2020-01-03;197{0}480;{1}\n"


@pytest.mark.parametrize("sign", [".", ","])
def test_three_decimals_beside_a_number_without_groups_are_fractions(read: Read, sign: str) -> None:
    reading = read(THREE.format(sign, "3900"))
    assert reading.prices["close"].to_list() == [196.84, 197.48]
    assert "'3900' (a.csv, line 2, column 'Volume') shows it" in said(reading, "DATA_NUMBER_STYLE")


def test_a_number_without_groups_beside_one_that_may_have_them_shows_nothing(read: Read) -> None:
    with pytest.raises(DataError, match="can mean a fraction or thousands"):
        read("Date;Close;Volume\n2020-01-02;196.840;3,900\n2020-01-03;197.480;3900\n")


@pytest.mark.parametrize("volume", ["390", "0", "3.900", "3,900"])
def test_three_decimals_beside_nothing_else_are_refused(read: Read, volume: str) -> None:
    with pytest.raises(DataError, match="can mean a fraction or thousands"):
        read(THREE.format(".", volume))


def test_decimal_commas(write) -> None:
    expected = read_prices(write(YAHOO, "plain.csv")).prices
    reading = read_prices(write(YAHOO.replace(",", ";").replace(".", ",")))
    assert reading.prices.equals(expected)
    assert "DATA_NUMBER_STYLE" in notes(reading)


PORTUGUESE = (
    '"Data","Último","Abertura","Máxima","Mínima","Vol.","Var%"\n'
    '"18.07.2025","133.382","135.562","135.562","133.296","10,07B","-1,61%"\n'
    '"17.07.2025","135.565","135.515","135.792","135.016","6,80M","0,04%"\n'
)


def test_investing_in_portuguese_has_levels_of_six_digits(write) -> None:
    prices = read_prices(write(PORTUGUESE)).prices
    assert prices["close"].to_list() == [135565.0, 133382.0]
    assert prices["volume"].to_list() == pytest.approx([6.8e6, 1.007e10])


def test_a_change_in_percent_is_proof_enough(write) -> None:
    prices = read_prices(write(PORTUGUESE.replace("10,07B", "").replace("6,80M", ""))).prices
    assert prices["close"].to_list() == [135565.0, 133382.0]
