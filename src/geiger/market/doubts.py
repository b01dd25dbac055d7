"""Everything about a price series that is doubtful, said in plain words and never repaired.

A doubt has a stable code for programs and a sentence for people. ``error``: the figures of these days are
wrong. ``warning``: they may be, or a fill at them is no trade. ``note``: good to know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.market.rhythm import copied_rows, day_steps, observed_market, sparse_rows

Severity = Literal["error", "warning", "note"]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CODES: Mapping[str, str] = {
    # said while a file is read
    "DATA_EMPTY_ROWS": "rows without prices were left out",
    "DATA_NEWEST_FIRST": "the file runs from new to old; its rows were turned round",
    "DATA_NUMBER_STYLE": "what shows how numbers are to be read",
    "DATA_HEADINGS": "lines above the headings were left out, or there are no headings and they are known",
    "DATA_ONE_OF_SEVERAL": "the file holds several symbols; the asked one was read",
    "DATA_DATE_STYLE": "what shows how dates are to be read",
    "DATA_TIME_OF_DAY": "time stamps were cut to their own date",
    "DATA_COLUMNS_IGNORED": "columns that mean nothing here were not read",
    "DATA_ENCODING": "the text is not UTF-8; the encoding was concluded",
    "DATA_VOLUME_MISSING": "days without a volume cell have volume 0, which means unknown",
    "DATA_ADJUSTMENT_UNKNOWN": "there is no adjusted close",
    # found by `check`
    "DATA_CLOSE_ONLY": "there are closes only, so no fill at an open",
    "DATA_COLUMNS_SHIFTED": "the labels do not fit the columns",
    "DATA_CLOSE_FIRST": "the close stands at the start of its bar, so the rest of the bar lies in its future",
    "DATA_HIGH_TOO_LOW": "the high is below the open or the close",
    "DATA_LOW_TOO_HIGH": "the low is above the open or the close",
    "DATA_NOT_DAILY": "bars stand for a week, a month or longer, or most days are missing",
    "DATA_FUTURE_DAYS": "bars stand on days that have not come yet",
    "DATA_ADJUSTMENT_MISMATCH": "the adjusted close does not step by a dividend or split that the file lists",
    "DATA_ADJUSTMENT_JUMP": "the adjusted close jumps where the quoted close does not",
    "DATA_UNADJUSTED_SPLIT": "a price step looks like a split that nobody adjusted",
    "DATA_SPIKE": "one price of a bar lies far outside what the rest of the bar and its neighbours allow",
    "DATA_REVERTED_MOVE": "the close moves far and is back within days",
    "DATA_EXTREME_RETURN": "a return lies beyond ten robust standard deviations",
    "DATA_STALE_CLOSES": "the close stays the same for five days or more",
    "DATA_STALE_OPENS": "opens repeat the last close, so a fill there is no trade",
    "DATA_FLAT_BARS": "open, high, low and close are one number",
    "DATA_COPIED_ROWS": "rows repeat the day before in every cell, so no trading stands behind them",
    "DATA_HOLIDAY_ROWS": "flat bars without volume, as vendors fill holidays",
    "DATA_NO_VOLUME": "the series has no volume at all",
    "DATA_ZERO_VOLUME": "days with moving prices have no volume",
    "DATA_WEEKEND_DAYS": "bars stand on a Saturday or Sunday",
    "DATA_GAPS": "more than seven days lie between two bars",
    "DATA_MISSING_SESSIONS": "sessions of the exchange have no bar",
    "DATA_EXTRA_SESSIONS": "bars stand on days when the exchange was closed",
}

CLOSE_FIRST = "DATA_CLOSE_FIRST"
NOT_DAILY = "DATA_NOT_DAILY"
FUTURE_DAYS = "DATA_FUTURE_DAYS"
DAYS_SHOWN = 5

_ROUNDING = 1e-6  # relative; vendors store 6 to 8 digits
_IMPOSSIBLE_MISS = 0.05  # a bar that misses by more is no rounding of anybody's feed
_JUMP = 0.05  # log step of adjusted/quoted close; larger steps are rare dividends or faults
_EXTREME_SIGMAS = 10.0
_STALE_RUN = 5
_STALE_SHARE = 0.05  # share of opens equal to the last close that is worth a word
_STALE_YEAR = 0.30
_LONG_GAP_DAYS = 7
_RHYTHMS = {7: "a week", 14: "in two weeks", 30: "a month", 91: "a quarter", 365: "a year"}  # by days
_SPLITS = np.array([1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
_SPLIT_LIKE = "looks like a split that nobody adjusted"
_SPIKE = 0.10  # log distance; quiet series have wicks of many times their usual range that mean nothing
_SPIKE_RANGES = 10.0  # usual ranges of the days before and after; flash crashes reach it once a decade
_REVERTED = 0.10  # log move
_REVERTED_SIGMAS = 10.0  # robust standard deviations of the days before and after
_REVERTED_REST = 0.10  # share of the move that may be left when it is back
_REVERTED_SPANS = 4  # days within which a move as large as a split may come back
_SPLIT_SIZED = float(np.log(1.4))  # log move; smaller ones are no split
_USUAL_DAYS = 20  # days before (and after) a step that say what is usual
_FIRST_SHARE = 0.1  # of bar and of the step to the next open; ordinary bars have 0.3 and more
_SHIFT_ROWS = 20  # fewer rows cannot show that labels are shifted


@dataclass(frozen=True)
class Doubt:
    """One doubt: a stable code, how bad it is, and where.

    Attributes
    ----------
    code : str
        A key of `CODES`.
    severity : {"error", "warning", "note"}
        See the module.
    days : tuple of str
        The first days it concerns, as ISO text, at most five.
    count : int
        Number of days (or rows, or columns) it concerns.
    text : str
        One plain sentence.
    """

    code: str
    severity: Severity
    days: tuple[str, ...]
    count: int
    text: str


def check(
    prices: pl.DataFrame,
    *,
    sessions: Sequence[dt.date] | None = None,
    trades_every_day: bool | None = None,
    last_day: dt.date | None = None,
) -> tuple[Doubt, ...]:
    """List every doubt about a PRICES frame; an empty tuple means none was found.

    `geiger.market.inspection.inspect` calls it with what the symbol, the source and the clock say.

    Parameters
    ----------
    prices : PRICES frame
        The whole series: some tests look at what is usual in it, so this is no step of a walk forward.
    sessions : sequence of date, optional
        The exchange's sessions, compared with the rows on the days that both cover; none at all is like None.
    trades_every_day : bool, optional
        Whether weekends are trading days; None: what the rows themselves show.
    last_day : date, optional
        The last day that can have a bar yet; None: every day can.

    Returns
    -------
    tuple of Doubt
        Errors first, then warnings, then notes.
    """
    if not prices.height:
        return ()
    bars = _Bars.of(prices)
    sparse = sparse_rows(prices)
    # No calendar of days fits bars of a week or a month.
    sessions = None if sessions is None or not len(sessions) or sparse.all() else sessions
    shifted = shifted_columns(prices)
    if trades_every_day is None:
        trades_every_day = observed_market(None, prices).days_per_year == 365
    every_day = trades_every_day
    found = [
        _future(bars, last_day),
        not_daily(prices),
        shifted,
        _close_only(bars),
        _close_first(prices),
        *_impossible(bars, shifted is not None),
        _adjustment_jumps(bars),
        _spikes(bars),
        *_large_steps(bars),
        _copies(bars, copied_rows(prices)),
        _stale_closes(bars),
        _stale_opens(bars, every_day),
        *_flat_bars(bars),
        _volume(bars),
        _weekends(bars, every_day) if sessions is None and not sparse.all() else None,
        _gaps(bars, sessions) if not sparse.all() else None,
        *_sessions(bars, sessions),
    ]
    return in_order(doubt for doubt in found if doubt)


def in_order(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """Return the doubts with errors first, then warnings, then notes."""
    order = ("error", "warning", "note")
    return tuple(sorted(doubts, key=lambda doubt: order.index(doubt.severity)))


def _close_first(prices: pl.DataFrame) -> Doubt | None:
    """Doubt a close that hardly ever leaves its own open, though the bar is wide and the next open is far."""
    if prices.height < _USUAL_DAYS:
        return None
    quotes = {name: prices[name].to_numpy() for name in ("open", "high", "low", "close")}
    inside = float(np.median(np.abs(quotes["close"] / quotes["open"] - 1.0)))
    width = float(np.median(quotes["high"] / quotes["low"] - 1.0))
    after = float(np.median(np.abs(quotes["open"][1:] / quotes["close"][:-1] - 1.0)))
    if width == 0.0 or inside > _FIRST_SHARE * min(width, after):
        return None
    text = (
        f"the close stands at the start of its bar: it is {inside:.2%} from its own open and {after:.2%} "
        f"from the next one, in bars {width:.2%} wide (medians); the rest of such a bar lies in the close's "
        "future: use a source whose close ends the bar"
    )
    return Doubt(CLOSE_FIRST, "error", (), prices.height, text)


def stale_open_share(prices: pl.DataFrame) -> float:
    """Return the share of opens that repeat the last close, 0 to 1.

    Compared are quoted prices, up to rounding; the first row has no last close and does not count.

    >>> from geiger.market.prices import from_frame
    >>> bars = pl.DataFrame({"Date": ["2020-01-02", "2020-01-03"], "Open": [9.0, 10.0], "High": [10.0, 11.0],
    ...                      "Low": [9.0, 10.0], "Close": [10.0, 11.0]})
    >>> stale_open_share(from_frame(bars))
    1.0
    """
    return float(stale_opens(prices)[1:].mean()) if prices.height > 1 else 0.0


def stale_opens(prices: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Flag the rows (n,) whose quoted open is the last quoted close, up to rounding; never the first."""
    flags = np.zeros(prices.height, dtype=np.bool_)
    if prices.height > 1:
        flags[1:] = _stale_open_days(_Bars.of(prices))
    return flags


