"""`geiger.run`: a training that ends with a verdict, and makes what that rests on where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from geiger.audit.door import audit_plan
from geiger.errors import GeigerError
from geiger.experiment import run as unjudged
from geiger.experiment.logged import unheard
from geiger.experiment.plan import BaseRun, Experiment, Plan, plan
from geiger.experiment.run import Finding
from geiger.experiment.train_fold import FoldOutput
from geiger.experiment.written import Run
from geiger.judging.judge import judge
from geiger.judging.progress import Bar, progress_bar
from geiger.records import AuditSummary, CheckSource, Epoch, Verdict
from geiger.runs.folder import StoredRun
from geiger.studies.calibration import rates_of
from geiger.studies.check_source import check_source, kept_check, short_effort

NOT_ASKED = "was not asked for"


@dataclass(frozen=True)
class Making:
    """What a run makes for its verdict where there is none yet.

    Attributes
    ----------
    audit, check_source : bool
        The time-travel audit of exactly this run, and the check source on its own prices.
    on_step, on_plan : callable
        Told in words what is about to be done, and beforehand how many more steps there will be.
    """

    audit: bool = True
    check_source: bool = True
    on_step: Callable[[str], None] = lambda text: None
    on_plan: Callable[[int], None] = lambda steps: None


NOTHING = Making(audit=False, check_source=False)


def run(
    work: Experiment | Plan,
    *,
    making: Making = Making(),
    on_fold: Callable[[FoldOutput], None] = lambda fold: None,
    on_epoch: Callable[[Epoch], None] = unheard,
    bases: Sequence[BaseRun] | None = None,
    progress: bool | None = None,
) -> Run:
    """Train strictly walk-forward, trade the forecasts, judge them, and write log and run folder.

    Parameters
    ----------
    work : Experiment or Plan
    making : Making
        What is made for the verdict; `NOTHING` leaves it to what there is already.
    on_fold : callable
        Told of each fold when it is done.
    on_epoch : callable
        Told of each epoch of a network as it happens, perhaps from another thread.
    bases : sequence of BaseRun, optional
        The base models of a stack, as `experiment.run.run_bases` found or made them.
    progress : bool, optional
        Whether a bar shows how far it is; by default in IPython and Jupyter. On a pipe there is none.

    Raises
    ------
    GeigerError
        If the prices cannot be used. A model that fails in training ends its log as FAILED first.

    Examples
    --------
    >>> geiger.run(geiger.Experiment("AAPL", "ridge")).verdict.answer  # doctest: +SKIP
    <Answer.CANNOT_TELL: 'CANNOT TELL'>
    """
    planned = plan(work) if isinstance(work, Experiment) else work
    if bases is None:
        bases = unjudged.run_bases(planned, train=partial(run, making=NOTHING, progress=progress))
    with progress_bar(f"{planned.experiment.symbol} {planned.model}", len(planned.folds), progress) as bar:

        def told(fold: FoldOutput) -> None:
            bar.step(f"fold {fold.result.fold}, forecasts to {fold.result.test_last}")
            on_fold(fold)

        verdict = partial(_verdict, making=followed(making, bar))
        return unjudged.run(planned, on_fold=told, on_epoch=on_epoch, bases=bases, judge=verdict)


def followed(making: Making, bar: Bar) -> Making:
    """Return the same with a bar that is told as well."""

    def step(text: str) -> None:
        bar.step(text)
        making.on_step(text)

    def more(steps: int) -> None:
        bar.more(steps)
        making.on_plan(steps)

    return replace(making, on_step=step, on_plan=more)


def backtest(planned: Plan, stored: StoredRun) -> Run:
    """Trade the forecasts of a stored run under the trading settings of `planned`, judge and log it."""
    return unjudged.backtest(planned, stored, judge=partial(_verdict, making=NOTHING))


def _verdict(finding: Finding, *, making: Making) -> Verdict:
    audit, without = _audit(finding, making)
    (check, failed), rates = _check(finding.planned, making), rates_of(finding.planned)
    told = "" if rates is None else rates.text()
    return judge(finding, audit=audit, check=check, rates=told, not_checked=(*without, *failed))


def _check(planned: Plan, making: Making) -> tuple[CheckSource | None, tuple[str, ...]]:
    """Return the check source that was kept, or one that takes a minute at most, or why it failed."""
    effort = short_effort(planned)
    try:
        kept = kept_check(planned)
        if kept is not None or not making.check_source or effort is None:
            return kept, ()
        made = check_source(planned, effort=effort, on_step=making.on_step, on_plan=making.on_plan)
        return made, ()
    except GeigerError as error:  # a model that cannot be fitted to other labels: the run itself is done
        return None, (f"check source: {error}",)


def _audit(finding: Finding, making: Making) -> tuple[AuditSummary | None, tuple[str, ...]]:
    """Return the audit of what made the forecasts, or why there is none."""
    planned = finding.planned
    try:
        if finding.trained != finding.name:
            audit = planned.experiment.runs.load(finding.trained).record.audit
            return audit, () if audit is not None else ("audit: the run that made the forecasts has none",)
        kept = planned.audited()
        if kept is not None:
            return kept.summary, ()
        if not making.audit:
            return None, (f"audit: {NOT_ASKED}",)
        return audit_plan(planned, on_step=making.on_step, on_plan=making.on_plan).summary, ()
    except GeigerError as error:  # the training is done: its figures are not lost for this
        return None, (f"audit: {error}",)
