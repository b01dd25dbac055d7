"""The stages between prices and fills, in order: what each hands on, of a symbol and of a panel."""

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
PANEL_STAGES: Mapping[str, str] = MappingProxyType(
    {
        "reader": "files of some symbols, read again with their later lines removed",
        "rows": "days that count, and which symbols take part in them",
        "bars": "bars of every symbol, adjusted for splits and dividends",
        "features": "every column of every symbol",
        "normalised": "the same in past deviations of the symbol, or in ranks of the day",
        "volatility": "daily volatility by which outcomes are divided",
        "tradable": "rows that are scored, because their opens were prices",
        "target": "outcomes, what lies beyond the mean of the day, and that mean, with the day each is known",
        "labels": "labels of each fold's rows, those of halted symbols too, against its first decision",
        "folds": "days that each fold learns from and forecasts",
        "selection": "rounds and penalties that a fit chose, and rows that it learned from",
        "model": "scores and timing of the test rows, refitted",
        "candidate": "which of several scores of a model is issued, and those scores",
        "stack": "what several models say together",
        "slope": "slopes by which scores and timing are scaled",
        "forecasts": "what is issued, row by row",
        "weights": "positions of the portfolio",
        "fills": "returns and costs of each holding interval",
        "members": "rows of the other symbols where one is left out",
    }
)
"""The stages of a panel, in order."""
ORDER: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(STAGES)})
BUILT_IN = tuple(name for name in STAGES if ORDER[name] >= ORDER["scaler"])
"""Stages that our code makes alone: what they do follows from it and the settings, whatever the data."""


def stages_table() -> str:
    """Return the table of docs/audit.md."""
    once, each = "once for a code and its settings", "of each symbol"
    rows = [f"| `{name}` | {what} | {once if name in BUILT_IN else each} |" for name, what in STAGES.items()]
    return "\n".join(["| stage | what it hands on | audited |", "|---|---|---|", *rows]) + "\n"


def panel_stages_table() -> str:
    """Return the table of a panel's stages, of docs/audit.md."""
    rows = [f"| `{name}` | {what} |" for name, what in PANEL_STAGES.items()]
    return "\n".join(["| stage | what it hands on |", "|---|---|", *rows]) + "\n"
