"""The verdict on a panel: whether its forecasts know which symbols do better, with all tries counted.

Three tries are registered before a figure is shown: selection, which the answer is about; timing, the mean
forecast against the market; and the long/short portfolio beside equal weight at the same exposure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from geiger.audit.panel_door import How, audit_panel
from geiger.backtest.portfolio import EXPOSURE_MATCHED, Held
from geiger.command_line import Folders
from geiger.errors import GeigerError
from geiger.evidence.day_files import DayValues
from geiger.evidence.day_test import Ints
from geiger.evidence.panel_test import LEAST_NAMES, Grid, SelectionTest, selection_test, timing_test
from geiger.evidence.score_test import ScoreTest
from geiger.experiment.evaluation import costs_of
from geiger.experiment.logged import unheard
from geiger.experiment.tried import Tried, register_of, tried_on
from geiger.judging.economics import Economics, economics
from geiger.judging.judge import LEAK, deflated, skill_verdict, worth_of
from geiger.judging.progress import progress_bar
from geiger.judging.rule import Evidence
from geiger.judging.run import NOT_ASKED, NOTHING, Making, followed
from geiger.judging.tries import Counted, counted
from geiger.panel import again
from geiger.panel.cross_section import scored_of, traded
from geiger.panel.evaluation import evaluate_panel
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.run import PanelFinding, run_panel
from geiger.panel.scores import FoldScores
from geiger.panel.stored import walk_of_run
from geiger.panel.walk import Listener
from geiger.panel.written import PanelRun
from geiger.records import AuditSummary, Epoch, OfPanel, Verdict
from geiger.report.gather import log_of
from geiger.runlog import add_verdict
from geiger.runlog.wording import how_to_audit
from geiger.runs.environment import key_of
from geiger.runs.folder import RunsFolder, StoredRun

AUDITED = Making(check_source=False)


def panel(
    work: Panel | PanelPlan,
    *,
    making: Making = AUDITED,
    on_fold: Listener = lambda model, fold: None,
    on_epoch: Callable[[Epoch], None] = unheard,
    progress: bool | None = None,
) -> PanelRun:
    """Train strictly walk-forward over many symbols, trade the scores, judge them, and write log and folder.

    Parameters
    ----------
    work : Panel or PanelPlan
    making : Making
        What is made for the verdict; of a panel that is the audit. `NOTHING` leaves it to what there is.
    on_fold : callable
        Told of each model's fold when it is done.
    on_epoch : callable
        Told of each epoch of a network as it happens.
    progress : bool, optional
        Whether a bar shows how far it is; by default in IPython and Jupyter. On a pipe there is none.

    Raises
    ------
    GeigerError
        If the symbols cannot be one panel. A model that fails in training ends its log as FAILED first.

    Examples
    --------
    >>> geiger.panel(Panel("US28", symbols)).verdict.answer  # doctest: +SKIP
    <Answer.CANNOT_TELL: 'CANNOT TELL'>
    """
    planned = plan_panel(work) if isinstance(work, Panel) else work
    title = f"{planned.work.name} {planned.model}"
    with progress_bar(title, sum(map(len, planned.folds.values())), progress) as bar:

        def told(model: str, fold: FoldScores) -> None:
            bar.step(f"{model} fold {fold.fold.index}")
            on_fold(model, fold)

        given = partial(_verdict, making=followed(making, bar))
        return run_panel(planned, on_fold=told, on_epoch=on_epoch, judge=given)


def backtest_panel(planned: PanelPlan, stored: StoredRun) -> PanelRun:
    """Trade the forecasts of a panel's run under the costs of `planned`, judge and log it."""
    return again.backtest_panel(planned, stored, judge=partial(_verdict, making=NOTHING))


def judge_stored_panel(stored: StoredRun, runs: RunsFolder, *, log_dir: Path | None = None) -> Verdict:
    """Judge a panel's run by the register as it is now, and write the verdict into its record and its log.

    Its forecasts are traded once more on the prices it kept; the register notes it as a rerun.

    Raises
    ------
    DataError
        Its data are gone.
    """
    config = stored.config()
    trained = runs.load(stored.trained)
    planned = again.plan_again(trained, runs, config)
    made = walk_of_run(trained, planned.material, config)
    evaluation = evaluate_panel(planned.material, made, config, trained.record.results.health)
    key = again.tried_as(trained) or planned.trial_key()
    audit = trained.record.audit
    verdict = judge_panel(
        PanelFinding(stored.name, planned, made, evaluation, trained.name, key),
        audit=audit,
        not_checked=() if audit is not None else ("audit: there is none yet",),
    )
    stored.note_verdict(verdict)
    log = log_of(stored, log_dir or planned.work.log_dir)
    if log is not None:
        add_verdict(log, verdict)
    return verdict


def _verdict(finding: PanelFinding, *, making: Making) -> Verdict:
    audit, without = _audit(finding, making)
    return judge_panel(finding, audit=audit, not_checked=without)


def _audit(finding: PanelFinding, making: Making) -> tuple[AuditSummary | None, tuple[str, ...]]:
    """Return the audit of what made the forecasts, or why there is none."""
    planned = finding.planned
    try:
        if finding.trained != finding.name:
            audit = planned.work.runs.load(finding.trained).record.audit
            return audit, () if audit is not None else ("audit: the run that made the forecasts has none",)
        kept = planned.audited()
        if kept is None and not making.audit:
            return None, (f"audit: {NOT_ASKED}",)
        how = How(on_step=making.on_step, on_plan=making.on_plan)
        return (kept or audit_panel(planned, how)).summary, ()
    except GeigerError as error:  # the training is done: its figures are not lost for this
        return None, (f"audit: {error}",)


