"""The charts of a panel's page: points and bars with errors, heat maps, small multiples, sums over days.

In the style of `geiger.report.charts`: drawn wide and narrow, in the page's own colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geiger.report.charts import (
    HEAT,
    INK,
    RULE,
    SERIES,
    SOFT,
    Drawing,
    Floats,
    Key,
    Size,
    dress,
    line_key,
    line_style,
    make_drawing,
    thin,
)
from geiger.report.live import Live, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from matplotlib.path import Path

Steps = npt.NDArray[np.int64]

ERRORS = 1.96  # standard errors to either side of a 95% interval
EDGES = (-3.0, -2.0, -1.0, 1.0, 2.0, 3.0)  # in errors, between the colours of a heat map
NEAR = HEAT[3]  # the colour of what chance does alone
MOST_NUMBERS = 1000  # cells of a heat map up to which numbers stand in them
LINE_POINTS = 60  # of one small multiple
MULTIPLES = {"wide": 5, "narrow": 3}  # panels side by side
FAN_POINTS = 13
LONGEST_LABEL = 30  # characters
_HEAT_WORDS = ("below −3", "−3 to −2", "−2 to −1", "within 1", "1 to 2", "2 to 3", "above 3")


@dataclass(frozen=True)
class Point:
    """One measured value with its standard error, in the unit of its chart."""

    label: str
    value: float
    error: float | None = None
    group: int = 0  # groups stand a little apart


@dataclass(frozen=True, eq=False)
class Small:
    """One of the small multiples.

    Attributes
    ----------
    label, said : str
        Its name, and its figure in words.
    at : array (n,)
        Share of the whole time, 0 to 1.
    line : array (n,)
        In errors of its own end.
    """

    label: str
    said: str
    at: Floats
    line: Floats


def points_drawing(
    name: str, title: str, gist: str, points: Sequence[Point], unit: str, *, bars: bool = False
) -> Drawing:
    """Draw one row a value, the first on top: a point with its interval, or a bar from 0."""
    groups = [point.group for point in points]
    places = np.arange(len(points)) + 0.6 * np.cumsum([0, *(np.diff(groups) != 0)])
    values, errors = _values(points)

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.axvline(0, color=SOFT, linewidth=0.8)
        if bars:
            axes.barh(places, values, height=0.62, color=SERIES[0])
        else:
            axes.errorbar(values, places, xerr=errors, **_POINT)
        axes.set_yticks(places, [_short(point.label) for point in points])
        axes.set_ylim(places[-1] + 0.7, -0.7)
        axes.set_xlabel(unit)
        _dress_rows(axes, size)

    mark = Key("score", 1, mark="bar") if bars else Key("mean, with its 95% interval", 1, mark="dot")
    tall = 0.75 + 0.25 * float(places[-1] + 1)
    return make_drawing(name, title, gist, draw, (mark,), max(2.2, tall), max(2.2, 1.05 * tall))


def columns_drawing(
    name: str, title: str, gist: str, points: Sequence[Point], unit: str, below: str
) -> Drawing:
    """Draw one column a value, with its interval; `below` names what runs from left to right."""
    values, errors = _values(points)
    at = np.arange(len(points))

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.bar(at, values, width=0.66, color=SERIES[0])
        axes.errorbar(at, values, yerr=errors, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5)
        axes.axhline(0, color=SOFT, linewidth=0.8)
        axes.set_ylabel(unit)
        axes.set_xlabel(below)
        dress(axes, size)
        step = -(-len(points) // (6 if size == "narrow" else 17))
        axes.set_xticks(at[::step], [_short(point.label, 8) for point in points[::step]])

    keys = (
        Key("mean", 1, mark="bar"),
        Key("its 95% interval", 0, mark="whisker"),
    )
    return make_drawing(name, title, gist, draw, keys, height=3.0)


def heat_drawing(
    name: str,
    title: str,
    gist: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Floats,
    errors: Floats,
    *,
    narrow_numbers: bool,
) -> Drawing:
    """Draw one cell a row and column, coloured by how many errors its value lies from 0.

    Parameters
    ----------
    values, errors : array (R, C)
        In percent; NaN where there is no cell.
    narrow_numbers : bool
        Whether a phone has room for the numbers; where a cell has none, a dash marks those below 0.
    """
    steps = heat_steps(values, errors)
    most = len(rows), len(columns)

    def draw(figure: Canvas, size: Size) -> None:
        from matplotlib.patches import PathPatch

        axes = figure.add_subplot()
        for step, colour in enumerate(HEAT):
            cells = np.argwhere(steps == step)
            if cells.size:
                axes.add_patch(PathPatch(_cells(cells), facecolor=colour, edgecolor="none"))
        small = size == "narrow"
        if np.sum(steps >= 0) <= MOST_NUMBERS and (narrow_numbers or not small):
            _numbers(axes, values, steps, 8.0 if small else 8.5)
        else:
            axes.add_patch(
                PathPatch(_dashes(np.argwhere((steps >= 0) & (steps < 3))), color=INK, linewidth=0.9)
            )
        axes.set(xlim=(0, most[1]), ylim=(most[0], 0))
        axes.set_yticks(np.arange(most[0]) + 0.5, [_short(row, 12) for row in rows])
        every = -(-most[1] // (7 if small and most[1] > 14 else 40))
        axes.set_xticks(np.arange(0, most[1], every) + 0.5, columns[::every])
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelcolor=INK, labelsize=8.5 if small else 9)
        for spine in axes.spines.values():
            spine.set_visible(False)

    keys = tuple(Key(words, i, mark="heat") for i, words in enumerate(_HEAT_WORDS, start=1))
    tall = 0.45 + 0.215 * most[0]
    return make_drawing(name, title, gist, draw, keys, max(2.3, tall), max(2.3, tall))


def heat_steps(values: Floats, errors: Floats) -> Steps:
    """Return the colour of each cell, 0 (more than 3 errors below 0) to 6; -1 where there is none.

    >>> heat_steps(np.array([[5.0, -1.0, np.nan, -9.0]]), np.full((1, 4), 2.0)).tolist()
    [[5, 3, -1, 0]]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        away = values / errors
    return np.where(np.isfinite(away), np.searchsorted(EDGES, np.nan_to_num(away), side="right"), -1)


