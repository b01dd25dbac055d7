from __future__ import annotations

from math import exp

import pytest

from helpers.bars import features_of, flat


def closes(steps: list[int]) -> list[float]:
    """Return a path of steps of 1% in logs."""
    logs = [0]
    for step in steps:
        logs.append(logs[-1] + step)
    return [100.0 * exp(0.01 * place) for place in logs]


def test_runs_by_hand() -> None:
    out = features_of([(10, 12, 9, 11, 100), (11, 13, 10, 10.5, 50), (10, 12, 9.5, 12, 200)])
    assert out["run_length"][1:] == [-0.1, 0.1]
    rising = features_of(flat(closes([1] * 12)))["run_length"]
    assert rising[1:] == pytest.approx([*(0.1 * day for day in range(1, 11)), 1.0, 1.0])


def test_how_straight_a_path_was() -> None:
    out = features_of(flat(closes([1, 1, 1, -1, 1, 1, -1, 1, 1, 1])))
    assert out["efficiency_ratio_10"][10] == pytest.approx(6 / 10)


def test_a_price_that_turns_every_day() -> None:
    out = {name: values[-1] for name, values in features_of(flat(closes([1, -1] * 130))).items()}
    assert out["autocorrelation_63"] == pytest.approx(-1.0)
    assert out["autocorrelation_252"] == pytest.approx(-1.0)
    assert out["sign_persistence_63"] == 0.0
    assert out["efficiency_ratio_63"] == pytest.approx(1 / 63)
    assert out["mean_reversion_63"] == -1.0  # at its border of -1
    assert out["variance_ratio_5_126"] == pytest.approx(
        (1 / (1 - 5 / 126)) / (126 / 125) / 5
    )  # Lo and MacKinlay 1988


def test_a_price_that_rises_every_day() -> None:
    out = {name: values[-1] for name, values in features_of(flat(closes([1] * 130))).items()}
    assert out["sign_persistence_63"] == 1.0
    assert out["permutation_entropy_63"] == 0.0
    assert out["efficiency_ratio_63"] == pytest.approx(1.0)
    assert out["choppiness_14"] == pytest.approx(0.0, abs=0.05)  # the ranges of the days add up to the whole
