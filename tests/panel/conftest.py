"""One small panel, loaded and trained once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.helpers.panels import NAME, SYMBOLS, panel_config, write_panel_folder

from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.run import run_panel
from geiger.panel.written import PanelRun


@pytest.fixture(scope="session")
def panel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of twelve made symbols."""
    return write_panel_folder(tmp_path_factory.mktemp("panel") / "prices")


@pytest.fixture(scope="session")
def small_plan(panel_folder: Path) -> PanelPlan:
    """Return the plan of a small ridge over all of them."""
    home = panel_folder.parent
    work = Panel(
        NAME,
        SYMBOLS,
        config=panel_config(),
        data=panel_folder,
        context="none",
        runs_dir=home / "runs",
        log_dir=home / "logs",
    )
    return plan_panel(work)


@pytest.fixture(scope="session")
def small_run(small_plan: PanelPlan) -> PanelRun:
    """Return its finished run, which nobody has judged."""
    return run_panel(small_plan)
