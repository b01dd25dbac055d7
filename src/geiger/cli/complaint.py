"""How a command says that something went wrong: one plain line on stderr."""

from __future__ import annotations

import sys

from geiger.cleaning import clean
from geiger.errors import GeigerError


def plain(error: Exception) -> str:
    r"""Return what an error has to say, in one printable line.

    >>> plain(OSError(28, "No space left on device", "runs/a.parquet"))
    'runs/a.parquet: No space left on device; check the disk and the permissions there'
    >>> plain(ValueError("odd\x1b[31m"))
    'unexpected ValueError: odd\\x1b[31m; run it again with --debug to see where'
    """
    if isinstance(error, GeigerError):
        return clean(error)
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return clean(f"{error.filename}: {error.strerror}; check the disk and the permissions there")
    return clean(f"unexpected {type(error).__name__}: {error}; run it again with --debug to see where")


def complain(text: str) -> None:
    """Print one line on stderr, with nothing in it that a terminal would obey."""
    print(f"geiger: {clean(text)}", file=sys.stderr, flush=True)
