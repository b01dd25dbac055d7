"""The lines of a verdict, as the log and the terminal show them: the answer first, one fact a line."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

from geiger.records import NOT_EVALUATED, Answer, Notice, OfPanel, Verdict, as_text
from geiger.runlog.wording import register_line

NINE_TENTHS = NormalDist().inv_cdf(0.95)  # errors to either side of an interval of 90%
A_LIFE = 10_000  # days: what takes longer is not waited for
UNKNOWN = "not measured for these settings"


def verdict_lines(verdict: Verdict | None) -> tuple[str, ...]:
    """Return the lines of a verdict; `not evaluated` where there is none."""
    if verdict is None:
        return (NOT_EVALUATED,)
    told = (f"{name}: {text}" for name, text in _lines(verdict))
    head = None if verdict.tries is None else verdict.tries.head
    register = () if head is None else (register_line(head),)
    return (f"{verdict.answer}: {verdict.sentence}", *told, *register)


def headline(verdict: Verdict | None) -> str:
    """Return the answer with its sentence; `not evaluated` where there is none."""
    return verdict_lines(verdict)[0]


def answer_in(line: str) -> Answer | None:
    """Return the answer that the first line of a verdict gives; None where it gives none.

    >>> answer_in("NO SIGNAL: what they know would not pay for its trading")
    <Answer.NO_SIGNAL: 'NO SIGNAL'>
    """
    word = line.partition(":")[0].strip()
    return Answer(word) if word in set(Answer) else None


def alarm_line(alarm: Notice) -> str:
    """Return one alarm in a line, code first."""
    return f"{alarm.code}: {alarm.text}"


def _lines(v: Verdict) -> Iterator[tuple[str, str]]:
    yield from (("Alarm", alarm_line(alarm)) for alarm in v.alarms)
    for reason in v.reasons:
        yield "Because", reason.code if reason.text == v.sentence else f"{reason.code}: {reason.text}"
    yield "Economic", worth_text(v)
    yield "Skill", _skill(v)
    if v.panel is not None:
        yield "Timing", _timing(v.panel)
    yield "Effect", effect_text(v)
    yield "Detectable", _detectable(v)
    yield "Tries", _tries(v)
    yield "Error Rates", v.rates or UNKNOWN
    yield "Check Source", "not held" if v.check is None else v.check.text()
    if v.second_p is not None:
        yield "Second Opinion", f"p {_p(v.second_p)}, of partial normal scores; it decides nothing"
    if v.deflated_sharpe is not None:
        yield "Deflated Sharpe", f"{as_text(v.deflated_sharpe, 'share')}; it decides nothing"
    yield from (("Not Checked", text) for text in v.not_checked)
    yield "Judged", f"{v.made_on}, on bars up to {v.data_to}"


def worth_text(v: Verdict) -> str:
    """Return whether trading the forecasts beat holding the market, and by how much."""
    if v.worth_p is None or v.difference is None:
        return str(v.worth)
    corrected = "" if v.worth_corrected_p is None else f", with all tries {_p(v.worth_corrected_p)}"
    beside = "buy and hold at the same volatility"
    if v.panel is not None:
        beside = "equal weight at the same exposure"
    gain = f"{100 * v.difference:+z.1f}% a year beside {beside}"
    return f"{v.worth} ({gain}; p {_p(v.worth_p)}{corrected})"


def _skill(v: Verdict) -> str:
    names = "" if v.panel is None else f" of {v.panel.names:.3g} symbols"
    days = f"{v.days} days{names} from {v.first} to {v.last}" if v.days else "no day has a score"
    if v.p_value is None:
        return f"no p; {days}"
    corrected = "tries unknown" if v.corrected_p is None else f"with all tries {_p(v.corrected_p)}"
    return f"p {_p(v.p_value)}, {corrected}, asked for below {v.level:g}; {days}"


def _timing(panel: OfPanel) -> str:
    days = f"{panel.timing_days} days of the mean forecast against the equally weighted market"
    if panel.timing_p is None:
        return f"no p; {days}"
    with_all = panel.timing_corrected_p
    corrected = "tries unknown" if with_all is None else f"with all tries {_p(with_all)}"
    return f"p {_p(panel.timing_p)}, {corrected}; {days}; it decides nothing"


def effect_text(v: Verdict) -> str:
    """Return the slope of the outcome on the forecast with its interval of 90%, and what it explains."""
    if v.slope is None or v.slope_error is None:
        return "undefined"
    margin, places = NINE_TENTHS * v.slope_error, 2 if v.panel is None else 3
    pays = (
        "its trading would not earn more with a larger one"
        if v.needed_slope is None
        else f"its trading pays from {v.needed_slope:.{places}f} on"
    )
    if v.panel is not None:
        return (
            f"{v.slope:z.3f} daily volatilities for one of score, 90% interval {v.slope - margin:z.3f} to "
            f"{v.slope + margin:z.3f} ({pays}), R2 {as_text(v.explained, 'return')} "
            "beyond beta and volatility"
        )
    return (
        f"slope {v.slope:z.2f}, 90% interval {v.slope - margin:z.2f} to {v.slope + margin:z.2f} "
        f"(1 is calibrated; {pays}), R2 {as_text(v.explained, 'return')}"
    )


def _detectable(v: Verdict) -> str:
    if v.detectable is None:
        return "undefined"
    told = f"R2 {as_text(v.detectable, 'return')} would be found in four of five such samples"
    of = v.panel
    measured, needed = (None, None) if of is None else (of.symbols_for_measured, of.symbols_for_needed)
    more = (
        ("an effect as large as measured", v.days_for_measured, measured),
        ("one that pays for its trading", v.days_for_needed, needed),
    )
    return "; ".join(
        [told, *(f"{what}: {_days(n)}{_symbols(of, n, k)}" for what, n, k in more if n is not None)]
    )


def _symbols(panel: OfPanel | None, days: int, symbols: int | None) -> str:
    """Say how many symbols would do what so many days would; nothing where there is one symbol."""
    if panel is None or not days:
        return ""
    return " (no number of symbols would do)" if symbols is None else f" or {symbols} symbols a day"


def _days(n: int) -> str:
    if not n:
        return "these days are enough"
    return f"{n} more day{'' if n == 1 else 's'}" if n <= A_LIFE else f"more than {A_LIFE} more days"


def _tries(v: Verdict) -> str:
    if v.tries is None:
        return "unknown"
    if v.tries.head is None:
        return f"{v.tries.skill} as you stated them, counted as independent of each other"
    lost = f", {v.tries.lost} without their scores" if v.tries.lost else ""
    ways = f"{v.tries.economic} {'way' if v.tries.economic == 1 else 'ways'} of trading"
    what = "series" if v.panel is None else "panel"
    return f"{v.tries.skill} on these days of this {what}{lost}, and {ways}"


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"
