"""What moved between two worlds: expected answers are written by hand."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.audit.tables import Table, moved, moved_after

FIRST = dt.date(2020, 1, 1)
DAYS = np.datetime64(FIRST) + np.arange(6)
CUT = dt.date(2020, 1, 3)  # rows 0 to 2 are its past


def table(values: Any = None, **changes: Any) -> Table:
    numbers = np.arange(12.0).reshape(6, 2) if values is None else np.asarray(values, float)
    return replace(Table("features", ("a", "b"), DAYS, DAYS, numbers), **changes)


def with_value(row: int, column: int, value: float) -> Table:
    numbers = np.arange(12.0).reshape(6, 2)
    numbers[row, column] = value
    return table(numbers)


def test_equal_tables_have_not_moved() -> None:
    assert moved(table(), table(), CUT) is None


def test_what_comes_after_the_cut_may_move() -> None:
    assert moved(table(), with_value(3, 0, 99.0), CUT) is None


def test_the_first_column_and_day_that_moved_are_named() -> None:
    found = moved(table(), with_value(1, 1, 4.0), CUT)
    assert found is not None
    assert (found.stage, found.column, found.row, found.last) == (
        "features",
        "b",
        dt.date(2020, 1, 2),
        dt.date(2020, 1, 2),
    )
    assert (found.rows, found.columns) == (1, 1)
    assert found.size == pytest.approx(1.0 / np.arange(1.0, 12.0, 2.0).std())


def test_a_last_bit_is_a_move() -> None:
    found = moved(table(), with_value(2, 0, math.nextafter(4.0, 5.0)), CUT)
    assert found is not None
    assert found.row == CUT


def test_a_value_that_comes_or_goes_is_a_move_without_a_size() -> None:
    found = moved(table(), with_value(0, 0, math.nan), CUT)
    assert found is not None
    assert math.isinf(found.size)


def test_no_number_equals_no_number() -> None:
    assert moved(with_value(0, 0, math.nan), with_value(0, 0, math.nan), CUT) is None


def test_a_row_claims_to_be_known_on_its_own_day() -> None:
    later = table(known=DAYS + 2)  # row 0 alone is known by the cut
    assert moved(later, replace(with_value(1, 0, 9.0), known=DAYS + 2), CUT) is None
    assert moved(later, replace(with_value(0, 0, 9.0), known=DAYS + 2), CUT) is not None


def test_a_row_that_is_never_known_is_never_held_against_anything() -> None:
    known = DAYS.copy()
    known[1] = np.datetime64("NaT")
    assert moved(table(known=known), with_value(1, 0, 9.0), CUT) is None


def test_a_missing_row_is_a_move_unless_nobody_could_know_it() -> None:
    def without(row: int) -> Table:
        keep = np.arange(6) != row
        return Table("features", ("a", "b"), DAYS[keep], DAYS[keep], np.arange(12.0).reshape(6, 2)[keep])

    assert moved(table(), without(1), CUT) is not None
    assert moved(table(), without(1), CUT, truncated=True) is not None
    assert moved(table(may_lack=True), without(1), CUT, truncated=True) is None
    assert moved(table(may_lack=True), without(1), CUT) is not None


def test_another_length_may_move_matrix_code_by_its_tolerance_and_no_more() -> None:
    unit = np.arange(0.0, 12.0, 2.0).std()
    near, far = (with_value(1, 0, 2.0 + share * unit) for share in (0.9e-5, 1.1e-5))
    loose = table(tolerance=1e-5)
    assert moved(loose, near, CUT, truncated=True) is None
    assert moved(loose, far, CUT, truncated=True) is not None
    assert moved(loose, near, CUT) is not None


def test_an_empty_other_table_has_lost_every_row() -> None:
    none = Table("features", ("a", "b"), DAYS[:0], DAYS[:0], np.empty((0, 2)))
    found = moved(table(), none, CUT)
    assert found is not None
    assert found.rows == 3


def test_other_columns_are_a_move() -> None:
    found = moved(table(), table(columns=("a", "c")), CUT)
    assert found is not None
    assert found.column == "b"


def test_rows_from_the_cut_on_may_not_follow_the_past() -> None:
    assert moved_after(table(), with_value(1, 0, 9.0), CUT) is None
    found = moved_after(table(), with_value(2, 0, 9.0), CUT)
    assert found is not None
    assert found.row == CUT


def test_days_and_missing_values_of_a_frame_become_numbers() -> None:
    frame = pl.DataFrame({"day": [FIRST, CUT], "known": [CUT, None], "x": [1, None]})
    made = Table.of("target", frame, ("x", "day"), known="known")
    assert made.values[0].tolist() == [1.0, 18262.0]
    assert np.isnan(made.values[1, 0])
    assert np.isnat(made.known[1])
