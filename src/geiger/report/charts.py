"""Charts as SVG: text that depends on the numbers alone.

A chart of a page is drawn twice, wide for desks and narrow for phones, and takes its colours from the page's
style sheet, so it follows light and dark. Lines differ in their dashes as well as in colour.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from geiger.report.live import Live, Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

Floats = npt.NDArray[np.float64]
Size = Literal["wide", "narrow"]

WIDTH, HEIGHT = 8.0, 3.6  # inches, of a chart that is a file of its own
MOST_POINTS = 700  # of one line: the script has every day
LEAST_ROWS = 5  # of a group of forecasts
ABSURD = 1e3  # a log return beyond which nothing is drawn
MOST_DOTS = 500  # of a cloud
MOST_EPOCH_POINTS = 6000  # of all members together
FIRST_EPOCHS = 12  # always drawn: there a loss falls fastest

# What is drawn with: each colour stands for a variable of the style sheet until the drawing is done.
INK, SOFT, RULE = "#0a0b01", "#0a0b02", "#0a0b03"
SERIES = ("#0a0b11", "#0a0b12", "#0a0b13", "#0a0b14", "#0a0b15", "#0a0b16")
HEAT = (
    "#0a0b21",
    "#0a0b22",
    "#0a0b23",
    "#0a0b24",
    "#0a0b25",
    "#0a0b26",
    "#0a0b27",
)  # far below 0 to far above
_VARIABLES = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    RULE: "var(--rule)",
    **{colour: f"var(--line{i})" for i, colour in enumerate(SERIES, start=1)},
    **{colour: f"var(--heat{i})" for i, colour in enumerate(HEAT, start=1)},
}
_ON_PAPER = (
    "#0b5c99",
    "#b04a0a",
    "#1a7a5e",
    "#8b3f87",
    "#6f6300",
    "#5b6169",
)  # the same, of a file by itself
DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (1.5, 1.5), (8, 2, 1.5, 2), (4, 1.5), (10, 3))
MARKERS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True)
class Key:
    """One entry of a legend: the words, and the line or mark that they name."""

    text: str
    line: int  # number of its colour, from 1
    dashes: str = ""  # as SVG writes them
    mark: Literal["line", "dot", "diamond", "both", "faint", "bar", "whisker", "heat"] = "line"


@dataclass(frozen=True)
class Drawing:
    """One chart in both sizes, with its legend, and its numbers where a script may draw it anew."""

    wide: str
    narrow: str
    keys: tuple[Key, ...]
    name: str  # unique on its page
    live: str | None = None  # numbers of `report.live`, where the chart can be pointed at


def weights_chart(days: Sequence[dt.date], weights: Mapping[str, Sequence[float]], title: str) -> bytes:
    """Return the weights of a stack over time as an SVG file, one step line a model.

    Parameters
    ----------
    days : sequence of date (b,)
        First decision of each block, ascending.
    weights : mapping of str to sequence of float (b,)
        Of each model; not a number where it was left out, which leaves a gap.
    """
    from matplotlib.figure import Figure

    with _settings("geiger"):
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        _draw_weights(axes, days, weights, _ON_PAPER)
        axes.set_title(title, parse_math=False)
        axes.grid(alpha=0.3)
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
        figure.autofmt_xdate()
        return _svg(figure)


def weights_drawing(
    name: str, gist: str, days: Sequence[dt.date], weights: Mapping[str, Sequence[float]]
) -> Drawing:
    """Draw the same for a page."""

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        _draw_weights(axes, days, weights, SERIES)
        dress(axes, size, dates=True)

    keys = tuple(line_key(model, i, mark="both") for i, model in enumerate(weights))
    lines = {model: np.array(values, np.float64) for model, values in weights.items()}
    panel = Panel("weight", lines, dashes=[_dashes(i) for i in range(len(weights))], digits=2, step=True)
    title = "Weights of the base models over time"
    return make_drawing(name, title, gist, draw, keys, height=3.0, live=Live(days, (panel,)))


def equity_drawing(
    name: str, gist: str, days: Sequence[dt.date], curves: Mapping[str, Floats], title: str
) -> Drawing:
    """Draw running wealth, and under it how far each path lies below its own highest point.

    Parameters
    ----------
    days : sequence of date (n,)
    curves : mapping of str to array (n,)
        Wealth that started from 1.
    """
    at = np.array(days, "datetime64[D]")
    lowest = min(float(np.min(values)) for values in curves.values())
    highest = max(float(np.max(values)) for values in curves.values())
    log = lowest > 0 and highest / lowest > 6

    def draw(figure: Canvas, size: Size) -> None:
        top, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        for i, values in reversed(list(enumerate(curves.values()))):
            style = line_style(i, width=1.6 if i == 0 else 1.2)
            kept = thin(values)
            top.plot(at[kept], values[kept], **style)
            fallen = 100 * drawdown(values)
            kept = thin(fallen)
            below.plot(at[kept], fallen[kept], **style)
        top.axhline(1.0, color=SOFT, linewidth=0.6)
        if log:
            logarithmic(top, lowest, highest)
        top.set_ylabel("growth of 1" + (", log" if log else ""))
        below.set_ylabel("drawdown, %")
        below.set_ylim(None, 0)
        dress(top, size, dates=True)
        dress(below, size, dates=True)

    keys = tuple(line_key(curve, i) for i, curve in enumerate(curves))
    dashes = [_dashes(i) for i in range(len(curves))]
    live = Live(
        days,
        (
            Panel("growth of 1", curves, dashes=dashes, height=280, digits=3),
            Panel("drawdown, %", curves, dashes=dashes, height=150, digits=1, suffix="%", falls=True),
        ),
        log=lowest > 0,
        begins_log=log,
    )
    return make_drawing(name, title, gist, draw, keys, height=4.4, narrow_height=4.6, live=live)


@dataclass(frozen=True, eq=False)
class Bins:
    """Forecasts in groups of about equal size, ascending: what was forecast and what came of it, log returns.

    Attributes
    ----------
    forecast, outcome : array (b,)
        Means of each group.
    error : array (b,)
        Half width of the 95% interval of the mean outcome: 1.96 standard errors.
    rows : array (b,)
    """

    forecast: Floats
    outcome: Floats
    error: Floats
    rows: npt.NDArray[np.int64]


def binned(forecast: Floats, outcome: Floats, groups: int = 10) -> Bins | None:
    """Sort the forecasts into deciles; equal forecasts stay in one group, so there may be fewer.

    None where forecasts do not vary, groups would hold fewer than 5 rows, or a figure is beyond all sense.

    >>> bins = binned(np.arange(100.0), np.arange(100.0) / 2)
    >>> bins.forecast[0], bins.outcome[-1], bins.rows.sum()
    (np.float64(4.5), np.float64(47.25), np.int64(100))
    """
    finite = np.isfinite(forecast) & np.isfinite(outcome)
    forecast, outcome = forecast[finite], outcome[finite]
    if forecast.size < LEAST_ROWS * groups or np.ptp(forecast) == 0:
        return None
    parts = _tied_parts(forecast, groups)
    if len(parts) < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        bins = Bins(
            np.array([forecast[part].mean() for part in parts]),
            np.array([outcome[part].mean() for part in parts]),
            np.array([1.96 * outcome[part].std(ddof=1) / np.sqrt(part.size) for part in parts]),
            np.array([part.size for part in parts]),
        )
    figures = np.abs(np.concatenate([bins.forecast, bins.outcome, bins.error]))
    return bins if bool(np.all(figures < ABSURD)) else None


def _tied_parts(forecast: Floats, groups: int) -> list[npt.NDArray[np.int64]]:
    """Return positions of ascending forecasts in groups: equal ones together, none with fewer than 5 rows."""
    _, inverse, counts = np.unique(forecast, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - 0.5 * (counts + 1)  # mean rank of each distinct forecast, from 0
    group = (middle * groups / forecast.size).astype(np.int64)[inverse]
    parts: list[npt.NDArray[np.int64]] = []
    for one in np.unique(group):
        part = np.flatnonzero(group == one)
        if parts and min(part.size, parts[-1].size) < LEAST_ROWS:
            parts[-1] = np.concatenate([parts[-1], part])
        else:
            parts.append(part)
    return parts


def calibration_drawing(
    name: str, gist: str, forecast: Floats, outcome: Floats, bins: Bins, slope: float | None
) -> Drawing:
    """Draw the mean outcome of each group of the forecasts, the line they follow and the one they should."""
    x, y, error = 100 * bins.forecast, 100 * bins.outcome, 100 * bins.error
    reach = 1.15 * float(np.max(np.abs(np.concatenate([y - error, y + error, x]))))
    spread = float(np.ptp(x)) or 1.0
    left, right = float(x[0]) - 0.06 * spread, float(x[-1]) + 0.06 * spread
    ends = np.array([left, right])
    inside = (np.abs(100 * outcome) < reach) & (100 * forecast > left) & (100 * forecast < right)
    cloud = np.flatnonzero(inside)
    cloud = cloud[:: max(1, -(-cloud.size // MOST_DOTS))]
    middle = 100 * float(np.mean(forecast)), 100 * float(np.mean(outcome))

    def draw(figure: Canvas, size: Size) -> None:
        axes = figure.add_subplot()
        axes.plot(100 * forecast[cloud], 100 * outcome[cloud], ".", color=SERIES[5], markersize=2, alpha=0.45)
        axes.axhline(0, color=SOFT, linewidth=0.6)
        axes.plot(ends, ends, **line_style(2))
        if slope is not None:
            axes.plot(ends, middle[1] + slope * (ends - middle[0]), **line_style(1))
        axes.errorbar(
            x, y, yerr=error, fmt="o", color=SERIES[0], markersize=5, capsize=3, linewidth=1.4, zorder=3
        )
        axes.set(xlim=(left, right), ylim=(-reach, reach))
        axes.set_xlabel("forecast, % a day")
        axes.set_ylabel("outcome, % a day")
        dress(axes, size)

    keys = [Key("mean outcome of a group of forecasts, with its 95% interval", 1, mark="dot")]
    if slope is not None:
        keys.append(line_key(f"calibration line, slope {slope:.2f}", 1))
    keys.append(line_key("where outcomes would equal forecasts (45 degrees, slope 1)", 2))
    keys.append(Key("single days", 6, mark="faint"))
    return make_drawing(
        name, "Forecast against outcome", gist, draw, tuple(keys), height=3.8, narrow_height=3.6
    )


@dataclass(frozen=True, eq=False)
class Member:
    """The training of one fold and seed, arrays (e,)."""

    epoch: Floats
    loss: Floats
    val_loss: Floats
    pred_std: Floats
    positive: Floats  # percent
    best: int | None  # position of the epoch that was kept


def relative_losses(members: Sequence[Member]) -> bool:
    """Whether losses are drawn in percent of a member's first: folds differ in level more than in shape."""
    return all(
        one.epoch.size > 1 and one.loss[0] > 0 and one.val_loss[0] > 0 and np.isfinite(one.val_loss[0])
        for one in members
    )


