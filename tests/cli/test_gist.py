"""Colour by meaning on a terminal, none in a pipe or where nobody wants it; SUCCESS never has any."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.cli.gist import GREEN, RED, YELLOW, gist_lines, painted, record_in
from geiger.errors import DataError
from geiger.records import Answer, Notice
from geiger.runs.gist import gist_of
from geiger.runs.record import RunRecord
from helpers.verdicts import VERDICT

Make = Callable[..., RunRecord]
CODES = re.compile(r"\x1b\[[0-9]+m")


def test_colours_say_what_the_words_say(made_record: Make) -> None:
    for answer, colour in ((Answer.SIGNAL, GREEN), (Answer.CANNOT_TELL, YELLOW)):
        gist = gist_of(made_record(verdict=replace(VERDICT, answer=answer)))
        first = painted(gist)[0]
        assert f": {colour}{answer}\x1b[0m: " in first
        assert [CODES.sub("", line) for line in painted(gist)] == list(gist.lines())
    alarms = (Notice("LEAK_SUSPECT", "too good"),)
    coloured = painted(gist_of(made_record(verdict=replace(VERDICT, alarms=alarms))))
    assert [line for line in coloured if RED in line] == [f"{RED}  Alarm     LEAK_SUSPECT: too good\x1b[0m"]


def test_how_the_training_ended_has_no_colour(made_record: Make) -> None:
    lines = painted(gist_of(made_record(verdict=replace(VERDICT, answer=Answer.SIGNAL))))
    (ended,) = (line for line in lines if "ended well" in line)
    assert not CODES.search(ended)


@pytest.mark.parametrize(
    ("terminal", "variables", "coloured"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    made_record: Make,
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    variables: dict[str, str],
    coloured: bool,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    lines = gist_lines(made_record(verdict=VERDICT), Path("runs/AAPL_ridge_20240105_143022"))
    assert any(CODES.search(line) for line in lines) is coloured


def test_commands_find_the_folders_of_the_run_again(made_record: Make) -> None:
    record: Any = made_record(log="my logs/AAPL_ridge_20240105_143022.log")
    *_, where, command = gist_lines(record, Path("r") / record.name)
    assert where == f"  Run       r/{record.name}"
    assert command == f"  Next      geiger report {record.name} --runs-dir r --log-dir 'my logs'"


def test_a_run_that_is_gone_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the run is gone"):
        record_in(tmp_path / "none")
