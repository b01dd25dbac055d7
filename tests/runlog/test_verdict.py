"""The lines of a verdict: the answer first, every fact in its own line, and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.records import Answer, Notice, OfPanel, Tries, Verdict
from geiger.runlog.verdict import answer_in, headline, verdict_lines
from helpers.verdicts import VERDICT


def test_a_verdict_is_told_answer_first() -> None:
    assert verdict_lines(VERDICT) == (
        "CANNOT TELL: what was found could be luck",
        "Because: WEAK",
        "Economic: no (-1.2% a year beside buy and hold at the same volatility; p 0.8000, with all "
        "tries 0.9000)",
        "Skill: p 0.1151, with all tries 0.2412, asked for below 0.01; 1709 days from 2006-01-03 to "
        "2012-10-15",
        "Effect: slope 0.41, 90% interval -0.02 to 0.84 (1 is calibrated; its trading pays from "
        "0.32 on), R2 0.06%",
        "Detectable: R2 0.41% would be found in four of five such samples; an effect as large as measured: "
        "2310 more days; one that pays for its trading: these days are enough",
        "Tries: 3 on these days of this series, 1 without their scores, and 4 ways of trading",
        "Error Rates: not measured for these settings",
        "Check Source: on these very prices it rang falsely in 1 of 20 and found a planted R2 "
        "of 5% in 19 of 20",
        "Deflated Sharpe: 31.0%; it decides nothing",
        "Not Checked: audit: was not asked for",
        "Judged: 2026-11-29, on bars up to 2013-10-15",
        f"Register: 7 trials, 9 lines, head {'5f' * 32}",
    )


def test_an_alarm_stands_before_anything_else() -> None:
    alarmed = replace(VERDICT, alarms=(Notice("LEAK_SUSPECT", "net Sharpe ratio 4.10 is above 3"),))
    assert verdict_lines(alarmed)[1] == "Alarm: LEAK_SUSPECT: net Sharpe ratio 4.10 is above 3"


PANEL = OfPanel(
    symbols=28,
    names=24.26,
    together=0.01,
    symbols_for_measured=61,
    timing_days=1689,
    timing_statistic=0.5,
    timing_p=0.3085,
    timing_corrected_p=0.62,
)


def test_a_panel_tells_selection_and_timing_apart() -> None:
    told = replace(VERDICT, panel=PANEL, days_for_needed=900, slope=0.041, slope_error=0.026)
    by_name = dict(line.split(": ", 1) for line in verdict_lines(told)[1:])
    assert by_name["Economic"].startswith(
        "no (-1.2% a year beside equal weight at the same exposure; p 0.8000"
    )
    assert by_name["Skill"].endswith("1709 days of 24.3 symbols from 2006-01-03 to 2012-10-15")
    assert by_name["Timing"] == (
        "p 0.3085, with all tries 0.6200; 1689 days of the mean forecast against the equally weighted "
        "market; it decides nothing"
    )
    assert by_name["Effect"] == (
        "0.041 daily volatilities for one of score, 90% interval -0.002 to 0.084 (its trading pays from "
        "0.320 on), R2 0.06% beyond beta and volatility"
    )
    assert by_name["Detectable"].endswith(
        "an effect as large as measured: 2310 more days or 61 symbols a day; one that pays for its trading: "
        "900 more days (no number of symbols would do)"
    )
    assert by_name["Tries"].startswith("3 on these days of this panel")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"timing_p": None}, "no p; 1689 days of the mean forecast against the equally weighted market"),
        ({"timing_corrected_p": None}, "p 0.3085, tries unknown; 1689 days of the mean forecast against"),
    ],
)
def test_timing_without_a_p_or_without_tries(changes: dict[str, None], says: str) -> None:
    lines = verdict_lines(replace(VERDICT, panel=replace(PANEL, **changes)))
    assert any(line.startswith(f"Timing: {says}") for line in lines)


@pytest.mark.parametrize("answer", list(Answer))
def test_the_answer_is_read_back(answer: Answer) -> None:
    assert answer_in(headline(replace(VERDICT, answer=answer))) is answer


def test_without_a_verdict_the_section_says_so() -> None:
    assert verdict_lines(None) == ("not evaluated",)
    assert answer_in("not evaluated") is None


def test_what_is_unknown_is_said() -> None:
    bare = Verdict(
        **{
            "answer": Answer.CANNOT_TELL,
            "sentence": "30 days",
            "reasons": (),
            "days": 0,
            "first": "",
            "last": "",
        },
        **{"level": 0.01, "made_on": "2026-11-29", "data_to": "2013-10-15"},
    )
    told = dict(line.split(": ", 1) for line in verdict_lines(bare)[1:])
    assert told["Skill"] == "no p; no day has a score"
    assert told["Tries"] == "unknown"
    assert told["Effect"] == told["Detectable"] == "undefined"
    assert told["Check Source"] == "not held"


def test_what_is_around_zero_or_undefined_reads_well() -> None:
    odd = replace(
        VERDICT, slope=-0.001, explained=-1e-8, needed_slope=None, days_for_measured=1, difference=-1e-6
    )
    told = dict(line.split(": ", 1) for line in verdict_lines(odd)[1:])
    assert "(+0.0% a year beside" in told["Economic"]
    assert told["Effect"].startswith("slope 0.00, ")
    assert "(1 is calibrated; its trading would not earn more with a larger one), R2 0.00%" in told["Effect"]
    assert "an effect as large as measured: 1 more day;" in told["Detectable"]


def test_tries_that_the_user_stated_name_no_register() -> None:
    stated = replace(VERDICT, tries=Tries(key="", series="", skill=12, economic=12))
    lines = verdict_lines(stated)
    assert "Tries: 12 as you stated them, counted as independent of each other" in lines
    assert not any(line.startswith("Register") for line in lines)
