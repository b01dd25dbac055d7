"""Forecasters: `Forecaster.fit` returns a `Predictor`; the catalogue knows them by name."""

from geiger.models.base import Effort, Ensemble, Forecaster, Learner, Predictor, average, fit_members
from geiger.models.catalogue import FORECASTERS, expand, forecaster_of, make, resolve
from geiger.models.own import wrap

__all__ = [
    "FORECASTERS",
    "Effort",
    "Ensemble",
    "Forecaster",
    "Learner",
    "Predictor",
    "average",
    "expand",
    "fit_members",
    "forecaster_of",
    "make",
    "resolve",
    "wrap",
]
