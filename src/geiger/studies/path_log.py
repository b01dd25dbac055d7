"""What became of each path of a study, a line of JSON as it comes: an interruption loses no finished one."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

from geiger.errors import DataError


class PathLog:
    """Finished paths by name; the first of a name counts, so that none is counted twice.

    Parameters
    ----------
    path : Path
        Lines are only ever added. A torn line, such as a kill leaves, is passed over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[Hashable, Mapping[str, Any]] = {}
        try:
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({error.strerror or error}); check the folder") from None
        for line in lines:
            try:
                name, facts = json.loads(line)
                self.found.setdefault(_hashable(name), dict(facts))
            except (ValueError, TypeError):
                continue

    def add(self, name: tuple[str | int | float, ...], facts: Mapping[str, Any]) -> None:
        """Store one path at once.

        Raises
        ------
        DataError
            The file cannot be written.
        """
        line = json.dumps([name, facts], allow_nan=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if file.seek(0, 2):
                    file.seek(-1, 2)
                    line = line if file.read(1) == b"\n" else b"\n" + line
                file.write(line)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self.path}: cannot be written ({reason}); check the folder") from None
        self.found.setdefault(name, dict(facts))

    def remove(self) -> None:
        """Remove the file, once what it holds stands elsewhere."""
        self.path.unlink(missing_ok=True)


def _hashable(name: Any) -> Hashable:
    if not isinstance(name, list):
        raise TypeError
    return tuple(name)
