from __future__ import annotations

from math import log, sqrt

import pytest

from helpers.bars import features_of, flat

PATH = [100.0] * 240 + [120.0, 90.0] + [110.0] * 10


def test_where_the_close_stands_by_hand() -> None:
    out = {name: values[-1] for name, values in features_of(flat(PATH)).items()}
    assert len(PATH) == 252
    assert out["range_position_63"] == pytest.approx((110 - 90) / (120 - 90))
    assert out["range_position_252"] == pytest.approx((110 - 90) / (120 - 90))
    assert out["channel_width_63"] == pytest.approx(log(120 / 90))
    assert out["close_to_high_252"] == pytest.approx(log(110 / 120))
    assert out["close_to_low_252"] == pytest.approx(log(110 / 90))
    assert out["days_since_high_252"] == pytest.approx(11 / 251)
    assert out["days_since_low_252"] == pytest.approx(10 / 251)
    assert out["max_drawdown_63"] == pytest.approx(90 / 120 - 1)
    assert out["close_rank_126"] == pytest.approx((115 + 9 / 2) / 125)  # 114 at 100, one at 90; 9 ties


def test_a_fall_has_to_follow_its_peak() -> None:
    out = features_of(flat([*[100.0] * 61, 90.0, 120.0]))
    assert out["max_drawdown_63"][62] == pytest.approx(-0.1)


def test_bands_of_a_price_that_swings() -> None:
    out = features_of(flat([99.0, 101.0] * 14))
    assert out["bollinger_position_20"][26:] == pytest.approx([-0.5, 0.5])
    falls = (99 / 101 - 1) ** 2
    assert out["ulcer_index_14"][27] == pytest.approx(sqrt(falls / 2))
