"""What small runs came to before, and still come to: forecasts, ledgers and figures, to a float tolerance.

The expected numbers stand in ``golden.json``. A change that means to move them makes the file anew::

    python tests/contracts/test_golden.py

and says so in the changelog.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.cli import main

GOLDEN = Path(__file__).with_name("golden.json")
ROWS = 1900
STRIDE = 25  # every so many forecasts are kept
# Networks that the inner validation rows would discard for their linear part, and a stack that weighs all.
SETTINGS = """
[lstm]
start_counts = false
learning_rate = 0.002
[xlstm]
start_counts = false
learning_rate = 0.002
[stack]
meta = "equal"
"""
SHORT = ("--max-folds", "2", "--seeds", "2")
TINY = ("--max-folds", "1", "--seeds", "1", "--workers", "1")  # one process compiles all

# name -> the command, without the places it reads and writes; later ones use the runs of earlier ones
CASES: dict[str, tuple[str, ...]] = {
    "ridge": ("train", "ridge", "AAA"),
    "mean": ("train", "mean", "AAA", "--max-folds", "3"),
    "zero": ("train", "zero", "AAA", "--max-folds", "3"),
    "ridge at the close": (
        *("train", "ridge", "BBB", "--fill", "close", "--risk", "aggressive", "--rule", "sign"),
        *("--rolling", "600", "--start", "2012-03-01", "--cost-bps", "9"),
    ),
    "xgb": ("train", "xgb", "AAA", *SHORT),
    "lgb": ("train", "lgb", "AAA", *SHORT),
    "catboost": ("train", "catboost", "AAA", *SHORT),
    "xgb plan": ("train", "xgb", "BBB", "--recipe", "plan", "--max-folds", "1", "--epochs", "60"),
    "stack": (
        "train",
        "stack",
        "AAA",
        "--config",
        "settings.toml",
        "--models",
        "ridge,lgb",
        "--refit",
        "252",
    ),
    "stack plan": ("train", "stack", "BBB", "--recipe", "plan", "--models", "ridge,xgb", "--epochs", "20"),
    "backtest": ("backtest", "AAA", "--model", "ridge", "--cost-bps", "20", "--risk", "conservative"),
    "predict ridge": ("predict", "AAA", "--model", "ridge", "--json"),
    "predict stack": ("predict", "AAA", "--model", "stack", "--json"),
    "lstm": ("train", "lstm", "AAA", *TINY, "--epochs", "2", "--config", "settings.toml"),
    "xlstm": ("train", "xlstm", "AAA", *TINY, "--epochs", "2", "--config", "settings.toml"),
    "lstm plan": ("train", "lstm", "BBB", "--recipe", "plan", *TINY, "--epochs", "1", "--lookback", "20"),
    "xlstm plan": ("train", "xlstm", "BBB", "--recipe", "plan", *TINY, "--epochs", "1", "--lookback", "20"),
    "predict lstm": ("predict", "AAA", "--model", "lstm", "--json"),
}
NETWORKS = [name for name in CASES if "lstm" in name]
# Largest share by which a number may differ: single precision, summed in another order, is wider.
TOLERANCE = {name: 5e-3 if name in NETWORKS else 1e-5 for name in CASES}


def write_market(folder: Path) -> None:
    """Write seven years of closes nobody can forecast, and an index, as files of prices."""
    folder.mkdir()
    for seed, symbol in enumerate(("AAA", "BBB", "SPY")):
        rng = np.random.default_rng(100 + seed)
        days = [day for i in range(2 * ROWS) if (day := dt.date(2011, 1, 3) + dt.timedelta(i)).weekday() < 5]
        close = 100 * np.exp(np.cumsum(3e-4 + 0.012 * rng.standard_normal(ROWS)))
        opened = np.append(100, close[:-1]) * np.exp(0.003 * rng.standard_normal(ROWS))
        high = np.maximum(opened, close) * np.exp(np.abs(0.004 * rng.standard_normal(ROWS)))
        low = np.minimum(opened, close) * np.exp(-np.abs(0.004 * rng.standard_normal(ROWS)))
        bars = {"Open": opened, "High": high, "Low": low, "Close": close}
        volume = np.round(1e6 * np.exp(0.3 * rng.standard_normal(ROWS)))
        frame = pl.DataFrame(
            {"Date": days[:ROWS], **{name: np.round(bar, 4) for name, bar in bars.items()}, "Volume": volume}
        )
        frame.write_csv(folder / f"{symbol}.csv")


def came_to(name: str, place: Path) -> dict[str, Any]:
    """Run one case and return what it came to."""
    command, *rest = CASES[name]
    (place / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    rest = [str(place / word) if word == "settings.toml" else word for word in rest]
    before = set((place / "runs").glob("*/run.json"))
    places = ["--data", str(place / "prices"), "--runs-dir", str(place / "runs")]
    if command == "train":
        places += ["--no-audit", "--no-check-source"]
    if command != "predict":
        places += ["--log-dir", str(place / "logs"), "--context", "SPY"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = main([command, *rest, *places])
    if command == "predict":
        facts = json.loads(said.getvalue())
        facts = facts[0] if isinstance(facts, list) else facts
        names = ("forecast", "expected", "low", "high", "weight", "covered", "covered_rows", "model_age")
        return {"exit": code, "numbers": {n: facts[n] for n in names}, "day": facts["day"]}
    (made,) = [
        path for path in (place / "runs").glob("*/run.json") if path not in before and is_of(path, rest)
    ]
    record = json.loads(made.read_text(encoding="utf-8"))
    forecasts = pl.read_parquet(made.parent / "forecasts.parquet")
    ledger = pl.read_parquet(made.parent / "ledger.parquet")
    results = record["results"]
    return {
        "exit": code,
        "status": record["status"],
        "folds": [
            [fold[key] for key in ("train_first", "valid_last", "test_first", "test_last")]
            for fold in record.get("folds", [])
        ],
        "rounds": [fold["rounds"] for fold in record.get("folds", [])],
        "warnings": [warning["code"] for warning in record["warnings"]],
        "rows": forecasts.height,
        "spread": forecasts["forecast"].std(),
        "forecasts": forecasts["forecast"].gather_every(STRIDE).to_list(),
        "train_std": forecasts["train_std"].gather_every(STRIDE).to_list(),
        "weights": ledger["weight"].gather_every(STRIDE).to_list(),
        "equity": ledger["equity"].gather_every(STRIDE).to_list(),
        "figures": {figure["name"]: figure["value"] for figure in results["figures"]},
        "checkpoints": {one["name"]: one["outcome"] for one in results["checkpoints"]},
    }


def is_of(path: Path, words: list[str]) -> bool:
    """Whether a run is of the model that was asked for, and not of a stack's base model."""
    record = json.loads(path.read_text(encoding="utf-8"))
    return record["kind"] == "backtest" or record["model"] == words[0]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_market(place / "prices")
        yield {name: came_to(name, place) for name in request.param}


