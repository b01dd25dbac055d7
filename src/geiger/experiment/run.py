"""From settings to a run: the whole story of one symbol and one model.

::

    prices → features, target → folds → forecasts → weights → ledger → figures → log and run folder

`prepare` makes the first two, `folds` the next, the plan (a walk of one model, or a stack) the forecasts,
`evaluation` the rest; `logged` and `written` keep what happened. The verdict is the caller's to give
(`judging`). This file calls them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from geiger.errors import TrainingError
from geiger.experiment.evaluation import Evaluation, evaluate
from geiger.experiment.logged import (
    Logged,
    close_log,
    every_epoch,
    failure_logged,
    open_log,
    own_settings,
    run_settings,
    unheard,
)
from geiger.experiment.plan import BaseRun, Experiment, Plan, plan
from geiger.experiment.train_fold import FoldOutput
from geiger.experiment.written import Run, run_name, write_backtest, write_run
from geiger.models.telling import telling
from geiger.records import Epoch, Verdict
from geiger.runs.folder import StoredRun


@dataclass(frozen=True)
class Finding:
    """What a run found, before anybody sees a figure of it: what a verdict is given from.

    Attributes
    ----------
    name : str
        Of the run that is about to be written.
    forecasts : FORECASTS frame
    trained : str
        The run that made the forecasts, which of a backtest is another one.
    trial : str or None
        Key of what was tried with these forecasts; None where the model cannot be written down.
    """

    name: str
    planned: Plan
    forecasts: pl.DataFrame
    evaluation: Evaluation
    trained: str
    trial: str | None


Judge = Callable[[Finding], Verdict | None]


def unjudged(finding: Finding) -> None:
    """Give no verdict."""


def run(
    work: Experiment | Plan,
    *,
    on_fold: Callable[[FoldOutput], None] = lambda fold: None,
    on_epoch: Callable[[Epoch], None] = unheard,
    bases: Sequence[BaseRun] | None = None,
    judge: Judge = unjudged,
) -> Run:
    """Train strictly walk-forward, trade the forecasts, and write log and run folder.

    Parameters
    ----------
    work : Experiment or Plan
    on_fold : callable
        Told of each fold when it is done.
    on_epoch : callable
        Told of each epoch of a network as it happens, perhaps from another thread.
    bases : sequence of BaseRun, optional
        The base models of a stack, as `run_bases` found or made them; without it they are found or made now.
    judge : callable
        Gives the verdict, before a figure is written or shown; see `judging`.

    Raises
    ------
    GeigerError
        If the prices cannot be used. A model that fails in training ends its log as FAILED first.
    """
    planned = plan(work) if isinstance(work, Experiment) else work
    found = run_bases(planned) if bases is None else bases
    parts = planned.parts()
    shown = planned.folds[-1].index, 0
    with open_log(planned.experiment, planned.log_name, shown=shown) as log:
        log.settings(run_settings(planned, len(planned.folds)))
        with failure_logged(log, planned, resumable=parts is not None):
            every = every_epoch(planned.learner.effort.epochs)
            logged = Logged(log, on_fold, on_epoch, shown, every)
            with telling(logged.happened):
                made = planned.train(found, parts, logged)
            evaluation = evaluate(
                made.forecasts,
                made.in_sample,
                planned.material,
                planned.experiment.config,
                made.trainings,
                made.rivals,
            )
            name = run_name(planned, log, planned.log_name)
            verdict = judge(Finding(name, planned, made.forecasts, evaluation, name, planned.trial_key()))
            finished = write_run(planned, log, made, evaluation, found, (name, verdict))
            close_log(log, finished, made.notes)
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


def backtest(planned: Plan, stored: StoredRun, *, judge: Judge = unjudged) -> Run:
    """Trade the forecasts of a stored run under the trading settings of `planned`, and log it.

    The forecasts are those of `stored`, made out of sample; only sizes, costs and what follows are new.
    """
    experiment, forecasts = planned.experiment, stored.forecasts()
    with open_log(experiment, "backtest") as log:
        told = run_settings(planned, forecasts["fold"].n_unique())
        log.settings(replace(told, forecasts_of=stored.name, **own_settings(stored.record.own)))
        with failure_logged(log, planned):
            evaluation = evaluate(
                forecasts,
                stored.in_sample(),
                planned.material,
                experiment.config,
                stored.record.trainings,
                stored.rivals(),
            )
            name = run_name(planned, log, "backtest")
            verdict = judge(Finding(name, planned, forecasts, evaluation, stored.name, _tried(stored)))
            done = write_backtest(planned, log, stored, forecasts, evaluation, (name, verdict))
            close_log(log, done, ())
    return done


def _tried(stored: StoredRun) -> str | None:
    """Return the key of what a stored run was registered as."""
    verdict = stored.record.verdict
    return None if verdict is None or verdict.tries is None else verdict.tries.key
