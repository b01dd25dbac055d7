"""What is learned of a row, and how much it weighs."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.helpers.pooled import made_panel, pooled_config

from geiger.panel.targets import day_means, mean_timing, targets_of, weights_of
from geiger.settings import panel_recipe

MADE = made_panel()


def settings(**changes: object):
    """Return the panel's settings with these changes."""
    return pooled_config(panel=changes).panel


def test_outcomes_are_measured_by_volatility_and_beyond_their_day() -> None:
    targets = targets_of(MADE, settings())
    rows = np.flatnonzero(MADE.day == 200)
    known = rows[MADE.on_time[rows]]
    u = MADE.outcome[known] / MADE.volatility[known]
    np.testing.assert_allclose(targets.beyond[known], u - u.mean(), rtol=1e-12)
    np.testing.assert_allclose(targets.selection[known], np.clip(u - u.mean(), -4.0, 4.0), rtol=1e-12)
    np.testing.assert_allclose(targets.timing[known], np.clip(u, -4.0, 4.0), rtol=1e-12)
    assert targets.mean[200] == pytest.approx(u.mean(), rel=1e-12)


def test_what_comes_late_is_never_learned() -> None:
    targets = targets_of(MADE, settings())
    late = ~MADE.on_time
    assert late.any()
    for values in (targets.selection, targets.timing, targets.beyond):
        assert np.isnan(values[late]).all()
        assert np.isfinite(values[~late]).all()


def test_ranks_go_evenly_through_the_day() -> None:
    targets = targets_of(MADE, settings(target="ranked"))
    rows = np.flatnonzero(MADE.day == 200)
    known = rows[MADE.on_time[rows]]
    order = np.argsort(targets.beyond[known])
    ranks = targets.selection[known][order]
    np.testing.assert_allclose(np.diff(ranks), np.sqrt(12.0) / (len(known) - 1), rtol=1e-5)
    assert ranks.sum() == pytest.approx(0.0, abs=1e-5)


def test_a_raw_target_is_the_outcome_itself() -> None:
    targets = targets_of(MADE, settings(target="raw"))
    np.testing.assert_array_equal(targets.selection, targets.timing)


@pytest.mark.parametrize("weights", ["rows", "days", "symbols"])
def test_weights_average_to_one_and_make_alike_what_they_should(weights: str) -> None:
    made = settings(weights=weights)
    targets, rows = targets_of(MADE, made), MADE.rows(100, 400)
    weight = weights_of(MADE, targets, rows, made)
    known = MADE.on_time[rows]
    assert (weight[~known] == 0.0).all()
    assert weight[known].mean() == pytest.approx(1.0, rel=1e-12)
    key = {"rows": np.arange(len(known)), "days": MADE.day[rows], "symbols": MADE.member[rows]}[weights]
    sums = np.array([weight[known & (key == one)].sum() for one in np.unique(key[known])])
    names = np.bincount(MADE.day)
    if weights == "days":  # but for what came late on the day
        share = np.array([known[key == one].sum() / names[one] for one in np.unique(key[known])])
        sums /= share
    np.testing.assert_allclose(sums, sums[0], rtol=1e-9)


def test_means_leave_out_what_is_not_known() -> None:
    found = day_means(np.array([1.0, np.nan, 3.0, np.nan]), np.array([0, 0, 0, 2]), 3)
    np.testing.assert_array_equal(found, [2.0, np.nan, np.nan])
    targets = targets_of(MADE, settings())
    rows = MADE.rows(100, 101)
    weight = np.where(MADE.on_time[rows], 1.0, 0.0)
    weight[0] *= 3.0
    wanted = np.nansum(targets.timing[rows] * weight) / weight.sum()
    assert mean_timing(targets, rows, weight) == pytest.approx(wanted, rel=1e-12)


NAN = np.nan
SETTINGS = replace(panel_recipe("quick").panel, least_names=2)


