"""What `geiger predict` says of a forecast and of the run behind it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from geiger.market.synthetic import garch_market

SMALL = ("--recipe", "quick", "--min-train", "200", "--lockbox", "50", "--refit", "60", "--max-folds", "2")


def test_a_forecast_from_noise_brings_every_code_of_its_run(call: Callable[..., Any], tmp_path: Path) -> None:
    """Half of all runs on noise have two codes, the second of which says that there is no skill."""
    seen = []
    for seed in range(4):
        data = tmp_path / f"data{seed}"
        data.mkdir()
        named = garch_market(1100, seed).select(
            Date="day", Open="open", High="high", Low="low", Close="close", Volume="volume"
        )
        named.with_columns(pl.col("Close").alias("Adj Close")).write_csv(data / "AAA.csv")
        trained = call("train", "ridge", "AAA", "--data", data, *SMALL, "-v").out
        (said,) = re.findall(r"Health: ([A-Z_, ]+): ", trained)
        predicted = call("predict", "AAA", "--data", data).out
        assert re.findall(r"  From \S+: [A-Z]+, (.+)", predicted) == [said]
        (facts,) = call("predict", "AAA", "--data", data, "--json").json
        assert facts["health"] == said
        seen.append(said)
    assert any(said.endswith(", NO_SKILL") for said in seen), seen


Call = Any


def test_right_after_training_the_verdict_comes_first_and_the_model_is_up_to_date(
    on_data: Call, call: Call
) -> None:
    trained = on_data("train", "ridge", "AAA")
    lines = call("predict", "--run", "latest", "AAA").out.splitlines()
    answer = next(line for line in trained.out.splitlines() if line.startswith("AAA ridge: CANNOT TELL: "))
    assert lines[0] == answer
    assert any(line.endswith("model up to date") for line in lines)
    assert not any("MODEL_OLD" in line or "Suggested weight" in line for line in lines)
    (held,) = (i for i, line in enumerate(lines) if "Its rule would hold" in line)
    assert lines[held].startswith("  No signal was shown, so this may be noise. Its rule would hold")
    assert max(map(len, lines)) <= 80


def test_a_forecast_takes_the_prices_from_where_the_run_did(on_data: Call, call: Call, data: Path) -> None:
    on_data("train", "ridge", "AAA")
    (facts,) = call("predict", "AAA", "--json").json
    (given,) = call("predict", "AAA", "--data", data, "--json").json
    assert facts["forecast"] == given["forecast"]
    lines = (data / "AAA.csv").read_text().splitlines()
    (data / "AAA.csv").write_text("\n".join(lines[:600]) + "\n")
    older = call("predict", "AAA")
    assert older.code == 1
    assert "they are others, or older; give the newest with --data" in older.complaint


def test_own_features_are_named_again_for_a_forecast(on_data: Call, call: Call) -> None:
    Path("mine.py").write_text("def gap(bars):\n    return (bars['close'] / bars['close'].shift(20)).log()\n")
    on_data("train", "ridge", "AAA", "--features", "mine.py:gap")
    asked = call("predict", "AAA")
    assert asked.code == 1
    given = re.search(r"give it again with (--features \S+)$", asked.complaint)
    assert given is not None
    assert call("predict", "AAA", *given[1].split()).code == 0  # the line says what to add


def test_of_a_backtest_the_run_that_was_trained_forecasts(on_data: Call, call: Call) -> None:
    on_data("train", "ridge", "AAA")
    (before,) = call("predict", "AAA", "--run", "latest", "--json").json
    call("backtest", "--run", "latest", "--cost-bps", "20")
    assert "AAA_backtest_" in call("runs").out
    (after,) = call("predict", "AAA", "--run", "latest", "--json").json
    assert (after["run"], after["forecast"]) == (before["run"], before["forecast"])
