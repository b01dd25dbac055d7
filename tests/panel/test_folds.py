"""Folds of a panel: days that count, in order, and labels that were known."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from geiger.errors import GeigerError
from geiger.panel.folds import counting, panel_folds, rows_of, spans, use_fold
from helpers.panels import panel_config


def rows(counts: np.ndarray, names: int = 3) -> Any:
    """As much of a panel's material as folds need: `names` rows on each day that counts."""
    day = np.repeat(np.flatnonzero(counts), names)
    edges = np.searchsorted(day, np.arange(len(counts) + 1))

    def between(first: int, stop: int) -> slice:
        return slice(int(edges[first]), int(edges[stop]))

    return SimpleNamespace(name="MADE", counts=counts, day=day, edges=edges, rows=between)


@pytest.fixture
def holed() -> Any:
    """Four hundred days; the first thirty, and every seventh, do not count."""
    counts = np.arange(400) % 7 != 3
    counts[:30] = False
    return rows(counts)


def test_they_are_cut_over_the_days_that_count(holed: Any) -> None:
    config = panel_config()
    days = counting(holed)
    folds = panel_folds(holed, config)
    assert folds[-1].test.stop == len(days) - config.horizon - 1  # later outcomes are not known
    for fold, span in zip(folds, spans(folds), strict=True):
        assert span == range(fold.train.start, fold.valid.stop)
        # Row t is known with the open of t + 2: the last one learned from is known on the first test day.
        assert fold.valid.stop - 1 + config.horizon + 1 <= fold.test.start
        learned, forecast = rows_of(holed, days, span), rows_of(holed, days, fold.test)
        assert learned.stop <= forecast.start
        assert holed.day[learned.stop - 1] == days[fold.valid.stop - 1]
        assert holed.day[forecast.start] == days[fold.test.start]
        assert forecast.stop - forecast.start == 3 * len(fold.test)
    for one, following in itertools.pairwise(folds):
        assert one.test.stop == following.test.start


def test_the_rows_of_no_day_are_none(holed: Any) -> None:
    assert rows_of(holed, counting(holed), range(5, 5)) == slice(0, 0)


def test_the_fold_for_use_learns_from_all_that_is_known(holed: Any) -> None:
    config, days = panel_config(), counting(holed)
    fold = use_fold(holed, config)
    assert fold.index == panel_folds(holed, config)[-1].index + 1
    assert fold.test[-1] == len(days) - 1
    assert fold.valid.stop - 1 + config.horizon + 1 <= len(days) - 1


def test_more_days_move_no_earlier_border(holed: Any) -> None:
    config = panel_config()
    long = panel_folds(holed, config)
    short = panel_folds(rows(holed.counts[:330]), config)
    assert len(short) < len(long)
    for one, other in zip(short[:-1], long, strict=False):
        assert one == other


def test_too_few_days_are_refused() -> None:
    with pytest.raises(GeigerError):
        panel_folds(rows(np.ones(100, dtype=bool)), panel_config())
