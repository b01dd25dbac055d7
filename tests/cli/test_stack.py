"""Training, forecasting with, and repeating a stack as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Call = Any
STACK = ("--models", "ridge,lgb", "--config", "stack.toml")


@pytest.fixture
def stack_settings(call: Call) -> None:
    Path("stack.toml").write_text("[stack]\nmin_rows = 60\n")


@pytest.mark.slow
@pytest.mark.usefixtures("stack_settings")
def test_from_training_to_a_scored_forecast_and_the_same_again(on_data: Call, call: Call, data: Path) -> None:
    trained = on_data("train", "stack", "AAA", *STACK, "-v")
    assert trained.code in (0, 3), trained.err
    for words in (
        "forecasts of AAA_ridge_",
        "lgb: ",
        "On the same days:",
        "equal weights: corr",
    ):
        assert words in trained.out
    (run,) = Path("runs").glob("AAA_stack_*")
    assert (run / "weights.svg").read_text(encoding="utf-8").startswith("<?xml")

    traded = on_data("backtest", "AAA", *STACK, "-v")  # without --model: what was trained last
    assert f"AAA stack: forecasts of {run.name}" in traded.out
    assert "Sharpe ratio" in traded.out

    forecast = call("predict", "AAA", "--data", data, "--save")
    assert forecast.code == 0, forecast.err
    for words in (
        "AAA stack: ",
        "90.0% interval",
        "AAA stack: CANNOT TELL: ",
        "Its rule would hold ",
        "Saved as number 0",
    ):
        assert words in forecast.out
    (facts,) = call("predict", "AAA", "--data", data, "--json").json
    assert facts["run"] == run.name
    assert facts["low"] < facts["forecast"] < facts["high"]

    scored = call("predict", "--score", "--data", data)
    assert (scored.code, "AAA stack: " in scored.out) == (0, True)

    again = call("replay", run.name)
    assert again.code == 0, again.out
    assert f"{run.name}: bit-identical" in again.out
    assert json.loads(call("replay", run, "--json").out)["same"] is True


def test_what_is_not_there_is_said_in_one_line(call: Call, data: Path) -> None:
    answer = call("predict", "AAA", "--data", data)
    assert answer.code == 1
    assert "no saved model of AAA; `geiger train stack AAA` makes one" in answer.complaint
    assert "no finished run there" in call("replay", "AAA_stack_20240105_143022").complaint
    assert "../..: no finished run is called 'etc'" in call("replay", "../../etc").complaint
    assert "No forecasts in" in call("predict", "--score").out
    assert call("predict").code == 1


@pytest.mark.usefixtures("stack_settings")
def test_a_stack_of_one_and_of_unknown_models(on_data: Call) -> None:
    answer = on_data("train", "stack", "AAA", "--models", "ridge,nope", "--config", "stack.toml")
    assert "no model 'nope'" in answer.complaint
    answer = on_data("train", "stack", "AAA", "--models", "ridge", "--config", "stack.toml", "-v")
    assert "Warning STACK_ONE_MODEL" in answer.out


@pytest.mark.usefixtures("stack_settings")
def test_a_dry_run_trains_nothing(on_data: Call) -> None:
    answer = on_data("train", "stack", "AAA", *STACK, "--dry-run")
    assert answer.code == 0
    assert "AAA stack: " in answer.out
    assert not Path("training_logs").exists()
