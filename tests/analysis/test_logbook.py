"""The folder of logs: what is read, what is remembered, and what may not happen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import geiger
from geiger.analysis import analyzer, logbook
from geiger.analysis.logbook import INDEX, LogBook
from geiger.checks.base import Case, Finding
from geiger.checks.trends import Brief
from geiger.errors import DataError
from geiger.records import Figure, Notice, Status
from geiger.runlog import RunLogWriter, reader
from geiger.runlog.facts import STILL_RUNNING

Write = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "logs"
    place.mkdir()
    return place


@pytest.fixture
def write(folder: Path) -> Write:
    """Write one log a second after the other."""
    written = []

    def write(symbol: str = "AAPL", status: Status | None = Status.SUCCESS, **config: str) -> Path:
        now = datetime(2025, 12, 29, 14, 30, len(written))
        with RunLogWriter(folder, symbol, "lstm", now=now) as log:
            log.config({"Recipe": "default", **config})
            log.warn(Notice("DATA_GAPS", "a gap"))
            if status is not None:
                log.finish(status, figures=[Figure("WFE", 0.62, "share")])
        assert log.path is not None
        written.append(log.path)
        return log.path

    return write


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


def reads(book: LogBook) -> list[str]:
    seen: list[str] = []
    book.logs(seen.append)
    return seen


def test_a_log_is_read_once_until_it_changes(folder: Path, write: Write) -> None:
    first, second = write(), write("MSFT", None)
    assert reads(LogBook(folder)) == [first.stem, second.stem]
    assert reads(LogBook(folder)) == []
    with second.open("a") as file:
        file.write("=== STATUS ===\nSUCCESS\n")
    assert LogBook(folder).unread() == [second.stem]
    assert reads(LogBook(folder)) == [second.stem]
    first.with_suffix(".jsonl").unlink()
    assert reads(LogBook(folder)) == [first.stem]


def test_the_brief_says_what_the_log_says(folder: Path, write: Write) -> None:
    path = write("BRK.B", **{"Data Hash": "abc"})
    (one,) = LogBook(folder, today=date(2026, 1, 5)).logs()
    brief = one.brief
    assert (brief.symbol, brief.model, brief.status) == ("BRK.B", "lstm", "SUCCESS")
    assert (brief.began, brief.recipe, brief.data) == ("2025-12-29T14:30:00", "default", "abc")
    assert brief.figures == {"WFE": 0.62}
    lines = path.read_text().splitlines()
    assert lines[brief.lines["WFE"] - 1] == "WFE: 62.0%"
    assert lines[brief.lines["STATUS"] - 1] == "SUCCESS"
    assert brief.findings["GC502"] == "WARN"


def test_what_was_analyzed_is_remembered_and_new_again_when_it_changes(folder: Path, write: Write) -> None:
    path = write()
    book = LogBook(folder)
    assert [one.analyzed for one in book.logs()] == [False]
    book.mark(book.logs())
    assert [one.analyzed for one in LogBook(folder).logs()] == [True]
    os.utime(path, (1.0, 1.0))
    assert [one.analyzed for one in LogBook(folder).logs()] == [False]


def test_reading_without_keeping_writes_nothing(folder: Path, write: Write) -> None:
    path = write()
    before = snapshot(folder)
    book = LogBook(folder, keep=False)
    book.logs()
    book.mark(book.logs())
    book.case(path.stem)
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    "damage",
    [b"", b"nonsense", b"[]", b'{"schema": 1}', b'{"schema": 9, "checks": "x", "logs": {}}', b"\xff\xfe"],
)
def test_a_damaged_index_costs_time_and_nothing_else(folder: Path, write: Write, damage: bytes) -> None:
    path = write()
    book = LogBook(folder)
    book.logs()
    (folder / INDEX).write_bytes(damage)
    assert reads(book) == [path.stem]
    assert reads(book) == []


def test_an_index_with_a_damaged_entry_is_not_believed(folder: Path, write: Write) -> None:
    path = write()
    LogBook(folder).logs()
    head, line = (folder / INDEX).read_text().splitlines()
    stored = json.loads(line)
    stored["brief"]["figures"] = ["odd"]
    (folder / INDEX).write_text(f"{head}\n{json.dumps(stored)}\n")
    assert reads(LogBook(folder)) == [path.stem]


def test_an_index_of_other_checks_is_not_used(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    LogBook(folder).logs()
    monkeypatch.setattr(logbook, "checks_hash", lambda: "others")
    assert reads(LogBook(folder)) == [path.stem]


def test_logs_that_went_are_forgotten(folder: Path, write: Write) -> None:
    path, other = write(), write()
    LogBook(folder).logs()
    path.unlink()
    assert [one.name for one in LogBook(folder).logs()] == [other.stem]
    assert path.stem not in (folder / INDEX).read_text()


def test_links_that_lead_out_and_what_is_no_file_are_not_read(
    folder: Path, write: Write, tmp_path: Path
) -> None:
    path = write()
    outside = tmp_path / "secret.log"
    outside.write_text("=== STATUS ===\nSUCCESS\n")
    (folder / "OUT_lstm_20250101_000000.log").symlink_to(outside)
    (folder / "IN_lstm_20250101_000000.log").symlink_to(path)
    (folder / "DIR_lstm_20250101_000000.log").mkdir()
    os.mkfifo(folder / "FIFO_lstm_20250101_000000.log")
    (folder / "LOST_lstm_20250101_000000.log").symlink_to(tmp_path / "nowhere")
    (folder / "LOOP_lstm_20250101_000000.log").symlink_to(folder / "LOOP_lstm_20250101_000000.log")
    book = LogBook(folder)
    assert list(book.names()) == [path.stem, "IN_lstm_20250101_000000"]
    for name in ("OUT", "DIR", "FIFO", "LOST", "LOOP"):
        with pytest.raises(DataError, match="no log"):
            book.case(f"{name}_lstm_20250101_000000")


def test_events_behind_a_link_that_leads_out_are_not_read(folder: Path, write: Write, tmp_path: Path) -> None:
    path = write()
    outside = tmp_path / "secret.jsonl"
    outside.write_text('{"schema": 1, "event": "note", "text": "secret"}\n')
    path.with_suffix(".jsonl").unlink()
    path.with_suffix(".jsonl").symlink_to(outside)
    book = LogBook(folder)
    (one,) = book.logs()
    assert one.stamp[2:] == (0, 0)
    assert "secret" not in repr(book.case(path.stem).log)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "..", "", "a/b", "x\0y", "*"])
def test_names_cannot_leave_the_folder(folder: Path, write: Write, name: str) -> None:
    write()
    with pytest.raises(DataError, match="no log"):
        LogBook(folder).path(name)


def test_a_log_is_named_by_stem_file_or_path(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write()
    book = LogBook(folder)
    monkeypatch.chdir(folder.parent)
    for name in (path.stem, path.name, f"{path.stem}.jsonl", str(path), f"logs/{path.name}"):
        assert book.path(name) == path


def test_the_beginning_of_a_name_means_the_newest_such_log(folder: Path) -> None:
    for name in ("AAPL_ridge_20240105_143022", "AAPL_lstm_20250105_143022", "MSFT_ridge_20240601_000000"):
        (folder / f"{name}.log").write_text("=== STATUS ===\nSUCCESS\n", encoding="utf-8")
    book = LogBook(folder)
    assert book.path("AAPL").stem == "AAPL_lstm_20250105_143022", "the newest, and not the last by name"
    assert book.path("AAPL_r").stem == "AAPL_ridge_20240105_143022"
    assert book.path("latest").stem == "AAPL_lstm_20250105_143022"
    for name in ("", "../logs/AAPL", "PL"):
        with pytest.raises(DataError, match="no log"):
            book.path(name)


def test_a_wrong_name_gets_the_nearest_right_one(folder: Path, write: Write) -> None:
    path = write()
    with pytest.raises(DataError, match=f"did you mean '{path.stem}'"):
        LogBook(folder).path(path.stem[:-1] + "9")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder; `geiger train` makes it"):
        LogBook(tmp_path / "none").names()
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="cannot be listed"):
        LogBook(tmp_path / "file").names()


def test_a_huge_log_is_refused_and_hides_no_other(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = write(), write()
    monkeypatch.setattr(logbook, "LARGEST", path.stat().st_size + 20_000)
    with path.open("a") as file:
        file.write("x" * 40_000)
    briefs = {one.name: one.brief for one in LogBook(folder).logs()}
    assert "is no log; move it away" in briefs[path.stem].trouble
    assert briefs[other.stem].trouble == ""


def test_many_logs_are_read_by_several_processes_alike(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for symbol in ("A", "B", "C"):
        write(symbol)
    alone = [one.brief for one in LogBook(folder, keep=False).logs()]
    monkeypatch.setattr(logbook, "WORTH_PROCESSES", 2)
    assert [one.brief for one in LogBook(folder, keep=False).logs()] == alone


def test_a_log_of_a_newer_version_is_trouble_in_words(folder: Path) -> None:
    (folder / "A_lstm_20250101_000000.log").write_text("=== TRAINING CONFIG ===\nLog Format: 99\n\n")
    (one,) = LogBook(folder).logs()
    assert "upgrade geiger-lab" in one.brief.trouble


RED = {
    **{
        "color": "red",
        "stages": 13,
        "cuts": 6,
        "day": "2026-11-29\x1b[2J",
        "leak": "features: \x1b]0;owned\x07",
    },
    **{"mend": "a\nb", "other": ["\u202ecode"]},
}


def test_what_a_log_says_cannot_command_a_terminal(folder: Path) -> None:
    name = "A_lstm_20250101_000000"
    (folder / f"{name}.log").write_text(
        "=== TRAINING CONFIG ===\nSymbol: A\x1b[2J\nNote\x07: x\u202e\n\n"
        "=== WARNINGS ===\nBAD: \x1b]0;owned\x07\n\n=== VERDICT ===\n\x1b[31m\n\n=== STATUS ===\nSUCCESS\n"
    )
    (folder / f"{name}.jsonl").write_text(
        json.dumps({"schema": 1, "event": "note", "text": "a\x1b[2J\nb"})
        + "\n"
        + json.dumps({"schema": 1, "event": "figure", "name": "WFE\x1b", "value": 1, "unit": "share"})
        + "\n"
        + json.dumps({"schema": 1, "event": "audit", **RED})
        + "\n"
    )
    case = LogBook(folder).case(name)
    texts = [*sum(case.log.config, ()), *case.log.verdict, *case.log.scorecard.notes]
    texts += [notice.text for notice in case.log.warnings] + [figure.name for figure in case.log.figures]
    assert case.log.audit is not None
    texts += [case.log.audit.text(), str(case.log.audit.mend), *case.log.audit.other]
    assert all(text.isprintable() for text in texts), texts


def test_a_run_that_has_not_ended_stays_new(folder: Path, write: Write) -> None:
    write(status=None)
    book = LogBook(folder)
    book.mark(book.logs())
    assert [one.analyzed for one in book.logs()] == [False]


def test_what_changed_since_it_was_read_is_not_marked(folder: Path, write: Write) -> None:
    path = write()
    old = LogBook(folder).logs()
    os.utime(path, (1.0, 1.0))
    LogBook(folder).logs()  # somebody else reads it anew
    LogBook(folder).mark(old)
    assert [one.analyzed for one in LogBook(folder).logs()] == [False]


def test_a_case_has_the_stem_of_its_log_however_it_was_named(folder: Path, write: Write) -> None:
    path = write()
    for name in (path.stem, path.name, str(path)):
        case = LogBook(folder).case(name)
        assert (case.name, case.began) == (path.stem, datetime(2025, 12, 29, 14, 30, 0))


def test_events_that_grow_keep_a_run_alive(folder: Path, write: Write) -> None:
    path = write(status=None)
    os.utime(path, (1.0, 1.0))
    idle = LogBook(folder).case(path.stem).idle
    assert idle is not None
    assert idle < 10_000


def test_huge_events_are_refused(folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write()
    monkeypatch.setattr(logbook, "LARGEST", path.stat().st_size + 20_000)
    with path.with_suffix(".jsonl").open("a") as file:
        file.write("x" * 40_000)
    (one,) = LogBook(folder).logs()
    assert "is no log; move it away" in one.brief.trouble


def test_one_log_that_breaks_a_check_hides_no_other(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = write(), write("MSFT")

    def break_on_one(case: Case) -> tuple[Finding, ...]:
        if case.name == path.stem:
            raise OverflowError("too large")
        return ()

    monkeypatch.setattr(logbook, "ask_all", break_on_one)
    monkeypatch.setattr(analyzer, "ask_all", break_on_one)
    logs = {log.name: log for log in analyzer.analyze(LogBook(folder, keep=False), everything=True).logs}
    assert (logs[path.stem].trouble, logs[other.stem].trouble) == ("too large", "")


def test_the_run_before_is_the_last_finished_one(folder: Path, write: Write) -> None:
    write(Days="1")
    second = write(Days="2")
    write(Days="3", status=None)
    last = write(Days="4")
    logs = {log.name: log for log in analyzer.analyze(LogBook(folder, keep=False), everything=True).logs}
    drift = next(f for f in logs[last.stem].findings if f.code == "GC505")
    assert second.stem in drift.text


def test_a_line_without_end_does_not_hang_the_reader(folder: Path) -> None:
    lines = ["=== EPOCH METRICS ===", "Epoch 1: " + "a" * 150_000, "b" * 300_000, ""]
    lines += ["=== WARNINGS ===", "X: " + "c" * 150_000, "", "=== STATUS ===", "SUCCESS", ""]
    (folder / "A_lstm_20250101_000000.log").write_text("\n".join(lines))
    (one,) = LogBook(folder).logs()
    assert one.brief.status == "SUCCESS"


def test_one_look_at_all_texts_cleans_a_log_as_each_by_itself_would(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(**{"API key": "abc", "Note": "see https://me:pw@host/?token=abc"})
    plain = write()
    text = path.read_text()
    odd = folder / "ODD_lstm_20250101_000000.log"
    odd.write_text(text.replace("Recipe", "Re\x1bcipe").replace("DATA_GAPS: a", "DATA_GAPS: a\u202e"))
    colon = folder / "COLON_lstm_20250101_000000.log"
    colon.write_text("=== STATUS ===\nSUCCESS\n")
    event = {"schema": 1, "event": "config", "settings": [["Note: x", "y"]]}
    colon.with_suffix(".jsonl").write_text(json.dumps(event) + "\n")
    names = [path.stem, plain.stem, odd.stem, colon.stem]
    looked = [logbook._spotless(reader.read_log(folder / f"{name}.log")) for name in names]
    assert looked == [False, True, False, False]
    seen = [repr(LogBook(folder).case(name).log) for name in names]
    monkeypatch.setattr(logbook, "spotless", lambda text: False)
    assert [repr(LogBook(folder).case(name).log) for name in names] == seen
    assert not any(secret in "".join(seen) for secret in ("abc", "pw@"))
    assert "'Note x'" in seen[-1]


def test_an_index_that_grows_by_changes_alone_is_written_anew(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "SPARE", 3)
    path = write()
    sizes = []
    for second in range(8):
        os.utime(path, (second, second))
        assert reads(LogBook(folder)) == [path.stem]
        sizes.append(len((folder / INDEX).read_bytes().splitlines()))
    assert sizes == [2, 3, 4, 5, 2, 3, 4, 5]


def test_a_run_that_stays_silent_is_killed_though_its_files_are_the_same(
    folder: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(status=None)
    assert [one.brief.findings["GC101"] for one in LogBook(folder).logs()] == ["NOTE"]
    assert reads(LogBook(folder)) == []
    now = time.time() + STILL_RUNNING + 1
    monkeypatch.setattr(logbook.time, "time", lambda: now)
    assert [one.brief.findings["GC101"] for one in LogBook(folder).logs()] == ["FAIL"]
    assert reads(LogBook(folder)) == []
    assert LogBook(folder).unread() == []
    assert path.exists()


def test_data_grow_old_though_the_log_stays_the_same(folder: Path, write: Write) -> None:
    write(Days="2020-01-02 to 2025-01-03 (1000 rows)")
    last = date(2025, 1, 3)
    for days, old in ((366, False), (366, False), (367, True), (368, True)):
        today = last + timedelta(days=days)
        (one,) = LogBook(folder, today=today).logs()
        assert ("GC503" in one.brief.findings) == old, days
        LogBook(folder, today=today).mark([one])
    assert LogBook(folder, today=today).logs()[0].analyzed
    assert len((folder / INDEX).read_bytes().splitlines()) == 1 + 2 + 1  # twice read, once marked


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(geiger.__file__).parents[1])}
READ = """
import os, signal, sys
from geiger.analysis import index, logbook
from geiger.analysis.logbook import LogBook

