"""The register: each try counts once, nothing changes unnoticed, nothing is lost, whatever stops it."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.chain import START, Chain, Head
from geiger.errors import DataError
from geiger.evidence import trials as module
from geiger.evidence.day_files import DayValues
from geiger.evidence.trial import Trial
from geiger.evidence.trials import Register
from helpers.trials import FIRST, ROWS, day, trial, values

PRICES = values(0)
WHOLE = "2000-01-01", "2030-01-01"


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "trials")


def three(register: Register) -> Register:
    """Three trials of one series, and one rerun."""
    for number, key in enumerate("abc"):
        register.add(trial(key), PRICES, values(number + 1, ROWS))
    register.add(trial("a"), PRICES, values(1, ROWS))
    return register


def counted(register: Register, kind: str = "skill") -> list[str]:
    """Keys of what counts on the series of AAPL."""
    series = register.series_of("AAPL", PRICES)
    assert series is not None
    return [
        one.key for one in register.sharing(series, *WHOLE, kind="economic" if kind != "skill" else "skill")
    ]


# ---------------------------------------------------------------- what counts


def test_a_folder_that_is_not_there_is_a_register_without_trials(register: Register) -> None:
    assert (register.head().trials, register.head().length, register.head().hash) == (0, 0, START)
    assert register.lines() == ()
    assert register.sharing("s", *WHOLE) == ()
    assert register.verify().sound
    assert not register.folder.exists()


def test_fifty_tries_count_fifty_times_and_fifty_reruns_not_at_all(register: Register) -> None:
    for number in range(50):
        found = register.add(trial(f"k{number}"), PRICES, values(number + 1, ROWS))
        assert (found.counted, found.rerun, found.head.trials) == (True, False, number + 1)
    for _ in range(50):
        again = register.add(trial("k7", run="later"), PRICES, values(8, ROWS))
        assert (again.counted, again.rerun, again.trial.number, again.head.trials) == (False, True, 7, 50)
    assert len(counted(register)) == 50
    lines = register.lines()
    assert (len(lines), sum(line.counts for line in lines)) == (100, 50)
    assert {line.rerun_of for line in lines[50:]} == {7}
    assert lines[50].trial.run == "later"


def test_what_was_registered_comes_back(register: Register) -> None:
    now = datetime(2024, 1, 5, tzinfo=UTC)
    found = register.add(trial(), PRICES, values(1, ROWS), now)
    expected = replace(
        trial(),
        series=found.trial.series,
        scores=values(1, ROWS).digest,
        number=0,
        at="2024-01-05T00:00:00.000000+00:00",
    )
    assert found.trial == expected
    assert register.sharing(found.trial.series, *WHOLE) == (expected,)
    scores = register.scores_of(found.trial)
    assert scores is not None
    assert scores.digest == values(1, ROWS).digest
    assert found.head == register.head()
    assert Chain(register.chain.path).head() == (found.head.length, found.head.hash)


def test_a_renamed_and_rescaled_copy_of_the_prices_shares_the_count(register: Register) -> None:
    first = register.add(trial("a"), PRICES, values(1, ROWS))
    copy = DayValues(PRICES.day, (PRICES.value * (1 + 1e-6)).astype(np.float32))
    second = register.add(trial("b", "XYZ"), copy, values(2, ROWS))
    assert second.trial.series == first.trial.series
    assert (second.shared_with, second.head.trials) == (("AAPL",), 2)
    again = register.add(trial("a", "XYZ"), copy, values(1, ROWS))
    assert (again.rerun, again.counted) == (True, False)
    exact = register.add(trial("a", "NEW"), PRICES, values(1, ROWS))
    assert (exact.rerun, exact.shared_with) == (True, ("AAPL", "XYZ"))
    assert len(counted(register)) == 2


def test_other_prices_have_a_count_of_their_own(register: Register) -> None:
    register.add(trial("a"), PRICES, values(1, ROWS))
    other = register.add(trial("a", "MSFT"), values(9), values(1, ROWS))
    assert (other.counted, other.shared_with) == (True, ())
    assert counted(register) == ["a"]
    assert register.sharing(other.trial.series, *WHOLE) == (other.trial,)


def test_appended_days_continue_a_trial(register: Register) -> None:
    first = register.add(trial(), values(0, 1000), values(1, ROWS))
    grown = register.add(trial(rows=600, p_value=0.02), values(0, 1100), values(1, 600))
    assert (grown.counted, grown.rerun, grown.head.trials) == (False, False, 1)
    assert register.sharing(first.trial.series, *WHOLE) == (grown.trial,)
    old = register.add(trial(), values(0, 1000), values(1, ROWS))
    assert (old.rerun, old.counted, old.trial.number) == (True, False, 0)
    assert register.sharing(first.trial.series, *WHOLE) == (grown.trial,)
    before, after, rerun = register.lines()
    assert (before.continued_by, after.continues, rerun.rerun_of) == (1, 0, 0)
    assert [line.counts for line in register.lines()] == [False, True, False]


def test_a_rerun_on_the_prices_of_then_stands_among_the_others_as_it_was(register: Register) -> None:
    first = register.add(trial(), values(0, 1000), values(1, ROWS))
    other = register.add(trial("b"), values(0, 1000), values(2, ROWS))
    grown = register.add(trial(rows=600), values(0, 1100), values(1, 600))
    old = register.add(trial(), values(0, 1000), values(1, ROWS))
    assert register.among(old.trial) == (first.trial, other.trial)
    assert register.among(grown.trial) == (other.trial, grown.trial)
    assert register.among(other.trial) == (other.trial, grown.trial)


@pytest.mark.parametrize(
    ("other", "scores"),
    [
        (trial(rows=400), values(1, 400)),  # where to stop is a choice
        (trial(start=1, rows=600), values(2, 600, FIRST + 1)),
        (trial(rows=600), values(2, 600)),  # the same key, other scores: noise in the data, say
        (trial("b", rows=600), values(1, 600)),
        (trial(), None),
    ],
)
def test_what_is_not_the_same_with_more_days_counts_by_itself(
    register: Register, other: object, scores: DayValues | None
) -> None:
    register.add(trial(), PRICES, values(1, ROWS))
    assert isinstance(other, type(trial()))
    assert register.add(other, PRICES, scores).counted
    assert register.head().trials == 2


def test_small_steps_do_not_lead_to_other_scores_unnoticed(register: Register) -> None:
    scores, steps = values(1, ROWS), 0
    register.add(trial(), PRICES, scores)
    for seed in range(40):
        moved = scores.value + 0.03 * values(seed + 100, ROWS).value
        scores = DayValues(scores.day, moved.astype(np.float32))
        steps += register.add(trial(), PRICES, scores).counted
    assert steps >= 1  # each step alone would have continued the one before


def test_scores_that_are_gone_vouch_for_nothing(register: Register) -> None:
    first = register.add(trial(), PRICES, values(1, ROWS))
    path = register.scores.path(values(1, ROWS).digest)
    path.unlink()
    assert register.scores_of(first.trial) is None
    assert register.add(trial(rows=600), PRICES, values(1, 600)).counted
    assert register.add(trial(), PRICES, values(1, ROWS)).rerun  # and puts the file back
    assert register.scores_of(first.trial) is not None


def test_a_trial_at_trading_has_a_count_of_its_own(register: Register) -> None:
    register.add(trial("a"), PRICES, values(1, ROWS))
    money = trial("a", kind="economic")
    assert register.add(money, PRICES).counted
    assert register.add(money, PRICES).rerun
    assert not register.add(trial("a", kind="economic", rows=600), PRICES).counted
    assert (counted(register), counted(register, "economic")) == (["a"], ["a"])


def test_only_trials_that_share_days_are_given(register: Register) -> None:
    early = register.add(trial("a", rows=100), PRICES, values(1, 100)).trial
    late = register.add(trial("b", start=100, rows=100), PRICES, values(2, 100, FIRST + 100)).trial
    assert register.sharing(early.series, day(0), day(99)) == (early,)
    assert register.sharing(early.series, day(99), day(100)) == (early, late)
    assert register.sharing(early.series, day(200), day(300)) == ()


def test_two_series_that_a_longer_one_holds_are_one(register: Register) -> None:
    long = values(0, 3000)
    early = DayValues(long.day[:1000], long.value[:1000])
    late = DayValues(long.day[2000:], long.value[2000:])
    a = register.add(trial("a", "A"), early, values(1, ROWS)).trial
    b = register.add(trial("b", "B", start=2000), late, values(2, ROWS, FIRST + 2000)).trial
    assert a.series != b.series
    both = register.add(trial("c", "C", rows=2500), long, values(3, 2500))
    assert both.shared_with == ("A", "B")
    assert [one.key for one in register.sharing(a.series, *WHOLE)] == ["a", "b", "c"]
    assert register.add(trial("b", "B", start=2000), late, values(2, ROWS, FIRST + 2000)).rerun
    (register.folder / ".index.sqlite").unlink()
    assert [one.key for one in register.sharing(a.series, *WHOLE)] == ["a", "b", "c"]
    assert {line.trial.series for line in register.lines()} == {a.series}


def held_alike(dropped: int = 0, first: int = 0, symbols: int = 20) -> DayValues:
    """The mean of symbols with one factor, a third of a symbol's variance, without some of them."""
    rng = np.random.default_rng(7)
    factor = rng.standard_normal((2 * ROWS, 1))
    each = 0.58 * factor + 0.82 * rng.standard_normal((2 * ROWS, 40))
    mean = 0.01 * each[:, first + dropped : first + symbols].mean(axis=1)
    return DayValues(np.arange(FIRST, FIRST + 2 * ROWS, dtype=np.int32), mean.astype(np.float32))


