"""Geiger trains next-day return forecasters the strict way and says whether they found signal or noise.

>>> import geiger
>>> prices = geiger.load_prices("AAPL")
>>> features = geiger.build_features(prices)
>>> features.shape
(3270, 155)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geiger.audit.door import audit
    from geiger.experiment.plan import Experiment
    from geiger.experiment.written import Run
    from geiger.features.catalogue import build_features
    from geiger.judging.foreign import verdict
    from geiger.judging.panel import panel
    from geiger.judging.run import run
    from geiger.market.sources import load_prices
    from geiger.opened import OpenedRun, open_run, runs
    from geiger.panel.experiment import Panel
    from geiger.settings import Config, override, panel_recipe, recipe

__version__ = "0.1.0"

__all__ = [
    "Config",
    "Experiment",
    "OpenedRun",
    "Panel",
    "Run",
    "__version__",
    "audit",
    "build_features",
    "load_prices",
    "open_run",
    "override",
    "panel",
    "panel_recipe",
    "recipe",
    "run",
    "runs",
    "verdict",
]

_HOMES = {
    "audit": "geiger.audit.door",
    "Config": "geiger.settings",
    "Experiment": "geiger.experiment.plan",
    "OpenedRun": "geiger.opened",
    "Panel": "geiger.panel.experiment",
    "Run": "geiger.experiment.written",
    "build_features": "geiger.features.catalogue",
    "load_prices": "geiger.market.sources",
    "open_run": "geiger.opened",
    "override": "geiger.settings",
    "panel": "geiger.judging.panel",
    "panel_recipe": "geiger.settings",
    "recipe": "geiger.settings",
    "run": "geiger.judging.run",
    "runs": "geiger.opened",
    "verdict": "geiger.judging.foreign",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that ``geiger --help`` imports nothing heavy."""
    if name not in _HOMES:
        raise AttributeError(f"module 'geiger' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