def differing(new: Any, old: Any, unit: float, where: str = "", scale: float = 0.0) -> list[str]:
    """Return where two trees of values differ: numbers by more than `unit` of themselves or of `scale`.

    The scale of numbers in a list is the largest of them.
    """
    if isinstance(old, dict):
        pairs = [(new[key], old[key], f"{where}/{key}") for key in old if key in new]
        alone = [f"{where}/{key}: only on one side" for key in old.keys() ^ new.keys()]
        return alone + [line for one, other, at in pairs for line in differing(one, other, unit, at)]
    if isinstance(old, list):
        if len(new) != len(old):
            return [f"{where}: {len(new)} entries, {len(old)} before"]
        largest = max((abs(value) for value in old if isinstance(value, float)), default=0.0)
        return [
            line
            for i, (one, other) in enumerate(zip(new, old, strict=True))
            for line in differing(one, other, unit, f"{where}/{i}", largest)
        ]
    if isinstance(old, float) and isinstance(new, float | int):
        same = math.isclose(new, old, rel_tol=unit, abs_tol=unit * max(scale, 1e-3))
    else:
        same = new == old
    return [] if same else [f"{where}: {new!r}, {old!r} before"]


def check(found: dict[str, Any], expected: dict[str, Any]) -> None:
    lines = [
        line for name, one in found.items() for line in differing(one, expected[name], TOLERANCE[name], name)
    ]
    assert not lines, "\n".join(lines[:40])


@pytest.mark.slow
@pytest.mark.parametrize(
    "found", [[name for name in CASES if name not in NETWORKS]], indirect=True, ids=["all"]
)
def test_models_without_a_network_come_to_the_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    check(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("found", [NETWORKS], indirect=True, ids=["all"])
def test_networks_come_to_the_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    check(found, expected)


def test_every_kind_of_difference_is_seen() -> None:
    old = {"a": 1.0, "b": [1.0, 2.0], "c": "SUCCESS", "d": None, "e": [[3]]}
    assert differing(old, old, 1e-5) == []
    for key, other in {"a": 1.001, "b": [1.0], "c": "FAILED", "d": 0.0, "e": [[4]]}.items():
        assert len(differing({**old, key: other}, old, 1e-5)) == 1, key
    assert len(differing({**old, "f": 1}, old, 1e-5)) == 1
    assert differing({**old, "a": 1.0 + 1e-7}, old, 1e-5) == []
    assert differing({"b": [1.0, 1e-9]}, {"b": [1.0, 0.0]}, 1e-5) == []  # of a list, by its largest number
    assert len(differing({"b": [1e-4, 1e-6]}, {"b": [1e-4, 0.0]}, 1e-5)) == 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_market(Path(folder) / "prices")
        made = {name: came_to(name, Path(folder)) for name in CASES}
    GOLDEN.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{GOLDEN}: {len(made)} runs\n")
