"""Whether the run was audited, and what the audit found."""

from __future__ import annotations

from geiger.checks.base import Answer, Case, Fires, NotApplicable, Quiet, Severity, check
from geiger.records import Status
from geiger.runlog.wording import audit_command

RED = "GC702"
OWN_KINDS = ("features", "target", "estimator")
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
        audit_it(case),
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
        audit.text(), (case.at_audit(),), f"{_sentence(cause)} Mend: {_sentence(mend)}", audit_it(case)
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
        else "The audit is that of the training; this run sizes or fills its forecasts otherwise.",
        case.again() if code else _traded_so(case),
    )


CHECKS = (no_audit, red_audit, other_audit)


def audit_it(case: Case) -> str:
    """Return the audit of the run; what is the user's own has to be given again."""
    settings = case.settings
    own = [kind for kind in OWN_KINDS if getattr(settings, f"own_{kind}") is not None]
    return audit_command(settings.forecasts_of or case.name, own)


def _traded_so(case: Case) -> str:
    """Return the audit of the same model under the trading settings of this run."""
    settings = case.settings
    if case.is_panel:  # its portfolio has no rule and no risk to set
        return audit_it(case)
    asked = {"--rule": settings.rule, "--risk": settings.risk}
    return case.command("audit", *(word for pair in asked.items() if pair[1] for word in map(str, pair)))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