def shifted_columns(prices: pl.DataFrame) -> Doubt | None:
    """Return a doubt if the labels cannot belong to the columns, None if they can.

    Two signs. Most bars are impossible (high below open or close). Or opens lie far from the last close while
    closes lie near the last open: open and close are exchanged, which no test of a single bar can find.
    """
    if prices.height < _SHIFT_ROWS:
        return None
    bars = _Bars.of(prices)
    impossible = float(((bars.high_miss > _ROUNDING) | (bars.low_miss > _ROUNDING)).mean())
    if impossible > 0.5:
        text = (
            f"{impossible:.0%} of the bars have a high or low between open and close: the labels do not fit"
        )
        return Doubt("DATA_COLUMNS_SHIFTED", "error", (), prices.height, text)
    right = float(np.mean(np.abs(np.log(bars.open[1:] / bars.close[:-1]))))
    exchanged = float(np.mean(np.abs(np.log(bars.close[1:] / bars.open[:-1]))))
    if right > 1.5 * exchanged:
        text = (
            f"the open is on average {right:.2%} away from the last close, but the close only "
            f"{exchanged:.2%} from the last open: open and close seem to be exchanged"
        )
        return Doubt("DATA_COLUMNS_SHIFTED", "error", (), prices.height, text)
    return None


