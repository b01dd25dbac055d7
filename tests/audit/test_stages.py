"""The stages: the order in which a leak is looked for."""

from __future__ import annotations

from geiger.audit.stages import BUILT_IN, ORDER, PANEL_STAGES, STAGES, panel_stages_table, stages_table


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


def test_stages_of_a_panel_stand_in_the_order_of_the_way_and_each_is_told_once() -> None:
    way = ["rows", "bars", "features", "normalised", "target", "folds", "model", "candidate", "slope"]
    way += ["forecasts", "weights", "fills"]
    order = list(PANEL_STAGES)
    assert sorted(way, key=order.index) == way
    assert [row.split("`")[1] for row in panel_stages_table().splitlines()[2:]] == order
