"""The sections of the text log: every line that a person reads, written here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from geiger.records import (
    NOT_EVALUATED,
    Checkpoint,
    Epoch,
    Figure,
    FoldScore,
    LoggedScorecard,
    Notice,
    Rung,
    RunLog,
    Score,
    Status,
    Unit,
    Year,
    as_text,
)
from geiger.runlog.cross_section import cross_section_lines
from geiger.runlog.facts import plan_figures_first, shown_epochs
from geiger.runlog.tables import ABSENT, table
from geiger.runlog.versions import SCHEMA
from geiger.runlog.wording import audit_line

CONFIG = "TRAINING CONFIG"
EPOCHS = "EPOCH METRICS"
FIGURES = "FINAL METRICS"
CHECKPOINTS = "CHECKPOINTS"
SCORECARD = "SCORECARD"
CROSS_SECTION = "CROSS-SECTION"  # of a panel alone
VERDICT = "VERDICT"
WARNINGS = "WARNINGS"
STATUS = "STATUS"
STOPPED = "STOPPED"  # in place of all that follows the epochs, where a run was stopped and could say so

FORMAT_LINE = "Log Format"  # last setting of the config section: the version of the text
NOT_APPLICABLE = "not applicable"
PROGRESS = "Progress"  # how far another member is than the one whose epochs the section holds
NONE = "None"
LADDER_HEAD = ["Ladder", "value", "minimum", "target", "stretch", "reached", "band"]
YEAR_HEAD = ["Year", "rows", "strategy", "buy and hold", "max drawdown", "turnover"]
FOLD_COLUMNS: dict[str, tuple[str, Unit]] = {  # heading -> field of FoldScore, unit
    "rho": ("rho", "number"),
    "k": ("k", "number"),
    "above mean": ("above_mean", "share"),
    "accuracy": ("accuracy", "share"),
    "net": ("net", "return"),
    "buy and hold": ("buy_and_hold", "return"),
}
FOLD_HEAD = ["Fold", "first", "last", "rows", *FOLD_COLUMNS]
FIGURE, BETTER = "Figure", "better"  # first and last column of the scores


def render(log: RunLog) -> str:
    """Return the text of a log; one without status ends where a killed run's would, after its epochs."""
    if log.status is None:
        end = stopping(log.stopped) if log.stopped else ""
        return opening(log.config) + epoch_lines(shown_epochs(log.epochs)) + end
    return opening(log.config) + epoch_lines(shown_epochs(log.epochs)) + closing(log, log.status)


def opening(config: Iterable[tuple[str, str]]) -> str:
    """Return the config section and the heading of the epochs."""
    settings = [*config, (FORMAT_LINE, str(SCHEMA))]
    lines = [f"{name}: {value}".rstrip() for name, value in settings]
    return _section(CONFIG, lines) + f"=== {EPOCHS} ===\n"


def epoch_lines(epochs: Iterable[Epoch]) -> str:
    """Return the plan's line for each epoch."""
    return "".join(
        f"Epoch {e.epoch}: loss={e.loss:.4f}, val_loss={e.val_loss:.4f}, "
        f"pred_std={e.pred_std:.4f}, pos_pct={e.pos_pct:.1f}%\n"
        for e in epochs
    )


def progress_line(epoch: Epoch) -> str:
    """Return how far a member is, in a line that nobody can take for one of the plan's."""
    return (
        f"{PROGRESS}: fold {epoch.fold}, seed {epoch.seed}, after epoch {epoch.epoch}: "
        f"val_loss={epoch.val_loss:.4f}\n"
    )


def closing(log: RunLog, status: Status, advice: str = "") -> str:
    """Return all that follows the epochs; `not applicable` stands in for epochs that do not exist.

    Parameters
    ----------
    advice : str
        How to make an audit, where the run has none.
    """
    found = log.cross_section
    answer, *more = log.verdict or (NOT_EVALUATED,)
    return "".join(
        (
            "\n" if log.epochs else f"{NOT_APPLICABLE}\n\n",
            _section(FIGURES, [_figure(figure) for figure in plan_figures_first(log.figures)]),
            _section(CHECKPOINTS, [line for c in log.checkpoints for line in _checkpoint(c)] or [NONE]),
            _section(SCORECARD, scorecard_lines(log.scorecard) or [NONE]),
            "" if found is None else _section(CROSS_SECTION, cross_section_lines(found)),
            _section(VERDICT, [answer, audit_line(log.audit, advice), *more]),
            _section(WARNINGS, [_notice(notice) for notice in log.warnings] or [NONE]),
            f"=== {STATUS} ===\n{status.value}\n",
        )
    )


def stopping(text: str) -> str:
    """Return the end of a run that was stopped: by whom."""
    return f"\n=== {STOPPED} ===\n{text}\n"


def _section(name: str, lines: Iterable[str]) -> str:
    return "\n".join((f"=== {name} ===", *lines, "", ""))


def _figure(figure: Figure) -> str:
    return f"{figure.name}: {as_text(figure.value, figure.unit)}"


def _checkpoint(checkpoint: Checkpoint) -> list[str]:
    line = f"{checkpoint.number}. {checkpoint.name}: {checkpoint.outcome.value} ({checkpoint.found})"
    return [line] if checkpoint.action is None else [line, f"   Action: {checkpoint.action}".rstrip()]


def _notice(notice: Notice) -> str:
    return f"{notice.code}: {notice.text}".rstrip()


def scorecard_lines(card: LoggedScorecard) -> list[str]:
    """Return the tables and the notes, an empty line between them."""
    notes = [f"Note: {text}".rstrip() for text in card.notes]
    blocks = (_scores(card.scores), _rungs(card.rungs), _years(card.years), _folds(card.folds), notes)
    lines = [line for block in blocks if block for line in (*block, "")]
    return lines[:-1]


def _scores(scores: tuple[Score, ...]) -> list[str]:
    if not scores:
        return []
    columns = list(dict.fromkeys(name for score in scores for name, _ in score.values))
    rows = [[FIGURE, *columns, BETTER]]
    for score in scores:
        values = {name: as_text(value, score.unit) for name, value in score.values}
        rows.append([score.name, *(values.get(name, ABSENT) for name in columns), score.better])
    return table(rows)


def _rungs(rungs: tuple[Rung, ...]) -> list[str]:
    if not rungs:
        return []
    rows = [LADDER_HEAD]
    for rung in rungs:
        sign = "<" if rung.minimum > rung.stretch else ">"
        steps = [f"{sign} {as_text(step, rung.unit)}" for step in (rung.minimum, rung.target, rung.stretch)]
        rows.append([rung.name, as_text(rung.value, rung.unit), *steps, rung.reached, rung.band])
    return table(rows)


def _years(years: tuple[Year, ...]) -> list[str]:
    if not years:
        return []
    rows = [YEAR_HEAD]
    for y in years:
        returns = [as_text(y.strategy, "return"), as_text(y.buy_and_hold, "return")]
        rows.append(
            [str(y.year), str(y.rows), *returns, as_text(y.max_drawdown, "share"), f"{y.turnover:.2f}"]
        )
    return table(rows)


def _folds(folds: tuple[FoldScore, ...]) -> list[str]:
    if not folds:
        return []
    rows = [FOLD_HEAD]
    for fold in folds:
        figures = [as_text(getattr(fold, name), unit) for name, unit in FOLD_COLUMNS.values()]
        rows.append([str(fold.fold), fold.first, fold.last, str(fold.rows), *figures])
    return table(rows)
