"""The direction test against published and recomputed values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.evidence.direction import direction_test, pesaran_timmermann

Y = [
    0.5,
    -0.2,
    0.3,
    0.1,
    -0.4,
    0.6,
    -0.1,
    0.2,
    -0.3,
    0.4,
    0.7,
    -0.6,
    0.2,
    -0.5,
    0.1,
    0.3,
    -0.2,
    0.4,
    -0.1,
    0.2,
]
F = [
    0.1,
    -0.1,
    0.2,
    -0.1,
    -0.2,
    0.3,
    0.1,
    0.1,
    -0.2,
    0.2,
    0.3,
    -0.1,
    -0.1,
    -0.3,
    0.2,
    0.1,
    -0.1,
    0.1,
    0.1,
    -0.2,
]


def test_direction_test_of_twenty_days() -> None:
    told = pesaran_timmermann(F, Y)
    assert told.hit_rate == pytest.approx(0.75)
    assert told.expected_hit_rate == pytest.approx(0.51)
    assert told.statistic == pytest.approx(2.25912997889962, abs=1e-9)
    assert told.p_value == pytest.approx(0.011937650411159744, abs=1e-9)
    assert told.n == 20


def test_flat_days_are_dropped_and_zero_forecasts_are_wrong() -> None:
    assert pesaran_timmermann([*F, 0.4, -0.1], [*Y, 0.0, 0.0]) == pesaran_timmermann(F, Y)
    assert pesaran_timmermann([*F, 0.0], [*Y, -0.1]).hit_rate == pytest.approx(15 / 21)


@pytest.mark.parametrize(
    ("n", "hit", "py", "px", "statistic", "p"),
    [
        (1000, 0.53, 0.54, 0.6, 1.4253729884554736, 0.0770247059314608),
        (2500, 0.53, 0.535, 0.9, 0.33421986421645883, 0.36910682776782633),
    ],
)
def test_direction_test_from_shares(
    n: int, hit: float, py: float, px: float, statistic: float, p: float
) -> None:
    told = direction_test(n, hit, outcome_up=py, forecast_up=px)
    assert told.statistic == pytest.approx(statistic, abs=1e-9)
    assert told.p_value == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.0])
def test_forecasts_of_one_sign_prove_nothing(sign: float) -> None:
    told = pesaran_timmermann(np.full(20, sign), Y)
    assert told.statistic is None
    assert told.p_value == 1.0


def test_direction_test_of_nothing_and_of_outcomes_of_one_sign() -> None:
    assert pesaran_timmermann([], []).p_value == 1.0
    assert pesaran_timmermann([0.1, -0.1], [0.0, 0.0]).n == 0
    assert pesaran_timmermann([0.1, -0.1, 0.2], [0.1, 0.1, 0.1]).p_value == 1.0


def test_direction_test_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(DataError, match="two equal columns"):
        pesaran_timmermann([0.1], [0.1, 0.2])
    with pytest.raises(DataError, match="not finite"):
        pesaran_timmermann([0.1, math.nan], [0.1, 0.2])


def test_direction_test_keeps_its_level_on_noise() -> None:
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(2, 2000, 500)) + 0.05  # drift on both sides is no skill
    p = [pesaran_timmermann(f, y).p_value for f, y in zip(*draws, strict=True)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.016)  # three standard errors
