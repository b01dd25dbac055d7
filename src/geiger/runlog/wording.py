"""Lines that people read and programs ask: composed from values here, and lifted back into them here.

Whoever runs an experiment hands over values. The log writes them twice, as the lines of its text and exactly
as they are among its events. Of a text alone the values are lifted from its lines, to the precision printed;
a line that says something else gives none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from geiger.command_line import USUAL, Folders
from geiger.records import (
    LOOKS_AHEAD,
    NOT_CAUGHT,
    Assessment,
    AuditSummary,
    EarlyStopping,
    Feeding,
    Objective,
    Optimizer,
    Plateau,
    RegisterHead,
    Residual,
    RunLog,
    RunSettings,
    TrainingSettings,
    Weighing,
)

NOT_APPLICABLE = "not applicable"
OFF = "off"
NONE = "none"


def settings_of(log: RunLog) -> RunSettings:
    """Return the settings of a run as values: those of its events, else what its lines say."""
    return log.settings if log.settings is not None else settings_in(log.config)


def assessment_of(log: RunLog) -> Assessment:
    """Return what health table and doctor say: that of the events, else what the notes say."""
    return log.assessment if log.assessment is not None else assessment_in(log.scorecard.notes)


def config_lines(settings: RunSettings) -> list[tuple[str, str]]:
    """Return the lines of the config section, the plan's first."""
    return [(line.name, text) for line in _LINES if (text := line.write(settings)) is not None]


def settings_in(config: Iterable[tuple[str, str]]) -> RunSettings:
    """Return what the lines of a config section say; of two of one name the last counts."""
    told = dict(config)
    found: dict[str, Any] = {}
    training: dict[str, Any] = {}
    for line in _LINES:
        values = line.read(told[line.name]) if line.name in told else {}
        (training if line.of_training else found).update(values)
    return RunSettings(**found, training=TrainingSettings(**training))


def health_note(codes: Iterable[str], meaning: str) -> str:
    """Return the note of the health table.

    >>> health_note(("OVERDISPERSED", "NO_SKILL"), "what they mean")
    'Health: OVERDISPERSED, NO_SKILL: what they mean.'
    """
    return f"{HEALTH}: {', '.join(codes)}: {meaning}."


def doctor_note(cause: str, text: str) -> str:
    """Return the note of the doctor.

    >>> doctor_note("DECAY", "Weight decay: the penalty is too large.")
    'Doctor: DECAY: Weight decay: the penalty is too large.'
    """
    return f"{DOCTOR}: {cause}: {text}"


def assessment_in(notes: Iterable[str]) -> Assessment:
    """Return what the first note of each kind says.

    >>> assessment_in(["Health: OVERDISPERSED, NO_SKILL: what they mean.", "978 test days."])
    Assessment(health=('OVERDISPERSED', 'NO_SKILL'), cause=None)
    """
    told = {word: _said(word, notes) for word in (HEALTH, DOCTOR)}
    codes = tuple(filter(None, (code.strip() for code in told[HEALTH].split(","))))
    return Assessment(codes, told[DOCTOR] or None)


def audit_line(audit: AuditSummary | None, advice: str = "") -> str:
    """Return the line of an audit.

    Parameters
    ----------
    advice : str
        How to make one, where there is none.

    >>> audit_line(None, "`geiger audit --run AAPL_ridge_20240105_143022` makes one")
    'Audit: none (`geiger audit --run AAPL_ridge_20240105_143022` makes one)'
    """
    if audit is not None:
        return f"{AUDIT}: {audit.text()}"
    return f"{AUDIT}: {NONE} ({advice})" if advice else f"{AUDIT}: {NONE}"


def audit_command(trained: str, own: Iterable[str] = (), folders: Folders = USUAL) -> str:
    """Return the command that audits a run.

    Parameters
    ----------
    trained : str
        The run that made the forecasts.
    own : iterable of str
        What it had of the user's own, which has to be given again.
    folders : Folders
        Where the run and its log lie.

    >>> audit_command("AAPL_ridge_20240105_143022", ("features",))
    'geiger audit --run AAPL_ridge_20240105_143022 --features FILE.py:NAME'
    """
    given = (word for kind in own for word in (f"--{kind}", FILE))
    return folders.command("geiger", "audit", "--run", trained, *given, runs=True, logs=True)


def how_to_audit(trained: str, own: Iterable[str] = (), folders: Folders = USUAL) -> str:
    """Return how an audit of a run is made that has none; see `audit_command`."""
    return f"`{audit_command(trained, own, folders)}` makes one"


