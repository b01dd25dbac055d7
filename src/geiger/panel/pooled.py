"""What every model fitted to the rows of many symbols can do, and what one fold's fit hands on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from geiger.learning.folds import Fold
from geiger.models.state import State
from geiger.panel.folds import counting, rows_of
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import Floats, FoldScores


class Pooled(ABC):
    """One model that has learned from the rows of many symbols."""

    @property
    def candidates(self) -> int:
        """K: how many candidates `tell` gives, of which one is issued."""
        return 1

    @abstractmethod
    def tell(self, material: PanelMaterial, rows: slice) -> tuple[Floats, Floats]:
        """Return selection (K, R), the simplest candidate last, and timing (R,), in units of the volatility.

        Row t knows features of its own day and, by models with memory, of earlier days of its symbol.
        `material` may be another one than was learned from: symbols are found by their names.
        """

    @abstractmethod
    def state(self) -> State:
        """Return all that `tell` needs as plain values, see `geiger.models.state`."""


@dataclass(frozen=True, eq=False)
class Fit:
    """One fold's model, and how it was made; the attributes are those of `FoldScores`."""

    fold: Fold
    model: Pooled
    rounds: tuple[int, ...]
    learned_rows: int
    seconds: float
    importances: Floats = field(default_factory=lambda: np.empty(0))

    def scores(self, material: PanelMaterial) -> FoldScores:
        """Return what the model says of the fold's test days."""
        rows = rows_of(material, counting(material), self.fold.test)
        selection, timing = self.model.tell(material, rows)
        return FoldScores(
            fold=self.fold,
            rows=rows,
            selection=selection,
            timing=timing,
            rounds=self.rounds,
            learned_rows=self.learned_rows,
            seconds=self.seconds,
            importances=self.importances,
        )


def places_of(symbols: Sequence[str], material: PanelMaterial) -> npt.NDArray[np.int64]:
    """Return where each member of `material` stands among `symbols`; one past their end where it is not."""
    known = {symbol: place for place, symbol in enumerate(symbols)}
    return np.array([known.get(symbol, len(symbols)) for symbol in material.symbols], dtype=np.int64)
