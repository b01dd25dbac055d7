"""Records of a run as plain JSON objects, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from geiger.records import (
    NOT_EVALUATED,
    Assessment,
    Checkpoint,
    ConfigSection,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    Notice,
    Rung,
    RunLog,
    Score,
    Scorecard,
    Status,
    Training,
    Year,
)
from geiger.runlog.versions import SCHEMA, Event

RECORDS: dict[str, type] = {
    "config": ConfigSection,
    "epoch": Epoch,
    "fold": FoldResult,
    "training": Training,
    "warning": Notice,
    "figure": Figure,
    "checkpoint": Checkpoint,
    "score": Score,
    "rung": Rung,
    "year": Year,
    "fold_score": FoldScore,
    "assessment": Assessment,
}
"""Events whose fields are those of a record."""

VALUES: dict[str, tuple[str, Any]] = {
    "note": ("text", str),
    "verdict": ("lines", tuple[str, ...]),
    "status": ("status", Status),
    "stopped": ("text", str),
}
"""Events with a single field: its name and type."""


def encode(kind: str, content: object) -> Event:
    """Return one event as a JSON object; NaN and infinities become the texts ``nan``, ``inf``, ``-inf``."""
    head: Event = {"schema": SCHEMA, "event": kind}
    if kind in VALUES:
        return {**head, VALUES[kind][0]: _plain(content)}
    return {**head, **_plain_fields(content)}


def encode_all(log: RunLog) -> Iterator[Event]:
    """Yield all facts of `log` as events, in the order of the sections."""
    if log.config:
        yield encode("config", ConfigSection(log.config, log.settings))
    card = log.scorecard
    groups: tuple[tuple[str, Iterable[object]], ...] = (
        ("epoch", log.epochs),
        ("fold", log.folds),
        ("training", log.trainings),
        ("figure", log.figures),
        ("checkpoint", log.checkpoints),
        ("score", card.scores),
        ("rung", card.rungs),
        ("year", card.years),
        ("fold_score", card.folds),
        ("note", card.notes),
        ("assessment", (log.assessment,) if log.assessment else ()),
        ("verdict", (log.verdict,)),
        ("warning", log.warnings),
        ("status", (log.status,) if log.status else ()),
        ("stopped", (log.stopped,) if log.stopped else ()),
    )
    for kind, contents in groups:
        yield from (encode(kind, content) for content in contents)


def decode(event: Event) -> object:
    """Return the content of one lifted event: a record, or the value of an event with a single field.

    Raises
    ------
    ValueError
        The kind is unknown, a field is missing or of the wrong type. Further fields are passed over.
    """
    kind = event.get("event")
    if kind in VALUES:
        name, hint = VALUES[kind]
        return _typed(event.get(name), hint)
    if kind not in RECORDS:
        raise ValueError(f"unknown event {kind!r}")
    record = RECORDS[kind]
    return _record(record, event)


def assemble(schema: int, contents: Iterable[tuple[str, Any]]) -> RunLog:
    """Return the log that (kind, content) pairs tell, in order; config, verdict and status from the last."""
    found: dict[str, list[Any]] = {}
    for kind, content in contents:
        found.setdefault(kind, []).append(content)

    def all_of(kind: str) -> tuple[Any, ...]:
        return tuple(found.get(kind, ()))

    def last_of(kind: str, default: Any) -> Any:
        return found[kind][-1] if kind in found else default

    config: ConfigSection = last_of("config", ConfigSection())
    return RunLog(
        schema=schema,
        config=config.settings,
        settings=config.values,
        assessment=last_of("assessment", None),
        epochs=all_of("epoch"),
        folds=all_of("fold"),
        trainings=all_of("training"),
        figures=all_of("figure"),
        checkpoints=all_of("checkpoint"),
        scorecard=Scorecard(
            all_of("score"), all_of("rung"), all_of("year"), all_of("fold_score"), all_of("note")
        ),
        verdict=last_of("verdict", NOT_EVALUATED),
        warnings=all_of("warning"),
        status=last_of("status", None),
        stopped=last_of("stopped", ""),
    )


@cache  # a folder of logs asks for the same few records a million times
def _fields(record: type) -> tuple[tuple[str, Any, bool], ...]:
    """Return name, type hint, and whether it must be given, of each field."""
    hints = get_type_hints(record)
    return tuple((f.name, hints[f.name], f.default is MISSING) for f in fields(record))


def _record(record: type, given: Mapping[str, Any]) -> Any:
    """Return a record from a JSON object; fields that it does not know are passed over."""
    values = {name: _typed(given[name], hint) for name, hint, _ in _fields(record) if name in given}
    absent = [name for name, _, required in _fields(record) if required and name not in values]
    if absent:
        raise ValueError(f"{record.__name__} lacks {', '.join(absent)}")
    return record(**values)


def _plain_fields(record: Any) -> dict[str, Any]:
    return {f.name: _plain(getattr(record, f.name)) for f in fields(record)}


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # numpy scalars
        value = value.item()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if is_dataclass(value):
        return _plain_fields(value)
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _typed(value: Any, hint: Any) -> Any:
    """Return a JSON value as what the type hint asks for, else raise ValueError."""
    return _reader(hint)(value)


Reader = Callable[[Any], Any]


@cache
def _reader(hint: Any) -> Reader:
    """Return what turns a JSON value into `hint`, or raises ValueError."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        inner = _reader(next(arg for arg in args if arg is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _tuple_reader(args)
    if hint is float:
        return _number
    if isinstance(hint, type) and is_dataclass(hint):
        return partial(_record_inside, hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint

    def read(value: Any) -> Any:
        fits = isinstance(value, str) and value in args if origin is Literal else type(value) is hint
        if (hint in (int, str, bool) or origin is Literal) and fits:
            return value
        raise ValueError(f"{value!r} is no {hint}")

    return read


def _record_inside(record: type, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{value!r} is no {record.__name__}")
    return _record(record, value)


def _tuple_reader(args: tuple[Any, ...]) -> Reader:
    readers = [_reader(arg) for arg in args if arg is not Ellipsis]

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is no list")
        if args[-1] is Ellipsis:
            return tuple(map(readers[0], value))
        return tuple(reader(item) for item, reader in zip(value, readers, strict=True))

    return read


def _number(value: Any) -> float:
    if value in ("nan", "inf", "-inf") or (isinstance(value, int | float) and not isinstance(value, bool)):
        return float(value)
    raise ValueError(f"{value!r} is no number")
