from __future__ import annotations

from geiger.studies import ablate
from geiger.studies.ablate import (
    config_of,
)
from geiger.studies.arms import ARMS
from geiger.studies.markets import made_markets


def test_the_table_of_arms_holds_together() -> None:
    names = [arm.name for arm in ARMS]
    assert len(set(names)) == len(names)
    market = made_markets(1)[0]
    for arm in ARMS:
        assert arm.base in ("", *names), arm.name
        assert arm.question.endswith((".", "?"))
        assert config_of(arm, market).fill == "next_open"  # the same target for all
        assert config_of(arm, market).seeds == arm.changes.get("seeds", 1)
        ablate._forecaster(arm, config_of(arm, market))
