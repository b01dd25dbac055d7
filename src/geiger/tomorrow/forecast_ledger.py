"""The ledger of saved forecasts: written before the outcome is known, scored after.

``runs/forecasts.jsonl`` is a hash chain (see `chain`) of two kinds of records: a forecast, as `predict` made
it, and later what came of it. A forecast saved after the moment at which its position is opened stays in the
ledger but counts for nothing: `Saved.in_time` says which is which. The clock is that of the machine, read
forwards only: a line is as late as the latest one before it, so a clock set back gains nothing once the
ledger has seen it run.

How far the ledger has come is kept beside it and in the record of every later run. Lines cut off its end are
noticed wherever one of these survives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl

from geiger import metrics
from geiger.chain import Chain, Entry, Head
from geiger.errors import DataError, GeigerError
from geiger.market.calendar import close_instant, market_of, sessions
from geiger.market.rhythm import observed_market
from geiger.records import as_text
from geiger.runs.folder import RunsFolder
from geiger.settings import Fill
from geiger.tomorrow.live import Live, live
from geiger.tomorrow.prediction import Prediction

SHOWN = 5  # days that a line names
KEPT = (  # of a prediction
    *("symbol", "model", "run", "fill", "day", "entry_day", "exit_day", "save_by", "forecast", "expected"),
    *("low", "high", "level", "weight", "verdict"),
)


@dataclass(frozen=True)
class Saved:
    """One saved forecast, and what came of it.

    Attributes
    ----------
    line : Entry
        Where it stands in the chain of the ledger.
    outcome : float or None
        Log return from entry to exit; None while it is not known.
    in_time : bool
        Whether it was saved before its position was to be opened: before the `save_by` that it carries.
    """

    line: Entry
    outcome: float | None
    in_time: bool

    @property
    def record(self) -> Mapping[str, Any]:
        """The forecast as it was saved."""
        return self.line.record


@dataclass(frozen=True)
class Score:
    """What the saved forecasts of one model of one symbol were worth.

    Attributes
    ----------
    rows : int
        Forecasts saved in time whose outcome is known: only they are measured.
    waiting, late : int
        Forecasts whose outcome is not known yet, and those saved too late to count.
    skipped : tuple of str or None
        Sessions between the first and the last saved forecast that have none; None where no calendar says.
    accuracy, base_rate, correlation : float or None
        Share of right directions (of the expected return, as `predict` prints them), that of the more
        frequent direction, and correlation with the outcome.
    covered, level : float or None
        Share of outcomes inside their interval, and the share that these intervals aimed at on average:
        whoever asks for wide ones holds more.
    live : Live or None
        The evidence of these forecasts; None where none has a score, or the prices are not at hand.
    """

    symbol: str
    model: str
    rows: int
    waiting: int
    late: int
    skipped: tuple[str, ...] | None
    accuracy: float | None
    base_rate: float | None
    correlation: float | None
    covered: float | None
    level: float | None
    live: Live | None = None

    def text(self) -> str:
        """Return it in one line.

        >>> Score("AAPL", "stack", 0, 1, 0, (), None, None, None, None, None).text()
        'AAPL stack: 0 scored, 1 waiting for its outcome'
        >>> Score("AAPL", "stack", 0, 2, 0, ("2024-01-03",), *[None] * 5).text()[42:]
        'outcome, 1 session between them without a forecast (2024-01-03)'
        """
        parts = [f"{self.rows} scored"]
        if self.waiting:
            parts.append(f"{self.waiting} waiting for {'its' if self.waiting == 1 else 'their'} outcome")
        if self.late:
            parts.append(f"{self.late} not counted, since not surely saved in time")
        if self.skipped is None:
            parts.append("no calendar says which days between them lack a forecast")
        elif self.skipped:
            days = ", ".join(self.skipped[:SHOWN]) + (" ..." if len(self.skipped) > SHOWN else "")
            word = "session" if len(self.skipped) == 1 else "sessions"
            parts.append(f"{len(self.skipped)} {word} between them without a forecast ({days})")
        text = f"{self.symbol} {self.model}: {', '.join(parts)}"
        if not self.rows:
            return text
        correlation = "undefined" if self.correlation is None else f"{self.correlation:.3f}"
        return (
            f"{text}; direction {as_text(self.accuracy, 'share')} (base rate "
            f"{as_text(self.base_rate, 'share')}), correlation {correlation}, "
            f"{as_text(self.covered, 'share')} inside the interval (aimed at {as_text(self.level, 'share')})"
            f"{'' if self.live is None else f'; {self.live.text()}'}"
        )


def chain_of(runs: RunsFolder) -> Chain:
    """Return the chain that holds the ledger of a runs folder."""
    return Chain(runs.forecast_ledger)


def save(prediction: Prediction, runs: RunsFolder, now: dt.datetime | None = None) -> Saved:
    """Append a forecast to the ledger, and return it; the same forecast twice is kept once.

    Raises
    ------
    DataError
        The ledger was changed by somebody else, or cannot be written.
    """
    facts = prediction.as_dict()
    record = {"kind": "forecast", **{name: facts[name] for name in KEPT}}
    if all(dict(line.record) != record for line in _lines(runs)):
        _append(runs, [record], now)
    return next(one for one in saved(runs) if dict(one.record) == record)


def _append(runs: RunsFolder, records: Iterable[Mapping[str, Any]], now: dt.datetime | None) -> None:
    chain = chain_of(runs)
    chain.append_all(records, now)
    chain.keep_head()


def _lines(runs: RunsFolder) -> tuple[Entry, ...]:
    """Return the lines of a ledger that goes on from every head that was ever kept of it."""
    return chain_of(runs).entries(list(_heads(runs)))


def _heads(runs: RunsFolder) -> Iterator[Head]:
    beside = chain_of(runs).kept_head()
    if beside is not None:
        yield beside
    for path, kept in runs.ledger_heads():
        yield Head(kept.length, kept.hash, str(path))


def saved(runs: RunsFolder) -> tuple[Saved, ...]:
    """Return every saved forecast in the order in which it was saved."""
    lines = _lines(runs)
    try:
        outcomes = {
            str(line.record["forecast"]): float(line.record["outcome"])
            for line in lines
            if line.record.get("kind") == "outcome"
        }
        moments = accumulate((dt.datetime.fromisoformat(line.at) for line in lines), max)
        return tuple(
            Saved(line, outcomes.get(line.hash), _in_time(line.record, at))
            for line, at in zip(lines, moments, strict=True)
            if line.record.get("kind") == "forecast"
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{chain_of(runs).path}: a forecast there cannot be read ({error})") from None


def _in_time(record: Mapping[str, Any], at: dt.datetime) -> bool:
    """Say whether a forecast that was saved at `at` met its `save_by`, see there."""
    by = record.get("save_by")
    return by is not None and at < dt.datetime.fromisoformat(str(by))


def score(
    runs: RunsFolder, prices_of: Callable[[str], pl.DataFrame], now: dt.datetime | None = None
) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """Append the outcomes that have become known; return the scores, and what stood in the way.

    Parameters
    ----------
    prices_of : callable
        Symbol to PRICES frame, up to now. A bar whose session has not ended gives no outcome yet.
    now : datetime, optional
        In UTC; by default the present.
    """
    now = now or dt.datetime.now(dt.UTC)
    known = saved(runs)
    waiting = [one for one in known if one.outcome is None]
    found, troubles, at_hand = [], [], dict[str, pl.DataFrame]()
    for symbol in sorted({str(one.record["symbol"]) for one in known}):
        try:
            prices = at_hand[symbol] = prices_of(symbol)
        except GeigerError as error:
            if any(one.record["symbol"] == symbol for one in waiting):
                troubles.append(f"{symbol}: its outcomes stay open: {error}")
            continue
        for one in (one for one in waiting if one.record["symbol"] == symbol):
            outcome, missing = _outcome(one.record, prices, now)
            if outcome is not None:
                found.append({"kind": "outcome", "forecast": one.line.hash, **outcome})
            if missing:
                troubles.append(
                    f"{symbol}: the forecast of {one.record['day']} stays open: it is for "
                    f"{one.record['entry_day']} to {one.record['exit_day']}, and the prices have no bar of "
                    f"{' and '.join(missing)}"
                )
    if found:
        _append(runs, found, now)
    return _scores(saved(runs), runs, at_hand), tuple(troubles)


def _outcome(
    record: Mapping[str, Any], prices: pl.DataFrame, now: dt.datetime
) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the return from the very entry to the very exit that was promised, or the days that lack a bar.

    Neither where the session of the exit has not ended: until then its bar is not what it will be, and
    whoever scores could choose the moment.
    """
    days = [dt.date.fromisoformat(str(record[name])) for name in ("entry_day", "exit_day")]
    if not prices.height or prices["day"][-1] < days[1]:
        return None, []
    if now < close_instant(observed_market(str(record["symbol"]), prices), days[1]):
        return None, []
    column = "open" if record["fill"] == "next_open" else "close"
    price = dict(prices.filter(pl.col("day").is_in(days)).select("day", column).iter_rows())
    missing = [str(day) for day in days if day not in price]
    if missing:
        return None, missing
    return {"outcome": float(np.log(price[days[1]] / price[days[0]])), "known_on": str(days[1])}, []


