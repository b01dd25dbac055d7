from __future__ import annotations

import numpy as np

from geiger.models.nets.jobs import ROWS_STEP, SHORT_ROWS, Job, padded, round_up


def test_few_lengths_are_compiled() -> None:
    assert {round_up(rows) for rows in (1, 100, SHORT_ROWS)} == {SHORT_ROWS}
    assert {round_up(rows) for rows in (SHORT_ROWS + 1, ROWS_STEP)} == {ROWS_STEP}
    assert round_up(ROWS_STEP + 1) == 2 * ROWS_STEP
    assert {round_up(rows, ROWS_STEP) for rows in (1, SHORT_ROWS, ROWS_STEP)} == {ROWS_STEP}


def test_what_fills_a_series_up_weighs_nothing() -> None:
    ones = np.ones(5, np.float32)
    at = np.arange(5)
    job = Job(np.ones((5, 2), np.float32), 2 * ones, 3 * ones, ones, at, at[:0], penalty=0.0, seed=0)
    arrays = padded(job, rows=8, tail=3)
    assert {name: a.shape for name, a in arrays.items()} == {
        "series": (11, 2),
        "base": (11,),
        "y": (11,),
        "weight": (11,),
    }
    for name, value in (("series", 1.0), ("base", 2.0), ("y", 3.0), ("weight", 1.0)):
        assert (arrays[name][:5] == value).all(), name
        assert not arrays[name][5:].any(), name
