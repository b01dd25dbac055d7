from __future__ import annotations

from math import exp, log

import pytest

from helpers.bars import features_of, flat


def test_the_gap_to_a_mean_by_hand() -> None:
    out = features_of(flat([100.0, 101.0, 99.0, 99.0, 102.0, 104.0]))
    assert out["close_to_mean_5"][4] == pytest.approx(log(102 / 100.2))


def test_a_straight_line_of_logs_is_found_as_one() -> None:
    out = features_of(flat([exp(0.01 * day) for day in range(63)]))
    assert out["trend_slope_21"][62] == pytest.approx(0.01)
    assert out["trend_slope_63"][62] == pytest.approx(0.01)
    assert out["trend_fit_63"][62] == pytest.approx(1.0)
    assert out["trix_15"][62] == pytest.approx(0.01, rel=0.01)
    assert out["aroon_25"][62] == 1.0  # the lowest low 25 days ago, the highest high today


def test_a_constant_price_has_no_trend() -> None:
    out = features_of(flat([50.0] * 260))
    names = ["close_to_mean_200", "mean_cross_50_200", "macd_12_26", "macd_histogram_12_26_9", "adx_14"]
    for name in [*names, "adaptive_mean_gap_10", "directional_gap_28", "trend_slope_252", "trend_fit_63"]:
        assert out[name][259] == 0.0, name


def test_movement_in_one_direction_is_all_directional() -> None:
    out = features_of([(close, close + 1, close - 1, close, 10) for close in range(100, 160)])
    assert out["adx_14"][59] == pytest.approx(1.0)
    assert out["directional_gap_28"][59] == pytest.approx(0.5)  # one up a day, of a true range of two
