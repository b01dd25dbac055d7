"""What was found: the first move counts, stages stand in their order."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from geiger.audit.cuts import Cut
from geiger.audit.findings import WORDS, Findings
from geiger.audit.tables import Moved, Table
from geiger.audit.worlds import FUTURES

FIRST = dt.date(2020, 1, 1)
DAYS = np.datetime64(FIRST) + np.arange(6)
CUT = Cut(3, dt.date(2020, 1, 4), "here")


def table(stage: str, values: object = None) -> Table:
    numbers = np.arange(6.0) if values is None else np.asarray(values, float)
    return Table(stage, ("a",), DAYS, DAYS, numbers[:, None])


def test_comparing_counts_what_was_known_and_ends_with_the_first_move() -> None:
    found = Findings()
    other = [0.0, 1.0, 2.0, 9.0, 4.0, 5.0]
    pairs = [(table("bars"), table("bars")), (table("features"), table("features", other))]
    pairs += [(table("target"), table("target", other))]
    assert found.compare(pairs, CUT, "noise")
    assert [stage.stage for stage in found.stage_checks()] == ["bars", "features"]
    assert [stage.values for stage in found.stage_checks()] == [4, 4]
    (leak,) = found.leak_records(DAYS)
    assert (leak.stage, leak.column, leak.day, leak.cut) == ("features", "a", "2020-01-04", "2020-01-04")
    assert leak.world == FUTURES["noise"].words


def test_the_first_world_in_which_a_column_moved_is_told() -> None:
    found = Findings()
    moved = Moved("features", "a", FIRST, 0.5, 1, FIRST, 1)
    assert found.take(moved, CUT, "next_row")
    assert found.take(moved, CUT, "tenfold")
    assert not found.take(None, CUT, "noise")
    assert [leak.world for leak in found.leak_records(DAYS)] == [WORDS["next_row"]]


def test_leaks_stand_in_the_order_of_the_stages() -> None:
    found = Findings()
    for stage in ("weights", "scaler", "features"):
        found.take(Moved(stage, "a", FIRST, float("inf"), 1, FIRST, 1), CUT, "noise")
    leaks = found.leak_records(DAYS)
    assert [leak.stage for leak in leaks] == ["features", "scaler", "weights"]
    assert leaks[0].size is None


def test_fits_of_another_audit_are_added_and_its_cheap_stages_are_not() -> None:
    mine, other = Findings(), Findings()
    mine.count("model", 1, 10, 1.0)
    other.count("model", 2, 5, 0.5)
    other.count("bars", 7, 70, 0.1)
    other.take(Moved("model", "forecast", FIRST, 1.0, 1, FIRST, 1), CUT, "noise")
    mine.add_fits(other)
    tallies = {stage.stage: (stage.worlds, stage.values) for stage in mine.stage_checks()}
    assert tallies["model"] == (3, 15)
    assert "bars" not in tallies
    assert mine.leaks


@pytest.mark.parametrize("kind", WORDS)
def test_every_kind_of_world_has_words(kind: str) -> None:
    assert WORDS[kind]
