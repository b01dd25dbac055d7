"""Every setting once, the named recipes, the only reader of TOML, and the one table of models."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geiger.settings.config import (
        Config,
        Fill,
        Weighting,
        paced,
        paced_in_a_panel,
        panel_recipe,
        recipe,
        settings_of,
        shaping,
        shaping_a_panel,
        shaping_a_run,
    )
    from geiger.settings.model_settings import (
        BoostSettings,
        CatBoostSettings,
        LightGBMSettings,
        LSTMSettings,
        NetworkSettings,
        RidgeSettings,
        ScheduleSettings,
        StackSettings,
        XGBoostSettings,
        XLSTMSettings,
    )
    from geiger.settings.models import MODELS
    from geiger.settings.panel import PanelSettings
    from geiger.settings.recipes import RECIPES
    from geiger.settings.setting import NoSettings, Settings, as_dict, override
    from geiger.settings.toml import from_toml
    from geiger.settings.trading import RISK, RULES, CostSettings, Risk, Rule, TradingSettings

_ROOMS = {
    "config": (
        "Config",
        "Fill",
        "Weighting",
        "paced",
        "paced_in_a_panel",
        "panel_recipe",
        "recipe",
        "settings_of",
        "shaping",
        "shaping_a_panel",
        "shaping_a_run",
    ),
    "panel": ("PanelSettings",),
    "model_settings": (
        "BoostSettings",
        "CatBoostSettings",
        "LSTMSettings",
        "LightGBMSettings",
        "NetworkSettings",
        "RidgeSettings",
        "ScheduleSettings",
        "StackSettings",
        "XGBoostSettings",
        "XLSTMSettings",
    ),
    "models": ("MODELS",),
    "recipes": ("RECIPES",),
    "setting": ("NoSettings", "Settings", "as_dict", "override"),
    "toml": ("from_toml",),
    "trading": ("RISK", "RULES", "CostSettings", "Risk", "Rule", "TradingSettings"),
}
_HOMES = {name: f"geiger.settings.{file}" for file, names in _ROOMS.items() for name in names}

__all__ = [
    "MODELS",
    "RECIPES",
    "RISK",
    "RULES",
    "BoostSettings",
    "CatBoostSettings",
    "Config",
    "CostSettings",
    "Fill",
    "LSTMSettings",
    "LightGBMSettings",
    "NetworkSettings",
    "NoSettings",
    "PanelSettings",
    "RidgeSettings",
    "Risk",
    "Rule",
    "ScheduleSettings",
    "Settings",
    "StackSettings",
    "TradingSettings",
    "Weighting",
    "XGBoostSettings",
    "XLSTMSettings",
    "as_dict",
    "from_toml",
    "override",
    "paced",
    "paced_in_a_panel",
    "panel_recipe",
    "recipe",
    "settings_of",
    "shaping",
    "shaping_a_panel",
    "shaping_a_run",
]


def __getattr__(name: str) -> Any:
    """Load a name when it is first used: the table of models alone costs ``geiger --help`` nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
