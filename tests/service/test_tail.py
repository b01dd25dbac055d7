"""A log that grows: what is new is read, half a line waits, another file begins anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from geiger.records import Epoch, FoldResult, Notice, RunSettings, Status
from geiger.runlog import RunLogWriter
from geiger.service import tail as tailing
from geiger.service.tail import Tail


def epoch(number: int, fold: int = 0, loss: float = 1.0) -> Epoch:
    return Epoch(number, loss, 1.1, 0.05, 50.0, fold=fold)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RunLogWriter]:
    with RunLogWriter(tmp_path, "IBM", "lstm", now=dt.datetime(2024, 1, 9, 12, 0, 0)) as made:
        yield made


def of(log: RunLogWriter) -> Tail:
    path = log.events_path
    assert path is not None
    return Tail(lambda: path)


def test_epochs_come_as_they_are_written(log: RunLogWriter) -> None:
    tail = of(log)
    assert tail.read().shown() is None
    log.settings(RunSettings(symbol="IBM", model="lstm", folds=7, epochs=50))
    log.epoch(epoch(1))
    told = tail.read()
    assert told.settings is not None
    assert (told.settings.folds, told.shown(), list(told.epochs[0, 0])) == (7, (0, 0), [1])
    log.epoch(epoch(2))
    log.fold(FoldResult(0, *["2020-01-02"] * 6, 100, 10, 10, (1,), 0.1))
    log.epoch(epoch(1, fold=1))
    told = tail.read()
    assert (sorted(told.epochs[0, 0]), told.shown(), told.folds) == ([1, 2], (1, 0), {0})
    log.warn(Notice("ODD", "something"))
    log.finish(Status.FAILED)
    told = tail.read()
    assert (told.status, [one.code for one in told.warnings]) == (Status.FAILED, ["ODD"])


def test_the_later_of_two_epochs_of_one_number_counts(log: RunLogWriter) -> None:
    tail = of(log)
    log.epoch(epoch(1, loss=3.0))
    log.epoch(epoch(1, loss=2.0))
    assert tail.read().epochs[0, 0][1].loss == 2.0


def test_half_a_line_waits_for_its_end(log: RunLogWriter) -> None:
    tail = of(log)
    log.epoch(epoch(1))
    path = log.events_path
    assert path is not None
    whole = path.read_bytes()
    line = whole.splitlines(keepends=True)[-1].replace(b'"epoch": 1,', b'"epoch": 2,')
    with open(path, "ab") as file:
        file.write(line[:20])
    assert list(tail.read().epochs[0, 0]) == [1]
    with open(path, "ab") as file:
        file.write(line[20:])
    assert list(tail.read().epochs[0, 0]) == [1, 2]


def test_a_large_file_is_read_piece_by_piece(log: RunLogWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        log.epoch(epoch(number))
    monkeypatch.setattr(tailing, "AT_ONCE", 1000)
    assert len(of(log).read().epochs[0, 0]) == 50


def test_another_file_under_the_name_begins_anew(log: RunLogWriter) -> None:
    tail, path = of(log), log.events_path
    assert path is not None
    log.epoch(epoch(1))
    assert tail.read().shown() is not None
    path.unlink()
    assert tail.read().shown() is not None  # what was told stays until there is something else
    path.write_text("")
    assert tail.read().shown() is None


def test_folds_that_are_trained_side_by_side_do_not_take_turns(log: RunLogWriter) -> None:
    tail = of(log)
    for number in (1, 2):
        for fold in (4, 3):
            log.epoch(epoch(number, fold=fold))
            assert tail.read().shown() == ((4, 0) if (number, fold) == (1, 4) else (3, 0))
    assert tail.read().going() == [(3, 0), (4, 0)]
    log.fold(FoldResult(3, *["2020-01-02"] * 6, 100, 10, 10, (1,), 0.1))
    assert tail.read().shown() == (4, 0)
    log.fold(FoldResult(4, *["2020-01-02"] * 6, 100, 10, 10, (1,), 0.1))
    assert tail.read().going() == []
    assert tail.read().shown() == (3, 0)  # whose epoch came last, until another fold begins


def test_what_was_returned_does_not_change_any_more(log: RunLogWriter) -> None:
    tail = of(log)
    log.epoch(epoch(1))
    before = tail.read()
    log.epoch(epoch(2))
    log.warn(Notice("ODD", "something"))
    assert len(tail.read().epochs[0, 0]) == 2
    assert (len(before.epochs[0, 0]), before.warnings) == (1, [])
