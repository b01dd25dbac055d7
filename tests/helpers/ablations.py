"""A few arms of the ablation on made markets of few rows."""

from __future__ import annotations

from geiger.studies.arms import Arm
from geiger.studies.markets import MadeMarket, Market

WEAK = Arm("weak", "penalty", "ridge", "A weak penalty.", "", {"ridge": {"alphas": (1.0,)}})
STRONG = Arm("strong", "penalty", "ridge", "A strong one.", "weak", {"ridge": {"alphas": (1e6,)}})
ARMS_HERE = (WEAK, STRONG)
ROWS = {"train_rows": 300, "test_rows": 100}


def made(numbers: int = 2) -> list[Market]:
    volume: list[Market] = [MadeMarket("volume", 0.1, i, **ROWS) for i in range(numbers)]
    return [*volume, MadeMarket(None, 0.0, 0, **ROWS)]
