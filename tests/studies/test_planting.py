"""Other labels on the same prices: what is cut, what stays, and what is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.experiment.material import Floats, Material
from geiger.market.synthetic import garch_market, planted_market
from geiger.seeds import generator
from geiger.studies.planting import BLOCK, Planting, block_order, signal
from helpers.runs import prepared, small

R2 = 0.04


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A market whose own five-day reversal explains much of its next return."""
    prices = planted_market(2200, 3, 0.15, signal="reversal").prices
    return prepared(tmp_path_factory.mktemp("snapshots"), prices, small())


@pytest.fixture(scope="module")
def planting(material: Material) -> Planting:
    return Planting.of(material, 1)


def link(world: Material, planting: Planting) -> float:
    """Correlation of the signal with the outcome in units of its volatility, behind the signal's warm-up."""
    rows = planting.rows[planting.signal[planting.rows] != 0.0]
    u = (world.target["value"].to_numpy()[rows] - planting.level) / planting.scale[rows]
    return float(np.corrcoef(planting.signal[rows], u)[0, 1])


# ---- the permutation ----


@pytest.mark.parametrize("n", [1, 20, 21, 22, 500, 1000])
def test_blocks_are_permuted_and_stay_together(n: int) -> None:
    order = block_order(n, generator(0, "x"))
    assert sorted(order.tolist()) == list(range(n))
    breaks = np.flatnonzero(np.diff(order) != 1) + 1
    pieces = np.split(order, breaks)
    assert all(piece[0] % BLOCK == 0 for piece in pieces)
    assert all((piece[-1] + 1) % BLOCK == 0 or piece[-1] == n - 1 for piece in pieces)


def test_few_blocks_stay_where_they_were() -> None:
    order = block_order(100 * BLOCK, generator(1, "x"))
    assert (order == np.arange(order.size)).mean() < 0.1


def test_one_permutation_serves_all_symbols(tmp_path: Path, planting: Planting) -> None:
    other = Planting.of(prepared(tmp_path, garch_market(2200, seed=8), small(), "OTHER"), 1)
    mine, theirs = planting.order(generator(0, "w", 3)), other.order(generator(0, "w", 3))
    assert np.array_equal(mine, theirs)
    assert not np.array_equal(mine, planting.order(generator(0, "w", 4)))
    # so what two symbols have in common on a day they have in common in every world
    together = np.corrcoef(planting.shocks, planting.shocks + other.shocks)[0, 1]
    moved = np.corrcoef(planting.shocks[mine], (planting.shocks + other.shocks)[theirs])[0, 1]
    assert moved == pytest.approx(together)


# ---- a world without a source ----


def test_the_labels_alone_are_replaced(material: Material, planting: Planting) -> None:
    world = planting.world(planting.order(generator(0, "w")))
    assert world.features is material.features
    assert world.prices is material.prices
    assert world.target.drop("value").equals(material.target.drop("value"))
    assert world.labelled == material.labelled
    assert world.beyond is None
    value = world.target["value"].to_numpy()[planting.rows]
    shocks = (value - planting.level) / planting.scale[planting.rows]
    assert np.allclose(np.sort(shocks), np.sort(planting.shocks))


def test_taking_apart_and_putting_together_changes_nothing(material: Material, planting: Planting) -> None:
    same = planting.world(np.arange(planting.rows.size))
    assert np.allclose(
        same.target["value"].to_numpy(), material.target["value"].to_numpy(), atol=1e-15, equal_nan=True
    )


def test_the_link_of_features_and_outcomes_is_cut(material: Material, planting: Planting) -> None:
    assert link(material, planting) > 0.2
    links = [link(planting.world(planting.order(generator(0, "w", i))), planting) for i in range(40)]
    # of no link: mean 0 and deviation 1 / sqrt(n)
    assert abs(np.mean(links)) < 4 / np.sqrt(40 * 1800)
    assert np.std(links) < 1.5 / np.sqrt(1800)
    nothing_permuted = planting.world(np.arange(planting.rows.size))
    assert link(nothing_permuted, planting) > 0.2  # which the bounds above would not pass


# ---- what is planted ----


def whole_sample(material: Material) -> Floats:
    """The signal as it must not be: measured by rows that come later."""
    x, behind = signal(material), slice(material.warmup, None)
    x[behind] = (x[behind] - x[behind].mean()) / x[behind].std()
    return x


def sees_ahead(made: Callable[[Material], Floats], material: Material) -> bool:
    """Whether it moves up to a day when the features behind that day are others."""
    base, cuts = made(material), (material.warmup, 600, 1500)
    for cut in cuts:
        features = material.features.copy()
        features[cut + 1 :] = generator(0, "other", cut).normal(size=features[cut + 1 :].shape)
        other = made(replace(material, features=features))
        if not np.array_equal(other[: cut + 1], base[: cut + 1]):
            return True
    return False


def test_the_signal_sees_nothing_ahead(material: Material) -> None:
    assert not sees_ahead(signal, material)
    assert sees_ahead(whole_sample, material)


def test_the_signal_is_the_reversal_of_five_days(material: Material) -> None:
    x = signal(material)[material.warmup + 200 :]
    close = np.log(material.prices["close"].to_numpy())
    five = close[5:] - close[:-5]
    assert np.corrcoef(x, -five[material.warmup + 195 :])[0, 1] > 0.9
    assert abs(x.mean()) < 0.2
    assert x.std() == pytest.approx(1.0, abs=0.15)
    assert np.abs(x).max() <= 3.0


def test_the_planted_share_is_what_was_asked_for(planting: Planting) -> None:
    found = []
    for i in range(20):
        world = planting.world(planting.order(generator(0, "w", i)), R2)
        found.append(link(world, planting) ** 2)
    assert np.mean(found) == pytest.approx(R2, abs=0.01)


def test_the_oracle_is_what_was_planted(planting: Planting) -> None:
    order = planting.order(generator(0, "w"))
    with_it, without = (planting.world(order, r2).target["value"].to_numpy() for r2 in (R2, 0.0))
    moved = (with_it - without)[planting.rows]
    assert np.allclose(moved, (planting.oracle(R2) - planting.level)[planting.rows])
    assert np.all(planting.oracle(0.0)[planting.rows] == planting.level)


def test_no_outcome_no_world(material: Material) -> None:
    nothing = material.target.with_columns(value=None).cast(material.target.schema)
    with pytest.raises(DataError, match="no outcome has a known volatility"):
        Planting.of(replace(material, target=nothing), 1)
