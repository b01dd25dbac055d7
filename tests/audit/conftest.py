"""One small panel, planned once, and its world as it is."""

from __future__ import annotations

import pytest

from geiger.audit.panel_worlds import PanelWorld, world_of
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan, plan_panel
from helpers.panels import LATE, NAME, ROWS, SYMBOLS, panel_config, panel_prices

FEWER = (*SYMBOLS[:5], LATE)  # six symbols, of which one begins late


@pytest.fixture(scope="session")
def panel_plan(tmp_path_factory: pytest.TempPathFactory) -> PanelPlan:
    """Return the plan of a small ridge over six symbols and an index."""
    home, prices = tmp_path_factory.mktemp("panel_audit"), panel_prices()
    work = Panel(
        NAME,
        FEWER,
        config=panel_config(panel={"least_names": 4}),
        prices={symbol: prices[symbol] for symbol in FEWER},
        context="none",
        runs_dir=home / "runs",
        log_dir=home / "logs",
    )
    return plan_panel(work)


@pytest.fixture(scope="session")
def panel_world(panel_plan: PanelPlan) -> PanelWorld:
    """Return its world, with an index beside it that the plan has not."""
    found = world_of(panel_plan.work, panel_plan.material.symbols, panel_plan.material.market)
    index = Loaded("^GSPC", garch_market(ROWS, 5), "frame", "given in memory")
    return PanelWorld(found.name, found.members, index, None, found.market)
