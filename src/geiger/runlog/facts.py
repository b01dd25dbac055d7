"""The words that may stand in a run log, and which of its facts the text shows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from geiger.figures import PLAN_FIGURES, FigureName
from geiger.records import Epoch, Figure

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

POSSIBLE: Mapping[str, tuple[float, float]] = {
    FigureName.DIRECTION_ACCURACY: (0, 1),
    FigureName.PREDICTION_STD: (0, math.inf),
    FigureName.POSITIVE_SHARE: (0, 1),
    FigureName.BASE_RATE: (0, 1),
    FigureName.DIRECTION_TEST_P: (0, 1),
}
"""The least and the most that figures can be of which sentences are made; what lies outside was misread."""


def shown_epochs(epochs: tuple[Epoch, ...]) -> tuple[Epoch, ...]:
    """Return the epochs that the text shows: those of the last fold, first seed."""
    if not epochs:
        return ()
    last = max(epoch.fold for epoch in epochs)
    first = min(epoch.seed for epoch in epochs if epoch.fold == last)
    return tuple(epoch for epoch in epochs if (epoch.fold, epoch.seed) == (last, first))


def plan_first(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    """Return `figures` with the plan's five at the front, in its units, undefined where they are missing."""
    known = {figure.name: figure for figure in reversed(figures)}
    five = tuple(
        replace(known.get(name, Figure(str(name), None, unit)), unit=unit)
        for name, unit in PLAN_FIGURES.items()
    )
    return five + tuple(figure for figure in figures if figure.name not in PLAN_FIGURES)


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
