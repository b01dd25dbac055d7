"""Leaks of many symbols to plant: a function of the pipeline, and what it becomes when it looks ahead.

As in `leaks`: each takes the real function and a size, 1 for all of the leak.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from geiger.audit.leaks import Function
from geiger.learning.windows import Floats
from geiger.panel.material import PanelMaterial
from geiger.panel.normalise import Singles
from geiger.panel.targets import Targets

OWN_DAYS = 20  # after a fold's first, by whose outcomes a leaky choice is made


def whole_sample(real: Function, size: float) -> Function:
    """Measure each column over all days and symbols at once, in place of its day's ranks."""

    def day_ranks(features: Singles, day: Any) -> Singles:
        right: Singles = real(features, day)
        centre, spread = features.mean(axis=0), features.std(axis=0)
        wrong = (features - centre) / np.where(spread > 0.0, spread, 1.0)
        return _mixed(right, wrong, size)

    return day_ranks


def ahead(real: Function, size: float) -> Function:
    """Measure each row by a window that reaches five rows behind it."""

    def rolling_z(features: Floats, **options: Any) -> Singles:
        right: Singles = real(features, **options)
        later = np.concatenate([features[5:], features[-5:]])
        wrong: Singles = real(later, **options)
        return _mixed(right, np.where(np.isfinite(right), wrong, right), size)

    return rolling_z


def tomorrows_mean(real: Function, size: float) -> Function:
    """Compare a row with the mean of the next day."""

    def day_means(values: Floats, day: Any, days: int) -> Floats:
        right: Floats = real(values, day, days)
        later = np.append(right[1:], right[-1:])
        return np.where(np.isfinite(later), (1.0 - size) * right + size * later, right)

    return day_means


def whole_slope(real: Function, size: float) -> Function:
    """Scale all days by the slope of the whole sample."""

    def slope(product: Floats, square: Floats, gap: int) -> Floats:
        right: Floats = real(product, square, gap)
        wrong = float(product.sum() / max(square.sum(), 1e-300))
        return np.asarray((1.0 - size) * right + size * wrong)

    return slope


def own_rows(real: Function, size: float) -> Function:
    """Choose the candidate that goes best with the outcomes of the very fold that it is issued for."""

    def candidate(along: Floats, first: int, gap: int) -> int:
        own = along[:, :, first : first + OWN_DAYS].sum(axis=2)
        product, square, outcome = own.T
        if not np.all(square * outcome > 0.0):
            return int(real(along, first, gap))
        return int(np.argmax(product / np.sqrt(square * outcome)))

    return candidate


def one_symbol_ahead(symbol: str) -> Any:
    """Return the leak that gives the features of one symbol a day too early."""

    def leak(real: Function, size: float) -> Function:
        def features(name: str, *given: Any) -> Floats:
            right: Floats = real(name, *given)
            if name != symbol:
                return right
            later = np.concatenate([right[1:], right[-1:]])
            return np.where(np.isfinite(later), (1.0 - size) * right + size * later, right)

        return features

    return leak


def stragglers(real: Function, size: float) -> Function:
    """Learn the label of a symbol that did not trade for some days as if it were known in time."""

    def targets_of(material: PanelMaterial, settings: Any) -> Targets:
        early: Targets = real(replace(material, on_time=np.isfinite(material.outcome)), settings)
        return early

    return targets_of


def survivors(real: Function, size: float) -> Function:
    """Take the symbols alone that trade to the last day."""

    def assembled(work: Any, market: Any, calendar: pl.Series, parts: Any, *given: Any) -> PanelMaterial:
        last = max(part.bars["day"][-1] for part in parts)
        kept = [part for part in parts if part.bars["day"][-1] == last]
        made: PanelMaterial = real(work, market, calendar, kept, *given)
        return made

    return assembled


def _mixed(right: Singles, wrong: Floats, size: float) -> Singles:
    if size == 1.0:
        return wrong.astype(np.float32)
    return ((1.0 - size) * right.astype(np.float64) + size * wrong).astype(np.float32)