@dataclass(frozen=True)
class _Bars:
    """The columns of a PRICES frame as arrays, with what several tests need."""

    day: pl.Series
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    raw_close: Floats
    volume: Floats
    steps: npt.NDArray[np.int32]  # calendar days between each bar and the one before, (n - 1,)

    @classmethod
    def of(cls, prices: pl.DataFrame) -> _Bars:
        columns = {name: prices[name].to_numpy() for name in prices.columns[1:]}
        return cls(day=prices["day"], steps=day_steps(prices), **columns)

    @property
    def flat(self) -> Flags:
        """Bars whose four prices are one number."""
        return self.high - self.low <= _ROUNDING * self.close

    @property
    def weekend(self) -> Flags:
        """Bars on a Saturday or Sunday."""
        return self.day.dt.weekday().to_numpy() >= 6

    @property
    def high_miss(self) -> Floats:
        """How far the high is below the highest of open and close, relative."""
        return 1 - self.high / np.maximum(self.open, self.close)

    @property
    def low_miss(self) -> Floats:
        """How far the low is above the lowest of open and close, relative."""
        return self.low / np.minimum(self.open, self.close) - 1

    def days(self, rows: npt.NDArray[np.intp]) -> tuple[str, ...]:
        return tuple(str(self.day[int(row)]) for row in rows[:DAYS_SHOWN])


def _on(days: tuple[str, ...], count: int) -> str:
    """Word the days of a doubt: the only one, or the first few."""
    return days[0] if count == 1 else ", ".join(days) + (" ..." if count > len(days) else "")


