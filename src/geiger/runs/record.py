"""The record of a run, ``run.json``: what was asked, on which data, with which code, and what came of it.

`read_record` and `write_record` are its one codec. Its keys, their order and its text are read by other
programs as well. A field that later versions added has a default here, which lifts older records; a record
of a newer schema is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from geiger.cleaning import clean
from geiger.codec import Misfit, fitted, parsed, plain
from geiger.cross_section import CrossSection
from geiger.errors import DataError
from geiger.files import write_atomically
from geiger.records import (
    AuditSummary,
    Checkpoint,
    Diagnosis,
    Figure,
    FoldResult,
    FoldScore,
    Health,
    Notice,
    RegisterHead,
    Rival,
    Rung,
    Score,
    Status,
    Training,
    Verdict,
    Year,
)

SCHEMA = 1
RECORD = "run.json"
STAMP = "%Y%m%d_%H%M%S"
RUN_NAME = re.compile(r"[A-Za-z0-9^=][A-Za-z0-9^=._-]*_[a-z_]+_\d{8}_\d{6}")
LONGEST_WHY = 200  # characters of a reason

Kind = Literal["train", "backtest"]

_ONLY: Mapping[Kind, tuple[str, ...]] = {  # keys that stand in records of one kind alone
    "train": ("forecast_key", "folds", "trainings", "bases", "bases_failed"),
    "backtest": ("forecasts_of",),
}


@dataclass(frozen=True)
class ContextData:
    """Symbols and content hashes of the market index and the volatility index; None where there is none."""

    market: str | None = None
    market_hash: str | None = None
    volatility: str | None = None
    volatility_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the data came from.

    Attributes
    ----------
    source, where : str
        Kind of source (``folder``, ``file``, ``embedded`` ...), and its path or name.
    first_day, last_day : str
        Of the development rows, ISO; `rows` are so many.
    data_hash : str
        Of the whole series, the lock-box included: its name among the snapshots.
    lockbox_rows, lockbox_from : int, str or None
        Last rows that are locked, and the first of their days.
    features : str
        Name of the feature contract.
    """

    source: str
    where: str
    first_day: str
    last_day: str
    rows: int
    data_hash: str
    lockbox_rows: int
    lockbox_from: str | None = None
    context: ContextData = ContextData()
    features: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it; what the context lacks is left out."""
        context = {name: value for name, value in plain(self.context).items() if value is not None}
        return {**plain(self), "context": context}


@dataclass(frozen=True, kw_only=True)
class OwnPart:
    """Something of the user's own that shaped a run: what it is called, and hashes that tell it from others.

    Attributes
    ----------
    name : str
        File and name in it, or what an object in memory calls itself.
    where : str or None
        Path of its file, to be shown; nothing there is ever run because a record names it.
    digest : str or None
        SHA-256 of its source file, or hash of a frame's content; None for an object in memory.
    values : str or None
        Hash of all numbers that it made of the run's bars; None for an estimator.
    columns : tuple of str
        Of features: what they are called beside ours.
    """

    name: str
    where: str | None = None
    digest: str | None = None
    values: str | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OwnParts:
    """Features, target and estimator of the user's own; None where a run had ours."""

    features: OwnPart | None = None
    target: OwnPart | None = None
    estimator: OwnPart | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What of it there is: ``features``, ``target``, ``estimator``."""
        return tuple(part.name for part in fields(self) if getattr(self, part.name) is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of own features, behind ours."""
        return () if self.features is None else self.features.columns

    def content(self) -> dict[str, Any]:
        """Return what the parts are, and not where they lie; empty where there are none."""
        parts = {name: part for name, part in plain(self).items() if part is not None}
        return {
            name: {key: value for key, value in part.items() if key != "where"}
            for name, part in parts.items()
        }

    def standing(self) -> dict[str, Any]:
        """Return what of the content stays when days are appended: of numbers those without code."""
        return {
            name: {key: value for key, value in part.items() if key != "values" or part["digest"] is None}
            for name, part in self.content().items()
        }


