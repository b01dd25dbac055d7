"""Rows to forecast, cut into stretches and batches of them, for whatever runs the network on these.

A stretch is `history` days of past and `length` days that are forecast; with `length` 1 it is a lookback
window. Nothing here needs the network itself, nor Keras or JAX.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from geiger.models.nets.jobs import SHORT_ROWS, Floats, Ints, Job, padded, round_up

PAD = -1  # a stretch that is not there


class Forecasting(ABC):
    """A network that can forecast, for one shape of stretches.

    Attributes
    ----------
    width : int
        Number of features F.
    history, length : int
        Days of past and days that are forecast in a stretch.
    per_batch : int
        Stretches in a batch.
    """

    width: int
    history: int
    length: int
    per_batch: int

    @property
    @abstractmethod
    def run_forecast(self) -> Any:
        """(weights, data, order, steps) -> forecasts (m,), tokens (m, width) at targets, else 0.

        Weights, data and order, and both results, have a leading axis of members.
        """

    def stretches(self, rows: Ints) -> Ints:
        """Return first input positions of the stretches that cover the target rows (n,), each row once."""
        starts, i = [], 0
        while i < len(rows):
            starts.append(rows[i])
            i = int(np.searchsorted(rows, rows[i] + self.length))
        return np.array(starts, np.int64) - self.history

    def padded(self, rows: int, least: int = SHORT_ROWS) -> int:
        """Return what a series of so many rows is padded to."""
        return round_up(rows, least)

    def steps(self, starts: Ints) -> int:
        """Return how many batches the stretches fill."""
        return -(-len(starts) // self.per_batch)

    def batches(self, starts: Ints, capacity: int) -> Ints:
        """Return starts in batches (capacity or more, per batch), filled up with `PAD`."""
        capacity = max(capacity, self.steps(starts))
        table = np.full((capacity, self.per_batch), PAD, np.int64)
        table.flat[: len(starts)] = starts
        return table


def forecast(program: Forecasting, job: Job, weights: Any, rows: Ints) -> tuple[Floats, Floats]:
    """Return forecasts (n,) and tokens (n, width) of the rows (n,) of a job, in the unit of the loss."""
    data, capacity = stacked(program, [job], program.padded(len(job.series)))
    starts = program.stretches(rows)
    order = program.batches(starts, capacity)[None]
    # Views of plain arrays: JAX would copy each, one by one.
    one = tuple([np.asarray(a)[None] for a in arrays] for arrays in weights)
    found = program.run_forecast(one, data, order, program.steps(starts))
    return np.asarray(found[0][0])[rows], np.asarray(found[1][0])[rows]


def stacked(program: Forecasting, jobs: Sequence[Job], rows: int) -> tuple[dict[str, Any], int]:
    """Return the members' data, padded to so many rows, and how many batches an order has room for."""
    tables = [padded(job, rows, program.length) for job in jobs]
    data = {name: np.stack([t[name] for t in tables]) for name in tables[0]}
    data["penalty"] = np.asarray([job.penalty for job in jobs], np.float32)
    return data, -(-rows // (program.length * program.per_batch)) + 2
