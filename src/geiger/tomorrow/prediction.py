"""The forecast for the next session, from the model that a run left for use.

Row t is the last complete bar at hand. Everything here is made of rows <= t: the forecast, the interval
(from errors of earlier out-of-sample forecasts), the suggested weight. A bar whose session has not ended is
refused. What could mislead is said beside it: old data, an old context, missing days, an old model, and that
no verdict stands behind the number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.sizing import decide
from geiger.command_line import Folders
from geiger.errors import DataError, SettingError
from geiger.evidence.conformal import HALFLIFE, interval
from geiger.experiment.evaluation import expected_simple, sizing_of
from geiger.experiment.material import Material
from geiger.experiment.own import features_of_run, target_of_run
from geiger.experiment.past_errors import past_errors
from geiger.experiment.past_material import material_of_run
from geiger.experiment.prepare import prepare, refilled
from geiger.features.catalogue import contract_hash
from geiger.market.calendar import UNKNOWN, Market, close_instant, next_session, open_instant, sessions
from geiger.market.snapshots import Store
from geiger.records import Answer, Notice, Status, as_text
from geiger.runlog.verdict import answer_in, headline
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.saved import SavedModel, model_of
from geiger.settings import Config
from geiger.settings.contract import VERSION

Floats = npt.NDArray[np.float64]

LEVEL = 0.9  # of the interval
RECENT = 60  # sessions in which a missing day is said: what features and networks look back on most
OLD_MODEL = 252  # rows since the last one it learned from
JUDGED, STRAY = 252, 2  # last bars, and how many of them may lie on days when their exchange rests
SAME_RETURN = 0.1  # of the outcomes' deviation: sources differ by less, other symbols by more
OTHER_SHARE = 0.1  # of days with another return, from which prices are others
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One forecast, and everything that belongs beside it.

    Attributes
    ----------
    day : date
        Of the last bar: the forecast was made at its close.
    entry_day, exit_day : date
        Sessions on which the position is opened and closed, by the exchange's calendar.
    save_by : datetime or None
        In UTC: saved before it, the forecast counts when it is scored, see `save_by`. None where nobody can
        say, so that it never does.
    forecast, low, high : float
        Log return from entry to exit, and its interval; infinite where too few errors are known.
    expected : float
        The same as an expected simple return.
    level, covered, covered_rows : float, float or None, int
        Share of outcomes the interval aims at, and the share it held out of sample, on so many rows.
    below, above : float or None
        Shares of these outcomes that fell below and above it.
    weight : float
        Suggested share of equity after costs, under the run's trading rule.
    chosen_on : date or None
        The day of the forecast that chose this weight: `day` itself, or an earlier one where none since was
        large enough to count. None where none ever was, and nothing is held.
    data_age, model_age : int or None, int
        Sessions closed since `day` (None where no calendar says), and rows since the last one learned from.
    status, health : str
        What became of the run behind it; `health` holds all its codes, as its log does.
    verdict : str
        ``not evaluated`` until there is one.
    """

    symbol: str
    model: str
    run: str
    fill: str
    day: dt.date
    entry_day: dt.date
    exit_day: dt.date
    save_by: dt.datetime | None
    forecast: float
    expected: float
    low: float
    high: float
    level: float
    covered: float | None
    covered_rows: int
    below: float | None
    above: float | None
    weight: float
    chosen_on: dt.date | None
    data_age: int | None
    model_age: int
    status: str
    health: str
    verdict: str
    notices: tuple[Notice, ...]

    @property
    def direction(self) -> str:
        """Which side the expected return is on."""
        return "up" if self.expected > 0.0 else "down" if self.expected < 0.0 else "none"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able facts; an infinite bound is None."""
        facts = {**asdict(self), "direction": self.direction}
        for name in ("low", "high"):
            facts[name] = facts[name] if np.isfinite(facts[name]) else None
        return {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in facts.items()}

    def lines(self) -> list[str]:
        """Return it for people."""
        fill = "open" if self.fill == "next_open" else "close"
        aim = as_text(self.level, "share")
        spread = f"{as_text(self.low, 'return')} to {as_text(self.high, 'return')}"
        if not np.isfinite(self.high):
            spread = "unknown, too few earlier forecasts"
        held = (
            f"held {as_text(self.covered, 'share')} of {self.covered_rows} earlier outcomes, with "
            f"{as_text(self.below, 'share')} below and {as_text(self.above, 'share')} above"
        )
        return [
            f"{self.symbol} {self.model}: {self.verdict}",
            f"  Forecast: {self.direction}, expected {as_text(self.expected, 'return')} from "
            f"the {fill} of {self.entry_day} to the {fill} of {self.exit_day}",
            f"  {aim} interval {spread} (out of sample it {held})",
            f"  {self._position()}{self._why()}",
            f"  Made at the close of {self.day}: data {self._age()}, model {self._freshness()}",
            f"  From {self.run}: {self.status}, {self.health}",
            *(f"  Warning {notice.code}: {notice.text}" for notice in self.notices),
        ]

    def _position(self) -> str:
        """Return the weight, and never bare where nothing was found that speaks for holding it."""
        held = f"{self.weight:+.2f} of equity, after costs"
        match answer_in(self.verdict):
            case Answer.SIGNAL:
                return f"Suggested weight {held}"
            case Answer.NO_SIGNAL:
                return f"Nothing speaks for trading this: no signal. Its rule would hold {held}"
            case _:
                return f"No signal was shown, so this may be noise. Its rule would hold {held}"

    def _age(self) -> str:
        return "of an age not known" if self.data_age is None else f"{_counted(self.data_age, 'session')} old"

    def _freshness(self) -> str:
        """Return how many rows the model has not learned from, but for those whose outcome is to come."""
        unknown = 2 if self.fill == "next_open" else 1  # rows whose outcome is still to come
        behind = self.model_age - unknown
        return "up to date" if behind <= 0 else f"{_counted(behind, 'row')} behind"

    def _why(self) -> str:
        """Return why the weight is not what this forecast asks for; nothing where it is."""
        if self.chosen_on == self.day:
            return ""
        if self.chosen_on is None:
            return "; no forecast so far pays the cost of a trade"
        return f"; kept from {self.chosen_on}, since this forecast does not pay the cost of a trade"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def find_model(runs: RunsFolder, symbol: str, model: str | None) -> StoredRun:
    """Return the newest finished run of a symbol that left a model, of any model where none is named.

    Raises
    ------
    DataError
        There is none; the line says how to make one.
    """
    found = runs.newest(symbol, model, usable=True)
    if found is None:
        line = Folders.of(runs.root).command("geiger", "train", model or "stack", symbol, runs=True)
        raise DataError(f"{runs.root}: no saved {model or 'model'} of {symbol}; `{line}` makes one")
    return found


def predict(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    data: Path | None = None,
    features: Any = None,
    target: Any = None,
    level: float = LEVEL,
    now: dt.datetime | None = None,
) -> Prediction:
    """Forecast the next session with what a run learned.

    Parameters
    ----------
    stored : StoredRun
        As `find_model` found it.
    data : Path, optional
        Folder or file of prices, up to now; without it those that the run was trained on where they are
        still there, else the library and the embedded ones.
    features, target : optional
        What the run had of the user's own, as `Experiment` takes it; a frame with newer rows, or without one
        that it kept.
    level : float
        Share of outcomes that the interval shall hold.
    now : datetime, optional
        In UTC; by default the present.

    Raises
    ------
    DataError
        The model or the prices cannot be used, or the features are no longer those it learned from.
    """
    if not 0.0 < level < 1.0:
        raise SettingError(f"level must lie between 0 and 1, got {level}")
    now = now or dt.datetime.now(dt.UTC)
    model = _usable_model(stored)
    material, config = latest_material(stored, model, runs, data or _place(stored), features, target)
    day, market = material.prices["day"][-1], material.market
    learned_to = last_learned(stored, model.facts, day)
    require_closed(market, day, now)
    entry = next_session(market, day)
    exit_day = next_session(market, entry) if material.fill == "next_open" else entry
    history = stored.forecasts().join(material.prices.select("day"), on="day", how="semi")
    forecast, weight, chosen_on = _decided(model, material, config, history, stored.sealed())
    errors = past_errors(history, material)
    scale = float(material.volatility_on(material.prices["day"].tail(1), HALFLIFE)[0])
    found, held = interval(forecast, scale, errors.scores, level), errors.coverage(level)
    expected = expected_simple(np.array([forecast]), model.train_std, config)
    age = sessions_since(market, day, now)
    model_age = int((material.prices["day"] > learned_to).sum())
    return Prediction(
        symbol=material.symbol,
        model=stored.record.model,
        run=stored.name,
        fill=material.fill,
        day=day,
        entry_day=entry if material.fill == "next_open" else day,
        exit_day=exit_day,
        save_by=save_by(_clock(material), material.fill, day, entry),
        forecast=forecast,
        expected=float(expected[0]),
        low=found.low,
        high=found.high,
        level=level,
        covered=held.covered,
        covered_rows=held.rows,
        below=held.below,
        above=held.above,
        weight=weight,
        chosen_on=chosen_on,
        data_age=age,
        model_age=model_age,
        status=stored.record.status,
        health=", ".join(stored.health_codes),
        verdict=headline(stored.record.verdict),
        notices=(
            *_doubts(material, age, model_age, learned_to, stored),
            *_past_entry(material, entry, age, now),
            *_other_prices(history, material),
            *material.notices,
        ),
    )


def _usable_model(stored: StoredRun) -> SavedModel:
    """Return the model that a run left, where it learned from the features that this version computes."""
    model = model_of(stored)
    require_contract(stored, model.facts)
    return model


def require_contract(stored: StoredRun, facts: Mapping[str, Any]) -> None:
    """Refuse a model with these `facts` that learned from other features than this version computes."""
    if facts.get("feature_contract") != contract_hash():
        raise DataError(
            f"{stored.name}: its model learned from {facts.get('features')}, which is not the feature "
            f"contract of this version ({VERSION}); train it again"
        )


def last_learned(stored: StoredRun, facts: Mapping[str, Any], day: dt.date) -> dt.date:
    """Return the last day that the model learned from; refuse prices that end before it was decided on."""
    learned_to, decided_on = (
        dt.date.fromisoformat(str(facts[name])) for name in ("learned_to", "decided_on")
    )
    if day < decided_on:
        raise DataError(
            f"{stored.name}: learned what was known on {decided_on}, and the prices at hand end on {day}: "
            "they are others, or older; give the newest with --data"
        )
    return learned_to


def _place(stored: StoredRun) -> Path | None:
    """Return the folder or file that the run's prices came from, where it is still there."""
    data = stored.record.data
    path = Path(data.where)
    if data.source not in ("folder", "file") or not path.exists():
        return None
    return path.parent if data.source == "folder" else path


