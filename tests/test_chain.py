"""The chain: nothing changes unnoticed, nothing is lost between processes, a kill costs one line at most."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import multiprocessing
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geiger.chain import MAX_LINE_BYTES, START, Chain
from geiger.errors import DataError, SettingError

NOW = datetime(2024, 1, 5, 21, 30, tzinfo=UTC)
ENTRIES = 5


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    chain = Chain(tmp_path / "ledger.jsonl")
    chain.append_all([{"day": day, "forecast": day / 1000} for day in range(ENTRIES)], NOW)
    return chain


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """A chain for tests that only read it."""
    chain = Chain(tmp_path_factory.mktemp("chain") / "ledger.jsonl")
    chain.append_all([{"day": day, "text": "a\nb ü"} for day in range(ENTRIES)], NOW)
    return chain


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch") / "ledger.jsonl"


def holding(path: Path, content: bytes) -> Chain:
    path.write_bytes(content)
    return Chain(path)


def lines_of(chain: Chain) -> list[bytes]:
    return chain.path.read_bytes().splitlines(keepends=True)


def resealed(line: bytes, **changes: Any) -> bytes:
    """Return the line with changes and a hash that fits them, made without the code under test."""
    body = {**json.loads(line), **changes}
    del body["hash"]
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    body["hash"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n"


# ---------------------------------------------------------------- what is written


def test_the_hash_is_that_of_the_line_without_it(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "ledger.jsonl")
    berlin = datetime(2024, 1, 5, 22, 30, tzinfo=timezone(timedelta(hours=1)))
    first = chain.append({"symbol": "Ü", "forecast": 0.001}, berlin)
    second = chain.append({}, NOW)
    zeros = "0" * 64
    literal = (
        '{"at":"2024-01-05T21:30:00.000000+00:00","number":0,"previous":"' + zeros + '",'
        '"record":{"forecast":0.001,"symbol":"\\u00dc"}}'
    )
    by_hand = hashlib.sha256(literal.encode()).hexdigest()
    assert (first.hash, first.previous, second.previous) == (by_hand, zeros, by_hand)
    assert chain.path.read_text().splitlines()[0] == literal.replace(
        ',"number"', f',"hash":"{by_hand}","number"'
    )
    after = hashlib.sha256(
        (
            '{"at":"2024-01-05T21:30:00.000000+00:00","number":1,"previous":"' + by_hand + '","record":{}}'
        ).encode()
    ).hexdigest()
    assert second.hash == after
    assert chain.head() == (2, after)


def test_entries_come_back_as_they_were_returned(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "deep" / "ledger.jsonl")
    first = chain.append({"a": 1})
    rest = chain.append_all({"b": number} for number in range(3))
    assert chain.entries() == (first, *rest)
    assert [entry.number for entry in chain.entries()] == [0, 1, 2, 3]
    assert {entry.at for entry in rest} == {rest[0].at}
    assert datetime.fromisoformat(first.at).utcoffset() == timedelta(0)


def test_one_by_one_and_all_at_once_write_the_same(tmp_path: Path) -> None:
    records = [{"n": number} for number in range(3)]
    single, together = Chain(tmp_path / "single"), Chain(tmp_path / "together")
    for record in records:
        single.append(record, NOW)
    together.append_all(records, NOW)
    assert single.path.read_bytes() == together.path.read_bytes()


def test_a_missing_file_is_an_empty_chain(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "ledger.jsonl")
    assert chain.entries() == ()
    assert chain.head() == chain.verify() == chain.verify(0, START) == (0, START)
    assert chain.append_all([]) == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "record",
    [
        {"text": 'line\nbreak\r\n\x00\x1b[31m\u2028 "quoted" \\ 😀 \ud800'},
        {"hash": "f" * 64, "number": 7, "previous": START, "record": {"record": {}}},
        {"": [True, None, -0.0, 5e-324, 1.7976931348623157e308, 10**300, {"z": 1, "a": 2}]},
        {"bulk": "x" * (MAX_LINE_BYTES - 1000)},
    ],
    ids=["controls", "names of its own", "numbers", "almost 1 MB"],
)
def test_hostile_content_is_one_line_and_comes_back(chain: Chain, record: Mapping[str, Any]) -> None:
    chain.append(record)
    chain.append({"after": 1})
    assert len(lines_of(chain)) == ENTRIES + 2
    assert chain.path.read_bytes().isascii()
    assert chain.entries()[ENTRIES].record == record


@settings(max_examples=30)  # each one waits for the disk
@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        ),
    )
)
def test_any_json_comes_back(scratch: Path, record: dict[str, Any]) -> None:
    chain = holding(scratch, b"")
    chain.append(record, NOW)
    assert chain.entries()[0].record == record


def test_a_record_is_kept_as_json_gives_it_back(chain: Chain) -> None:
    given: dict[Any, Any] = {11: (1, 2), 10: "ten", 9: "nine"}
    entry = chain.append(given)
    assert entry.record == {"11": [1, 2], "10": "ten", "9": "nine"}
    given[10] = "changed later"
    assert chain.entries()[-1] == entry


def cyclic() -> dict[str, Any]:
    record: dict[str, Any] = {}
    record["self"] = record
    return record


def nested() -> dict[str, Any]:
    record: dict[str, Any] = {}
    for _ in range(100_000):
        record = {"a": record}
    return record


@pytest.mark.parametrize(
    "record",
    [
        {"x": math.nan},
        {"x": math.inf},
        {"x": {1, 2}},
        {"x": b"bytes"},
        {"x": 1, 2: "y"},
        cyclic(),
        nested(),
        3,
    ],
    ids=["nan", "inf", "set", "bytes", "mixed names", "cyclic", "nested", "no mapping"],
)
def test_what_is_no_json_is_refused_and_leaves_the_file_alone(chain: Chain, record: Any) -> None:
    before = chain.path.read_bytes()
    with pytest.raises(DataError, match=r"ledger\.jsonl: a record cannot be written as JSON"):
        chain.append_all([{"good": 1}, record])
    assert chain.path.read_bytes() == before


def test_a_line_above_one_megabyte_is_neither_written_nor_read(chain: Chain) -> None:
    before = chain.path.read_bytes()
    with pytest.raises(DataError, match="at most 1,000,000 are read; store the bulk"):
        chain.append({"bulk": "x" * MAX_LINE_BYTES})
    assert chain.path.read_bytes() == before
    for end in (b"", b"\n"):
        grown = holding(chain.path, before + b"{" * MAX_LINE_BYTES + end + b"x")
        with pytest.raises(DataError, match=f"line {ENTRIES + 1} is above 1 MB"):
            grown.entries()


def test_the_longest_line_that_is_written_is_read(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "ledger.jsonl")
    chain.append({"bulk": ""}, NOW)
    room = MAX_LINE_BYTES - len(chain.path.read_bytes())
    chain.path.unlink()
    with pytest.raises(DataError, match="1,000,001 bytes"):
        chain.append({"bulk": "x" * (room + 1)}, NOW)
    chain.append({"bulk": "x" * room}, NOW)
    assert chain.path.stat().st_size == MAX_LINE_BYTES
    assert chain.head()[0] == 1


def test_a_time_without_zone_is_refused(chain: Chain) -> None:
    with pytest.raises(DataError, match="no time zone"):
        chain.append({}, datetime(2024, 1, 5))


# ---------------------------------------------------------------- what is noticed


@given(st.data())
def test_any_changed_byte_is_noticed(whole: Chain, scratch: Path, data: st.DataObject) -> None:
    content = whole.path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.sampled_from(b'\n\r\x00 "{}[],:\\09afAF\xff') | st.integers(0, 255))
    assume(content[place] != byte)
    changed = holding(scratch, content[:place] + bytes([byte]) + content[place + 1 :])
    line = content[:place].count(b"\n") + 1
    with pytest.raises(DataError, match=rf"ledger\.jsonl: line {line} was changed .* put the file back"):
        changed.entries()


@given(st.data())
def test_any_added_or_removed_byte_is_noticed(whole: Chain, scratch: Path, data: st.DataObject) -> None:
    content = whole.path.read_bytes()
    place = data.draw(st.integers(0, len(content) - 2))
    byte = data.draw(st.sampled_from(b'\n\r\x00 "{}[],:\\09') | st.integers(0, 255))
    for changed in (
        content[:place] + bytes([byte]) + content[place:],
        content[:place] + content[place + 1 :],
    ):
        if changed != content:
            with pytest.raises(DataError, match="was changed"):
                holding(scratch, changed).entries()


@given(st.data())
def test_removed_lines_are_noticed(whole: Chain, scratch: Path, data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.integers(0, ENTRIES - 1)))
    assume(kept != set(range(len(kept))))  # those are shortened chains, see below
    lines = lines_of(whole)
    with pytest.raises(DataError, match="does not follow what stands before it"):
        holding(scratch, b"".join(lines[number] for number in sorted(kept))).entries()


@given(st.permutations(range(ENTRIES)))
def test_moved_lines_are_noticed(whole: Chain, scratch: Path, order: list[int]) -> None:
    assume(order != list(range(ENTRIES)))
    lines = lines_of(whole)
    first = next(place for place, number in enumerate(order) if place != number) + 1
    with pytest.raises(DataError, match=f"line {first} does not follow"):
        holding(scratch, b"".join(lines[number] for number in order)).entries()


@given(place=st.integers(0, ENTRIES), source=st.integers(0, ENTRIES - 1), fitted=st.booleans())
def test_an_added_line_is_noticed(whole: Chain, scratch: Path, place: int, source: int, fitted: bool) -> None:
    lines = lines_of(whole)
    added = lines[source]
    if fitted:  # with the right number, the right previous hash and a hash that fits: the next line tells
        assume(place < ENTRIES)
        added = resealed(added, number=place, previous=json.loads(lines[place])["previous"], record={})
    with pytest.raises(DataError, match="does not follow"):
        holding(scratch, b"".join([*lines[:place], added, *lines[place:]])).entries()


@given(place=st.integers(0, ENTRIES - 2), forecast=st.floats(allow_nan=False, allow_infinity=False))
def test_a_changed_line_with_a_fitting_hash_is_noticed_by_the_next(
    whole: Chain, scratch: Path, place: int, forecast: float
) -> None:
    lines = lines_of(whole)
    lines[place] = resealed(lines[place], record={"forecast": forecast})
    with pytest.raises(DataError, match=f"line {place + 2} does not follow"):
        holding(scratch, b"".join(lines)).entries()


@pytest.mark.parametrize(
    "spelling",
    [
        lambda line: line.replace(b'"number":', b'"number": '),
        lambda line: line.replace(b'{"at"', b'{"number":9,"at"'),
        lambda line: line.replace(b"\n", b"\r\n"),
        lambda line: line.replace(b"\\u00fc", "ü".encode()),
        lambda line: line.replace(b'"day":', b'"\\u0064ay":'),
        lambda line: b"\xef\xbb\xbf" + line,
        lambda line: b"\n" + line,
        lambda line: line.replace(b'"day":', b'"day":1e999,"day":'),
        lambda line: line.replace(b'"number":', b'"n":'),
        lambda line: line.replace(b'"record":{', b'"record":{"deep":' + b"[" * 200_000 + b"],"),
    ],
    ids=["blank", "doubled", "crlf", "utf-8", "escape", "bom", "empty", "infinite", "no number", "deep"],
)
def test_a_second_spelling_is_a_change(whole: Chain, scratch: Path, spelling: Any) -> None:
    lines = lines_of(whole)
    assert spelling(lines[0]) != lines[0]
    with pytest.raises(DataError, match="line 1 was changed"):
        holding(scratch, b"".join([spelling(lines[0]), *lines[1:]])).entries()


@pytest.mark.parametrize("changes", [{"at": 5}, {"record": [1]}, {"number": False}, {"number": 0.0}])
def test_a_value_of_another_kind_is_no_entry(scratch: Path, whole: Chain, changes: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="line 1"):
        holding(scratch, resealed(lines_of(whole)[0], **changes)).entries()


def test_an_unsound_chain_is_not_continued(chain: Chain) -> None:
    lines = lines_of(chain)
    broken = b"".join([lines[0], *lines[2:]])
    holding(chain.path, broken)
    with pytest.raises(DataError, match="line 2 does not follow"):
        chain.append({"more": 1})
    assert chain.path.read_bytes() == broken


@given(known=st.integers(0, ENTRIES), left=st.integers(0, ENTRIES))
def test_a_shortened_chain_is_noticed_by_who_knows_its_head(
    whole: Chain, scratch: Path, known: int, left: int
) -> None:
    hashes = [START, *(entry.hash for entry in whole.entries())]
    cut = holding(scratch, b"".join(lines_of(whole)[:left]))
    assert cut.verify() == cut.head() == (left, hashes[left])
    if left >= known:
        assert cut.verify(known, hashes[known]) == (left, hashes[left])
    else:
        with pytest.raises(DataError, match=f"holds {left} entries where {known} were known"):
            cut.verify(known, hashes[known])


@given(place=st.integers(0, ENTRIES - 1), known=st.integers(1, ENTRIES))
def test_a_chain_written_anew_is_noticed_by_who_knows_its_head(
    whole: Chain, scratch: Path, place: int, known: int
) -> None:
    known_hash = whole.entries()[known - 1].hash
    lines, previous = lines_of(whole), START
    for number in range(ENTRIES):
        changes = {"record": {"better": True}} if number == place else {}
        lines[number] = resealed(lines[number], previous=previous, **changes)
        previous = json.loads(lines[number])["hash"]
    forged = holding(scratch, b"".join(lines))
    assert forged.head() == (ENTRIES, previous)  # sound in itself
    if place < known:
        with pytest.raises(DataError, match="were written anew"):
            forged.verify(known, known_hash)
    else:
        assert forged.verify(known, known_hash)[0] == ENTRIES


def test_a_head_is_both_or_neither(chain: Chain) -> None:
    length, known = chain.head()
    with pytest.raises(SettingError, match="both or neither"):
        chain.verify(length=length)
    with pytest.raises(SettingError, match="both or neither"):
        chain.verify(hash=known)
    with pytest.raises(SettingError, match="0 or more"):
        chain.verify(-1, known)


# ---------------------------------------------------------------- kills, full disks, other processes


def test_wherever_a_kill_cuts_the_last_line_all_others_stand(chain: Chain) -> None:
    content, entries = chain.path.read_bytes(), chain.entries()
    start = content[:-1].rindex(b"\n") + 1
    for end in range(start, len(content) - 1):
        assert holding(chain.path, content[:end]).entries() == entries[:-1]
    assert holding(chain.path, content[:-1]).entries() == entries  # it lacks its newline only


@pytest.mark.parametrize("left", [1, 50, -2, -1], ids=["one byte", "some", "no brace", "no newline"])
def test_the_next_entry_takes_the_place_of_a_torn_line(chain: Chain, left: int) -> None:
    content, entries = chain.path.read_bytes(), chain.entries()
    start = content[:-1].rindex(b"\n") + 1
    holding(chain.path, content[: start + left] if left > 0 else content[:left])
    kept = entries if left == -1 else entries[:-1]
    added = chain.append({"after": "the kill"})
    assert chain.entries() == (*kept, added)
    assert chain.path.read_bytes().startswith(content[:start])
    assert chain.path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("tail", [b"\x00" * 512, b'{"at":"2024\xff', b"   "])
def test_what_a_power_cut_leaves_is_a_torn_line(chain: Chain, tail: bytes) -> None:
    entries = chain.entries()
    holding(chain.path, chain.path.read_bytes() + tail)
    assert chain.entries() == entries
    assert chain.append({}).number == ENTRIES
    assert tail not in chain.path.read_bytes()


def test_a_torn_first_line_is_an_empty_chain(tmp_path: Path) -> None:
    chain = holding(tmp_path / "ledger.jsonl", b'{"at":"20')
    assert chain.head() == (0, START)
    assert chain.append({"a": 1}).number == 0
    assert chain.head()[0] == 1


def test_a_whole_line_without_newline_must_be_right(chain: Chain) -> None:
    lines = lines_of(chain)
    for last in (lines[-1][:-1] + b"x", lines[-1].replace(b"0.004", b"0.005")[:-1], b" " + lines[-1][:-1]):
        with pytest.raises(DataError, match=f"line {ENTRIES} was changed"):
            holding(chain.path, b"".join(lines[:-1]) + last).entries()
    deep = b"".join(lines) + b'{"at":' + b"[" * 200_000
    with pytest.raises(DataError, match=f"line {ENTRIES + 1} was changed"):
        holding(chain.path, deep).entries()


@pytest.mark.parametrize("newline", [True, False])
def test_a_full_disk_adds_nothing(chain: Chain, monkeypatch: pytest.MonkeyPatch, newline: bool) -> None:
    if not newline:
        holding(chain.path, chain.path.read_bytes()[:-1])
    before = chain.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match=r"ledger\.jsonl: cannot be written \(No space left on device\)"):
        chain.append_all([{"a": 1}, {"b": 2}])
    assert chain.path.read_bytes() == before
    monkeypatch.undo()
    assert chain.append({}).number == ENTRIES


def test_an_interrupt_adds_nothing(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    before = chain.path.read_bytes()

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        chain.append({"a": 1})
    assert chain.path.read_bytes() == before


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "ledger.jsonl", tmp_path / "folder"):
        with pytest.raises(DataError, match="cannot be written"):
            Chain(path).append({})
        with pytest.raises(DataError, match="cannot be read"):
            Chain(path).entries()


def assert_holds_each_once(chain: Chain, records: list[dict[str, int]]) -> None:
    held = [entry.record for entry in chain.entries()]
    assert len(held) == len(records)
    assert all(record in held for record in records)


def test_processes_that_append_at_once_keep_one_chain(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "ledger.jsonl")
    records = [{"process": process, "turn": turn} for process in range(3) for turn in range(5)]
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)  # none begins before all three are there
    with ProcessPoolExecutor(3, mp_context=spawn, initializer=barrier.wait) as pool:
        entries = list(pool.map(chain.append, records, chunksize=5))
    assert sorted(entry.number for entry in entries) == list(range(15))
    assert set(map(repr, chain.entries())) == set(map(repr, entries))
    assert_holds_each_once(chain, records)


def test_threads_that_append_at_once_keep_one_chain(tmp_path: Path) -> None:
    chain = Chain(tmp_path / "ledger.jsonl")
    records = [{"turn": turn} for turn in range(20)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(chain.append, records))
    assert_holds_each_once(chain, records)
