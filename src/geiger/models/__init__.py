"""Forecasters: `Forecaster.fit` returns a `Predictor`; the catalogue knows them by name."""

from geiger.models.base import Effort, Ensemble, Forecaster, Learner, Predictor, average, fit_members
from geiger.models.catalogue import FORECASTERS, GROUPS, LOG_NAMES, expand, make, resolve
from geiger.models.own import wrap

__all__ = [
    "FORECASTERS",
    "GROUPS",
    "LOG_NAMES",
    "Effort",
    "Ensemble",
    "Forecaster",
    "Learner",
    "Predictor",
    "average",
    "expand",
    "fit_members",
    "make",
    "resolve",
    "wrap",
]
