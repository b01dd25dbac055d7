"""What a run tells its log: settings first, figures, notes and warnings last, and why where it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from geiger.backtest.yardsticks import checkpoints
from geiger.command_line import LOG_DIR, RUNS_DIR, Folders
from geiger.errors import GeigerError, TrainingError
from geiger.experiment.evaluation import Evaluation
from geiger.experiment.plan import Plan
from geiger.experiment.train_fold import FoldOutput
from geiger.features.catalogue import FEATURES
from geiger.figures import STRATEGY
from geiger.records import Assessment, AuditSummary, Epoch, FoldResult, Notice, RunSettings, Status, Verdict
from geiger.runlog import LoggedScorecard, RunLogWriter
from geiger.runlog.wording import DOCTOR, doctor_note, health_note, how_to_audit
from geiger.runs.environment import code_hash, environment
from geiger.runs.record import OwnPart, OwnParts

EPOCHS_TOLD = 4  # of a member while it is in training; all of them stand in the log when its fold is done
COLUMNS_SHOWN = 20  # names of own columns in a line of the log
KEPT = "finished folds are kept, and the same command goes on from there"


def every_epoch(epochs: int | None) -> int:
    """Return which epochs of a member are told while it is in training, of so many at most.

    >>> every_epoch(50), every_epoch(3), every_epoch(None)
    (12, 1, 1)
    """
    return max(1, (epochs or 0) // EPOCHS_TOLD)


def unheard(epoch: Epoch) -> None:
    """Take no note of an epoch."""


@dataclass(frozen=True)
class Logged:
    """Tells the log of each fold as it comes, and then whoever else wants to know.

    Attributes
    ----------
    on_epoch : callable
        Told of each epoch as it happens, perhaps from another thread.
    shown : (fold, seed), optional
        The member of which the log gets every epoch as it happens.
    every : int
        Of the other members it gets the first epoch and then every so many.
    """

    log: RunLogWriter
    on_fold: Callable[[FoldOutput], None]
    on_epoch: Callable[[Epoch], None] = unheard
    shown: tuple[int, int] | None = None
    every: int = 1
    _ended: set[int] = field(default_factory=set)  # folds
    _one: threading.RLock = field(default_factory=threading.RLock)  # thread that writes at a time

    def happened(self, epoch: Epoch) -> None:
        """Log an epoch of a fold that is still in training."""
        with self._one:
            if epoch.fold in self._ended:  # told late: the fold's own epochs stand in the log
                return
            counts = epoch.epoch == 1 or (epoch.epoch > 0 and epoch.epoch % self.every == 0)
            if counts or (epoch.fold, epoch.seed) == self.shown:
                self.log.progress(epoch)
        self.on_epoch(epoch)

    def trained(self, fold: FoldOutput) -> None:
        """Log epochs, result and trainings of a fold."""
        with self._one:
            self._ended.add(fold.result.fold)
            for epoch in fold.epochs:
                self.log.epoch(epoch)
            self.log.fold(fold.result)
            for training in fold.trainings:
                self.log.training(training)
        self.on_fold(fold)

    def weighed(self, result: FoldResult) -> None:
        """Log the days of a period of a stack."""
        self.log.fold(result)


class Logging(Protocol):
    """What has a log: an experiment, or a panel under its name."""

    @property
    def symbol(self) -> str:
        """First part of the log's name."""

    @property
    def log_dir(self) -> Path:
        """Folder of the logs."""


class Planned(Protocol):
    """What is about to be done, with all that is doubtful about it."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Warnings that a log ends with, however it ends."""


def open_log(experiment: Logging, log_model: str, shown: tuple[int, int] | None = None) -> RunLogWriter:
    """Open the log of a run; `shown` is the fold and member whose epochs stand in the text."""
    return RunLogWriter(Path(experiment.log_dir), experiment.symbol, log_model, shown=shown)


def run_settings(planned: Plan, folds: int) -> RunSettings:
    """Return the settings of a run as the log keeps them."""
    material, learner = planned.material, planned.learner
    config, data, effort = planned.experiment.config, material.provenance, learner.effort
    context, locked = data.context, data.lockbox_from is not None
    return RunSettings(
        symbol=material.symbol,
        model=planned.model,
        epochs=effort.epochs,
        trees=effort.trees,
        batch_size=effort.batch_size,
        learning_rate=effort.learning_rate,
        **own_settings(planned.own),
        recipe=config.recipe,
        source=data.source,
        where=data.where,
        first_day=data.first_day,
        last_day=data.last_day,
        rows=data.rows,
        data_hash=data.data_hash[:12],
        lockbox_rows=data.lockbox_rows if locked else 0,
        lockbox_from=data.lockbox_from,
        context=tuple(name for name in (context.market, context.volatility) if name is not None),
        fill=material.fill,
        folds=folds,
        rolling=config.rolling,
        refit_rows=config.refit,
        seeds=config.seeds,
        seed=config.seed,
        rule=config.trading.rule,
        risk=config.trading.risk,
        cost_bps=config.trading.cost_bps + config.trading.slippage_bps,
        threads=learner.threads,
        versions=versions(),
        command=planned.experiment.command or None,
        runs_dir=named_elsewhere(planned.experiment.runs_dir),
        training=learner.described(),
    )


