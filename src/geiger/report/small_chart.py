"""A small chart of a few lines, one SVG element without a style sheet: for notebooks and the live view.

Its text has the colour of the text around it, so it can be read on light and on dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_POINTS = 400  # of one line
TEXT = 11  # pixels
LEFT, TOP, BOTTOM = 58.0, 8.0, 20.0  # pixels around what is drawn


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart.

    Attributes
    ----------
    x, y : array (n,)
        Points that are not finite leave a gap.
    colour : str
        As SVG has them; ``currentColor`` is that of the text around.
    dashes : str
        As SVG writes them.
    """

    name: str
    x: Floats
    y: Floats
    colour: str = "currentColor"
    dashes: str = ""


def small_chart(
    title: str,
    lines: Sequence[Line],
    *,
    ends: tuple[str, str] = ("", ""),
    width: int = 560,
    height: int = 150,
    digits: int = 2,
) -> str:
    """Return a chart as an SVG element; empty where there are not two points to draw.

    Parameters
    ----------
    title : str
        What it shows, for those who do not see it.
    ends : (str, str)
        What stands under the first and the last point.
    digits : int
        Behind the point of the numbers at the left.
    """
    found = [np.isfinite(line.x) & np.isfinite(line.y) for line in lines]
    xs = np.concatenate([line.x[there] for line, there in zip(lines, found, strict=True)] or [np.empty(0)])
    ys = np.concatenate([line.y[there] for line, there in zip(lines, found, strict=True)] or [np.empty(0)])
    if xs.size < 2 or np.ptp(xs) == 0.0:
        return ""
    low, high = float(ys.min()), float(ys.max())
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    first, span = float(xs.min()), float(np.ptp(xs))
    wide, tall = width - LEFT - 8.0, height - TOP - BOTTOM

    def at(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        return LEFT + wide * (x - first) / span, TOP + tall * (high - y) / (high - low)

    drawn = "".join(
        _drawn(line, there, *at(line.x, line.y)) for line, there in zip(lines, found, strict=True)
    )
    marks = "".join(
        _text(LEFT - 6.0, TOP + tall * share + 4.0, f"{value:.{digits}f}", "end")
        for share, value in ((0.0, high), (1.0, low))
    )
    under = height - 5.0
    marks += _text(LEFT, under, ends[0], "start") + _text(width - 8.0, under, ends[1], "end")
    frame = (
        f'<path d="M{LEFT} {TOP}V{TOP + tall}H{width - 8}" fill="none" stroke="currentColor" opacity=".4"/>'
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}" style="max-width:100%;height:auto">{frame}{marks}{drawn}</svg>'
    )


def _drawn(line: Line, there: npt.NDArray[np.bool_], x: Floats, y: Floats) -> str:
    dashes = f' stroke-dasharray="{escape(line.dashes)}"' if line.dashes else ""
    path = "".join(_parts(x, y, there))
    return (
        f'<path d="{path}" fill="none" stroke="{escape(line.colour)}" stroke-width="1.5"{dashes}>'
        f"<title>{escape(line.name)}</title></path>"
    )


def _parts(x: Floats, y: Floats, there: npt.NDArray[np.bool_]) -> Iterable[str]:
    """Yield moves and lines; of many points some, the last one always."""
    step = max(1, -(-x.size // MOST_POINTS))
    kept = sorted({*range(0, x.size, step), x.size - 1})
    pen = "M"
    for i in kept:
        if there[i]:
            yield f"{pen}{x[i]:.1f} {y[i]:.1f}"
        pen = "L" if there[i] else "M"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{TEXT}" '
        f'font-family="sans-serif" fill="currentColor">{escape(text)}</text>'
        if text
        else ""
    )