def of_panel(key: str, name: str) -> Trial:
    return trial(key, name, members=("A", "B"))


def test_a_panel_is_the_same_while_most_of_its_symbols_are(register: Register) -> None:
    whole = register.add(of_panel("a", "ALL"), held_alike(), values(1, ROWS))
    fewer = register.add(of_panel("b", "FEWER"), held_alike(dropped=6), values(2, ROWS))
    assert fewer.trial.series == whole.trial.series
    assert fewer.shared_with == ("ALL",)
    other = register.add(of_panel("c", "OTHER"), held_alike(first=20), values(3, ROWS))
    assert other.trial.series != whole.trial.series
    assert [one.key for one in register.among(whole.trial)] == ["a", "b"]
    assert whole.trial.series.startswith("p")
    (register.folder / ".index.sqlite").unlink()
    again = register.add(of_panel("a", "ANOTHER NAME"), held_alike(), values(1, ROWS))
    assert again.rerun
    assert register.lines()[0].trial.members == ("A", "B")


def test_a_panel_and_a_symbol_with_its_returns_do_not_share_a_count(register: Register) -> None:
    panel = register.add(of_panel("a", "ALL"), held_alike(), values(1, ROWS)).trial
    fund = register.add(trial("a", "FUND"), held_alike(), values(1, ROWS)).trial
    assert fund.series != panel.series
    assert register.series_of("ALL", held_alike()) == fund.series
    near = register.add(trial("b", "NEAR"), held_alike(dropped=6), values(2, ROWS)).trial
    assert near.series not in (panel.series, fund.series)  # of symbols .95 under another name is not enough


