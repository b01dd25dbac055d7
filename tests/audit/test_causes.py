"""What a move is said to come from: one shape of each kind of leak."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace

import pytest

from geiger.audit.causes import CLOCK, DECISION_BAR, ONE_LESS, RESCALED, cause_of
from geiger.audit.stages import PANEL_STAGES, STAGES
from geiger.audit.tables import Moved

DAY = dt.date(2020, 1, 2)


def at(stage: str, *, size: float = 0.5, rows: int = 3) -> Moved:
    return Moved(stage, "x", DAY, size, rows, DAY, 1)


@pytest.mark.parametrize(
    ("found", "kind", "reach", "words"),
    [
        (at("features"), "next_row", 4, "centred window"),
        (at("features", rows=1), "next_row", 1, "reads the next one"),
        (at("features", rows=900), "noise", 900, "whole series"),
        (at("features", size=math.inf), "noise", 2, "filled from later rows"),
        (at("features"), RESCALED, 900, "price level"),
        (at("context", rows=1), "next_row", 1, "a day ahead"),
        (at("scaler"), "tenfold", 1, "full-sample scaler"),
        (at("selection"), "tenfold", 1, "early stopping"),
        (at("model"), "noise", 1, "shuffled split"),
        (at("stack"), "noise", 1, "rows that they are used on"),
        (at("fills"), DECISION_BAR, 1, "bar that it was decided on"),
        (at("labels"), CLOCK, 1, "overlap the split"),
        (replace(at("labels"), member="A"), CLOCK, 1, "did not trade for some days"),
        (at("rows"), "ended", 1, "survivorship"),
        (at("normalised", rows=900), "noise", 900, "the whole sample"),
        (at("normalised"), "noise", 5, "reaches 5 rows ahead"),
        (replace(at("target"), column="mean"), "noise", 1, "the mean of another day"),
        (at("target"), "noise", 1, "a label depends on bars behind"),
        (at("candidate"), "noise", 1, "of its own rows"),
        (at("slope"), "noise", 1, "not known by their day"),
        (at("members"), ONE_LESS, 1, "made of other symbols"),
    ],
)
def test_each_kind_of_leak_is_told_by_its_shape(found: Moved, kind: str, reach: int, words: str) -> None:
    assert words in cause_of(found, kind, reach)[0]


@pytest.mark.parametrize("stage", {**STAGES, **PANEL_STAGES})
def test_every_stage_has_a_cause_and_a_mend(stage: str) -> None:
    cause, mend = cause_of(at(stage), "noise", 5)
    assert cause
    assert mend
    assert cause != mend
