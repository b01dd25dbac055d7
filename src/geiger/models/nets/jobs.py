"""What one member learns from, as arrays, and how they are filled up so that few shapes are compiled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
ROWS_STEP = 4096  # series are padded to a multiple of this, so that few shapes are compiled
SHORT_ROWS = 512  # what a forecast of the last days needs; padding it to more would take longest


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
    rates : tuple of float, optional
        Train one epoch at each of these rates, whatever the schedule says: an earlier course again.
    """

    series: Floats
    base: Floats
    y: Floats
    weight: Floats
    train: Ints
    valid: Ints
    penalty: float
    seed: int
    rates: tuple[float, ...] | None = None


def padded(job: Job, rows: int, tail: int) -> dict[str, Floats]:
    """Return the arrays, filled to `rows` rows and a `tail` to run into; both weigh nothing."""
    extra = rows + tail - len(job.series)

    def fill(a: Floats) -> Floats:
        return np.concatenate([a, np.zeros((extra, *a.shape[1:]), np.float32)])

    arrays = {"series": job.series, "base": job.base, "y": job.y, "weight": job.weight}
    return {name: fill(np.asarray(a, np.float32)) for name, a in arrays.items()}


def round_up(rows: int) -> int:
    """Return the padded number of rows."""
    return SHORT_ROWS if rows <= SHORT_ROWS else -(-rows // ROWS_STEP) * ROWS_STEP
