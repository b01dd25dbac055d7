"""Records of a run as plain JSON objects, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import make_dataclass
from typing import Any

from geiger.codec import fitted_texts, plain, straight
from geiger.cross_section import CrossSection
from geiger.records import (
    NOT_EVALUATED,
    Assessment,
    AuditSummary,
    Checkpoint,
    ConfigSection,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    LoggedScorecard,
    Notice,
    Rung,
    RunLog,
    Score,
    Status,
    Training,
    Verdict,
    Year,
)
from geiger.runlog.versions import SCHEMA, Event

RECORDS: dict[str, type] = {
    "config": ConfigSection,
    "epoch": Epoch,
    "progress": Epoch,
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
    "cross_section": CrossSection,
    "audit": AuditSummary,
    "judged": Verdict,
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
        return {**head, VALUES[kind][0]: plain(content, texts=True)}
    return {**head, **plain(content, texts=True)}


def encode_all(log: RunLog) -> Iterator[Event]:
    """Yield all facts of `log` as events, in the order of the sections."""
    if log.config:
        yield encode("config", ConfigSection(log.config, log.settings))
    card = log.scorecard
    groups: tuple[tuple[str, Iterable[object]], ...] = (
        ("progress", log.progress),
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
        ("cross_section", (log.cross_section,) if log.cross_section else ()),
        ("verdict", (log.verdict,)),
        ("judged", (log.judged,) if log.judged else ()),
        ("audit", (log.audit,) if log.audit else ()),
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
        return fitted_texts(event.get(name), hint)
    if kind not in RECORDS:
        raise ValueError(f"unknown event {kind!r}")
    return fitted_texts(event, RECORDS[kind])


_START = f'{{"schema": {SCHEMA}, "event": "'
_STRAIGHT = {kind: straight(record) for kind, record in RECORDS.items()} | {
    kind: straight(make_dataclass(kind, [(name, hint)])) for kind, (name, hint) in VALUES.items()
}
_LONGEST = 4000  # characters: no number in it can have more digits than Python reads


def typed(line: str) -> tuple[str, Any] | None:
    """Return the kind and the record of a line as `RunLogWriter` writes most of them, None of any other.

    Most lines of a folder of logs are such: what JSON and `decode` make of them comes without an object in
    between. No escape stands in them, and no name twice, so that what the line begins with holds.
    """
    if not line.startswith(_START) or len(line) > _LONGEST or "\\" in line:
        return None
    kind = line[len(_START) : line.find('"', len(_START))]
    if kind not in _STRAIGHT or line.count('"event"') != 1 or line.count('"schema"') != 1:
        return None
    record = _STRAIGHT[kind](line)
    if record is None:
        return None
    return kind, getattr(record, VALUES[kind][0]) if kind in VALUES else record


def assemble(schema: int, contents: Iterable[tuple[str, Any]]) -> RunLog:
    """Return the log that (kind, content) pairs tell, in order.

    Of config, verdict (its lines, and the same as values), audit and status the last counts.
    """
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
        progress=all_of("progress"),
        folds=all_of("fold"),
        trainings=all_of("training"),
        figures=all_of("figure"),
        checkpoints=all_of("checkpoint"),
        scorecard=LoggedScorecard(
            all_of("score"), all_of("rung"), all_of("year"), all_of("fold_score"), all_of("note")
        ),
        cross_section=last_of("cross_section", None),
        verdict=last_of("verdict", (NOT_EVALUATED,)),
        judged=last_of("judged", None),
        audit=last_of("audit", None),
        warnings=all_of("warning"),
        status=last_of("status", None),
        stopped=last_of("stopped", ""),
    )