def judge_panel(
    finding: PanelFinding,
    *,
    audit: AuditSummary | None,
    rates: str = "",
    not_checked: tuple[str, ...] = (),
) -> Verdict:
    """Register the tries, and give the verdict on a panel's run.

    Parameters
    ----------
    finding : PanelFinding
        Forecasts and their trades; nothing of it was shown yet.
    audit : AuditSummary, optional
        Of what made the forecasts.
    rates : str
        Measured error rates for these settings, in words; empty where none were measured.
    not_checked : tuple of str
        What the caller left out, and why.
    """
    planned = finding.planned
    config, material = planned.work.config, planned.material
    least, year = max(config.panel.least_names, LEAST_NAMES), material.market.days_per_year
    scored, grid = scored_of(material, finding.walk, config.horizon), grid_of(material, config.horizon)
    selection = selection_test(grid, scored.scores, least)
    timing = timing_test(grid, scored.expected * scored.volatility, least)
    own = traded(scored, least=config.panel.least_names, costs=costs_of(config), days_per_year=year)
    worth = economics(own.ledger, own.baselines[EXPOSURE_MATCHED], config.seed)
    found_tries = _count(finding, grid, selection, timing, worth)
    found = Evidence(
        test=selection,
        tries=found_tries.tries,
        corrected_p=found_tries.skill_p,
        needed_slope=slope_that_pays(selection, own.held),
        alarms=tuple(notice for notice in finding.evaluation.notices if notice.code == LEAK),
        audit=audit,
        tries_unknown=found_tries.unknown,
        how_to_audit=how_to_audit(finding.trained, folders=Folders.of(planned.work.runs_dir)),
        names=selection.names,
    )
    told = skill_verdict(found, material.calendar, second_p=None)
    return replace(
        told,
        worth=worth_of(worth, found_tries),
        worth_p=worth.p_value,
        worth_corrected_p=found_tries.worth_p,
        difference=float(worth.difference.mean()) * year,
        deflated_sharpe=deflated(worth, found_tries),
        rates=rates,
        panel=_of_panel(found, selection, timing, found_tries, len(material.symbols)),
        not_checked=not_checked,
    )


def grid_of(material: PanelMaterial, horizon: int) -> Grid:
    """Return the prices of a panel as its test reads them: outcomes of tradable rows, known when they are.

    What a decision at the close of a day earns from the next open on is known `horizon` + 1 days later; of a
    symbol that did not trade meanwhile it is late.
    """
    outcome = material.grid(np.where(material.tradable, material.outcome, np.nan))
    late = material.grid(np.where(material.on_time, 0.0, 1.0)) == 1.0
    known_from = np.arange(len(material.calendar), dtype=np.int64) + horizon + 1
    return Grid(material.returns, outcome, known_from, horizon, late)


def slope_that_pays(test: SelectionTest, held: Held) -> float | None:
    """Return the slope from which on a portfolio paid its costs; None where more forecast was no more gain.

    With a slope b a symbol's outcome moves by b s g more than it does by itself, of which a position W earns
    W b s g. The cost is that of the portfolio, turnover times what a unit of it costs.
    """
    of_test, of_held = _common(test.row, held.rows)
    if not of_test.size:
        return None
    scores = test.scores
    moved = np.where(np.isfinite(scores.g[of_test]), scores.s[of_test] * scores.g[of_test], 0.0)
    gain = float((held.weights[of_held] * moved).sum(axis=1).mean()) / test.horizon
    cost = float(held.cost[of_held].mean())
    return cost / gain if gain > 0.0 else None


def _common(one: Ints, other: Ints) -> tuple[Ints, Ints]:
    """Return where in each the days stand that both have."""
    _, left, right = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    return left, right


def _count(
    finding: PanelFinding, grid: Grid, selection: SelectionTest, timing: ScoreTest, worth: Economics
) -> Counted:
    """Register selection, timing and trading as one try each, and correct their p for the others."""
    if not selection.n:
        return Counted(unknown="no day has a score")
    planned = finding.planned
    calendar, config = planned.material.calendar, planned.work.config
    there = np.flatnonzero(np.isfinite(grid.market))
    returns = DayValues.of(calendar.gather(there), grid.market[there])
    told = {
        "symbol": planned.work.name,
        "members": planned.material.symbols,
        "model": planned.model,
        "run": finding.name,
    }
    about = (
        f"recipe {config.recipe}, {len(planned.material.symbols)} symbols, {planned.material.fill}, horizon "
        f"{config.horizon}, seeds {config.seeds} from {config.seed}, refit {config.refit}"
    )
    skills: list[Tried] = [
        tried_on(calendar, returns, selection, key=finding.trial, settings=f"{about}, selection", **told)
    ]
    if timing.n:
        key = key_of({"forecasts": finding.trial, "test": "timing"})
        skills.append(tried_on(calendar, returns, timing, key=key, settings=f"{about}, timing", **told))
    return counted(register_of(planned.work.runs), skills, worth, config, way="long/short")


def _of_panel(
    found: Evidence, selection: SelectionTest, timing: ScoreTest, tries: Counted, symbols: int
) -> OfPanel:
    told = timing.statistic is not None
    more = [found.times_for(slope) for slope in (selection.slope, found.needed_slope)]
    measured, needed = (None if times is None else selection.names_for(times) for times in more)
    return OfPanel(
        symbols=symbols,
        names=selection.names,
        together=selection.together,
        symbols_for_measured=measured,
        symbols_for_needed=needed,
        timing_days=timing.n,
        timing_statistic=timing.statistic,
        timing_p=timing.p_value if told else None,
        timing_corrected_p=tries.beside_p[0] if told and tries.beside_p else None,
    )
