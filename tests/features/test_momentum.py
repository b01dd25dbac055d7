from __future__ import annotations

from math import exp, log

import pytest

from helpers.bars import features_of, flat


def test_returns_by_hand() -> None:
    out = features_of([(10, 12, 9, 11, 100), (11, 13, 10, 10.5, 50), (10, 12, 9.5, 12, 200)])
    assert out["return_1"][1:] == pytest.approx([log(10.5 / 11), log(12 / 10.5)])
    # Two days of gains and falls: the mean fall .25, the mean rise .75, seeded over the first two changes.
    assert out["rsi_2"][2] == pytest.approx(1.5 / 2.0)
    closes = [100.0, 101.0, 99.0, 99.0, 102.0, 104.0]
    assert features_of(flat(closes))["return_3"][5] == pytest.approx(log(104 / 99))


def test_oscillators_of_a_steady_rise() -> None:
    out = features_of([(close, close + 1, close - 1, close, 10) for close in range(100, 130)])
    assert out["stochastic_k_14"][13] == pytest.approx(14 / 15)  # 113 between 99 and 114
    assert out["stochastic_d_14_3"][15] == pytest.approx(14 / 15)
    assert out["rsi_14"][14] == 1.0
    assert out["cci_20"][19] == pytest.approx(9.5 / (1.5 * 5.0))  # typical prices 100 .. 119
    # Each day's close lies 1 + 1 above its true low, the range from the last close to the high is 2.
    assert out["ultimate_7_14_28"][28] == pytest.approx(0.5)


def test_the_largest_the_smallest_and_the_rank_of_a_day() -> None:
    closes = [100.0] + [100.0 * exp(0.001 * day * (-1) ** day) for day in range(1, 22)]
    out = features_of(flat(closes))
    assert out["max_return_21"][21] == pytest.approx(0.001 * 39)  # from day 19 down to day 20 up
    assert out["min_return_21"][21] == pytest.approx(-0.001 * 41)


def test_a_slow_rise_with_many_small_steps_has_the_sign_of_its_steps() -> None:
    rising = features_of(flat([100.0 * 1.01**day for day in range(253)]))
    assert rising["information_discreteness_252"][252] == -1.0
    assert rising["momentum_12_1"][252] == pytest.approx(231 * log(1.01))
    assert rising["time_series_momentum_252"][252] == 0.0  # no deviation to measure it by
