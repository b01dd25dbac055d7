"""Where check sources are kept: ``runs/checks/{key}.json``; unfinished ones, path by path, as ``.jsonl``."""

from __future__ import annotations

import json
import re
from pathlib import Path

from geiger.codec import Misfit, fitted, parsed, plain
from geiger.errors import DataError
from geiger.files import write_atomically
from geiger.records import CheckSource

_KEY = re.compile(r"[0-9a-f]{1,64}")  # what stands in a record may have been written by anyone


def keep_check(folder: Path, check: CheckSource) -> Path:
    """Write a check source under its key and return its file."""
    path = folder / f"{check.key}.json"
    write_atomically(path, (json.dumps(plain(check), indent=1) + "\n").encode())
    return path


def read_check(folder: Path, key: str) -> CheckSource | None:
    """Return the check source that was kept under `key`, or None.

    Raises
    ------
    DataError
        The file is damaged.
    """
    path = folder / f"{key}.json"
    if not _KEY.fullmatch(key) or not path.is_file():
        return None
    try:
        return fitted(parsed(path.read_bytes()), CheckSource)
    except Misfit as error:
        raise DataError(f"{path}: {error}; remove it and hold the check source again") from None
