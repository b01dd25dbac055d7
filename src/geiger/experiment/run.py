"""From settings to a run: the whole story of one symbol and one model.

::

    prices → features, target → folds → forecasts → weights → ledger → figures → log and run folder

`material` makes the first three, `walk` the forecasts, `evaluation` the rest; this file calls them in order
and writes down what happened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from geiger import settings
from geiger.backtest import STRATEGY
from geiger.backtest.yardsticks import checkpoints
from geiger.chain import Chain
from geiger.errors import DataError, GeigerError, TrainingError
from geiger.experiment.evaluation import Evaluation, evaluate
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.stacking import Base, Stacked, stack
from geiger.experiment.walk import FoldOutput, Walk, use_folds, walk
from geiger.features.catalogue import FEATURES, contract_hash
from geiger.models import LOG_NAMES, Forecaster
from geiger.records import Assessment, Notice, RunSettings, Status
from geiger.runlog import RunLogWriter
from geiger.runlog import Scorecard as LoggedScorecard
from geiger.runlog.wording import DOCTOR, doctor_note, health_note
from geiger.runlog.writer import log_stem
from geiger.runs.folder import RunsFolder, StoredRun, environment
from geiger.runs.saved import SavedModel, model_of, save_model

KEPT = "finished folds are kept, and the same command goes on from there"

__all__ = ["BaseRun", "Experiment", "Plan", "Run", "backtest", "plan", "run", "run_bases"]


@dataclass(frozen=True)
class Run:
    """A finished run."""

    name: str
    model: str
    status: Status
    folder: Path
    log: Path | None
    forecasts: pl.DataFrame
    evaluation: Evaluation
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class BaseRun:
    """A base model of a stack: its finished run, or why there is none."""

    model: str
    stored: StoredRun | None
    error: str | None = None


def run(
    work: Experiment | Plan,
    *,
    on_fold: Callable[[FoldOutput], None] = lambda fold: None,
    bases: Sequence[BaseRun] | None = None,
) -> Run:
    """Train strictly walk-forward, trade the forecasts, and write log and run folder.

    Parameters
    ----------
    work : Experiment or Plan
    on_fold : callable
        Told of each fold when it is done.
    bases : sequence of BaseRun, optional
        The base models of a stack, as `run_bases` found or made them; without it they are found or made now.

    Raises
    ------
    GeigerError
        If the prices cannot be used. A model that fails in training ends its log as FAILED first.
    """
    planned = work if isinstance(work, Plan) else plan(work)
    if bases is None:
        bases = run_bases(planned)
    experiment, key = planned.experiment, planned.key()
    parts = None if key is None else experiment.runs.parts(key)
    shown = (planned.folds[-1].index, 0)
    with _log(experiment, LOG_NAMES.get(planned.model, planned.model), shown=shown) as log:
        log.settings(_settings(planned, len(planned.folds)))

        def on_done(output: FoldOutput) -> None:
            for epoch in output.epochs:
                log.epoch(epoch)
            log.fold(output.result)
            for training in output.trainings:
                log.training(training)
            on_fold(output)

        with _failure_logged(log, planned, resumable=parts is not None):
            if isinstance(planned.forecaster, Forecaster):
                made: Walk | Stacked = walk(
                    planned.material,
                    planned.model,
                    planned.forecaster,
                    experiment.config,
                    planned.folds,
                    parts=parts,
                    on_fold=on_done,
                    for_use=experiment.leaves_model,
                )
            else:
                made = _stacked(planned, bases)
                for result in made.results:
                    log.fold(result)
            finished = _finish(planned, log, key, made, bases)
    if parts is not None:
        parts.discard()
    return finished


def run_bases(planned: Plan, *, train: Callable[[Plan], Run] | None = None) -> tuple[BaseRun, ...]:
    """Return the runs of a stack's base models, making those that are not there yet.

    One that fails does not stop the rest: the stack does without it and says so.

    Parameters
    ----------
    train : callable, optional
        Makes a run of a base model's plan; `run` by default.
    """
    train, found = train or run, []
    for base in planned.bases:
        stored, error = base.stored(), None
        if stored is None:
            try:
                stored = base.experiment.runs.load(train(base).name)
            except TrainingError as failure:
                error = str(failure)
        found.append(BaseRun(base.model, stored, error))
    return tuple(found)


def backtest(planned: Plan, stored: StoredRun) -> Run:
    """Trade the forecasts of a stored run under the plan's trading settings, and log it.

    The forecasts are those of `stored`, made out of sample; only sizes, costs and what follows are new.
    """
    experiment, forecasts = planned.experiment, stored.forecasts()
    with _log(experiment, "backtest") as log:
        log.settings(replace(_settings(planned, forecasts["fold"].n_unique()), forecasts_of=stored.name))
        with _failure_logged(log, planned):
            evaluation = evaluate(
                forecasts,
                stored.in_sample(),
                planned.material,
                experiment.config,
                stored.trainings(),
                stored.rivals(),
            )
            notices = (*evaluation.notices, *planned.notices)
            facts = {"kind": "backtest", "forecasts_of": stored.name, **_facts(planned, evaluation, notices)}
            done = _save(planned, log, "backtest", facts, forecasts, evaluation, notices)
            _close(log, done, ())
    return done


@contextmanager
def _failure_logged(log: RunLogWriter, planned: Plan, *, resumable: bool = False) -> Iterator[None]:
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


def _stacked(planned: Plan, bases: Sequence[BaseRun]) -> Stacked:
    """Weigh the base models that have a run."""
    assert not isinstance(planned.forecaster, Forecaster)
    config = planned.experiment.config
    return stack(
        [
            Base(base.model, one.name, one.forecasts(), one.members(), one.train_rows(), one.sealed())
            for base in bases
            if (one := base.stored) is not None
        ],
        planned.material,
        planned.forecaster,
        planned.folds,
        horizon=config.horizon,
        rolling=config.rolling,
        for_use=True,
    )


def _finish(
    planned: Plan, log: RunLogWriter, key: str | None, made: Walk | Stacked, bases: Sequence[BaseRun]
) -> Run:
    """Measure what the folds forecast, and write it all down: the log says so last."""
    config = planned.experiment.config
    evaluation = evaluate(
        made.forecasts,
        made.in_sample,
        planned.material,
        config,
        made.trainings,
        made.frames.get("rivals"),
    )
    failed = {base.model: base.error for base in bases if base.error is not None}
    notices = (
        *evaluation.notices,
        *planned.notices,
        *(
            Notice("STACK_LEFT_OUT", f"{model} could not be trained and is left out: {error}")
            for model, error in failed.items()
        ),
        *made.notices,
    )
    facts = {
        "kind": "train",
        "forecast_key": key,
        "folds": [asdict(result) for result in made.results],
        "trainings": [asdict(training) for training in made.trainings],
        "bases": {base.model: base.stored.name for base in bases if base.stored is not None},
        "bases_failed": failed,
        **_facts(planned, evaluation, notices),
    }
    log_model = LOG_NAMES.get(planned.model, planned.model)
    model = _model_for_use(planned, made, bases)
    done = _save(
        planned,
        log,
        log_model,
        facts,
        made.forecasts,
        evaluation,
        notices,
        frames=made.frames,
        pictures=made.charts,
        model=model,
    )
    _close(log, done, made.notes)
    return done


def _model_for_use(planned: Plan, made: Walk | Stacked, bases: Sequence[BaseRun]) -> SavedModel | None:
    """Return what `geiger predict` needs; None for a user's own estimator, which only code could store."""
    material, config = planned.material, planned.experiment.config
    days, last = material.whole.prices["day"], use_folds(material, config, planned.folds)[-1]
    facts = {
        "symbol": material.symbol,
        "model": planned.model,
        "recipe": config.recipe,
        "fill": material.fill,
        "horizon": config.horizon,
        "features": material.provenance["features"],
        "feature_contract": contract_hash(),
        "data_hash": material.provenance["data_hash"],
        "learned_from": str(days[last.train.start]),
        "learned_to": str(days[last.valid.stop - 1]),
        "decided_on": str(days[last.test.start]),  # its labels were known at this close, and not before
        "environment": environment(),
    }
    if isinstance(made, Stacked):
        stored = {base.model: base.stored for base in bases if base.stored is not None}
        parts = {name: model_of(stored[name]).parts[name] for name in made.meta.models}
        return SavedModel(
            parts=parts, meta=made.meta, train_mean=made.train_mean, train_std=made.train_std, facts=facts
        )
    if made.trained is None:
        return None
    one = made.trained
    return SavedModel(
        parts={planned.model: one},
        meta=None,
        train_mean=one.train_mean,
        train_std=one.train_std,
        facts=facts,
    )


