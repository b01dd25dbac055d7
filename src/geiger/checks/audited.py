"""Whether the run was audited, and what the audit found."""

from __future__ import annotations

from geiger.checks.base import Answer, Case, Fires, NotApplicable, Quiet, Severity, check
from geiger.checks.commands import Option
from geiger.records import Status

RED = "GC702"
_NOT_ENDED = "the run has not ended, or ended FAILED"


@check(
    "GC701",
    "No audit",
    Severity.NOTE,
    how="The log of a finished run says that there is no audit of it, or nothing of one.",
    why="Nothing has shown that no value of the future is among its inputs.",
)
def no_audit(case: Case) -> Answer:
    if case.log.schema == 0:
        return NotApplicable("a log of another program")
    if case.log.status in (None, Status.FAILED):
        return NotApplicable(_NOT_ENDED)
    if case.log.audit is not None:
        return Quiet()
    return Fires(
        "nobody has altered the future of this run to see what moves",
        (case.at_audit(),),
        "Not asked for yet, or made for other code, data or settings.",
        case.commands.audit(),
    )


@check(
    RED,
    "The audit is red",
    Severity.FAIL,
    how="The audit of the run found a stage that looks ahead, or missed a leak that was planted for it.",
    why="What looks ahead in a test cannot do so tomorrow: no figure of the run counts until it is mended.",
)
def red_audit(case: Case) -> Answer:
    audit = case.log.audit
    if audit is None:
        return NotApplicable("the run has no audit")
    if audit.green:
        return Quiet()
    cause = audit.cause or "Something depends on rows that come after the day on which it claims to be known"
    mend = audit.mend or "the audit itself says what to do"
    return Fires(
        audit.text(),
        (case.at_audit(),),
        f"{_sentence(cause)} Mend: {_sentence(mend)}",
        without_the_leak(case),
    )


@check(
    "GC703",
    "The audit is of other code or settings",
    Severity.WARN,
    how="The audit was made with other code than the run, or of the same forecasts traded otherwise.",
    why="What was shown holds for what was audited, and not for what this run did otherwise.",
)
def other_audit(case: Case) -> Answer:
    audit = case.log.audit
    if audit is None:
        return NotApplicable("the run has no audit")
    if not audit.other:
        return Quiet()
    code = "code" in audit.other
    return Fires(
        f"the audit of {audit.day} is of other {' and '.join(audit.other)}",
        (case.at_audit(),),
        "Audited after an update, with the code of that day."
        if code
        else "The audit is that of the training; this run sizes or fills its forecasts otherwise. "
        f"`{_traded_so(case)}` audits it so, and changes nothing in this log.",
        # No audit enters the log of a backtest: as a step that one would be asked for without end.
        case.commands.train() if code else case.commands.report(),
    )


CHECKS = (no_audit, red_audit, other_audit)


def without_the_leak(case: Case) -> str:
    """Return what tells the leak from the rest: the same run without what is the user's own, or its prices.

    The same audit again would find the same, and so would the same training.
    """
    return case.commands.without_own() if case.commands.own else case.commands.prices()


def _traded_so(case: Case) -> str:
    """Return the audit of the same model under the trading settings of this run."""
    settings = case.settings
    cost = None if settings.cost_bps is None else f"{settings.cost_bps:g}"
    asked: list[Option] = [("--rule", settings.rule), ("--risk", settings.risk), ("--cost-bps", cost)]
    return case.commands.audit_traded(*(option for option in asked if option[1]))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
