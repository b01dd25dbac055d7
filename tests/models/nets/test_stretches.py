from __future__ import annotations

import numpy as np

from geiger.models.nets.forecaster import job_of, program_of
from geiger.models.nets.jobs import ROWS_STEP
from geiger.models.nets.program import batched
from geiger.models.nets.stretches import PAD, Forecasting, stacked
from helpers.networks import SMALL, arrays


class Counting(Forecasting):
    """Stretches of 3 days after 2 of past, 4 in a batch; runs nothing."""

    width, history, length, per_batch = 1, 2, 3, 4
    run_forecast = None


def test_rows_are_covered_once_by_the_fewest_stretches() -> None:
    rows = np.array([2, 3, 4, 5, 9, 10, 12])
    starts = Counting().stretches(rows)
    assert starts.tolist() == [0, 3, 7, 10]  # of the past: days 2-4, 5-7, 9-11, 12-14
    assert Counting().steps(starts) == 1
    assert Counting().steps(np.append(starts, 13)) == 2


def test_what_is_not_there_fills_the_batches_up() -> None:
    table = Counting().batches(np.array([0, 3, 7, 10, 13]), capacity=1)
    assert table.tolist() == [[0, 3, 7, 10], [13, PAD, PAD, PAD]]
    assert Counting().batches(np.array([0]), capacity=2).tolist() == [[0, PAD, PAD, PAD], [PAD] * 4]


def test_a_network_is_trained_on_the_arrays_it_forecasts_from() -> None:
    data = arrays()
    program = program_of(SMALL, 6, False)
    job = job_of(SMALL, program, data.train, data.valid, 7)
    plain, room = stacked(program, [job], program.padded(len(job.series), ROWS_STEP))
    given, same_room = batched(program, [job])
    assert room == same_room
    assert plain.keys() == given.keys()
    for name, array in plain.items():
        np.testing.assert_array_equal(array, given[name])
