"""The lines of a cross-section, as the log and the terminal show them: tables first, then one fact a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from geiger.cross_section import CrossSection, Portfolio, Quantile, RankIC, RankRival
from geiger.records import as_text
from geiger.runlog.tables import table

IC_HEAD = ["Rank IC", "days", "mean %", "error %", "t", "ICIR a day"]
RIVAL_HEAD = ["Rival on the same rows", "days", "mean %", "error %", "ours more %", "error %", "t"]
PORTFOLIO_HEAD = [
    *("net % a year", "Sharpe", "beside EW", "error", "turnover", "break-even bp", "beta"),
    *("drawdown %", "capacity"),
]
IN_TABLE = ("all", "period", "delay", "neutral")
UNDEFINED = "undefined"
_CLEAR = 1.645  # errors above 0: one in twenty without skill


def cross_section_lines(found: CrossSection) -> tuple[str, ...]:
    """Return the lines of a cross-section, at most 110 characters each; years stand in the record alone."""
    return tuple(_lines(found))


def _lines(found: CrossSection) -> Iterator[str]:
    fewest, median, most = found.names
    yield f"Symbols a day: {fewest} to {most}, median {median}; a day counts from {found.least_names} on"
    yield from table([IC_HEAD, *(_ic(one) for one in found.ics if one.kind in IN_TABLE)])
    for head, kind in (("By days held", "horizon"), ("By part", "part")):
        told = [f"{one.name} {_with_t(one)}" for one in found.ics if one.kind == kind]
        if told:
            yield f"{head}: {', '.join(told)}"
    if found.rivals:
        yield from table([RIVAL_HEAD, *(_rival(one) for one in found.rivals)])
    if found.quantiles:
        yield _quantiles(found)
    yield _explained(found)
    if found.members:
        yield _members(found)
    if found.portfolios:
        yield from _portfolios(found.portfolios)


def _ic(one: RankIC) -> list[str]:
    name = f"neutral {one.name}" if one.kind == "neutral" else one.name
    return [name, str(one.days), *_percents(one.mean, one.error), _ratio(one.t), _ratio(one.ratio)]


def _with_t(one: RankIC) -> str:
    t = UNDEFINED if one.t is None else f"{one.t:.1f}"
    return UNDEFINED if one.mean is None else f"{as_text(one.mean, 'return')} (t {t})"


def _rival(one: RankRival) -> list[str]:
    t = None if one.gain is None or not one.gain_error else one.gain / one.gain_error
    return [
        one.name,
        str(one.days),
        *_percents(one.mean, one.error),
        *_percents(one.gain, one.gain_error),
        _ratio(t),
    ]


def _quantiles(found: CrossSection) -> str:
    digits = 1 if len(found.quantiles) <= 5 else 0
    means = ", ".join(_bps(one.mean, digits) for one in found.quantiles)
    return f"Quantiles, bp beyond the mean: {means}{_spread(found.spread)}"


def _spread(one: Quantile | None) -> str:
    if one is None or one.mean is None:
        return ""
    return f"; spread {_bps(one.mean)} (error {_bps(one.error)})"


def _explained(found: CrossSection) -> str:
    error = "" if found.explained_error is None else f" (error {as_text(found.explained_error, 'return')})"
    return (
        f"R2 beyond the day's mean: {as_text(found.explained, 'return')}{error}; "
        f"slope {as_text(found.slope, 'ratio')}; "
        f"scores correlate with those of the day before: {as_text(found.persistence, 'ratio')}"
    )


def _members(found: CrossSection) -> str:
    told = [one for one in found.members if one.correlation is not None]
    above = [one for one in told if (one.correlation or 0.0) > 0.0]
    clear = [one for one in above if one.error and (one.correlation or 0.0) > _CLEAR * one.error]
    return (
        f"Own correlation over time: {len(above)} of {len(told)} symbols above 0, {len(clear)} by {_CLEAR} "
        f"errors ({0.05 * len(told):.1f} expected by chance)"
    )


def _portfolios(portfolios: tuple[Portfolio, ...]) -> Iterator[str]:
    own, main = portfolios[0].cost_bps, portfolios[0].name
    rows = [one for one in portfolios if one.cost_bps == own]
    yield from table([[f"At {own:g} bp", *PORTFOLIO_HEAD], *(_portfolio(one) for one in rows)])
    curve = sorted((one for one in portfolios if one.name == main), key=lambda one: one.cost_bps)
    nets = ", ".join(f"{one.cost_bps:g} bp {as_text(one.net, 'return')}" for one in curve)
    closed = max(one.closed for one in portfolios)
    left = f"; {closed} positions closed at a last price, without a next open" if closed else ""
    yield f"{main} net a year by cost: {nets}{left}"


def _portfolio(one: Portfolio) -> list[str]:
    return [
        one.name,
        *_percents(one.net),
        _ratio(one.sharpe),
        *_percents(one.against, one.against_error),
        "" if one.turnover is None else f"{one.turnover:.1f}",
        "" if one.break_even_bps is None else f"{one.break_even_bps:.2f}",
        _ratio(one.beta),
        *_percents(one.drawdown),
        "" if one.capacity is None else f"{one.capacity / 1e6:,.0f} m",
    ]


def _percents(*values: float | None) -> Iterable[str]:
    return ["" if value is None else f"{100 * value:z.2f}" for value in values]


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:z.2f}"


def _bps(value: float | None, digits: int = 1) -> str:
    return UNDEFINED if value is None else f"{1e4 * value:z.{digits}f}"
