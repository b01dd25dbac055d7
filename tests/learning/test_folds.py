"""Folds: every border keeps the gap, every test row is forecast once."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.errors import SettingError
from geiger.learning.folds import Fold, known_before, walk_forward
from geiger.learning.target import make_target

cuts = st.fixed_dictionaries(
    {
        "first_row": st.integers(0, 60),
        "rows": st.integers(1, 400),
        "horizon": st.integers(1, 12),
        "min_train": st.integers(170, 260),
        "refit": st.integers(1, 90),
        "valid_share": st.floats(0.15, 0.5),
        "rolling": st.none() | st.integers(260, 400),
        "max_folds": st.none() | st.integers(1, 5),
    }
)


def cut(case: dict[str, object]) -> tuple[tuple[Fold, ...], int, int]:
    case = dict(case)
    first, horizon = int(case.pop("first_row")), int(case["horizon"])  # type: ignore[call-overload]
    end = first + int(case["min_train"]) + horizon + int(case.pop("rows"))  # type: ignore[call-overload]
    return walk_forward(first, end, **case), first, end  # type: ignore[arg-type]


def days(n: int) -> list[dt.date]:
    return [dt.date(2000, 1, 3) + dt.timedelta(days=i) for i in range(n)]


@given(cuts)
def test_every_test_row_is_forecast_exactly_once(case: dict[str, object]) -> None:
    folds, first, end = cut(case)
    rows = [row for fold in folds for row in fold.test]
    assert rows == list(range(rows[0], end))
    if case["max_folds"] is None:
        assert rows[0] == first + case["min_train"] + case["horizon"]  # type: ignore[operator]


@given(cuts, st.sampled_from(["next_open", "close"]))
def test_no_label_is_known_after_the_decision_it_serves(case: dict[str, object], fill: str) -> None:
    """The label's own clock, from the target frame, against the first decision of valid and test."""
    folds, _, end = cut(case)
    horizon = int(case["horizon"])  # type: ignore[call-overload]
    n = end + horizon + 2
    closes = pl.Series([100.0 + i % 7 for i in range(n)])
    prices = pl.DataFrame(
        {
            "day": days(n),
            **dict.fromkeys(("open", "high", "low", "close", "raw_close"), closes),
            "volume": closes,
        }
    )
    known_on = make_target(prices, fill, horizon)["known_on"].to_list()  # type: ignore[arg-type]
    day = prices["day"].to_list()
    for fold in folds:
        # A label known at the close of the decision day itself comes too late for a fill at that close.
        in_time = (lambda k, a: k <= day[a]) if fill == "next_open" else (lambda k, a: k < day[a])
        assert all(in_time(known_on[row], fold.test.start) for row in (*fold.train, *fold.valid))
        assert all(in_time(known_on[row], fold.valid.start) for row in fold.train)


@given(cuts)
def test_the_gap_is_not_wider_than_the_label_needs(case: dict[str, object]) -> None:
    folds, _, _ = cut(case)
    for fold in folds:
        assert fold.test.start - fold.valid.stop == case["horizon"]
        assert fold.valid.start - fold.train.stop == case["horizon"]


@given(cuts)
def test_windows_expand_or_roll(case: dict[str, object]) -> None:
    folds, first, _ = cut(case)
    for fold in folds:
        learn = fold.valid.stop - fold.train.start
        if case["rolling"] is None:
            assert fold.train.start == first
        else:
            assert learn <= int(case["rolling"])  # type: ignore[call-overload]


def test_purge_of_the_published_example() -> None:
    # 100 rows, test 60 to 79, horizon 5: the last train row before the test is 54.
    assert known_before(60, 5) - 1 == 54


def test_too_few_days_names_how_many_are_needed() -> None:
    with pytest.raises(SettingError, match=r"at least 758 labelled days, got 30"):
        walk_forward(252, 30)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"refit": 0}, "refit must be at least 1"),
        ({"horizon": 0}, "horizon must be at least 1"),
        ({"valid_share": 0.95}, "valid_share"),
        ({"rolling": 10}, "rolling must be at least 504"),
        ({"min_train": 60}, "too few"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        walk_forward(0, 2000, **settings)  # type: ignore[arg-type]
