"""Whether the verdict stands: on an audit, on all tries, and on a pipeline that finds what is there."""

from __future__ import annotations

from geiger.checks import base
from geiger.checks.audited import without_the_leak
from geiger.checks.base import Case, Fires, NotApplicable, Quiet, Severity, check
from geiger.records import Answer, SourceVerdict
from geiger.runlog.verdict import answer_in

_NO_VERDICT = "the log has no verdict, or none with its values"


@check(
    "GC801",
    "A signal without a green audit",
    Severity.FAIL,
    how="The verdict is SIGNAL, and the log has no audit of the run or a red one.",
    why="A look into the future rings louder than any skill: only an audit tells one from the other.",
)
def unaudited_signal(case: Case) -> base.Answer:
    if answer_in(case.log.verdict[0]) is not Answer.SIGNAL:
        return NotApplicable("the verdict is no signal")
    audit = case.log.audit
    if audit is not None and audit.green:
        return Quiet()
    return Fires(
        "SIGNAL, and nothing has shown that no value of the future is among the inputs"
        if audit is None
        else f"SIGNAL, and the audit is red: {audit.text()}",
        (case.at("VERDICT/text", case.log.verdict[0]), case.at_audit()),
        "The log was changed after the run, or the audit was made after the verdict.",
        case.commands.audit() if audit is None else without_the_leak(case),
    )


@check(
    "GC802",
    "The best of several tries",
    Severity.WARN,
    how="The p of the scores is below the level by itself, and not with all tries counted.",
    why="Of fifty forecasts without skill the best one has a p below 0.01 by itself in a third of markets.",
)
def best_of_many(case: Case) -> base.Answer:
    judged = case.log.judged
    if judged is None or judged.p_value is None or judged.corrected_p is None or judged.tries is None:
        return NotApplicable(_NO_VERDICT)
    if not judged.p_value < judged.level <= judged.corrected_p:
        return Quiet()
    return Fires(
        f"p {judged.p_value:.4f} by itself, {judged.corrected_p:.4f} as one of {judged.tries.skill} tries on "
        "these days",
        (case.at("VERDICT/text", case.log.verdict[0]),),
        "Each further try on the same days raises the bar for all of them: new days do not.",
        case.commands.trials(),
    )


@check(
    "GC803",
    "The verdict is older than the audit",
    Severity.WARN,
    how="The audit of the run was made after the verdict.",
    why="The verdict does not know what the audit found.",
)
def old_verdict(case: Case) -> base.Answer:
    judged, audit = case.log.judged, case.log.audit
    if judged is None or audit is None:
        return NotApplicable(_NO_VERDICT if judged is None else "the run has no audit")
    if audit.day <= judged.made_on:
        return Quiet()
    return Fires(
        f"judged on {judged.made_on}, audited on {audit.day}",
        (case.at("VERDICT/text", case.log.verdict[0]), case.at_audit()),
        "Audited later, without judging again.",
        case.commands.judge(),
    )


@check(
    "GC804",
    "The check source is not found",
    Severity.FAIL,
    how="A strong signal was planted in the labels of these very prices: it rings itself in nine worlds of "
    "ten or more, and the forecasts of the model do in less than half.",
    why="A pipeline that does not find what is there says nothing about what is not.",
)
def broken_pipeline(case: Case) -> base.Answer:
    judged = case.log.judged
    if judged is None or judged.check is None:
        return NotApplicable("no check source was held to the run")
    if judged.check.verdict is not SourceVerdict.BROKEN:
        return Quiet()
    return Fires(
        judged.check.text(),
        (case.at("VERDICT/text", case.log.verdict[0]),),
        "A setting keeps the model from learning: too strong a penalty, too few rounds, features left out.",
        case.remedy(),
    )


CHECKS = (unaudited_signal, best_of_many, old_verdict, broken_pipeline)