def _close(log: RunLogWriter, done: Run, notes: tuple[str, ...]) -> None:
    for notice in done.notices:
        log.warn(notice)
    evaluation = done.evaluation
    card = evaluation.scorecard
    log.finish(
        evaluation.status,
        figures=evaluation.figures,
        checkpoints=evaluation.checkpoints,
        scorecard=LoggedScorecard(
            card.scores, evaluation.rungs, card.years, evaluation.folds, (*_notes(evaluation), *notes)
        ),
        assessment=Assessment(
            tuple(map(str, evaluation.health.codes)),
            None if evaluation.diagnosis is None else str(evaluation.diagnosis.cause),
        ),
    )


def _notes(evaluation: Evaluation) -> tuple[str, ...]:
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


def _facts(planned: Plan, evaluation: Evaluation, notices: Iterable[Notice]) -> dict[str, Any]:
    material = planned.material
    return {
        "symbol": material.symbol,
        "model": planned.model,
        "status": evaluation.status,
        "config": settings.as_dict(planned.experiment.config),
        "fill": material.fill,
        "days_per_year": material.market.days_per_year,
        "data": dict(material.provenance),
        "environment": environment(),
        "results": evaluation.as_dict(),
        "verdict": "not evaluated",
        "forecast_ledger": _ledger_head(planned.experiment.runs),
        "warnings": [asdict(notice) for notice in dict.fromkeys(notices)],
    }


