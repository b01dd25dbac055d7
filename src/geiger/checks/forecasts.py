"""What the out-of-sample forecasts look like: the health table, the doctor's causes, checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

from geiger.checks.base import Answer, Case, Check, Evidence, Fires, NotApplicable, Quiet, Severity, check
from geiger.checks.collapse import text_of
from geiger.figures import FigureName
from geiger.records import Cause, HealthCode, Outcome, Status, as_text

NIL = 0.005  # k of a constant, as in the health table
ONE_SIDED = 0.02  # share of forecasts on the rare side of 0
FLIPPED = (0.2, 0.8)  # shares above the train mean in two folds that lean to opposite sides


@check(
    "GC201",
    "Collapsed to a constant",
    Severity.FAIL,
    how="The health table says COLLAPSED_CONSTANT; in a log without it, Prediction Std is below 0.005.",
    why="There is nothing in the forecasts to be right or wrong: every further figure is that of a constant.",
)
def constant(case: Case) -> Answer:
    codes = health_codes(case)
    k = case.value(FigureName.PREDICTION_STD)
    if not codes and k is None:
        return NotApplicable("the log has neither health nor Prediction Std")
    if (HealthCode.COLLAPSED_CONSTANT not in codes) if codes else (k is None or k >= NIL):
        return Quiet()
    return Fires(
        f"the forecasts are all but constant: pred_std {as_text(k, 'number')} of the outcome's",
        (case.at_figure(FigureName.PREDICTION_STD, as_text(k, "number")), *_health_line(case)),
        _doctor_cause(case)
        or "A loss or penalty that pulls forecasts to the mean, a rate that is too small, or no signal at "
        "all.",
        case.remedy(),
    )


@check(
    "GC202",
    "One sign by a bias",
    Severity.FAIL,
    how="The health table says COLLAPSED_SIGN; in a log without it, STATUS is COLLAPSED and Positive % is "
    "outside "
    "2-98%.",
    why="The model always says the same direction, and not because the train rows drift: it times nothing.",
)
def one_sign(case: Case) -> Answer:
    codes, positive = health_codes(case), case.value(FigureName.POSITIVE_SHARE)
    if not codes and positive is None:
        return NotApplicable("the log has neither health nor Positive %")
    rare = positive is not None and not ONE_SIDED <= positive <= 1 - ONE_SIDED
    fires = HealthCode.COLLAPSED_SIGN in codes if codes else rare and case.log.status is Status.COLLAPSED
    if not fires:
        return Quiet()
    return Fires(
        f"{as_text(positive, 'share')} of the forecasts are positive, by a bias and not by the drift",
        (case.at_figure(FigureName.POSITIVE_SHARE, as_text(positive, "share")), *_health_line(case)),
        _doctor_cause(case) or "A bias of the head or of the sample weights.",
        case.remedy(),
    )


@check(
    "GC203",
    "Predicts the drift only",
    Severity.WARN,
    how="The health table says DRIFT_ONLY; in a log without it, Positive % is outside 2-98% of a run that "
    "did not "
    "collapse.",
    why="The forecasts are valid and always have one sign: being long without timing, which needs no model.",
)
def drift_only(case: Case) -> Answer:
    codes, positive = health_codes(case), case.value(FigureName.POSITIVE_SHARE)
    if not codes and (positive is None or case.log.status is not Status.SUCCESS):
        return NotApplicable("the log has neither health nor a finished Positive %")
    rare = positive is not None and not ONE_SIDED <= positive <= 1 - ONE_SIDED
    if not (HealthCode.DRIFT_ONLY in codes if codes else rare):
        return Quiet()
    return Fires(
        f"{as_text(positive, 'share')} of the forecasts are positive: the drift of the train rows, and no "
        f"timing",
        (case.at_figure(FigureName.POSITIVE_SHARE, as_text(positive, "share")), *_health_line(case)),
        "Little signal beside the drift; a stronger penalty than the signal can carry.",
        case.remedy(),
    )


@check(
    "GC204",
    "Forecasts swing too widely",
    Severity.WARN,
    how="The health table says OVERDISPERSED: k is above twice the upper bound of the correlation.",
    why="The squared error is larger than that of the train mean: sizes of positions follow noise.",
)
def overdispersed(case: Case) -> Answer:
    return _by_health(
        case,
        HealthCode.OVERDISPERSED,
        "A model that fits noise on the train rows, or a target in raw units.",
        case.remedy(),
    )


@check(
    "GC205",
    "No skill in the correlation",
    Severity.WARN,
    how="The health table says NO_SKILL: the correlation is not above 1.645 of its standard errors, which "
    "allow for outcomes that are large when the forecasts are.",
    why="Not a collapse and not a fault by itself: with so many rows this cannot be told from chance.",
)
def no_skill(case: Case) -> Answer:
    return _by_health(
        case,
        HealthCode.NO_SKILL,
        "No signal that these features, this model and so many rows can show.",
        case.commands.report(),
    )


def _by_health(case: Case, code: HealthCode, cause: str, command: str) -> Answer:
    codes = health_codes(case)
    if not codes:
        return NotApplicable("the log has no health line")
    if code not in codes:
        return Quiet()
    rho, k = (
        as_text(case.value(name), "number") for name in (FigureName.CORRELATION, FigureName.PREDICTION_STD)
    )
    return Fires(f"rho {rho}, pred_std {k}", _health_line(case), cause, command)


def health_codes(case: Case) -> tuple[str, ...]:
    """Return the codes of the health table that this version knows; empty where the log has none."""
    return tuple(code for code in case.assessment.health if code in _KNOWN)


_KNOWN = frozenset(HealthCode)


def _health_line(case: Case) -> tuple[Evidence, ...]:
    said = case.note("Health")
    return () if said is None else (case.at_note("Health", f"Health: {said}"),)


def _doctor_cause(case: Case) -> str | None:
    """Return the doctor's sentence where it names a cause of what went wrong."""
    cause = _doctor(case)
    return None if cause in (None, Cause.HEALTHY, Cause.RIGHTLY_SMALL) else text_of(Cause(str(cause)))


