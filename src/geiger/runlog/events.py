"""Records of a run as plain JSON objects, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from geiger.records import (
    NOT_EVALUATED,
    Checkpoint,
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
}
"""Events whose fields are those of a record."""

VALUES: dict[str, tuple[str, Any]] = {
    "config": ("settings", tuple[tuple[str, str], ...]),
    "note": ("text", str),
    "verdict": ("lines", tuple[str, ...]),
    "status": ("status", Status),
}
"""Events with a single field: its name and type."""


def encode(kind: str, content: object) -> Event:
    """Return one event as a JSON object; NaN and infinities become the texts ``nan``, ``inf``, ``-inf``."""
    head: Event = {"schema": SCHEMA, "event": kind}
    if kind in VALUES:
        return {**head, VALUES[kind][0]: _plain(content)}
    return {**head, **{f.name: _plain(getattr(content, f.name)) for f in fields(RECORDS[kind])}}


def encode_all(log: RunLog) -> Iterator[Event]:
    """Yield all facts of `log` as events, in the order of the sections."""
    if log.config:
        yield encode("config", log.config)
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
        ("verdict", (log.verdict,)),
        ("warning", log.warnings),
        ("status", (log.status,) if log.status else ()),
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
    hints = get_type_hints(record)
    given = {f.name: _typed(event[f.name], hints[f.name]) for f in fields(record) if f.name in event}
    absent = [f.name for f in fields(record) if f.default is MISSING and f.name not in given]
    if absent:
        raise ValueError(f"event {kind!r} lacks {', '.join(absent)}")
    return record(**given)


def assemble(schema: int, contents: Iterable[tuple[str, Any]]) -> RunLog:
    """Return the log that (kind, content) pairs tell, in order; config, verdict and status from the last."""
    found: dict[str, list[Any]] = {}
    for kind, content in contents:
        found.setdefault(kind, []).append(content)

    def all_of(kind: str) -> tuple[Any, ...]:
        return tuple(found.get(kind, ()))

    def last_of(kind: str, default: Any) -> Any:
        return found[kind][-1] if kind in found else default

    return RunLog(
        schema=schema,
        config=last_of("config", ()),
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
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):  # numpy scalars
        value = value.item()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _typed(value: Any, hint: Any) -> Any:
    """Return a JSON value as what the type hint asks for, else raise ValueError."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        inner = next(arg for arg in args if arg is not type(None))
        return None if value is None else _typed(value, inner)
    if origin is tuple:
        return _typed_tuple(value, args)
    if origin is Literal and isinstance(value, str) and value in args:
        return value
    if hint is float:
        return _number(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    raise ValueError(f"{value!r} is no {hint}")


def _typed_tuple(value: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    if args[-1] is Ellipsis:
        return tuple(_typed(item, args[0]) for item in value)
    return tuple(_typed(item, arg) for item, arg in zip(value, args, strict=True))


def _number(value: Any) -> float:
    if value in ("nan", "inf", "-inf") or (isinstance(value, int | float) and not isinstance(value, bool)):
        return float(value)
    raise ValueError(f"{value!r} is no number")
