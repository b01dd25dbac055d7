"""Frames of the user's own: read in one way or refused, and joined by what was known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.experiment.own_table import DayTable, days_in, hash_of, known_days, on_bars, plain_frame

FRIDAY = dt.date(2024, 1, 5)
DAYS = pl.Series("day", [FRIDAY + dt.timedelta(days) for days in (0, 3, 4, 5, 6)])  # Friday, Monday ...


def day(number: int) -> dt.date:
    return FRIDAY + dt.timedelta(number)


def as_pandas(data: dict[str, Any], **more: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame(data, **more)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (pl.DataFrame({"a": [1.0]}), ["a"]),
        (pl.LazyFrame({"a": [1.0]}), ["a"]),
        (pl.Series("a", [1.0]), ["a"]),
        (pl.Series([1.0]), ["gap"]),
        (pl.Series("close", [1.0]), ["gap"]),  # still that of the bar it was made of
        (np.ones(3), ["gap"]),
        (np.ones((3, 1)), ["gap"]),
        (np.ones((3, 2)), ["gap_1", "gap_2"]),
        (as_pandas({"a": [1.0]}), ["a"]),
        (as_pandas({"a": [1.0]})["a"], ["a"]),
        (as_pandas({"a": [1.0]}, index=[dt.datetime(2024, 1, 5)]), ["day", "a"]),
        (as_pandas({"day": ["2024-01-05"], "a": [1.0]}), ["day", "a"]),
    ],
)
def test_tables_series_and_arrays_become_one_kind_of_frame(given: Any, names: list[str]) -> None:
    assert plain_frame(given, "mine", "gap").columns == names


def test_what_is_no_table_is_refused() -> None:
    for given, word in ((3.0, "float"), (np.ones((2, 2, 2)), "ndarray"), (None, "NoneType")):
        with pytest.raises(DataError, match=f"mine: returned {word}; expected a polars or pandas frame"):
            plain_frame(given, "mine")
    twice = as_pandas({"a": [1.0], "b": [2.0]}).set_axis(["a", "a"], axis=1)
    with pytest.raises(DataError, match="mine: has 1 column names twice: a"):
        plain_frame(twice, "mine")


def test_days_are_dates_midnights_or_text() -> None:
    midnight = pl.Series("day", [dt.datetime(2024, 1, 5)])
    for given in (DAYS.head(1), midnight, pl.Series("day", ["2024-01-05"])):
        assert days_in(given, "mine").to_list() == [FRIDAY]
    noon = pl.Series("day", [dt.datetime(2024, 1, 5, 12)])
    for wrong in (noon, pl.Series("day", [5]), pl.Series("day", ["soon"]), pl.Series("day", [FRIDAY, None])):
        with pytest.raises(DataError, match="mine: column 'day' must hold a day in every row"):
            days_in(wrong, "mine")


def test_a_date_is_known_at_its_close_and_a_moment_from_the_next_day_on() -> None:
    assert known_days(pl.Series("known_on", [FRIDAY]), "mine").to_list() == [FRIDAY]
    assert known_days(pl.Series("known_on", [dt.datetime(2024, 1, 5)]), "mine").to_list() == [FRIDAY]
    naive = pl.Series("known_on", [dt.datetime(2024, 1, 5, 8, 30)])
    assert known_days(naive, "mine").to_list() == [day(1)]
    tokyo = naive.dt.replace_time_zone("Asia/Tokyo")  # the evening of the fourth in UTC
    assert known_days(tokyo, "mine").to_list() == [FRIDAY]
    with pytest.raises(DataError, match="'known_on' must hold a day or a moment"):
        known_days(pl.Series("known_on", [dt.datetime(2024, 1, 5, 8), None]), "mine")


def test_a_function_answers_one_row_a_bar_on_the_same_days() -> None:
    made = on_bars(pl.Series([1, None, 3, 4, 5]), DAYS, "mine", "gap")
    assert made.columns == ["day", "gap"]
    assert made["gap"].dtype == pl.Float64
    assert np.isnan(made["gap"][1])
    assert on_bars(pl.DataFrame({"up": [True] * 5}), DAYS, "mine", "x")["up"].to_list() == [1.0] * 5
    with pytest.raises(DataError, match="mine: returned 4 rows for 5 bars; return one row a bar"):
        on_bars(np.ones(4), DAYS, "mine", "gap")
    moved = pl.DataFrame({"day": [*DAYS[:3], *DAYS[:2:-1]], "gap": np.ones(5)})
    with pytest.raises(DataError, match=r"other days than the bars have: 2024-01-11 in row 3, .* 2024-01-10"):
        on_bars(moved, DAYS, "mine", "gap")


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (pl.DataFrame({"day": DAYS}), "has no column of numbers beside the days"),
        (pl.DataFrame({"word": ["x"] * 5}), "column 'word' holds String, not numbers"),
        (pl.DataFrame({"when": DAYS}), "column 'when' holds Date, not numbers"),
        (pl.DataFrame({" ": np.ones(5)}), "' ' is no name of a column"),
        (pl.DataFrame({"a\nb": np.ones(5)}), "is no name of a column"),
    ],
)
def test_columns_must_be_numbers_with_names(frame: pl.DataFrame, why: str) -> None:
    with pytest.raises(DataError, match=f"mine: .*{why}"):
        on_bars(frame, DAYS, "mine", "gap")


def table(*rows: tuple[int, int, float]) -> DayTable:
    """A frame of (day, known on, value), counted from Friday."""
    found = [{"day": day(one), "known_on": day(known), "x": value} for one, known, value in rows]
    return DayTable.of(pl.DataFrame(found), "mine")


def joined(of: DayTable) -> list[float]:
    return of.on(DAYS)["x"].to_list()


def test_a_row_counts_from_the_day_it_became_known_and_until_the_next() -> None:
    later = table((0, 4, 1.0), (3, 5, 2.0))  # known on Tuesday and Wednesday
    np.testing.assert_array_equal(joined(later), [np.nan, np.nan, 1.0, 2.0, 2.0])
    weekend = table((-1, -1, 1.0), (1, 1, 2.0))  # of a Saturday: the first decision after it is Monday's
    assert joined(weekend) == [1.0, 2.0, 2.0, 2.0, 2.0]


def test_the_newest_day_that_was_known_counts_and_its_newest_version() -> None:
    assert joined(table((0, 0, 1.0), (3, 3, 2.0), (0, 4, 9.0))) == [
        1.0,
        2.0,
        2.0,
        2.0,
        2.0,
    ]  # an old revision
    assert joined(table((0, 0, 1.0), (0, 4, 9.0))) == [1.0, 1.0, 9.0, 9.0, 9.0]


def test_later_rows_change_no_day_before_they_were_known() -> None:
    rng = np.random.default_rng(0)
    days = pl.Series("day", [day(number) for number in range(200)])
    rows = [(number, number + int(rng.integers(0, 9)), float(rng.normal())) for number in range(0, 200, 2)]
    whole = table(*rows).on(days)
    for cut in (20, 77, 150):
        early = table(*(row for row in rows if row[1] <= cut)).on(days.head(cut + 1))
        assert early.equals(whole.head(cut + 1))


def test_frames_that_cannot_be_joined_are_refused() -> None:
    for frame, why in (
        (pl.DataFrame({"x": [1.0]}), "has no column 'day'"),
        (pl.DataFrame({"day": [FRIDAY, FRIDAY], "x": [1.0, 2.0]}), "two rows of 2024-01-05"),
        (pl.DataFrame({"day": [FRIDAY], "known_on": [day(-1)], "x": [1.0]}), "was known before"),
        (pl.DataFrame({"day": [FRIDAY]}), "no column of numbers"),
        (pl.DataFrame(schema={"day": pl.Date, "x": pl.Float64}), "has no rows"),
    ):
        with pytest.raises(DataError, match=f"mine: .*{why}"):
            DayTable.of(frame, "mine")


def test_a_clock_taken_for_granted_and_an_old_end_are_said() -> None:
    plain = DayTable.of(pl.DataFrame({"day": DAYS, "x": np.ones(5)}), "mine")
    (notice,) = plain.doubts(DAYS, "mine")
    assert notice.code == "OWN_KNOWN_SAME_DAY"
    old = table((0, 0, 1.0), (3, 3, 1.0))
    (notice,) = old.doubts(DAYS, "mine")
    assert notice.code == "OWN_DATA_OLD"
    assert "known on 2024-01-08 and serves 3 later bars; before, none served more than 1" in notice.text
    assert table((0, 0, 1.0), (6, 6, 1.0)).doubts(DAYS, "mine") == ()


def test_what_is_kept_is_found_by_its_hash_and_refused_when_changed(tmp_path: Path) -> None:
    for kept in (table((0, 2, 1.0)), DayTable.of(pl.DataFrame({"day": DAYS, "x": np.ones(5)}), "mine")):
        kept.keep(tmp_path)
        again = DayTable.kept(tmp_path, kept.digest, "mine")
        assert again is not None
        assert again.rows.equals(kept.rows)
        assert again.dated == kept.dated
    other = table((0, 2, 1.5))
    assert DayTable.kept(tmp_path, other.digest, "mine") is None
    other.rows.with_columns(x=pl.lit(2.0)).write_parquet(tmp_path / f"{other.digest}.parquet")
    with pytest.raises(DataError, match="not the numbers that were kept"):
        DayTable.kept(tmp_path, other.digest, "mine")


def test_a_frame_goes_on_where_its_past_stays_as_it_was() -> None:
    earlier = table((0, 0, 1.0), (3, 4, 2.0))
    assert table((0, 0, 1.0), (3, 4, 2.0), (4, 5, 3.0), (0, 6, 9.0)).continues(earlier)
    assert earlier.continues(earlier)
    assert not table((0, 0, 1.0), (3, 4, 2.5)).continues(earlier)
    assert not table((0, 0, 1.0)).continues(earlier)
    assert not table((0, 0, 1.0), (1, 1, 1.5), (3, 4, 2.0)).continues(earlier)  # a row that was not there


def test_a_hash_knows_names_days_and_bits_and_not_the_sign_of_nan() -> None:
    one = pl.DataFrame({"day": DAYS, "x": [1.0, np.nan, 3.0, 4.0, 5.0]})
    minus = one.with_columns(x=pl.when(pl.col("x").is_nan()).then(-pl.col("x")).otherwise("x"))
    assert hash_of(minus) == hash_of(one)
    others = (
        one.rename({"x": "y"}),
        one.with_columns(pl.col("x") + 1e-15),
        one.with_columns(pl.col("day") + dt.timedelta(1)),
        one.head(4),
    )
    assert len({hash_of(frame) for frame in (one, *others)}) == 5
