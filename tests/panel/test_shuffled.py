"""Without the link between features and outcomes nothing is found, through the whole command."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from geiger.market.synthetic_panel import planted_panel
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.run import run_panel
from geiger.panel.shuffled import BLOCK, without_link
from geiger.settings import override, panel_recipe


def close_location(prices: pl.DataFrame) -> np.ndarray:
    high, low, close = (prices[name].to_numpy() for name in ("high", "low", "close"))
    return (close - low) / (high - low)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PanelPlan:
    """Twelve symbols with a strong signal."""
    place = tmp_path_factory.mktemp("shuffled")
    small = {"min_train": 252, "lockbox": 0, "panel": {"window": 120, "window_least": 60, "slope_days": 30}}
    work = Panel(
        "MADE",
        tuple(f"S{number:04d}" for number in range(12)),
        config=override(panel_recipe("quick"), small),
        prices=planted_panel(12, 1300, 4, 0.03, close_location).prices,
        context="none",
        runs_dir=place / "runs",
        log_dir=place / "logs",
    )
    return plan_panel(work)


def rank_ic(forecasts: pl.DataFrame) -> np.ndarray:
    """Daily rank correlations of score and outcome."""
    by_day = forecasts.group_by("day").agg(pl.corr("score", "outcome", method="spearman").alias("ic"))
    return by_day["ic"].drop_nulls().drop_nans().to_numpy()


def test_blocks_move_together_and_nothing_else_does(planned: PanelPlan) -> None:
    material = planned.material
    got = without_link(material, 1)
    assert got.features is material.features
    assert got.volatility is material.volatility
    before, after = (one.grid(one.outcome / one.volatility) for one in (material, got))
    days = np.flatnonzero(np.isfinite(before).all(axis=1))
    assert np.array_equal(days, np.flatnonzero(np.isfinite(after).all(axis=1)))
    # Every day is one of before, whole: found by its first symbol.
    came_from = {value: day for day, value in zip(days, before[days, 0].round(9), strict=True)}
    source = np.array([came_from[value] for value in after[days, 0].round(9)])
    assert sorted(source) == days.tolist()
    assert after[days] == pytest.approx(before[source])
    assert (np.diff(source) != 1).sum() < len(days) / BLOCK + 1  # breaks between blocks alone
    assert (source == days).mean() < 0.2


def test_a_signal_is_found_with_its_link_and_is_gone_without(planned: PanelPlan) -> None:
    """Through the whole run: with it beyond 6 errors; without it, over three permutations, within 3."""
    found = rank_ic(run_panel(planned).forecasts)
    error = found.std() / np.sqrt(len(found))
    assert found.mean() > 6 * error
    cut = [
        rank_ic(run_panel(replace(planned, material=without_link(planned.material, seed))).forecasts)
        for seed in (1, 2, 3)
    ]
    means = np.array([one.mean() for one in cut])
    assert abs(means.mean()) < 3 * error / np.sqrt(3)
