"""`geiger.panel`: a panel's training that ends with a verdict."""

from __future__ import annotations

from geiger.panel import again
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan
from geiger.panel.run import run_panel
from geiger.panel.walk import Listener
from geiger.panel.written import PanelRun
from geiger.runs.folder import StoredRun


def panel(work: Panel | PanelPlan, *, on_fold: Listener = lambda model, fold: None) -> PanelRun:
    """Train strictly walk-forward over all symbols, trade the scores, judge them, and write log and run."""
    return run_panel(work, on_fold=on_fold)


def backtest_panel(planned: PanelPlan, stored: StoredRun) -> PanelRun:
    """Trade the forecasts of a panel's run under the costs of `planned`, judge and log it."""
    return again.backtest_panel(planned, stored)
