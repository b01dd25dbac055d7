"""The adapters of arch: recomputed values, known truths, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.errors import DataError, SettingError
from geiger.evidence.comparison import better_than, block_length, superior_ability
from helpers.draws import lcg_normals

Z2 = lcg_normals(2000).reshape(500, 4) ** 2
BASE = Z2[:, 0]


def test_the_draws_are_those_that_the_values_were_computed_from() -> None:
    five = [
        -2.045502208374948,
        -2.130920445465812,
        0.10838738086708992,
        0.34487028927983393,
        1.340936802028007,
    ]
    assert lcg_normals(5) == pytest.approx(np.array(five), abs=1e-9)


def test_superior_ability_of_a_planted_forecast() -> None:
    losses = np.column_stack([0.81 * BASE, Z2[:, 1], Z2[:, 2]])
    told = superior_ability(BASE, losses, block=10, seed=0)
    assert told.lower == pytest.approx(0.0382, abs=0.03)
    assert told.consistent == pytest.approx(0.0548, abs=0.03)
    assert told.upper == pytest.approx(0.0548, abs=0.03)


def test_superior_ability_of_noise() -> None:
    told = superior_ability(BASE, Z2[:, 1:], block=10, seed=0)
    assert told.lower == pytest.approx(0.3436, abs=0.03)
    assert told.consistent == pytest.approx(0.468, abs=0.03)
    assert told.upper == pytest.approx(0.5452, abs=0.03)


def test_a_seed_repeats_itself() -> None:
    told = [superior_ability(BASE, Z2[:, 1:], block=10, resamples=200, seed=s) for s in (1, 1, 2)]
    assert told[0] == told[1] != told[2]


def test_the_better_forecasts_are_named() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=400) ** 2
    shift = np.array([0.0, 0.5, 0.0, 0.4, -0.5])
    losses = base[:, None] - shift + rng.normal(size=(400, 5))
    assert better_than(base, losses, block=1, resamples=500, seed=0) == (1, 3)
    assert better_than(base, base[:, None] + 1 + rng.normal(size=(400, 2)), block=1, seed=0) == ()


def test_block_length_of_an_autoregression_and_of_noise() -> None:
    z = lcg_normals(500)
    x = z.copy()
    for t in range(1, 500):
        x[t] += 0.5 * x[t - 1]
    assert block_length(x) == pytest.approx(8.089272036077396, abs=1e-4)
    assert block_length(z) == pytest.approx(3.7221474726157115, abs=1e-4)


def test_block_length_is_at_least_a_day() -> None:
    assert block_length(np.tile([1.0, -1.0, 0.5], 40)) >= 1.0


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DataError, match=r"losses \(n, forecasts\)"):
        superior_ability(BASE, Z2[:100, 1:], block=10, seed=0)
    with pytest.raises(DataError, match="not finite"):
        superior_ability(BASE, np.full((500, 1), np.nan), block=10, seed=0)
    with pytest.raises(DataError, match="forecast 1 differ"):
        better_than(BASE, np.column_stack([Z2[:, 1], BASE + 0.1]), block=10, seed=0)
    with pytest.raises(SettingError, match="mean block"):
        superior_ability(BASE, Z2[:, 1:], block=0, seed=0)
    with pytest.raises(SettingError, match="level"):
        better_than(BASE, Z2[:, 1:], level=5, block=10, seed=0)
    for values in (np.zeros(50), np.arange(5.0), np.full(30, np.nan)):
        with pytest.raises(DataError, match="block length"):
            block_length(values)
