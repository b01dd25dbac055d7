"""``geiger backtest``: stored forecasts where they fit exactly, new ones where anything differs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.runlog import read_log

Call = Any
ROOT = Path(__file__).parents[2]


def runs(pattern: str) -> list[Path]:
    return sorted(Path("runs").glob(pattern))


def facts_of(run: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((run / "run.json").read_text())
    return facts


def test_it_trains_first_and_then_trades_what_is_there(on_data: Call) -> None:
    first = on_data("backtest", "AAA", "--model", "ridge")
    assert "no forecasts with these settings yet: training first" in first.out
    (trained,) = runs("AAA_ridge_*")
    second = on_data("backtest", "--symbol", "AAA", "--model", "ridge")
    assert f"AAA ridge: forecasts of {trained.name}\n" in second.out
    unnamed = on_data("backtest", "AAA")  # the model that was trained last
    assert f"AAA ridge: forecasts of {trained.name}\n" in unnamed.out
    assert first.code == second.code
    assert runs("AAA_ridge_*") == [trained]
    assert runs("AAA_backtest_*") == [], "it would have been the training's own ledger once more"
    for answer in (first, second, unnamed):
        assert "so its ledger is this backtest: no new run" in " ".join(answer.out.split())
        assert f"  Run       runs/{trained.name}\n" in answer.out
    tables = on_data("backtest", "AAA", "-v").out
    for label in (
        "Sharpe ratio",
        "buy and hold",
        "constant exposure",
        "volatility matched",
        "sign persistence",
    ):
        assert label in tables
        assert label not in second.out or label == "buy and hold"


def test_a_backtest_at_other_costs_is_a_run_of_its_own(on_data: Call) -> None:
    on_data("train", "ridge", "AAA")
    (trained,) = runs("AAA_ridge_*")
    told = on_data("backtest", "AAA", "--model", "ridge", "--cost-bps", 7)
    (run,) = runs("AAA_backtest_*")
    assert f"  Run       runs/{run.name}\n" in told.out
    assert facts_of(run)["forecasts_of"] == trained.name
    log = read_log(Path("training_logs") / f"{run.name}.log")
    assert dict(log.config)["Forecasts of"] == trained.name
    assert log.epochs == ()
    assert (run / "forecasts.parquet").read_bytes() == (trained / "forecasts.parquet").read_bytes()


def test_every_backtest_shows_other_costs_and_a_days_delay(on_data: Call) -> None:
    on_data("train", "ridge", "AAA")
    told = on_data("backtest", "AAA", "--model", "ridge").out.splitlines()
    start = next(i for i, line in enumerate(told) if line.startswith("The same forecasts at other costs"))
    labels = [line[:18].strip() for line in told[start + 2 :]]
    assert labels == ["0 bp", "1 bp", "2 bp", "5 bp", "10 bp", "20 bp", "50 bp", "5 bp, 1 day late"]
    (facts,) = on_data("backtest", "AAA", "--model", "ridge", "--json").json
    (own,) = (row for row in facts["costs"] if row["cost_bps"] == 5.0 and not row["days_late"])
    figures = {figure["name"]: figure["value"] for figure in facts["figures"]}
    assert (own["sharpe"], own["held_sharpe"]) == (figures["Test Sharpe"], figures["Buy & Hold Sharpe"])
    dear = on_data("backtest", "AAA", "--model", "ridge", "--cost-bps", 7, "--json").json[0]
    assert [row["cost_bps"] for row in dear["costs"]] == [0, 1, 2, 5, 7, 10, 20, 50, 7]


def test_other_costs_trade_the_same_forecasts(on_data: Call) -> None:
    on_data("train", "ridge", "AAA")
    trade = ("backtest", "AAA", "--model", "ridge", "--rule", "sign", "--json", "--cost-bps")
    (cheap,), (dear,) = on_data(*trade, 1).json, on_data(*trade, 4).json
    assert len(runs("AAA_ridge_*")) == 1
    one, two = (pl.read_parquet(Path(facts["folder"]) / "forecasts.parquet") for facts in (cheap, dear))
    assert one.equals(two)
    cheap_ledger, dear_ledger = (
        pl.read_parquet(Path(facts["folder"]) / "ledger.parquet") for facts in (cheap, dear)
    )
    assert cheap_ledger["cost"][0] == pytest.approx(cheap_ledger["turnover"][0] * 1e-4)
    assert dear_ledger["cost"][0] == pytest.approx(4 * cheap_ledger["cost"][0])
    assert dear_ledger["equity"][-1] < cheap_ledger["equity"][-1]


@pytest.mark.parametrize("difference", ["setting", "price", "damage"])
def test_what_differs_is_trained_anew(
    on_data: Call, data: Path, market: pl.DataFrame, difference: str
) -> None:
    on_data("train", "ridge", "AAA")
    (old,) = runs("AAA_ridge_*")
    words: list[object] = []
    if difference == "setting":
        words = ["--refit", 61]
    elif difference == "price":
        more = pl.when(pl.int_range(pl.len()) == 0).then(pl.col("Volume") + 1).otherwise(pl.col("Volume"))
        market.with_columns(Volume=more).write_csv(data / "AAA.csv")
    else:
        (old / "run.json").write_text('{"forecast_key": ')
    answer = on_data("backtest", "AAA", "--model", "ridge", *words, "--json")
    assert answer.err == ""
    assert answer.json[0]["run"] != old.name
    assert len(runs("AAA_ridge_*")) == 2


def test_stored_forecasts_that_are_damaged_are_named(on_data: Call) -> None:
    on_data("train", "ridge", "AAA")
    (old,) = runs("AAA_ridge_*")
    (old / "forecasts.parquet").write_bytes(b"PAR1 no more")
    answer = on_data("backtest", "AAA", "--model", "ridge")
    assert answer.code == 1
    assert "forecasts.parquet: cannot be read (damaged, or no Parquet file); train again" in answer.complaint
    on_data("train", "ridge", "AAA")
    assert "forecasts of" in on_data("backtest", "AAA", "--model", "ridge").out


def test_every_model_and_symbol_in_one_document(on_data: Call) -> None:
    answer = on_data("backtest", "AAA", "--model", "gbm", "--symbol", "BBB", "NOPE", "--epochs", 2, "--json")
    found = [(facts["symbol"], facts["model"]) for facts in answer.json]
    models = ("xgb", "lgb", "catboost")
    assert set(found) == {(symbol, model) for symbol in ("AAA", "NOPE", "BBB") for model in models}
    assert all("error" in facts for facts in answer.json if facts["symbol"] == "NOPE")
    assert "geiger: NOPE: " in answer.complaint
    assert answer.code in (1, 3)


def test_no_symbol(call: Call) -> None:
    answer = call("backtest")
    assert answer.code == 1
    assert "no symbol given; name at least one, such as AAPL" in answer.complaint


@pytest.mark.slow
def test_the_plans_own_line(data: Path, tmp_path: Path) -> None:
    words = ["--symbol", "AAA", "--model", "ridge", "--data", data, "--recipe", "quick"]
    words += ["--min-train", "200", "--lockbox", "50", "--max-folds", "1"]
    script = ROOT / "inference_and_backtest.py"
    ran = subprocess.run([sys.executable, script, *words], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode in (0, 3)
    assert ran.stderr == ""
    assert "The same forecasts at other costs" in ran.stdout
    assert len(list((tmp_path / "training_logs").glob("AAA_ridge_*.log"))) == 1
    assert len(list((tmp_path / "training_logs").glob("AAA_backtest_*.log"))) == 1, "the plan has a log of it"


def test_without_settings_it_trades_the_run_trained_last_whatever_its_settings(
    on_data: Call, call: Call, data: Path
) -> None:
    """The plan's session: train with an option, then name only the symbol."""
    on_data("train", "ridge", "AAA", "--max-folds", 3)
    (trained,) = runs("AAA_ridge_*")
    answer = call("backtest", "--symbol", "AAA")
    assert f"AAA ridge: forecasts of {trained.name}\n" in answer.out
    assert "training first" not in answer.out
    assert runs("AAA_backtest_*") == [], "it would only repeat the training's own ledger"
    assert call("backtest", "--run", trained.name, "--again").code == answer.code
    (repeated,) = runs("AAA_backtest_*")
    assert facts_of(repeated)["forecasts_of"] == trained.name
    (facts,) = call("backtest", "--run", trained.name, "--rule", "sign", "--json").json
    made = facts_of(Path("runs") / facts["run"])
    assert (made["config"]["max_folds"], made["config"]["trading"]["rule"]) == (3, "sign")
    assert made["data"]["source"] == "folder", "where the prices came from, not the copy that was kept"
    assert made["data"]["where"] == facts_of(trained)["data"]["where"]
    both = call("backtest", "AAA", "--data", data)  # prices named again: the settings are still the run's
    assert f"AAA ridge: forecasts of {trained.name}\n" in both.out
    assert runs("AAA_ridge_*") == [trained]