def _at(bars: _Bars, code: str, severity: Severity, hits: Flags, sentence: str) -> Doubt | None:
    """Return a doubt about the flagged rows; the sentence may use {count}, {bars}, {days} and {first}."""
    rows = np.flatnonzero(hits)
    if not rows.size:
        return None
    days = bars.days(rows)
    text = sentence.format(
        count=rows.size,
        bars="1 bar" if rows.size == 1 else f"{rows.size} bars",
        days=_on(days, rows.size),
        first=days[0],
    )
    return Doubt(code, severity, days, int(rows.size), text)


def _future(bars: _Bars, last_day: dt.date | None) -> Doubt | None:
    if last_day is None:
        return None
    sentence = (
        f"{{bars}} after {last_day}, the last day that has begun anywhere, first {{first}}; were two-digit "
        "years put into the wrong century, or day and month exchanged? Correct the dates or remove the rows"
    )
    return _at(bars, FUTURE_DAYS, "error", (bars.day > last_day).to_numpy(), sentence)


def not_daily(prices: pl.DataFrame) -> Doubt | None:
    """Return a doubt if bars stand for more than a day, in the whole series or in a part of it."""
    sparse = sparse_rows(prices)
    rows = np.flatnonzero(sparse)
    if not rows.size:
        return None
    bars = _Bars.of(prices)
    median = float(np.median(bars.steps if sparse.all() else bars.steps[sparse[1:]]))
    nearest = min(_RHYTHMS, key=lambda days: abs(np.log(median / days)))
    near = abs(np.log(median / nearest)) < 0.2
    rate = f"one bar {_RHYTHMS[nearest] if near else f'in {median:g} days'}"
    first, last = bars.day[int(rows[0])], bars.day[int(rows[-1])]
    where = "" if sparse.all() else f" between {first} and {last}"
    after = "" if sparse.all() else ", or leave these rows out"
    text = f"{rate}{where} (median step {median:g} days); Geiger forecasts days: give daily bars{after}"
    days = () if sparse.all() else bars.days(rows)
    return Doubt(NOT_DAILY, "error", days, int(rows.size), text)


def _close_only(bars: _Bars) -> Doubt | None:
    if not (bars.flat & (np.abs(bars.open / bars.close - 1) <= _ROUNDING)).all():
        return None
    text = "there are closes only (open = high = low = close): use the fill at the close"
    return Doubt("DATA_CLOSE_ONLY", "warning", (), len(bars.day), text)


def _impossible(bars: _Bars, shifted: bool) -> list[Doubt | None]:
    """Find highs below open or close and lows above them; small misses are warnings, large ones errors."""
    if shifted:  # said already, and every bar would be named
        return []
    high, low = bars.high_miss, bars.low_miss
    return [
        _misses(bars, "DATA_HIGH_TOO_LOW", "error", high, high > _IMPOSSIBLE_MISS),
        _misses(bars, "DATA_LOW_TOO_HIGH", "error", low, low > _IMPOSSIBLE_MISS),
        _misses(bars, "DATA_HIGH_TOO_LOW", "warning", high, (high > _ROUNDING) & (high <= _IMPOSSIBLE_MISS)),
        _misses(bars, "DATA_LOW_TOO_HIGH", "warning", low, (low > _ROUNDING) & (low <= _IMPOSSIBLE_MISS)),
    ]


def _misses(bars: _Bars, code: str, severity: Severity, miss: Floats, hits: Flags) -> Doubt | None:
    side = "high below" if code == "DATA_HIGH_TOO_LOW" else "low above"
    worst = float(miss[hits].max()) if hits.any() else 0.0
    return _at(
        bars, code, severity, hits, f"{{bars}} with the {side} open or close, by up to {worst:.2%}: {{days}}"
    )


def _returns(prices: Floats) -> Floats:
    """Return log returns; the first row has 0."""
    return np.diff(np.log(prices), prepend=np.log(prices[0]))


