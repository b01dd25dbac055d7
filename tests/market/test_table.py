from __future__ import annotations

import polars as pl

from geiger.market.table import Table


def test_a_row_keeps_its_place_in_the_file_when_others_are_left_out() -> None:
    columns = {"Date": pl.Series(["a", "b", "c"]), "Close\n": pl.Series(["1", "2", "3"])}
    table = Table(columns, [2, 5, 9], "x.csv", "line", "plain", symbol="QQ")
    kept = table.kept([2, 0])
    assert kept.columns["Date"].to_list() == ["c", "a"]
    assert kept.columns["Close\n"].to_list() == ["3", "1"]
    assert kept.rows == [9, 2]
    assert (kept.name, kept.layout, kept.symbol) == ("x.csv", "plain", "QQ")
    assert kept.at(0, "Date") == "x.csv, line 9, column 'Date'"
    assert kept.at(1, "Close\n").startswith("x.csv, line 2, column 'Close")
    assert "\n" not in kept.at(1, "Close\n")
