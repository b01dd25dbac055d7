"""What the checks of the verdict say, and what a verdict does to the word for a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.analysis.analyzer import analyze_case
from geiger.checks.catalogue import ask_all
from geiger.checks.result import Word
from geiger.records import Answer, SourceArm
from geiger.runlog.verdict import verdict_lines
from helpers.cases import CODES, GREEN, both, case, with_
from helpers.verdicts import CHECK, VERDICT

SIGNAL = replace(VERDICT, answer=Answer.SIGNAL, sentence="the forecasts know something", made_on=GREEN.day)


def judged(verdict: object) -> object:
    return with_(judged=verdict, verdict=verdict_lines(verdict))  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", list(Answer))
def test_the_answer_is_the_first_sentence_and_decides_the_word(answer: Answer) -> None:
    found = analyze_case(case(judged(replace(SIGNAL, answer=answer))))  # type: ignore[arg-type]
    assert found.sentences[0].text.startswith(f"Verdict: {answer}: ")
    assert found.result == (Word.GOOD if answer is Answer.SIGNAL else Word.NOTHING_SHOWN)
    assert found.ready == (answer is Answer.SIGNAL)
    result = next(s.text for s in found.sentences if s.text.startswith("Result"))
    assert f"verdict {answer}" in result
    assert ("ready" in repr((found.conclusion, found.next)).lower()) == (answer is Answer.SIGNAL)


def test_the_check_source_stands_under_an_answer_that_is_no_signal() -> None:
    texts = [s.text for s in analyze_case(case(judged(VERDICT))).sentences]  # type: ignore[arg-type]
    assert texts[1].startswith("Effect: slope 0.41")
    assert texts[2] == f"Check source: {CHECK.text()}"
    assert not any("Check source" in s.text for s in analyze_case(case(judged(SIGNAL))).sentences)  # type: ignore[arg-type]


def test_a_signal_whose_audit_is_red_is_told_of() -> None:
    red = replace(GREEN, color="red", leak="features: own_x")
    found = CODES["GC801"](case(both(judged(SIGNAL), with_(audit=red))))  # type: ignore[arg-type]
    assert found is not None
    assert "features: own_x" in found.text


def test_a_source_that_nobody_could_find_breaks_nothing() -> None:
    weak = SourceArm(r2=0.05, p_values=(0.5,) * 20, oracle_p_values=(0.5,) * 20)
    told = replace(VERDICT, check=replace(CHECK, planted=(weak,)))
    assert "GC804" not in [f.code for f in ask_all(case(judged(told)))]  # type: ignore[arg-type]
