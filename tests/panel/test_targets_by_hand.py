"""What both heads learn, by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.panel.targets import day_means, targets_of, weights_of
from geiger.settings import panel_recipe

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
