from __future__ import annotations

import pytest

from geiger.errors import DataError
from helpers.price_files import BARS, Read, said

ABOVE = {
    "an address": ("https://example.org/prices\n", 2),
    "two titles and a blank line": ("Example Inc.\nDaily, USD\n\n", 4),
    "facts": ("Symbol: QQ\nFrom: 2020-01-01\n", 3),
    "an open quotation mark": ('Example "Inc\n', 2),
    "blank cells": (",,,,\nExample,,,,\n", 3),
}


@pytest.mark.parametrize("kind", ABOVE)
def test_lines_above_the_headings_are_left_out_and_said(read: Read, kind: str) -> None:
    above, line = ABOVE[kind]
    reading = read(above + BARS)
    assert reading.prices.equals(read(BARS).prices)
    assert f"the headings stand in line {line}" in said(reading, "DATA_HEADINGS")
    with pytest.raises(DataError, match=rf"line {line + 2}, column 'Close': found 'x'"):
        read(above + BARS.replace("1.75", "x"))


@pytest.mark.parametrize(
    ("first", "sign"), [("sep=;", ";"), ("SEP=,", ","), ("sep=\t", "\t"), ('"sep=|"', "|")]
)
def test_a_line_that_names_the_separator_is_obeyed(read: Read, first: str, sign: str) -> None:
    assert read(f"\ufeff{first}\n" + BARS.replace(",", sign)).prices.equals(read(BARS).prices)


def test_data_above_the_headings_are_not_left_out(read: Read) -> None:
    with pytest.raises(DataError, match=r"rows of data .* stand above the headings"):
        read("2019-12-31,1,2,0.5,1.5\n" + BARS)


def test_a_footer_is_to_be_removed(read: Read) -> None:
    with pytest.raises(
        DataError, match=r"line 4: found 'Source: somebody' alone under 5 headings.*remove the line"
    ):
        read(BARS + "Source: somebody\n")
    with pytest.raises(DataError, match=r"line 4, .*found 'Average', .*remove a row that is no bar"):
        read(BARS + "Average,1,2,1,1.6\n")
