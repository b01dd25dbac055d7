"""Whether the run came to its end, and what its learning curves say.

Curves are those of every member (fold and seed) where the events lie beside the log, else of the one member
that the text shows. A fault of training counts where more than half of the members show it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from statistics import median

from geiger.checks.base import Answer, Case, Evidence, Fires, NotApplicable, Quiet, Severity, check
from geiger.figures import PLAN_FIGURES, FigureName
from geiger.records import Epoch, Status, Training
from geiger.runlog.facts import STILL_RUNNING
from geiger.settings.models import GROUPS

LISTED = 3  # lines that one finding cites of many
RISE, FALL = 0.005, 0.002  # of the validation and the train loss, as shares: beyond the noise of an epoch
SHORT, POINTS = 5, 3  # fewer epochs or shown points make no curve; of boosters every 50th round is shown
BY_HEART = 0.4  # correlation on train rows that daily returns never allow out of sample
FEW_TREES = 10
NETWORKS, BOOSTERS = GROUPS["net"], GROUPS["gbm"]


@check(
    "GC101",
    "The run has not ended",
    Severity.FAIL,
    how="A log that Geiger wrote breaks off before its STATUS, and has not grown for 15 minutes. Where it "
    "has, the run may still go on: a note.",
    why="A killed run has no figures. Its finished folds are kept, so the same command goes on from there.",
)
def killed(case: Case) -> Answer:
    if case.log.status is not None:
        return Quiet()
    if why := _said_otherwise(case):
        return NotApplicable(why)
    count = f"{len(case.log.epochs)} epochs, {len(case.log.folds)} finished folds"
    known = case.log.epochs or case.log.progress  # a network's fold tells its epochs when it ends
    last = known[-1] if known else None
    seen = (
        Evidence(f"{case.name}.log", None, "no === STATUS === section"),
        case.at("EPOCH METRICS", count) if last is None else _at_epoch(case, last, f"the last of {count}"),
    )
    if case.idle is not None and case.idle < STILL_RUNNING:
        text = f"no STATUS yet; the log grew {case.idle:.0f} s ago, so the run may still go on"
        return Fires(text, seen, "The run has not ended.", case.commands.of("logs watch"), Severity.NOTE)
    return Fires(
        "the log ends without a STATUS: the run was killed or the machine stopped",
        seen,
        "Ended from outside, and the log cannot say by what: too little memory, a closed terminal, a "
        "shutdown. Finished folds are kept.",
        case.again(),
    )


def _said_otherwise(case: Case) -> str:
    """Return why a log without a status is no sign of a kill; empty where it is one."""
    if case.log.stopped:
        return "the log says that the run was stopped"
    if "STATUS" in case.log.lines:
        return "the log has a STATUS, but no word that is known"
    return "" if case.log.schema > 0 else "another program wrote the log, which may never write a STATUS"


@check(
    "GC106",
    "Nothing was measured",
    Severity.FAIL,
    how="The log has a STATUS other than FAILED, and none of the plan's five figures can be read.",
    why="Without figures there is no result, whatever STATUS says: nothing may be concluded from the run.",
)
def not_measured(case: Case) -> Answer:
    if case.log.status in (None, Status.FAILED):
        return NotApplicable("the run did not come to figures")
    if any(figure.value is not None for figure in case.log.figures if figure.name in PLAN_FIGURES):
        return Quiet()
    there = "FINAL METRICS" in case.log.lines
    return Fires(
        f"STATUS is {case.log.status}, but "
        + (
            "none of the plan's figures in FINAL METRICS can be read"
            if there
            else "the log has no FINAL METRICS"
        ),
        (
            case.at(f"STATUS/{case.log.status}", str(case.log.status)),
            case.at("FINAL METRICS", "FINAL METRICS" if there else "no === FINAL METRICS === section"),
        ),
        "A log of another program, or one whose figures were cut out or written in another notation.",
        case.commands.show() if there else case.commands.train(),
    )


@check(
    "GC107",
    "No STATUS",
    Severity.FAIL,
    how="A log of another program has no STATUS, or any log one that is no word of the format.",
    why="Nothing says whether the run came to its end, so nothing may be concluded from it.",
)
def no_status(case: Case) -> Answer:
    if case.log.status is not None:
        return Quiet()
    if case.log.stopped:
        return NotApplicable("the log says that the run was stopped")
    if "STATUS" in case.log.lines:
        text, cited = "STATUS holds no word that is known", case.at("STATUS", "STATUS")
    elif case.log.schema == 0:
        text = "the log has no STATUS: it may have broken off, or the run may still go on"
        cited = Evidence(f"{case.name}.log", None, "no === STATUS === section")
    else:
        return NotApplicable("a log of ours without a STATUS is that of a run that was killed, or goes on")
    return Fires(
        text,
        (cited,),
        "A log of another program, or one whose end is damaged or missing.",
        case.commands.show(),
    )


@check(
    "GC108",
    "The run was stopped",
    Severity.WARN,
    how="The log says STOPPED: someone pressed Ctrl-C, or the process was asked to end (SIGTERM).",
    why="A stopped run has no figures. Where the log says that finished folds are kept, the same command "
    "goes on from there.",
)
def stopped(case: Case) -> Answer:
    if not case.log.stopped or case.log.status is not None:
        return Quiet()
    place = case.at("STOPPED/text", case.log.stopped)
    return Fires(
        f"stopped {case.log.stopped}",
        (place,),
        "Asked to end, by a person or by a system that shuts down or stops jobs; no fault of the run.",
        case.again(),
    )


@check(
    "GC102",
    "The run failed",
    Severity.FAIL,
    how="STATUS is FAILED.",
    why="Its figures are missing or not finite; nothing may be concluded from them.",
)
def failed(case: Case) -> Answer:
    if case.log.status is None:
        return NotApplicable("the log has no STATUS")
    if case.log.status is not Status.FAILED:
        return Quiet()
    code = case.warned("TRAINING_FAILED") or next((notice.code for notice in case.log.warnings), None)
    reasons = (case.at_warning(code),) if code else ()
    cause = (
        reasons[0].text
        if reasons
        else "The log does not say why; look for losses or forecasts that are not finite."
    )
    return Fires(
        "the run ended FAILED",
        (case.at("STATUS/FAILED", "FAILED"), *reasons),
        cause,
        _looked_into(case),
    )


@check(
    "GC105",
    "The run collapsed",
    Severity.FAIL,
    how="STATUS is COLLAPSED.",
    why="The forecasts are a constant or one sign by a bias; GC201, GC202 and the doctor say which and why.",
)
def collapsed(case: Case) -> Answer:
    if case.log.status is None:
        return NotApplicable("the log has no STATUS")
    if case.log.status is not Status.COLLAPSED:
        return Quiet()
    return Fires(
        "the run ended COLLAPSED",
        (case.at("STATUS/COLLAPSED", "COLLAPSED"),),
        "A loss or penalty that pulls forecasts to the mean, a bias, or no signal at all.",
        case.remedy(),
    )


@check(
    "GC103",
    "Lines that cannot be read",
    Severity.WARN,
    how="Lines of the log say nothing that the format knows: damaged, cut short, or written by another "
    "program.",
    why="A fact may stand on them; what is concluded rests on the other lines only.",
)
def unread(case: Case) -> Answer:
    lines = case.log.unread
    if not lines:
        return Quiet()
    cited = tuple(Evidence(f"{case.name}.log", line, "not understood") for line in lines[:LISTED])
    return Fires(
        f"{len(lines)} {'line says' if len(lines) == 1 else 'lines say'} nothing that is known",
        cited,
        "A damaged or half-written file, or a log made by another program.",
        case.commands.show(),
    )


@check(
    "GC104",
    "Losses that are not finite",
    Severity.FAIL,
    how="A training or validation loss in the epochs is NaN or infinite.",
    why="From there on the weights are worthless, whatever the later figures say.",
)
def not_finite(case: Case) -> Answer:
    if not case.log.epochs:
        return NotApplicable("nothing was trained in epochs")
    bad = [e for e in case.log.epochs if not (math.isfinite(e.loss) and math.isfinite(e.val_loss))]
    if not bad:
        return Quiet()
    return Fires(
        f"{len(bad)} of {len(case.log.epochs)} epochs have a loss that is not finite",
        tuple(_at_epoch(case, e, f"loss={e.loss}, val_loss={e.val_loss}") for e in bad[:LISTED]),
        "The learning rate is too large for the loss, or inputs are not finite.",
        case.remedy(),
    )


@check(
    "GC111",
    "Over-fitting along the epochs",
    Severity.WARN,
    how="After its best epoch the validation loss rises by more than 0.5% while the train loss falls by more "
    "than "
    "0.2%, in more than half of the members. A note where the best weights were kept.",
    why="Further epochs learn the train rows by heart; only the weights of the best epoch are worth keeping.",
)
def over_fitting(case: Case) -> Answer:
    curves = _curves(case)
    if not curves:
        return NotApplicable(f"no network or booster with {SHORT} epochs")
    found = [(c, _best(c)) for c in curves if _overfits(c)]
    if 2 * len(found) <= len(curves):
        return Quiet()
    curve, best = found[-1]
    last = curve[-1]
    kept = _kept_the_best(case, curve)
    return Fires(
        f"in {len(found)} of {len(curves)} trainings the validation loss rises after its best epoch while "
        f"the "
        f"train loss falls: epoch {best.epoch} {best.val_loss:.4f}, epoch {last.epoch} {last.val_loss:.4f}",
        (
            _at_epoch(case, best, f"best: loss={best.loss:.4f}, val_loss={best.val_loss:.4f}"),
            _at_epoch(case, last, f"last: loss={last.loss:.4f}, val_loss={last.val_loss:.4f}"),
        ),
        "Too much capacity or too many epochs for what these rows can teach"
        + (
            "; the weights of the best epoch were kept, so the forecasts are not hurt by it." if kept else "."
        ),
        case.commands.report() if kept else case.commands.train(("--epochs", str(max(best.epoch, 1)))),
        Severity.NOTE if kept else None,
    )


@check(
    "GC112",
    "Train rows learned by heart",
    Severity.WARN,
    how="The correlation on train rows is above 0.4, and out of sample less than a tenth of it.",
    why="Daily returns do not allow such a fit: it is noise, and it takes the place of what could be "
    "learned.",
)
def by_heart(case: Case) -> Answer:
    train, test = case.value(FigureName.TRAIN_CORRELATION), case.value(FigureName.CORRELATION)
    if train is None or test is None:
        return NotApplicable("the log lacks the correlations")
    if train <= BY_HEART or test >= 0.1 * train:
        return Quiet()
    return Fires(
        f"correlation {train:.2f} on train rows, {test:.3f} out of sample",
        (
            case.at_figure(FigureName.TRAIN_CORRELATION, f"{train:.4f}"),
            case.at_figure(FigureName.CORRELATION, f"{test:.4f}"),
        ),
        "Too many or too deep trees, too many epochs, or a network too large for the rows.",
        case.remedy(),
    )


@check(
    "GC113",
    "Under-fitting",
    Severity.WARN,
    how="The train loss never falls by more than 0.1% of its first value, in more than half of the members "
    "with "
    "five epochs or more.",
    why="Nothing was learned, not even of the train rows: look at rate, loss, inputs and target before the "
    "market.",
)
def under_fitting(case: Case) -> Answer:
    curves = _curves(case)
    if not curves:
        return NotApplicable(f"no network or booster with {SHORT} epochs")
    flat = [c for c in curves if min(e.loss for e in c) >= c[0].loss - 0.001 * abs(c[0].loss)]
    if 2 * len(flat) <= len(curves):
        return Quiet()
    first, last = flat[-1][0], flat[-1][-1]
    return Fires(
        f"in {len(flat)} of {len(curves)} trainings the train loss does not fall: {first.loss:.4f} to "
        f"{last.loss:.4f} in {last.epoch} epochs",
        (
            _at_epoch(case, first, f"loss={first.loss:.4f}"),
            _at_epoch(case, last, f"loss={last.loss:.4f}"),
        ),
        "A rate that is too small, a penalty that is too large, or a loss that pulls every forecast to 0.",
        case.remedy(),
    )


@check(
    "GC114",
    "Learning rate never reduced",
    Severity.NOTE,
    how="The plateau rule is on, the best epoch lies before the last, and yet the rate never changed, in "
    "more than "
    "half of the members.",
    why="The rule waits longer than the training lasts, so that it does nothing.",
)
def rate_never_reduced(case: Case) -> Answer:
    if not _has_plateau(case):
        return NotApplicable("no plateau rule, or no events that tell the rates")
    return _of_members(
        case,
        lambda t: t.final_learning_rate == t.learning_rate and t.best_epoch < t.epochs,
        "the learning rate never fell, though training had passed its best epoch",
        "The plateau's patience is longer than what was left of the training.",
        case.remedy(),
    )


@check(
    "GC115",
    "Learning rate at its floor",
    Severity.WARN,
    how="The rate was reduced to the floor of the plateau rule, in more than half of the members.",
    why="At the floor nothing is learned any more; the remaining epochs only cost time.",
)
def rate_at_floor(case: Case) -> Answer:
    plateau = case.settings.training.plateau
    floor = None if plateau is None else plateau.min_rate
    if floor is None or not case.log.trainings:
        return NotApplicable("no plateau rule, or no events that tell the rates")
    return _of_members(
        case,
        lambda t: t.final_learning_rate <= 1.001 * floor < t.learning_rate,
        f"the learning rate fell to its floor of {floor:g}",
        "A validation loss that stopped improving early: little signal, or a start rate that is too high.",
        case.commands.train(
            ("--epochs", str(max(1, round(median(t.best_epoch for t in case.log.trainings)))))
        ),
    )


@check(
    "GC116",
    "Stopped at once",
    Severity.WARN,
    how="The best epoch is the first or the untrained start, in more than half of the members with more than "
    "one.",
    why="No step of training helped on the inner validation rows: what is kept knows nothing.",
)
def stopped_at_once(case: Case) -> Answer:
    if not case.log.trainings:
        return NotApplicable("no events that tell the best epochs")
    return _of_members(
        case,
        lambda t: t.best_epoch <= 1 < t.epochs,
        "no epoch after the first was better on the inner validation rows",
        "No signal in the inner validation rows, or a rate so high that the first steps overshoot.",
        case.remedy(),
    )


@check(
    "GC117",
    "Never stopped early",
    Severity.NOTE,
    how="Early stopping is on, and the last epoch was the best in more than half of the members.",
    why="Training was cut off while it still improved: more epochs may help.",
)
def never_stopped(case: Case) -> Answer:
    stopping = case.settings.training.early_stopping
    if not case.log.trainings or stopping is None:
        return NotApplicable("no early stopping, or no events that tell the best epochs")
    if stopping.patience is None:
        return NotApplicable("early stopping is off")
    most = max(t.epochs for t in case.log.trainings)
    return _of_members(
        case,
        lambda t: t.best_epoch == t.epochs > 0,
        "the last epoch was the best",
        "Too few epochs for this rate.",
        case.commands.train(("--epochs", str(2 * most))),
    )


@check(
    "GC118",
    "Fewer than 10 trees",
    Severity.WARN,
    how="Early stopping kept fewer than 10 trees in more than half of the members of a booster.",
    why="The inner validation rows showed no skill: the forecast is little more than the train mean. That is "
    "a "
    "finding about the data rather than a fault of the model.",
)
def few_trees(case: Case) -> Answer:
    if case.model not in BOOSTERS or not case.log.folds:
        return NotApplicable("no booster, or no events that tell the trees")
    counts = [(fold.fold, trees) for fold in case.log.folds for trees in fold.rounds]
    few = [(fold, trees) for fold, trees in counts if trees < FEW_TREES]
    if 2 * len(few) <= len(counts):
        return Quiet()
    return Fires(
        f"{len(few)} of {len(counts)} trainings kept fewer than {FEW_TREES} trees",
        tuple(case.at_event(f"fold/{fold}", f"{trees} trees") for fold, trees in few[:LISTED]),
        "No skill on the inner validation rows: the features say little about this symbol's next day.",
        case.remedy(),
    )


_CLOSE_LOOK = (("--max-folds", "1"), ("--debug", None))


def _looked_into(case: Case) -> str:
    """Return the first fold alone with the traceback, and where that was looked at, something else."""
    looked = case.typed is not None and set(_CLOSE_LOOK) <= set(case.typed.options)
    return case.remedy() if looked else case.commands.train(*_CLOSE_LOOK)


NO_END = ("GC101", "GC107", "GC108")  # one of them fires on each log without a status

CHECKS = (
    killed,
    failed,
    unread,
    not_finite,
    collapsed,
    not_measured,
    no_status,
    stopped,
    over_fitting,
    by_heart,
    under_fitting,
    rate_never_reduced,
    rate_at_floor,
    stopped_at_once,
    never_stopped,
    few_trees,
)

Curve = Sequence[Epoch]


def _curves(case: Case) -> list[Curve]:
    """Return the finite epochs of each member that has enough of them, in order.

    The epochs of ridge are places on its penalty grid: no curve.
    """
    if case.model not in (*BOOSTERS, *NETWORKS):
        return []

    def member(epoch: Epoch) -> tuple[int, int]:
        return epoch.fold, epoch.seed

    known = [e for e in case.log.epochs if math.isfinite(e.loss) and math.isfinite(e.val_loss)]
    ordered = sorted(known, key=lambda e: (member(e), e.epoch))
    curves = (list(group) for _, group in groupby(ordered, key=member))
    return [curve for curve in curves if len(curve) >= POINTS and curve[-1].epoch >= SHORT]


def _best(curve: Curve) -> Epoch:
    return min(curve, key=lambda e: e.val_loss)


def _kept_the_best(case: Case, curve: Curve) -> bool:
    """Whether the member's forecasts come from its best epoch, or from fewer trees than were grown."""
    if case.model not in BOOSTERS:
        stopping = case.settings.training.early_stopping
        return stopping is not None and stopping.keep_best
    last = curve[-1]
    rounds = next((fold.rounds for fold in case.log.folds if fold.fold == last.fold), ())
    return bool(rounds) and max(rounds) < last.epoch


