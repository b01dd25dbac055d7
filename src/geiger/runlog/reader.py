"""Reads run logs back: complete, half-written, foreign or damaged ones.

The text gives every fact to the precision it was printed in; the events beside it give the exact facts. What
cannot be read is passed over and its line number kept; errors are only a missing file, a newer format, and
two runs in one file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from geiger.codec import plain
from geiger.errors import DataError
from geiger.figures import PLAN_FIGURES
from geiger.records import NOT_EVALUATED, LoggedScorecard, Outcome, RunLog, Status, Unit
from geiger.runlog import sections
from geiger.runlog.events import assemble, decode, typed
from geiger.runlog.facts import POSSIBLE
from geiger.runlog.lines import Line, decoded, numbered, without_prefix
from geiger.runlog.tables import ABSENT
from geiger.runlog.versions import SCHEMA, Event, lift
from geiger.runlog.wording import AUDIT, audit_in, is_audit_line


def read_log(path: Path | str) -> RunLog:
    """Return the facts of one log, exact where its events lie beside it, with the line numbers of its text.

    Parameters
    ----------
    path : path
        The ``.log`` file.

    Raises
    ------
    DataError
        There is no such file, it cannot be opened, a newer version wrote it, or it holds two runs.
    """
    beside = Path(path).with_suffix(".jsonl")
    if not beside.is_file():
        return read_text(path)
    text = _load(path)
    try:
        events = read_events(beside)
    except DataError:
        _one_run(path, parse_text(text))  # what is wrong with the text is said first
        raise
    return _merged(_one_run(path, parse_text(text, _told(events))), events)


def read_text(path: Path | str) -> RunLog:
    """Return what the text of a log says, to the precision it was printed in."""
    return _one_run(path, parse_text(_load(path)))


def read_events(path: Path | str) -> RunLog:
    """Return what the ``.jsonl`` file says; `RunLog.event_lines` are of it, `RunLog.lines` stays empty."""
    return _one_run(path, parse_events(_load(path)))


def parse_text(text: str, told: Collection[str] = ()) -> RunLog:
    """Return the facts of a text log; see `read_text`.

    Parameters
    ----------
    told : collection of str
        Kinds of events whose values somebody has already: of these only the places are returned, and a line
        that cannot be anything but right is not taken apart.
    """
    lines, unread = _finished(without_prefix(numbered(text), _KNOWN))
    headings, under = _section_lines(lines)
    schema = _text_schema(under[sections.CONFIG].lines if sections.CONFIG in under else [])
    known = told if schema == SCHEMA else ()
    found = [item for name, section in under.items() for item in _parse(name, section, known)]
    contents, broken = _decoded((item.line, {**item.event, "schema": schema}) for item in found if item.event)
    read = {item.line for item in found} - set(broken)
    unread += [number for number, line in lines if number not in read and line.strip()]
    places: dict[str, int] = {}
    for number, key, _ in found:
        if key and number in read:
            places.setdefault(key, number)
    return replace(
        assemble(schema, contents),
        lines=places,
        unread=tuple(sorted(set(unread))),
        second_run=_second_run(headings),
    )


def parse_events(text: str) -> RunLog:
    """Return the facts of the lines of a ``.jsonl`` file; see `read_events`."""
    lines, unread = _finished(numbered(text))
    contents: list[tuple[str, Any]] = []
    places: dict[str, int] = {}
    versions: set[int] = set()
    begun: dict[str, list[int]] = {kind: [] for kind in _ONCE_EVENTS}
    for number, line in lines:
        kind: Any
        version: Any = SCHEMA
        if (content := typed(line)) is not None:
            kind, record = content
            values = [getattr(record, name) for name in _EVENT_KEYS.get(kind, ())]
        elif (event := _json_object(line)) is not None:
            kind, version, content = event.get("event"), event.get("schema"), _content(event)
            values = [] if content is None else [event.get(name, 0) for name in _EVENT_KEYS.get(kind, ())]
        else:
            unread += [number] if line.strip() else []
            continue
        if type(version) is int:
            versions.add(version)
        if kind in _ONCE_EVENTS:
            begun[kind].append(number)
        if content is None:
            unread.append(number)
        else:
            contents.append(content)
            if values:
                places.setdefault("/".join((kind, *map(str, values))), number)
            elif kind in ("audit", "judged"):  # of several the last counts
                places[kind] = number
    second = min((numbers[1] for numbers in begun.values() if len(numbers) > 1), default=None)
    log = assemble(min(versions, default=0), contents)
    return replace(log, event_lines=places, unread=tuple(sorted(unread)), second_run=second)


_EVENT_KEYS = {
    "epoch": ("fold", "seed", "epoch"),
    "fold": ("fold",),
    "training": ("fold", "seed"),
    "fold_score": ("fold",),
    "warning": ("code",),
}


def _load(path: Path | str) -> str:
    try:
        return decoded(Path(path).read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"run log: there is no file {path}; `geiger logs list` shows those there are"
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a path that no file can have
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"run log: cannot open {path}: {reason}; give a .log file that can be read") from None


def _one_run(path: Path | str, log: RunLog) -> RunLog:
    """Return the log, refused where two runs were written into the file: figures of both would mix."""
    if log.second_run is not None:
        raise DataError(
            f"run log: {Path(path).name} holds more than one run, the second begins in line "
            f"{log.second_run}; cut the file there, so that each run has its own"
        )
    return log


def _merged(text: RunLog, events: RunLog) -> RunLog:
    """Return the facts of the events, and those of the text where the events have none."""
    card, printed = events.scorecard, text.scorecard
    places = text.lines
    if events.audit is not None and text.audit is None:  # made since the text was written, which says: none
        places = {key: line for key, line in places.items() if key != _AUDIT_PLACE}
    return replace(
        events,
        schema=max(events.schema, text.schema),
        config=events.config or text.config,
        settings=events.settings,
        assessment=events.assessment,
        epochs=events.epochs or text.epochs,
        figures=events.figures or text.figures,
        checkpoints=events.checkpoints or text.checkpoints,
        scorecard=LoggedScorecard(
            card.scores or printed.scores,
            card.rungs or printed.rungs,
            card.years or printed.years,
            card.folds or printed.folds,
            card.notes or printed.notes,
        ),
        verdict=text.verdict if events.verdict == (NOT_EVALUATED,) else events.verdict,
        audit=events.audit or text.audit,
        warnings=events.warnings or text.warnings,
        status=events.status or text.status,
        stopped=events.stopped or text.stopped,
        lines=places,
        unread=text.unread,
    )


_AUDIT_PLACE = f"{sections.VERDICT}/{AUDIT}"
_ENDS = frozenset(status.value for status in Status)


def _finished(lines: list[Line]) -> tuple[list[Line], list[int]]:
    """Return the finished lines, and the number of a last one that a kill cut short.

    A last line without its end may be half a number, so it counts only where it is a whole status or a
    whole JSON object.
    """
    *rows, (number, tail) = lines
    if not tail.strip():
        return rows, []
    if tail.strip().upper() in _ENDS or _json_object(tail) is not None:
        return lines, []
    return rows, [number]


def _json_object(line: str) -> Event | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decoded(events: Iterable[tuple[int, Event]]) -> tuple[list[tuple[str, Any]], set[int]]:
    """Return (kind, content) of all sound events, and the lines of the others."""
    contents = [(number, _content(event)) for number, event in events]
    sound = [content for _, content in contents if content is not None]
    return sound, {number for number, content in contents if content is None}


def _content(event: Event) -> tuple[str, Any] | None:
    """Return kind and content of an event, None where it is not sound."""
    try:
        lifted = lift(event)
        return lifted["event"], decode(lifted)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


class _Found(NamedTuple):
    """One line that was understood: its place in `RunLog.lines`, and its event where it is a fact."""

    line: int
    key: str = ""
    event: Event | None = None


class _Section(NamedTuple):
    """The lines of one section, those of headings apart: a name may head several parts of a log."""

    headings: list[int]
    lines: list[Line]


_HEADING = re.compile(r"=== (.+?) ===\s*")
_ONCE = (sections.CONFIG, sections.FIGURES, sections.STATUS)  # a second one belongs to another run
_ONCE_EVENTS = ("config", "status")


def _section_lines(numbered: list[Line]) -> tuple[list[Line], dict[str, _Section]]:
    """Return the headings, and the sections by name; what stands above the first belongs to none."""
    headings: list[Line] = []
    section = _Section([], [])
    under = {"": section}
    for number, line in numbered:
        heading = _HEADING.fullmatch(line) if line.startswith("===") else None
        if heading:
            name = heading[1].upper()
            headings.append((number, name))
            section = under.setdefault(name, _Section([], []))
            section.headings.append(number)
        else:
            section.lines.append((number, line))
    return headings, under


def _second_run(headings: list[Line]) -> int | None:
    """Return the line of the first heading that only a second run can bring."""
    seen: set[str] = set()
    for number, name in headings:
        if name in seen and (name in _ONCE or sections.STATUS in seen):
            return number
        if name in _PARSERS:
            seen.add(name)
    return None


def _text_schema(config: list[Line]) -> int:
    """Return the version in the config section, 0 for a log that has only the plan's lines."""
    pairs = [line.partition(":") for _, line in config]
    given = [value.strip() for name, _, value in pairs if name == sections.FORMAT_LINE]
    return int(given[-1]) if given and re.fullmatch(r"[0-9]{1,9}", given[-1]) else 0


