"""What the run was made of: prices, context, features, and what changed since the run before."""

from __future__ import annotations

import datetime as dt
import math

from geiger.checks.base import Answer, Case, Evidence, Fires, NotApplicable, Quiet, Severity, check
from geiger.records import RunSettings
from geiger.settings.contract import COLUMNS

OLD_DAYS = 366  # days since the last price after which a forecast of the next session means nothing
LISTED = 5
STAND_INS = ("FALLBACK", "STACK_LEFT_OUT", "STACK_ONE_MODEL", "META_EMPTY", "WEIGHTS_UNUSED")


@check(
    "GC501",
    "Market context is missing",
    Severity.WARN,
    how="The log warns CONTEXT_MISSING, or its Context is none; a note where only a part of it is missing.",
    why="Without an index the context features are constant 0: the model cannot tell the symbol from the "
    "market.",
)
def no_context(case: Case) -> Answer:
    context = case.settings.context
    if context is None and not case.log.warnings:
        return NotApplicable("the log does not name the context")
    warned = case.warned("CONTEXT_MISSING")
    if not warned and context != ():
        return Quiet()
    cited = case.at_warning("CONTEXT_MISSING") if warned else case.at_setting("Context")
    if context:
        text = case.warning("CONTEXT_MISSING")
        cause = "The index does not reach that far back, or no volatility index is at hand."
        return Fires(text, (cited,), cause, case.commands.at_hand(), Severity.NOTE)
    return Fires(
        "the run had no market index",
        (cited,),
        "No index among the prices, and none named: `--context SYMBOL` of `geiger train` names one.",
        case.commands.at_hand(),
    )


@check(
    "GC502",
    "Doubtful prices",
    Severity.WARN,
    how="The log holds warnings that begin with DATA_, or CONTEXT_PARTIAL or CONTEXT_OLD.",
    why="Features, outcomes and profits of the days named rest on prices that may be wrong.",
)
def doubtful_prices(case: Case) -> Answer:
    if case.log.status is None and not case.log.warnings:
        return NotApplicable("the run has not ended")
    context = ("CONTEXT_PARTIAL", "CONTEXT_OLD")
    codes = [n.code for n in case.log.warnings if n.code.startswith("DATA_") or n.code in context]
    if not codes:
        return Quiet()
    unique = list(dict.fromkeys(codes))
    return Fires(
        f"{len(codes)} {'doubt' if len(codes) == 1 else 'doubts'} about the prices: {', '.join(unique)}",
        tuple(case.at_warning(code) for code in unique[:LISTED]),
        "An export with holes, stale quotes or adjustments that do not agree.",
        case.commands.prices(),
    )


@check(
    "GC503",
    "Stale model",
    Severity.NOTE,
    how="The last day before the lock-box lies more than 366 days before today, the days that the locked "
    "rows may cover (365 for each 252) left out.",
    why="Good for research; a forecast of the next session from it would be one of long ago.",
)
def stale(case: Case) -> Answer:
    last, locked = _last_day(case.settings), case.settings.lockbox_rows or 0
    if last is None:
        return NotApplicable("the log does not say to which day its data reach")
    age, behind = (case.today - last).days, _locked_days(locked)
    if age - behind <= OLD_DAYS:
        return Quiet()
    beside = f"; the {locked} locked rows after it cover at most about {behind} of these" if locked else ""
    return Fires(
        f"the development rows end on {last}, {age} days ago{beside}",
        (case.at_setting("Days"), *((case.at_setting("Lock-box"),) if locked else ())),
        "Embedded or old prices, or a model that was not trained again.",
        case.commands.prices(),
    )


def stale_from(settings: RunSettings) -> int | None:
    """Return the first day, as `date.toordinal` counts, on which GC503 fires; None where it never does."""
    last = _last_day(settings)
    behind = _locked_days(settings.lockbox_rows or 0)
    return None if last is None else last.toordinal() + behind + OLD_DAYS + 1


def _last_day(settings: RunSettings) -> dt.date | None:
    try:
        return dt.date.fromisoformat(settings.last_day) if settings.last_day else None
    except ValueError:
        return None


def _locked_days(rows: int) -> int:
    """Return how many days locked rows cover: the log does not name the last of them.

    A series that trades every day covers less: the check is late then.
    """
    return math.ceil(rows * 365 / 252)


