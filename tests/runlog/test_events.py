from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from geiger.records import (
    Status,
)
from geiger.runlog import RunLog
from geiger.runlog.events import encode_all
from geiger.runlog.reader import parse_events
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
