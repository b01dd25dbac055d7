"""All the facts of one run log, and the words that may stand in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from geiger.records import Checkpoint, Epoch, Figure, FoldResult, Notice, Rung, Score, Status, Unit, Year

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NOT_EVALUATED = ("not evaluated",)

PLAN_FIGURES: Mapping[str, Unit] = {
    "Direction Accuracy": "share",
    "Prediction Std": "number",
    "Positive %": "share",
    "WFE": "share",
    "Test Sharpe": "ratio",
}
"""The five figures that open FINAL METRICS, in order, with their units."""


@dataclass(frozen=True)
class Scorecard:
    """The tables of the SCORECARD section."""

    scores: tuple[Score, ...] = ()
    rungs: tuple[Rung, ...] = ()
    years: tuple[Year, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunLog:
    """One run log.

    Attributes
    ----------
    schema : int
        Version it was written in; 0 is a log that has only the plan's own sections.
    config : tuple of (name, text)
        In the order written.
    epochs : tuple of Epoch
        Of all folds and seeds where the events were read; of one member where only the text was.
    folds : tuple of FoldResult
        Never in the text.
    verdict : tuple of str
        One line each, the answer first.
    status : Status or None
        None where the run was killed or still goes on.
    lines : mapping of str to int
        Where a fact stands in the text, counted from 1: ``"FINAL METRICS/WFE"``, ``"EPOCH METRICS/12"``,
        ``"CHECKPOINTS/3"``, ``"WARNINGS/LEAK_SUSPECT"``, or a section's own name for its heading.
    unread : tuple of int
        Lines that say nothing this reader knows, of the text where there is one.
    """

    schema: int = 1
    config: tuple[tuple[str, str], ...] = ()
    epochs: tuple[Epoch, ...] = ()
    folds: tuple[FoldResult, ...] = ()
    figures: tuple[Figure, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    scorecard: Scorecard = Scorecard()
    verdict: tuple[str, ...] = NOT_EVALUATED
    warnings: tuple[Notice, ...] = ()
    status: Status | None = None
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    unread: tuple[int, ...] = field(default=(), compare=False)


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
        replace(known.get(name, Figure(name, None, unit)), unit=unit) for name, unit in PLAN_FIGURES.items()
    )
    return five + tuple(figure for figure in figures if figure.name not in PLAN_FIGURES)


_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|\btoken\b|api[ _-]?key|credential|authorization", re.I
)
_SECRET_IN_TEXT = re.compile(
    r"(?P<name>(?:password|passwd|passphrase|secret|token|api[_-]?key|authorization)[\"']?\s*[=:]\s*)"
    r"(?:bearer )?[^\s&,;]+|(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/@]+@",
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
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    shown = _SECRET_IN_TEXT.sub(_hide, " ".join(shown.split()))
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
    """Return a record with every text in it cleaned."""
    changes: dict[str, Any] = {f.name: _cleaned_value(getattr(record, f.name)) for f in fields(record)}
    return replace(record, **changes)


def _cleaned_value(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Enum):
        return clean(value)
    return tuple(_cleaned_value(item) for item in value) if isinstance(value, tuple) else value


def _hide(match: re.Match[str]) -> str:
    return f"{match['name']}[hidden]" if match["name"] else f"{match['scheme']}[hidden]@"
