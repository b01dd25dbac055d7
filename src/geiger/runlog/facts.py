"""Which facts of a run its log shows, and what they can be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from geiger.figures import PLAN_FIGURES, FigureName
from geiger.records import Epoch, Figure

POSSIBLE: Mapping[str, tuple[float, float]] = {
    FigureName.DIRECTION_ACCURACY: (0, 1),
    FigureName.PREDICTION_STD: (0, math.inf),
    FigureName.POSITIVE_SHARE: (0, 1),
    FigureName.BASE_RATE: (0, 1),
    FigureName.DIRECTION_TEST_P: (0, 1),
}
"""The least and the most that figures can be of which sentences are made; what lies outside was misread."""

STILL_RUNNING = 15 * 60  # seconds: a log that grew since then belongs to a run that goes on


def shown_epochs(epochs: tuple[Epoch, ...]) -> tuple[Epoch, ...]:
    """Return the epochs that the text shows: those of the last fold, first seed."""
    if not epochs:
        return ()
    last = max(epoch.fold for epoch in epochs)
    first = min(epoch.seed for epoch in epochs if epoch.fold == last)
    return tuple(epoch for epoch in epochs if (epoch.fold, epoch.seed) == (last, first))


def plan_figures_first(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    """Return `figures` with the plan's five at the front, in its units, undefined where they are missing."""
    known = {figure.name: figure for figure in reversed(figures)}
    five = tuple(
        replace(known.get(name, Figure(str(name), None, unit)), unit=unit)
        for name, unit in PLAN_FIGURES.items()
    )
    return five + tuple(figure for figure in figures if figure.name not in PLAN_FIGURES)