NOTHING_OWN = OwnParts()


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What else the bits of a run depend on.

    Attributes
    ----------
    threads : int
        Processors the process could use.
    thread_variables : mapping of str to str
        Those variables of the environment that were set.
    versions : mapping of str to str
        Of geiger and of the libraries that are installed.
    code : str or None
        Hash of geiger's own source.
    """

    python: str
    machine: str
    threads: int
    thread_variables: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class PanelMember:
    """One symbol of a panel: where its prices came from, and what of them took part.

    Attributes
    ----------
    data_hash : str
        Of its whole series: its name among the snapshots.
    first_day, last_day : str
        Of its development rows, ISO.
    rows, stale : int
        Rows that took part, and those among them that were learned from and never scored, because too many
        opens of the last year were no prices to trade at.
    """

    symbol: str
    source: str
    where: str
    data_hash: str
    first_day: str
    last_day: str
    rows: int
    stale: int = 0


@dataclass(frozen=True, kw_only=True)
class Results:
    """What the forecasts were worth: the tables of the log.

    Attributes
    ----------
    diagnosis : Diagnosis or None
        Of networks.
    folds : tuple of FoldScore or None
        None where the run is too old to have them.
    rivals : tuple of Rival
        Of a stack.
    cross_section : CrossSection or None
        Of a panel.
    """

    health: Health | None = None
    diagnosis: Diagnosis | None = None
    figures: tuple[Figure, ...]
    checkpoints: tuple[Checkpoint, ...]
    ladder: tuple[Rung, ...]
    scores: tuple[Score, ...]
    years: tuple[Year, ...]
    folds: tuple[FoldScore, ...] | None = None
    rivals: tuple[Rival, ...] = ()
    cross_section: CrossSection | None = None


@dataclass(frozen=True)
class LedgerHead:
    """How far the ledger of saved forecasts had come: its entries, and the hash of the last one."""

    length: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a finished run says of itself, in the order in which ``run.json`` is written.

    Attributes
    ----------
    forecasts_of : str or None
        Of a backtest: the run whose forecasts it traded. A training has the following five instead.
    forecast_key : str or None
        Key of everything that shapes a forecast; None for an estimator that was given in memory.
    folds : tuple of FoldResult
    trainings : tuple of Training
        One a network member; empty for other models.
    bases, bases_failed : mapping of str to str
        Of a stack: model to run, and model to why it could not be trained.
    config : mapping
        The settings as they were written; `StoredRun.config` makes settings of them.
    days_per_year : int or None
        Trading days in a year of the run's market; None where the run is too old to say.
    verdict : Verdict or None
        None where there was none yet.
    audit : AuditSummary or None
        Of the time-travel audit; None where there was none yet.
    forecast_ledger : LedgerHead or None
        None where nothing was saved yet.
    own : OwnParts
        What was the user's own; nothing in records that are older.
    log : str or None
        Path of its log; None where none could be written.
    finished_at : str
        ISO 8601 with its zone.
    model_hash : str or None
        What proves the model for use whole; None where the run left none.
    members : tuple of PanelMember
        Of a panel, whose name stands in `symbol`; empty for a symbol alone.
    """

    schema: int = SCHEMA
    name: str = ""
    kind: Kind = "train"
    forecasts_of: str | None = None
    forecast_key: str | None = None
    folds: tuple[FoldResult, ...] = ()
    trainings: tuple[Training, ...] = ()
    bases: Mapping[str, str] = field(default_factory=dict)
    bases_failed: Mapping[str, str] = field(default_factory=dict)
    symbol: str
    model: str
    status: Status
    config: Mapping[str, Any]
    fill: Literal["next_open", "close"]
    days_per_year: int | None = None
    data: Provenance
    environment: Environment
    results: Results
    verdict: Verdict | None = None
    audit: AuditSummary | None = None
    forecast_ledger: LedgerHead | None = None
    warnings: tuple[Notice, ...] = ()
    log: str | None = None
    finished_at: str = ""
    model_hash: str | None = None
    own: OwnParts = NOTHING_OWN
    members: tuple[PanelMember, ...] = ()

    def __post_init__(self) -> None:
        if self.days_per_year is not None and not 1 <= self.days_per_year <= 366:
            raise ValueError(f"days_per_year must lie between 1 and 366, got {self.days_per_year}")
        if self.kind == "backtest" and self.forecasts_of is None:
            raise ValueError("forecasts_of is missing, which a backtest has")


class Newer(Misfit):
    """A record of a newer version."""


def as_json(record: RunRecord) -> dict[str, Any]:
    """Return a record as ``run.json`` holds it: without what its kind of run does not have."""
    other: Kind = "backtest" if record.kind == "train" else "train"
    absent = (
        *_ONLY[other],
        *(("model_hash",) if record.model_hash is None else ()),
        *(("own",) if record.own == NOTHING_OWN else ()),
        *(() if record.members else ("members",)),
    )
    facts = {**plain(record), "data": record.data.as_dict()}
    if record.results.cross_section is None:
        del facts["results"]["cross_section"]
    return {name: value for name, value in facts.items() if name not in absent}


def record_of(text: bytes) -> RunRecord:
    """Return the record that the text of a ``run.json`` holds.

    Raises
    ------
    Misfit
        It is damaged, of a newer schema, or a field of it is missing or of the wrong type.
    """
    facts = parsed(text)
    schema = facts.get("schema", SCHEMA) if isinstance(facts, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise Newer(f"schema {schema} is newer than this version knows, {SCHEMA}")
    if isinstance(facts, dict) and isinstance(facts.get("verdict"), str):  # older: there was none yet
        facts = {**facts, "verdict": None}
    return fitted(facts, RunRecord)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write the record into the folder of its run.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    write_atomically(folder / RECORD, json.dumps(as_json(record), indent=2).encode())


def read_record(folder: Path) -> RunRecord | None:
    """Return the record in the folder of a run; None where no run has ended there.

    Raises
    ------
    DataError
        It cannot be read: the line names the file, the field, and what to do.
    """
    path = folder / RECORD
    try:
        return record_of(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); train again") from None
    except Misfit as error:
        why = clean(error)[:LONGEST_WHY]
        advice = "update geiger" if isinstance(error, Newer) else "train again"
        raise DataError(f"{path}: cannot be read ({why}); {advice}") from None


def read_ledger_head(folder: Path) -> LedgerHead | None:
    """Return how far the ledger of forecasts had come, even where the rest of the record cannot be read."""
    try:
        return fitted(parsed((folder / RECORD).read_bytes()), _WithHead).forecast_ledger
    except (OSError, Misfit):
        return None


def read_register_head(folder: Path) -> RegisterHead | None:
    """Return how far the register of tries had come with this run, even where the rest cannot be read."""
    try:
        verdict = fitted(parsed((folder / RECORD).read_bytes()), _WithVerdict).verdict
    except (OSError, Misfit):
        return None
    return None if verdict is None or verdict.tries is None else verdict.tries.head


@dataclass(frozen=True)
class _WithHead:
    forecast_ledger: LedgerHead | None = None


@dataclass(frozen=True)
class _Registered:
    head: RegisterHead


@dataclass(frozen=True)
class _Judged:
    tries: _Registered | None = None


@dataclass(frozen=True)
class _WithVerdict:
    verdict: _Judged | None = None