def is_audit_line(line: str) -> bool:
    """Whether a line says what an audit came to, or that there was none.

    >>> is_audit_line("Audit: none"), is_audit_line("Audit: later")
    (True, False)
    """
    return audit_in(line) is not None or re.fullmatch(rf"{AUDIT}: {NONE}(?: \(.*\))?", line) is not None


def audit_in(line: str) -> AuditSummary | None:
    """Return the audit that a line tells; None where it tells none.

    >>> audit_in("Audit: red, 13 stages, 8 cuts, 2026-11-29; look-ahead in features: own_x").leak
    'features: own_x'
    """
    found = _matched(_AUDIT, line)
    if found is None:
        return None
    green, stages, cuts, day, other, why = found
    leak = (why or "").removeprefix(f"{LOOKS_AHEAD} ")
    return AuditSummary(
        color="red" if green is None else "green",
        stages=int(stages),
        cuts=int(cuts),
        day=day,
        leak=None if leak in ("", NOT_CAUGHT) else leak,
        other=() if other is None else tuple(other.split(" and ")),
    )


def register_line(head: RegisterHead | None, why: str = "") -> str:
    """Return the line of the register: how many trials there were, and what proves that none was removed.

    Parameters
    ----------
    why : str
        Why there is none: then nobody can say how many tries there were.

    >>> register_line(RegisterHead(12, 15, "5f" * 32))[:44]
    'Register: 12 trials, 15 lines, head 5f5f5f5f'
    >>> register_line(None, "runs/trials: cannot be written")
    'Register: none (runs/trials: cannot be written)'
    """
    if head is None:
        return f"{REGISTER}: {NONE} ({why})" if why else f"{REGISTER}: {NONE}"
    return f"{REGISTER}: {head.trials} trials, {head.length} lines, head {head.hash}"


def register_in(line: str) -> RegisterHead | None:
    """Return the head that a line tells; None where it tells none.

    >>> register_in("Register: 12 trials, 15 lines, head " + "5f" * 32).length
    15
    """
    found = _matched(rf"{REGISTER}: {_INT} trials, {_INT} lines, head ([0-9a-f]{{64}})", line)
    return None if found is None else RegisterHead(int(found[0]), int(found[1]), found[2])


AUDIT, REGISTER = "Audit", "Register"
FILE = "FILE.py:NAME"  # stands for something of the user's own
HEALTH, DOCTOR = "Health", "Doctor"  # the words that these notes begin with


def _said(word: str, notes: Iterable[str]) -> str:
    """Return what stands between the word of a note and its second colon."""
    note = next((note for note in notes if note.startswith(f"{word}: ")), "")
    return note.removeprefix(f"{word}: ").partition(": ")[0]


Values = Mapping[str, Any]


@dataclass(frozen=True)
class _Line:
    """One line of the config section: its name, its text from values (None: no line), and the way back."""

    name: str
    write: Callable[[RunSettings], str | None]
    read: Callable[[str], Values]
    of_training: bool = False


_INT = r"([0-9]{1,9})"
_FLOAT = r"([-+]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e[-+]?[0-9]{1,3})?)"
_WORD = r"([^\s,]+)"
_OFF = re.escape(OFF)
_DATE = r"(\d{4}-\d{2}-\d{2})"
_AUDIT = (
    rf"{AUDIT}: (?:(green)|red), {_INT} stages, {_INT} cuts, {_DATE}(?:, of other ([a-z]+(?: [a-z]+)*))?"
    rf"(?(1)|; ({LOOKS_AHEAD} .+|{NOT_CAUGHT}))"
)


def _matched(pattern: str, text: str) -> tuple[Any, ...] | None:
    """Return the groups of a pattern that matches the whole text; one that took no part is None."""
    found = re.fullmatch(pattern, text)
    return None if found is None else found.groups()


def _text(name: str, field: str) -> _Line:
    """Return the line of a text, which is left out where there is none."""
    return _Line(name, lambda s: getattr(s, field), lambda text: {field: text} if text else {})


def _number(name: str, field: str, *, none: str | None = None, whole: bool = True) -> _Line:
    """Return the line of one number; `none` stands there where it is None."""

    def write(settings: RunSettings) -> str | None:
        value = getattr(settings, field)
        return none if value is None else f"{value}" if whole else f"{value:g}"

    def read(text: str) -> Values:
        found = _matched(_INT if whole else _FLOAT, text)
        return {} if found is None else {field: int(found[0]) if whole else float(found[0])}

    return _Line(name, write, read)


def _epochs(s: RunSettings) -> str:
    return str(s.epochs) if s.epochs else NOT_APPLICABLE if s.trees is None else f"{s.trees} (trees)"


