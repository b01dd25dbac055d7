from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from geiger.records import (
    Status,
)
from geiger.runlog import RunLog
from geiger.runlog.events import decode, encode_all, typed
from geiger.runlog.reader import parse_events
from geiger.runlog.versions import lift
from helpers.logs import logs, steady

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["event", "epoch", "name", "value", "unit", "values", "status", "lines", "settings", "n"]
)


@steady
@given(
    st.sampled_from(["epoch", "figure", "score", "status", "config", "fold", "x"]),
    st.dictionaries(FIELDS, JSON),
)
def test_any_json_is_read(kind: str, event: dict[str, object]) -> None:
    line = json.dumps({"event": kind, **event})
    log = parse_events(line + "\n")
    assert log.unread in ((), (1,))


def test_damaged_event_lines_are_counted_and_passed_over() -> None:
    good = '{"schema": 1, "event": "status", "status": "FAILED"}'
    bad = [
        "nonsense",
        "[1]",
        '{"schema": 1}',
        '{"schema": "1", "event": "status"}',
        "[" * 100_000,
        '{"a": NaN',
    ]
    log = parse_events("\n".join([*bad, good, '{"schema": 1, "event": "ep']))
    assert log.status is Status.FAILED
    assert log.unread == (1, 2, 3, 4, 5, 6, 8)


@steady
@given(logs)
def test_events_give_back_exactly_what_went_in(log: RunLog) -> None:
    text = "".join(json.dumps(event, allow_nan=False) + "\n" for event in encode_all(log))
    read = parse_events(text)
    assert repr(replace(read, event_lines={})) == repr(log)  # repr, because NaN differs from itself
    assert read.unread == ()


DAMAGE = st.sampled_from(
    [
        "",
        "1",
        "-",
        "e5",
        ".",
        '"',
        "\\",
        "\\u0065",
        "nan",
        "NaN",
        "null",
        "[",
        "}",
        ", ",
        ": ",
        "9" * 5000,
        "\ud800",
        "é",
        '"event"',
        '"schema": 2, ',
        '"event": "fold", ',
        '"fold": true, ',
        '"fold": 1.0, ',
        '"x": 1.2.3, ',
        "\x00",
    ]
)


@steady
@given(logs, st.data())
def test_the_straight_way_of_a_line_is_the_long_one(log: RunLog, data: st.DataObject) -> None:
    line = json.dumps(data.draw(st.sampled_from(list(encode_all(log)))))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(line)))
        line = line[:at] + data.draw(DAMAGE) + line[at + data.draw(st.integers(0, 3)) :]
    if (found := typed(line)) is not None:
        event = json.loads(line)
        assert (found[0], repr(found[1])) == (event["event"], repr(decode(lift(event))))


def test_most_lines_of_a_log_go_the_straight_way() -> None:
    lines = [
        '{"schema": 1, "event": "epoch", "epoch": 3, "loss": 1, "val_loss": 1, "pred_std": 0, "pos_pct": 5}',
        '{"schema": 1, "event": "figure", "name": "WFE", "value": null, "unit": "share", "n": 3}',
    ]
    assert [found[0] for line in lines if (found := typed(line))] == ["epoch", "figure"]
    twice = lines[1].replace('"n": 3', '"event": "epoch"')
    for other in (
        twice,
        lines[0].replace("1", "2", 1),
        lines[0][:-1],
        lines[1].replace("WFE", "\\u0057"),
        "",
    ):
        assert typed(other) is None
