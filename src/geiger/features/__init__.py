"""The feature contract: causal, scale-free columns."""

from geiger.features.bars import Bars, Feature
from geiger.features.catalogue import (
    FEATURES,
    NAMES,
    VERSION,
    WARMUP,
    build_features,
    feature_matrix,
    features_page,
)

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