def sums_drawing(
    name: str, gist: str, days: npt.NDArray[np.datetime64], daily: Floats, window: int
) -> Drawing:
    """Draw the running sum of daily correlations (n,), and their mean over the last `window` days under it.

    What chance alone does is shaded: 95% of the sums, and of the means, of as many days without skill.
    """
    spread = float(daily.std(ddof=1)) if daily.size > 1 else 0.0
    total, number = np.cumsum(daily), np.arange(1, daily.size + 1)
    wide = ERRORS * spread * np.sqrt(number)
    mean = np.full(daily.size, np.nan)
    if daily.size >= window:
        mean[window - 1 :] = 100 * (total[window - 1 :] - np.append(0.0, total[:-window])) / window
    told = np.flatnonzero(np.isfinite(mean))

    def draw(figure: Canvas, size: Size) -> None:
        top, *under = figure.subplots(2 if told.size else 1, 1, sharex=True, squeeze=False)[:, 0]
        few = np.unique(np.linspace(0, daily.size - 1, 60).astype(np.int64))
        top.fill_between(days[few], -wide[few], wide[few], color=NEAR, linewidth=0)
        kept = thin(total)
        top.plot(days[kept], total[kept], **line_style(0, 1.6))
        top.axhline(0, color=SOFT, linewidth=0.6)
        top.set_ylabel("sum of rank IC")
        dress(top, size, dates=True)
        for axes in under:
            reach = 100 * ERRORS * spread / np.sqrt(window)
            axes.fill_between(days[[0, -1]], -reach, reach, color=NEAR, linewidth=0)
            kept = told[thin(mean[told])]
            axes.plot(days[kept], mean[kept], **line_style(1))
            axes.axhline(0, color=SOFT, linewidth=0.6)
            axes.set_ylabel("mean, %")
            dress(axes, size, dates=True)

    keys = [line_key("sum of the daily rank IC", 0)]
    if told.size:
        keys.append(line_key(f"mean of the last {window} days", 1))
    keys.append(Key("95% of what chance alone does", 4, mark="heat"))
    panels = [Panel("sum of rank IC", {"sum": total}, height=240, digits=2)]
    if told.size:
        panels.append(
            Panel("mean, %", {f"last {window} days": mean}, first=2, height=150, digits=2, suffix="%")
        )
    return make_drawing(
        name,
        "Rank IC over time",
        gist,
        draw,
        tuple(keys),
        height=4.2,
        narrow_height=4.4,
        live=Live(days.astype(object).tolist(), tuple(panels)),
    )


def curve_drawing(
    name: str, title: str, gist: str, at: Floats, points: Sequence[Point], own: int, unit: tuple[str, str]
) -> Drawing:
    """Draw values with intervals over `at` (n,), the one at position `own` marked; `unit`: x, then y."""
    values, errors = _values(points)

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.axhline(0, color=SOFT, linewidth=0.8)
        axes.plot(at, values, **line_style(0))
        axes.errorbar(at, values, yerr=errors, **_POINT)
        axes.plot(at[own : own + 1], values[own : own + 1], "D", color=SERIES[1], markersize=7, zorder=4)
        axes.set_xlabel(unit[0])
        axes.set_ylabel(unit[1])
        dress(axes, size)

    keys = (
        Key("mean, with its 95% interval", 1, mark="dot"),
        Key("at the cost of this run", 2, mark="diamond"),
    )
    return make_drawing(name, title, gist, draw, keys, height=3.0)


