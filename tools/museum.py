"""The page docs/leak-museum.md and its pictures, from the pieces as they are computed now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from geiger.audit import exhibits
from geiger.audit.museum import BEST, PIECES, TRIES, Exhibit, Piece, visit

PAGE, PICTURES = "leak-museum.md", "leak-museum"
MARKETS = 4  # drawn of each piece
MARKETS_OF_TRIES = 41  # of which the middle one is drawn
POINTS = 70  # of a line
FEW_POINTS = 36  # of each of many
WRONG, RIGHT, QUIET, INK = "#b04a0a", "#0b5c99", "#9aa1a9", "#3d444d"


def write_museum(docs: Path) -> None:
    """Write the page and one picture a piece."""
    (docs / PICTURES).mkdir(exist_ok=True)
    shown = list(visit())
    for piece in PIECES:
        (docs / PICTURES / f"{piece.name}.svg").write_bytes(picture(piece))
    (docs / PAGE).write_text("\n".join(museum_page(shown)) + "\n", encoding="utf-8")


def museum_page(shown: Sequence[Exhibit]) -> Iterator[str]:
    """Yield the page as lines."""
    caught = sum(bool(one.caught) for one in shown)
    yield "# The leak museum"
    yield ""
    yield "Made by `make docs` from `geiger.audit.museum`; do not edit by hand."
    yield ""
    yield (
        "Famous ways to find skill, each rebuilt on markets that have none (GARCH(1,1) with Student t "
        "innovations, no drift, no signal). Whatever the orange lines earn, they earn by the mistake; the "
        "blue ones are the same idea on the same days, done honestly. Nothing is paid for trading."
    )
    yield ""
    yield (
        f"Then the same leak is planted in our own pipeline, and [the audit](evidence/audit.md) has to find "
        f"it: {caught} of {len(shown)} it names by stage and column. One it cannot see, for nothing leaks "
        "there. In a terminal:"
    )
    yield ""
    yield "```"
    yield "geiger audit --museum"
    yield "geiger audit AAPL --canaries"
    yield "```"
    yield ""
    yield "| | on noise | the wrong way | the right way | the audit finds it in |"
    yield "|---|---|---:|---:|---|"
    for one in shown:
        yield (
            f"| [{one.title}](#{_anchor(one.title)}) | {one.unit} | **{one.figure(one.wrong)}** | "
            f"{one.figure(one.right)} | {_place(one)} |"
        )
    for one in shown:
        yield from _piece(one)


def _piece(one: Exhibit) -> Iterator[str]:
    yield ""
    yield f"## {one.title}"
    yield ""
    yield f"{one.claim} [{one.source}]({one.url})."
    yield ""
    yield f"![{_alt(one)}]({PICTURES}/{one.name}.svg)"
    yield ""
    yield f"| {one.unit}, mean of {one.markets} markets | | |"
    yield "|---|---:|---|"
    yield f"| the wrong way | **{one.figure(one.wrong)}** | {one.mistake} |"
    yield f"| the right way | {one.figure(one.right)} | {one.honest} |"
    yield ""
    if one.caught:
        yield f"Found in **{one.stage}**, column `{one.column}`: {one.cause}. Mend: {one.mend}."
    elif one.caught is None:
        yield "The audit sees nothing: every step is honest, and only the number of tries is not told."
    else:
        yield "**Not found by the audit.**"
    yield ""
    yield f"*{one.lesson}*"


def _place(one: Exhibit) -> str:
    if one.caught is None:
        return "nowhere: count the tries"
    return f"{one.stage}: `{one.column}`" if one.caught else "**missed**"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _alt(one: Exhibit) -> str:
    return f"Growth of 1 on noise, the wrong and the right way; {one.unit} {one.figure(one.wrong)} and " + (
        one.figure(one.right)
    )


def picture(piece: Piece) -> bytes:
    """Return the growth of 1 on a few markets, the wrong and the right way, as a small SVG file."""
    import matplotlib
    from matplotlib.figure import Figure

    own: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "geiger", "font.size": 10}
    with matplotlib.rc_context(own):
        figure = Figure(figsize=(8.0, 2.7), layout="constrained")
        axes = figure.add_subplot()
        if piece.name == BEST:
            _draw_tries(axes)
        else:
            _draw_both(axes, piece)
        _dress(axes)
        return _svg(figure)


def _draw_both(axes: Any, piece: Piece) -> None:
    ends: dict[str, list[float]] = {WRONG: [], RIGHT: []}
    for seed in range(min(MARKETS, piece.markets)):
        shown = piece.show(seed)
        for colour, one in ((RIGHT, shown.right), (WRONG, shown.wrong)):
            at = np.linspace(0, len(one.wealth) - 1, POINTS).astype(int)
            axes.plot(at, one.wealth[at], color=colour, linewidth=1.3, alpha=0.85)
            ends[colour].append(float(one.wealth[-1]))
    for colour, text in ((WRONG, "the wrong way"), (RIGHT, "the right way")):
        middle = float(np.exp(np.mean(np.log(ends[colour]))))
        _label(axes, middle, f"{text}\n× {_short(middle)}", colour)
    axes.set_xlabel("test days")
    axes.set_title(
        f"{piece.title}: growth of 1 on {MARKETS} markets without a signal", loc="left", fontsize=10
    )


def _draw_tries(axes: Any) -> None:
    tries = _typical([exhibits.best_of_many(seed, TRIES) for seed in range(MARKETS_OF_TRIES)])
    days = len(tries.wealth)
    at = np.linspace(0, days - 1, POINTS).astype(int)
    few = np.linspace(0, days - 1, FEW_POINTS).astype(int)
    for path in tries.wealth.T:
        axes.plot(few, path[few], color=QUIET, linewidth=0.6, alpha=0.6)
    chosen, half = tries.wealth[:, tries.best], days // 2
    first, second = at[at < half], at[at >= half - days // POINTS]
    axes.plot(first, chosen[first], color=WRONG, linewidth=2.0)
    axes.plot(second, chosen[second], color=RIGHT, linewidth=2.0)
    axes.axvline(half, color=INK, linewidth=0.8, dashes=(3, 2))
    axes.annotate("chosen here ", (half, axes.get_ylim()[1]), ha="right", va="top", color=INK, fontsize=9)
    _label(axes, float(chosen[-1]), "the one that\nwas chosen", RIGHT)
    axes.set_xlabel("days")
    axes.set_title(f"The best of {TRIES} coin tossers, and the year after", loc="left", fontsize=10)


def _typical(markets: Sequence[exhibits.Tries]) -> exhibits.Tries:
    """Return the market whose second year was the median one for the strategy that was chosen."""
    after = [one.second[one.best] for one in markets]
    return markets[int(np.argsort(after)[len(after) // 2])]


def _label(axes: Any, y: float, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (1.0, y),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=9,
        annotation_clip=False,
    )


def _dress(axes: Any) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    bases = (
        (1.0,) if high / low > 30 else (1.0, 2.0, 5.0) if high / low > 6 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    )
    every = [base * 10.0**power for power in range(-2, 7) for base in bases]
    axes.yaxis.set_major_locator(FixedLocator([value for value in every if low <= value <= high]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.minorticks_off()
    axes.axhline(1.0, color=INK, linewidth=0.6)
    axes.margins(x=0.0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(QUIET)
    axes.grid(axis="y", color="#e3e6e9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=3)
    axes.xaxis.label.set_color(INK)
    axes.title.set_color(INK)


def _short(value: float) -> str:
    """Return a growth as people read it.

    >>> _short(0.874), _short(12.3), _short(52_300.0), _short(3.1e8)
    ('0.87', '12', '52 thousand', '310 million')
    """
    for size, word in ((1e9, " billion"), (1e6, " million"), (1e4, " thousand")):
        if value >= size:
            unit = 1e3 if size == 1e4 else size
            return f"{value / unit:,.0f}{word}"
    if value >= 10:
        return f"{value:,.0f}"
    return f"{value:.2g}"


def _svg(figure: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "geiger"})
    text = re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}", buffer.getvalue().decode())
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S).encode()
