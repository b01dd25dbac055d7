"""The feature contract: causal, scale-free columns."""

from geiger.features.bars import Bars, Feature
from geiger.features.catalogue import (
    FEATURES,
    NAMES,
    WARMUP,
    build_features,
    feature_matrix,
    features_page,
)
from geiger.settings.contract import VERSION

__all__ = [
    "FEATURES",
    "NAMES",
    "VERSION",
    "WARMUP",
    "Bars",
    "Feature",
    "build_features",
    "feature_matrix",
    "features_page",
]