def _read_epochs(text: str) -> Values:
    found = _matched(rf"{_INT}( \(trees\))?", text)
    return {} if found is None else {"trees" if found[1] else "epochs": int(found[0])}


def _data(s: RunSettings) -> str | None:
    return None if s.source is None else f"{s.source} ({s.where})"


def _read_data(text: str) -> Values:
    found = _matched(r"([^()]+) \((.*)\)", text)
    return {} if found is None else {"source": found[0], "where": found[1]}


def _days(s: RunSettings) -> str | None:
    return None if s.first_day is None else f"{s.first_day} to {s.last_day} ({s.rows} rows)"


def _read_days(text: str) -> Values:
    found = _matched(rf"{_DATE} to {_DATE}(?: \({_INT} rows\))?.*", text)
    if found is None:
        return {}
    rows = {} if found[2] is None else {"rows": int(found[2])}
    return {"first_day": found[0], "last_day": found[1], **rows}


def _lockbox(s: RunSettings) -> str | None:
    if s.lockbox_rows is None:
        return None
    return f"last {s.lockbox_rows} rows, from {s.lockbox_from}" if s.lockbox_rows else NONE


def _read_lockbox(text: str) -> Values:
    if text == NONE:
        return {"lockbox_rows": 0}
    found = _matched(rf"last {_INT} rows(?:, from {_DATE})?", text)
    return {} if found is None else {"lockbox_rows": int(found[0]), "lockbox_from": found[1]}


def _context(s: RunSettings) -> str | None:
    return None if s.context is None else " + ".join(s.context) or NONE


def _read_context(text: str) -> Values:
    return {"context": () if text == NONE else tuple(text.split(" + "))}


def _folds(s: RunSettings) -> str | None:
    if s.folds is None:
        return None
    window = "expanding" if s.rolling is None else f"rolling {s.rolling} rows"
    return f"{s.folds}, {window}, refit every {s.refit_rows} rows"


def _read_folds(text: str) -> Values:
    found = _matched(rf"{_INT}(?:, (?:expanding|rolling {_INT} rows), refit every {_INT} rows)?", text)
    if found is None:
        return {}
    return {
        name: int(number)
        for name, number in zip(("folds", "rolling", "refit_rows"), found, strict=True)
        if number is not None
    }


def _seeds(s: RunSettings) -> str | None:
    return None if s.seeds is None else f"{s.seeds} from root {s.seed}"


def _read_seeds(text: str) -> Values:
    found = _matched(rf"{_INT} from root ([0-9]{{1,30}})", text)
    return {} if found is None else {"seeds": int(found[0]), "seed": int(found[1])}


def _trading(s: RunSettings) -> str | None:
    return None if s.rule is None else f"{s.rule}, risk {s.risk}"


def _read_trading(text: str) -> Values:
    found = _matched(rf"{_WORD}, risk {_WORD}", text)
    return {} if found is None else {"rule": found[0], "risk": found[1]}


def _cost(s: RunSettings) -> str | None:
    return None if s.cost_bps is None else f"{s.cost_bps:g} bp a unit of turnover"


def _read_cost(text: str) -> Values:
    found = _matched(rf"{_FLOAT} bp.*", text)
    return {} if found is None else {"cost_bps": float(found[0])}


def _training(name: str, field: str, write: Callable[[Any], str], read: Callable[[str], Any]) -> _Line:
    """Return the line of one part of `TrainingSettings`, which only models that have it write."""

    def write_part(settings: RunSettings) -> str | None:
        part = getattr(settings.training, field)
        return None if part is None else write(part)

    def read_part(text: str) -> Values:
        part = read(text)
        return {} if part is None else {field: part}

    return _Line(name, write_part, read_part, of_training=True)


def _weighing(w: Weighing) -> str:
    if w.l1_ratio is None:
        return w.rule if w.units is None else f"{w.rule}, {w.units} units"
    share = w.alpha_share
    penalty = f"alpha {w.alpha:g}" if share is None else f"alpha {share:g} of the largest"
    return f"ElasticNet, {penalty}, l1 ratio {w.l1_ratio:g}, weights >= 0, {w.units} units"


def _read_weighing(text: str) -> Weighing | None:
    pattern = rf"ElasticNet, alpha {_FLOAT}( of the largest)?, l1 ratio {_FLOAT}, weights >= 0, {_WORD} units"
    if (found := _matched(pattern, text)) is not None:
        penalty = {"alpha_share" if found[1] else "alpha": float(found[0])}
        return Weighing("elastic_net", found[3], **penalty, l1_ratio=float(found[2]))
    simple = _matched(rf"{_WORD}(?:, {_WORD} units)?", text)
    return None if simple is None else Weighing(*simple)


