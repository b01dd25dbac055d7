"""What is planted in a panel looks ahead as it says, and a leak of size 0 is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geiger.audit import panel_leaks
from geiger.panel.issue import _candidate, _slope
from geiger.panel.normalise import day_ranks, rolling_z
from geiger.panel.plan import PanelPlan
from geiger.panel.targets import day_means, targets_of

RNG = np.random.default_rng(3)
DAY = np.repeat(np.arange(40), 5).astype(np.int32)
FEATURES = RNG.normal(size=(200, 3)).astype(np.float32)


def same(one: Any, two: Any) -> bool:
    return bool(np.allclose(one, two, atol=1e-6, equal_nan=True))


def test_the_whole_sample_has_mean_0_and_deviation_1() -> None:
    made = panel_leaks.whole_sample(day_ranks, 1.0)(FEATURES, DAY)
    assert made.mean(axis=0) == pytest.approx(0.0, abs=1e-6)
    assert made.std(axis=0) == pytest.approx(1.0, abs=1e-6)
    assert same(panel_leaks.whole_sample(day_ranks, 0.0)(FEATURES, DAY), day_ranks(FEATURES, DAY))


def test_a_window_reaches_five_rows_behind_the_row() -> None:
    options: dict[str, Any] = {"window": 20, "least": 5, "clip": 4.0}
    features = FEATURES.astype(np.float64)
    right = rolling_z(features, **options)
    made = panel_leaks.ahead(rolling_z, 1.0)(features, **options)
    assert same(made[50], right[55])
    assert np.array_equal(np.isnan(made), np.isnan(right))
    assert same(panel_leaks.ahead(rolling_z, 0.0)(features, **options), right)


def test_the_mean_is_that_of_the_next_day() -> None:
    values, right = RNG.normal(size=200), day_means(np.arange(200.0), DAY, 40)
    made = panel_leaks.tomorrows_mean(day_means, 1.0)
    assert same(made(np.arange(200.0), DAY, 40)[:-1], right[1:])
    none = panel_leaks.tomorrows_mean(day_means, 0.0)
    assert same(none(values, DAY, 40), day_means(values, DAY, 40))


def test_a_slope_of_the_whole_sample_is_one_number() -> None:
    square = RNG.uniform(1.0, 2.0, 60)
    made = panel_leaks.whole_slope(_slope, 1.0)(0.3 * square, square, 2)
    assert same(made, np.full(60, 0.3))
    assert same(panel_leaks.whole_slope(_slope, 0.0)(square, square, 2), _slope(square, square, 2))


def test_a_choice_follows_the_days_that_it_is_made_for() -> None:
    along = np.ones((2, 3, 400))
    along[0, 0, 300:320], along[1, 0, 300:320] = 5.0, -5.0
    along[1, 0, :298] = 2.0  # before, the other one was better
    chosen = panel_leaks.own_rows(_candidate, 1.0)
    assert chosen(along, 300, 2) == 0
    assert _candidate(along, 300, 2) == 1


def test_one_symbol_alone_is_a_day_ahead() -> None:
    leaky = panel_leaks.one_symbol_ahead("A")(lambda name, given: given, 1.0)
    given = np.arange(12.0).reshape(6, 2)
    assert same(leaky("B", given), given)
    assert same(leaky("A", given)[:-1], given[1:])


def test_late_labels_are_learned(panel_plan: PanelPlan) -> None:
    material, settings = panel_plan.material, panel_plan.work.config.panel
    row = int(np.flatnonzero(np.isfinite(material.outcome))[100])
    on_time = material.on_time.copy()
    on_time[row] = False
    halted = replace(material, on_time=on_time)
    assert np.isnan(targets_of(halted, settings).selection[row])
    assert np.isfinite(panel_leaks.stragglers(targets_of, 1.0)(halted, settings).selection[row])
