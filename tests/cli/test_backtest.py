"""``geiger backtest``: stored forecasts are traded; they are never made again without need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl

Call = Any
ROOT = Path(__file__).parents[2]


def test_it_trains_first_and_then_uses_what_is_stored(on_data: Call) -> None:
    first = on_data("backtest", "AAA", "--model", "lgb")
    assert first.code == 0
    assert "training first" in first.out
    again = on_data("backtest", "AAA", "--model", "lgb")
    assert "training first" not in again.out
    assert len(list(Path("training_logs").glob("AAA_gbm_lgb_*.log"))) == 1
    assert len(list(Path("training_logs").glob("AAA_backtest_*.log"))) == 2
    for word in (
        "Sharpe ratio",
        "buy and hold",
        "volatility matched",
        "sign persistence",
        "Break-even cost",
        "Calmar",
    ):
        assert word in again.out


def test_other_settings_or_prices_are_trained_anew(on_data: Call, data: Path) -> None:
    on_data("backtest", "AAA", "--model", "ridge")
    assert "training first" in on_data("backtest", "AAA", "--model", "ridge", "--refit", 70).out
    prices = pl.read_csv(data / "AAA.csv")
    prices.with_columns(pl.col("Volume") * 2.5).write_csv(data / "AAA.csv")
    assert "training first" in on_data("backtest", "AAA", "--model", "ridge").out


def test_another_cost_changes_the_ledger_and_no_forecast(on_data: Call) -> None:
    (one,) = on_data("backtest", "AAA", "--model", "ridge", "--json").json
    (two,) = on_data("backtest", "AAA", "--model", "ridge", "--cost-bps", 50, "--rule", "sign", "--json").json
    forecasts = [pl.read_parquet(Path(run["folder"]) / "forecasts.parquet") for run in (one, two)]
    assert forecasts[0].equals(forecasts[1])
    ledger = pl.read_parquet(Path(two["folder"]) / "ledger.parquet")
    assert (ledger["cost"] - ledger["turnover"] * 50e-4).abs().max() < 1e-15  # type: ignore[operator]
    assert len(list(Path("training_logs").glob("AAA_ridge_*.log"))) == 1


def test_a_corrupt_run_is_passed_over(on_data: Call) -> None:
    on_data("backtest", "AAA", "--model", "lgb")
    for path in Path("runs").glob("*/run.json"):
        path.write_text("{ broken")
    answer = on_data("backtest", "AAA", "--model", "lgb")
    assert answer.code == 0
    assert "training first" in answer.out


def test_the_plans_script_takes_the_symbol_as_an_option(data: Path, tmp_path: Path) -> None:
    words = ["--symbol", "AAA", "--model", "lgb", "--data", data, "--recipe", "quick", "--min-train", "200"]
    command = [sys.executable, ROOT / "inference_and_backtest.py", *words]
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "training_logs").glob("AAA_backtest_*.log"))) == 1
