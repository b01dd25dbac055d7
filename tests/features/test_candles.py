from __future__ import annotations

from math import log

import pytest

from helpers.bars import features_of


def test_single_bars_by_hand() -> None:
    out = features_of([(10, 12, 9, 11, 100), (11, 13, 10, 10.5, 50), (10, 12, 9.5, 12, 200)])
    assert out["body"] == pytest.approx([1 / 3, -0.5 / 3, 2 / 2.5])
    assert out["upper_shadow"] == pytest.approx([1 / 3, 2 / 3, 0.0])
    assert out["lower_shadow"] == pytest.approx([1 / 3, 0.5 / 3, 0.5 / 2.5])
    assert out["close_location"] == pytest.approx([1 / 3, -2 / 3, 1.0])
    assert out["range_overlap"][1:] == pytest.approx([2 / 4, 2 / 3.5])
    assert out["engulfing"][1:] == [0.0, 1.0]


def test_nights_and_days_share_the_movement() -> None:
    """Every night the price rises by a tenth, every day it falls back: all of the tilt is even."""
    out = features_of([(110, 110, 100, 100, 10)] * 64)
    assert out["overnight_tilt_21"][21] == pytest.approx(0.5)
    assert out["overnight_variance_share_63"][63] == pytest.approx(0.5)
    assert out["gap_ratio_14"][14] == pytest.approx(1.0)  # a gap of 10 in a true range of 10
    assert out["mean_close_location_10"][9] == -1.0


def test_the_narrowest_bar_of_a_week() -> None:
    out = features_of([(100, 110, 100, 100, 10)] * 6 + [(100, 102, 100, 100, 10), (100, 104, 100, 100, 10)])
    assert out["narrow_range_7"][6:] == pytest.approx([1.0, log(1.02) / log(1.04)])
