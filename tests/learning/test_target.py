"""The target: hand-computed values, and the clock of every fill."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest

from geiger.errors import SettingError
from geiger.learning.target import make_target

DAYS = [dt.date(2024, 1, d) for d in (2, 3, 4, 5)]


@pytest.fixture
def prices() -> pl.DataFrame:
    opens, closes = [10.0, 11.0, 12.0, 9.0], [10.5, 11.5, 10.0, 9.5]
    return pl.DataFrame(
        {
            "day": DAYS,
            "open": opens,
            "high": [13.0] * 4,
            "low": [8.0] * 4,
            "close": closes,
            "raw_close": closes,
            "volume": [1.0] * 4,
        }
    )


def test_next_open_runs_from_the_next_open_to_the_one_after(prices: pl.DataFrame) -> None:
    target = make_target(prices, "next_open")
    assert target["simple"].to_list() == [pytest.approx(12 / 11 - 1), pytest.approx(9 / 12 - 1), None, None]
    assert target["value"].to_list()[:2] == [
        pytest.approx(math.log(12 / 11)),
        pytest.approx(math.log(9 / 12)),
    ]
    assert target["entry_day"].to_list() == [DAYS[1], DAYS[2], None, None]
    assert target["known_on"].to_list() == [DAYS[2], DAYS[3], None, None]


def test_close_runs_from_this_close_to_the_next(prices: pl.DataFrame) -> None:
    target = make_target(prices, "close")
    assert target["simple"].to_list()[:3] == [
        pytest.approx(11.5 / 10.5 - 1),
        pytest.approx(10 / 11.5 - 1),
        pytest.approx(9.5 / 10 - 1),
    ]
    assert target["entry_day"].to_list() == [*DAYS[:3], None]
    assert target["known_on"].to_list() == [*DAYS[1:], None]


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("horizon", [1, 2])
def test_a_label_moves_with_its_exit_and_with_nothing_later(
    prices: pl.DataFrame, fill: str, horizon: int
) -> None:
    """Change one row: labels whose exit is that row move, labels that ended before do not."""
    base = make_target(prices, fill, horizon)  # type: ignore[arg-type]
    for row in range(4):
        factor = pl.when(pl.int_range(pl.len()) == row).then(1.5).otherwise(1.0)
        moved = make_target(prices.with_columns(pl.col("open", "close") * factor), fill, horizon)  # type: ignore[arg-type]
        for t in range(4):
            known = base["known_on"][t]
            if known is not None and known < DAYS[row]:
                assert moved["value"][t] == base["value"][t]
            if known == DAYS[row]:
                assert moved["value"][t] != base["value"][t]


def test_an_unknown_fill_is_refused(prices: pl.DataFrame) -> None:
    with pytest.raises(SettingError, match="next_open"):
        make_target(prices, "open")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="horizon"):
        make_target(prices, "close", 0)
