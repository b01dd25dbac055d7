"""The index of a folder of logs: what it remembers, and what it does not believe."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.analysis import index
from geiger.analysis.index import INDEX, Index, KnownLog, decoded, encoded
from geiger.checks.trends import Brief
from geiger.cleaning import clean
from helpers.logs import steady

STAMP = (10, 20, 30, 40)
ONE = KnownLog(Brief("A_lstm_20250101_000000", "A", figures={"WFE": 0.5}, lines={"WFE": 3}), STAMP)
OTHER = KnownLog(Brief("B_lstm_20250101_000000", "B", trouble="it is empty"), STAMP, until=5.0, until_day=7)
LATER = KnownLog(ONE.brief, (11, 20, 30, 40))

printable = st.text(st.characters(codec="utf-8"), max_size=8).map(clean)
briefs = st.builds(
    Brief,
    printable,
    *[printable] * 8,
    figures=st.dictionaries(printable, st.floats(-1e99, 1e99), max_size=4),
    lines=st.dictionaries(printable, st.integers(1, 2**53 - 1), max_size=4),
    findings=st.dictionaries(printable, printable, max_size=4),
    result=printable,
    trouble=printable,
)
known_logs = st.builds(
    KnownLog,
    briefs,
    st.tuples(*[st.integers(0, 2**62)] * 4),
    st.booleans(),
    st.none() | st.floats(0, 1e12),
    st.none() | st.integers(1, 3_652_059),
)


def changed(**brief: Any) -> bytes:
    """Return the line of a log with other words in its brief."""
    line = json.loads(encoded([ONE]))
    line["brief"] |= brief
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


@steady
@given(st.lists(known_logs, max_size=4, unique_by=lambda one: one.key), st.data())
def test_what_goes_in_comes_out_and_half_a_line_counts_as_none(
    logs: list[KnownLog], data: st.DataObject
) -> None:
    lines = encoded(logs)
    assert decoded(lines) == {one.key: one for one in logs}
    cut = data.draw(st.integers(0, len(lines)))
    whole = lines[:cut].count(b"\n") + (cut > 0 and lines[cut : cut + 1] == b"\n")
    assert list(decoded(lines[:cut]).values()) == logs[:whole]


@steady
@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 30))
def test_damage_takes_its_own_line_only(bytes_: bytes, at: int, length: int) -> None:
    line = encoded([ONE])[:-1]
    damaged = line[:at] + bytes_ + line[at + length :]
    found = decoded(encoded([OTHER]) + damaged + b"\n" + encoded([LATER]))
    assert found[OTHER.key] == OTHER
    assert found[LATER.key] == LATER
    assert all(text.isprintable() for one in found.values() for text in (one.name, one.brief.symbol))


@pytest.mark.parametrize(
    "line",
    [
        changed(name="B_lstm_20250101_000000"),
        changed(symbol="\x1b[2J"),
        changed(trouble="a\u202eb"),
        changed(status="a\nb"),
        changed(findings={"GC\x07": "FAIL"}),
        changed(lines={"\x9b": 3}),
        changed(figures={"WFE": 1e300}),
        changed(figures={"WFE": -1e100}),
        changed(figures={"WFE": "0.5"}),
        changed(figures=["WFE"]),
        changed(lines={"WFE": 10**400}),
        changed(lines={"WFE": 0}),
        changed(symbol=3),
        changed(symbol="\ud800"),
        b"null\n",
        b"[" * 100_000 + b"\n",
        b'{"name": "A_lstm_20250101_000000", "stamp": [1, 2, 3], "analyzed": true}\n',
    ],
)
def test_a_line_that_none_of_ours_says_is_not_believed(line: bytes) -> None:
    assert decoded(line) == {}
    assert decoded(encoded([ONE]) + line) == {ONE.key: ONE}
    assert decoded(line + encoded([ONE])) == {ONE.key: ONE}


def test_a_mark_counts_for_the_log_as_it_was_read(tmp_path: Path) -> None:
    book = Index(tmp_path, "checks")
    book.mark([OTHER])  # before anybody remembers it: still no word of what it says
    assert book.load() == {}
    book.add(encoded([ONE, LATER, OTHER]))
    book.mark([ONE])
    assert {key for key, one in book.load().items() if one.analyzed} == {ONE.key, OTHER.key}
    book.add(encoded([ONE]))  # another process read it as well, and knows of no mark
    assert book.load()[ONE.key].analyzed


def test_until_when_a_brief_holds() -> None:
    day = date(2025, 6, 1)
    assert ONE.holds(9e9, date.max)
    assert KnownLog(ONE.brief, STAMP, until=10.0).holds(9.9, day)
    assert not KnownLog(ONE.brief, STAMP, until=10.0).holds(10.0, day)
    old = KnownLog(ONE.brief, STAMP, until_day=day.toordinal())
    assert old.holds(0.0, date(2025, 5, 31))
    assert not old.holds(0.0, day)


def test_an_index_of_other_checks_is_written_anew(tmp_path: Path) -> None:
    Index(tmp_path, "old").add(encoded([ONE]))
    new = Index(tmp_path, "new")
    assert new.load() == {}
    new.add(encoded([OTHER]))
    assert new.load() == {OTHER.key: OTHER}
    assert Index(tmp_path, "old").load() == {}


def test_after_half_a_line_the_next_one_is_whole(tmp_path: Path) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE]))
    with book.path.open("ab") as file:
        file.write(encoded([OTHER])[:-9])
    book.add(encoded([LATER]))
    assert book.load() == {ONE.key: ONE, LATER.key: LATER}


def test_without_the_right_to_keep_nothing_is_written(tmp_path: Path) -> None:
    book = Index(tmp_path, "checks", keep=False)
    book.add(encoded([ONE]))
    book.mark([ONE])
    book.tidy(dict)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_of_ours_is_neither_read_nor_written(tmp_path: Path) -> None:
    lines = encoded([ONE])
    secret = tmp_path / "mine"
    secret.write_text("mine")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / INDEX).symlink_to(secret)
    (tmp_path / "dangling").mkdir()
    (tmp_path / "dangling" / INDEX).symlink_to(tmp_path / "nowhere")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / INDEX)
    (tmp_path / "folder" / INDEX).mkdir(parents=True)
    for name in ("link", "dangling", "pipe", "folder", "none"):
        book = Index(tmp_path / name, "checks")
        book.add(lines)
        book.tidy(dict)
        assert book.load() == {}, name
    assert secret.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_with_another_name_is_not_written_into(tmp_path: Path) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE]))
    os.link(book.path, tmp_path / "snapshot")
    before = (tmp_path / "snapshot").read_bytes()
    book.add(encoded([OTHER]))
    assert (tmp_path / "snapshot").read_bytes() == before
    assert book.load() == {ONE.key: ONE, OTHER.key: OTHER}


def test_a_file_that_is_too_large_is_not_read_and_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE]))
    monkeypatch.setattr(index, "LARGEST", book.path.stat().st_size - 1)
    assert book.load() == {}
    monkeypatch.setattr(index, "LARGEST", 10)
    book.add(encoded([OTHER]))
    monkeypatch.undo()
    assert book.load() == {OTHER.key: OTHER}


def test_tidying_keeps_what_is_there_as_it_is_there_and_its_marks(tmp_path: Path) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE, OTHER, LATER, ONE]))
    book.mark([LATER])
    book.tidy(lambda: {LATER.name: LATER.stamp})
    lines = book.path.read_bytes().splitlines()
    assert len(lines) == 2
    assert [one.analyzed for one in book.load().values()] == [True]


def test_what_another_process_adds_while_the_index_is_written_anew_is_kept(tmp_path: Path) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE]))
    waiting = os.open(book.path, os.O_RDWR)  # of the file that is about to go
    book.tidy(lambda: {ONE.name: ONE.stamp})
    assert not index._same_file(waiting, book.path)
    os.close(waiting)
    book.add(encoded([OTHER]))
    assert book.load().keys() == {ONE.key, OTHER.key}


def test_one_that_does_not_let_go_costs_time_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE]))
    monkeypatch.setattr(index, "WAIT", 0.0)
    with book._alone() as handle:
        assert handle is not None
        book.add(encoded([OTHER]))
        book.tidy(dict)
    assert book.load() == {ONE.key: ONE}
    book.add(encoded([OTHER]))
    assert book.load().keys() == {ONE.key, OTHER.key}


def test_a_full_disk_costs_time_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Index(tmp_path, "checks")
    book.add(encoded([ONE]))
    real = os.write

    def half(handle: int, content: bytes) -> int:
        if len(content) < 20:
            raise OSError(28, "No space left on device")
        return real(handle, content[: len(content) // 2])

    monkeypatch.setattr(os, "write", half)
    book.add(encoded([OTHER]))
    monkeypatch.undo()
    assert book.load() == {ONE.key: ONE}
    book.add(encoded([OTHER]))
    assert book.load().keys() == {ONE.key, OTHER.key}
