"""The folder that a run leaves behind, and the place of all of them.

::

    runs/
      AAPL_gbm_xgb_20240105_143022/     the same stem as its training log
        run.json           settings, data hashes, versions, threads, folds, figures, status: see `record`
        forecasts.parquet  FORECASTS: the stitched test rows; of a panel PANEL_FORECASTS
        unscored.parquet   PANEL_UNSCORED: of a panel, what was forecast without an outcome
        members.parquet    MEMBERS: what each member forecast on the test rows
        in_sample.parquet  IN_SAMPLE: forecasts of the rows that each fold's final fit used
        ledger.parquet     LEDGER
        sealed.parquet     SEALED: forecasts after the scored rows, for sizing alone, without outcomes
        importances.parquet  IMPORTANCES (models that have them)
        out_of_fold.parquet, weights.parquet, rivals.parquet, weights.svg  of a stack: OUT_OF_FOLD,
                           STACK_WEIGHTS, RIVALS, and a picture of the weights
        model/             what was learned, for use tomorrow: see `saved`
      .parts/<key>/fold_0003.npz        finished folds of an unfinished run: see `parts`
      snapshots/                        the prices that runs used
      library/                          prices that were added or fetched
      trials/                           the register of everything that was scored: see `evidence.trials`
      checks/<key>.json                 check sources: see `check_sources`
      own/<hash>.parquet                frames of the user's own that runs used as features

Files are Parquet, JSON and npz without objects: reading one runs no code.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import polars as pl

from geiger import settings
from geiger.cleaning import clean
from geiger.columns import (
    FORECASTS,
    IN_SAMPLE,
    LEDGER,
    MEMBERS,
    PANEL_FORECASTS,
    PANEL_UNSCORED,
    RIVALS,
    SEALED,
    require,
)
from geiger.errors import DataError, SettingError
from geiger.files import read_frame, write_atomically, write_frame
from geiger.records import AuditSummary, RegisterHead, Verdict
from geiger.runs.parts import Parts
from geiger.runs.record import (
    RECORD,
    RUN_NAME,
    STAMP,
    LedgerHead,
    RunRecord,
    read_ledger_head,
    read_record,
    read_register_head,
    write_record,
)
from geiger.settings import Config

LATEST = "latest"  # names the run that was finished last


@dataclass(frozen=True)
class StoredRun:
    """A finished run, read back."""

    folder: Path
    record: RunRecord

    @property
    def name(self) -> str:
        """The run's name: the stem of its log."""
        return self.folder.name

    @property
    def trained(self) -> str:
        """The run that made the forecasts, which of a backtest is another one."""
        return self.record.forecasts_of or self.name

    @property
    def health_codes(self) -> tuple[str, ...]:
        """All codes of the health of the test forecasts, first one first; empty where none were measured."""
        health = self.record.results.health
        return () if health is None else health.codes

    def config(self) -> Config:
        """Return the settings of the run.

        Raises
        ------
        DataError
            Its record holds none that this version understands.
        """
        try:
            return settings.override(settings.recipe("default"), self.record.config)
        except SettingError as error:
            raise DataError(f"{self.folder / RECORD}: {error}; made by another version of geiger?") from None

    def note_audit(self, summary: AuditSummary) -> None:
        """Write the outcome of an audit of this run into its record; nothing else in it changes.

        Whoever reads meanwhile sees the old record or the new one. What stands there now is read anew: the
        audit may have taken longer than what another process did to it.

        Raises
        ------
        SettingError
            The run is a backtest, which has the audit of the run whose forecasts it traded.
        DataError
            The folder cannot be read or written.
        """
        if self.record.kind != "train":
            raise SettingError(
                f"{self.name}: a backtest takes no audit of its own; audit {self.record.forecasts_of}, whose "
                "forecasts it traded"
            )
        write_record(self.folder, replace(self._now(), audit=summary))

    def note_verdict(self, verdict: Verdict) -> None:
        """Write a later verdict on this run into its record; nothing else in it changes. See `note_audit`.

        Raises
        ------
        DataError
            The folder cannot be read or written.
        """
        write_record(self.folder, replace(self._now(), verdict=verdict))

    def _now(self) -> RunRecord:
        """Return the record as it stands there now."""
        record = read_record(self.folder)
        if record is None:
            raise DataError(f"{self.folder}: the run is gone; train again")
        return record

    def require_alone(self) -> StoredRun:
        """Return the run; refuse that of a panel.

        Raises
        ------
        SettingError
            It is of a panel.
        """
        if self.record.members:
            raise SettingError(
                f"{self.name}: is a run of a panel, and this is made for that of one symbol; a panel's goes "
                "with `geiger report`, `geiger backtest`, `geiger replay`, `geiger predict`, `geiger audit`, "
                "`geiger judge` and `geiger logs`"
            )
        return self

    def forecasts(self) -> pl.DataFrame:
        """Return the FORECASTS frame; refuse the run of a panel, which has another."""
        return require(self.require_alone()._frame("forecasts"), FORECASTS)

    def panel_forecasts(self) -> pl.DataFrame:
        """Return the PANEL_FORECASTS frame of a panel's run."""
        return require(self._frame("forecasts"), PANEL_FORECASTS)

    def panel_unscored(self) -> pl.DataFrame:
        """Return the PANEL_UNSCORED frame of a panel's run."""
        return require(self._frame("unscored"), PANEL_UNSCORED)

    def ledger(self) -> pl.DataFrame:
        """Return the LEDGER frame."""
        return require(self._frame("ledger"), LEDGER)

    def sealed(self) -> pl.DataFrame:
        """Return the SEALED frame; empty where the run left none, as with an estimator of the user's own."""
        if not (self.folder / "sealed.parquet").exists():
            return pl.DataFrame(schema=dict(SEALED.columns))
        return require(self._frame("sealed"), SEALED)

    def in_sample(self) -> pl.DataFrame:
        """Return the IN_SAMPLE frame."""
        return require(self._frame("in_sample"), IN_SAMPLE)

    def members(self) -> pl.DataFrame:
        """Return the MEMBERS frame."""
        return require(self._frame("members"), MEMBERS)

    def train_rows(self) -> dict[int, int]:
        """Return how many rows each fold learned from."""
        return {fold.fold: fold.train_rows + fold.valid_rows for fold in self.record.folds}

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
    def own(self) -> Path:
        """Folder of the frames that runs used as features of the user's own."""
        return self.root / "own"

    @property
    def forecast_ledger(self) -> Path:
        """File of the forecasts that `geiger predict --save` kept."""
        return self.root / "forecasts.jsonl"

    @property
    def trials(self) -> Path:
        """Folder of the register of everything that was scored."""
        return self.root / "trials"

    @property
    def audits(self) -> Path:
        """Folder of the audits that were made of runs and settings."""
        return self.root / "audits"

    @property
    def checks(self) -> Path:
        """Folder of the check sources that were held to runs and settings."""
        return self.root / "checks"

    def parts(self, key: str) -> Parts:
        """Return the store for the folds of an unfinished run."""
        return Parts(self.root / ".parts" / key)

    def save(
        self,
        record: RunRecord,
        frames: Mapping[str, pl.DataFrame],
        pictures: Mapping[str, bytes] = MappingProxyType({}),
        write_model: Callable[[Path], str] | None = None,
    ) -> Path:
        """Write a finished run; ``run.json`` comes last, so a folder with one is complete.

        The run is called as its record says, or after the next free second where that name is taken.

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
        folder = self._reserve(record.name)
        for stem, frame in frames.items():
            write_frame(folder / f"{stem}.parquet", frame)
        for stem, picture in pictures.items():
            write_atomically(folder / f"{stem}.svg", picture)
        if write_model is not None:
            record = replace(record, model_hash=write_model(folder / "model"))
        write_record(folder, replace(record, name=folder.name))
        return folder

    def load(self, name: str) -> StoredRun:
        """Return the finished run called `name`."""
        if not RUN_NAME.fullmatch(name):
            raise DataError(
                f"{name!r} is no run name; a run is called like its log, AAPL_gbm_xgb_20240105_143022"
            )
        record = read_record(self.root / name)
        if record is None:
            raise DataError(f"{self.root / name}: no finished run there; `geiger train` makes one")
        return StoredRun(self.root / name, record)

    def named(self, text: str) -> StoredRun:
        """Return the run of this name, or else the newest one whose name begins so; `latest` is the newest.

        Raises
        ------
        DataError
            There is none, or its record cannot be read.
        """
        if RUN_NAME.fullmatch(text):
            return self.load(text)
        runs = self.all()
        found = _newest(run for run in runs if text == LATEST or (text and run.name.startswith(text)))
        if found is None:
            near = difflib.get_close_matches(text, {run.name[: len(text)] for run in runs}, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise DataError(f"{self.root}: no finished run is called {clean(text)!r} or begins so{meant}")
        return found

    def find(self, forecast_key: str) -> StoredRun | None:
        """Return the newest finished run whose forecasts have this key, or None."""
        return _newest(run for run in self.all() if run.record.forecast_key == forecast_key)

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
            if (run.record.symbol, run.record.kind) == (symbol, "train")
            and model in (None, run.record.model)
            and (run.record.model_hash is not None or not usable)
        )

    def is_panel(self, name: str) -> bool:
        """Whether the newest run under a name, by its stamp, is that of a panel."""
        made = re.compile(rf"{re.escape(name)}_[a-z_]+_(\d{{8}}_\d{{6}})")
        stamped = [(found[1], path) for path in self._folders() if (found := made.fullmatch(path.name))]
        with suppress(DataError):  # whoever reads such a run is told
            record = read_record(max(stamped)[1]) if stamped else None
            return record is not None and bool(record.members)
        return False

    def all(self) -> list[StoredRun]:
        """Return every finished run whose record can be read, by name."""
        found = []
        for folder in self._folders():
            with suppress(DataError):  # whoever names such a run is told
                record = read_record(folder)
                if record is not None:
                    found.append(StoredRun(folder, record))
        return found

    def ledger_heads(self) -> Iterator[tuple[Path, LedgerHead]]:
        """Yield how far the ledger of forecasts had come when each run ended, and the file that says so."""
        for folder in self._folders():
            head = read_ledger_head(folder)
            if head is not None:
                yield folder / RECORD, head

    def register_heads(self) -> Iterator[tuple[Path, RegisterHead]]:
        """Yield how far the register of trials had come when each run ended, and the file that says so."""
        for folder in self._folders():
            head = read_register_head(folder)
            if head is not None:
                yield folder / RECORD, head

    def _folders(self) -> list[Path]:
        if not self.root.is_dir():
            return []
        return sorted(path for path in self.root.iterdir() if RUN_NAME.fullmatch(path.name))

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
    return max(runs, key=lambda run: run.record.finished_at, default=None)
