"""Texts from outside as one printable line that shows no secret and that no terminal would obey."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|\btoken\b|api[ _-]?key|credential|authorization", re.I
)
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*)"
    r"(?:bearer )?[^\s&,;]+|(?P<scheme>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://)[^\s/@]+@",
    re.I,
)


def clean(text: object) -> str:
    r"""Return `text` as one printable line without secrets.

    Control characters, line ends, direction marks and lone surrogates are escaped, runs of spaces become
    one, values that a name such as ``password=`` introduces are hidden, and a line cannot look like the
    heading of a section.

    >>> clean("AAPL\n=== STATUS ===\x1b[2J"), clean("GET https://me:pw@host/?token=abc&x=1")
    ('AAPL\\n=== STATUS ===\\x1b[2J', 'GET https://[hidden]@host/?token=[hidden]&x=1')
    """
    shown = str(text)
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
    shown = " ".join(shown.split())
    if "=" in shown or ":" in shown:  # without one, nothing can introduce a secret
        shown = _SECRET_IN_TEXT.sub(_hide, shown)
    return f"\\{shown}" if shown.startswith("===") else shown


def clean_setting(name: object, value: object) -> tuple[str, str]:
    """Return one line of the configuration; a name holds no colon, the value of a secret is hidden.

    >>> clean_setting("API key", "abc"), clean_setting("Learning Rate", "1e-3")
    (('API key', '[hidden]'), ('Learning Rate', '1e-3'))
    """
    key = clean(clean(name).replace(":", " "))
    return key, "[hidden]" if _SECRET_NAME.search(key) else clean(value)


def spotless(text: bytes) -> bool:
    r"""Whether `clean` and `clean_setting` leave all texts in compact JSON as they are; False where unsure.

    One look at all of a log together, since nearly every log of ours is so. Only texts have spaces there.

    >>> spotless(b'["AAPL","5 bp"]'), spotless(rb'["AAPL","\u001b[2J"]'), spotless(b'["x --token=abc"]')
    (True, False, False)
    """
    if text.translate(None, _PLAIN) or any(mark in text for mark in _UNTIDY):
        return False
    lower = text.lower()
    return not any(word in lower for word in _SUSPECT)


_PLAIN = bytes(code for code in range(32, 127) if code != ord("\\"))  # without escapes, a quote ends a text
_UNTIDY = (b"  ", b'" ', b' "', b'"===')  # spaces that `clean` takes away, and what looks like a heading
_SUSPECT = (b"passw", b"passphrase", b"secret", b"token", b"api", b"credential", b"authorization", b"://")


Record = TypeVar("Record", bound="DataclassInstance")


def cleaned(record: Record) -> Record:
    """Return a record with every text in it cleaned, those of records inside it as well."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    cleaned_values = {name: _cleaned_value(value) for name, value in values.items()}
    changes: dict[str, Any] = {
        k: v for k, v in cleaned_values.items() if v is not values[k] and v != values[k]
    }
    return replace(record, **changes) if changes else record


def _cleaned_value(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Enum):
        return clean(value)
    if is_dataclass(value) and not isinstance(value, type):
        return cleaned(value)
    return tuple(_cleaned_value(item) for item in value) if isinstance(value, tuple) else value


def _hide(match: re.Match[str]) -> str:
    return f"{match['name']}[hidden]" if match["name"] else f"{match['scheme']}[hidden]@"
