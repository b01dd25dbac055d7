"""The first ten lines on a run: at most ten, at most 80 columns, the answer first and a command last."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.command_line import Folders
from geiger.figures import FigureName
from geiger.records import (
    Answer,
    AuditSummary,
    Checkpoint,
    Health,
    HealthCode,
    Notice,
    OfPanel,
    Outcome,
    Status,
    Verdict,
    Why,
    Worth,
)
from geiger.runs.gist import Part, effect_in_words, gist_of, money_in_words
from geiger.runs.record import OwnPart, OwnParts, PanelMember, RunRecord
from geiger.settings.models import MODELS
from helpers.verdicts import VERDICT

Make = Callable[..., RunRecord]
GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")
RED = replace(GREEN, color="red", leak="features: own_tomorrow")
PANEL = OfPanel(symbols=500, names=312.5)
MEMBER = PanelMember(
    symbol="A",
    source="folder",
    where="x",
    data_hash="0",
    first_day="2001-01-02",
    last_day="2009-01-02",
    rows=9,
)

words = st.text(alphabet="abc defgh ijklmnop,;:()0123456789.", max_size=400).map(str.strip)
numbers = st.none() | st.floats(-1e6, 1e6)
notices = st.builds(
    Notice, st.sampled_from(["LEAK_SUSPECT", "ALARM", "NOT_AUDITED", "FEW_DAYS", "REGIME"]), words
)
verdicts = st.none() | st.builds(
    replace,
    st.just(VERDICT),
    answer=st.sampled_from(Answer),
    sentence=words,
    reasons=st.lists(notices, max_size=5).map(tuple),
    alarms=st.lists(notices, max_size=4).map(tuple),
    slope=numbers,
    slope_error=st.none() | st.floats(0, 1e6),
    needed_slope=numbers,
    difference=numbers,
    worth=st.sampled_from(Worth),
    panel=st.sampled_from([None, PANEL]),
)
points = st.lists(
    st.builds(Checkpoint, st.integers(1, 5), words, st.sampled_from(Outcome), words), max_size=5
).map(tuple)
healths = st.none() | st.builds(
    Health, st.sampled_from(HealthCode), st.just(()), words, st.integers(0, 9999), numbers
)
changes = st.fixed_dictionaries(
    {
        "symbol": st.from_regex(r"[A-Z0-9^][A-Z0-9.-]{0,22}[A-Z0-9]", fullmatch=True),
        "model": st.sampled_from(list(MODELS)),
        "kind": st.sampled_from(["train", "backtest"]),
        "status": st.sampled_from(Status),
        "verdict": verdicts,
        "audit": st.sampled_from([None, GREEN, RED]),
        "warnings": st.lists(notices | st.builds(Notice, st.just("DOCTOR_DEAD"), words), max_size=6).map(
            tuple
        ),
        "members": st.sampled_from([(), (MEMBER,)]),
        "bases_failed": st.sampled_from([{}, {"lstm": "no memory", "xlstm": "no memory"}]),
    }
)


@settings(max_examples=150, deadline=None)
@given(changes=changes, points=points, health=healths, values=st.lists(numbers, min_size=4, max_size=4))
def test_whatever_a_run_came_to_fits_on_a_screen(
    made_record: Make, changes: dict[str, Any], points: Any, health: Any, values: list[float | None]
) -> None:
    names = (
        FigureName.SHARPE,
        FigureName.BUY_AND_HOLD_SHARPE,
        FigureName.DIRECTION_ACCURACY,
        FigureName.BASE_RATE,
    )
    figures = tuple(name.of(value) for name, value in zip(names, values, strict=True))
    results = replace(made_record().results, checkpoints=points, health=health, figures=figures)
    name = f"{changes['symbol']}_{MODELS[changes['model']].log_name}_20240105_143022"
    record = made_record(name=name, results=results, forecasts_of=name, **changes)
    parts = gist_of(record, Folders("somewhere/runs", "somewhere/logs")).parts()
    assert len(parts) <= 10
    for part, line in parts:
        assert line == line.rstrip()
        if part not in (Part.PLACE, Part.NEXT):  # a path or command stays in one piece
            assert len(line) <= 80, line
    assert [part for part, _ in parts[-2:]] == [Part.PLACE, Part.NEXT]
    assert parts[0][0] is Part.ANSWER
    assert parts[0][1].startswith(f"{changes['symbol']} {changes['model']}:")
    good = [i for i, (part, _) in enumerate(parts) if part is Part.FACT]
    assert all(i < min(good, default=99) for i, (part, _) in enumerate(parts) if part is Part.ALARM)
    verdict = changes["verdict"]
    if verdict is not None and verdict.alarms:
        assert any(part is Part.ALARM for part, _ in parts)


def verdict(**changes: Any) -> Verdict:
    return replace(VERDICT, **changes)


def test_the_answer_its_effect_and_its_money_in_words(made_record: Make) -> None:
    figures = (
        FigureName.SHARPE.of(0.412),
        FigureName.BUY_AND_HOLD_SHARPE.of(0.738),
        FigureName.DIRECTION_ACCURACY.of(0.537),
        FigureName.BASE_RATE.of(0.553),
    )
    points = tuple(Checkpoint(n, "x", Outcome.PASS if n < 4 else Outcome.FAIL, "x") for n in range(1, 6))
    results = replace(made_record().results, figures=figures, checkpoints=points)
    record = made_record(results=results, verdict=VERDICT, audit=GREEN, warnings=(Notice("A", "x"),))
    assert gist_of(record).lines() == (
        "AAPL ridge: CANNOT TELL: what was found could be luck",
        "  Effect    for each 1% more that was forecast, +0.41% came (90% interval -0.02%",
        "            to +0.84%); trading pays from +0.32% on",  # 0.41 -+ 1.645 x 0.26
        "  Money     Sharpe 0.41 net of costs, buy and hold 0.74; -1.2% a year beside it",
        "            at the same volatility (less, and hardly by luck)",
        "  Direction 53.7% right; the commoner direction alone 55.3%",
        "  Training  ended well; 3 of 5 checkpoints passed; 1 warning",
        "  Run       runs/AAPL_ridge_20240105_143022",
        "  Next      geiger report AAPL_ridge_20240105_143022",
    )


def test_a_training_that_ended_well_is_said_behind_everything_that_was_measured(made_record: Make) -> None:
    lines = gist_of(made_record(verdict=VERDICT)).lines()
    assert not any("SUCCESS" in line for line in lines)
    (training,) = (i for i, line in enumerate(lines) if "ended well" in line)
    assert training == len(lines) - 3


def test_where_nothing_moved_neither_luck_nor_direction_is_spoken_of(made_record: Make) -> None:
    figures = (
        FigureName.SHARPE.of(None, 500),
        FigureName.BUY_AND_HOLD_SHARPE.of(1.37, 500),
        FigureName.DIRECTION_ACCURACY.of(None, 500),
        FigureName.BASE_RATE.of(0.55, 500),
    )
    still = made_record(results=replace(made_record().results, figures=figures), verdict=VERDICT)
    money = money_in_words(still)
    assert money == "Sharpe undefined, as the returns of its trading do not move; buy and hold 1.37"
    assert not any(name == "Direction" for name, _ in gist_of(still).facts)


def test_a_panel_is_told_in_its_own_units(made_record: Make) -> None:
    found = verdict(panel=PANEL, slope=0.0211, slope_error=0.01, needed_slope=0.03)
    assert effect_in_words(found) == (
        "for each 1 more of score a symbol did +0.021 daily volatilities better (90% interval +0.005 to "
        "+0.038); trading pays from +0.030 on"
    )
    results = replace(
        made_record().results,
        figures=(
            FigureName.SHARPE.of(0.4),
            FigureName.BUY_AND_HOLD_SHARPE.of(0.7),
            FigureName.BASE_RATE.of(0.5),
        ),
    )
    money = money_in_words(made_record(members=(MEMBER,), results=results, verdict=verdict(worth=Worth.YES)))
    assert money == (
        "Sharpe 0.40 net of costs, equal weight 0.70; -1.2% a year beside equal weight at the same exposure "
        "(more than luck)"
    )


def test_without_a_verdict_it_says_so(made_record: Make) -> None:
    gist = gist_of(made_record())
    assert (gist.answer, gist.headline) == (None, "not evaluated")
    assert money_in_words(made_record()) == ""


@pytest.mark.parametrize(
    ("changes", "code", "command"),
    [
        ({"status": Status.COLLAPSED}, "SHRUNK_OK", "geiger logs analyze NAME --log-dir 'my logs'"),
        ({"audit": RED, "verdict": VERDICT}, "LOOK_AHEAD", "geiger audit --run NAME --runs-dir r"),
        (
            {"bases_failed": {"lstm": "x"}},
            "BASE_FAILED",
            "geiger report NAME --runs-dir r --log-dir 'my logs'",
        ),
        (
            {"verdict": verdict(reasons=(Notice(Why.NOT_AUDITED, "not audited"),))},
            "NOT_AUDITED",
            "geiger audit --run NAME --runs-dir r",
        ),
        ({"warnings": (Notice("DOCTOR_DEAD", "x"),)}, "DOCTOR_DEAD", "geiger report NAME --runs-dir r"),
        ({"verdict": verdict(alarms=(Notice("LEAK_SUSPECT", "x"),))}, "LEAK_SUSPECT", "geiger report NAME"),
    ],
)
def test_what_is_wrong_and_the_command_that_leads_on(
    made_record: Make, changes: dict[str, Any], code: str, command: str
) -> None:
    record = made_record(**changes)
    gist = gist_of(record, Folders("r", "my logs"))
    assert gist.wrong[0].code == code
    assert gist.next.startswith(command.replace("NAME", record.name))


def test_a_reason_leaves_its_command_to_the_last_line(made_record: Make) -> None:
    why = Notice(Why.NOT_AUDITED, "not audited; `geiger audit --run X` makes one")
    lines = gist_of(made_record(verdict=verdict(reasons=(why,)))).lines()
    assert "  Wrong     NOT_AUDITED: not audited" in lines
    assert lines[-1] == "  Next      geiger audit --run AAPL_ridge_20240105_143022"


def test_what_the_sentence_says_is_not_said_twice(made_record: Make) -> None:
    text = "not audited, so nobody has shown that nothing saw the future"
    record = made_record(verdict=verdict(sentence=text, reasons=(Notice(Why.NOT_AUDITED, text),)))
    assert gist_of(record).wrong == ()


def test_code_of_the_users_own_is_not_run_by_a_command_that_lacks_it(made_record: Make) -> None:
    own = OwnParts(features=OwnPart(name="mine.py:gap"))
    found = verdict(reasons=(Notice(Why.NOT_AUDITED, "x"),))
    words = shlex.split(gist_of(made_record(verdict=found, own=own)).next)
    assert words[:2] == ["geiger", "report"]
    assert gist_of(made_record(audit=RED, own=own)).next.startswith("geiger logs analyze ")


def test_the_commands_of_a_backtest_name_the_run_that_was_trained(made_record: Make) -> None:
    trained = "AAPL_ridge_20240105_143000"
    record = made_record(kind="backtest", forecasts_of=trained, audit=RED)
    assert gist_of(record).next == f"geiger audit --run {trained}"
