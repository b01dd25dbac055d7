"""The parts of a page on what was earned and held over time, each None where a run has nothing for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from geiger.evidence.error_rates import Rate
from geiger.figures import STRATEGY
from geiger.report.parts import Chart, Table, counted, plain, written
from geiger.report.path_charts import (
    costs_drawing,
    distribution_drawing,
    held_drawing,
    importances_drawing,
    rolling_drawing,
)
from geiger.report.view import Floats, Importance, Months, PathView, Positions, Rolling, SharpeRange, Stay

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STEPS = (-1.5, -1.0, -0.5, 0.5, 1.0, 1.5)  # deviations of a month, between the colours
MOST_FEATURES = 20
EXTREME = 8  # stays of each kind that a table holds


def falls_table(paths: PathView) -> Table | None:
    """Return the deepest falls of the equity."""
    if not paths.falls:
        return None
    rows = tuple(
        (
            written(fall.depth, "share"),
            str(fall.start),
            str(fall.trough),
            "not yet" if fall.recovered is None else str(fall.recovered),
            str(fall.rows),
        )
        for fall in paths.falls
    )
    columns = ("Depth", "From", "Lowest", "Recovered", "Trading days")
    return Table("The deepest falls of the equity, net of costs", columns, rows)


def months_table(months: Months | None) -> Table | None:
    """Return net returns by month, coloured by how far a month lies from 0."""
    if months is None or np.isfinite(months.returns).sum() < 3:
        return None
    told = months.returns[np.isfinite(months.returns)]
    unit = float(np.sqrt(np.mean(told**2))) or 1.0
    rows, steps = [], []
    for year, row, total in zip(months.years, months.returns.tolist(), months.totals.tolist(), strict=True):
        rows.append((str(year), *(_percent(value) for value in row), _percent(total)))
        steps.append((*(_step(value / unit) for value in row), 0))
    columns = ("Year", *MONTHS, "All")
    note = (
        f"Percent, compounded. A colour begins at half a usual month away from 0, which is {100 * unit:.1f}% "
        "(root mean square), and is full at one and a half."
    )
    return Table(
        "Net return by month in which it became known, %", columns, tuple(rows), False, note, tuple(steps)
    )


def _percent(value: float) -> str:
    return "" if not np.isfinite(value) else f"{100 * value:z.1f}"


def _step(value: float) -> int:
    """Return a colour from 1 to 7; 0 without a value.

    >>> _step(-2.0), _step(0.0), _step(1.2), _step(float("nan"))
    (1, 4, 6, 0)
    """
    return 0 if math.isnan(value) else 1 + int(np.searchsorted(STEPS, value, side="right"))


def rolling_sharpe_chart(paths: PathView) -> Chart | None:
    """Return the Sharpe ratio of the last year, again every day."""
    found = paths.rolling_sharpe
    if found is None:
        return None
    return _rolling_chart(found, "rolling-sharpe", "Rolling Sharpe ratio", "Sharpe ratio", "Sharpe ratio of")


def rolling_ic_chart(paths: PathView) -> Chart | None:
    """Return the correlation of forecasts and outcomes of the last year, again every day."""
    if paths.rolling_ic is None:
        return None
    window = paths.rolling_ic.window
    chart = _rolling_chart(
        paths.rolling_ic, "rolling-ic", "Rolling IC", "IC", "Correlation of forecasts with outcomes, of"
    )
    reach = 1.96 / math.sqrt(window)
    more = f" Without skill 95% of such figures lie within {reach:.2f} of 0, each by itself."
    return Chart(chart.drawing, chart.caption + more, chart.table)


def _rolling_chart(found: Rolling, name: str, title: str, unit: str, what: str) -> Chart:
    first, values = next(iter(found.lines.items()))
    told = values[np.isfinite(values)]
    above = float((told > 0).mean()) if told.size else 0.0
    whose = "" if len(found.lines) == 1 else f"for {first} "
    gist = (
        f"{what} the last {found.window} days, again every day: {whose}above 0 on "
        f"{written(above, 'share')} of days, lowest {plain(_least(told), 2)}, "
        f"highest {plain(_most(told), 2)}. Windows overlap, so neighbours say nearly the same."
    )
    last = {day.year: i for i, day in enumerate(found.days)}
    rows = tuple(
        (str(year), *(plain(float(line[i]), 2) for line in found.lines.values()))
        for year, i in last.items()
        if any(np.isfinite(line[i]) for line in found.lines.values())
    )
    table = Table(f"{title}, at the end of each year", ("Year", *found.lines), rows)
    return Chart(rolling_drawing(name, title, gist, found, unit), gist, table)


def _least(values: Floats) -> float:
    return float(values.min()) if values.size else float("nan")


def _most(values: Floats) -> float:
    return float(values.max()) if values.size else float("nan")


def sharpe_table(found: SharpeRange | None) -> Table | None:
    """Return the intervals of the Sharpe ratio."""
    if found is None:
        return None
    rows = [
        (
            f"bootstrap of the days, {found.resamples} draws in blocks of {found.block:g} on average",
            *map(_ratio, (found.value, *found.drawn)),
        )
    ]
    if found.formula is not None:
        rows.append(("by formula, skew and tails counted", *map(_ratio, (found.value, *found.formula))))
    holds = found.drawn[0] <= 0 <= found.drawn[1]
    note = (
        "0 lies within the first interval: such a record comes about without any edge too."
        if holds
        else "0 lies outside the first interval, which counts neither the tries nor what the market gave."
    )
    return Table(
        "95% intervals of the Sharpe ratio", ("How", "Sharpe ratio", "From", "To"), tuple(rows), note=note
    )


def _ratio(value: float) -> str:
    return written(value, "ratio")


def distribution_chart(paths: PathView) -> Chart | None:
    """Return how returns of a day are spread."""
    found = paths.distribution
    if found is None:
        return None
    facts = found.facts[STRATEGY]
    gist = (
        f"Net returns of a day: mean {100 * facts['mean']:z.3f}%, deviation {100 * facts['deviation']:.2f}%, "
        f"worst {100 * facts['worst']:z.1f}%, best {100 * facts['best']:z.1f}%. The outermost bars hold "
        "all that lies beyond."
    )
    rows = []
    for name, text in _FACTS.items():
        rows.append((text, *(_fact(name, of[name]) for of in found.facts.values())))
    table = Table("Returns of a day, net", ("Figure", *found.facts), tuple(rows))
    return Chart(distribution_drawing("distribution", gist, found), gist, table)


_FACTS: Mapping[str, str] = {
    "mean": "Mean",
    "deviation": "Deviation",
    "skew": "Skew: 0 is even",
    "kurtosis": "Kurtosis: 3 is a normal distribution",
    "worst": "Worst day",
    "best": "Best day",
    "above": "Share of days above 0",
}


def _fact(name: str, value: float) -> str:
    if name in ("skew", "kurtosis"):
        return plain(value, 2)
    return written(value, "share") if name == "above" else f"{100 * value:z.3f}%"


def held_chart(found: Positions | None) -> Chart | None:
    """Return the weights over time, with a summary of the trades."""
    if found is None:
        return None
    weight, n = found.weights, len(found.weights)
    sides = {
        "long": float((weight > 0).mean()),
        "short": float((weight < 0).mean()),
        "flat": float((weight == 0).mean()),
    }
    told = ", ".join(f"{side} on {written(share, 'share')}" for side, share in sides.items() if share)
    gist = (
        f"Held over {counted(n, 'day')}: {told}; mean weight {written(float(weight.mean()), 'share')}. "
        f"Something was traded on {counted(found.trades, 'day')}, all together {found.turnover:.1f} times "
        f"the equity, one way."
    )
    table = _sides_table(found)
    return Chart(held_drawing("held", gist, found.days, weight), gist, table)


def _sides_table(found: Positions) -> Table:
    rows = []
    for side in ("long", "short", "flat"):
        stays = [stay for stay in found.stays if stay.side == side]
        if not stays:
            continue
        gained = [stay for stay in stays if stay.net > 0]
        rows.append(
            (
                side,
                str(len(stays)),
                str(sum(stay.rows for stay in stays)),
                f"{float(np.median([stay.rows for stay in stays])):g}",
                written(len(gained) / len(stays), "share"),
                written(float(np.prod([1.0 + stay.net for stay in stays]) - 1.0), "return"),
            )
        )
    columns = ("Side", "Stays", "Days", "Median days of a stay", "Stays with a gain", "Net, all together")
    return Table("Stays on one side of the market", columns, tuple(rows))


def stays_table(found: Positions | None) -> Table | None:
    """Return the longest, the best and the worst stays on one side, and the last one."""
    held = () if found is None else tuple(stay for stay in found.stays if stay.side != "flat")
    if len(held) < 2:
        return None
    chosen: dict[Stay, list[str]] = {}
    for word, key in (
        ("best", lambda stay: -stay.net),
        ("worst", lambda stay: stay.net),
        ("longest", lambda stay: -stay.rows),
    ):
        for stay in sorted(held, key=key)[: EXTREME // 2]:
            chosen.setdefault(stay, []).append(word)
    chosen.setdefault(held[-1], []).append("last")
    rows = tuple(
        (
            f"{stay.first}",
            str(stay.last),
            stay.side,
            str(stay.rows),
            written(stay.mean_weight, "share"),
            written(stay.net, "return"),
            ", ".join(words),
        )
        for stay, words in sorted(chosen.items(), key=lambda item: item[0].first)
    )
    columns = ("Filled", "Until", "Side", "Days", "Mean weight", "Net", "Why it is here")
    return Table(f"{len(rows)} of {len(held)} stays", columns, rows)


def costs_chart(paths: PathView) -> Chart | None:
    """Return what the same weights leave at other costs, and a day late."""
    curve = [point for point in paths.costs if not point.late and point.sharpe is not None]
    late = next((point for point in paths.costs if point.late), None)
    own = next((i for i, point in enumerate(curve) if point.own), None)
    if len(curve) < 2 or own is None:
        return None
    after = "" if late is None else f" Filled a day late it is {_text(late.sharpe)} at that cost."
    gist = (
        f"The same weights at other costs: Sharpe ratio {_text(curve[0].sharpe)} at {curve[0].label} of a "
        f"unit of turnover, {_text(curve[own].sharpe)} at this run's {curve[own].label}, "
        f"{_text(curve[-1].sharpe)} at {curve[-1].label}.{after} A rule that knew of another cost "
        "might have traded less."
    )
    rows = tuple(
        (
            point.label + (", this run's" if point.own else ""),
            _text(point.sharpe),
            written(point.cagr, "return"),
            written(point.beat, "points"),
        )
        for point in paths.costs
    )
    table = Table(
        "The same weights at other costs", ("Cost", "Sharpe ratio", "CAGR, net", "Beside buy and hold"), rows
    )
    lines = {"strategy": np.array([point.sharpe for point in curve], np.float64)}
    at = np.array([point.cost_bps for point in curve], np.float64)
    drawing = costs_drawing("costs", gist, at, lines, own, None if late is None else late.sharpe)
    return Chart(drawing, gist, table)


def _text(value: float | None) -> str:
    return written(value, "ratio")


def importances_chart(found: Sequence[Importance]) -> Chart | None:
    """Return what the model used most."""
    if not found:
        return None
    top = found[:MOST_FEATURES]
    even = 1.0 / len(found)
    share = sum(one.mean for one in top)
    gist = (
        f"The {len(top)} features with the largest share of the model's own measure, of {len(found)} that it "
        f"used: together {written(share, 'share')}, where equal parts would be "
        f"{written(len(top) * even, 'share')}. It says what was used, not what is true."
    )
    rows = tuple(
        (one.feature, *(written(value, "share") for value in (one.mean, one.least, one.most)))
        for one in found
    )
    table = Table("Share of the model's own measure, over folds", ("Feature", "Mean", "Least", "Most"), rows)
    columns = (np.array([100 * getattr(one, part) for one in top]) for part in ("mean", "least", "most"))
    drawing = importances_drawing("importances", gist, [one.feature for one in top], *columns)
    return Chart(drawing, gist, table)


def gates_table(gates: Sequence[Rate]) -> Table | None:
    """Return how often each gate of the plan was passed with nothing to find."""
    if not gates:
        return None
    rows = tuple(
        (rate.name, f"{rate.count} of {rate.n}", rate.text().partition(" (")[2].rstrip(")")) for rate in gates
    )
    note = "On made markets without anything to find, by this model with these settings."
    return Table(
        "False-alarm rates of the gates", ("Gate", "Passed by chance", "95% interval"), rows, note=note
    )
