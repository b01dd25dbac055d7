"""Many runs side by side: one sorted table, means over symbols, what the best of them is by luck alone."""

from __future__ import annotations

from collections.abc import Sequence

from geiger.cli.terminal import COLUMNS, counted, shown_in, table, wrapped
from geiger.judging.summary import OfModel, Row, Summary
from geiger.records import Status, as_text, p_as_told

HEADING = "Mean correlation over symbols, its error clustered by day (symbols share their days):"


def comparison_lines(found: Summary) -> list[str]:
    """Return what several trainings of one command came to, in 80 columns."""
    several = any(one.symbols > 1 for one in found.models)
    means = ["", *shown_in(HEADING, hanging="  "), *mean_lines(found.models, COLUMNS)] if several else []
    best = [line for text in best_lines(found) for line in shown_in(text)]
    return [
        *table(_rows(found)).splitlines(),
        "held: the Sharpe ratio of buying and holding on the same days",
        *suspect_lines(found, COLUMNS),
        *unaudited_lines(found, COLUMNS),
        *badly_lines(found, COLUMNS),
        *means,
        *(["", *best] if best else []),
    ]


def row_line(row: Row) -> str:
    """Return one run in a line."""
    told = f"{row.symbol} {row.model}: {row.answer or 'not judged'}, p {p_as_told(row.p_value)}"
    if row.suspect:
        told += ", LEAK SUSPECT"
    if row.status is not Status.SUCCESS:
        return f"{told}, training {row.status}"
    return f"{told}, Sharpe {as_text(row.sharpe, 'ratio')}, buy and hold {as_text(row.hold, 'ratio')}"


def _rows(found: Summary) -> list[list[str]]:
    head = ["symbol", "model", "verdict", "p, all tries", "correlation", "Sharpe", "held"]
    return [head, *(_cells(row) for row in found.rows)]


def _cells(row: Row) -> list[str]:
    if row.run is None:
        return [row.symbol, row.model, "no run", "", "", "", ""]
    return [
        row.symbol,
        row.model,
        row.answer or "none",
        p_as_told(row.p_value),
        with_error(row.correlation, row.error),
        as_text(row.sharpe, "ratio"),
        as_text(row.hold, "ratio"),
    ]


def badly_lines(found: Summary, widest: int = 100) -> list[str]:
    """Return which trainings ended badly, which the exit code says as well."""
    badly = [row for row in found.rows if row.status not in (None, Status.SUCCESS)]
    named = ", ".join(f"{row.symbol} {row.model} {row.status}" for row in badly)
    return wrapped(f"Ended badly: {named}; `geiger logs analyze` says why.", widest=widest) if badly else []


def suspect_lines(found: Summary, widest: int = 100) -> list[str]:
    """Return which runs are too good to be true, before anything good is said of them."""
    named = ", ".join(f"{row.symbol} {row.model}" for row in found.rows if row.suspect)
    told = (
        f"LEAK SUSPECT: {named}: better than daily returns allow, or audited red; `geiger logs analyze` says "
    )
    rest = "what to do first. Means and best below have them in."
    return wrapped(told + rest, widest=widest) if named else []


def unaudited_lines(found: Summary, widest: int = 100) -> list[str]:
    """Return which runs ring and lack an audit: the next thing to do, which the table does not show."""
    named = ", ".join(f"{row.symbol} {row.model}" for row in found.rows if row.unaudited)
    told = f"Rings, and is not audited, without which it is no signal: {named}; "
    return wrapped(f"{told}`geiger logs analyze` has the command.", widest=widest) if named else []


def with_error(value: float | None, error: float | None) -> str:
    """Return a correlation with its standard error.

    >>> with_error(0.0312, 0.0151), with_error(None, None)
    ('+0.031 (se 0.015)', 'undefined')
    """
    if value is None:
        return "undefined"
    return f"{value:+z.3f}" + ("" if error is None else f" (se {error:.3f})")


def mean_lines(models: Sequence[OfModel], widest: int = 100) -> list[str]:
    """Return the mean correlation of each model over its symbols, and how many of its verdicts ring."""
    lines = []
    for one in models:
        days = f", {one.days} days" if one.days else ""
        mean = with_error(one.mean, one.error)
        lines.append(f"  {called(one, models)}: {mean} over {counted(one.symbols, 'symbol')}{days}")
        if one.level is not None:
            chance = f"by chance {one.level * one.tested:g} would, were they independent"
            told = f"{one.rings} of {one.tested} ring (p with all tries below {one.level:g}); {chance}"
            lines += wrapped(told, "    ", "      ", widest=widest)
    return lines


def called(one: OfModel, models: Sequence[OfModel]) -> str:
    """Return a model's name, with its recipe where there are several."""
    several = len({other.recipe for other in models}) > 1
    return f"{one.model} {one.recipe}" if several else one.model


def best_lines(found: Summary) -> list[str]:
    """Return what the best of all would show by luck alone; nothing where there is one."""
    best, row = found.best, found.best_row
    if best is None or row is None or best.n < 2:
        return []
    return [
        f"The best of {best.n} by luck alone would show a correlation {best.usual:.1f} times its error (one "
        f"time in twenty more than {best.high:.1f} times); the best here, {row.symbol} {row.model}, shows "
        f"{best.seen:.1f} times (p {p_as_told(best.p_value)})."
    ]