def _scores(
    forecasts: Sequence[Saved], runs: RunsFolder, at_hand: Mapping[str, pl.DataFrame]
) -> tuple[Score, ...]:
    groups: dict[tuple[str, str], list[Saved]] = {}
    for one in forecasts:
        groups.setdefault((str(one.record["symbol"]), str(one.record["model"])), []).append(one)
    return tuple(
        replace(_score(symbol, model, rows), live=_live(rows, runs, at_hand.get(symbol)))
        for (symbol, model), rows in groups.items()
    )


def _first_of_each_day(rows: Sequence[Saved]) -> dict[str, Saved]:
    """Return what counts: of several forecasts of one day the first, since nobody may choose later."""
    first: dict[str, Saved] = {}
    for one in rows:
        if one.in_time:
            first.setdefault(str(one.record["day"]), one)
    return first


def _live(rows: Sequence[Saved], runs: RunsFolder, prices: pl.DataFrame | None) -> Live | None:
    """Return the evidence of saved forecasts, behind what the run of the first one forecast before."""
    first = _first_of_each_day(rows)
    if prices is None or not first:
        return None
    oldest = min(first.values(), key=lambda one: str(one.record["day"]))
    fill: Fill = "close" if oldest.record["fill"] == "close" else "next_open"
    forecasts = {
        dt.date.fromisoformat(day): float(one.record["forecast"])
        for day, one in first.items()
        if one.record["fill"] == fill
    }
    try:
        return live(forecasts, _past(runs, str(oldest.record["run"])), prices, fill)
    except DataError:  # prices that lack a day: the outcomes say so
        return None


