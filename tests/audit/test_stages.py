"""The stages: the order in which a leak is looked for."""

from __future__ import annotations

from geiger.audit.stages import ORDER, STAGES


def test_stages_stand_in_the_order_of_the_way_from_prices_to_fills() -> None:
    way = ["reader", "bars", "context", "features", "target", "folds", "scaler", "selection", "model"]
    way += ["stack", "conformal", "weights", "fills"]
    assert sorted(way, key=ORDER.__getitem__) == way
    assert set(way) | {"labels"} == set(STAGES)