def _doctor(case: Case) -> Cause | None:
    """Return what the doctor of networks found."""
    cause = case.assessment.cause
    return Cause(cause) if cause in set(Cause) else None


# cause -> code, title, severity
DOCTOR: dict[Cause, tuple[str, str, Severity]] = {
    Cause.RIGHTLY_SMALL: ("GC211", "Rightly small forecasts", Severity.NOTE),
    Cause.NO_SIGNAL: ("GC212", "No signal in what the network learns", Severity.WARN),
    Cause.LOSS_SCALE: ("GC213", "The loss pulls forecasts to 0", Severity.FAIL),
    Cause.LEARNING_RATE: ("GC214", "Learning rate too small", Severity.FAIL),
    Cause.DECAY: ("GC215", "Weight decay too large", Severity.FAIL),
    Cause.DEAD_HEAD: ("GC216", "Dead head", Severity.FAIL),
    Cause.COPIES_YESTERDAY: ("GC217", "Copies yesterday's return", Severity.FAIL),
    Cause.OVERDISPERSED: ("GC218", "Network swings too widely", Severity.WARN),
    Cause.BIAS: ("GC219", "Network with one sign", Severity.FAIL),
    Cause.DIVERGED: ("GC220", "Training diverged", Severity.FAIL),
}


def _doctor_checks() -> Iterator[Check]:
    for cause, (code, title, severity) in DOCTOR.items():

        def ask(case: Case, cause: Cause = cause) -> Answer:
            found = _doctor(case)
            if found is None:
                return NotApplicable("no doctor's line: not a network, or not finished")
            if found is not cause:
                return Quiet()
            said = case.note("Doctor") or ""
            return Fires(
                f"the doctor says {cause}",
                (case.at_note("Doctor", f"Doctor: {said}"),),
                text_of(cause),
                case.commands.report() if cause is Cause.RIGHTLY_SMALL else case.remedy(),
            )

        yield Check(
            code,
            title,
            severity,
            f"The doctor's line of a network says {cause}.",
            text_of(cause),
            ask,
        )


