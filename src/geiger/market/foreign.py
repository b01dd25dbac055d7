"""What servers send in place of prices: web pages, JSON, and a sentence about limits."""

from __future__ import annotations

import json
import re

from geiger.errors import DataError
from geiger.market.headings import quote
from geiger.market.stamps import is_date

_SHOWN = 80
_LONGEST = 2000  # characters; no server says more in plain words
_PAGE = re.compile(
    r"<(?:!doctype|html|head|body|\?xml|script|title|meta|table|div|p|h[1-6]|error|center|pre)\b|<!--", re.I
)
_SPLIT = re.compile(r"[,;\t|]")
_NUMBER = re.compile(r"[$€£¥₹\s]*[+-]?[0-9][0-9.,\s]*(?:[eE][+-]?[0-9]{1,4})?%?")


def refuse_messages(text: str) -> None:
    """Raise a DataError where the text is a message and no table; say what it says."""
    start = text.lstrip("\ufeff \t\r\n")
    found = quote(" ".join(start[: 4 * _SHOWN].split()), _SHOWN)
    if _PAGE.match(start):
        raise DataError(
            f"this is a server's message, not prices: {found} (markup, as of a web page); ask again"
        )
    if start[:1] == "{" or (start[:1] == "[" and _is_json(start)):
        raise DataError(
            f"this is a server's message, not prices: {found} (JSON); read the message and ask again, or "
            "where prices are in it, export them as CSV"
        )
    if start and not any(_is_row(line) for line in start.splitlines()):
        if len(start) > _LONGEST or not any(" " in line.strip() for line in start.splitlines()):
            raise DataError(f"this is a text, not prices: {found}; no line of it is a row of a table")
        raise DataError(
            f"this is a server's message, not prices: {found}; no line of it is a row of a table: ask again"
        )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return re.match(r'\[+\s*[\[{"]', text) is not None  # cut short
    except RecursionError:
        return True
    return True


def _is_row(line: str) -> bool:
    """Whether two cells of a line are numbers or dates, as in no sentence."""
    parts = [part.strip().strip('"') for part in _SPLIT.split(line)]
    return sum(_NUMBER.fullmatch(part) is not None or is_date(part) for part in parts) > 1
