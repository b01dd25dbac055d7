"""Errors of earlier forecasts: which rows count, and when their outcome is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.evidence.conformal import HALFLIFE, scores_of
from geiger.experiment.past_errors import past_errors
from helpers.stacks import base, material


@pytest.mark.parametrize(("fill", "delay"), [("next_open", 2), ("close", 1)])
def test_outcomes_are_known_after_their_exit(fill: str, delay: int) -> None:
    known = material(fill=fill)
    history = base("a", known, np.zeros(known.prices.height)).forecasts
    errors = past_errors(history, known)
    assert errors.known_from.tolist() == [row + delay for row in range(history.height)]
    scale = known.volatility_on(history["day"], HALFLIFE)
    assert np.array_equal(errors.scores, scores_of(history["forecast"], history["outcome"], scale))


def test_rows_without_an_outcome_are_left_out() -> None:
    known = material()
    history = base("a", known, np.zeros(known.prices.height)).forecasts
    missing = history.with_columns(
        outcome=pl.when(pl.int_range(pl.len()) < 5).then(None).otherwise(pl.col("outcome"))
    )
    errors = past_errors(missing, known)
    assert errors.days.to_list() == history["day"].to_list()[5:]
    assert len(errors.scores) == history.height - 5
