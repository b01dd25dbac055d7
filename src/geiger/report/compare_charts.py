"""Small multiples of several runs: one pair of axes a run, all with the same scales, never one tangle."""

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
    drawdown,
    dress,
    line_key,
    logarithmic,
    make_drawing,
    thin,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

ACROSS = {"wide": 4, "narrow": 2}
POINTS = 160  # of one line
LONGEST = {"wide": 24, "narrow": 18}  # characters of a name
WIDE = 6.0  # highest over lowest wealth from which on the scale is logarithmic


def smalls_drawing(
    name: str, gist: str, days: Sequence[dt.date], runs: Mapping[str, Floats], held: tuple[str, Floats] | None
) -> Drawing:
    """Draw growth and, under it, drawdown of each run on the same axes, what was held beside it.

    Parameters
    ----------
    runs : mapping of str to array (n,)
        Wealth that started from 1, by what the run is called.
    held : (str, array (n,)) or None
        The same of holding the market.
    """
    at = np.array(days, "datetime64[D]")
    paths = [*runs.values(), *([held[1]] if held else [])]
    together = np.concatenate(paths)
    lowest, highest = float(together.min()), float(together.max())
    deepest = 100 * min(float(drawdown(values).min()) for values in paths)
    log = lowest > 0 and highest / lowest > WIDE

    def draw(figure: Canvas, size: Size) -> None:
        across = min(ACROSS[size], len(runs))
        down = -(-len(runs) // across)
        axes = figure.subplots(2 * down, across, sharex=True, squeeze=False, height_ratios=[2.0, 1.0] * down)
        for i, (called, values) in enumerate(runs.items()):
            top, below = axes[2 * (i // across), i % across], axes[2 * (i // across) + 1, i % across]
            for one, style in (
                *([(held[1], {"color": SERIES[5], "linewidth": 1.0})] if held else []),
                (values, {"color": SERIES[0], "linewidth": 1.4}),
            ):
                kept = thin(one, POINTS)
                top.plot(at[kept], one[kept], **style)
                fallen = 100 * drawdown(one)
                kept = thin(fallen, POINTS)
                below.plot(at[kept], fallen[kept], **style)
            longest = LONGEST[size]
            top.set_title(
                called if len(called) <= longest else f"{called[: longest - 1]}…", loc="left", fontsize=9
            )
            top.axhline(1.0, color=SOFT, linewidth=0.6)
            if log:
                logarithmic(top, lowest, highest)
            top.set_ylim(0.95 * lowest, 1.05 * highest)
            below.set_ylim(1.05 * deepest or -1.0, 0)
            for one in (top, below):
                dress(one, "narrow", dates=True)
                one.tick_params(labelsize=8, labelleft=i % across == 0)
            if i % across == 0:
                top.set_ylabel("of 1")
                below.set_ylabel("fall, %")
        for i in range(len(runs), across * down):
            for row in (0, 1):
                axes[2 * (i // across) + row, i % across].set_axis_off()

    keys = [line_key("the run: growth of 1, and its fall from the highest point under it", 0)]
    if held:
        keys.append(Key(held[0], 6))
    rows = {size: -(-len(runs) // min(across, len(runs))) for size, across in ACROSS.items()}
    return make_drawing(
        name,
        "Each run by itself",
        gist,
        draw,
        tuple(keys),
        height=0.5 + 2.0 * rows["wide"],
        narrow_height=0.5 + 2.0 * rows["narrow"],
    )
