"""What the pages share: tables, charts with their numbers, the notation, and the filling of a template.

All text of runs and logs is escaped by the templates; only the charts, made here, go in as they are. The two
scripts of a page, the chart library and ours, stand in it, and the page's own policy lets no other run.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geiger.checks.audited import RED as RED_AUDIT
from geiger.checks.trading import beta as BETA
from geiger.errors import DataError
from geiger.glossary import TERMS, pieces
from geiger.records import Answer, Notice, Unit, as_text
from geiger.report.charts import Drawing, drawdown, equity_drawing
from geiger.report.view import Equity, Floats, RunView
from geiger.runs.gist import Gist

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

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
    """One table: the first cell of a row is its heading, the other cells align right unless `prose`.

    Attributes
    ----------
    steps : tuple of tuple of int
        Colour of each cell but the first of a row, 1 (far below 0) to 7 (far above); 0 has none.
    links : tuple of str
        Where the heading of each row leads, relative to the page; empty for nowhere.
    sortable : bool
        Whether a script may sort it by any column.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    prose: bool = False
    note: str = ""
    steps: tuple[tuple[int, ...], ...] = ()
    links: tuple[str, ...] = ()
    sortable: bool = False

    @property
    def csv(self) -> str:
        """Return an address that holds the table as CSV: it opens without a server and without a script."""
        lines = "\n".join(",".join(map(_cell, row)) for row in (self.columns, *self.rows))
        return "data:text/csv;charset=utf-8," + _UNSAFE.sub(lambda m: f"%{ord(m[0]):02X}", lines)

    @property
    def file(self) -> str:
        """Return what the CSV is called.

        >>> Table("By calendar year, net", (), ()).file
        'by-calendar-year-net.csv'
        """
        return re.sub(r"[^a-z0-9]+", "-", self.caption.lower()).strip("-")[:60] + ".csv"


_UNSAFE = re.compile(r"[%#\n\r\t]")  # what an address may not hold as it is
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.])")  # what a spreadsheet would run


def _cell(text: str) -> str:
    """Return one cell of a CSV, which no spreadsheet takes for a formula.

    >>> _cell('a "b", c'), _cell("=1+1"), _cell("+5.1 pp")
    ('"a ""b"", c"', "'=1+1", '+5.1 pp')
    """
    safe = f"'{text}" if _FORMULA.match(text) else text
    return '"' + safe.replace('"', '""') + '"' if re.search(r'[",\n]', safe) else safe


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
    told = [
        one
        for one in view.findings or ()
        if (one.severity == "FAIL" or one.code == BETA.code) and one.code not in said
    ]
    return found + [Notice(one.code, f"{one.title}: {one.text}") for one in told]


@dataclass(frozen=True)
class Answered:
    """The first thing of a page: the answer in a word, its sentence, and what is known besides.

    Attributes
    ----------
    tone : str
        Of its colour: ``found``, ``none``, ``open`` or ``alarm``.
    """

    word: str
    sentence: str
    tone: str
    facts: tuple[tuple[str, str], ...] = ()
    wrong: tuple[Notice, ...] = ()
    next: str = ""


_TONES = {
    Answer.SIGNAL: "found",
    Answer.SIGNAL_IF_IN_TIME: "found",
    Answer.NO_SIGNAL: "none",
    Answer.CANNOT_TELL: "open",
}


def answered(gist: Gist | None, alarms: Sequence[Notice] = ()) -> Answered | None:
    """Return the gist as a page begins with it; an alarm, told below, colours whatever the answer is."""
    if gist is None:
        return None
    word, _, sentence = gist.headline.partition(": ")
    if gist.answer is None:
        word, sentence = word.capitalize(), CHANCE
    told = {notice.code for notice in alarms}
    tone = "open" if gist.answer is None else _TONES[gist.answer]
    return Answered(
        word=word,
        sentence=_sentence(sentence),
        tone="alarm" if told - {BETA.code} else tone,
        facts=tuple((name, _sentence(text)) for name, text in gist.facts),
        wrong=tuple(notice for notice in gist.wrong if notice.code not in told),
        next=gist.next,
    )


def _sentence(text: str) -> str:
    """Begin with a capital and end with a full stop.

    >>> _sentence("slope 0.1 (p 0.3)")
    'Slope 0.1 (p 0.3).'
    """
    return text if not text else text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


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
    made.filters["terms"] = _with_terms
    made.filters["commands"] = _with_commands
    return made


def _with_commands(text: str) -> Markup:
    """Return a text, escaped, with what stands between backticks set as code.

    >>> print(_with_commands("a < b; `geiger audit` makes one, ` not"))
    a &lt; b; <code>geiger audit</code> makes one, ` not
    """
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _with_terms(text: str) -> Markup:
    """Return a text, escaped, whose words of the glossary open their entry.

    What follows a word without a space stays on its line: a browser may break a line behind any button.
    """
    from markupsafe import Markup, escape

    button = '<button type="button" class="term" popovertarget="{}" title="{}">{}</button>'
    found = list(pieces(str(text)))
    made, tied = Markup(""), ""
    for i, (piece, term) in enumerate(found):
        rest = piece.removeprefix(tied)
        tied = ""
        if term is None:
            made += escape(rest)
            continue
        word = Markup(button).format(f"pop-{term.anchor}", term.words, rest)
        follows = _TIED.match(found[i + 1][0]) if i + 1 < len(found) and found[i + 1][1] is None else None
        tied = "" if follows is None else follows[0]
        made += Markup('<span class="tied">{}{}</span>').format(word, tied) if tied else word
    return made


_TIED = re.compile(r"[^\s(]+")


def render(template: str, **content: Any) -> str:
    """Return the page that a template makes of `content`; a name that it does not fill is an error."""
    scripts = (_of_library("uPlot.iife.js"), _file("templates/live.js"))
    page = (
        _environment()
        .get_template(template)
        .render(
            style=_of_library("uPlot.min.css") + _file("templates/page.css"),
            scripts=scripts,
            policy=" ".join(f"'{_digest(script)}'" for script in scripts),
            **content,
        )
    )
    used = set(re.findall(r'popovertarget="pop-(term-[a-z0-9-]+)"', page))
    terms = [term for term in TERMS if term.anchor in used]
    return page.replace(GLOSSARY, _environment().get_template("glossary.html.j2").render(terms=terms))


GLOSSARY = "<!-- glossary -->"  # where it goes, once it is known which words a page has


@cache
def _file(name: str) -> str:
    return resources.files("geiger.report").joinpath(name).read_text(encoding="utf-8").strip()


@cache
def _of_library(name: str) -> str:
    """Return a file of uPlot, which `uplot-python` carries; that package itself, and IPython, stay unloaded.

    Raises
    ------
    DataError
        The package is not installed.
    """
    found = find_spec("uplot")
    if found is None or not found.submodule_search_locations:
        raise DataError("a page needs the charts of uplot-python: `pip install uplot-python`")
    path = Path(found.submodule_search_locations[0]) / "static" / name
    text = path.read_text(encoding="utf-8").strip()
    if "</script" in text.lower() or "</style" in text.lower():
        raise DataError(f"{path}: would end its own element in a page; install another version")
    return text


@cache
def _digest(script: str) -> str:
    """Return what a policy calls a script that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def counted(number: int, word: str) -> str:
    """Write a number of things.

    >>> counted(1, "fold"), counted(3, "fold")
    ('1 fold', '3 folds')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"