def test_a_series_whose_file_is_gone_is_known_by_its_symbol(register: Register) -> None:
    three(register)
    shutil.rmtree(register.returns.folder)
    (register.folder / ".index.sqlite").unlink()
    longer = values(0, 1100)
    assert register.series_of("AAPL", longer) is not None
    assert register.series_of("XYZ", longer) is None
    assert not register.verify().sound


def test_prices_too_short_to_compare_are_known_by_their_symbol(register: Register) -> None:
    short = values(0, 40)
    register.add(trial("a", rows=40), short, values(1, 40))
    assert register.add(trial("b", rows=40), values(5, 45), values(2, 40)).shared_with == ()
    assert len(register.sharing(register.lines()[0].trial.series, *WHOLE)) == 2
    assert register.series_of("OTHER", values(5, 50)) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"first": "2011-1-26"}, "no days"),
        ({"last": "2010-01-01"}, "no span"),
        ({"p_value": 1.5}, "between 0 and 1"),
        ({"p_value": float("nan")}, "between 0 and 1"),
        ({"rows": 0, "last": day(9)}, "0 rows"),
        ({"last": day(9)}, "500 rows cannot"),
        ({"statistic": float("inf")}, "finite"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    register: Register, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        register.add(trial(**changes), PRICES, values(1, ROWS))
    assert register.head().length == 0


def test_a_clock_set_back_changes_nothing(register: Register) -> None:
    for year, key in ((2024, "a"), (2020, "b"), (1990, "c")):
        register.add(trial(key), PRICES, values(ord(key), ROWS), datetime(year, 1, 1, tzinfo=UTC))
    assert counted(register) == ["a", "b", "c"]
    assert [line.number for line in register.lines()] == [0, 1, 2]
    assert register.verify().sound


@settings(max_examples=10, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from([100, 150, 200]), st.sampled_from([1, 2])),
        max_size=8,
    )
)
def test_the_count_is_that_of_a_plain_list(steps: list[tuple[str, int, int]]) -> None:
    """A second, slow implementation of what counts, on any order of tries, growths, cuts and reruns."""
    import tempfile

    Try = tuple[str, int, int]
    lines: list[list[Try]] = []  # one list a trial: its versions
    with tempfile.TemporaryDirectory() as place:
        register = Register(Path(place) / "trials")
        for key, rows, seed in steps:
            register.add(trial(key, rows=rows), PRICES, values(seed, rows))
            one = key, rows, seed
            if any(one in versions for versions in lines):
                continue
            same = [v for v in lines if (v[-1][0], v[-1][2]) == (key, seed) and v[-1][1] <= rows]
            if same:
                same[0].append(one)
            else:
                lines.append([one])
        assert register.head().trials == len(lines)
        (register.folder / ".index.sqlite").unlink(missing_ok=True)
        assert register.head().trials == len(lines)


