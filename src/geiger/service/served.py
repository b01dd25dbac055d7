"""The logs that the server shows: those with the name of a run, remembered in memory and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from geiger.logbook import Entry, LogBook, Stamp
from geiger.service.tools import is_name


class ServedLogs(LogBook):
    """A folder of logs, without its index: that is neither written nor trusted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, keep=False)
        self._known: dict[str, Entry] = {}

    def names(self) -> dict[str, Stamp]:
        """Return the stem and the stamp of every log that may be read, by name."""
        return {name: stamp for name, stamp in super().names().items() if is_name(name)}

    def _load(self) -> dict[str, Entry]:
        return dict(self._known)

    def _save(self, entries: Mapping[str, Entry]) -> None:
        self._known = dict(entries)