def _robust_sigma(values: Floats) -> float:
    """Return 1.4826 x the median absolute deviation, which a few wild days do not move."""
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def _adjustment_jumps(bars: _Bars) -> Doubt | None:
    """Find steps of adjusted/quoted close that made the return larger instead of smaller.

    A dividend or split lowers (or raises) the quoted close, and the adjustment takes that step out. Where the
    quoted close moves as usual and the adjusted one jumps, the adjustment itself is the fault.
    """
    quoted, adjusted = _returns(bars.raw_close), _returns(bars.close)
    step = np.abs(adjusted - quoted)
    limit = 5 * _robust_sigma(adjusted[1:])
    hits = (step > _JUMP) & (np.abs(adjusted) > limit) & (np.abs(quoted) < np.abs(adjusted) - step / 2)
    row = int(np.argmax(hits))
    detail = f"{np.expm1(adjusted[row]):+.1%} adjusted against {np.expm1(quoted[row]):+.1%} quoted"
    sentence = (
        f"the adjusted close jumps where the quoted close does not ({detail}); "
        "no dividend or split explains it: {days}"
    )
    return _at(bars, "DATA_ADJUSTMENT_JUMP", "error", hits, sentence)


def _usual(values: Floats) -> Floats:
    """Return what is usual around each row: the larger of the medians of the 20 rows before and after it.

    Wild days stand among wild days, a wrong cell among calm ones. Where both sides are too short: the median.
    """
    series = pl.Series(values)
    before = series.rolling_median(_USUAL_DAYS, min_samples=5).shift(1)
    after = series.reverse().rolling_median(_USUAL_DAYS, min_samples=5).shift(1).reverse()
    larger = np.fmax(before.to_numpy(), after.to_numpy())
    return np.where(np.isnan(larger), np.median(values), larger)


def _spikes(bars: _Bars) -> Doubt | None:
    """Find single cells far outside what the rest of the bar, the last close and the usual range allow."""
    cells = {"open": bars.open, "high": bars.high, "low": bars.low}
    before = np.concatenate([bars.open[:1], bars.close[:-1]])
    top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
    reach = {
        "open": np.log(
            np.maximum(bars.open / np.maximum(before, bars.close), np.minimum(before, bars.close) / bars.open)
        ),
        "high": np.log(bars.high / top),
        "low": np.log(bottom / bars.low),
    }
    usual = _usual(np.log(np.maximum(bars.high / bars.low, 1.0)))
    limit = np.maximum(_SPIKE, _SPIKE_RANGES * usual)
    impossible = np.maximum(bars.high_miss, bars.low_miss) > _IMPOSSIBLE_MISS  # an error of its own
    hits = {name: (far > limit) & (usual > 0) & ~impossible for name, far in reach.items()}
    rows = np.flatnonzero(np.any(list(hits.values()), axis=0))
    if not rows.size:
        return None
    told = []
    for row in rows[:DAYS_SHOWN]:
        name = next(name for name in hits if hits[name][row])
        cell = cells[name][row] * bars.raw_close[row] / bars.close[row]  # as the file writes it
        times = reach[name][row] / usual[row]
        told.append(f"{bars.day[int(row)]} {name} {cell:.6g}, {times:.0f} times the usual range away")
    more = " ..." if rows.size > DAYS_SHOWN else ""
    text = (
        f"a cell far outside the rest of its bar on {_days_word(rows.size)} ({'; '.join(told)}{more}): "
        "a wrong cell, or a flash crash"
    )
    return Doubt("DATA_SPIKE", "warning", bars.days(rows), int(rows.size), text)


