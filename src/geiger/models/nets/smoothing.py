"""The low-pass of xLSTM-TS, run causally.

Lopez Gil et al. (2024) smooth the whole close series with a wavelet: 100 copies of either end are added, one
level of db4 is taken, all detail is set to 0 and the transform is inverted. Every value then holds up to
seven later days. Here the same transform sees only the 256 rows that end with row t and keeps its last value,
so row t is made of rows <= t. The window always has the same length, hence it is a fixed filter of few taps.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geiger.models.nets.backend import keras

Floats = NDArray[np.float64]

WINDOW = 256  # rows the transform sees
EDGE = 100  # copies of the first and the last row around them
# Daubechies (1992), table 6.1: four vanishing moments, here of norm 1.
DB4 = np.array(
    [
        *(0.2303778133088964, 0.7148465705529154, 0.6308807679298587, -0.0279837694168599),
        *(-0.1870348117190931, 0.0308413818355607, 0.0328830116668852, -0.0105974017850690),
    ]
)


def without_detail(x: Floats) -> Floats:
    """Return x (n, ...) without the detail of one periodic db4 level; n is even."""
    rows, half = len(x), len(DB4) // 2
    # Approximation k stands at row 2 k: its rows are the same on the way there and back.
    at = (2 * np.arange(rows // 2)[:, None] + np.arange(1 - half, half + 1)) % rows  # (n / 2, 8)
    approximation = np.tensordot(x[at], DB4, axes=(1, 0))  # (n / 2, ...)
    smooth = np.zeros_like(x)
    for tap, weight in enumerate(DB4):
        smooth[at[:, tap]] += weight * approximation
    return smooth


def smooth_window(x: Floats) -> Floats:
    """Return the smoothed rows of one window (n, ...), edges repeated as published; n is even."""
    padding = [(EDGE, EDGE), *[(0, 0)] * (x.ndim - 1)]
    return without_detail(np.pad(x, padding, mode="edge"))[EDGE:-EDGE]


@cache
def causal_taps() -> tuple[float, ...]:
    """Return the weights of rows t, t - 1, ... in the smoothed row t; they sum to 1.

    >>> [round(tap, 3) for tap in causal_taps()]
    [0.647, 0.457, 0.021, -0.135, -0.022, 0.024, 0.008]
    """
    newest_first = smooth_window(np.eye(WINDOW))[-1, ::-1]  # what each row alone would add
    last = np.flatnonzero(newest_first)[-1]
    return tuple(newest_first[: last + 1].tolist())


class CausalSmoothing(keras.layers.Layer):
    """Smooths each feature by `causal_taps`: (B, S, F) becomes (B, S - history, F).

    Attributes
    ----------
    history : int
        Rows before a row that its smoothed value depends on.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.taps = causal_taps()

    @property
    def history(self) -> int:
        """Rows before a row that its smoothed value depends on."""
        return len(self.taps) - 1

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Nothing is learned."""

    def call(self, x: Any) -> Any:
        """Return the smoothed rows (B, S - history, F) of x (B, S, F)."""
        rows = x.shape[1] - self.history
        parts = [tap * x[:, self.history - age :][:, :rows] for age, tap in enumerate(self.taps)]
        return sum(parts[1:], parts[0])