def multiples_drawing(
    name: str, title: str, gist: str, smalls: Sequence[Small], ends: tuple[str, str]
) -> Drawing:
    """Draw one small panel a line, all on one scale and one time; `ends` names the first and the last day.

    A line is a running sum over its own last error. The fan shows where 95% of sums without skill lie.
    """
    reach = max(4.0, *(1.05 * float(np.max(np.abs(one.line))) for one in smalls))

    def draw(figure: Canvas, size: Size) -> None:
        from matplotlib.patches import PathPatch

        axes = figure.add_subplot()
        across = MULTIPLES[size]
        down = -(-len(smalls) // across)
        fans, zeros, lines = [], [], []
        for i, one in enumerate(smalls):
            left, middle = 1.08 * (i % across), i // across + 0.6
            axes.text(left, middle - 0.42, _short(one.label, 12), ha="left", va="bottom", color=INK)
            axes.text(left + 1.0, middle - 0.42, one.said, ha="right", va="bottom", color=INK)
            start, end = left + float(one.at[0]), left + float(one.at[-1])
            share = np.linspace(0.0, 1.0, FAN_POINTS) ** 2  # close together where the fan opens
            width = 0.36 / reach * ERRORS * np.sqrt(share)
            across_fan = start + (end - start) * share
            fan = np.concatenate([np.c_[across_fan, middle - width], np.c_[across_fan, middle + width][::-1]])
            fans.append(fan)
            zeros.append(np.array([[left, middle], [left + 1.0, middle]]))
            kept = thin(one.line, LINE_POINTS)
            lines.append(np.c_[left + one.at[kept], middle - 0.36 / reach * one.line[kept]])
        axes.add_patch(PathPatch(_compound(fans, closed=True), facecolor=NEAR, edgecolor="none"))
        axes.add_patch(PathPatch(_compound(zeros), fill=False, edgecolor=SOFT, linewidth=0.6))
        axes.add_patch(PathPatch(_compound(lines), fill=False, edgecolor=SERIES[0], linewidth=1.3))
        for i in range(min(across, len(smalls))):
            place: dict[str, Any] = {"va": "top", "color": SOFT, "fontsize": 8.5}
            axes.text(1.08 * i, down + 0.04, ends[0], ha="left", **place)
            axes.text(1.08 * i + 1.0, down + 0.04, ends[1], ha="right", **place)
        axes.set(xlim=(-0.02, 1.08 * across - 0.06), ylim=(down + 0.2, 0.0))
        axes.set_axis_off()

    keys = (
        line_key("running sum of score × outcome", 0),
        Key("95% of what chance alone does", 4, mark="heat"),
    )
    rows = {size: -(-len(smalls) // across) for size, across in MULTIPLES.items()}
    return make_drawing(
        name, title, gist, draw, keys, 0.3 + 0.95 * rows["wide"], max(2.2, 0.3 + 0.85 * rows["narrow"])
    )


_POINT: dict[str, Any] = {
    "fmt": "o",
    "color": SERIES[0],
    "markersize": 5,
    "capsize": 3,
    "linewidth": 1.4,
    "zorder": 3,
}


def _short(label: str, most: int = LONGEST_LABEL) -> str:
    """Return a label that leaves room for the chart.

    >>> _short("neutral to beta and volatility"), _short("BERKSHIRE-HATHAWAY", 12)
    ('neutral to beta and volatility', 'BERKSHIRE-H…')
    """
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _values(points: Sequence[Point]) -> tuple[Floats, Floats]:
    """Return values, and half widths of their intervals: 0 where no error is known."""
    values = np.array([point.value for point in points], np.float64)
    return values, np.array([ERRORS * (point.error or 0.0) for point in points], np.float64)


def _dress_rows(axes: Axes, size: Size) -> None:
    labels = list(axes.get_yticks()), [one.get_text() for one in axes.get_yticklabels()]
    dress(axes, size)
    axes.set_yticks(*labels)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _cells(cells: npt.NDArray[np.int64], gap: float = 0.04) -> Path:
    """Return the outlines of cells, given as row and column (n, 2)."""
    corner = np.array([[gap, gap], [1 - gap, gap], [1 - gap, 1 - gap], [gap, 1 - gap]])
    return _compound([corner + cell[::-1] for cell in cells], closed=True)


def _dashes(cells: npt.NDArray[np.int64]) -> Path:
    mark = np.array([[0.3, 0.5], [0.7, 0.5]])
    return _compound([mark + cell[::-1] for cell in cells])


def _compound(pieces: Sequence[Floats], *, closed: bool = False) -> Path:
    """Return many lines (n, 2) as one path: a tenth of the text that as many elements take."""
    from matplotlib.path import Path

    if not pieces:
        return Path(np.empty((0, 2)))
    points, codes = [], []
    for piece in pieces:
        points.append(np.concatenate([piece, piece[:1]]) if closed else piece)
        end = [Path.CLOSEPOLY] if closed else []
        codes += [Path.MOVETO, *[Path.LINETO] * (len(piece) - 1), *end]
    return Path(np.concatenate(points), codes)


def _numbers(axes: Axes, values: Floats, steps: Steps, size: float) -> None:
    for row, column in np.argwhere(steps >= 0):
        text = f"{values[row, column]:z.0f}".replace("-", "−")
        axes.text(column + 0.5, row + 0.54, text, ha="center", va="center", color=INK, fontsize=size)
