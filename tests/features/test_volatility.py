from __future__ import annotations

from itertools import pairwise
from math import exp, log, sqrt

import pytest

from helpers.bars import features_of, flat


def test_windows_by_hand() -> None:
    closes = [100.0, 101.0, 99.0, 99.0, 102.0, 104.0]
    out = features_of(flat(closes))
    returns = [log(b / a) for a, b in pairwise(closes)]
    mean = sum(returns) / 5
    assert out["volatility_5"][5] == pytest.approx(sqrt(sum((r - mean) ** 2 for r in returns) / 4))
    assert out["absolute_return_5"][5] == pytest.approx(sum(map(abs, returns)) / 5)
    assert out["absolute_return_1"][4] == pytest.approx(log(102 / 99))


def test_the_size_of_a_day_by_hand() -> None:
    out = features_of([(10, 12, 9, 11, 100), (11, 13, 10, 10.5, 50), (10, 12, 9.5, 12, 200)])
    assert out["absolute_return_1"][2] == pytest.approx(log(12 / 10.5))


def test_ranges_of_one_width_by_hand() -> None:
    out = features_of([(100, 100 * exp(0.01), 100 * exp(-0.01), 100, 10)] * 64)
    assert out["parkinson_10"][9] == pytest.approx(sqrt(0.02**2 / (4 * log(2))))
    assert out["garman_klass_21"][20] == pytest.approx(sqrt(0.02**2 / 2))
    assert out["rogers_satchell_63"][62] == pytest.approx(sqrt(2 * 0.01**2))
    assert out["average_true_range_14"][14] == pytest.approx(exp(0.01) - exp(-0.01))
    assert out["true_range_ratio_14"][14] == pytest.approx(1.0)


def test_a_price_that_swings_between_two_values() -> None:
    logs = features_of(flat([exp(0.01 * (day % 2)) for day in range(64)]))
    assert logs["downside_share_63"][63] == pytest.approx(31 / 63)  # it rises into every odd row
    assert logs["ewma_volatility"][63] == pytest.approx(0.01)
    assert logs["kurtosis_252"][63] != logs["kurtosis_252"][63]  # not before its window is full
    plain = features_of(flat([99.0, 101.0] * 10))
    assert plain["bollinger_width_20"][19] == pytest.approx(4 * 1.0 / 100)


def test_one_jump_among_still_days() -> None:
    """Bipower variation multiplies neighbours: a single jump leaves it 0, and is all of the variance."""
    out = features_of(flat([100.0] * 40 + [110.0] * 24))
    assert out["jump_share_63"][63] == pytest.approx(1.0)
    assert out["downside_share_63"][63] == 0.0