def _past(runs: RunsFolder, run: str) -> pl.DataFrame:
    """Return what a run forecast out of sample; nothing where it is gone."""
    columns = ["day", "forecast"]
    try:
        stored = runs.load(run)
        return pl.concat([stored.forecasts().select(columns), stored.sealed().select(columns)])
    except DataError:
        return pl.DataFrame(schema={"day": pl.Date, "forecast": pl.Float64})


def _score(symbol: str, model: str, rows: Sequence[Saved]) -> Score:
    first = _first_of_each_day(rows)
    counted = [one for one in first.values() if one.outcome is not None]
    forecast, expected = (
        np.array([float(one.record[name]) for one in counted]) for name in ("forecast", "expected")
    )
    outcome = np.array([one.outcome for one in counted], dtype=np.float64)
    bounded = [one for one in counted if one.record["low"] is not None]
    inside = [one.record["low"] <= one.outcome <= one.record["high"] for one in bounded]
    return Score(
        symbol=symbol,
        model=model,
        rows=len(counted),
        waiting=sum(one.outcome is None for one in rows),
        late=sum(not one.in_time for one in rows),
        skipped=_skipped(symbol, {str(one.record["day"]) for one in rows}),
        accuracy=metrics.direction_accuracy(expected, outcome) if counted else None,
        base_rate=metrics.base_rate(outcome) if counted else None,
        correlation=metrics.correlation(forecast, outcome) if len(counted) > 2 else None,
        covered=float(np.mean(inside)) if inside else None,
        level=float(np.mean([one.record["level"] for one in bounded])) if bounded else None,
    )


def _skipped(symbol: str, days: set[str]) -> tuple[str, ...] | None:
    """Return the sessions between the first and the last of `days` that are not among them."""
    first, last = (dt.date.fromisoformat(day) for day in (min(days), max(days)))
    expected = sessions(market_of(symbol), first, last)
    if expected is None or not days <= {str(day) for day in expected}:  # not the calendar of these prices
        return None
    return tuple(str(day) for day in expected if str(day) not in days)
