"""Figures of collapse inside a network, and the gain of a forecast's sign."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.metrics import madl, nrc1, nrc2

LINE = [[2.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [3.0, 0.0, 0.0], [-4.0, 0.0, 0.0]]
PLANE = [[1.0, 1.0], [2.0, -1.0], [-1.0, 0.0], [-2.0, 0.0]]


@pytest.mark.parametrize(
    ("features", "head", "expected"),
    [
        (LINE, [[1, 0, 0]], (0.0, 0.0)),
        (LINE, [[1, 1, 0]], (0.0, 0.5)),
        (PLANE, [[1, 0]], (0.19076707807867543, 0.17499999999999996)),
        (PLANE, [[1, 1]], (0.19076707807867543, 0.475)),
    ],
)
def test_known_values_of_collapse(
    features: list[list[float]], head: list[list[float]], expected: tuple[float, float]
) -> None:
    assert (nrc1(features), nrc2(features, head)) == pytest.approx(expected, abs=1e-6)
    assert nrc2(features, head[0]) == pytest.approx(expected[1], abs=1e-6)


@pytest.mark.parametrize("width", [2, 16, 64])
def test_features_without_a_direction_are_far_from_any_line(width: int) -> None:
    h = np.random.default_rng(width).normal(size=(40_000, width))
    assert nrc1(h) == pytest.approx(1 - 1 / width, abs=0.01)
    assert nrc2(h, np.eye(width)[0]) == pytest.approx(1 - 1 / width, abs=0.01)


def test_neither_place_nor_unit_nor_rotation_of_the_features_counts() -> None:
    rng = np.random.default_rng(1)
    h, head = rng.normal(size=(50, 3)) * [3.0, 1.0, 0.5], rng.normal(size=3)
    turn = np.linalg.qr(rng.normal(size=(3, 3))).Q
    moved = 1e200 * (h @ turn + 5.0)
    assert nrc1(moved) == pytest.approx(nrc1(h), rel=1e-9)
    assert nrc2(moved, -1e-9 * head @ turn) == pytest.approx(nrc2(h, head), rel=1e-9)


def test_a_head_of_two_rows_reads_the_plane_they_span() -> None:
    h = [
        [1.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [-1.0, -1.0, -1.0],
    ]  # the last one at 1/3 from the plane
    assert nrc2(h, [[1, 1, 0], [1, -1, 0]]) == pytest.approx((0 + 0 + 1 + 1 / 3) / 4)
    assert nrc2(h, [[1, 1, 0], [2, 2, 0]]) == pytest.approx((0.5 + 0.5 + 1 + 1 / 3) / 4)  # one row, twice
    assert nrc2(h, np.eye(3)) == pytest.approx(0.0, abs=1e-12)


def test_rows_in_the_centre_are_left_out() -> None:
    assert nrc1([*PLANE, [0.0, 0.0]]) == pytest.approx(0.19076707807867543, abs=1e-9)
    assert nrc2([*PLANE, [0.0, 0.0]], [1, 0]) == pytest.approx(0.175, abs=1e-9)


@pytest.mark.parametrize(
    "features", [np.zeros((5, 3)), np.full((7, 3), 0.1), np.full((1, 3), 2.0), np.empty((0, 3))]
)
def test_collapse_of_features_that_are_all_alike_is_undefined(features: np.ndarray) -> None:
    assert nrc1(features) is None
    assert nrc2(features, [1.0, 0.0, 0.0]) is None


def test_an_untrained_head_has_no_direction() -> None:
    assert nrc2(PLANE, [0.0, 0.0]) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_collapse_of_a_network_that_diverged_is_undefined(bad: float) -> None:
    assert nrc1([*PLANE, [1.0, bad]]) is None
    assert nrc2([*PLANE, [1.0, bad]], [1.0, 0.0]) is None
    assert nrc2(PLANE, [1.0, bad]) is None


def test_features_and_heads_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="features must have 2 dimensions, got shape"):
        nrc1([1.0, 2.0])
    with pytest.raises(DataError, match="head must have 1 or 2 dimensions"):
        nrc2(PLANE, 1.0)
    with pytest.raises(DataError, match=r"2 features need a head of shape \(n, 2\), got \(2, 1\)"):
        nrc2(PLANE, [[1.0], [0.0]])


def test_known_value_of_the_sign_gain() -> None:
    y, f = [0.02, -0.01, 0.015, -0.03, 0.0], [0.01, 0.005, -0.002, -0.01, 0.001]
    assert madl(f, y) == pytest.approx(-0.005, abs=1e-9)


def test_the_sign_gain_by_hand() -> None:
    assert madl([1.0, 1.0, -1.0], [0.5, -0.2, -0.3]) == pytest.approx(-0.2)
    assert madl([0.0, 0.0], [0.5, -0.2]) == 0.0
    assert madl([9.0, 1e-200], [0.5, 1e-200]) == madl([0.1, 0.1], [0.5, 1e-200])
    assert madl([], []) is None
    assert madl([math.nan], [0.1]) is None
    with pytest.raises(DataError, match="1 forecasts against 2 outcomes"):
        madl([1.0], [1.0, 2.0])
