"""What one member learns from, as arrays, and how they are filled up so that few shapes are compiled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
ROWS_STEP = 4096  # series are padded to a multiple of this, so that few shapes are compiled
SHORT_ROWS = 512  # what a forecast of the last days needs where nothing was trained before


@dataclass(frozen=True)
class Job:
    """What one member learns from, all in the unit of the loss.

    Attributes
    ----------
    series : (m, F) float32
        Scaled features of consecutive rows.
    base : (m,) float32
        What the network's change is added to, see `ResidualHead`.
    y : (m,) float32
        Return of the target, not centred, so that its sign is that of the return; 0 where it is not known.
    weight : (m,) float32
        Sample weight of the rows that are learned from; 0 for all others.
    train, valid : (n,) int64
        Positions of the rows that are learned from and of those that choose when to stop, ascending.
    penalty : float
        Half of it times the sum of squared kernels is added to the loss.
    seed : int
        Order of the stretches, and dropout.
    """

    series: Floats
    base: Floats
    y: Floats
    weight: Floats
    train: Ints
    valid: Ints
    penalty: float
    seed: int


def padded(job: Job, rows: int, tail: int) -> dict[str, Floats]:
    """Return the arrays, filled to `rows` rows and a `tail` to run into; both weigh nothing."""
    extra = rows + tail - len(job.series)

    def fill(a: Floats) -> Floats:
        return np.concatenate([a, np.zeros((extra, *a.shape[1:]), np.float32)])

    arrays = {"series": job.series, "base": job.base, "y": job.y, "weight": job.weight}
    return {name: fill(np.asarray(a, np.float32)) for name, a in arrays.items()}


def round_up(rows: int, least: int = SHORT_ROWS) -> int:
    """Return the padded number of rows, `least` or a multiple of `ROWS_STEP`."""
    return least if rows <= least else -(-rows // ROWS_STEP) * ROWS_STEP
