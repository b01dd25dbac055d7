"""Charts of what was earned and held over time: rolling figures, returns of a day, weights, costs, features.

In the style of `geiger.report.charts`: drawn wide and narrow in the page's own colours, with the numbers
beside for a script.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from geiger.report.charts import (
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
from geiger.report.view import Distribution, Rolling

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

LONGEST_NAME = 26  # characters of a feature beside its bar


def rolling_drawing(name: str, title: str, gist: str, found: Rolling, unit: str) -> Drawing:
    """Draw a figure of the last year, again every day."""
    at = np.array(found.days, "datetime64[D]")

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.axhline(0, color=SOFT, linewidth=0.8)
        for i, values in reversed(list(enumerate(found.lines.values()))):
            told = np.flatnonzero(np.isfinite(values))
            kept = told[thin(values[told])]
            axes.plot(at[kept], values[kept], **line_style(i, 1.5 if i == 0 else 1.1))
        axes.set_ylabel(unit)
        dress(axes, size, dates=True)

    keys = tuple(line_key(line, i) for i, line in enumerate(found.lines))
    dashes = [() if i == 0 else (6, 2) for i in range(len(found.lines))]
    begun = found.window - 1
    lines = {line: values[begun:] for line, values in found.lines.items()}
    live = Live(found.days[begun:], (Panel(unit, lines, dashes=dashes, height=230, digits=3),))
    return make_drawing(name, title, gist, draw, keys, height=2.9, live=live)


def distribution_drawing(name: str, gist: str, found: Distribution) -> Drawing:
    """Draw how often returns of a day lay where, the first path as bars and the others as steps."""
    edges = 100 * found.edges
    middle = (edges[1:] + edges[:-1]) / 2
    shares = {path: 100 * counts / max(1, counts.sum()) for path, counts in found.counts.items()}

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        for i, values in enumerate(shares.values()):
            if i == 0:
                axes.bar(middle, values, width=0.9 * float(np.diff(edges)[0]), color=SERIES[0])
            else:
                axes.stairs(values, edges, color=SERIES[i], linewidth=1.5)
        axes.axvline(0, color=SOFT, linewidth=0.8)
        axes.set_xlabel("net return of a day, %")
        axes.set_ylabel("share of days, %")
        dress(axes, size)

    first, *others = shares
    keys = (Key(first, 1, mark="bar"), *(line_key(path, i + 1) for i, path in enumerate(others)))
    panel = Panel(
        "share of days, %",
        shares,
        height=240,
        digits=1,
        suffix="%",
        bars=True,
        below="% a day, middle of the bar",
    )
    return make_drawing(name, "Returns of a day", gist, draw, keys, height=2.9, live=Live(middle, (panel,)))


def held_drawing(name: str, gist: str, days: Sequence[dt.date], weights: Floats) -> Drawing:
    """Draw the share of the equity that was held, day by day."""
    at = np.array(days, "datetime64[D]")
    percent = 100 * weights

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        kept = thin(percent)
        axes.step(at[kept], percent[kept], where="post", **line_style(0, 1.0))
        axes.axhline(0, color=SOFT, linewidth=0.8)
        axes.set_ylabel("share of equity held, %")
        dress(axes, size, dates=True)

    panel = Panel("share of equity, %", {"weight": percent}, height=220, digits=0, suffix="%", step=True)
    keys = (line_key("weight: above 0 long, below 0 short", 0),)
    return make_drawing(name, "Weights held", gist, draw, keys, height=2.7, live=Live(days, (panel,)))


def costs_drawing(
    name: str, gist: str, at: Floats, lines: Mapping[str, Floats], own: int, late: float | None
) -> Drawing:
    """Draw what other costs leave, the run's own marked; `late` is the first line's value a day late."""

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.axhline(0, color=SOFT, linewidth=0.8)
        for i, values in enumerate(lines.values()):
            axes.plot(at, values, marker="o", markersize=4, **line_style(i, 1.5))
        first = next(iter(lines.values()))
        axes.plot(at[own], first[own], "D", color=SERIES[1], markersize=8, zorder=4)
        if late is not None:
            axes.plot(at[own], late, "s", color=SERIES[2], markersize=8, zorder=4)
        axes.set_xlabel("cost of a unit of turnover, one way, bp")
        axes.set_ylabel("Sharpe ratio, net")
        dress(axes, size)

    keys = [
        *(line_key(line, i, mark="both") for i, line in enumerate(lines)),
        Key("at the cost of this run", 2, mark="diamond"),
    ]
    if late is not None:
        keys.append(Key("the same, filled a day late", 3, mark="bar"))
    here = np.full(len(at), np.nan)
    marked = {"at this run's cost": here.copy(), "a day late": here}
    marked["at this run's cost"][own] = next(iter(lines.values()))[own]
    marked["a day late"][own] = np.nan if late is None else late
    panel = Panel("Sharpe ratio, net", {**lines, **marked}, height=230, digits=2, points=True, below="bp")
    return make_drawing(
        name, "What other costs leave", gist, draw, tuple(keys), height=2.9, live=Live(at, (panel,))
    )


def importances_drawing(
    name: str, gist: str, features: Sequence[str], mean: Floats, least: Floats, most: Floats
) -> Drawing:
    """Draw one bar a feature, in percent, with a line from its least to its most over folds."""
    places = np.arange(len(features))

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.barh(places, mean, height=0.62, color=SERIES[0])
        axes.hlines(places, least, most, color=SERIES[1], linewidth=1.6)
        longest = LONGEST_NAME if size == "wide" else 16
        axes.set_yticks(
            places, [one if len(one) <= longest else f"{one[: longest - 1]}…" for one in features]
        )
        axes.set_ylim(len(features) - 0.4, -0.6)
        axes.set_xlabel("share of the model's own measure, %")
        dress(axes, size)
        axes.set_yticks(places)  # `dress` would thin them
        axes.grid(visible=False, axis="y")

    keys = (
        Key("mean over folds", 1, mark="bar"),
        Key("from the fold with least to that with most", 2, mark="line"),
    )
    tall = 0.8 + 0.23 * len(features)
    return make_drawing(name, "What the model used", gist, draw, keys, height=tall, narrow_height=1.1 * tall)
