"""The logs that the server shows: those with the name of a run, remembered in memory and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from geiger.analysis.index import Key, KnownLog, Stamp
from geiger.analysis.logbook import LogBook
from geiger.command_line import RUNS_DIR
from geiger.records import RunLog
from geiger.service.tools import is_name


class ServedLogs(LogBook):
    """A folder of logs, without its index: that is neither written nor trusted."""

    def __init__(self, folder: Path, runs: Path | str = RUNS_DIR) -> None:
        super().__init__(folder, keep=False, runs=runs)
        self._known: dict[Key, KnownLog] = {}
        self._last: tuple[object, RunLog] | None = None

    def names(self) -> dict[str, Stamp]:
        """Return the stem and the stamp of every log that may be read, by name."""
        return {name: stamp for name, stamp in super().names().items() if is_name(name)}

    def log(self, name: str) -> RunLog:
        """Return all that one log says; the last one is remembered as long as its files stay as they are.

        Raises
        ------
        DataError
            There is no such log here, or it cannot be read.
        """
        path = self.path(name)
        stamp = (path, _stamp(path), _stamp(path.with_suffix(".jsonl")))
        if self._last is None or self._last[0] != stamp:
            self._last = None  # two of them need not be held at once
            self._last = (stamp, self.case(name).log)
        return self._last[1]

    def _load(self) -> dict[Key, KnownLog]:
        return dict(self._known)

    def _add(self, logs: Sequence[KnownLog]) -> None:
        self._known |= {one.key: one for one in logs}

    def _mark(self, logs: Sequence[KnownLog]) -> None:
        self._known |= {one.key: replace(one, analyzed=True) for one in logs if one.key in self._known}

    def _tidy(self) -> None:
        stamps = self.names()
        self._known = {key: one for key, one in self._known.items() if stamps.get(one.name) == one.stamp}


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what changes with a file: itself where it is a link, and what it leads to."""
    try:
        link, target = path.lstat(), path.stat()
    except OSError:
        return None
    return (link.st_ino, link.st_mtime_ns, target.st_ino, target.st_size, target.st_mtime_ns)
