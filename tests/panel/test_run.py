"""From settings to a panel run: nothing saw the future, and a rerun gives the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.helpers.panels import NAME, SYMBOLS, panel_config, panel_prices

from geiger.errors import TrainingError
from geiger.panel import run as running
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan
from geiger.panel.run import PanelFinding, run_panel
from geiger.panel.written import PanelRun
from geiger.runlog import read_log


def made_of(prices: dict[str, pl.DataFrame], home: Path, **changes: object) -> PanelRun:
    """Return the run of a panel on prices in memory."""
    given = {
        symbol: frame.rename({"day": "Date", "open": "Open", "high": "High", "low": "Low", "close": "Close"})
        .with_columns(pl.col("volume").alias("Volume"), pl.col("Close").alias("Adj Close"))
        .select("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")
        for symbol, frame in prices.items()
    }
    work = Panel(
        NAME,
        tuple(prices),
        config=panel_config(**changes),
        prices=given,
        context="none",
        runs_dir=home / "runs",
        log_dir=home / "logs",
    )
    return run_panel(work)


def test_later_prices_change_no_earlier_forecast(tmp_path: Path) -> None:
    """Of no symbol: whatever all of them do after a day, bit by bit."""
    prices = panel_prices()
    cut = prices["P00"]["day"][600]
    rng = np.random.default_rng(3)

    def moved(frame: pl.DataFrame) -> pl.DataFrame:
        factor = np.exp(np.cumsum(rng.normal(0, 0.05, frame.height)))
        later = pl.Series(np.where((frame["day"] > cut).to_numpy(), factor, 1.0))
        return frame.with_columns(pl.col("open", "high", "low", "close", "raw_close") * later)

    was = made_of(prices, tmp_path / "was").forecasts.filter(pl.col("known_on") <= cut)
    now = made_of({symbol: moved(frame) for symbol, frame in prices.items()}, tmp_path / "now").forecasts
    assert was.height > 500
    assert_frame_equal(was, now.filter(pl.col("known_on") <= cut), check_exact=True)


def test_a_rerun_and_another_order_of_symbols_give_the_same_bits(
    small_plan: PanelPlan, small_run: PanelRun, tmp_path: Path
) -> None:
    """Nothing is drawn, and nothing depends on who was named first."""
    work = replace(
        small_plan.work,
        symbols=tuple(reversed(SYMBOLS)),
        runs_dir=tmp_path / "runs",
        log_dir=tmp_path / "logs",
    )
    assert_frame_equal(run_panel(work).forecasts, small_run.forecasts, check_exact=True)


def test_the_judge_is_asked_before_anything_is_written(small_plan: PanelPlan, tmp_path: Path) -> None:
    """What was tried is registered before a figure of it is seen."""
    work = replace(small_plan.work, runs_dir=tmp_path / "runs", log_dir=tmp_path / "logs")
    planned, seen = replace(small_plan, work=work), []

    def judge(finding: PanelFinding) -> None:
        (log,) = (tmp_path / "logs").glob("*.log")
        seen.append((finding.name, finding.trained, finding.trial, "CROSS-SECTION" in log.read_text()))
        assert not list((tmp_path / "runs").glob("*/run.json"))

    finished = run_panel(planned, judge=judge)
    assert seen == [(finished.name, finished.name, planned.trial_key(), False)]


def test_a_failure_ends_the_log(
    small_plan: PanelPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As FAILED, and with why."""
    work = replace(small_plan.work, runs_dir=tmp_path / "runs", log_dir=tmp_path / "logs")

    def broken(*args: object, **kwargs: object) -> None:
        raise TrainingError("fold 3: no row with a known outcome to learn from")

    monkeypatch.setattr(running, "walk", broken)
    with pytest.raises(TrainingError):
        run_panel(replace(small_plan, work=work))
    (path,) = (tmp_path / "logs").glob("*.log")
    log = read_log(path)
    assert log.status is not None
    assert log.status.value == "FAILED"
    assert "no row with a known outcome" in [notice.text for notice in log.warnings][-1]