@check(
    "GC230",
    "The bias flips between folds",
    Severity.WARN,
    how="In one fold more than 80% of the forecasts lie above their train mean, in another less than 20%.",
    why="The model leans to one side in each fold: it follows the level of a feature rather than its moves.",
)
def bias_flips(case: Case) -> Answer:
    folds = [f for f in case.log.scorecard.folds if f.above_mean is not None]
    if len(folds) < 2:
        return NotApplicable("the log has no two folds with their shares above the mean")
    low = min(folds, key=lambda f: f.above_mean or 0.0)
    high = max(folds, key=lambda f: f.above_mean or 0.0)
    low_share, high_share = low.above_mean or 0.0, high.above_mean or 0.0
    if low_share >= FLIPPED[0] or high_share <= FLIPPED[1]:
        return Quiet()
    return Fires(
        f"{as_text(low_share, 'share')} above the train mean in fold {low.fold}, "
        f"{as_text(high_share, 'share')} in fold {high.fold}",
        tuple(
            case.at(f"SCORECARD/Fold/{f.fold}", f"fold {f.fold}: {as_text(f.above_mean, 'share')} above mean")
            for f in (low, high)
        ),
        "A feature whose level drifts from fold to fold, or too few rows for so flexible a model.",
        case.remedy(),
    )


# checkpoint -> code, severity of a fail: without the first two nothing else means anything
CHECKPOINTS: dict[int, tuple[str, str, Severity]] = {
    1: ("GC301", "Checkpoint 1: training completes", Severity.FAIL),
    2: ("GC302", "Checkpoint 2: variance maintained", Severity.FAIL),
    3: ("GC303", "Checkpoint 3: balanced predictions", Severity.WARN),
    4: ("GC304", "Checkpoint 4: WFE > 50%", Severity.WARN),
    5: ("GC305", "Checkpoint 5: backtest positive", Severity.WARN),
}
# what a log with only the plan's sections says of them: figure, unit, bounds of a pass
GATES: dict[int, tuple[FigureName, float, float]] = {
    2: (FigureName.PREDICTION_STD, 0.01, float("inf")),
    4: (FigureName.WFE, 0.5, float("inf")),
}


def _checkpoint_checks() -> Iterator[Check]:
    for number, (code, title, severity) in CHECKPOINTS.items():

        def ask(case: Case, number: int = number) -> Answer:
            return _checkpoint(case, number)

        extra = f" In a log without checkpoints: {GATES[number][0]}." if number in GATES else ""
        yield Check(
            code,
            title,
            severity,
            f"The log's CHECKPOINTS say FAIL.{extra}",
            "A yardstick of the plan. It is passed by chance at some rate, so passing it is no evidence of "
            "skill.",
            ask,
        )


def _checkpoint(case: Case, number: int) -> Answer:
    point = next((p for p in case.log.checkpoints if p.number == number), None)
    remedy = case.remedy() if number != 5 else case.commands.report()
    if point is None:
        figure = case.figure(GATES[number][0]) if number in GATES else None
        if figure is None or figure.value is None:
            return NotApplicable("the log has no checkpoints")
        if figure.value > GATES[number][1]:
            return Quiet()
        cited = case.at_figure(figure.name, as_text(figure.value, figure.unit))
        return Fires(cited.text, (cited,), _ACTIONS[number], remedy)
    if point.outcome is Outcome.NOT_APPLICABLE:
        return NotApplicable(point.found)
    if point.outcome is Outcome.PASS:
        return Quiet()
    return Fires(
        point.found,
        (case.at(f"CHECKPOINTS/{number}", f"{point.name}: FAIL ({point.found})"),),
        point.action or "The log names no action.",
        remedy,
    )


_ACTIONS = {
    2: "Check the residual connection, the loss and the unit of the target.",
    4: "Check for overfitting: fewer or smaller trees, a smaller network, earlier stopping.",
}

CHECKS = (
    constant,
    one_sign,
    drift_only,
    overdispersed,
    no_skill,
    *_doctor_checks(),
    bias_flips,
    *_checkpoint_checks(),
)