def _ledger_head(runs: RunsFolder) -> dict[str, Any] | None:
    """Return how far the ledger of saved forecasts has come, so that a later cut of it is noticed."""
    try:
        length, digest = Chain(runs.forecast_ledger).head()
    except DataError:  # whoever reads the ledger is told; a training is not stopped by it
        return None
    return {"length": length, "hash": digest} if length else None


def _save(
    planned: Plan,
    log: RunLogWriter,
    log_model: str,
    facts: dict[str, Any],
    forecasts: pl.DataFrame,
    evaluation: Evaluation,
    notices: Iterable[Notice],
    *,
    frames: Mapping[str, pl.DataFrame] = MappingProxyType({}),
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    model: SavedModel | None = None,
) -> Run:
    """Write the run folder, under the name of the log."""
    experiment = planned.experiment
    name = (
        log.path.stem if log.path is not None else log_stem(experiment.symbol, log_model, dt.datetime.now())
    )
    finished_at = dt.datetime.now().astimezone().isoformat(timespec="microseconds")
    facts = {**facts, "log": str(log.path) if log.path else None, "finished_at": finished_at}
    frames = {"forecasts": forecasts, "ledger": evaluation.ledger, **frames}
    write = None if model is None else partial(save_model, model=model)
    folder = experiment.runs.save(name, facts, frames, pictures, write)
    unique = tuple(dict.fromkeys(notices))
    return Run(folder.name, planned.model, evaluation.status, folder, log.path, forecasts, evaluation, unique)


def _log(experiment: Experiment, log_model: str, shown: tuple[int, int] | None = None) -> RunLogWriter:
    return RunLogWriter(Path(experiment.log_dir), experiment.symbol, log_model, shown=shown)


def _settings(planned: Plan, folds: int) -> RunSettings:
    """Return the settings of a run as the log keeps them."""
    material, forecaster = planned.material, planned.forecaster
    config, facts = planned.experiment.config, material.provenance
    trees, epochs, batch, rate = (
        getattr(forecaster, name, None) for name in ("max_trees", "epochs", "batch_size", "learning_rate")
    )
    context = facts["context"]
    locked = bool(facts["lockbox_from"])
    return RunSettings(
        symbol=material.symbol,
        model=planned.model,
        epochs=epochs,
        trees=trees,
        batch_size=batch,
        learning_rate=rate,
        features=len(FEATURES),
        recipe=config.recipe,
        source=facts["source"],
        where=str(facts["where"]),
        first_day=str(facts["first_day"]),
        last_day=str(facts["last_day"]),
        rows=facts["rows"],
        data_hash=str(facts["data_hash"])[:12],
        lockbox_rows=facts["lockbox_rows"] if locked else 0,
        lockbox_from=str(facts["lockbox_from"]) if locked else None,
        context=tuple(str(context[k]) for k in ("market", "volatility") if k in context),
        fill=material.fill,
        folds=folds,
        rolling=config.rolling,
        refit_rows=config.refit,
        seeds=config.seeds,
        seed=config.seed,
        rule=config.trading.rule,
        risk=config.trading.risk,
        cost_bps=config.trading.cost_bps + config.trading.slippage_bps,
        threads=forecaster.threads,
        versions=_versions(),
        command=planned.experiment.command or None,
        training=forecaster.described(),
    )


def _versions() -> str:
    """Return what the bits of a run depend on, in one line: the code by its hash, Python, the libraries."""
    facts = environment()
    libraries = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return f"code {facts['code'][:8]}, Python {facts['python']}, {libraries}"