@check(
    "GC504",
    "Another recipe than before",
    Severity.NOTE,
    how="Recipe, fill, folds, seeds, trading or cost differ from the run of the same symbol and model "
    "before.",
    why="A difference between the two runs' figures may come from the settings alone.",
)
def recipe_drift(case: Case) -> Answer:
    return _drift(
        case,
        ("Recipe", "Fill", "Folds", "Seeds", "Trading", "Cost", "Loss", "Context"),
        "Settings were changed between the runs.",
    )


@check(
    "GC505",
    "Other data than before",
    Severity.NOTE,
    how="The hash of the prices differs from that of the run of the same symbol and model before.",
    why="A difference between the two runs' figures may come from the prices alone.",
)
def data_drift(case: Case) -> Answer:
    cause = "New days, another source, or history that was rewritten."
    return _drift(case, ("Data Hash", "Days", "Lock-box"), cause)


@check(
    "GC506",
    "Other versions than before",
    Severity.NOTE,
    how="The code, Python or a library differs from the run of the same symbol and model before.",
    why="Bits, and with them figures, may differ for that reason alone.",
)
def version_drift(case: Case) -> Answer:
    return _drift(case, ("Versions", "Threads"), "An update between the runs, or another machine.")


@check(
    "GC507",
    "Another feature contract",
    Severity.WARN,
    how=f"The log names a number of features other than {COLUMNS}.",
    why="The run was made by another program or another version: its figures compare with no run of this "
    "one.",
)
def features(case: Case) -> Answer:
    count = case.settings.features
    if count is None:
        return NotApplicable("the log does not name its features")
    if count == COLUMNS:
        return Quiet()
    return Fires(
        f"{count} features, the contract has {COLUMNS}",
        (case.at_setting("Features"),),
        "A log of another program, or of another version of the contract.",
        case.commands.of("features list"),
    )


@check(
    "GC508",
    "Something was left out",
    Severity.WARN,
    how="The log warns FALLBACK, STACK_LEFT_OUT, STACK_ONE_MODEL, META_EMPTY or WEIGHTS_UNUSED.",
    why="What was trained is less than what was asked for.",
)
def left_out(case: Case) -> Answer:
    found = [code for code in STAND_INS if case.warned(code)]
    if not found:
        return Quiet()
    return Fires(
        ", ".join(found),
        tuple(case.at_warning(code) for code in found),
        case.warning(found[0]),
        case.commands.doctor(),
    )


@check(
    "GC509",
    "The lock-box is open",
    Severity.WARN,
    how="The log warns LOCKBOX_OPEN, or its Lock-box is none.",
    why="No rows are left that nobody has looked at: nothing can confirm what was found.",
)
def lockbox_open(case: Case) -> Answer:
    locked, warned = case.settings.lockbox_rows, case.warned("LOCKBOX_OPEN")
    if locked is None and not warned:
        return NotApplicable("the log does not name the lock-box")
    if locked != 0 and not warned:
        return Quiet()
    cited = case.at_warning("LOCKBOX_OPEN") if warned else case.at_setting("Lock-box")
    return Fires(
        "no rows are locked away",
        (cited,),
        "Trained with --lockbox 0.",
        case.commands.train(("--lockbox", "252")),
    )


CHECKS = (
    no_context,
    doubtful_prices,
    stale,
    recipe_drift,
    data_drift,
    version_drift,
    features,
    left_out,
    lockbox_open,
)


def _drift(case: Case, names: tuple[str, ...], cause: str) -> Answer:
    """Fire where a setting of these names differs from the run before."""
    before = case.before
    if before is None:
        return NotApplicable("no earlier run of this symbol and model")
    old, new = before.config, case.config
    changed = [name for name in names if name in old and name in new and old[name] != new[name]]
    if not any(name in old and name in new for name in names):
        return NotApplicable("one of the logs does not say")
    if not changed:
        return Quiet()
    cited: list[Evidence] = []
    for name in changed[:LISTED]:
        cited += [case.at_setting(name), before.at_setting(name)]
    return Fires(
        f"since {before.name}: {', '.join(changed)} changed",
        tuple(cited),
        cause,
        case.commands.compare(before.name),
    )