def epochs_drawing(name: str, gist: str, members: Sequence[Member], unit: str) -> Drawing:
    """Draw loss, spread and share above 0 of every member by epoch; `unit` is epoch or boosting round."""
    points = max(30, MOST_EPOCH_POINTS // (4 * max(1, len(members))))
    faint = max(0.45, min(0.9, 8 / max(1, len(members))))
    relative = relative_losses(members)

    def draw(figure: Canvas, size: Size) -> None:
        losses, spread, share = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1, 1))
        for one in members:
            loss, val_loss = (
                100 * values / values[0] if relative else values for values in (one.loss, one.val_loss)
            )
            mark = {"marker": "."} if one.epoch.size < 4 else {}
            lines = (
                (losses, val_loss, 0),
                (losses, loss, 1),
                (spread, one.pred_std, 2),
                (share, one.positive, 3),
            )
            for axes, values, which in lines:
                kept = thin(values, points, FIRST_EPOCHS)
                axes.plot(one.epoch[kept], values[kept], **line_style(which, 0.9), **mark, alpha=faint)
                if one.best is not None and which != 1:
                    at = slice(one.best, one.best + 1)
                    axes.plot(one.epoch[at], values[at], "D", color=SERIES[which], markersize=4, zorder=4)
        losses.set_ylabel("loss, % of first" if relative else "loss")
        spread.set_ylabel("pred_std")
        share.set_ylabel("% > 0" if size == "narrow" else "positive, %")
        share.set_xlabel(unit)
        for axes in (losses, spread, share):
            dress(axes, size, whole=True)

    keys = (
        line_key("validation loss", 0),
        line_key("training loss", 1),
        line_key("pred_std: spread of the forecasts / spread of the outcomes", 2),
        line_key("share of forecasts above 0", 3),
        Key(f"the {unit} that was kept", 1, mark="diamond"),
    )
    return make_drawing(name, f"Training by {unit}", gist, draw, keys, height=5.0, narrow_height=5.4)


