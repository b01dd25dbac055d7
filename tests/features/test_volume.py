from __future__ import annotations

from math import log

import pytest

from helpers.bars import features_of, flat


def test_volume_against_its_past_by_hand() -> None:
    out = features_of(flat([100.0] * 20, volume=100.0) + flat([100.0], volume=310.0))
    assert out["volume_shock_21"][20] == pytest.approx((310 - 110) / (310 + 110))
    five = (4 * 100 + 310) / 5
    assert out["volume_trend_5_21"][20] == pytest.approx((five - 110) / (five + 110))


def test_volume_takes_the_side_of_the_close() -> None:
    bars = [(10, 12, 8, 12, 100)] * 11 + [(10, 12, 8, 8, 50)] * 10
    out = features_of(bars)
    assert out["money_flow_21"][20] == pytest.approx((11 * 100 - 10 * 50) / (11 * 100 + 10 * 50))
    steps = flat([100.0 + day % 2 for day in range(22)])  # up into odd rows, down into even ones
    out = features_of([(*bar[:4], 30.0 if row % 2 else 10.0) for row, bar in enumerate(steps)])
    assert out["balance_of_volume_21"][21] == pytest.approx((11 * 30 - 10 * 10) / (11 * 30 + 10 * 10))


def test_prices_that_stand_still_and_prices_that_bounce() -> None:
    still = features_of(flat([100.0] * 64))
    assert still["zero_return_share_63"][63] == 1.0
    assert still["traded_price_gap_63"][63] == 0.0
    bounce = features_of(flat([100.0 if day % 2 else 101.0 for day in range(66)]))
    # A last trade at one of two sides of a spread: the covariance of neighbours is minus the squared step.
    assert bounce["roll_spread_63"][65] == pytest.approx(2 * log(1.01), rel=0.001)
    assert bounce["zero_return_share_63"][65] == 0.0


def test_without_volume_all_is_neutral() -> None:
    out = features_of(flat([100.0 + day % 3 for day in range(260)], volume=0.0))
    for name in ("volume_shock_21", "volume_trend_21_252", "volume_z_63", "force_index_13", "money_flow_21"):
        assert out[name][259] == 0.0, name
    assert out["money_flow_index_14"][259] == 0.5
