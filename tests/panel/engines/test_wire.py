"""Messages: what goes in comes out, and nothing that was changed on the way is believed."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from geiger.errors import DataError
from geiger.panel.engines.base import hash_of
from geiger.panel.engines.wire import pack, receive, send, unpack

FILES = {"fold_0003.npz": b"\x00\xff" * 1000, "use/state.json": b"{}", "empty": b""}


def test_what_is_packed_comes_out_again() -> None:
    found = unpack(pack({"a": [1, 2.5, None], "b": {"c": "d"}}, FILES))
    assert (found.facts, found.files) == ({"a": [1, 2.5, None], "b": {"c": "d"}}, FILES)


@pytest.mark.parametrize("place", [0, 7, 20, -1, -1001])
def test_a_changed_byte_is_noticed(place: int) -> None:
    content = bytearray(pack({}, FILES))
    content[place] ^= 1
    with pytest.raises(DataError):
        unpack(bytes(content))


@pytest.mark.parametrize("end", [0, 5, 30, -1])
def test_a_message_that_was_cut_off_is_noticed(end: int) -> None:
    with pytest.raises(DataError):
        unpack(pack({}, FILES)[:end])


def test_what_follows_a_message_is_noticed() -> None:
    with pytest.raises(DataError, match="longer than it says"):
        unpack(pack({}, FILES) + b"x")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", ".hidden", "a//b", "", "a\\..\\b", "C:x", "a/b/c/d/e", "x\n"]
)
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    with pytest.raises(DataError, match="no name here"):
        unpack(pack({}, {name: b"x"}))


def test_a_size_below_zero_reads_nothing_twice() -> None:
    listed = [
        {"name": "a", "hash": hash_of(b"xy"), "size": 2},
        {"name": "b", "hash": hash_of(b""), "size": -2},
    ]
    head = json.dumps({"facts": {}, "files": listed}).encode()
    with pytest.raises(DataError):
        unpack(len(head).to_bytes(8, "big") + head + b"xy")


def test_messages_follow_each_other_on_a_stream() -> None:
    stream = BytesIO()
    for content in (b"one", b"", b"three"):
        send(stream, content)
    stream.seek(0)
    assert [receive(stream) for _ in range(4)] == [b"one", b"", b"three", None]


def test_a_stream_that_ends_within_a_message_has_none() -> None:
    stream = BytesIO()
    send(stream, b"whole")
    assert receive(BytesIO(stream.getvalue()[:-1])) is None