# ---------------------------------------------------------------- what is changed is noticed


def text_of(register: Register) -> list[bytes]:
    return register.chain.path.read_bytes().splitlines(keepends=True)


def edit(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b"0.105", b"0.106"), *lines[1:]]


def edit_to_the_same_size_and_time(lines: list[bytes]) -> list[bytes]:
    return [lines[0].replace(b"0.105", b"0.501"), *lines[1:]]


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "edited": edit,
    "edited to the same size": edit_to_the_same_size_and_time,
    "first removed": lambda lines: lines[1:],
    "middle removed": lambda lines: [lines[0], *lines[2:]],
    "last removed": lambda lines: lines[:-1],
    "last cut": lambda lines: [*lines[:-1], lines[-1][:20]],
    "swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "doubled": lambda lines: [*lines, lines[-1]],
    "emptied": lambda lines: [],
}


@pytest.mark.parametrize("index", [True, False], ids=["index", "no index"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_noticed_by_whoever_asks_next(register: Register, name: str, index: bool) -> None:
    three(register)
    path, facts = register.chain.path, register.chain.path.stat()
    path.write_bytes(b"".join(CHANGES[name](text_of(register))))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    if not index:
        (register.folder / ".index.sqlite").unlink()
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"line|entries"):
        register.add(trial("d"), PRICES, values(4, ROWS))
    with pytest.raises(DataError):
        register.head()
    with pytest.raises(DataError):
        register.lines()
    assert not register.verify().sound
    assert path.read_bytes() == before


def test_a_chain_that_was_removed_is_noticed(register: Register) -> None:
    three(register)
    register.chain.path.unlink()
    for ask in (register.head, lambda: register.add(trial("d"), PRICES)):
        with pytest.raises(DataError, match="holds 0 entries where 4 were known"):
            ask()
    assert "holds 0 entries" in register.verify().faults[0]


def test_a_register_begun_anew_is_noticed_by_any_head_kept_elsewhere(tmp_path: Path) -> None:
    old = three(Register(tmp_path / "trials"))
    head = old.head()
    kept = Head(head.length, head.hash, "runs/A_ridge_20240105_143022/run.json")
    shutil.rmtree(old.folder)
    told = Register(old.folder, lambda: [kept])
    for ask in (told.head, told.lines, lambda: told.add(trial(), PRICES)):
        with pytest.raises(DataError, match=r"known by runs/A_ridge_20240105_143022/run\.json"):
            ask()
    forgetful = Register(old.folder)  # what a new runs folder is
    assert forgetful.add(trial(), PRICES).counted
    assert forgetful.verify().sound
    found = forgetful.verify([kept])
    assert (found.sound, found.heads) == (False, 1)


def test_a_chain_made_anew_with_right_hashes_is_noticed_by_the_head_beside_it(register: Register) -> None:
    three(register)
    records = [entry.record for entry in register.chain.entries()]
    register.chain.path.unlink()
    register.chain.append_all([{**records[0], "schema": 1}, *records[1:3], records[3]])
    with pytest.raises(DataError, match="written anew"):
        register.head()


@pytest.mark.parametrize("what", ["gone", "stale", "damaged", "of another version", "half", "a folder"])
def test_an_index_that_does_not_fit_is_made_anew(register: Register, tmp_path: Path, what: str) -> None:
    three(register)
    index = register.folder / ".index.sqlite"
    head = register.head()
    old = index.read_bytes()
    if what == "stale":
        register.add(trial("d"), PRICES, values(4, ROWS))
        head = register.head()
        index.write_bytes(old)
    elif what == "of another version":
        with sqlite3.connect(index) as base:
            base.execute("PRAGMA user_version = 99")
        base.close()
    elif what == "half":
        index.write_bytes(old[: len(old) // 2])
    else:
        index.unlink()
        if what == "damaged":
            index.write_bytes(os.urandom(5000))
        elif what == "a folder":
            index.mkdir()
    assert register.head() == head
    assert counted(register)[:3] == ["a", "b", "c"]
    assert register.add(trial("e"), PRICES, values(5, ROWS)).head.trials == head.trials + 1
    assert register.verify().sound


def test_an_index_that_says_something_else_is_found_by_verify(register: Register) -> None:
    three(register)
    base = sqlite3.connect(register.folder / ".index.sqlite")
    with base:
        base.execute("DELETE FROM trials WHERE number = 1")
    base.close()
    assert "does not say what the register says" in register.verify().faults[0]


def test_files_that_are_gone_or_hold_something_else_are_found(register: Register) -> None:
    three(register)
    one, two = (register.scores.path(values(seed, ROWS).digest) for seed in (1, 2))
    one.unlink()
    found = register.verify()
    assert (found.sound, found.gone) == (True, (str(one),))
    shutil.copy(register.scores.path(values(3, ROWS).digest), two)
    assert register.scores_of(register.lines()[1].trial) is None
    found = register.verify()
    assert (found.sound, found.faults[0].partition(": ")[0]) == (False, str(two))
    prices = register.returns.path(PRICES.digest)
    prices.write_bytes(b"no parquet")
    assert str(prices) in register.verify().faults[1]


def test_a_register_of_a_newer_version_is_refused_in_words(register: Register) -> None:
    three(register)
    record = dict(register.chain.entries()[0].record)
    register.chain.append({**record, "schema": 2})
    for ask in (register.head, register.lines, lambda: register.add(trial("d"), PRICES)):
        with pytest.raises(DataError, match=r"line 5 was written by a newer version.*update geiger"):
            ask()
    assert "newer version" in register.verify().faults[0]


def test_a_line_of_something_else_is_refused(register: Register) -> None:
    register.chain.append({"what": "trial", "schema": 1, "trial": 5})
    with pytest.raises(DataError, match="line 1 is no line of a register"):
        register.head()


def test_a_register_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("a file")
    with pytest.raises(DataError, match="cannot be written"):
        Register(tmp_path / "trials").add(trial(), PRICES)


def test_a_full_disk_leaves_the_register_as_it_was(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(register)
    before = register.head()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DataError, match="No space left"):
            register.add(trial("d"), PRICES, values(4, ROWS))
    assert register.head() == before
    assert register.verify().sound
    assert register.add(trial("d"), PRICES, values(4, ROWS)).head.trials == 4


def test_a_register_that_can_only_be_read_is_read(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(register)
    head = register.head()

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "alone", denied)
    assert register.head() == head
    assert counted(register) == ["a", "b", "c"]
    with pytest.raises(DataError, match="Permission denied"):
        register.add(trial("d"), PRICES)


def test_an_untouched_register_is_not_read_again(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    three(register)

    def never(*_: object) -> None:
        raise AssertionError("the chain was read")

    monkeypatch.setattr(Chain, "_read", never)
    register.add(trial("d"), PRICES, values(4, ROWS))
    assert register.head().trials == 4


# ---------------------------------------------------------------- several at once, and kills


def add_ten(folder: Path, worker: int) -> list[bool]:
    register = Register(folder)
    return [
        register.add(trial(f"{worker}-{n}"), PRICES, values(10 * worker + n, ROWS)).counted for n in range(10)
    ]


def test_processes_at_once_lose_nothing(register: Register) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = [*pool.map(add_ten, [register.folder] * 3, range(3))]
    assert all(all(worker) for worker in found)
    assert register.head().trials == 30
    assert len(counted(register)) == 30
    assert register.verify().sound


KILLED = """
import sys
from pathlib import Path
from geiger.evidence.trials import Register
from helpers.trials import ROWS, trial, values
register, n = Register(Path(sys.argv[1])), 0
while True:
    register.add(trial(f"{sys.argv[2]}-{n}"), values(0), values(n + 1, ROWS))
    n += 1
    print(n, flush=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_register_that_goes_on(register: Register) -> None:
    told = 0
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(["src", "tests", os.environ.get("PYTHONPATH", "")]),
    }
    for round_ in range(6):
        command = [sys.executable, "-c", KILLED, str(register.folder), str(round_)]
        root = Path(__file__).parents[2]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, env=environment) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.05 + 0.017 * round_)
            child.send_signal(signal.SIGKILL)
            told += 1 + len(child.stdout.read().splitlines())
        head = register.head()
        assert told <= head.trials <= told + round_ + 1  # what was told is there, and at most one more a kill
        assert register.verify().sound
    assert register.add(trial("last"), PRICES, values(1, ROWS)).counted


@pytest.mark.parametrize("stop", ["keep", "append_all", "note_head", "commit"])
def test_whatever_step_is_the_last_the_register_goes_on(
    register: Register, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    """An interrupt before each step stands for a kill there."""
    from geiger.evidence.day_files import DayFiles
    from geiger.evidence.trial_index import TrialIndex

    three(register)
    owner = {"keep": DayFiles, "append_all": Chain, "note_head": Chain, "commit": TrialIndex}[stop]

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, stop, killed)
        with pytest.raises(KeyboardInterrupt):
            register.add(trial("d"), PRICES, values(4, ROWS))
    there = 4 if stop in ("note_head", "commit") else 3
    assert register.head().trials == there
    assert register.verify().sound
    assert register.add(trial("d"), PRICES, values(4, ROWS)).counted == (there == 3)
    assert register.head().trials == 4


def test_half_a_line_that_a_kill_left_is_written_over(register: Register) -> None:
    three(register)
    with register.chain.path.open("ab") as file:
        file.write(b'{"at":"2024-01-05T21:30')
    assert register.head().trials == 3
    assert register.add(trial("d"), PRICES, values(4, ROWS)).head.trials == 4
    assert register.verify().sound
    assert json.loads(text_of(register)[-1])["number"] == 4


# ---------------------------------------------------------------- the lock-box


def test_a_lock_box_opens_once(register: Register) -> None:
    three(register)
    one = register.lines()[0].trial
    box = day(500), day(751)
    assert register.unsealed(one, *box) is None
    head = register.unseal(one, "AAPL_ridge_1", *box, datetime(2024, 1, 5, tzinfo=UTC))
    assert (head.length, head.trials) == (5, 3)
    assert register.unsealed(one, *box) == ("2024-01-05T00:00:00.000000+00:00", "AAPL_ridge_1")
    for again in (box, (day(751), day(900))):
        with pytest.raises(DataError, match=r"was opened on 2024-01-05 by AAPL_ridge_1.*once"):
            register.unseal(one, "AAPL_ridge_2", *again)
    assert register.unsealed(one, day(752), day(1000)) is None
    assert register.unsealed(replace(one, key="b"), *box) is None
    assert register.unsealed(replace(one, series="other"), *box) is None
    (register.folder / ".index.sqlite").unlink()
    assert register.unsealed(one, *box) is not None
    assert register.verify().sound
    assert len(register.lines()) == 4
