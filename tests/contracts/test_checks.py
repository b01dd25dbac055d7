"""Every check of one run: it fires, stays quiet, and does not apply."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from geiger.checks.base import Fires, NotApplicable, Quiet
from geiger.checks.catalogue import CHECKS
from geiger.cli.parser import build_parser
from geiger.records import RunLog
from helpers.cases import CODES, FALLING, both, card, case, epochs, figures, fold_score, scores, with_
from helpers.threes import THREES


def test_every_check_has_its_three() -> None:
    assert set(THREES) == set(CODES)
    assert len(CODES) == len(CHECKS), "two checks share a code"


@pytest.mark.parametrize("code", CODES)
def test_it_fires(code: str) -> None:
    answer = CODES[code].ask(THREES[code].fires)
    assert isinstance(answer, Fires)
    assert answer.text
    assert answer.cause
    assert answer.evidence, "a finding rests on something"
    assert build_parser().parse_args(shlex.split(answer.next)[1:]), "the next step is a command"


@pytest.mark.parametrize("code", CODES)
def test_it_stays_quiet(code: str) -> None:
    assert CODES[code].ask(THREES[code].quiet) == Quiet()


@pytest.mark.parametrize("code", [code for code, three in THREES.items() if three.silent])
def test_it_does_not_apply(code: str) -> None:
    silent = THREES[code].silent
    assert silent is not None
    answer = CODES[code].ask(silent)
    assert isinstance(answer, NotApplicable)
    assert answer.why


RISING = [(1.0 + 0.02 * i, val) for i, (_, val) in enumerate(FALLING)]


@pytest.mark.parametrize(
    ("code", "change", "why"),
    [
        ("GC111", with_(epochs=epochs(RISING)), "the train loss rises too"),
        ("GC402", with_(figures=figures(**{"Break-even_Cost": -3.0})), "it loses before costs"),
        (
            "GC403",
            both(scores(correlation=0.9, volatility_matched_p=0.4), with_(figures=figures(Test_Sharpe=-0.2))),
            "no gain to explain",
        ),
        (
            "GC404",
            card(folds=tuple(fold_score(n, net=net) for n, net in enumerate((0.2, -0.3, -0.1, -0.1)))),
            "nothing to carry",
        ),
        ("GC401", with_(figures=figures(Test_Sharpe=2.9)), "daily returns allow it"),
    ],
)
def test_the_other_side_of_a_condition(code: str, change: Callable[[RunLog], RunLog], why: str) -> None:
    assert CODES[code].ask(case(change)) == Quiet(), why
