"""From settings to a panel's run: the whole story of many symbols and one model.

::

    prices of all → rows by day and symbol → folds by day → scores → forecasts → portfolio → log and folder

`material` makes the first two, `folds` the next, `walk` scores and forecasts, `evaluation` the rest;
`written` keeps what happened. The verdict is the caller's to give (`judging`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from geiger.experiment.evaluation import Evaluation
from geiger.experiment.logged import (
    Logged,
    close_log,
    every_epoch,
    failure_logged,
    open_log,
    unheard,
)
from geiger.models import forecaster_of
from geiger.models.telling import telling
from geiger.panel.evaluation import evaluate_panel
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.saved import model_for_use
from geiger.panel.scores import FoldScores
from geiger.panel.walk import Listener, PanelWalk, bases_of, walk
from geiger.panel.written import PanelRun, fold_result, panel_settings, run_name, write_panel
from geiger.records import Epoch, Verdict


@dataclass(frozen=True, eq=False)
class PanelFinding:
    """What a panel's run found, before anybody sees a figure of it: what a verdict is given from.

    Attributes
    ----------
    name : str
        Of the run that is about to be written.
    trained : str
        The run that made the forecasts, which of a backtest is another one.
    trial : str
        Key of what was tried with these forecasts.
    """

    name: str
    planned: PanelPlan
    walk: PanelWalk
    evaluation: Evaluation
    trained: str
    trial: str


Judge = Callable[[PanelFinding], Verdict | None]


def unjudged(finding: PanelFinding) -> None:
    """Give no verdict."""


def run_panel(
    work: Panel | PanelPlan,
    *,
    on_fold: Listener = lambda model, fold: None,
    on_epoch: Callable[[Epoch], None] = unheard,
    judge: Judge = unjudged,
) -> PanelRun:
    """Train strictly walk-forward over all symbols, trade the scores, and write log and run folder.

    Parameters
    ----------
    on_fold : callable
        Told of each model's fold when it is done.
    on_epoch : callable
        Told of each epoch of a network as it happens.
    judge : callable
        Gives the verdict, before a figure is written or shown; see `judging`.

    Raises
    ------
    GeigerError
        If the symbols cannot be one panel. A model that fails in training ends its log as FAILED first.
    """
    planned = plan_panel(work) if isinstance(work, Panel) else work
    parts = planned.work.runs.parts(planned.key())
    with open_log(planned.work, planned.log_name) as log:
        log.settings(panel_settings(planned))
        with failure_logged(log, planned, resumable=True):

            def told(model: str, fold: FoldScores) -> None:
                log.fold(fold_result(planned, fold))
                on_fold(model, fold)

            config = planned.work.config
            logged = Logged(log, lambda fold: None, on_epoch, every=every_epoch(_epochs(planned)))
            with telling(logged.happened):
                made = walk(planned.material, planned.model, config, parts=parts, on_fold=told)
            model = model_for_use(planned, made)
            evaluation = evaluate_panel(planned.material, made, planned.work.config)
            name = run_name(planned, log.path, planned.log_name)
            verdict = judge(PanelFinding(name, planned, made, evaluation, name, planned.trial_key()))
            finished = write_panel(planned, log.path, made, evaluation, (name, verdict), model)
            close_log(log, finished)
    parts.discard()
    return finished


def _epochs(planned: PanelPlan) -> int | None:
    """Return how many epochs a network of a panel gets at most; None without one."""
    config = planned.work.config
    found = [forecaster_of(config, base).effort.epochs for base in bases_of(planned.model, config)]
    return max((epochs for epochs in found if epochs is not None), default=None)
