"""A panel's run once more, from what it left behind: traded under other costs, or repeated to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from geiger.experiment.logged import close_log, failure_logged, open_log
from geiger.experiment.replay import Comparison, Replay, changes_since, compared
from geiger.panel.evaluation import evaluate_panel
from geiger.panel.fits import folds_of
from geiger.panel.past_material import material_of_panel_run, panel_of_run
from geiger.panel.plan import PanelPlan, little
from geiger.panel.run import Judge, PanelFinding, unjudged
from geiger.panel.stored import unscored_of, walk_of_run
from geiger.panel.walk import Listener, bases_of, walk
from geiger.panel.written import PanelRun, panel_settings, run_name, write_panel_backtest
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import Config

BACKTEST = "backtest"


def plan_again(
    stored: StoredRun,
    runs: RunsFolder,
    config: Config,
    *,
    runs_dir: Path | None = None,
    log_dir: Path = Path("training_logs"),
    command: str | None = None,
) -> PanelPlan:
    """Return the plan of a panel's run on the prices that it kept.

    Parameters
    ----------
    config : Config
        Its settings, or those with another trading.
    runs_dir : Path, optional
        Where what is made with it goes; by default beside the run.

    Raises
    ------
    DataError
        The data are gone, or make another panel in this version.
    SettingError
        The run is not of a panel.
    """
    place = runs.root if runs_dir is None else runs_dir
    work = panel_of_run(stored, runs, config, runs_dir=place, log_dir=log_dir, command=command)
    material, model = material_of_panel_run(stored, runs), stored.record.model
    folds = {base: folds_of(material, base, config) for base in bases_of(model, config)}
    notices = (*material.notices, *little(material))
    return PanelPlan(work=work, model=model, material=material, folds=folds, notices=notices)


def backtest_panel(planned: PanelPlan, stored: StoredRun, *, judge: Judge = unjudged) -> PanelRun:
    """Trade the forecasts of a panel's run under the costs of `planned`, and log it.

    The forecasts are those of `stored`, made out of sample; only costs and what follows are new.
    """
    config = planned.work.config
    with open_log(planned.work, BACKTEST) as log:
        log.settings(replace(panel_settings(planned), forecasts_of=stored.name))
        with failure_logged(log, planned):
            made = walk_of_run(stored, planned.material, config)
            evaluation = evaluate_panel(planned.material, made, config, stored.record.results.health)
            name = run_name(planned, log.path, BACKTEST)
            key = tried_as(stored) or planned.trial_key()
            verdict = judge(PanelFinding(name, planned, made, evaluation, stored.name, key))
            done = write_panel_backtest(planned, log.path, stored, made, evaluation, (name, verdict))
            close_log(log, done)
    return done


def tried_as(stored: StoredRun) -> str | None:
    """Return the key of what a panel's run was registered as; None where it was not."""
    verdict = stored.record.verdict
    return None if verdict is None or verdict.tries is None else verdict.tries.key


def replay_panel(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    on_plan: Callable[[PanelPlan], None] = lambda planned: None,
    on_fold: Listener = lambda model, fold: None,
) -> Replay:
    """Repeat a panel's run from the prices that it kept, and compare every score and forecast.

    Of a backtest it is the ledger that must come out the same.

    Raises
    ------
    DataError
        The data are gone, or make another panel in this version.
    """
    with TemporaryDirectory() as folder:
        planned = plan_again(stored, runs, stored.config(), runs_dir=Path(folder))
        on_plan(planned)
        if stored.record.kind == BACKTEST:
            found: tuple[Comparison, ...] = (_ledger_again(stored, planned),)
        else:
            found = _forecasts_again(stored, planned, on_fold)
    return Replay(stored.name, changes_since(stored), found)


def _ledger_again(stored: StoredRun, planned: PanelPlan) -> Comparison:
    made = walk_of_run(stored, planned.material, planned.work.config)
    health = stored.record.results.health
    again = evaluate_panel(planned.material, made, planned.work.config, health).ledger
    return compared("ledger", stored.ledger(), again, "net")


def _forecasts_again(stored: StoredRun, planned: PanelPlan, on_fold: Listener) -> tuple[Comparison, ...]:
    made = walk(planned.material, planned.model, planned.work.config, on_fold=on_fold)
    pairs: tuple[tuple[str, pl.DataFrame, pl.DataFrame], ...] = (
        ("", stored.panel_forecasts(), made.forecasts),
        (" without an outcome", stored.panel_unscored(), unscored_of(planned.material, made.issued)),
    )
    return tuple(
        compared(f"{planned.model} {column}s{which}", old, new, column, ("day", "symbol"))
        for which, old, new in pairs
        if old.height or new.height
        for column in ("score", "forecast")
    )
