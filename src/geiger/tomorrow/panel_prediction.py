"""The ranking of a panel for the next session, from the model that its run left for use.

Row t is the last day on which enough symbols have a complete bar. Everything here is made of rows <= t. A
symbol without a bar of that day has no place in the ranking, and is named. Intervals are made as those of a
symbol's own forecast are: from the errors of its earlier out-of-sample forecasts, in units of the volatility
known when they were made (`evidence.conformal`). The wanted weights are those of the portfolio that the run
was measured by, before any cost: long what lies above the mean score of the day, short what lies below.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.portfolio import long_short, smoothed
from geiger.errors import DataError, SettingError
from geiger.evidence.conformal import interval
from geiger.market.calendar import next_session
from geiger.panel.cross_section import HALFLIFE as SCORE_HALFLIFE
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial, load_panel
from geiger.panel.saved import SavedPanelModel, panel_model_of
from geiger.records import Answer, Notice, Status, as_text
from geiger.runlog.verdict import answer_in, headline
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.tomorrow.panel_errors import PanelErrors
from geiger.tomorrow.prediction import (
    LEVEL,
    OLD_MODEL,
    last_learned,
    require_closed,
    require_contract,
    save_by,
    sessions_since,
)

Floats = npt.NDArray[np.float64]

LOOKED_BACK = 63  # days of scores behind a smoothed one: older ones no longer move it


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One symbol's place in the ranking.

    Attributes
    ----------
    rank : int
        1 for the highest score.
    score : float
        Expected return beyond the day's mean, in daily volatilities, before any slope.
    forecast, low, high : float
        Expected log return from entry to exit, its slope included, and its interval; infinite where too few
        errors are known.
    weight : float or None
        Wanted share of equity; None where its opens are no prices to trade at.
    """

    rank: int
    symbol: str
    score: float
    forecast: float
    low: float
    high: float
    weight: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able facts; an infinite bound is None."""
        bounds = {"low": self.low, "high": self.high}
        return {**asdict(self), **{k: v if np.isfinite(v) else None for k, v in bounds.items()}}


@dataclass(frozen=True, kw_only=True)
class PanelPrediction:
    """The ranking, and everything that belongs beside it.

    Attributes
    ----------
    day : date
        Of the last bars: the ranking was made at their close.
    entry_day, exit_day : date
        Sessions on which positions are opened and closed, by the exchange's calendar.
    level, covered, covered_rows : float, float or None, int
        Share of outcomes the intervals aim at, and the share they held out of sample, over all symbols.
    below, above : float or None
        Shares of these outcomes that fell below and above.
    absent : tuple of str
        Symbols without a place in the ranking, each with why.
    data_age, model_age : int or None, int
        Sessions closed since `day` (None where no calendar says), and days since the last one learned from.
    verdict : str
        On the run behind it; ``not evaluated`` until there is one.
    """

    panel: str
    model: str
    run: str
    verdict: str
    day: dt.date
    entry_day: dt.date
    exit_day: dt.date
    level: float
    ranking: tuple[Ranked, ...]
    covered: float | None
    covered_rows: int
    below: float | None
    above: float | None
    absent: tuple[str, ...]
    data_age: int | None
    model_age: int
    status: str
    health: str
    notices: tuple[Notice, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-able facts; an infinite bound is None."""
        facts = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in asdict(self).items()}
        return {**facts, "ranking": [row.as_dict() for row in self.ranking]}

    def lines(self) -> list[str]:
        """Return it for people: the verdict first."""
        aim = as_text(self.level, "share")
        held = (
            "too few earlier forecasts to say how often they hold"
            if self.covered is None
            else f"out of sample they held {as_text(self.covered, 'share')} of {self.covered_rows} earlier "
            f"outcomes, with {as_text(self.below, 'share')} below and {as_text(self.above, 'share')} above"
        )
        age = "of an age not known" if self.data_age is None else f"{_counted(self.data_age, 'session')} old"
        shown = answer_in(self.verdict) is Answer.SIGNAL
        but = "" if shown else "; no signal was shown, so nothing speaks for holding them"
        low, high = f"{aim} low", f"{aim} high"
        return [
            f"{self.panel} {self.model}: {self.verdict}",
            f"  Log returns from the open of {self.entry_day} to the open of {self.exit_day}, highest score "
            "first:",
            f"  {'rank':>4}  {'symbol':<8}  {'score':>7}  {'expected':>8}  {low:>10}  {high:>10}  weight",
            *(f"  {_row(row)}" for row in self.ranking),
            *(f"  No place: {text}" for text in self.absent),
            f"  Intervals: {held}",
            "  Weights: what the run's long/short portfolio wants of equity, of scores smoothed over days"
            f"{but}",
            f"  Made at the close of {self.day}: data {age}, model {_counted(self.model_age, 'day')} old",
            f"  From {self.run}: {self.status}, {self.health}",
            *(f"  Warning {notice.code}: {notice.text}" for notice in self.notices),
        ]


