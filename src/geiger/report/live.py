"""The numbers behind a chart that can be pointed at and zoomed: what the script of a page reads.

A chart without them stays the picture it is. Text in here reaches the page inside an element that nothing
runs, with every character escaped that could end it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DIGITS = 5  # of a number
LINES = 6  # colours there are
_EPOCH = dt.date(1970, 1, 1)
_ESCAPES = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&'\u2028\u2029"}


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes: lines over the same days or numbers.

    Attributes
    ----------
    label : str
        Of the axis, with its unit.
    lines : mapping of str to array (n,)
        In the order of their colours; not a number leaves a gap.
    first : int
        Number of the first line's colour, from 1.
    dashes : sequence of tuple of float
        Of each line; none where there are fewer.
    digits : int or None
        Behind the point, where a value is shown.
    """

    label: str
    lines: Mapping[str, Floats]
    first: int = 1
    dashes: Sequence[Sequence[float]] = ()
    height: int = 220
    digits: int | None = None
    suffix: str = ""
    step: bool = False
    bars: bool = False
    points: bool = False
    below: str = ""  # what runs from left to right, where it is no day
    falls: bool = False  # percent below the highest of the panel above, which the script reckons; no values


@dataclass(frozen=True, eq=False)
class Live:
    """A chart: panels one below the other over the same days, or over the same numbers.

    Attributes
    ----------
    at : sequence of date, or array (n,)
        Ascending.
    log : bool
        Whether the first panel may stand on a logarithmic scale, and `begins_log` whether it does at first.
    """

    at: Sequence[dt.date] | Floats
    panels: tuple[Panel, ...] = field(default_factory=tuple)
    log: bool = False
    begins_log: bool = False

    def text(self) -> str:
        """Return it as JSON that can stand in a page."""
        time = not isinstance(self.at, np.ndarray)
        x = [(day - _EPOCH).days for day in self.at] if time else _numbers(self.at)
        facts = {
            "time": time,
            "log": self.log,
            "begins": self.begins_log,
            "x": x,
            "panels": [_panel(panel) for panel in self.panels],
        }
        return json.dumps(facts, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _panel(panel: Panel) -> dict[str, Any]:
    series = []
    for i, (name, values) in enumerate(panel.lines.items()):
        one: dict[str, Any] = {
            "name": name,
            "line": (panel.first - 1 + i) % LINES + 1,
            "y": [] if panel.falls else _numbers(values),
        }
        if i < len(panel.dashes) and panel.dashes[i]:
            one["dash"] = list(panel.dashes[i])
        if panel.points:
            one["points"] = True
        series.append(one)
    facts: dict[str, Any] = {"label": panel.label, "height": panel.height, "series": series}
    for name in ("step", "bars", "falls", "suffix", "digits"):
        value = getattr(panel, name)
        if value or value == 0:
            facts[name] = value
    if panel.below:
        facts["x"] = panel.below
    return {name: value for name, value in facts.items() if value is not False}


def _numbers(values: Any) -> list[float | None]:
    """Return numbers that JSON can hold, short; None where there is none."""
    return [
        None if not np.isfinite(value) else float(f"{value:.{DIGITS}g}")
        for value in np.asarray(values, np.float64).tolist()
    ]