def _told(events: RunLog) -> frozenset[str]:
    """Return the kinds whose values the events give, so that those of the text are not asked for."""
    card = events.scorecard
    values = {"config": events.config, "epoch": events.epochs, "figure": events.figures}
    values |= {"score": card.scores, "rung": card.rungs, "year": card.years, "fold_score": card.folds}
    return frozenset(kind for kind, given in values.items() if given)


def _parse(name: str, section: _Section, told: Collection[str]) -> Iterator[_Found]:
    parser = _PARSERS.get(name)
    if parser is not None:
        yield from (_Found(number, name) for number in section.headings)
        yield from parser(section.lines, told)


def _parse_config(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    settings = []
    for number, line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield _Found(number, f"{sections.CONFIG}/{name.strip()}")
            settings.append([name.strip(), value.strip()])
    if settings and settings[-1][0] == sections.FORMAT_LINE:
        settings.pop()
    if lines:
        event = None if "config" in told else {"event": "config", "settings": settings}
        yield _Found(lines[0][0], "", event)


_EPOCH = re.compile(r"Epoch ([0-9]{1,9})(?:/[0-9]+)?: (.+)")
_SURE = r"[-+]?[0-9]+(?:\.[0-9]+)?"  # a number that nobody can read otherwise
_SURE_EPOCH = re.compile(rf"loss={_SURE}, val_loss={_SURE}, pred_std={_SURE}, pos_pct={_SURE}%?")
_PAIR = re.compile(r"\b(\w{1,16})=((?:[^,\s]|,(?=[0-9]))+)")  # a comma before a digit may be a decimal one


def _parse_epochs(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    names = ("loss", "val_loss", "pred_std", "pos_pct")
    for number, line in lines:
        match = _EPOCH.match(line.strip())
        if match and "epoch" in told and _SURE_EPOCH.fullmatch(match[2]):
            yield _Found(number, f"{sections.EPOCHS}/{match[1]}")
        elif match:
            parts = dict(_PAIR.findall(match[2]))
            if not parts.keys() & set(names):
                continue
            values = {name: _float(parts.get(name, "nan").rstrip("%")) for name in names}
            event = {"event": "epoch", "epoch": int(match[1]), **values}
            yield _Found(number, f"{sections.EPOCHS}/{match[1]}", event)
        elif line.strip().lower() == sections.NOT_APPLICABLE or line.startswith(f"{sections.PROGRESS}: "):
            yield _Found(number)


def _parse_figures(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    for number, line in lines:
        name, colon, shown = (part.strip() for part in line.rpartition(":"))
        if not colon:
            continue
        if "figure" in told and name not in _BOUNDED and _SURE_FIGURE.fullmatch(shown):
            yield _Found(number, f"{sections.FIGURES}/{name}")
            continue
        value, unit = _quantity(shown, PLAN_FIGURES.get(name))
        if isinstance(value, float) and not _can_be(name, value, shown):
            value = shown  # no figure, so that decoding refuses it
        sure = "figure" in told and not isinstance(value, str)
        event = None if sure else {"event": "figure", "name": name, "value": value, "unit": unit}
        yield _Found(number, f"{sections.FIGURES}/{name}", event)


_BOUNDED = {*POSSIBLE, *(name for name, unit in PLAN_FIGURES.items() if unit == "share")}
_SURE_FIGURE = re.compile(rf"{_SURE}(?:%| pp| bp)?|undefined")


def _can_be(name: str, value: float, shown: str) -> bool:
    """Whether a figure can have this value; 54.2 without a percent sign is no share.

    >>> _can_be("WFE", 0.623, "62.3%"), _can_be("WFE", 62.3, "62.3"), _can_be("Base Rate", 1.42, "142%")
    (True, False, False)
    """
    least, most = POSSIBLE.get(name, (-math.inf, math.inf))
    bare = PLAN_FIGURES.get(name) == "share" and not shown.endswith("%")
    return least <= value <= most and not (bare and abs(value) > 1)


_OUTCOMES = "|".join(outcome.value for outcome in Outcome)
_CHECKPOINT = re.compile(rf"([0-9]{{1,9}})\. (.*?): ({_OUTCOMES})(?: \((.*)\))?")
_ACTION = "Action:"


def _parse_checkpoints(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    for position, (number, line) in enumerate(lines):
        match = _CHECKPOINT.fullmatch(line.rstrip())
        if match:
            after = lines[position + 1][1].strip() if position + 1 < len(lines) else ""
            action = after.removeprefix(_ACTION).strip() if after.startswith(_ACTION) else None
            event = {"event": "checkpoint", "number": int(match[1]), "name": match[2], "outcome": match[3]}
            event |= {"found": match[4] or "", "action": action}
            yield _Found(number, f"{sections.CHECKPOINTS}/{match[1]}", event)
        elif line.strip().startswith(_ACTION) or line.strip() == sections.NONE:
            yield _Found(number)


def _parse_scorecard(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    """Read block after block; an empty line ends one, and its first cell says which table it is."""
    header: list[str] = []
    for number, line in lines:
        cells = re.split(r" {2,}", line.strip())
        if not line.strip():
            header = []
        elif line.startswith("Note:"):
            text = line.removeprefix("Note:").strip()
            yield _Found(number, note_key(text), {"event": "note", "text": text})
        elif line.strip() == sections.NONE:
            yield _Found(number)
        elif not header:
            if _is_head(cells):
                header = cells
                yield _Found(number, f"{sections.SCORECARD}/{cells[0]}")
        elif len(cells) == len(header):
            key = f"{sections.SCORECARD}/{header[0]}/{cells[0]}"
            kind, sure, event_of = _ROWS[header[0]]
            known = kind in told and sure.fullmatch(line.strip())
            yield _Found(number, key, None if known else event_of(header, cells))


def _is_head(cells: list[str]) -> bool:
    scores = len(cells) > 1 and (cells[0], cells[-1]) == (sections.FIGURE, sections.BETTER)
    return scores or cells in (sections.LADDER_HEAD, sections.YEAR_HEAD, sections.FOLD_HEAD)


def note_key(text: str) -> str:
    """Return the place of a note in `RunLog.lines`: by the word before its first colon, where it has one.

    >>> note_key("Health: NO_SKILL: within the noise"), note_key("978 test days")
    ('SCORECARD/Note/Health', 'SCORECARD/Note')
    """
    word, colon, _ = text.partition(":")
    named = f"{sections.SCORECARD}/Note"
    return f"{named}/{word}" if colon and " " not in word else named


def _score(header: list[str], cells: list[str]) -> Event:
    shown = {name: text for name, text in zip(header[1:-1], cells[1:-1], strict=True) if text != ABSENT}
    units = [unit for text in shown.values() for value, unit in [_quantity(text)] if value is not None]
    unit: Unit = units[0] if units else "number"
    values = [[name, _quantity(text)[0]] for name, text in shown.items()]
    return {"event": "score", "name": cells[0], "unit": unit, "better": cells[-1], "values": values}


def _rung(header: list[str], cells: list[str]) -> Event:
    steps = [_quantity(text.lstrip("<> ")) for text in cells[2:5]]
    numbers = dict(zip(("minimum", "target", "stretch"), (value for value, _ in steps), strict=True))
    head = {"event": "rung", "name": cells[0], "value": _quantity(cells[1])[0], "unit": steps[0][1]}
    return {**head, **numbers, "reached": cells[5], "band": cells[6]}


def _year(header: list[str], cells: list[str]) -> Event:
    names = ("strategy", "buy_and_hold", "max_drawdown", "turnover")
    values = [_quantity(text)[0] for text in cells[2:6]]
    shown = {name: "nan" if value is None else value for name, value in zip(names, values, strict=True)}
    return {"event": "year", "year": _int(cells[0]), "rows": _int(cells[1]), **shown}


def _fold_score(header: list[str], cells: list[str]) -> Event:
    head = {"event": "fold_score", "fold": _int(cells[0]), "first": cells[1], "last": cells[2]}
    columns = zip(sections.FOLD_COLUMNS.values(), cells[4:], strict=True)
    figures = {name: _quantity(text, unit)[0] for (name, unit), text in columns}
    return {**head, "rows": _int(cells[3]), **figures}


_CELL = rf" {{2,}}(?:{_SURE}(?:%| pp| bp)?|undefined)"
_STEP = rf" {{2,}}[<>] {_SURE}(?:%| pp)?"
_NAME = r"\S+(?: \S+)*"
_COUNT = r"[0-9]{1,9}"
_WORDS_OF_RUNGS = r" {2,}(?:none|minimum|target|stretch) {2,}(?:below|realistic|good|excellent|no band)"

# first cell of a table's head -> kind of its rows, what a row looks like that fits for sure, and its event
_ROWS: dict[str, tuple[str, re.Pattern[str], Callable[[list[str], list[str]], Event]]] = {
    "Figure": ("score", re.compile(rf"{_NAME}(?:{_CELL}| {{2,}}-)+ {{2,}}(?:higher|lower|neither)"), _score),
    "Ladder": ("rung", re.compile(rf"{_NAME}{_CELL}(?:{_STEP}){{3}}{_WORDS_OF_RUNGS}"), _rung),
    "Year": ("year", re.compile(rf"{_COUNT} {{2,}}{_COUNT}(?:{_CELL}){{4}}"), _year),
    "Fold": (
        "fold_score",
        re.compile(rf"{_COUNT}(?: {{2,}}\S+){{2}} {{2,}}{_COUNT}(?:{_CELL}){{6}}"),
        _fold_score,
    ),
}


def _parse_verdict(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    said = []
    for number, line in ((number, line.strip()) for number, line in lines if line.strip()):
        if is_audit_line(line):
            audit = audit_in(line)
            event = None if audit is None else {"event": "audit", **plain(audit)}
            yield _Found(number, _AUDIT_PLACE, event)
        else:
            yield _Found(number)
            said.append((number, line))
    if said:
        yield _Found(
            said[0][0], f"{sections.VERDICT}/text", {"event": "verdict", "lines": [line for _, line in said]}
        )


_NOTICE = re.compile(r"([A-Z0-9_]+):(?: (.*))?")


def _parse_warnings(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    for number, line in lines:
        text = line.strip()
        match = _NOTICE.fullmatch(text)
        if match:
            event = {"event": "warning", "code": match[1], "text": match[2] or ""}
            yield _Found(number, f"{sections.WARNINGS}/{match[1]}", event)
        elif text.strip("[]").lower() in ("", sections.NONE.lower()):
            yield _Found(number)
        else:
            text = re.sub(r"^[-*] ", "", text)
            event = {"event": "warning", "code": "UNCODED", "text": text}
            yield _Found(number, f"{sections.WARNINGS}/UNCODED", event)


def _parse_status(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    for number, line in lines:
        if word := line.strip().upper():
            yield _Found(number, f"{sections.STATUS}/{word}", {"event": "status", "status": word})


def _parse_stopped(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    said = [(number, line.strip()) for number, line in lines if line.strip()]
    for number, _ in said:
        yield _Found(number)
    if said:
        text = " ".join(text for _, text in said)
        yield _Found(said[0][0], f"{sections.STOPPED}/text", {"event": "stopped", "text": text})


def _parse_cross_section(lines: list[Line], told: Collection[str]) -> Iterator[_Found]:
    """Find the places of its rows, by their first cell; its values stand in the events alone."""
    for number, line in lines:
        if line.strip():
            name = re.split(r" {2,}|: ", line.strip())[0]
            yield _Found(number, f"{sections.CROSS_SECTION}/{name}")


_PARSERS: dict[str, Callable[[list[Line], Collection[str]], Iterator[_Found]]] = {
    sections.CONFIG: _parse_config,
    sections.EPOCHS: _parse_epochs,
    sections.FIGURES: _parse_figures,
    sections.CHECKPOINTS: _parse_checkpoints,
    sections.SCORECARD: _parse_scorecard,
    sections.CROSS_SECTION: _parse_cross_section,
    sections.VERDICT: _parse_verdict,
    sections.WARNINGS: _parse_warnings,
    sections.STATUS: _parse_status,
    sections.STOPPED: _parse_stopped,
}

_KNOWN = re.compile(rf"=== (?:{'|'.join(_PARSERS)}) ===\s*$", re.I)

_NUMBER = re.compile(r"([-+]?[0-9]+(?:[.,]([0-9]+))?)((?:[eE][-+]?[0-9]{1,2})?)( ?%| pp| bp|)")
_AS_TYPED = str.maketrans(
    {"\u00a0": " ", "\u202f": " ", "\u2212": "-"}
)  # hard and narrow spaces, minus signs
_BY_DECIMALS: dict[int, Unit] = {0: "rows", 2: "ratio", 3: "p", 4: "number"}


def _quantity(shown: str, unit: Unit | None = None) -> tuple[float | str | None, Unit]:
    """Return the value of a printed figure, and its unit as far as the notation tells.

    None stands for `undefined`; a text that is no figure comes back as it is, so that decoding refuses it.
    """
    if shown.lower() in ("undefined", "n/a", "none", "nan"):
        return None, unit or "number"
    match = _NUMBER.fullmatch(shown.translate(_AS_TYPED))
    if match is None:
        return shown, unit or "number"
    digits, decimals, exponent, mark = _pointed(match[1]), len(match[2] or ""), match[3], match[4].strip()
    if "," in digits or (exponent and mark):
        return shown, unit or "number"
    if exponent:
        return float(digits + exponent), unit or "number"
    if mark == "bp":
        return float(digits), unit or "bp"
    if mark == "pp":
        return float(f"{digits}e-2"), unit or "points"
    if mark == "%":
        return float(f"{digits}e-2"), unit or ("return" if decimals == 2 else "share")
    return float(digits), unit or _BY_DECIMALS.get(decimals, "number")


def _pointed(digits: str) -> str:
    """Return a number with a decimal point for a decimal comma; 1,234 may be thousands and stays as it is.

    >>> [_pointed(text) for text in ("0,0423", "54,2", "-0,876", "1,234", "0.87")]
    ['0.0423', '54.2', '-0.876', '1,234', '0.87']
    """
    whole, comma, part = digits.partition(",")
    thousands = len(part) == 3 and whole.lstrip("+-").strip("0") != ""
    return f"{whole}.{part}" if comma and part.isdecimal() and not thousands else digits


def _float(text: str) -> float | str:
    try:
        return float(_pointed(text))
    except ValueError:
        return text


def _int(text: str) -> int | str:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text
