"""What the fixtures of the report hand to a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geiger.runs.folder import StoredRun

Runs = dict[str, StoredRun]
Read = Callable[[str], Any]
Changed = Callable[..., StoredRun]
KINDS = ("ridge", "xgb", "stack", "backtest")
