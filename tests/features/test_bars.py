from __future__ import annotations

import datetime as dt
from math import log

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.features.bars import Bars, feature, imbalance, log_ratio, lowest, ratio, shift, std, total

DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4, 5)]
PRICES = pl.DataFrame(
    {
        "day": DAYS,
        "open": [10.0, 12.0, 11.0, 9.0],
        "high": [11.0, 11.5, 12.0, 9.5],  # below the open in row 1
        "low": [9.0, 11.0, 10.0, 9.25],  # above the open in row 3
        "close": [10.5, 11.0, 12.0, 9.5],
        "raw_close": [10.5, 11.0, 12.0, 9.5],
        "volume": [1.0, 2.0, 3.0, 4.0],
    }
)
CONTEXT = pl.DataFrame(
    {
        "day": DAYS,
        "market_close": [None, 100.0, None, 110.0],
        "market_volatility": [20.0, None, 21.0, 22.0],
    }
)


def test_a_bar_always_holds_its_open_and_close() -> None:
    bars = Bars.from_frames(PRICES, None)
    assert bars.high.tolist() == [11.0, 12.0, 12.0, 9.5]
    assert bars.low.tolist() == [9.0, 11.0, 10.0, 9.0]
    assert (bars.rows, bars.has_context) == (4, False)
    assert np.isnan(bars.market_close).all()


def test_what_each_array_is_by_hand() -> None:
    bars = Bars.from_frames(PRICES, None)
    assert bars.returns[1:].tolist() == pytest.approx([log(11 / 10.5), log(12 / 11), log(9.5 / 12)])
    assert np.isnan(bars.returns[0])
    assert bars.signs[1:].tolist() == [1.0, 1.0, -1.0]
    assert bars.gaps[2] == pytest.approx(log(11 / 11))
    assert bars.bodies[1] == pytest.approx(log(11 / 12))
    assert bars.true_range[1:].tolist() == [1.5, 2.0, 3.0]  # 10.5 to 12; 10 to 12; 9 to 12
    assert bars.close_location.tolist() == pytest.approx([0.5, -1.0, 1.0, 1.0])
    assert bars.money.tolist() == [10.5, 22.0, 36.0, 38.0]
    assert bars.returns_before[2] == bars.returns[1]
    assert bars.month.tolist() == [54 * 12] * 4


def test_a_context_carries_its_last_value_and_no_return_across_a_hole() -> None:
    bars = Bars.from_frames(PRICES, CONTEXT)
    assert bars.market_close[1:].tolist() == [100.0, 100.0, 110.0]
    assert bars.market_known.tolist() == [False, True, False, True]
    assert bars.implied.tolist() == [20.0, 20.0, 21.0, 22.0]
    assert bars.market_returns[2:].tolist() == [0.0, 0.0]
    with pytest.raises(DataError, match="its 3 days are not the 4 days of the prices"):
        Bars.from_frames(PRICES, CONTEXT.head(3))


def test_moments_are_computed_once() -> None:
    bars = Bars.from_frames(PRICES, None)
    first = bars.moments("close", 3)
    assert bars.moments("close", 3) is first
    assert first[0][2:].tolist() == pytest.approx([33.5 / 3, 32.5 / 3])
    assert bars.covariance("close", "volume", 2)[3] == pytest.approx((12 - 9.5) * -1 / 4)
    assert bars.correlation("close", "volume", 2)[2:].tolist() == pytest.approx([1.0, -1.0])
    assert bars.correlation("close", "volume", 2, floor=1.0)[2:].tolist() == [0.0, 0.0]


def test_small_sums_by_hand() -> None:
    x = np.array([1.0, 4.0, 2.0])
    assert np.array_equal(shift(x, 2), [np.nan, np.nan, 1.0], equal_nan=True)
    assert np.isnan(shift(x, 5)).all()
    assert total(x, 2)[1:].tolist() == [5.0, 6.0]
    assert lowest(x, 2)[1:].tolist() == [1.0, 2.0]
    assert std(x, 3)[2] == pytest.approx(np.std(x, ddof=1))
    assert ratio(x, np.array([2.0, 0.0, 4.0]), 0.0, 7.0).tolist() == [0.5, 7.0, 0.5]
    assert log_ratio(x, np.array([2.0, 0.0, 2.0])).tolist() == pytest.approx([log(0.5), 0.0, 0.0])
    assert imbalance(x, np.array([3.0, 4.0, 0.0])).tolist() == [-0.5, 0.0, 1.0]


def test_windows_are_written_into_name_and_formula() -> None:
    def gap(bars: Bars, n: int) -> np.ndarray:
        """Return of n days, today's left out.

        Source: Somebody 1999.
        """
        return shift(bars.close, n)

    one, many = feature("gap_{n}", gap, 1, "none", n=1), feature("gap_{n}", gap, 5, "none", n=5)
    assert (one.name, one.formula) == ("gap_1", "Return of 1 day, today's left out")
    assert (many.name, many.formula, many.source) == (
        "gap_5",
        "Return of 5 days, today's left out",
        "Somebody 1999",
    )
    assert many.group == __name__.rsplit(".", 1)[-1]
    assert np.isnan(many.function(Bars.from_frames(PRICES, None))).all()