def _feeding(f: Feeding) -> str:
    return f"{f.kind}, lookback {f.lookback}, burn-in {f.burn_in} days"


def _read_feeding(text: str) -> Feeding | None:
    found = _matched(rf"{_WORD}, lookback {_INT}, burn-in {_INT} days", text)
    return None if found is None else Feeding(found[0], int(found[1]), int(found[2]))


def _objective(o: Objective) -> str:
    weight = "" if o.direction_weight is None else f", direction weight {o.direction_weight:g}"
    return f"{o.loss}{weight}, target {o.target_unit}"


def _read_objective(text: str) -> Objective | None:
    found = _matched(rf"{_WORD}(?:, direction weight {_FLOAT})?, target {_WORD}", text)
    if found is None:
        return None
    return Objective(found[0], found[2], None if found[1] is None else float(found[1]))


def _residual(r: Residual) -> str:
    return f"{r.base}, change starts at 0, linear skip {r.skip}"


def _read_residual(text: str) -> Residual | None:
    found = _matched(rf"{_WORD}, change starts at 0, linear skip {_WORD}", text)
    return None if found is None else Residual(*found)


def _optimizer(o: Optimizer) -> str:
    clip = OFF if o.clip_norm is None else f"{o.clip_norm:g} a variable"
    return f"Adam, gradient clipped at norm {clip}, weight decay {o.weight_decay:g}"


def _read_optimizer(text: str) -> Optimizer | None:
    pattern = rf"Adam, gradient clipped at norm (?:{_OFF}|{_FLOAT} a variable), weight decay {_FLOAT}"
    found = _matched(pattern, text)
    return (
        None if found is None else Optimizer(None if found[0] is None else float(found[0]), float(found[1]))
    )


def _plateau(p: Plateau) -> str:
    if p.patience is None:
        return OFF
    return f"x {p.factor:g} after {p.patience} {p.unit}, at least {p.min_rate:g}"


def _read_plateau(text: str) -> Plateau | None:
    if text == OFF:
        return Plateau()
    found = _matched(rf"x {_FLOAT} after {_INT} {_WORD}, at least {_FLOAT}", text)
    return None if found is None else Plateau(int(found[1]), float(found[0]), found[2], float(found[3]))


_BEST, _LAST, _REFIT = "best weights kept", "last weights kept", ", then trained on all rows"


def _early_stopping(e: EarlyStopping) -> str:
    patience = OFF if e.patience is None else f"{e.patience} {e.unit}"
    return f"patience {patience}, {_BEST if e.keep_best else _LAST}{_REFIT if e.refit else ''}"


def _read_early_stopping(text: str) -> EarlyStopping | None:
    found = _matched(rf"patience (?:{_OFF}|{_INT} {_WORD}), ({_BEST}|{_LAST})({_REFIT})?", text)
    if found is None:
        return None
    patience = None if found[0] is None else int(found[0])
    return EarlyStopping(patience, found[1], found[2] == _BEST, found[3] is not None)


_LINES = (
    _text("Symbol", "symbol"),
    _text("Model", "model"),
    _Line("Epochs", _epochs, _read_epochs),
    _number("Batch Size", "batch_size", none=NOT_APPLICABLE),
    _number("Learning Rate", "learning_rate", none=NOT_APPLICABLE, whole=False),
    _number("Features", "features"),
    _text("Own Features", "own_features"),
    _text("Own Target", "own_target"),
    _text("Own Estimator", "own_estimator"),
    _text("Recipe", "recipe"),
    _Line("Data", _data, _read_data),
    _number("Members", "members"),
    _Line("Days", _days, _read_days),
    _text("Data Hash", "data_hash"),
    _Line("Lock-box", _lockbox, _read_lockbox),
    _Line("Context", _context, _read_context),
    _text("Fill", "fill"),
    _Line("Folds", _folds, _read_folds),
    _Line("Seeds", _seeds, _read_seeds),
    _Line("Trading", _trading, _read_trading),
    _Line("Cost", _cost, _read_cost),
    _number("Threads", "threads"),
    _text("Versions", "versions"),
    _text("Command", "command"),
    _text("Runs Folder", "runs_dir"),
    _training("Meta-learner", "weighing", _weighing, _read_weighing),
    _training("Feeding", "feeding", _feeding, _read_feeding),
    _training("Loss", "objective", _objective, _read_objective),
    _training("Residual", "residual", _residual, _read_residual),
    _training("Optimizer", "optimizer", _optimizer, _read_optimizer),
    _training("Plateau", "plateau", _plateau, _read_plateau),
    _training("Early Stopping", "early_stopping", _early_stopping, _read_early_stopping),
    _text("Forecasts of", "forecasts_of"),
)
