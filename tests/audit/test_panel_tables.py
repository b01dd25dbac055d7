"""Rows of many symbols: what moved, whose it is, and what may be missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from geiger.audit.panel_tables import PanelTable, moved_in_panel

FIRST = dt.date(2020, 1, 1)
DAYS = np.datetime64(FIRST) + np.repeat(np.arange(5), 3)
MEMBER = np.tile(np.arange(3), 5)
CUT = dt.date(2020, 1, 4)  # of five days the fourth


def table(symbols: tuple[str, ...] = ("A", "B", "C"), **changes: object) -> PanelTable:
    values = np.arange(30.0).reshape(15, 2)
    made = PanelTable("features", ("x", "y"), symbols, DAYS, MEMBER, DAYS, values)
    return replace(made, **changes)


def with_value(row: int, column: int, value: float) -> PanelTable:
    values = np.arange(30.0).reshape(15, 2)
    values[row, column] = value
    return table(values=values)


def test_only_what_claims_to_be_known_by_the_cut_counts() -> None:
    base = table()
    assert moved_in_panel(base, table(), CUT) is None
    assert moved_in_panel(base, with_value(12, 0, 9.5), CUT) is None  # the fifth day
    late = table(known=DAYS + 3)
    assert moved_in_panel(late, with_value(4, 0, 9.5), CUT) is None  # the second day, known on the fifth
    assert moved_in_panel(base, with_value(4, 0, 9.5), CUT) is not None


def test_the_symbol_the_column_and_the_day_are_named() -> None:
    other = with_value(7, 1, 100.0)  # the third day of B
    found = moved_in_panel(table(), other, CUT)
    assert found is not None
    assert (found.stage, found.member, found.column, found.members) == ("features", "B", "y", 1)
    assert found.row == dt.date(2020, 1, 3)
    own = np.arange(30.0).reshape(15, 2)[1::3, 1]
    assert found.size == pytest.approx((100.0 - 15.0) / own.std())


def test_of_several_symbols_the_first_column_is_told_and_how_many_have_it() -> None:
    values = np.arange(30.0).reshape(15, 2)
    values[3:6, 1] += 1.0
    values[4, 0] += 1.0
    found = moved_in_panel(table(), table(values=values), CUT)
    assert found is not None
    assert (found.member, found.column, found.members) == ("B", "x", 1)
    values[4, 0] -= 1.0
    found = moved_in_panel(table(), table(values=values), CUT)
    assert found is not None
    assert (found.column, found.members) == ("y", 3)


def test_symbols_are_found_by_name_and_a_missing_one_has_moved() -> None:
    kept = MEMBER != 1
    less = table(
        ("A", "C"),
        rows=DAYS[kept],
        member=np.where(MEMBER[kept] == 2, 1, 0),
        known=DAYS[kept],
        values=np.arange(30.0).reshape(15, 2)[kept],
    )
    found = moved_in_panel(table(), less, CUT)
    assert found is not None
    assert (found.member, found.rows) == ("B", 4)
    assert np.isinf(found.size)
    assert moved_in_panel(table(), less, None) is None  # what both have is the same
    assert moved_in_panel(table(may_lack=True), less, CUT, shorter=True) is None
    assert moved_in_panel(table(may_lack=True), less, CUT) is not None


def test_all_rows_of_both_are_held_against_each_other_without_a_cut() -> None:
    found = moved_in_panel(table(), with_value(14, 1, 0.0), None)
    assert found is not None
    assert (found.member, found.column) == ("C", "y")


def test_rounding_of_matrix_code_is_allowed_where_rows_are_missing() -> None:
    base, other = table(tolerance=1e-5), with_value(4, 0, 8.0 + 1e-7)
    assert moved_in_panel(base, other, CUT, shorter=True) is None
    assert moved_in_panel(base, other, CUT) is not None


def test_an_empty_world_lacks_every_row() -> None:
    empty = table(rows=DAYS[:0], member=MEMBER[:0], known=DAYS[:0], values=np.empty((0, 2)))
    assert moved_in_panel(table(), empty, CUT) is not None
    assert moved_in_panel(table(may_lack=True), empty, CUT, shorter=True) is None
    assert moved_in_panel(empty, table(), CUT) is None
