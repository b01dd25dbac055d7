"""Charts as SVG: bytes that depend on the numbers alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np

WIDTH, HEIGHT = 8.0, 3.6  # inches


def weights_chart(days: Sequence[dt.date], weights: Mapping[str, Sequence[float]], title: str) -> bytes:
    """Return the weights of a stack over time, one step line a model.

    Parameters
    ----------
    days : sequence of date (b,)
        First decision of each block, ascending.
    weights : mapping of str to sequence of float (b,)
        Of each model; not a number where it was left out, which leaves a gap.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text, and ids do not change from run to run.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "geiger"}):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        at = np.array(days, "datetime64[D]")
        for name, values in weights.items():
            axes.step(at, np.array(values), where="post", label=name, marker="o", markersize=3)
        axes.set(title=title, ylabel="weight", ylim=(0.0, None))
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        figure.autofmt_xdate()
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "geiger"})
    return buffer.getvalue()
