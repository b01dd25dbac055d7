"""The folder that a run leaves behind, and the folds that a killed run leaves for the next one.

::

    runs/
      AAPL_gbm_xgb_20240105_143022/     the same stem as its training log
        run.json           settings, data hashes, versions, threads, folds, figures, status
        forecasts.parquet  FORECASTS: the stitched test rows
        members.parquet    MEMBERS: what each member forecast on the test rows
        in_sample.parquet  IN_SAMPLE: forecasts of the rows that each fold's final fit used
        ledger.parquet     LEDGER
        sealed.parquet     SEALED: forecasts after the scored rows, for sizing alone, without outcomes
        importances.parquet  IMPORTANCES (models that have them)
        out_of_fold.parquet, weights.parquet, rivals.parquet, weights.svg  of a stack: OUT_OF_FOLD,
                           STACK_WEIGHTS, RIVALS, and a picture of the weights
        model/             what was learned, for use tomorrow: see `saved`
      .parts/<key>/fold_0003.npz        finished folds of an unfinished run
      snapshots/                        the prices that runs used
      library/                          prices that were added or fetched

Files are Parquet, JSON and npz without objects: reading one runs no code.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import FORECASTS, IN_SAMPLE, LEDGER, MEMBERS, RIVALS, SEALED, require
from geiger.errors import DataError
from geiger.files import read_frame, write_atomically, write_frame
from geiger.records import Training
from geiger.settings.models import distributions

SCHEMA = 1
STAMP = "%Y%m%d_%H%M%S"
RUN_NAME = re.compile(r"[A-Za-z0-9^=][A-Za-z0-9^=._-]*_[a-z_]+_\d{8}_\d{6}")
LIBRARIES = ("numpy", "polars", "numba", *distributions())
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
    *("XLA_FLAGS", "JAX_PLATFORMS", "JAX_DEFAULT_MATMUL_PRECISION"),  # they change a network's bits
)


def threads_at_hand() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache  # the code that runs is the code that was loaded
def code_hash() -> str:
    """Return a hash of the package's own source, so that edited code never continues old folds."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def environment() -> dict[str, Any]:
    """Return what else the bits of a run depend on: versions, processor count and thread variables."""
    versions: dict[str, str] = {}
    for name in ("geiger-lab", *LIBRARIES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": threads_at_hand(),
        "thread_variables": {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        "versions": versions,
        "code": code_hash(),
    }


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the content key of JSON-able facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Part:
    """What one finished fold hands on: arrays, and facts that JSON can hold."""

    arrays: Mapping[str, npt.NDArray[Any]]
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Parts:
    """Finished folds of a run that has not ended, under a key of everything that shapes a forecast."""

    folder: Path

    def load(self, fold: int) -> Part | None:
        """Return the stored fold, or None when there is none that can be read."""
        try:
            with np.load(BytesIO(self._path(fold).read_bytes()), allow_pickle=False) as stored:
                facts = json.loads(bytes(stored["facts"]).decode())
                return Part({name: stored[name] for name in stored.files if name != "facts"}, facts)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None

    def save(self, fold: int, part: Part) -> None:
        """Store one fold. A folder that cannot be written costs the resume, not the run."""
        buffer = BytesIO()
        facts = np.frombuffer(json.dumps(part.facts).encode(), dtype=np.uint8)
        np.savez(buffer, allow_pickle=False, facts=facts, **part.arrays)
        try:
            write_atomically(self._path(fold), buffer.getvalue())
        except DataError:
            return

    def discard(self) -> None:
        """Remove the parts of a run that has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, fold: int) -> Path:
        return self.folder / f"fold_{fold:04d}.npz"


@dataclass(frozen=True)
class StoredRun:
    """A finished run, read back."""

    folder: Path
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The run's name: the stem of its log."""
        return self.folder.name

    @property
    def health_codes(self) -> tuple[str, ...]:
        """All codes of the health of the test forecasts, first one first; empty where none were measured."""
        health = self.facts.get("results", {}).get("health")
        return () if health is None else (str(health["code"]), *map(str, health.get("also", ())))

    def forecasts(self) -> pl.DataFrame:
        """Return the FORECASTS frame."""
        return require(self._frame("forecasts"), FORECASTS)

    def ledger(self) -> pl.DataFrame:
        """Return the LEDGER frame."""
        return require(self._frame("ledger"), LEDGER)

    def sealed(self) -> pl.DataFrame:
        """Return the SEALED frame; empty where the run left none, as with an estimator of the user's own."""
        if not (self.folder / "sealed.parquet").exists():
            return pl.DataFrame(schema=dict(SEALED.columns))
        return require(self._frame("sealed"), SEALED)

    def trainings(self) -> list[Training]:
        """Return how the training of each network of the run went; empty for other models."""
        try:
            return [Training(**training) for training in self.facts.get("trainings", [])]
        except TypeError as error:
            raise DataError(
                f"{self.folder / 'run.json'}: trainings cannot be read ({error}); train again"
            ) from None

    def in_sample(self) -> pl.DataFrame:
        """Return the IN_SAMPLE frame."""
        return require(self._frame("in_sample"), IN_SAMPLE)

    def members(self) -> pl.DataFrame:
        """Return the MEMBERS frame."""
        return require(self._frame("members"), MEMBERS)

    def train_rows(self) -> dict[int, int]:
        """Return how many rows each fold learned from."""
        folds = self.facts.get("folds", [])
        return {int(fold["fold"]): int(fold["train_rows"]) + int(fold["valid_rows"]) for fold in folds}

    def rivals(self) -> pl.DataFrame | None:
        """Return the RIVALS frame of a stack; None for other models."""
        if not (self.folder / "rivals.parquet").exists():
            return None
        return require(self._frame("rivals"), RIVALS)

    def _frame(self, name: str) -> pl.DataFrame:
        try:
            return read_frame(self.folder / f"{name}.parquet")
        except DataError as error:
            raise DataError(f"{error}; train again") from None


@dataclass(frozen=True)
class RunsFolder:
    """The place of all runs."""

    root: Path

    @property
    def snapshots(self) -> Path:
        """Folder of the prices that runs used."""
        return self.root / "snapshots"

    @property
    def library(self) -> Path:
        """Folder of the prices that the user added or fetched."""
        return self.root / "library"

    @property
    def forecast_ledger(self) -> Path:
        """File of the forecasts that `geiger predict --save` kept."""
        return self.root / "forecasts.jsonl"

    def parts(self, key: str) -> Parts:
        """Return the store for the folds of an unfinished run."""
        return Parts(self.root / ".parts" / key)

    def save(
        self,
        name: str,
        facts: Mapping[str, Any],
        frames: Mapping[str, pl.DataFrame],
        pictures: Mapping[str, bytes] = MappingProxyType({}),
        write_model: Callable[[Path], str] | None = None,
    ) -> Path:
        """Write a finished run; ``run.json`` comes last, so a folder with one is complete.

        Parameters
        ----------
        pictures : mapping of str to bytes
            SVG, by the stem of its file.
        write_model : callable, optional
            Writes the model for use into the folder it is given and returns the hash that proves it whole.

        Raises
        ------
        DataError
            The folder cannot be written.
        """
        folder = self._reserve(name)
        for stem, frame in frames.items():
            write_frame(folder / f"{stem}.parquet", frame)
        for stem, picture in pictures.items():
            write_atomically(folder / f"{stem}.svg", picture)
        if write_model is not None:
            facts = {**facts, "model_hash": write_model(folder / "model")}
        text = json.dumps({"schema": SCHEMA, "name": folder.name, **facts}, indent=2, default=str)
        write_atomically(folder / "run.json", text.encode())
        return folder

    def load(self, name: str) -> StoredRun:
        """Return the finished run called `name`."""
        if not RUN_NAME.fullmatch(name):
            raise DataError(
                f"{name!r} is no run name; a run is called like its log, AAPL_gbm_xgb_20240105_143022"
            )
        run = _read_run(self.root / name)
        if run is None and (self.root / name / "run.json").is_file():
            raise DataError(f"{self.root / name / 'run.json'}: cannot be read (damaged); train again")
        if run is None:
            raise DataError(f"{self.root / name}: no finished run there; `geiger train` makes one")
        return run

    def find(self, forecast_key: str) -> StoredRun | None:
        """Return the newest finished run whose forecasts have this key, or None."""
        return _newest(run for run in self.all() if run.facts.get("forecast_key") == forecast_key)

    def newest(self, symbol: str, model: str | None = None, *, usable: bool = False) -> StoredRun | None:
        """Return the newest training of a symbol, of any model where none is named, or None.

        Parameters
        ----------
        usable : bool
            Only runs that left a model for use.
        """
        return _newest(
            run
            for run in self.all()
            if (run.facts.get("symbol"), run.facts.get("kind")) == (symbol, "train")
            and model in (None, run.facts.get("model"))
            and (run.facts.get("model_hash") is not None or not usable)
        )

    def all(self) -> list[StoredRun]:
        """Return every finished run, by name."""
        if not self.root.is_dir():
            return []
        found = (_read_run(path) for path in sorted(self.root.iterdir()) if RUN_NAME.fullmatch(path.name))
        return [run for run in found if run is not None]

    def _reserve(self, name: str) -> Path:
        """Make the run's folder, under the next free second where the name is taken."""
        stem, when = name[:-15], dt.datetime.strptime(name[-15:], STAMP)
        while True:
            folder = self.root / f"{stem}{when:{STAMP}}"
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                if not self.root.is_dir():
                    raise DataError(f"{self.root}: is no folder; name another with --runs-dir") from None
                when += dt.timedelta(seconds=1)
            except OSError as error:
                raise DataError(f"{folder}: cannot be made ({error.strerror}); check the folder") from None


def _newest(runs: Iterable[StoredRun]) -> StoredRun | None:
    return max(runs, key=lambda run: str(run.facts.get("finished_at", "")), default=None)


def _read_run(folder: Path) -> StoredRun | None:
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # the last of a text that is nested too deeply
        return None
    return StoredRun(folder, facts) if isinstance(facts, dict) else None