def _days_word(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _reverted(returns: Floats) -> dict[int, int]:
    """Return the rows whose large move a later row takes back, each with that row.

    Large is far beyond the days around both rows: in a crash such pairs are usual. The next day any such move
    counts; up to four days later only one as large as a split, with nothing large between.
    """
    size = np.abs(returns)
    found: dict[int, int] = {}
    for row in np.flatnonzero(size[:-1] > _REVERTED).tolist():
        if row in found.values():
            continue
        spans = _REVERTED_SPANS if size[row] > _SPLIT_SIZED else 1
        for back in range(row + 1, min(row + 1 + spans, len(returns))):
            around = [size[max(row - _USUAL_DAYS, 1) : row], size[back + 1 : back + 1 + _USUAL_DAYS]]
            usual = 1.4826 * max(
                (float(np.median(part)) for part in around if part.size >= 5), default=np.inf
            )
            rest = abs(returns[row] + returns[back])
            fits = rest <= max(_REVERTED_REST * size[row], 3.0 * usual)
            quiet = (size[row + 1 : back] <= _REVERTED_REST * size[row] + 3.0 * usual).all()
            if fits and quiet and size[row] > _REVERTED_SIGMAS * usual:
                found[row] = back
                break
    return found


def _as_reverted(bars: _Bars, returns: Floats, pairs: dict[int, int]) -> Doubt | None:
    if not pairs:
        return None
    told = "; ".join(
        f"{bars.day[row]} {np.expm1(returns[row]):+.1%}, then "
        f"{'' if back == row + 1 else f'on {bars.day[back]} '}{np.expm1(returns[back]):+.1%}"
        for row, back in list(pairs.items())[:DAYS_SHOWN]
    )
    more = " ..." if len(pairs) > DAYS_SHOWN else ""
    when = "the next day" if all(back == row + 1 for row, back in pairs.items()) else "within days"
    text = f"the close moves far and is back {when} ({told}{more}): a wrong close, or a real shock"
    return Doubt("DATA_REVERTED_MOVE", "warning", bars.days(np.array(list(pairs))), len(pairs), text)


@dataclass(frozen=True)
class _Step:
    """One large step of the close, and what speaks for a split (True), against (False), or nothing (None)."""

    row: int
    ratio: float  # close over the last close
    split: float  # the nearest split, 2.0 for two new shares for one, 0.5 for one for two
    signs: tuple[bool | None, ...]
    words: str

    @property
    def looks_like_split(self) -> bool:
        """No sign that can be read speaks against a split."""
        return False not in self.signs


def _large_steps(bars: _Bars) -> list[Doubt | None]:
    """Tell steps that look like an unadjusted split from those that revert and those that look real."""
    returns = _returns(bars.close)
    sigma = _robust_sigma(returns[1:])
    pairs = _reverted(returns)
    told = np.zeros(len(returns), dtype=bool)  # both ways; no split takes itself back
    told[[*pairs, *pairs.values()]] = True
    large = np.flatnonzero((np.abs(returns) > _SPLIT_SIZED) & ~told)
    steps = [_weigh(bars, int(row), sigma) for row in large]
    splits = [step for step in steps if step.looks_like_split]
    extreme = (
        np.abs(returns - np.median(returns[1:])) > _EXTREME_SIGMAS * sigma
        if sigma > 0
        else np.zeros_like(returns, bool)
    )
    extreme[0] = False
    extreme[[step.row for step in splits]] = False
    extreme[told] = False
    return [
        _as_split(bars, splits),
        _as_reverted(bars, returns, pairs),
        _as_extreme(bars, returns, extreme, steps),
    ]


def _as_split(bars: _Bars, splits: list[_Step]) -> Doubt | None:
    if not splits:
        return None
    told = "; ".join(
        f"{bars.day[step.row]}: close x {step.ratio:.3f}, near {_split_words(step.split)}, {step.words}"
        for step in splits[:DAYS_SHOWN]
    )
    days = bars.days(np.array([step.row for step in splits]))
    size_only = all(step.signs[1:] == (None, None) for step in splits)
    sure = "may be a split that nobody adjusted, by the size of the step alone" if size_only else _SPLIT_LIKE
    text = f"{sure} ({told}{' ...' if len(splits) > DAYS_SHOWN else ''})"
    return Doubt("DATA_UNADJUSTED_SPLIT", "warning", days, len(splits), text)


def _as_extreme(bars: _Bars, returns: Floats, extreme: Flags, steps: list[_Step]) -> Doubt | None:
    rows = np.flatnonzero(extreme)
    if not rows.size:
        return None
    largest = rows[np.argsort(-np.abs(returns[rows]), kind="stable")][:DAYS_SHOWN]
    why = {step.row: f" ({step.words})" for step in steps}
    told = ", ".join(
        f"{bars.day[int(row)]} {np.expm1(returns[row]):+.1%}{why.get(int(row), '')}" for row in largest
    )
    many = f"{rows.size} returns lie" if rows.size > 1 else "1 return lies"
    text = f"{many} beyond {_EXTREME_SIGMAS:.0f} robust standard deviations, largest first: {told}"
    if rows[-1] < len(returns) - 1:
        return Doubt("DATA_EXTREME_RETURN", "note", bars.days(largest), int(rows.size), text)
    text += f"; {bars.day[-1]} is the last row, so no later one says whether its close is right"
    return Doubt("DATA_EXTREME_RETURN", "warning", bars.days(largest), int(rows.size), text)


def _split_words(split: float) -> str:
    return f"1/{split:g}" if split > 1 else f"{1 / split:g}/1"


def _weigh(bars: _Bars, row: int, sigma: float) -> _Step:
    """Weigh what speaks for a split at this row: an exact ratio, usual money traded, usual range of the day.

    A split changes the unit and nothing else; a crash comes with heavy trading and a wide range.
    """
    before = slice(max(row - _USUAL_DAYS, 0), row)
    opened = bars.open[row] / bars.close[row - 1]
    # A stale open, or one that was filled with the close, says nothing.
    told_by_open = abs(np.log(opened)) > np.log(1.2) and not bars.flat[row]
    level = opened if told_by_open else bars.close[row] / bars.close[row - 1]
    ratios = np.concatenate([_SPLITS, 1 / _SPLITS])
    distance = np.abs(np.log(level * ratios))
    split = float(ratios[int(np.argmin(distance))])
    overnight = _robust_sigma(np.log(bars.open[1:] / bars.close[:-1]))
    tolerance = min(max(0.02, 3 * (overnight if told_by_open else sigma)), 0.05)
    money = _against_usual(bars.volume[row] * bars.close[row], bars.volume[before] * bars.close[before])
    spread = np.log(bars.high / bars.low)
    width = _against_usual(float(spread[row]), spread[before])
    signs = (
        bool(distance.min() <= tolerance) and (money is not None or max(split, 1 / split) >= 2),
        None if money is None else money < 3.0,
        None if width is None else width < 3.0,
    )
    words = ", ".join(
        [
            f"{'opening' if told_by_open else 'close'} x {level:.3f}",
            "volume unknown" if money is None else f"money traded {money:.1f} times the usual",
            "range unknown" if width is None else f"range {width:.1f} times the usual",
        ]
    )
    return _Step(row, float(bars.close[row] / bars.close[row - 1]), split, signs, words)


def _against_usual(value: float, usual: Floats) -> float | None:
    """Return value over the median of what is usual; None where either is nothing."""
    middle = float(np.median(usual)) if usual.size else 0.0
    return float(value) / middle if middle > 0 and value > 0 else None


def _copies(bars: _Bars, copied: Flags) -> Doubt | None:
    sentence = (
        "{bars} repeat the day before in every cell (filled holidays or weekends), so no trading stands "
        "behind them; remove these rows: {days}"
    )
    if copied.sum() == 1:
        sentence = sentence.replace("repeat", "repeats").replace(
            "them; remove these rows", "it; remove the row"
        )
    return _at(bars, "DATA_COPIED_ROWS", "warning", copied, sentence)


def _stale_closes(bars: _Bars) -> Doubt | None:
    same = np.diff(bars.raw_close) == 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    first, last = edges[::2], edges[1::2]
    long = last - first + 1 >= _STALE_RUN
    if not long.any():
        return None
    lengths = (last - first + 1)[long]
    days = bars.days(first[long])
    runs = "1 run" if lengths.size == 1 else f"{lengths.size} runs"
    longest = int(lengths.max())
    text = f"the close stays the same for {_STALE_RUN} days or more in {runs} (longest {longest} days), from "
    severity: Severity = "warning" if longest >= 2 * _STALE_RUN else "note"  # a quiet week happens
    return Doubt("DATA_STALE_CLOSES", severity, days, int(lengths.sum()), text + _on(days, lengths.size))


def _stale_open_days(bars: _Bars) -> Flags:
    """Flag the rows (from the second on) whose quoted open is the last quoted close."""
    opened = bars.open[1:] * (bars.raw_close / bars.close)[1:]
    return np.abs(opened / bars.raw_close[:-1] - 1) <= _ROUNDING


def _stale_opens(bars: _Bars, every_day: bool) -> Doubt | None:
    if len(bars.day) < 2:
        return None
    stale = _stale_open_days(bars)
    years = bars.day[1:].dt.year().to_numpy()
    shares = {int(year): float(stale[years == year].mean()) for year in np.unique(years)}
    bad = [year for year, share in shares.items() if share > _STALE_YEAR]
    if stale.mean() <= _STALE_SHARE and not bad:
        return None
    told = ", ".join(_period(first, last, stale, years) for first, last in _spans(bad)[:DAYS_SHOWN])
    text = f"{stale.mean():.0%} of the opens repeat the last close{f' ({told})' if told else ''}: "
    text += "expected where trading never stops" if every_day else "a fill there is no trade"
    days = bars.days(np.flatnonzero(stale) + 1)
    return Doubt("DATA_STALE_OPENS", "note" if every_day else "warning", days, int(stale.sum()), text)


def _spans(years: list[int]) -> list[tuple[int, int]]:
    """Join neighbouring years: [1990, 1991, 1995] becomes [(1990, 1991), (1995, 1995)]."""
    spans: list[tuple[int, int]] = []
    for year in years:
        if spans and spans[-1][1] == year - 1:
            spans[-1] = (spans[-1][0], year)
        else:
            spans.append((year, year))
    return spans


def _period(first: int, last: int, stale: Flags, years: npt.NDArray[np.int32]) -> str:
    share = stale[(years >= first) & (years <= last)].mean()
    return f"{share:.0%} in {first}" + (f" to {last}" if last > first else "")


def _flat_bars(bars: _Bars) -> list[Doubt | None]:
    """Tell single flat bars without volume (filled holidays) from flat bars that are the series' habit."""
    flat = bars.flat & (np.abs(bars.open / bars.close - 1) <= _ROUNDING)
    if flat.all():
        return []
    empty = flat & (bars.volume == 0)
    around = pl.Series(empty).cast(pl.Float64).rolling_mean(_USUAL_DAYS + 1, min_samples=1, center=True)
    holiday = empty & (around.to_numpy() < 0.5)
    holidays = "{bars} with open = high = low = close and no volume, as vendors fill holidays: {days}"
    others = "{bars} with open = high = low = close, so no range and no real open: {days}"
    return [
        _at(bars, "DATA_HOLIDAY_ROWS", "warning", holiday, holidays),
        _at(bars, "DATA_FLAT_BARS", "warning", flat & ~holiday, others),
    ]


def _volume(bars: _Bars) -> Doubt | None:
    if not (bars.volume > 0).any():
        text = "the series has no volume: features of volume carry nothing"
        return Doubt("DATA_NO_VOLUME", "note", (), len(bars.day), text)
    hits = (bars.volume == 0) & ~bars.flat
    return _at(bars, "DATA_ZERO_VOLUME", "note", hits, "{bars} with moving prices and volume 0: {days}")


def _weekends(bars: _Bars, every_day: bool) -> Doubt | None:
    if every_day:
        return None
    sentence = "{bars} on a Saturday or Sunday: {days}"
    if bars.weekend.mean() > 0.1 and not (bars.day.dt.weekday() == 5).any():
        sentence = (
            "{bars} on a Saturday or Sunday and none on a Friday: the exchange rests on Fridays, or the "
            "dates are a day off; first {days}"
        )
    return _at(bars, "DATA_WEEKEND_DAYS", "warning", bars.weekend, sentence)


def _gaps(bars: _Bars, sessions: Sequence[dt.date] | None) -> Doubt | None:
    """List long holes: warnings, or notes where the exchange's sessions tell which days are missing."""
    step = np.concatenate([[0], bars.steps])
    sentence = f"more than 7 days between two bars (up to {step.max()}), before {{days}}"
    return _at(bars, "DATA_GAPS", "warning" if sessions is None else "note", step > _LONG_GAP_DAYS, sentence)


def _sessions(bars: _Bars, sessions: Sequence[dt.date] | None) -> list[Doubt | None]:
    if sessions is None:
        return []
    # A calendar that starts later than the prices says nothing about the days before it.
    first, last = max(bars.day[0], min(sessions)), min(bars.day[-1], max(sessions))
    have = {day for day in bars.day.to_list() if first <= day <= last}
    wanted = {day for day in sessions if first <= day <= last}
    return [
        _listed(
            "DATA_MISSING_SESSIONS", sorted(wanted - have), "no bar on {} when the exchange was open: {}"
        ),
        _listed("DATA_EXTRA_SESSIONS", sorted(have - wanted), "a bar on {} when the exchange was closed: {}"),
    ]


def _listed(code: str, missing: list[dt.date], sentence: str) -> Doubt | None:
    if not missing:
        return None
    days = tuple(map(str, missing[:DAYS_SHOWN]))
    count = "1 day" if len(missing) == 1 else f"{len(missing)} days"
    return Doubt(code, "warning", days, len(missing), sentence.format(count, _on(days, len(missing))))