def named_elsewhere(runs_dir: Path | str) -> str | None:
    """Return the folder of runs as a log names it: not where commands look by themselves."""
    return None if str(runs_dir) == RUNS_DIR else str(runs_dir)


def own_settings(own: OwnParts) -> dict[str, Any]:
    """Return how many features there are, and what of a run is the user's own, as its log names it."""
    named = {f"own_{kind}": text for kind, text in own_lines(own)}
    return {"features": len(FEATURES) + len(own.columns), **named}


def own_lines(own: OwnParts) -> list[tuple[str, str]]:
    """Return what is the user's own, each kind with one line of text."""
    parts = (("features", own.features), ("target", own.target), ("estimator", own.estimator))
    return [(kind, _named(part)) for kind, part in parts if part is not None]


def _named(part: OwnPart) -> str:
    """Return a part in one line: its name, its hash, its columns."""
    origin = "in memory" if part.digest is None else f"hash {part.digest[:12]}"
    shown = ", ".join(part.columns[:COLUMNS_SHOWN])
    more = len(part.columns) - COLUMNS_SHOWN
    columns = f": {shown}{f' and {more} more' if more > 0 else ''}" if part.columns else ""
    return f"{part.name} ({origin}){columns}"


def versions() -> str:
    """Return what the bits of a run depend on, in one line: the code by its hash, Python, the libraries."""
    now = environment()
    libraries = ", ".join(f"{name} {version}" for name, version in now.versions.items())
    return f"code {code_hash()[:8]}, Python {now.python}, {libraries}"


@contextmanager
def failure_logged(log: RunLogWriter, planned: Planned, *, resumable: bool = False) -> Iterator[None]:
    """Whatever goes wrong inside, the log ends with FAILED and why; where it was stopped, with that."""
    try:
        yield
    except KeyboardInterrupt as stop:
        who = str(stop) or "by the user (Ctrl-C)"
        log.stop(f"{who}; {KEPT}" if resumable else who)
        raise
    except Exception as error:
        text = str(error) if isinstance(error, GeigerError) else f"{type(error).__name__}: {error}"
        for notice in (*planned.notices, Notice("TRAINING_FAILED", text)):
            log.warn(notice)
        log.finish(Status.FAILED, checkpoints=checkpoints(completed=False))
        raise TrainingError(text) from error


class Finished(Protocol):
    """A finished run, of a symbol or of a panel."""

    @property
    def trained(self) -> str:
        """The run that made the forecasts."""

    @property
    def folder(self) -> Path:
        """Where it lies among the runs."""

    @property
    def evaluation(self) -> Evaluation:
        """What they were worth."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Warnings."""

    @property
    def verdict(self) -> Verdict | None:
        """None where nobody gave one."""

    @property
    def audit(self) -> AuditSummary | None:
        """Of exactly this run, where there is one."""

    @property
    def own(self) -> OwnParts:
        """What is the user's own."""


def places_of(run: Path, log: Path | None) -> Folders:
    """Return where a run and its log lie, as commands on it name these folders."""
    return Folders.of(run.parent, LOG_DIR if log is None else log.parent)


def close_log(log: RunLogWriter, finished: Finished, notes: tuple[str, ...] = ()) -> None:
    """Write warnings, figures and tables; `notes` are sentences of the run's own, under the tables."""
    for notice in finished.notices:
        log.warn(notice)
    evaluation = finished.evaluation
    card = evaluation.scorecard
    log.finish(
        evaluation.status,
        figures=evaluation.figures,
        checkpoints=evaluation.checkpoints,
        scorecard=LoggedScorecard(
            card.scores, evaluation.rungs, card.years, evaluation.folds, (*notes_of(evaluation), *notes)
        ),
        assessment=Assessment(
            tuple(map(str, evaluation.health.codes)),
            None if evaluation.diagnosis is None else str(evaluation.diagnosis.cause),
        ),
        cross_section=evaluation.cross_section,
        verdict=finished.verdict,
        audit=finished.audit,
        advice=how_to_audit(finished.trained, finished.own.kinds, places_of(finished.folder, log.path)),
    )


def notes_of(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the sentences that stand under the tables."""
    card, health = evaluation.scorecard, evaluation.health
    deepest = dict(card.drawdowns)[STRATEGY]
    notes = [f"{notice.code}: {notice.text}." for notice in evaluation.notices]  # alarms before anything good
    notes += [f"Rival {rival.text()}." for rival in evaluation.rivals]
    notes += [
        health_note(health.codes, health.meaning),
        *_diagnosis(evaluation),
        f"{card.rows} test days, first fill {card.first_day}, last exit {card.last_day}.",
    ]
    if deepest is not None:
        end = f"made good on {deepest.recovery}" if deepest.recovery else "not made good by the last day"
        notes.append(f"Deepest drawdown from {deepest.start} to {deepest.trough}, {end}.")
    if evaluation.ledger["fill_day"].equals(evaluation.ledger["day"]):
        notes.append("Filled at the close that the decision has seen, which nobody can do: an upper bound.")
    if card.bankrupt_on is not None:
        notes.append(f"All equity was lost on {card.bankrupt_on}.")
    return tuple(notes)


def _diagnosis(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the doctor's notes on a network: the cause, then its evidence."""
    found = evaluation.diagnosis
    if found is None:
        return ()
    return (doctor_note(found.cause, found.text), *(f"{DOCTOR}: {text}" for text in found.evidence))