def test_forecasts_of_own_features_are_traded_without_their_code(on_data: Call, call: Call) -> None:
    Path("mine.py").write_text("def gap(bars):\n    return (bars['close'] / bars['close'].shift(20)).log()\n")
    first = on_data("backtest", "AAA", "--model", "ridge", "--features", "mine.py:gap")
    assert "training first" in first.out
    (trained,) = runs("AAA_ridge_*")
    again = on_data("backtest", "AAA", "--model", "ridge", "--features", "mine.py:gap")
    assert f"AAA ridge: forecasts of {trained.name}\n" in again.out
    Path("mine.py").unlink()
    done = call("backtest", "--run", trained.name, "--cost-bps", 20)
    assert done.code == first.code
    assert facts_of(max(runs("AAA_backtest_*")))["own"] == facts_of(trained)["own"]


def test_an_own_estimator_is_traded_like_a_model(on_data: Call, call: Call) -> None:
    methods = (
        "    def fit(self, x, y):\n        pass\n    def predict(self, x):\n        return 0.1 * x[:, 0]\n"
    )
    Path("mine.py").write_text(f"class Mean:\n{methods}")
    first = on_data("backtest", "AAA", "--estimator", "mine.py:Mean")
    assert "training first" in first.out
    (trained,) = runs("AAA_own_*")
    again = on_data("backtest", "AAA", "--estimator", "mine.py:Mean")
    assert f"AAA own: forecasts of {trained.name}\n" in again.out
    assert "give it again with --estimator" in call("backtest", "--run", trained.name).complaint
    assert call("backtest", "--run", trained.name, "--estimator", "mine.py:Mean").code == first.code