def latest_material(
    stored: StoredRun,
    model: SavedModel,
    runs: RunsFolder,
    data: Path | None,
    features: Any = None,
    target: Any = None,
) -> tuple[Material, Config]:
    """Load the prices up to now, as the run loaded its own; nothing on the locked rows is scored here."""
    own = features_of_run(stored, features, runs, newer=True)
    label = target_of_run(stored, target)
    if any(part is not None and part.digest is None for part in (own, label)):  # are they the same ones?
        frame = own is not None and own.table is not None  # that of then was kept
        material_of_run(stored, stored.config(), runs, features=None if frame else own, target=label)
    config = replace(stored.config(), lockbox=0, end=None, fill=model.facts["fill"])
    known = stored.record.data.context
    material = prepare(
        stored.record.symbol,
        config,
        data=data,
        context=known.market or "none",
        library=Store(runs.library),
        snapshots=Store(runs.snapshots),
        features=own,
        target=label,
    )
    columns = tuple(model.facts.get("own_features", ()))
    if columns != material.own.columns:
        raise DataError(
            f"{stored.name}: its model learned from the own columns {', '.join(columns)}; now they are "
            f"{', '.join(material.own.columns)}; train again"
        )
    now = material.provenance.context
    for kind, then, here in (
        ("market", known.market, now.market),
        ("volatility", known.volatility, now.volatility),
    ):
        if then != here:
            raise DataError(
                f"{stored.name}: its model learned with {then or 'no'} {kind} index, and "
                f"{here or 'none'} is at hand now; give the same with --data, or train again"
            )
    notices = tuple(n for n in material.notices if n.code not in ("LOCKBOX_OPEN", "FILL_CLOSE"))
    filled = refilled(material, model.facts["fill"], config.horizon, label)
    return replace(filled, notices=notices), config


