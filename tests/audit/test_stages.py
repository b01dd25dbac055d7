"""The stages: the order in which a leak is looked for."""

from __future__ import annotations

from geiger.audit.stages import BUILT_IN, ORDER, STAGES, stages_table


def test_stages_stand_in_the_order_of_the_way_from_prices_to_fills() -> None:
    way = ["reader", "bars", "context", "features", "target", "folds", "scaler", "selection", "model"]
    way += ["stack", "conformal", "weights", "fills"]
    assert sorted(way, key=ORDER.__getitem__) == way
    assert set(way) | {"labels"} == set(STAGES)


def test_what_our_code_makes_alone_begins_with_the_scaler() -> None:
    assert tuple(STAGES)[list(STAGES).index("scaler") :] == BUILT_IN


def test_the_table_names_each_stage_once() -> None:
    rows = stages_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(STAGES)
    assert {row.split("`")[1] for row in rows if "of each symbol" in row} == set(STAGES) - set(BUILT_IN)
