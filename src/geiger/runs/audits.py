"""The outcome of a time-travel audit, and where it is kept: ``runs/audits/{key}.json``."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from geiger.codec import Misfit, fitted, parsed, plain
from geiger.errors import DataError
from geiger.files import write_atomically
from geiger.records import AuditSummary

SCHEMA = 1
Color = Literal["green", "red"]
_KEY = re.compile(r"[0-9a-f]{1,64}")  # what stands in a record may have been written by anyone


@dataclass(frozen=True, kw_only=True)
class StageCheck:
    """One stage: in how many worlds it was made again and compared, and how long that took."""

    stage: str
    what: str
    worlds: int
    values: int  # numbers compared
    seconds: float


@dataclass(frozen=True, kw_only=True)
class CutDay:
    """A day behind which worlds differed."""

    day: str
    why: str


@dataclass(frozen=True, kw_only=True)
class NotChecked:
    """What was not checked, and why."""

    stage: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Leak:
    """One look ahead: the first value that moved and should not have.

    Attributes
    ----------
    stage, column, day : str
        Where it moved first.
    size : float or None
        Largest move of the column, in its deviations; None where a value came or went.
    rows, columns : int
        How many rows of the column moved, and how many columns.
    world, cut : str
        What was altered, and the day behind which it was.
    cause, mend : str
        What it most likely comes from, and what to do.
    member : str, optional
        Of a panel: the symbol whose row moved first.
    members : int
        How many symbols moved.
    """

    stage: str
    column: str
    day: str
    size: float | None
    rows: int
    columns: int
    world: str
    cut: str
    cause: str
    mend: str
    member: str | None = None
    members: int = 1

    @property
    def where(self) -> str:
        """Stage and column, and of a panel the symbol."""
        return f"{self.stage}: {self.column}" + (f" of {self.member}" if self.member else "")


@dataclass(frozen=True, kw_only=True)
class CanaryCheck:
    """A planted leak: whether the audit found it, where it said it was, and where it had been planted.

    Attributes
    ----------
    planted, found : str, str or None
        Stages.
    skipped : str, optional
        Why it could not be planted here: then it was neither found nor missed.
    """

    name: str
    what: str
    planted: str
    found: str | None
    column: str | None
    caught: bool
    skipped: str | None = None

    @property
    def missed(self) -> bool:
        """Whether it was planted and not found, or found somewhere else."""
        return not self.caught and self.skipped is None


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Built-in stages that were not made again: an audit of other data had the same code and settings.

    Attributes
    ----------
    key : str
        Under which that audit is kept.
    stages : tuple of str
        What it compared, in order.
    """

    symbol: str
    day: str
    key: str
    stages: tuple[str, ...]

    def not_checked(self) -> NotChecked:
        """Return what was left out here, and why."""
        return NotChecked(
            stage=f"{self.stages[0]} ... {self.stages[-1]}",
            why=f"audited on {self.symbol} on {self.day} with this code and these settings",
        )


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    color : {"green", "red"}
        Red where a leak was found, or a canary was not.
    blind : int
        Worlds that could not be made, so that nothing was compared in them; `not_checked` says why.
    effort : tuple of str
        What was made lighter for the audit, such as fewer epochs; empty where nothing was.
    key : str
        Of everything that the outcome depends on: code, settings, data, and parts of the user's own.
    built_in : str
        The same without data and own parts, where every stage of ours was looked at; else empty.
    elsewhere : Elsewhere or None
        Where the stages were audited that were left out here; None where all was done.
    complete : bool
        Whether every other world could be made, and no stage was left out.
    declared : tuple of str
        Of a panel: what hangs on all symbols together and may therefore change where one joins or leaves.
    """

    schema: int = SCHEMA
    symbol: str
    model: str
    run: str | None = None
    color: Color
    stages: tuple[StageCheck, ...]
    cuts: tuple[CutDay, ...]
    worlds: tuple[str, ...]
    leaks: tuple[Leak, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    canaries: tuple[CanaryCheck, ...] = ()
    blind: int = 0
    effort: tuple[str, ...] = ()
    seconds: float = 0.0
    made_at: str = ""
    key: str = ""
    built_in: str = ""
    elsewhere: Elsewhere | None = None
    complete: bool = False
    declared: tuple[str, ...] = ()

    @property
    def green(self) -> bool:
        """Whether nothing moved and every canary was caught."""
        return self.color == "green"

    def with_canaries(self, checks: tuple[CanaryCheck, ...]) -> Audit:
        """Return the same with what became of planted leaks: red where one was missed."""
        red = bool(self.leaks) or any(one.missed for one in checks)
        return replace(self, canaries=checks, color="red" if red else "green")

    @property
    def summary(self) -> AuditSummary:
        """Return what a log and a run's record keep of it."""
        worst = self.leaks[0] if self.leaks else None
        rest = () if self.elsewhere is None else self.elsewhere.stages
        return AuditSummary(
            color=self.color,
            stages=len(self.stages) + len(rest),
            cuts=len(self.cuts),
            day=self.made_at[:10],
            leak=None if worst is None else worst.where,
            cause=None if worst is None else worst.cause,
            mend=None if worst is None else worst.mend,
            key=self.key or None,
        )


def keep_audit(folder: Path, audit: Audit) -> Path:
    """Write an audit under its key and return its file."""
    path = folder / f"{audit.key}.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(plain(audit), indent=1) + "\n").encode())
    return path


def read_audit(folder: Path, key: str) -> Audit | None:
    """Return the audit that was kept under `key`, or None.

    Raises
    ------
    DataError
        The file is damaged or of a newer version.
    """
    path = folder / f"{key}.json"
    if not _KEY.fullmatch(key) or not path.is_file():
        return None
    try:
        found = fitted(parsed(path.read_bytes()), Audit)
    except Misfit as error:
        raise DataError(f"{path}: {error}; remove it and audit again") from None
    if found.schema > SCHEMA:
        raise DataError(f"{path}: was written by a newer version; update geiger or audit again")
    return found


def kept_built_in(folder: Path, built_in: str) -> Audit | None:
    """Return the newest audit that showed all stages of ours to be clean, on whatever data.

    One that was red vouches against all others: then there is none.

    Parameters
    ----------
    built_in : str
        Key of code, settings, model and trading, as `Audit.built_in` has it.
    """
    found = []
    for path in folder.glob("*.json"):
        if built_in.encode() not in path.read_bytes():  # most are of something else: they are not taken apart
            continue
        with suppress(DataError):  # whoever asks for that very audit is told
            one = read_audit(folder, path.stem)
            if one is not None and one.built_in == built_in:
                found.append(one)
    newest = max(found, key=lambda one: one.made_at, default=None)
    return newest if all(one.green for one in found) else None
