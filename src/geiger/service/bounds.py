"""What may leave through the door: clean text, finite numbers, few rows and bytes, only files of ours."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from geiger.cleaning import clean
from geiger.errors import SettingError

ROWS = 200  # at most so many rows in an answer
TEXT = 2_000  # characters of one text
BYTES = 60_000  # of one answer, as JSON: some 15,000 words for the assistant that reads it
FILE = 64 * 2**20  # bytes of a file that is read
_DEPTH = 12
_KEYS = 50  # of a table of names and values, however short its lists must become
_SHORT = 100  # characters that are left of a text
_AROUND = 1_000  # bytes around the facts or the rows of an answer


def inside(folder: Path, *parts: str) -> Path:
    """Return the path of a file in `folder`, refused where it, or a link on its way, leads out of it.

    Raises
    ------
    SettingError
        It leads out, is no ordinary file, or is too large to be read here.
    """
    path, named = folder.joinpath(*parts), "/".join(parts)
    try:
        resolved, root = path.resolve(), folder.resolve()
        ordinary = resolved.is_file() or not resolved.exists()
        size = resolved.stat().st_size if resolved.is_file() else 0
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links that go round in circles
        raise SettingError(f"{named}: cannot be followed; take a name from list_runs") from None
    if not resolved.is_relative_to(root):
        raise SettingError(f"{named}: leads out of the folder that is served; only what lies in it is read")
    if not ordinary or size > FILE:
        reason = f"has {size} bytes, at most {FILE} are read here" if ordinary else "is no ordinary file"
        raise SettingError(f"{named}: {reason}; look at it yourself")
    return path


def plain(value: Any, rows: int = ROWS, text: int = TEXT, depth: int = _DEPTH) -> Any:
    r"""Return a value as JSON can hold it: texts cleaned, numbers finite or named, what is long cut.

    >>> plain({"a": (1.5, float("nan")), "b": "x\x1b[2J and more"}, rows=1, text=5)
    {'a': [1.5, '[cut: 1 more]'], 'b': 'x\\x1b[2J [cut: 9 more characters]'}
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        return _text(value, text)
    if depth == 0:
        return "[cut]"
    if isinstance(value, Mapping):
        most = max(rows, _KEYS)
        kept = {
            _text(key, text): plain(item, rows, text, depth - 1) for key, item in islice(value.items(), most)
        }
        return kept if len(value) <= most else {**kept, "[cut]": f"{len(value) - most} more"}
    items = [plain(item, rows, text, depth - 1) for item in value[:rows]]
    return items if len(value) <= rows else [*items, f"[cut: {len(value) - rows} more]"]


def _text(value: object, most: int) -> str:
    text = str(value)
    rest = len(text) - most
    return clean(text) if rest <= 0 else f"{clean(text[:most])} [cut: {rest} more characters]"


def encoded(value: Any) -> str:
    """Return a value of `plain` as JSON text."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def size(value: Any) -> int:
    """Return the bytes of a value of `plain` as JSON text."""
    return len(encoded(value).encode())


def whole(facts: Mapping[str, Any], most: int = BYTES - _AROUND) -> dict[str, Any]:
    """Return the facts of one thing in at most `most` bytes: lists and texts become shorter until it holds.

    Raises
    ------
    SettingError
        Even with one row of each list it has more.
    """
    rows, text = ROWS, TEXT
    shown = plain(facts, rows, text)
    while size(shown) > most and rows > 1:
        rows, text = rows // 2, max(text // 2, _SHORT)
        note = f"lists are cut to {rows} and texts to {text} characters, to stay within {most} bytes"
        shown = {**plain(facts, rows, text), "cut": note}
    if size(shown) > most:
        raise SettingError(f"the answer has more than {most} bytes; ask for fewer things at once")
    return dict(shown)


def page(
    rows: Sequence[Mapping[str, Any]],
    name: str,
    limit: int,
    *,
    offset: int = 0,
    total: int | None = None,
    most: int = BYTES,
) -> dict[str, Any]:
    """Return the first of `rows`: at most `limit`, `ROWS`, and as many as `most` bytes hold.

    ``next_offset`` is where the next page begins, None after the last row.

    Parameters
    ----------
    offset, total : int
        Where the first row stands among how many; by default `rows` are all.

    >>> page([{"a": 1}, {"a": 2}], "rows", 1, offset=1, total=3)
    {'total': 3, 'offset': 1, 'next_offset': 2, 'rows': [{'a': 1}]}
    """
    shown: list[Any] = []
    left = most - _AROUND
    for row in rows[: min(limit, ROWS)]:
        fact = plain(row) if shown else whole(row, left)
        left -= size(fact) + 1
        if left < 0 and shown:
            break
        shown.append(fact)
    after, in_all = offset + len(shown), len(rows) if total is None else total
    return {
        "total": in_all,
        "offset": offset,
        "next_offset": after if shown and after < in_all else None,
        name: shown,
    }
