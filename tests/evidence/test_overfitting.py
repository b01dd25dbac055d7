"""PBO against a recomputed small case, a loop over all halves, and matrices with and without skill."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError, SettingError
from geiger.evidence.overfitting import probability_of_overfitting
from helpers.draws import lcg_normals

SMALL = 0.01 * lcg_normals(64 * 5).reshape(64, 5)


@pytest.mark.parametrize(("blocks", "halves", "expected"), [(4, 6, 1.0), (8, 70, 0.7714285714285715)])
def test_five_columns_of_noise(blocks: int, halves: int, expected: float) -> None:
    told = probability_of_overfitting(SMALL, blocks)
    assert len(told.logits) == halves
    assert told.probability == pytest.approx(expected)


def test_logits_of_the_six_halves() -> None:
    told = probability_of_overfitting(SMALL, 4)
    third, fifth = math.log(1 / 2), math.log(1 / 5)
    assert sorted(told.logits) == pytest.approx(sorted([third, third, third, fifth, fifth, 0.0]), abs=1e-12)


@pytest.mark.parametrize("blocks", [4, 8])
def test_a_column_with_skill_stays_ahead(blocks: int) -> None:
    assert probability_of_overfitting(SMALL + np.array([0, 0, 0.008, 0, 0]), blocks).probability == 0.0


def test_every_half_by_itself() -> None:
    """A plain loop with scipy's ranks, on days that do not divide by the blocks."""
    x = np.random.default_rng(0).normal(0.02, 1, size=(101, 7))
    parts = np.array_split(x, 6)
    expected = []
    for half in combinations(range(6), 3):
        inside = np.concatenate([parts[i] for i in half])
        outside = np.concatenate([parts[i] for i in range(6) if i not in half])
        best = np.argmax(inside.mean(axis=0) / inside.std(axis=0, ddof=1))
        w = stats.rankdata(outside.mean(axis=0) / outside.std(axis=0, ddof=1))[best] / 8
        expected.append(math.log(w / (1 - w)))
    assert probability_of_overfitting(x, 6).logits == pytest.approx(expected)


def test_noise_is_about_one_half_and_a_scale_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    drawn = [rng.standard_t(4, size=(200, 12)) for _ in range(60)]
    found = [probability_of_overfitting(x, 8).probability for x in drawn]
    assert 0.4 < np.mean(found) < 0.6
    scaled = drawn[0] * np.logspace(-6, 6, 12)
    assert probability_of_overfitting(scaled, 8).probability == found[0]


def test_columns_without_spread_have_a_ratio_of_zero_and_equals_share_their_rank() -> None:
    told = probability_of_overfitting(np.zeros((20, 3)), 4)
    assert told.probability == 1.0
    assert told.logits == pytest.approx(np.zeros(6), abs=1e-12)


def test_what_cannot_be_halved_is_refused() -> None:
    for blocks in (0, 5, 18):
        with pytest.raises(SettingError, match="even number of blocks"):
            probability_of_overfitting(SMALL, blocks)
    with pytest.raises(DataError, match="need 32 days"):
        probability_of_overfitting(SMALL[:31], 16)
    with pytest.raises(DataError, match="two strategies"):
        probability_of_overfitting(SMALL[:, :1], 4)
    with pytest.raises(DataError, match="not finite"):
        probability_of_overfitting(np.where(SMALL > 0.02, np.nan, SMALL), 4)
