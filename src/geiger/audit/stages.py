"""The stages between prices and fills, in order: what each hands on, and what stands where it leaks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "reader": "the file, read again with its later lines removed",
        "bars": "bars on which everything is built, adjusted for splits and dividends",
        "context": "closes of the index and the volatility index, joined to the symbol's days",
        "features": "every column, on every row",
        "target": "labels, and the day on which each claims to be known",
        "labels": "labels of each fold's train rows, against the clock of its first decision",
        "folds": "rows that each fold learns from and forecasts",
        "scaler": "centres and scales of the train rows",
        "selection": "rounds, penalties and features that a fit chose",
        "model": "forecasts of the test rows, refitted",
        "stack": "weights of base models, and the forecasts made of them",
        "conformal": "bounds of the intervals",
        "weights": "positions",
        "fills": "prices, costs and returns of each position",
    }
)
ORDER: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(STAGES)})
BUILT_IN = tuple(name for name in STAGES if ORDER[name] >= ORDER["scaler"])
"""Stages that our code makes alone: what they do follows from it and the settings, whatever the data."""


def stages_table() -> str:
    """Return the table of docs/audit.md."""
    once, each = "once for a code and its settings", "of each symbol"
    rows = [f"| `{name}` | {what} | {once if name in BUILT_IN else each} |" for name, what in STAGES.items()]
    return "\n".join(["| stage | what it hands on | audited |", "|---|---|---|", *rows]) + "\n"
