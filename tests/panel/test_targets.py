"""What is learned of a row, and how much it weighs."""

from __future__ import annotations

import numpy as np
import pytest
from tests.helpers.pooled import made_panel, pooled_config

from geiger.panel.targets import day_means, mean_timing, targets_of, weights_of

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