def predict_panel(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    data: Path | None = None,
    level: float = LEVEL,
    now: dt.datetime | None = None,
) -> PanelPrediction:
    """Rank the symbols of a panel for the next session with what its run learned.

    Parameters
    ----------
    data : Path, optional
        Folder or file of prices, up to now; without it those that the run was trained on where they are
        still there, else the library and the embedded ones.
    level : float
        Share of outcomes that each interval shall hold.
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
    material = _latest(stored, runs, data)
    day, market = material.calendar[-1], material.market
    learned_to = last_learned(stored, model.facts, day)
    if not material.counts[-1]:
        raise DataError(
            f"panel {material.name}: too few of its symbols take part on {day}, the last day of the prices; "
            f"it counts from {stored.config().panel.least_names} on: give fresh prices with --data"
        )
    require_closed(market, day, now)
    entry = next_session(market, day)
    past = PanelErrors(stored.panel_forecasts(), material)
    age, model_age = sessions_since(market, day, now), int((material.calendar > learned_to).sum())
    held = past.coverage(level)
    return PanelPrediction(
        panel=material.name,
        model=stored.record.model,
        run=stored.name,
        verdict=headline(stored.record.verdict),
        day=day,
        entry_day=entry,
        exit_day=next_session(market, entry),
        level=level,
        ranking=_ranking(model, material, stored, past, level),
        covered=held.covered,
        covered_rows=held.rows,
        below=held.below,
        above=held.above,
        absent=_absent(material, stored),
        data_age=age,
        model_age=model_age,
        status=stored.record.status,
        health=", ".join(stored.health_codes),
        notices=(
            *_doubts(material, stored, (age, model_age), learned_to, now),
            *past.other_prices(),
            *material.notices,
        ),
    )


def _usable_model(stored: StoredRun) -> SavedPanelModel:
    """Return the model that a run left, where it learned from the features that this version computes."""
    model = panel_model_of(stored)
    require_contract(stored, model.facts)
    return model


def _latest(stored: StoredRun, runs: RunsFolder, data: Path | None) -> PanelMaterial:
    """Load the prices of all members up to now, as the run loaded its own; no locked row is scored here."""
    record, known = stored.record, stored.record.data.context
    work = Panel(
        name=record.symbol,
        symbols=tuple(member.symbol for member in record.members),
        model=record.model,
        config=replace(stored.config(), lockbox=0, end=None),
        data=data or _place(stored),
        context=known.market or "none",
        runs_dir=runs.root,
    )
    material = load_panel(work)
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
    quiet = ("LOCKBOX_OPEN", "SURVIVORS_ONLY", "STALE_OPENS_LEFT_OUT")  # of scoring, which is not done here
    return replace(material, notices=tuple(one for one in material.notices if one.code not in quiet))


def _place(stored: StoredRun) -> Path | None:
    """Return the folder or the file that all members' prices came from, where it is still there."""
    members = stored.record.members
    paths = {
        (one.source, Path(one.where).parent if one.source == "folder" else Path(one.where)) for one in members
    }
    if len(paths) != 1:
        return None
    source, path = next(iter(paths))
    return path if source in ("folder", "file") and path.exists() else None


def _ranking(
    model: SavedPanelModel, material: PanelMaterial, stored: StoredRun, past: PanelErrors, level: float
) -> tuple[Ranked, ...]:
    """Return the symbols with a row of the last day, the highest score first; equals by name."""
    last = len(material.calendar) - 1
    rows = material.rows(last, last + 1)
    issued = model.trained.forecast(material, rows)
    forecast = material.volatility[rows] * issued.expected
    weights = _wanted(model, material, stored)
    order = sorted(
        range(rows.stop - rows.start),
        key=lambda i: (-issued.score[i], material.symbols[material.member[rows.start + i]]),
    )
    found = []
    for rank, i in enumerate(order, start=1):
        member = int(material.member[rows.start + i])
        scale = float(past.scale[last, member])
        low = high = np.inf
        if scale > 0.0:
            told = interval(float(forecast[i]), scale, past.scores(material.symbols[member]), level)
            low, high = told.low, told.high
        found.append(
            Ranked(
                rank=rank,
                symbol=material.symbols[member],
                score=float(issued.score[i]),
                forecast=float(forecast[i]),
                low=low if scale > 0.0 else -np.inf,
                high=high,
                weight=float(weights[member]) if material.tradable[rows.start + i] else None,
            )
        )
    return tuple(found)


