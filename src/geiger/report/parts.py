"""What the pages share: tables, charts with their numbers, the notation, and the filling of a template.

All text of runs and logs is escaped by the templates; only the charts, made here, go in as they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from geiger.checks.audited import RED as RED_AUDIT
from geiger.records import Notice, Unit, as_text
from geiger.report.charts import Drawing, drawdown, equity_drawing
from geiger.report.view import Equity, Floats, RunView

if TYPE_CHECKING:
    from jinja2 import Environment

ALARMS = ("LEAK_SUSPECT", "DOCTOR_")  # beginnings of the codes that come before anything good
MOST_ROWS = 60  # of one table
HUGE = 1e9  # from here on a number is written by its power of ten
CHANCE = "No figure on this page says by itself whether this is skill or luck."
SHAPES = {"SUCCESS": "circle", "COLLAPSED": "triangle", "FAILED": "square"}
MEANINGS = {
    "SUCCESS": "the run finished and its forecasts are usable, which is no statement about skill",
    "COLLAPSED": "the forecasts are constant or have one sign only",
    "FAILED": "some forecasts are not finite, so they cannot be used at all",
}


@dataclass(frozen=True)
class Table:
    """One table: the first cell of a row is its heading, the other cells align right unless `prose`."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: bool = False
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawing with its sentence, its legend, and its numbers as a table, where none stands beside it."""

    drawing: Drawing
    caption: str
    table: Table | None = None


@dataclass(frozen=True)
class KeyFigure:
    """One figure that is never shown without its companion."""

    label: str
    value: str
    companion: str
    note: str = ""


def written(value: float | None, unit: Unit) -> str:
    """Write `value` in the notation of its unit; a number too large for a cell by its power of ten."""
    if value is None or not np.isfinite(value) or abs(value) < HUGE:
        return as_text(value, unit)
    return f"{value:.3g}"


def plain(value: float, digits: int) -> str:
    """Write a number that has no unit, as a loss or wealth.

    >>> plain(0.51234, 4), plain(float("nan"), 4), plain(1e300, 2)
    ('0.5123', 'undefined', '1e+300')
    """
    if not np.isfinite(value):
        return "undefined"
    return f"{value:.{digits}f}" if abs(value) < HUGE else f"{value:.3g}"


def _deepest(wealth: Floats) -> str:
    """Write the deepest drawdown; a path that never falls has 0.0%, without a sign."""
    return written(abs(float(drawdown(wealth).min())), "share")


def wealth_chart(name: str, title: str, equity: Equity, words: Mapping[str, str] | None = None) -> Chart:
    """Return growth of 1 and drawdown of each curve; `words` renames the curves."""
    named = {(words or {}).get(curve, curve): values for curve, values in equity.curves.items()}
    ends = ", ".join(
        f"{plain(float(values[-1]), 2)} with {curve} (deepest drawdown {_deepest(values)})"
        for curve, values in named.items()
    )
    gist = f"With returns known from {equity.days[0]} to {equity.days[-1]}, 1 became {ends}."
    rows = []
    for year, last in _last_of_years(equity.days):
        rows.append((str(year), *(plain(float(values[last]), 3) for values in named.values())))
    table = Table("Growth of 1, at the end of each year", ("Year", *named), tuple(rows[:MOST_ROWS]))
    return Chart(equity_drawing(name, gist, equity.days, named, title), gist, table)


def _last_of_years(days: Sequence[dt.date]) -> list[tuple[int, int]]:
    last = {day.year: i for i, day in enumerate(days)}
    return list(last.items())


def alarms_of(view: RunView) -> list[Notice]:
    """Return what must be read before anything good: alarms of the run, then findings that say FAIL."""
    found = [notice for notice in view.notices if is_alarm(notice)]
    if view.status != "SUCCESS":
        text = f"The run ended {view.status}: {MEANINGS.get(view.status, 'see its health below')}."
        found.insert(0, Notice(view.status, text))
    if view.audit is not None and not view.audit.green:
        text = f"The audit is {view.audit.text()}. No figure of this run counts before that is mended."
        found.insert(0, Notice(RED_AUDIT, text))
    said = {notice.code for notice in found}
    told = [one for one in view.findings or () if one.severity == "FAIL" and one.code not in said]
    return found + [Notice(one.code, one.text) for one in told]


def is_alarm(notice: Notice) -> bool:
    """Whether it must be read before anything good."""
    return notice.code.startswith(ALARMS)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("geiger.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made


def render(template: str, **content: Any) -> str:
    """Return the page that a template makes of `content`; a name that it does not fill is an error."""
    style = resources.files("geiger.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    return _environment().get_template(template).render(style=style, **content)


def counted(number: int, word: str) -> str:
    """Write a number of things.

    >>> counted(1, "fold"), counted(3, "fold")
    ('1 fold', '3 folds')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"