def save_by(market: Market, fill: str, day: dt.date, next_day: dt.date) -> dt.datetime | None:
    """Return the moment before which a forecast of `day` must be saved to count, in UTC, or None for never.

    Filled at the next open: the open of the next session. Filled at the close: an hour after that close. The
    hour is also given where the next session opens as soon as the last one ends, since no forecast could be
    earlier there. Where a close is a guess, nobody can say that a forecast was made near it.

    >>> from geiger.market.calendar import market_of
    >>> save_by(market_of("AAPL"), "next_open", dt.date(2023, 6, 2), dt.date(2023, 6, 5)).isoformat()
    '2023-06-05T13:30:00+00:00'
    """
    an_hour_after = close_instant(market, day) + HOUR
    if fill == "close":
        return an_hour_after if market.close_known else None
    opens = open_instant(market, next_day)
    return max(opens, an_hour_after) if market.known else opens


def _clock(material: Material) -> Market:
    """Return the market whose hours the series keeps: an unknown one where it trades while that rests.

    A name can be wrong. An Indian share in a file called TCS has New York's hours by its name; it could be
    saved in time after its own session. About seven of its bars a year lie on New York's holidays. Flat bars
    do not count, with which vendors fill holidays.
    """
    last, market = material.prices.tail(JUDGED), material.market
    expected = sessions(market, last["day"][0], last["day"][-1])
    if expected is None:
        return market
    stray = last.filter(pl.col("high") > pl.col("low"), ~pl.col("day").is_in(expected))
    return market if stray.height <= STRAY else UNKNOWN


