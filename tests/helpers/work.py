"""Counts what a command does: the true functions are wrapped where they are called, and put back after."""

from __future__ import annotations

import builtins
import functools
import importlib
import io
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import geiger.evidence.day_files  # noqa: F401 - loaded before: reads of the register are not counted as frames

# what is counted -> where the functions stand that do it, as module:object
WORK = {
    "trees grown": ("lightgbm:train", "xgboost:train", "catboost:CatBoostRegressor.fit"),
    "tables of rows": ("lightgbm:Dataset.__init__", "xgboost:DMatrix.__init__", "catboost:Pool.quantize"),
    "eigendecompositions": ("numpy.linalg:eigh",),
    "linear systems": ("numpy.linalg:solve",),
    "screens": ("geiger.models.nets.forecaster:fit_screened",),
    "searches for pairs": ("geiger.models.screen:find_terms",),
    "networks": ("geiger.models.nets.program:Program.__init__",),
    "shapes compiled": (  # a function is traced once for each
        "geiger.models.nets.program:Program._epoch",
        "geiger.models.nets.program:Program._forecast",
    ),
    "price files": ("geiger.market.sources:read_prices",),
    "hashes of prices": ("geiger.market.snapshots:content_hash", "geiger.experiment.prepare:content_hash"),
    "judged series": ("geiger.experiment.prepare:inspect",),
    "feature matrices": ("geiger.experiment.prepare:feature_matrix",),
    "targets": ("geiger.experiment.prepare:make_target",),
    "folds cut": ("geiger.experiment.train_fold:fold_arrays",),
    "estimates": ("geiger.experiment.plan:expected_seconds",),
    "ledgers": ("geiger.backtest.simulate:_account",),
    "scorecards": ("geiger.experiment.evaluation:scorecard",),
    "health": ("geiger.experiment.evaluation:health_of",),
    "frames read": ("geiger.files:parquet_table",),
    "frames written": ("geiger.runs.folder:write_frame",),
    "records read": ("geiger.runs.folder:read_record",),
    "models read": ("geiger.runs.saved:read_state",),
    "models written": ("geiger.runs.saved:write_state",),
    "logs parsed": ("geiger.runlog.reader:parse_text",),
    "events parsed": ("geiger.runlog.reader:parse_events",),
    "logs checked": (
        "geiger.analysis.logbook:ask_all",
        "geiger.analysis.analyzer:ask_all",
        "geiger.checks.catalogue:ask_all",
    ),
    "pages": ("geiger.report.run_page:run_page", "geiger.report.compare_page:compare_page"),
}


class Work(Counter[str]):
    """How often each thing was done; `reads` has how often each file below the folder was opened to read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()
        self._one = threading.Lock()  # folds are trained in threads

    def note(self, name: str) -> None:
        """Count one more of `name`."""
        with self._one:
            self[name] += 1

    @property
    def read_again(self) -> dict[str, int]:
        """The files that were read more than once."""
        return {name: times for name, times in self.reads.items() if times > 1}


@contextmanager
def counted(folder: Path) -> Iterator[Work]:
    """Count all of `WORK` inside, and the files of `folder` that are read."""
    work = Work()
    with pytest.MonkeyPatch.context() as patch:
        for name, places in WORK.items():
            for place in places:
                module, _, path = place.partition(":")
                *outer, last = path.split(".")
                owner = functools.reduce(getattr, outer, importlib.import_module(module))
                patch.setattr(owner, last, _counting(getattr(owner, last), work, name))
        _count_steps(patch, work)
        opening = _opening(builtins.open, work, folder.resolve())
        patch.setattr(builtins, "open", opening)
        patch.setattr(io, "open", opening)
        yield work


def _counting(real: Callable[..., Any], work: Work, name: str) -> Callable[..., Any]:
    @functools.wraps(real)
    def counting(*args: Any, **kwargs: Any) -> Any:
        work.note(name)
        return real(*args, **kwargs)

    return counting


def _count_steps(patch: pytest.MonkeyPatch, work: Work) -> None:
    """Count calls of a network's compiled functions; they hang on each program."""
    from geiger.models.nets.program import Program

    for name, steps in (("run_epoch", "epochs"), ("run_forecast", "network forecasts")):
        real = getattr(Program, name).func

        def made(program: Any, real: Any = real, steps: str = steps) -> Any:
            compiled = real(program)
            counting: Any = _counting(compiled, work, steps)
            counting.trace, counting.lower = compiled.trace, compiled.lower  # else JAX cannot export it
            return counting

        replaced = functools.cached_property(made)
        replaced.__set_name__(Program, name)
        patch.setattr(Program, name, replaced)


def _opening(real: Callable[..., Any], work: Work, folder: Path) -> Callable[..., Any]:
    @functools.wraps(real)
    def opening(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, str | os.PathLike) and "r" in mode:
            path = Path(os.path.abspath(os.fspath(file)))
            if path.is_relative_to(folder):
                work.reads[str(path.relative_to(folder))] += 1
        return real(file, mode, *args, **kwargs)

    return opening
