"""What the two heads of a panel learn: which symbols do better (selection), and how all do (timing).

Both are outcomes in units of the volatility known at the decision. What is known when: the target of a row
is known with the outcomes of its day that were on time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geiger.panel.material import PanelMaterial
from geiger.panel.normalise import day_ranks
from geiger.panel.scores import Floats
from geiger.settings.panel import PanelSettings


@dataclass(frozen=True, eq=False)
class Targets:
    """What is learned, row by row; not a number where nothing is.

    Attributes
    ----------
    selection : (n,) float64
        Beyond the mean of the day, or its rank in the day, or the outcome itself.
    timing : (n,) float64
        The outcome itself.
    beyond : (n,) float64
        Outcome beyond the mean of its day, in units of the volatility: what selection is measured by.
    mean : (D,) float64
        The day's mean outcome in units of the volatility.
    weight : (n,) float64
        What a row counts in learning, before `symbols` are made alike.
    """

    selection: Floats
    timing: Floats
    beyond: Floats
    mean: Floats
    weight: Floats


def targets_of(material: PanelMaterial, settings: PanelSettings) -> Targets:
    """Return the targets of all rows."""
    outcome = np.where(material.on_time, material.outcome, np.nan) / material.volatility
    mean = day_means(outcome, material.day, len(material.calendar))
    beyond = outcome - mean[material.day]
    timing = np.clip(outcome, -settings.target_clip, settings.target_clip)
    if settings.target == "raw":
        selection = timing
    elif settings.target == "demeaned":
        selection = np.clip(beyond, -settings.target_clip, settings.target_clip)
    else:
        selection = np.full(len(outcome), np.nan)
        known = np.flatnonzero(np.isfinite(beyond))
        ranked = day_ranks(beyond[known, None].astype(np.float32), material.day[known])
        selection[known] = ranked[:, 0]
    names = np.bincount(material.day, minlength=len(material.calendar))
    weight = (
        settings.least_names / names[material.day] if settings.weights == "days" else np.ones(len(outcome))
    )
    return Targets(selection, timing, beyond, mean, weight)


def weights_of(material: PanelMaterial, targets: Targets, rows: slice, settings: PanelSettings) -> Floats:
    """Return what each of the rows (R,) counts in a fit to them: 1 on average, 0 without a known outcome.

    Row t knows how many rows there are of its day and, for `symbols`, of its symbol among `rows`.
    """
    known = np.isfinite(targets.selection[rows]) & np.isfinite(targets.timing[rows])
    weight = np.where(known, targets.weight[rows], 0.0)
    if settings.weights == "symbols":
        member = material.member[rows]
        total = np.bincount(member, weights=weight, minlength=len(material.symbols))
        weight /= np.where(total > 0.0, total, 1.0)[member]
    return weight * (known.sum() / weight.sum()) if known.any() else weight


def mean_timing(targets: Targets, rows: slice, weight: Floats) -> float:
    """Return the mean outcome of rows with these weights (R,): the timing of models that learn none."""
    timing = np.where(weight > 0.0, targets.timing[rows], 0.0)
    return float(np.average(timing, weights=weight))


def day_means(values: Floats, day: npt.NDArray[np.int32], days: int) -> Floats:
    """Return the mean of the finite values of each day (days,); not a number for a day without one."""
    known = np.isfinite(values)
    total = np.bincount(day[known], weights=values[known], minlength=days)
    count = np.bincount(day[known], minlength=days)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