logbook.AT_ONCE = 2
book, seen = LogBook(sys.argv[1]), []
def die(): os.kill(os.getpid(), signal.SIGKILL)
"""
AFTER_FIVE = READ + "book.logs(lambda name: (seen.append(name), len(seen) == 5 and die()))"
IN_A_LINE = (
    READ
    + """
real = os.write
def write(handle, content):
    seen.append(content)
    if len(seen) == 2:
        real(handle, content[: len(content) // 3 * 2])
        die()
    return real(handle, content)
os.write = write
book.logs()
"""
)
BEFORE_REPLACING = (
    READ
    + """
os.replace = lambda *paths: die()
book.logs()
book.path(sorted(book.names())[0]).unlink()
book.logs()
"""
)


def plain_briefs(folder: Path) -> list[Brief]:
    """Return what the logs say with no index at hand."""
    book = LogBook(folder, keep=False)
    return [book.read(name, stamp).brief for name, stamp in book.names().items()]


@pytest.mark.parametrize(
    ("script", "kept"),
    [(AFTER_FIVE, 6), (IN_A_LINE, 3), (BEFORE_REPLACING, 7)],
    ids=["read", "line", "replace"],
)
def test_a_kill_loses_no_more_than_the_last_lines(folder: Path, write: Write, script: str, kept: int) -> None:
    for symbol in "ABCDEFGH":
        write(symbol)
    ended = subprocess.run(
        [sys.executable, "-c", script, str(folder)], env=ENVIRONMENT, timeout=120, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    names = list(LogBook(folder).names())
    assert len(LogBook(folder).unread()) <= len(names) - kept
    assert reads(LogBook(folder)) == names[kept:] or script is BEFORE_REPLACING
    assert [one.brief for one in LogBook(folder).logs()] == plain_briefs(folder)
    assert reads(LogBook(folder)) == []


AT_ONCE = (
    READ
    + """
half = int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
logs = book.logs(seen.append)
book.mark(logs[half::2])
print(repr([one.brief for one in logs]), flush=True)
"""
)


def test_two_processes_read_one_folder_at_once_and_lose_nothing(folder: Path, write: Write) -> None:
    for number in range(24):
        write(f"S{number}")
    words = [sys.executable, "-c", AT_ONCE, str(folder)]
    both = [
        subprocess.Popen([*words, half], env=ENVIRONMENT, stdin=-1, stdout=-1, stderr=-1, text=True)
        for half in ("0", "1")
    ]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=120) for process in both]
    briefs = plain_briefs(folder)
    assert [said for said, _ in ended] == [repr(briefs) + "\n"] * 2
    assert [complaint for _, complaint in ended] == ["", ""]
    assert reads(LogBook(folder)) == []
    assert [(one.brief, one.analyzed) for one in LogBook(folder).logs()] == [
        (brief, True) for brief in briefs
    ]


STEPS = st.sampled_from(
    ["new", "end", "grow", "touch", "remove", "events", "read", "mark", "cut", "noise", "drop"]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(STEPS, st.integers(0, 10**6)), max_size=12))
def test_whatever_happens_the_index_says_what_the_files_say(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("logs")
    marked: set[tuple[str, tuple[int, ...]]] = set()
    for number, (step, draw) in enumerate(steps):
        logs = sorted(folder.glob("*.log"))
        path = logs[draw % len(logs)] if logs else None
        whole = folder / INDEX
        if step in ("new", "end") or path is None:
            with RunLogWriter(folder, f"S{draw % 3}", "lstm", now=datetime(2025, 1, 1, 0, 0, number)) as log:
                log.config({"Recipe": "default"})
                if step == "end":
                    log.finish(Status.SUCCESS, figures=[Figure("WFE", draw / 1e6, "share")])
        elif step == "grow":
            with path.open("a") as file:
                file.write(f"odd line {number}\n")
        elif step == "touch":
            os.utime(path, (number, number))
        elif step == "remove":
            path.unlink()
        elif step == "events":
            path.with_suffix(".jsonl").unlink(missing_ok=True)
        elif step == "read":
            LogBook(folder).logs()
        elif step == "mark":
            chosen = LogBook(folder).logs()[draw % len(logs) :]
            LogBook(folder).mark(chosen)
            marked |= {one.key for one in chosen if one.brief.status}
        elif step == "cut" and whole.exists():
            whole.write_bytes(whole.read_bytes()[: draw % (whole.stat().st_size + 1)])
            marked.clear()  # some of them may stand in what is left
        elif step == "noise" and whole.exists():
            content = bytearray(whole.read_bytes() or b"x")
            content[draw % len(content)] = draw % 256
            whole.write_bytes(content)
            marked.clear()
        elif step == "drop":
            whole.unlink(missing_ok=True)
            marked.clear()
        if "noise" not in [name for name, _ in steps]:
            seen = LogBook(folder).logs()
            assert [one.brief for one in seen] == plain_briefs(folder)
            assert {one.key for one in seen} & marked <= {one.key for one in seen if one.analyzed}
        else:  # a changed digit is a lie that nobody can tell; it crashes nothing
            assert [one.name for one in LogBook(folder).logs()] == [
                path.stem for path in sorted(folder.glob("*.log"))
            ]
