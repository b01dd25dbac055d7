"""Made trials: returns, scores and registers with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from geiger.evidence.day_files import DayValues
from geiger.evidence.trial import Trial

FIRST = 15_000  # 2011-01-26, days since 1970-01-01
ROWS = 500


def values(seed: int, rows: int = 2 * ROWS, first: int = FIRST, scale: float = 0.01) -> DayValues:
    """Return normal values on days in a row; more rows of a seed go on where fewer ended."""
    made = np.random.default_rng(seed).standard_normal(rows) * scale
    return DayValues(np.arange(first, first + rows, dtype=np.int32), made.astype(np.float32))


def day(number: int) -> str:
    """Return the day that is so many after the first."""
    return str(dt.date(1970, 1, 1) + dt.timedelta(days=FIRST + number))


def trial(key: str = "a", symbol: str = "AAPL", start: int = 0, rows: int = ROWS, **changes: Any) -> Trial:
    """Return a trial of `rows` days from day `start` on."""
    facts: dict[str, Any] = {
        "kind": "skill",
        "key": key,
        "symbol": symbol,
        "model": "ridge",
        "run": f"{symbol}_ridge_20240105_143022",
        "first": day(start),
        "last": day(start + rows - 1),
        "rows": rows,
        "statistic": 1.25,
        "p_value": 0.105,
        "settings": "ridge, default",
    }
    return Trial(**{**facts, **changes})
