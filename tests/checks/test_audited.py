"""What the checks of the audit say, and what is done with a red one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.analysis.analyzer import analyze_case
from geiger.checks.catalogue import ask_all
from geiger.checks.result import Word
from geiger.records import AuditSummary, Status
from helpers.cases import CODES, GREEN, NAME, both, case, config, with_

RED = replace(GREEN, color="red", leak="features: own_x", cause="it reads the next row", mend="use shift(0)")


def test_a_red_audit_comes_before_anything_good() -> None:
    found = analyze_case(case(with_(audit=RED)))
    assert found.sentences[0].text == f"Audit: {RED.text()}"
    assert (found.result, found.ready) == (Word.BAD, False)
    assert found.conclusion == "To mend first: GC702. The audit is red"
    assert found.next == "geiger data show AAPL --data 'my prices'", "the same audit would find the same"
    (red,) = found.findings
    assert red.cause == "It reads the next row. Mend: Use shift(0)."


def test_a_green_audit_stands_behind_the_verdict_and_changes_no_word() -> None:
    texts = [sentence.text for sentence in analyze_case(case()).sentences]
    assert texts.index(f"Audit: {GREEN.text()}") > next(
        i for i, t in enumerate(texts) if t.startswith("Verdict")
    )
    assert analyze_case(case()).result == analyze_case(case(with_(audit=None))).result


def test_a_missed_leak_is_red_too() -> None:
    missed = replace(RED, leak=None, cause=None, mend=None)
    (red,) = ask_all(case(with_(audit=missed)))
    assert "a planted leak was not caught" in red.text
    assert "Mend:" in red.cause


@pytest.mark.parametrize(
    ("audit", "lines", "events", "place"),
    [
        (GREEN, {"VERDICT/Audit": 90}, {"audit": 200}, f"{NAME}.log:90"),
        (GREEN, {}, {"audit": 200}, f"{NAME}.jsonl:200"),
        (None, {"VERDICT/Audit": 90}, {}, f"{NAME}.log:90"),
        (None, {}, {}, f"{NAME}.log"),
    ],
)
def test_the_line_of_an_audit_is_that_which_tells_it(
    audit: AuditSummary | None, lines: dict[str, int], events: dict[str, int], place: str
) -> None:
    assert case(with_(audit=audit, lines=lines, event_lines=events)).at_audit().place == place


def test_a_backtest_sends_to_the_run_that_was_trained() -> None:
    trained = "AAPL_ridge_20251229_143000"
    found = CODES["GC701"](case(both(config(Forecasts_of=trained), with_(audit=None))))
    assert found is not None
    assert found.next == f"geiger audit --run {trained}"


def test_other_trading_settings_are_audited_as_they_are() -> None:
    other = with_(audit=replace(GREEN, other=("trading settings",)))
    found = CODES["GC703"](
        case(both(other, config(Trading="sign, risk balanced", Cost="20 bp a unit of turnover")))
    )
    assert found is not None
    assert "other trading settings" in found.text
    assert "`geiger audit AAPL --model lstm" in found.cause
    assert "--rule sign --risk balanced --cost-bps 20`" in found.cause
    assert found.next == f"geiger report {NAME}", "an audit never enters this log: as a step it had no end"


def test_what_is_the_users_own_has_to_be_given_again() -> None:
    own = config(Own_Features="features.py:mine", Own_Estimator="model.py:Mine")
    found = CODES["GC701"](case(both(own, with_(audit=None))))
    assert found is not None
    assert found.next == f"geiger logs show {NAME}", "the log names no file that a command could take"
    typed = "geiger train own AAPL --features features.py:mine --estimator model.py:Mine"
    found = CODES["GC701"](case(both(own, config(Command=typed), with_(audit=None))))
    assert found is not None
    assert found.next == f"geiger audit --run {NAME} --features features.py:mine --estimator model.py:Mine"


def test_a_leak_of_the_users_own_is_told_by_the_run_without_it() -> None:
    own = config(
        Own_Features="features.py:mine", Command="geiger train lstm AAPL --features features.py:mine"
    )
    found = CODES["GC702"](case(both(own, with_(audit=RED))))
    assert found is not None
    assert found.next == "geiger train lstm AAPL"


def test_a_log_of_another_program_is_not_asked() -> None:
    assert CODES["GC701"](case(with_(audit=None, schema=0))) is None
    assert CODES["GC701"](case(with_(audit=None, status=Status.FAILED))) is None
