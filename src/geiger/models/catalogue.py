"""Every model by name."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from geiger.errors import SettingError, did_you_mean
from geiger.models.base import Forecaster
from geiger.models.baselines import Ridge, RunningMean, Zero
from geiger.models.boosting import CatBoost, LightGBM, XGBoost
from geiger.models.nets.forecaster import XLSTMTS, LSTMTransformer
from geiger.models.stack import MetaLearner
from geiger.records import Notice

FORECASTERS: dict[str, Callable[..., Forecaster]] = {
    "zero": Zero,
    "mean": RunningMean,
    "ridge": Ridge,
    "xgb": XGBoost,
    "lgb": LightGBM,
    "catboost": CatBoost,
    "lstm": LSTMTransformer,
    "xlstm": XLSTMTS,
}

GROUPS: dict[str, tuple[str, ...]] = {"gbm": ("xgb", "lgb", "catboost"), "net": ("lstm", "xlstm")}

# The MODEL part of a log's file name.
LOG_NAMES: dict[str, str] = {
    "zero": "zero",
    "mean": "mean",
    "ridge": "ridge",
    "xgb": "gbm_xgb",
    "lgb": "gbm_lgb",
    "catboost": "gbm_catboost",
    "lstm": "lstm",
    "xlstm": "xlstm",
    MetaLearner.name: "stack",
}


def expand(name: str) -> tuple[str, ...]:
    """Return the models that a name stands for: itself, or the members of a group. The stack is one model.

    >>> expand("gbm"), expand("ridge")
    (('xgb', 'lgb', 'catboost'), ('ridge',))
    """
    if name in GROUPS:
        return GROUPS[name]
    known = [*FORECASTERS, *GROUPS, MetaLearner.name]
    if name not in known:
        raise SettingError(f"unknown model {name!r}: {did_you_mean(name, known)}")
    return (name,)


def resolve(name: str) -> tuple[str, Notice | None]:
    """Return the model to train in place of `name`: XGBoost where CatBoost is not installed.

    The notice, where there is one, belongs in the run's warnings.
    """
    if name == "catboost" and importlib.util.find_spec("catboost") is None:
        return "xgb", Notice("FALLBACK", "catboost is not installed: XGBoost was trained in its place")
    return name, None


def make(name: str, settings: Mapping[str, object]) -> Forecaster:
    """Return the forecaster `name` with these settings; what is not given keeps its default.

    Raises
    ------
    SettingError
        If the model or one of the settings is unknown.
    """
    if name not in FORECASTERS:
        raise SettingError(f"unknown model {name!r}: {did_you_mean(name, FORECASTERS)}")
    constructor: Any = FORECASTERS[name]
    known = [field.name for field in dataclasses.fields(constructor)]
    for setting in settings:
        if setting not in known:
            raise SettingError(f"{name} has no setting {setting!r}: {did_you_mean(setting, known)}")
    forecaster: Forecaster = constructor(**settings)
    return forecaster
