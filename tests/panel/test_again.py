"""A panel's run once more: the same bits, or it is said which differ; other costs, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from geiger.panel.again import backtest_panel, plan_again, replay_panel
from geiger.panel.written import PanelRun
from geiger.runs.folder import RunsFolder
from geiger.settings import override


@pytest.fixture
def copied(small_run: PanelRun, tmp_path: Path) -> RunsFolder:
    """The run in a folder of its own, which a test may change."""
    shutil.copytree(small_run.folder, tmp_path / "runs" / small_run.name)
    shutil.copytree(small_run.folder.parent / "snapshots", tmp_path / "runs" / "snapshots")
    return RunsFolder(tmp_path / "runs")


def test_a_replay_has_the_same_bits(copied: RunsFolder, small_run: PanelRun) -> None:
    done = replay_panel(copied.load(small_run.name), copied)
    assert done.same
    assert done.changes == ()
    assert [one.what for one in done.comparisons] == [
        f"ridge {column}s{which}" for which in ("", " without an outcome") for column in ("score", "forecast")
    ]
    assert done.comparisons[0].rows == small_run.forecasts.height > 1000
    assert done.comparisons[2].rows == 2
    assert len(copied.all()) == 1, "a replay leaves no run behind"


def test_the_first_forecast_that_differs_is_named(copied: RunsFolder, small_run: PanelRun) -> None:
    path = copied.root / small_run.name / "forecasts.parquet"
    frame = pl.read_parquet(path)
    changed = frame["forecast"].to_numpy().copy()
    changed[[500, 700]] = np.nextafter(changed[[500, 700]], 1.0)
    frame.with_columns(forecast=pl.Series(changed)).write_parquet(path)
    done = replay_panel(copied.load(small_run.name), copied)
    assert not done.same
    scores, forecasts, *rest = done.comparisons
    assert scores.same
    assert all(one.same for one in rest)
    assert forecasts.rows - forecasts.identical == 2
    assert forecasts.first == f"{frame['day'][500]} {frame['symbol'][500]}"
    assert forecasts.text().endswith(f"; the first is {forecasts.first}")


def test_a_backtest_trades_the_same_scores_under_other_costs(
    copied: RunsFolder, small_run: PanelRun, tmp_path: Path
) -> None:
    stored = copied.load(small_run.name)
    logs = tmp_path / "logs"
    same = backtest_panel(plan_again(stored, copied, stored.config(), log_dir=logs), stored)
    assert_frame_equal(same.evaluation.ledger, small_run.evaluation.ledger, check_exact=True)
    dear = override(stored.config(), {"trading": {"cost_bps": 50.0}})
    done = backtest_panel(plan_again(stored, copied, dear, log_dir=logs), stored)
    record = copied.load(done.name).record
    assert (record.kind, record.forecasts_of, record.symbol) == (
        "backtest",
        stored.name,
        stored.record.symbol,
    )
    assert (record.members, record.data) == (stored.record.members, stored.record.data)
    assert done.log is not None
    assert done.log.name.startswith(f"{record.symbol}_backtest_")
    assert record.results.health == stored.record.results.health
    assert done.evaluation.cross_section is not None
    assert small_run.evaluation.cross_section is not None
    assert done.evaluation.cross_section.ics == small_run.evaluation.cross_section.ics
    paid, before = (float(run.evaluation.ledger["cost"].sum()) for run in (done, small_run))
    assert paid == pytest.approx(10.0 * before, rel=0.02)  # positions drift a little otherwise
    again = replay_panel(copied.load(done.name), copied)
    assert again.same
    assert [one.what for one in again.comparisons] == ["ledger"]
    assert json.loads((done.folder / "run.json").read_text())["forecasts_of"] == stored.name
