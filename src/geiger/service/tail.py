"""A training that goes on, read as it grows: only what is new of its events, never the whole file again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from geiger.records import Epoch, Notice, RunSettings, Status
from geiger.runlog.lines import decoded
from geiger.runlog.reader import parse_events

AT_ONCE = 8 << 20  # bytes that are read in one go
Member = tuple[int, int]  # fold, seed


@dataclass
class Told:
    """What the events have told so far.

    Attributes
    ----------
    epochs : dict
        Of each member (fold and seed), by the number of the epoch: of two with one number the later counts.
    latest : dict
        Of each fold the member whose epoch came last, the fold of the last epoch behind all others.
    folds : set of int
        Folds that are done.
    """

    config: tuple[tuple[str, str], ...] = ()
    settings: RunSettings | None = None
    epochs: dict[Member, dict[int, Epoch]] = field(default_factory=dict)
    latest: dict[int, Member] = field(default_factory=dict)
    folds: set[int] = field(default_factory=set)
    warnings: list[Notice] = field(default_factory=list)
    status: Status | None = None
    stopped: str = ""

    def copied(self) -> Told:
        """Return the same, which stays as it is while more is told."""
        return replace(
            self,
            epochs={member: dict(epochs) for member, epochs in self.epochs.items()},
            latest=dict(self.latest),
            folds=set(self.folds),
            warnings=list(self.warnings),
        )

    def going(self) -> list[Member]:
        """Return the latest member of each fold that has begun and is not done, the earliest fold first."""
        return sorted(member for fold, member in self.latest.items() if fold not in self.folds)

    def shown(self) -> Member | None:
        """Return the member to look at: of the earliest fold in training, so that it stays a while."""
        going = self.going()
        return going[0] if going else next(reversed(self.latest.values()), None)


class Tail:
    """The events of one log; several readers may ask at once.

    Parameters
    ----------
    path : callable
        Gives the file anew each time, or refuses it.
    """

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path, self._lock = path, threading.Lock()
        self._at, self._inode, self._told = 0, 0, Told()

    def read(self) -> Told:
        """Return all that was told up to now; a file that is not there yet has told nothing."""
        with self._lock:
            with suppress(FileNotFoundError):
                self._more(self._path())
            return self._told.copied()

    def _more(self, path: Path) -> None:
        with open(path, "rb") as file:
            facts = os.fstat(file.fileno())
            if facts.st_ino != self._inode or facts.st_size < self._at:  # another file under that name
                self._at, self._inode, self._told = 0, facts.st_ino, Told()
            file.seek(self._at)
            while chunk := file.read(AT_ONCE):
                whole = chunk.rfind(b"\n") + 1
                if not whole:  # half a line: the rest of it is still to come
                    return
                self._take(chunk[:whole])
                self._at += whole
                file.seek(self._at)

    def _take(self, lines: bytes) -> None:
        log, told = parse_events(decoded(lines)), self._told
        told.config, told.settings = log.config or told.config, log.settings or told.settings
        for epoch in log.epochs:
            member = (epoch.fold, epoch.seed)
            told.epochs.setdefault(member, {})[epoch.epoch] = epoch
            told.latest.pop(epoch.fold, None)
            told.latest[epoch.fold] = member
        told.folds.update(fold.fold for fold in log.folds)
        told.warnings += log.warnings
        told.status = log.status or told.status
        told.stopped = log.stopped or told.stopped
