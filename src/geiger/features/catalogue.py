"""The feature contract: columns in a fixed order, and the frame made of them.

Every value of row t is made of the rows up to t alone and has no price or money level in it: multiplying all
prices, or all volumes, by a power of two changes no bit.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from geiger.columns import CONTEXT, PRICES, require
from geiger.features import (
    candles,
    clock,
    context,
    levels,
    momentum,
    regime,
    trend,
    volatility,
    volume,
)
from geiger.features.bars import Bars, Feature
from geiger.features.kernels import Array
from geiger.settings.contract import VERSION

FEATURES: tuple[Feature, ...] = (
    *momentum.FEATURES,
    *trend.FEATURES,
    *volatility.FEATURES,
    *volume.FEATURES,
    *candles.FEATURES,
    *levels.FEATURES,
    *regime.FEATURES,
    *context.FEATURES,
    *clock.FEATURES,
)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
# The first row on which every feature has a value.
WARMUP: int = max(feature.warmup for feature in FEATURES)


def contract_hash() -> str:
    """Return a hash of the contract: version, and name, unit and warm-up of every column in order.

    A saved model carries it, and is refused where the columns are no longer those it learned from.
    """
    lines = [VERSION, *(f"{f.name}\t{f.unit}\t{f.warmup}\t{f.formula}" for f in FEATURES)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def feature_matrix(prices: pl.DataFrame, context: pl.DataFrame | None = None) -> Array:
    """Return the features as an array of shape (rows, F), columns contiguous, in the order of `NAMES`.

    Parameters
    ----------
    prices : PRICES frame
    context : CONTEXT frame, optional
        Already aligned to the days of `prices` and lagged. Without it the context columns are 0 on every row.

    Returns
    -------
    float64 array
        NaN inside a feature's warm-up and nowhere else.

    Raises
    ------
    DataError
        If the context has other days than the prices.
    """
    bars = Bars.from_frames(prices, context)
    columns = np.empty((len(FEATURES), bars.rows))
    for row, feature in zip(columns, FEATURES, strict=True):
        row[:] = feature.function(bars)
    # NaN has a sign bit, which arithmetic sets as it likes: one kind of NaN only.
    early = columns[:, :WARMUP]
    early[np.isnan(early)] = np.nan
    return columns.T


def build_features(prices: pl.DataFrame, context: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the feature frame: `day` and F float columns, one row a price row.

    Inside a feature's warm-up the value is NaN, never null; from row `WARMUP` on every value is finite.

    Parameters
    ----------
    prices : PRICES frame
    context : CONTEXT frame, optional
        Already aligned to the days of `prices` and lagged. Without it the context columns are 0 on every row.

    Raises
    ------
    DataError
        If a frame is not what it should be, or the context has other days than the prices.
    """
    require(prices, PRICES)
    if context is not None:
        require(context, CONTEXT)
    matrix = feature_matrix(prices, context)
    columns = {name: matrix[:, place] for place, name in enumerate(NAMES)}
    return pl.DataFrame({"day": prices["day"], **columns})


def features_page() -> str:
    """Return the page ``docs/features.md``: the whole contract as one table per group."""
    lines = [
        f"# The {len(FEATURES)} features ({VERSION})",
        "",
        "Made by `geiger.features.features_page()`; do not edit by hand.",
        "",
        "Row t is made of the bars up to the close of day t. No feature holds a price or money level.",
        f"Inside the warm-up a value is NaN, from row {WARMUP} on all are finite. Without a market",
        "context the columns of the group `context` are 0. A bar's range always holds its open and",
        "close. Where no volume is known, volume features take the neutral value that their formula names.",
    ]
    for group in dict.fromkeys(feature.group for feature in FEATURES):
        members = [feature for feature in FEATURES if feature.group == group]
        lines += [
            "",
            f"## {group} ({len(members)})",
            "",
            "| name | formula | unit | warm-up | source |",
            "|---|---|---|---|---|",
        ]
        for feature in members:
            formula = feature.formula.replace("|", "\\|")
            lines.append(
                f"| `{feature.name}` | {formula} | {feature.unit} | {feature.warmup} | {feature.source} |"
            )
    return "\n".join(lines) + "\n"