def _past_entry(material: Material, entry: dt.date, age: int | None, now: dt.datetime) -> list[Notice]:
    """Return a doubt where the entry has passed while no session has ended since, which `DATA_OLD` says."""
    if material.fill != "next_open" or age != 0:
        return []
    opened = save_by(material.market, material.fill, material.prices["day"][-1], entry)
    if opened is None or now < opened:
        return []
    text = f"its position was to be opened by {opened:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC"
    return [Notice("ENTRY_PAST", text)]


def _other_prices(history: pl.DataFrame, material: Material) -> list[Notice]:
    """Return a doubt where the prices at hand are not those that the run was scored on."""
    both = (
        history.select("day", "outcome").join(material.target.select("day", "value"), on="day").drop_nulls()
    )
    if both.height < 2:
        return []
    outcome, value = both["outcome"].to_numpy(), both["value"].to_numpy()
    share = float(np.mean(np.abs(outcome - value) > SAME_RETURN * outcome.std()))
    if share <= OTHER_SHARE:
        return []
    text = (
        f"on {as_text(share, 'share')} of the {both.height} days that the run forecast, these prices have "
        "another return than those it was trained on: another symbol or source; give the right ones with "
        "--data, or train on these"
    )
    return [Notice("PRICES_DIFFER", text)]