def _overfits(curve: Curve) -> bool:
    best, last = _best(curve), curve[-1]
    rises = last.val_loss - best.val_loss > RISE * abs(best.val_loss)
    return rises and best.loss - last.loss > FALL * abs(best.loss)


def _at_epoch(case: Case, epoch: Epoch, text: str) -> Evidence:
    key = f"epoch/{epoch.fold}/{epoch.seed}/{epoch.epoch}"
    if key in case.log.event_lines:
        return case.at_event(key, f"fold {epoch.fold}, seed {epoch.seed}, epoch {epoch.epoch}: {text}")
    return case.at(f"EPOCH METRICS/{epoch.epoch}", f"epoch {epoch.epoch}: {text}")


def _has_plateau(case: Case) -> bool:
    plateau = case.settings.training.plateau
    return bool(case.log.trainings) and plateau is not None and plateau.patience is not None


def _of_members(case: Case, shows: Callable[[Training], bool], text: str, cause: str, command: str) -> Answer:
    """Fire where more than half of the trainings show it."""
    trainings = case.log.trainings
    found = [t for t in trainings if shows(t)]
    if 2 * len(found) <= len(trainings):
        return Quiet()
    cited = tuple(
        case.at_event(
            f"training/{t.fold}/{t.seed}",
            f"fold {t.fold}, seed {t.seed}: {t.epochs} epochs, best {t.best_epoch}, rate {t.learning_rate:g} "
            f"to "
            f"{t.final_learning_rate:g}",
        )
        for t in found[:LISTED]
    )
    return Fires(f"in {len(found)} of {len(trainings)} trainings {text}", cited, cause, command)
