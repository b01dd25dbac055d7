"""A small validation, and an engine of this process that does its jobs in the order it likes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from geiger.judging.validate import Asked, Entry, Heard, lay_out, validate
from geiger.market.synthetic import planted_market
from geiger.panel.engines import Engine, Failed, Job, Outcome
from geiger.panel.engines.base import Blobs
from geiger.panel.engines.work import order, outcome, perform
from helpers.runs import small

SYMBOLS = ("AAA", "BBB")


def price_folder(folder: Path, symbols: Sequence[str] = SYMBOLS, rows: int = 800) -> Path:
    """Write a file for each symbol, each of another market with a signal."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    for seed, symbol in enumerate(symbols):
        prices = planted_market(rows, seed + 1, 0.02).prices
        columns = {name: pl.col(column) for name, column in names.items()}
        prices.select(**columns, Volume="volume").write_csv(folder / f"{symbol}.csv")
    return folder


def asked(folder: Path, data: Path, models: Sequence[str] = ("ridge",), **changes: Any) -> Asked:
    symbols = changes.pop("symbols", SYMBOLS)
    return Asked(
        symbols=tuple(symbols),
        models=tuple(models),
        configs=(small(lockbox=60, max_folds=3, **changes),),
        data=data,
        context="none",
        runs_dir=folder / "runs",
        log_dir=folder / "training_logs",
    )


@dataclass
class HereEngine(Engine):
    """Does jobs in this process, the last one first; some of them are lost."""

    lose: str = "nothing"
    done: list[str] = field(default_factory=list)

    @property
    def workers(self) -> int:
        return 1

    def run(self, jobs: Sequence[Job], blobs: Blobs) -> Generator[Outcome]:
        for job in reversed(jobs):
            self.done.append(job.name)
            if self.lose in job.name:
                yield Failed(job, "its worker went away", "lost")
            else:
                yield outcome(job, perform(order(job, blobs)))


def validated(what: Asked, engine: Engine | None = None, heard: Heard | None = None) -> list[Entry]:
    return validate(what, lay_out(what), engine or HereEngine(), heard or Heard())