def require_closed(market: Market, day: dt.date, now: dt.datetime) -> None:
    """Refuse a last bar of a session that has not ended: it is not yet what it will be."""
    closed = close_instant(market, day)
    if now < closed:
        raise DataError(
            f"the last bar is of {day}, whose session ({market.name}) is complete at "
            f"{closed:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC: run this after it, or give "
            "prices without that bar"
        )


def _decided(
    model: SavedModel, material: Material, config: Config, history: pl.DataFrame, sealed: pl.DataFrame
) -> tuple[float, float, dt.date | None]:
    """Return the last row's forecast, the weight the rule holds after it, and the day that chose it.

    The rule compares a forecast with those of the last year, and keeps its position where one is too small
    to count. So it is given the run's out-of-sample forecasts, those it went on to make without ever scoring
    them, and for the rows since those of the model for use. The weight was chosen by the forecast of the day
    returned, None where none was ever large enough.
    """
    days, n = material.prices["day"], material.prices.height
    columns = ["day", "forecast", "train_std"]
    past = pl.concat([history.select(columns), sealed.select(columns)])
    past = past.join(material.prices.select("day"), on="day", how="semi", maintain_order="left")
    start = n - 1 if not past.height else int(days.search_sorted(past["day"][-1])) + 1
    rows = range(min(start, n - 1), n)
    recent = model.forecast(material.features, rows, material.last_returns)
    past = past.filter(pl.col("day") < days[rows.start])
    forecasts = np.append(past["forecast"].to_numpy(), recent)
    std = np.append(past["train_std"].to_numpy(), np.full(len(rows), model.train_std))
    on = pl.concat([past["day"], days[rows.start : n]])
    sizing = sizing_of(config, material.market.days_per_year)
    expected = expected_simple(forecasts, std, config)
    weights = decide(expected, material.volatility_on(on), sizing)
    counting = np.flatnonzero(sizing.counts(expected))
    chosen_on = on[int(counting[-1])] if counting.size else None
    return float(recent[-1]), float(weights[-1]), chosen_on


def sessions_since(market: Market, day: dt.date, now: dt.datetime) -> int | None:
    """Return how many sessions have closed since `day`."""
    first, last = day + dt.timedelta(days=1), now.date() + dt.timedelta(days=1)
    if first > last:
        return 0
    days = sessions(market, first, last)
    if days is None:
        return None
    sure = now.date() - dt.timedelta(days=3)  # of the days before it every session has closed
    return sum(one < sure or close_instant(market, one) <= now for one in days)


def _doubts(
    material: Material, age: int | None, model_age: int, learned_to: dt.date, stored: StoredRun
) -> tuple[Notice, ...]:
    days, found = material.prices["day"], []
    if age is None:
        text = (
            f"the last bar is of {days[-1]}; no calendar of this market says whether it is the newest, nor "
            "whether its session had ended"
        )
        found.append(Notice("DATA_OLD", text))
    elif age > 0:
        since = "1 session has" if age == 1 else f"{age} sessions have"
        text = f"the last bar is of {days[-1]}, and {since} closed since: the entry of this forecast is past"
        found.append(Notice("DATA_OLD", text))
    first = days[max(len(days) - RECENT, 0)]
    expected = sessions(material.market, first, days[-1]) or []
    missing = sorted(set(expected) - set(days.to_list()))
    if missing:
        shown = ", ".join(map(str, missing[:5])) + (" ..." if len(missing) > 5 else "")
        found.append(
            Notice(
                "DAYS_MISSING", f"{len(missing)} of the last {len(expected)} sessions have no bar: {shown}"
            )
        )
    if model_age > OLD_MODEL:
        text = (
            f"the model learned from days up to {learned_to}; {model_age} bars came after them: train again"
        )
        found.append(Notice("MODEL_OLD", text))
    if stored.record.status is not Status.SUCCESS:
        found.append(Notice("RUN_NOT_GOOD", f"the run behind it ended as {stored.record.status}"))
    return tuple(found)
