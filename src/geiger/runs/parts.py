"""The folds that a killed run leaves for the next one with the same key.

::

    runs/.parts/<key>/fold_0003.npz   arrays of one finished fold, and facts as JSON
    runs/.parts/<key>/use/            the model for use, where workers trained it: see `saved`

Files are npz without objects: reading one runs no code.
"""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from geiger.codec import parsed
from geiger.errors import DataError
from geiger.files import write_atomically


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
                facts = parsed(bytes(stored["facts"]))
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

    @property
    def for_use(self) -> Path:
        """Folder of the model for use."""
        return self.folder / "use"

    def holds(self, fold: int) -> bool:
        """Return whether a fold is stored, and whole."""
        return self.load(fold) is not None

    def discard(self) -> None:
        """Remove the parts of a run that has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, fold: int) -> Path:
        return self.folder / f"fold_{fold:04d}.npz"
