"""The rule of the verdict: each answer, and each thing that keeps it from being given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from geiger.evidence.regime import Following
from geiger.evidence.score_test import Scores, ScoreTest
from geiger.judging.rule import Evidence, answer
from geiger.records import Answer, AuditSummary, Notice, RegisterHead, Tries, Why

N = 1764
HEAD = RegisterHead(1, 2, "5f" * 32)
TRIES = Tries(key="k", series="s", skill=1, economic=1, head=HEAD)
GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")
RED = replace(GREEN, color="red", leak="features: own_x")


def with_statistic(z: float, n: int = N, **changes: Any) -> ScoreTest:
    """A test whose slope is a hundredth of its statistic."""
    ones = np.ones(n)
    scores = Scores(np.arange(n), ones, ones, ones, ones)
    values = {
        **{"mean": 0.01 * z, "error": 0.01, "statistic": z, "p_value": float(norm.sf(z))},
        **{"slope": 0.1 * z, "slope_error": 0.1, "uncut_slope": 0.1 * z},
        **{"forecast_variance": 0.01, "outcome_variance": 1.0},
    }
    return ScoreTest(scores=scores, horizon=1, **{**values, **changes})


def evidence(statistic: float, **changes: Any) -> Evidence:
    test = changes.pop("test", None) or with_statistic(statistic)
    values = {"tries": TRIES, "corrected_p": test.p_value, "needed_slope": 0.3, "audit": GREEN}
    return Evidence(test=test, **{**values, **changes})


def codes(found: Evidence) -> tuple[Answer, list[str]]:
    word, sentence, reasons = answer(found)
    assert sentence == reasons[0].text
    return word, [reason.code for reason in reasons]


def test_scores_above_luck_that_were_audited_are_a_signal() -> None:
    assert codes(evidence(2.5)) == (Answer.SIGNAL, [Why.RINGS])


def test_a_signal_may_be_too_small_to_pay() -> None:
    assert codes(evidence(2.5, needed_slope=9.0)) == (Answer.SIGNAL, [Why.RINGS])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"audit": RED}, Why.LOOK_AHEAD),
        ({"audit": None}, Why.NOT_AUDITED),
        ({"alarms": (Notice("LEAK_SUSPECT", "net Sharpe ratio 4.10"),)}, Why.ALARM),
        ({"tries": None, "corrected_p": None}, Why.TRIES_UNKNOWN),
        ({"corrected_p": 0.01}, Why.WEAK),
        ({"corrected_p": None}, Why.WEAK),
        ({"test": with_statistic(2.5, uncut_slope=-0.1)}, Why.FEW_DAYS_DECIDE),
        ({"test": with_statistic(2.5, n=249)}, Why.FEW_DAYS),
        ({"test": with_statistic(2.5, statistic=None, p_value=1.0)}, Why.NO_SPREAD),
    ],
)
def test_each_thing_alone_keeps_it_from_being_one(changes: dict[str, Any], why: Why) -> None:
    assert codes(evidence(2.5, **changes)) == (Answer.CANNOT_TELL, [why])


def test_of_a_panel_it_says_which_symbols_and_how_many() -> None:
    signal = answer(evidence(2.5, names=24.26))[1]
    assert signal.startswith("the forecasts know which symbols do better the next day: luck and one try ")
    nothing = answer(evidence(0.0, needed_slope=0.2, names=24.26))[1]
    assert nothing.startswith("whatever the forecasts know of which symbols do better the next day, it would")
    weak = answer(evidence(1.0, needed_slope=0.01, names=24.26))[1]
    assert weak.endswith("1764 days of 24.3 symbols are too few to rule out an edge that pays")


def test_how_many_times_the_scores_a_slope_needs() -> None:
    # The bar of one try at 1% is 2.326 errors, and .842 more are found in four of five: (3.168 x .1 / .2)^2.
    found = evidence(1.0)
    assert found.times_for(0.2) == pytest.approx(2.509, abs=0.002)
    assert found.days_for(0.2) == pytest.approx(1.509 * N, rel=0.002)
    assert found.times_for(-0.2) is None
    assert found.days_for(9.0) == 0


def test_where_no_audit_is_possible_the_word_of_the_user_stands_in_the_answer() -> None:
    elsewhere = {"audit": None, "made_in_time": True}
    assert codes(evidence(2.5, **elsewhere)) == (Answer.SIGNAL_IF_IN_TIME, [Why.RINGS, Why.NOT_AUDITED])
    assert codes(evidence(1.0, **elsewhere, needed_slope=None)) == (Answer.CANNOT_TELL, [Why.WEAK])
    unsigned = {**elsewhere, "made_in_time": False}
    assert codes(evidence(2.5, **unsigned)) == (Answer.CANNOT_TELL, [Why.NOT_AUDITED])
    assert codes(evidence(0.0, **unsigned, needed_slope=0.2)) == (Answer.NO_SIGNAL, [Why.DOES_NOT_PAY])
    leak = (Notice("LEAK_SUSPECT", "net Sharpe ratio 4.10"),)
    assert codes(evidence(2.5, **elsewhere, alarms=leak)) == (Answer.CANNOT_TELL, [Why.ALARM])


def test_what_cannot_pay_even_at_its_upper_bound_is_no_signal() -> None:
    # slope 0 with an error of .1: its bound is .1645
    assert codes(evidence(0.0, needed_slope=0.1650)) == (Answer.NO_SIGNAL, [Why.DOES_NOT_PAY])
    assert codes(evidence(0.0, needed_slope=0.1640)) == (Answer.CANNOT_TELL, [Why.WEAK])
    assert codes(evidence(0.0, needed_slope=None)) == (Answer.CANNOT_TELL, [Why.WEAK])


def test_nothing_is_said_where_figures_do_not_count() -> None:
    for changes in ({"audit": RED}, {"alarms": (Notice("LEAK_SUSPECT", "too good"),)}, {"tries": None}):
        assert codes(evidence(0.0, needed_slope=9.0, **changes))[0] is Answer.CANNOT_TELL


def test_a_weak_answer_says_that_it_was_not_audited_either() -> None:
    assert codes(evidence(2.0, audit=None)) == (Answer.CANNOT_TELL, [Why.WEAK, Why.NOT_AUDITED])


def test_without_a_score_there_were_no_tries_to_count() -> None:
    found = evidence(0.0, test=with_statistic(0.0, n=0, statistic=None, p_value=1.0), tries=None)
    assert codes(found) == (Answer.CANNOT_TELL, [Why.FEW_DAYS])
    single = evidence(0.0, test=with_statistic(0.0, n=1, statistic=None, p_value=1.0))
    assert answer(single)[1] == "1 day has a score, and fewer than 250 tell nothing"


def test_sentences_begin_with_what_is_missing() -> None:
    assert answer(evidence(2.5, audit=None))[1].startswith("not audited")
    assert answer(evidence(2.5, tries=None, corrected_p=None))[1].startswith("tries unknown")


def test_more_tries_raise_the_bar() -> None:
    one, fifty = evidence(2.5), evidence(2.5, tries=replace(TRIES, skill=50))
    assert one.bar == pytest.approx(2.326, abs=0.001)
    assert fifty.bar == pytest.approx(3.54, abs=0.005)  # z of 1% over 50 independent tries
    assert one.detectable == pytest.approx(((2.326 + 0.842) * 0.1) ** 2 * 0.01, rel=1e-3)
    assert (fifty.detectable or 0) > (one.detectable or 0)


def test_days_that_are_missing() -> None:
    found = evidence(1.0)
    assert found.days_for(0.0) is found.days_for(-0.1) is found.days_for(None) is None
    assert found.days_for(10.0) == 0
    assert found.days_for(0.1) == pytest.approx(N * ((2.326 + 0.842) ** 2 - 1), rel=2e-3)


def test_a_signal_at_the_close_may_be_the_bounce_between_bid_and_ask() -> None:
    found = evidence(2.5, at_the_close=True, following=Following(252, 0.8))
    assert codes(found) == (Answer.SIGNAL, [Why.RINGS, Why.AT_THE_CLOSE, Why.REGIME])
    assert "bounce" in answer(found)[1]
    assert "bounce" not in answer(evidence(2.5))[1]


def test_nobody_can_buy_an_index() -> None:
    found = evidence(2.5, not_tradable=True)
    assert codes(found) == (Answer.SIGNAL, [Why.RINGS, Why.NOT_TRADABLE])
    assert "which nobody can buy" in answer(found)[1]
