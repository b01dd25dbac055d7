"""Small experiments: one model, networks, a stack, and a stack with a lock-box, on markets of 900 days."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment
from geiger.experiment.prepare import prepare
from geiger.experiment.written import Run
from geiger.market.loaded import Loaded
from geiger.market.snapshots import Store
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import Config, override, recipe

ROWS = 900
LOCKED = 130
MODELS = ("ridge", "xgb", "lgb")
NETWORK = {
    **{"lookback": 12, "burn_in": 5, "stretch": 32, "width": 8, "blocks": 2, "heads": 2},
    **{"epochs": 3, "batch_size": 128, "learning_rate": 0.003},
}
LSTM = {**NETWORK, "lstm": [4], "key": 4, "inner": 8}


class Constant:
    """An estimator of the user's own that forecasts one number."""

    def __init__(self, value: float) -> None:
        self.value = value

    def fit(self, x: Any, y: Any) -> None:
        self.mean = y.mean()

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.value)


def small(**changes: Any) -> Config:
    trees = {name: {"max_trees": 8} for name in ("xgb", "lgb", "catboost")}
    base = {"lockbox": 0, "min_train": 300, "refit": 80, "max_folds": None, "seeds": 1, **trees}
    return override(override(recipe("quick"), base), changes)


def network_settings(**changes: Any) -> Config:
    """In this process, where a network is compiled once for all tests; `test_workers` has the processes."""
    return override(small(max_folds=3, workers=1, lstm=LSTM, xlstm=NETWORK), changes)


def stack_settings(**changes: Any) -> Config:
    stack = {"models": MODELS, "min_rows": 120, "meta": "nnls"}
    return override(small(refit=60, seeds=2, stack=stack), changes)


def locked_settings(**changes: Any) -> Config:
    stack = {"models": ("ridge", "lgb"), "min_rows": 100, "meta": "simplex"}
    return override(small(lockbox=LOCKED, refit=60, seeds=2, stack=stack), changes)


def experiment(
    folder: Path,
    prices: pl.DataFrame,
    model: str = "ridge",
    config: Config | None = None,
    symbol: str = "TEST",
) -> Experiment:
    return Experiment(
        symbol,
        model,
        config or small(),
        context="none",
        prices=prices,
        runs_dir=folder / "runs",
        log_dir=folder / "logs",
    )


def network_experiment(
    folder: Path, prices: pl.DataFrame, model: str = "lstm", config: Config | None = None
) -> Experiment:
    return experiment(folder, prices, model, config or network_settings())


def stack_experiment(folder: Path, prices: pl.DataFrame, model: str = "stack", **changes: Any) -> Experiment:
    return experiment(folder, prices, model, stack_settings(**changes), "AAPL")


def locked_experiment(folder: Path, prices: pl.DataFrame, model: str = "stack", **changes: Any) -> Experiment:
    return experiment(folder, prices, model, locked_settings(**changes), "AAPL")


def stored_of(made: Run) -> StoredRun:
    return RunsFolder(made.folder.parent).load(made.name)


def runs_of(made: Run) -> list[StoredRun]:
    """The run and those of its base models."""
    folder, own = RunsFolder(made.folder.parent), stored_of(made)
    return [own, *(folder.load(name) for name in own.record.bases.values())]


def as_csv(data: Path, market: pl.DataFrame) -> None:
    """Write the market as a file of AAPL, which a prediction reads anew."""
    columns = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    market.select(
        **{name: pl.col(column) for name, column in columns.items()},
        **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")},
    ).write_csv(data / "AAPL.csv")


def evening(day: dt.date, hours: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hours), dt.UTC)


def with_record(stored: StoredRun, tmp_path: Path, **changes: Any) -> StoredRun:
    """The same run, whose record says something else."""
    copy = tmp_path / stored.name
    shutil.copytree(stored.folder, copy, dirs_exist_ok=True)
    facts = json.loads((copy / "run.json").read_text())
    for table, values in changes.items():
        facts[table] |= values
    (copy / "run.json").write_text(json.dumps(facts))
    return RunsFolder(tmp_path).load(stored.name)


def prepared(
    folder: Path, prices: pl.DataFrame, config: Config, symbol: str = "TEST", now: dt.datetime | None = None
) -> Material:
    store, loaded = Store(folder), Loaded(symbol, prices, "frame", "made")
    return prepare(
        symbol, config, data=None, context="none", library=store, snapshots=store, loaded=loaded, now=now
    )
