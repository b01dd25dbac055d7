from __future__ import annotations

import pytest

from geiger.cli.show import Voice, duration, plan_line, warning_lines
from geiger.records import Notice


def test_a_line_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice()
    voice.say(["one", "two", "one"])
    voice.say(["two", "three"])
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


def test_a_plan_in_one_line() -> None:
    facts = {
        "symbol": "AAA",
        "model": "lstm",
        "folds": 1,
        "members": 3,
        "test_rows": 60,
        "first_forecast": "2020-01-02",
        "last_forecast": "2020-03-27",
        "minutes": 0.5,
    }
    assert plan_line(facts) == (
        "AAA lstm: 1 fold, 3 trainings, 60 days forecast from 2020-01-02 to 2020-03-27, about 30 s"
    )


def test_an_estimate_is_said_in_a_unit_that_fits_it() -> None:
    assert [duration(minutes) for minutes in (0.0, 1.4, 1.6, 90.0)] == [
        "about 1 s",
        "about 84 s",
        "about 2 min",
        "about 90 min",
    ]


def test_a_warning_stands_in_a_line_of_its_own() -> None:
    assert warning_lines([Notice("CODE", "what it is")]) == ["  Warning CODE: what it is"]
