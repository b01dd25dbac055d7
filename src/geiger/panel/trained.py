"""The model that a panel leaves for use: what its base models learned, and what their scores are worth.

`trained_for_use` makes one beside a walk. Its `forecast` takes the rows of any later days as a material (the
same features, normalised the same way; members are found by name) and hands on what `issue.scale` hands on of
a walk. `state` and `restore_pooled` are its plain form: `models.storage.write_state` writes it without code.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from geiger.blas import one_blas_thread
from geiger.models.state import State
from geiger.panel.fits import fit_for_use
from geiger.panel.issue import Chosen, Issued
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Pooled
from geiger.panel.pooled_networks import restore_networks
from geiger.panel.pooled_ridge import restore_lines
from geiger.panel.pooled_trees import restore_trees
from geiger.panel.stack import together
from geiger.panel.targets import day_means, targets_of
from geiger.panel.walk import PanelWalk, bases_of
from geiger.settings import Config
from geiger.settings.models import FITTED, STACK

RESTORE = {
    "pooled_lines": restore_lines,
    "pooled_trees": restore_trees,
    "pooled_networks": restore_networks,
}
FOR_USE = -1  # the fold of what is forecast by the model for use


@dataclass(frozen=True, eq=False)
class PooledTrained:
    """A panel's model for use.

    Attributes
    ----------
    model : str
        What was trained: a base model's name, or ``stack``.
    parts : mapping of str to Pooled
        The base models, each fitted once more on every outcome that was known.
    candidates : mapping of str to int
        Which candidate of each is issued: the best on all earlier forecasts.
    slope, timing_slope : float
        By which scores and timing are scaled, from all earlier forecasts; 0 or more.
    """

    model: str
    parts: Mapping[str, Pooled]
    candidates: Mapping[str, int]
    slope: float
    timing_slope: float

    def forecast(self, material: PanelMaterial, rows: slice) -> Issued:
        """Forecast rows of whole days, which may have no outcome yet; `Issued.fold` is `FOR_USE`.

        Row t knows the rows of its own day and, by models with memory, of earlier days of its symbol. The
        expected log return is ``material.volatility[rows] * issued.expected``.

        Parameters
        ----------
        rows : slice
            Of `material`, such as ``material.rows(day, day + 1)``.
        """
        day = material.day[rows] - material.day[rows.start]
        days, fold = int(day[-1]) + 1, np.full(len(day), FOR_USE, dtype=np.int32)
        chosen = {}
        for name, part in self.parts.items():
            selection, timing = part.tell(material, rows)
            score = selection[self.candidates[name]]
            chosen[name] = Chosen(rows, fold, score - day_means(score, day, days)[day], timing)
        said = together(material, chosen) if self.model == STACK else chosen[self.model]
        market = self.timing_slope * day_means(said.timing, day, days)[day]
        return Issued(rows, fold, said.score, np.full(len(day), self.slope), market, self.slopes)

    @property
    def slopes(self) -> tuple[float, float]:
        """Both slopes."""
        return self.slope, self.timing_slope

    def state(self) -> State:
        """Return all of it as plain values."""
        facts = {
            "model": self.model,
            "names": list(self.parts),
            "candidates": [self.candidates[name] for name in self.parts],
            "slope": self.slope,
            "timing_slope": self.timing_slope,
        }
        return State("pooled", facts, parts=tuple(part.state() for part in self.parts.values()))


def trained_for_use(material: PanelMaterial, model: str, config: Config, walk: PanelWalk) -> PooledTrained:
    """Fit the base models once more, on every row whose outcome is known at the last day of `material`.

    Parameters
    ----------
    material : PanelMaterial
        That of `walk`, or one that goes on behind it.
    walk : PanelWalk
        Of the same model and settings: candidates and slopes are those that its forecasts teach.
    """
    bases = bases_of(model, config)
    targets = targets_of(material, config.panel)
    with one_blas_thread():
        parts = {base: fit_for_use(material, base, targets, config) for base in bases}
    candidates = {base: walk.chosen[base].next_candidate for base in bases}
    return PooledTrained(model, parts, candidates, *walk.issued.next_slopes)


def restore_pooled(state: State) -> PooledTrained:
    """Return the model behind a state.

    Raises
    ------
    DataError
        A value is missing, of another type or shape, or out of range.
    MissingLibrary
        A library behind it is not installed.
    """
    state.require("pooled", facts=("model", "names", "candidates", "slope", "timing_slope"), parts=None)
    names, candidates = state.facts["names"], state.facts["candidates"]
    known = isinstance(names, list) and all(isinstance(name, str) and name in FITTED for name in names)
    if not known or len(set(names)) != len(names) or len(names) != len(state.parts):
        raise state.fault(f"one name a part expected, got {reprlib.repr(names)}")
    if not isinstance(candidates, list) or len(candidates) != len(names):
        raise state.fault(f"one candidate a part expected, got {reprlib.repr(candidates)}")
    model = state.text("model")
    if model != STACK and names != [model]:
        raise state.fault(f"model {model!r} does not go with the parts {reprlib.repr(names)}")
    parts = {}
    for name, part in zip(names, state.parts, strict=True):
        if part.kind not in RESTORE:
            raise part.fault(f"no model of a panel; known: {', '.join(RESTORE)}")
        parts[name] = RESTORE[part.kind](part)
    for name, place in zip(names, candidates, strict=True):
        if type(place) is not int or not 0 <= place < parts[name].candidates:
            raise state.fault(f"{name} has no candidate {reprlib.repr(place)}")
    slopes = (state.number("slope"), state.number("timing_slope"))
    if min(slopes) < 0.0:
        raise state.fault(f"slopes must be 0 or more, got {slopes[0]:g} and {slopes[1]:g}")
    return PooledTrained(model, parts, dict(zip(names, candidates, strict=True)), *slopes)
