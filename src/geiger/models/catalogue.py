"""Every model by name: what makes it from its settings, and again from what was saved.

Names, names in logs, families and libraries stand in the table of `geiger.settings.models`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from geiger.errors import SettingError, did_you_mean
from geiger.models.base import Forecaster, Predictor
from geiger.models.baselines import Ridge, RunningMean, Zero, restore_linear
from geiger.models.boosting import LIBRARIES, CatBoost, LightGBM, XGBoost, restore_trees
from geiger.models.nets.forecaster import NETWORKS
from geiger.models.state import State
from geiger.records import Notice
from geiger.settings import MODELS, Config, override, settings_of
from geiger.settings.models import GROUPS, STACK

# Takes (settings, threads), both of which have defaults.
FORECASTERS: dict[str, Callable[..., Forecaster]] = {
    **{kind.name: kind for kind in (Zero, RunningMean, Ridge, XGBoost, LightGBM, CatBoost)},
    **NETWORKS,
}


def _network(state: State) -> Predictor:
    from geiger.models.nets.saved import restore_network

    return restore_network(state)


# Kind of a saved state -> what makes the model again. An ensemble holds others: see `storage.restore`.
RESTORE: dict[str, Callable[[State], Predictor]] = {
    "linear": restore_linear,
    **dict.fromkeys(LIBRARIES, restore_trees),
    "network": _network,
}


def expand(name: str) -> tuple[str, ...]:
    """Return the models that a name stands for: itself, or the members of a group. The stack is one model.

    >>> expand("gbm"), expand("ridge")
    (('xgb', 'lgb', 'catboost'), ('ridge',))
    """
    if name in GROUPS:
        return GROUPS[name]
    known = [*FORECASTERS, *GROUPS, STACK]
    if name not in known:
        raise SettingError(f"unknown model {name!r}: {did_you_mean(name, known)}")
    return (name,)


def resolve(name: str) -> tuple[str, Notice | None]:
    """Return the model to train in place of `name`: XGBoost where CatBoost is not installed.

    The notice, where there is one, belongs in the run's warnings.
    """
    model = MODELS.get(name)
    if model is None or model.stand_in is None:
        return name, None
    missing = [library for library in model.libraries if importlib.util.find_spec(library) is None]
    if not missing:
        return name, None
    other = MODELS[model.stand_in]
    return other.name, Notice(
        "FALLBACK", f"{missing[0]} is not installed: {other.title} was trained in its place"
    )


def make(name: str, changes: Mapping[str, Any] | None = None, *, threads: int = 1) -> Forecaster:
    """Return the forecaster `name` with its default settings and these changes.

    Raises
    ------
    SettingError
        If the model or one of the settings is unknown, or a value is one that it cannot be.
    """
    default = settings_of(Config(), _known(name))
    return FORECASTERS[name](override(default, changes or {}), _counted(threads))


def forecaster_of(config: Config, name: str, *, threads: int = 1) -> Forecaster:
    """Return the forecaster `name` with the settings that `config` has for it."""
    return FORECASTERS[_known(name)](settings_of(config, name), _counted(threads))


def _known(name: str) -> str:
    if name not in FORECASTERS:
        raise SettingError(f"unknown model {name!r}: {did_you_mean(name, FORECASTERS)}")
    return name


def _counted(threads: int) -> int:
    if threads < 1:
        raise SettingError(f"threads must be at least 1, got {threads}")
    return threads
