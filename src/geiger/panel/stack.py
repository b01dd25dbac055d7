"""Several families of models as one: the day's scores of each in standard deviations, averaged alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geiger.panel.issue import Chosen
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import Floats
from geiger.panel.targets import day_means
from geiger.settings import MODELS


def together(material: PanelMaterial, chosen: Mapping[str, Chosen]) -> Chosen:
    """Return the mean of the families, each the mean of its models, on the rows that all have forecast.

    Row t knows the scores of its own day. What differs by its fold is told by the model that is fitted most
    often.
    """
    first = max(one.rows.start for one in chosen.values())
    stop = min(one.rows.stop for one in chosen.values())
    families: dict[str, list[tuple[Floats, Floats]]] = {}
    for model, one in chosen.items():
        part = slice(first - one.rows.start, stop - one.rows.start)
        score = by_day(one.score[part], material.day[first:stop])
        families.setdefault(MODELS[model].family, []).append((score, one.timing[part]))
    means = [np.mean(members, axis=0) for members in families.values()]
    score, timing = np.mean(means, axis=0)
    often = max(chosen.values(), key=lambda one: int(one.fold[-1]))
    return Chosen(
        slice(first, stop), often.fold[first - often.rows.start : stop - often.rows.start], score, timing
    )


def by_day(score: Floats, day: np.ndarray) -> Floats:
    """Return scores in standard deviations of their day; 0 on a day without spread."""
    place = day - day[0]
    days = int(place[-1]) + 1
    beyond = score - day_means(score, place, days)[place]
    spread = np.sqrt(day_means(beyond * beyond, place, days))[place]
    return np.where(spread > 0.0, beyond / np.where(spread > 0.0, spread, 1.0), 0.0)