def drawdown(wealth: Floats) -> Floats:
    """Return how far each value (n,) lies below the highest before it, 1 at the start included: -0.2 is 20%.

    >>> drawdown(np.array([0.9, 2.0, 1.5])).round(3).tolist()
    [-0.1, 0.0, -0.25]
    """
    return np.asarray(wealth / np.maximum(np.maximum.accumulate(wealth), 1.0) - 1.0)


def _draw_weights(
    axes: Axes, days: Sequence[dt.date], weights: Mapping[str, Sequence[float]], colours: Sequence[str]
) -> None:
    at = np.array(days, "datetime64[D]")
    for i, (name, values) in enumerate(weights.items()):
        axes.step(
            at,
            np.array(values),
            where="post",
            label=name,
            color=colours[i % len(colours)],
            dashes=_dashes(i) or (None, None),
            marker=MARKERS[i % len(MARKERS)],
            markersize=3.5,
        )
    axes.set_ylabel("weight")
    axes.set_ylim(-0.02 * axes.get_ylim()[1], None)  # a weight of 0 stays visible


def _dashes(i: int) -> tuple[float, ...]:
    """Return the dashes of line `i`: after one round of colours, each colour meets other dashes."""
    return DASHES[(i + i // len(SERIES)) % len(DASHES)]


def line_style(i: int, width: float = 1.2) -> dict[str, Any]:
    """Return colour, width and dashes of line `i`, from 0."""
    dashes = _dashes(i)
    style: dict[str, Any] = {"color": SERIES[i % len(SERIES)], "linewidth": width}
    return {**style, "dashes": dashes} if dashes else style


def line_key(text: str, i: int, mark: Literal["line", "both"] = "line") -> Key:
    """Return the legend's entry of line `i`, from 0."""
    dashes = " ".join(f"{1.4 * length:g}" for length in _dashes(i))
    return Key(text, i % len(SERIES) + 1, dashes, mark)


def thin(values: Floats, most: int = MOST_POINTS, head: int = 1) -> npt.NDArray[np.int64]:
    """Return positions of about `most` values: the first `head`, then the extremes of each stretch."""
    n = values.size
    if n <= most:
        return np.arange(n)
    kept = {*range(head), n - 1}
    for part in np.array_split(np.arange(n), max(1, (most - 2) // 2)):
        kept |= {int(part[np.argmin(values[part])]), int(part[np.argmax(values[part])])}
    return np.array(sorted(kept))


def dress(axes: Axes, size: Size, *, dates: bool = False, whole: bool = False) -> None:
    """Give axes quiet lines, few ticks and dates that a phone can show."""
    from matplotlib.dates import MONTHLY, AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(SOFT)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=SOFT, labelcolor=INK, length=3)
    if dates:
        locator = AutoDateLocator(minticks=2, maxticks=4 if size == "narrow" else 9)  # type: ignore[no-untyped-call]
        locator.intervald[MONTHLY] = [1, 2, 3, 4, 6, 12]  # else none would do for 19 to 23 months
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4 if size == "narrow" else 8, integer=whole))
    if axes.get_yscale() == "linear":
        axes.yaxis.set_major_locator(MaxNLocator(4 if size == "narrow" else 5))


def logarithmic(axes: Axes, lowest: float, highest: float) -> None:
    """Give axes a logarithmic scale with ticks at 1, 2 and 5."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_yscale("log")
    steps = [base * 10.0**power for power in range(-6, 9) for base in (1, 2, 5)]
    axes.yaxis.set_major_locator(FixedLocator([step for step in steps if lowest / 2 <= step <= 2 * highest]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(0.95 * lowest, 1.05 * highest)


@contextmanager
def _settings(salt: str, size: float = 10.0) -> Iterator[None]:
    """Text stays text, and ids do not change from run to run."""
    import matplotlib

    own: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "font.size": size,
        "axes.labelsize": size,
        "xtick.labelsize": size,
        "ytick.labelsize": size,
        "axes.labelcolor": INK if salt != "geiger" else "black",
        "axes.unicode_minus": True,
        "path.simplify": True,
        "text.parse_math": False,
    }
    with matplotlib.rc_context(own):
        yield


def _svg(figure: Canvas) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "geiger"})
    return buffer.getvalue()


def make_drawing(
    name: str,
    title: str,
    gist: str,
    draw: Callable[[Canvas, Size], None],
    keys: tuple[Key, ...],
    height: float,
    narrow_height: float = 3.2,
    live: Live | None = None,
) -> Drawing:
    """Draw a chart in both sizes; `name` is unique on its page."""
    from matplotlib.figure import Figure

    sizes: tuple[tuple[Size, float, float, float], ...] = (
        ("wide", 9.0, height, 9.5),
        ("narrow", 4.2, narrow_height, 11.0),
    )
    made = []
    for size, width, tall, text in sizes:
        with _settings(f"{name}-{size}", text), np.errstate(over="ignore", invalid="ignore"):
            figure = Figure(figsize=(width, tall), layout="constrained", facecolor="none")
            draw(figure, size)
            for axes in figure.axes:
                axes.set_facecolor("none")
            figure.align_ylabels()
            made.append(_inline(_svg(figure).decode(), f"{name}-{size}", size, title, gist))
    return Drawing(made[0], made[1], keys, name, None if live is None else live.text())


_LONG = re.compile(r"-?\d+\.\d{3,}")


def _shortened(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _inline(svg: str, name: str, size: Size, title: str, gist: str) -> str:
    """Turn an SVG file into an element of a page: own ids, the page's colours and fonts, named in words."""
    box = re.search(r'viewBox="([^"]+)"', svg)
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    for pattern in (
        r"<metadata>.*?</metadata>",
        r"<style[^>]*>.*?</style>",
        r"<!--.*?-->",
        r"<defs>\s*</defs>",
    ):
        body = re.sub(pattern, "", body, flags=re.S)
    body = body.replace("xlink:href", "href")
    used = set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', body))
    wanted = {one for pair in used for one in pair if one}
    body = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in wanted else "", body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r'href="#', f'href="#{name}-', body)
    body = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", body)
    body = re.sub(r"font-family: [^;\"]+;? ?", "", body)
    body = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", body)
    body = re.sub(r"<g>\s*(<text[^>]*>[^<]*</text>)\s*</g>", r"\1", body)
    body = re.sub(r' (?:d|x|y|transform)="[^"]+"', lambda m: _LONG.sub(_shortened, m[0]), body)
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    body = re.sub(r"\s*\n\s*", "\n", body).strip()
    label = f'aria-labelledby="{name}-title {name}-desc"'
    title, gist = escape(title, quote=False), escape(gist, quote=False)
    head = f'<title id="{name}-title">{title}</title><desc id="{name}-desc">{gist}</desc>'
    shape = box[1] if box else "0 0 1 1"
    return f'<svg class="{size}" viewBox="{shape}" role="img" {label}>{head}\n{body}\n</svg>'
