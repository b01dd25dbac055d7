from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

Call = Any


def test_a_run_is_repeated_to_the_bit_or_the_command_says_where_not(on_data: Call, call: Call) -> None:
    on_data("train", "ridge", "AAA")
    (run,) = Path("runs").glob("AAA_ridge_*")
    same = call("replay", run.name)
    assert same.code == 0, same.err
    assert f"{run.name}: bit-identical" in same.out
    path = run / "forecasts.parquet"
    kept = pl.read_parquet(path)
    kept.with_columns(pl.col("forecast") * 2.0).write_parquet(path)
    differs = call("replay", run)
    assert differs.code == 3
    assert f"{run.name}: NOT identical" in differs.out
    document = call("replay", run.name, "--json")
    assert (document.code, json.loads(document.out)["same"]) == (3, False)


def test_what_is_no_run_is_said_in_one_line(call: Call) -> None:
    assert "no finished run there" in call("replay", "AAA_ridge_20240105_143022").complaint


def test_own_code_is_named_again_to_repeat_a_run(on_data: Call, call: Call) -> None:
    Path("mine.py").write_text("def gap(bars):\n    return (bars['close'] / bars['close'].shift(20)).log()\n")
    on_data("train", "ridge", "AAA", "--features", "mine.py:gap")
    (run,) = Path("runs").glob("AAA_ridge_*")
    assert "give it again with --features" in call("replay", run.name).complaint
    assert call("replay", run.name, "--features", "mine.py:gap").code == 0
    Path("mine.py").write_text("def gap(bars):\n    return bars['close'].log().diff()\n")
    changed = call("replay", run.name, "--features", "mine.py:gap")
    assert "it was changed since, or is another" in changed.complaint
