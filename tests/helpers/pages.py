"""What the fixtures of the report hand to a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geiger.runs.folder import StoredRun

Runs = dict[str, StoredRun]
Read = Callable[[str], Any]
Changed = Callable[..., StoredRun]
KINDS = ("ridge", "xgb", "stack", "backtest")
# closes what it can stand in, opens what must not run, turns the direction, and looks like a log
HOSTILE = "</svg></style><script>alert(1)</script><img src=x onerror=alert(1)>\u202e$\\frac{$\n=== STATUS ==="