def _wanted(model: SavedPanelModel, material: PanelMaterial, stored: StoredRun) -> Floats:
    """Return the wanted weight of each member (N,) on the last day.

    Scores are smoothed as in the run's portfolio. Those of earlier days are what the run forecast out of
    sample; on the days since then, the lock-box among them, the model for use tells them and nothing scores
    them.
    """
    days, config = len(material.calendar), stored.config()
    start = max(days - LOOKED_BACK, 0)
    rows = material.rows(start, days)
    own = np.where(material.tradable[rows], model.trained.forecast(material, rows).score, np.nan)
    scores = material.grid(own, rows)[start:]
    told = pl.concat(
        [
            stored.panel_forecasts().select("day", "symbol", "score"),
            stored.panel_unscored().select("day", "symbol", "score"),
        ]
    ).filter(pl.col("day") >= material.calendar[start])
    told = told.filter(
        pl.col("symbol").is_in(material.symbols), pl.col("day").is_in(material.calendar.implode())
    )
    place = {symbol: column for column, symbol in enumerate(material.symbols)}
    at = material.calendar.search_sorted(told["day"]).to_numpy() - start
    scores[at, [place[symbol] for symbol in told["symbol"]]] = told["score"].to_numpy()
    least = config.panel.least_names
    return np.asarray(long_short(smoothed(scores, SCORE_HALFLIFE, least), least)[-1])


def _absent(material: PanelMaterial, stored: StoredRun) -> tuple[str, ...]:
    """Name every member of the run without a row of the last day, and say why."""
    day, last = material.calendar[-1], len(material.calendar) - 1
    rows = material.rows(last, last + 1)
    ranked = {material.symbols[member] for member in material.member[rows]}
    ends = {member.symbol: member.last_day for member in material.members}
    found = []
    for member in stored.record.members:
        if member.symbol in ranked:
            continue
        end = ends.get(member.symbol)
        if end is None:
            why = "its prices cannot be used, see the warnings"
        elif end < str(day):
            why = f"no bar of {day}; its last is of {end}"
        else:
            column = material.symbols.index(member.symbol)
            no_bar = not np.isfinite(material.bars["close"][last, column])
            why = f"no bar of {day}" if no_bar else f"a bar of {day}, and too short a past or no volatility"
        found.append(f"{member.symbol}: {why}")
    return tuple(found)


def _doubts(
    material: PanelMaterial,
    stored: StoredRun,
    ages: tuple[int | None, int],
    learned_to: dt.date,
    now: dt.datetime,
) -> tuple[Notice, ...]:
    day, (age, model_age), found = material.calendar[-1], ages, []
    opened = save_by(material.market, material.fill, day, next_session(material.market, day))
    if age is None:
        text = f"the last bars are of {day}; no calendar of this market says whether they are the newest"
        found.append(Notice("DATA_OLD", text))
    elif age > 0:
        text = (
            f"the last bars are of {day}, and {_counted(age, 'session')} closed since: the entry of this "
            "ranking is past"
        )
        found.append(Notice("DATA_OLD", text))
    elif opened is not None and now >= opened:
        text = (
            f"its positions were to be opened by {opened:%Y-%m-%d %H:%M} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M} UTC"
        )
        found.append(Notice("ENTRY_PAST", text))
    if model_age > OLD_MODEL:
        text = f"the model learned from days up to {learned_to}; {model_age} came after them: train again"
        found.append(Notice("MODEL_OLD", text))
    if stored.record.status is not Status.SUCCESS:
        found.append(Notice("RUN_NOT_GOOD", f"the run behind it ended as {stored.record.status}"))
    return tuple(found)


def _row(row: Ranked) -> str:
    low, high = (
        as_text(value, "return") if np.isfinite(value) else "unknown" for value in (row.low, row.high)
    )
    weight = "none" if row.weight is None else f"{row.weight:+.3f}"
    told = f"{as_text(row.forecast, 'return'):>8}  {low:>10}  {high:>10}  {weight:>6}"
    return f"{row.rank:>4}  {row.symbol:<8}  {row.score:>+7.3f}  {told}"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