def rows(**changes: Any) -> Any:
    """Two days of three symbols; volatilities 1 %, 2 % and 1 %."""
    held = {
        "day": np.array([0, 0, 0, 1, 1, 1], dtype=np.int32),
        "member": np.array([0, 1, 2, 0, 1, 2], dtype=np.int16),
        "outcome": np.array([0.01, 0.04, 0.03, -0.01, 0.0, 0.01]),
        "volatility": np.array([0.01, 0.02, 0.01, 0.01, 0.02, 0.01]),
        "on_time": np.ones(6, dtype=bool),
        "calendar": pl.Series([1, 2]),
        "symbols": ("A", "B", "C"),
    }
    return SimpleNamespace(**{**held, **changes})


def test_both_heads_by_hand() -> None:
    """In volatilities: 1, 2, 3 (mean 2) and -1, 0, 1 (mean 0)."""
    found = targets_of(rows(), replace(SETTINGS, target="demeaned"))
    assert found.mean == pytest.approx([2.0, 0.0])
    assert found.beyond == pytest.approx([-1.0, 0.0, 1.0, -1.0, 0.0, 1.0])
    assert found.selection == pytest.approx(found.beyond)
    assert found.timing == pytest.approx([1.0, 2.0, 3.0, -1.0, 0.0, 1.0])
    assert found.weight.tolist() == [1.0] * 6


def test_targets_that_are_cut_or_ranked_and_what_they_are_measured_by() -> None:
    cut = targets_of(rows(), replace(SETTINGS, target="demeaned", target_clip=0.5))
    assert cut.selection == pytest.approx([-0.5, 0.0, 0.5, -0.5, 0.0, 0.5])
    assert cut.timing == pytest.approx([0.5, 0.5, 0.5, -0.5, 0.0, 0.5])
    assert cut.beyond == pytest.approx([-1.0, 0.0, 1.0, -1.0, 0.0, 1.0])  # never cut
    raw = targets_of(rows(), replace(SETTINGS, target="raw"))
    assert raw.selection == pytest.approx(raw.timing)
    ranked = targets_of(rows(), replace(SETTINGS, target="ranked"))
    assert ranked.selection == pytest.approx(np.sqrt(12.0) * np.array([-0.5, 0.0, 0.5, -0.5, 0.0, 0.5]))


@pytest.mark.parametrize("target", ["demeaned", "ranked", "raw"])
def test_late_and_unknown_outcomes_are_not_learned(target: str) -> None:
    """Nor do they move the mean of their day: 1 and 3 have mean 2, -1 is alone."""
    late = rows(
        on_time=np.array([True, False, True, True, True, True]),
        outcome=np.array([0.01, 9.0, 0.03, -0.01, NAN, NAN]),
    )
    found = targets_of(late, replace(SETTINGS, target=target))
    assert np.isnan(found.selection).tolist() == [False, True, False, False, True, True]
    assert np.isnan(found.timing).tolist() == [False, True, False, False, True, True]
    assert found.mean == pytest.approx([2.0, -1.0])
    assert found.beyond[[0, 2, 3]] == pytest.approx([-1.0, 1.0, 0.0])


def test_weights_of_days_and_of_symbols() -> None:
    """Day 1 has one symbol: its row counts as much as both of day 0."""
    few = rows(
        day=np.array([0, 0, 1], dtype=np.int32),
        member=np.array([0, 1, 0], dtype=np.int16),
        **{name: getattr(rows(), name)[:3] for name in ("outcome", "volatility", "on_time")},
    )
    by_days = targets_of(few, replace(SETTINGS, weights="days"))
    assert by_days.weight == pytest.approx([1.0, 1.0, 2.0])
    assert weights_of(few, by_days, slice(0, 3), SETTINGS) == pytest.approx([0.75, 0.75, 1.5])
    symbols = replace(SETTINGS, weights="symbols")
    by_symbol = targets_of(few, symbols)
    assert weights_of(few, by_symbol, slice(0, 3), symbols) == pytest.approx([0.75, 1.5, 0.75])


def test_means_of_days() -> None:
    found = day_means(np.array([1.0, NAN, 3.0, NAN]), np.array([0, 0, 0, 2], dtype=np.int32), 4)
    assert found == pytest.approx([2.0, NAN, NAN, NAN], nan_ok=True)
