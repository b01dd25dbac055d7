"""The ledger of saved forecasts: written before the outcome is known, scored after.

``runs/forecasts.jsonl`` is a hash chain (see `chain`) of two kinds of records: a forecast, as `predict` made
it, and later what came of it. A forecast saved when its outcome could already be known stays in the ledger
but counts for nothing: `Saved.in_time` says which is which, from the chain's own clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from geiger import metrics
from geiger.chain import Chain, Entry
from geiger.errors import DataError, GeigerError
from geiger.market.calendar import market_of
from geiger.prediction import Prediction
from geiger.records import as_text
from geiger.runs import RunsFolder
from geiger.target import make_target

FILE = "forecasts.jsonl"
KEPT = (  # of a prediction
    *("symbol", "model", "run", "fill", "day", "entry_day", "exit_day", "forecast", "expected"),
    *("low", "high", "level", "weight", "verdict"),
)


@dataclass(frozen=True)
class Saved:
    """One saved forecast, and what came of it.

    Attributes
    ----------
    outcome : float or None
        Log return from entry to exit; None while it is not known.
    in_time : bool
        Whether it was saved before the day on which the outcome became known.
    """

    entry: Entry
    outcome: float | None
    in_time: bool

    @property
    def record(self) -> Mapping[str, Any]:
        """The forecast as it was saved."""
        return self.entry.record


@dataclass(frozen=True)
class Score:
    """What the saved forecasts of one model of one symbol were worth.

    Attributes
    ----------
    rows : int
        Forecasts saved in time whose outcome is known: only they are measured.
    waiting, late : int
        Forecasts whose outcome is not known yet, and those saved too late to count.
    accuracy, base_rate, correlation, covered : float or None
        Share of right directions, that of the more frequent direction, correlation with the outcome, and the
        share of outcomes inside their interval.
    """

    symbol: str
    model: str
    rows: int
    waiting: int
    late: int
    accuracy: float | None
    base_rate: float | None
    correlation: float | None
    covered: float | None

    def text(self) -> str:
        """Return it in one line.

        >>> Score("AAPL", "stack", 0, 1, 0, None, None, None, None).text()
        'AAPL stack: 0 scored, 1 waiting for its outcome'
        """
        parts = [f"{self.rows} scored"]
        if self.waiting:
            parts.append(f"{self.waiting} waiting for {'its' if self.waiting == 1 else 'their'} outcome")
        if self.late:
            parts.append(f"{self.late} saved after the outcome could be known, not counted")
        text = f"{self.symbol} {self.model}: {', '.join(parts)}"
        if not self.rows:
            return text
        correlation = "undefined" if self.correlation is None else f"{self.correlation:.3f}"
        return (
            f"{text}; direction {as_text(self.accuracy, 'share')} (base rate "
            f"{as_text(self.base_rate, 'share')}), correlation {correlation}, "
            f"{as_text(self.covered, 'share')} inside the interval"
        )


def chain_of(runs: RunsFolder) -> Chain:
    """Return the chain that holds the ledger of a runs folder."""
    return Chain(runs.root / FILE)


def save(prediction: Prediction, runs: RunsFolder, now: dt.datetime | None = None) -> Saved:
    """Append a forecast to the ledger, and return it; the same forecast twice is kept once.

    Raises
    ------
    DataError
        The ledger was changed by somebody else, or cannot be written.
    """
    chain, facts = chain_of(runs), prediction.as_dict()
    record = {"kind": "forecast", **{name: facts[name] for name in KEPT}}
    for known in chain.entries():
        if dict(known.record) == record:
            return Saved(known, None, in_time(known))
    entry = chain.append(record, now)
    return Saved(entry, None, in_time(entry))


def in_time(entry: Entry) -> bool:
    """Say whether a forecast was saved before the day on which its outcome became known began."""
    record = entry.record
    zone = ZoneInfo(market_of(str(record["symbol"])).timezone)
    day = dt.datetime.combine(dt.date.fromisoformat(str(record["exit_day"])), dt.time(0), zone)
    return dt.datetime.fromisoformat(entry.at) < day


def saved(runs: RunsFolder) -> tuple[Saved, ...]:
    """Return every saved forecast in the order in which it was saved."""
    entries = chain_of(runs).entries()
    outcomes = {
        str(entry.record["forecast"]): float(entry.record["outcome"])
        for entry in entries
        if entry.record.get("kind") == "outcome"
    }
    try:
        return tuple(
            Saved(entry, outcomes.get(entry.hash), in_time(entry))
            for entry in entries
            if entry.record.get("kind") == "forecast"
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{chain_of(runs).path}: a forecast there cannot be read ({error})") from None


def score(
    runs: RunsFolder, prices_of: Callable[[str], pl.DataFrame], now: dt.datetime | None = None
) -> tuple[tuple[Score, ...], tuple[str, ...]]:
    """Append the outcomes that have become known; return the scores, and what stood in the way.

    Parameters
    ----------
    prices_of : callable
        Symbol to PRICES frame, up to now.
    """
    waiting = [one for one in saved(runs) if one.outcome is None]
    found, troubles = [], []
    for symbol in sorted({str(one.record["symbol"]) for one in waiting}):
        try:
            prices = prices_of(symbol)
        except GeigerError as error:
            troubles.append(f"{symbol}: its outcomes stay open: {error}")
            continue
        for one in (one for one in waiting if one.record["symbol"] == symbol):
            outcome = _outcome(one.record, prices)
            if outcome is not None:
                found.append({"kind": "outcome", "forecast": one.entry.hash, **outcome})
    if found:
        chain_of(runs).append_all(found, now)
    return _scores(saved(runs)), tuple(troubles)


def _outcome(record: Mapping[str, Any], prices: pl.DataFrame) -> dict[str, Any] | None:
    target = make_target(prices, record["fill"])
    row = target.filter(
        (pl.col("day") == dt.date.fromisoformat(str(record["day"]))) & pl.col("value").is_not_null()
    )
    if not row.height:
        return None
    return {"outcome": row["value"][0], "known_on": str(row["known_on"][0])}


def _scores(forecasts: Sequence[Saved]) -> tuple[Score, ...]:
    groups: dict[tuple[str, str], list[Saved]] = {}
    for one in forecasts:
        groups.setdefault((str(one.record["symbol"]), str(one.record["model"])), []).append(one)
    return tuple(_score(symbol, model, rows) for (symbol, model), rows in groups.items())


def _score(symbol: str, model: str, rows: Sequence[Saved]) -> Score:
    # Of several forecasts of one day the first counts: nobody may choose among them afterwards.
    first: dict[str, Saved] = {}
    for one in rows:
        if one.in_time:
            first.setdefault(str(one.record["day"]), one)
    counted = [one for one in first.values() if one.outcome is not None]
    forecast = np.array([float(one.record["forecast"]) for one in counted])
    outcome = np.array([one.outcome for one in counted], dtype=np.float64)
    bounded = [one for one in counted if one.record["low"] is not None]
    inside = [one.record["low"] <= one.outcome <= one.record["high"] for one in bounded]
    return Score(
        symbol=symbol,
        model=model,
        rows=len(counted),
        waiting=sum(one.outcome is None for one in rows),
        late=sum(not one.in_time for one in rows),
        accuracy=metrics.direction_accuracy(forecast, outcome) if counted else None,
        base_rate=metrics.base_rate(outcome) if counted else None,
        correlation=metrics.correlation(forecast, outcome) if len(counted) > 2 else None,
        covered=float(np.mean(inside)) if inside else None,
    )
