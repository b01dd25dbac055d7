"""What the models of a panel learn from: the rows of all members by day and symbol, and grids of their bars.

The lock-box belongs to the calendar of the panel: its last days are cut off before anything is computed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError, GeigerError
from geiger.evidence.score_test import daily_volatility
from geiger.experiment.context import Context, keep_context
from geiger.experiment.fill import STALE_FOLD
from geiger.experiment.material import Material
from geiger.experiment.prepare import prepare
from geiger.features.catalogue import NAMES, WARMUP
from geiger.learning.target import Fill, make_target
from geiger.market.calendar import Market
from geiger.market.doubts import stale_opens
from geiger.market.rhythm import observed_market
from geiger.market.snapshots import Store
from geiger.market.sources import Loaded
from geiger.panel.experiment import Panel
from geiger.panel.normalise import Singles, day_ranks, rolling_z
from geiger.records import Notice
from geiger.runs.environment import key_of
from geiger.runs.record import PanelMember, Provenance
from geiger.settings import Config
from geiger.settings.contract import VERSION

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]
Members = npt.NDArray[np.int16]
STALE_ROWS = 252  # rows over which opens are looked at
STRANGE_DAYS = 0.05  # of a member's days, on which few others trade: it has another calendar
LISTED = 5  # symbols named in a sentence
AT_ONCE = 16  # columns that are put in order together
BARS = ("open", "high", "low", "close", "volume")
OF_A_SYMBOL = ("LOCKBOX_OPEN", "FILL_CLOSE")  # notices that a panel says of itself, or that do not apply


@dataclass(frozen=True, eq=False)
class PanelMaterial:
    """What every model of a panel learns from.

    Rows are sorted by day, then member; D days, N members, n rows, F features.

    Attributes
    ----------
    calendar : Series of date (D,)
        All days on which enough members have a bar; development days only.
    day, member : (n,) int
        Positions in `calendar` and `symbols`.
    features : (n, F) float32
        Row (t, i) is made of bars <= t of member i, and of the index.
    normalised : (n, F) float32
        The same in past deviations of the member, or in ranks of the day: see `normalise`.
    outcome : (n,) float64
        Log return that a decision at the close of the day can still earn; not a number where it is not known.
    volatility : (n,) float64
        Daily, log return, known at the close of the day.
    on_time : (n,) bool
        Whether the outcome spans the very next days of the calendar. A later one, of a member that did not
        trade meanwhile, is scored and never learned: on its day nobody knew when it would be known.
    known_on : Series of date (n,)
        Day on which the outcome is known; missing where it is not yet.
    tradable : (n,) bool
        Whether opens were prices that somebody traded at, as far as the last year showed: what is scored.
    counts : (D,) bool
        Days with enough names that take part: those of the folds.
    bars : mapping of str to (D, N) float64
        Total-return open, high, low, close, and volume; not a number where a member has no bar.
    """

    name: str
    symbols: tuple[str, ...]
    market: Market
    fill: Fill
    calendar: pl.Series
    day: Days
    member: Members
    features: Singles
    normalised: Singles
    outcome: Floats
    volatility: Floats
    on_time: npt.NDArray[np.bool_]
    known_on: pl.Series
    tradable: npt.NDArray[np.bool_]
    counts: npt.NDArray[np.bool_]
    bars: Mapping[str, Floats]
    members: tuple[PanelMember, ...]
    notices: tuple[Notice, ...]
    provenance: Provenance

    @property
    def shape(self) -> tuple[int, int]:
        """Days and members."""
        return len(self.calendar), len(self.symbols)

    @cached_property
    def edges(self) -> npt.NDArray[np.int64]:
        """First row of each day, and one past the last of all (D + 1,)."""
        return np.searchsorted(self.day, np.arange(len(self.calendar) + 1))

    def rows(self, first: int, stop: int) -> slice:
        """Return the rows of the days [first, stop)."""
        return slice(int(self.edges[first]), int(self.edges[stop]))

    def grid(self, values: npt.NDArray[np.floating], rows: slice | None = None) -> Floats:
        """Return values of rows as a grid (D, N), not a number where there is no row."""
        found = np.full(self.shape, np.nan)
        at = slice(None) if rows is None else rows
        found[self.day[at], self.member[at]] = values
        return found

    @cached_property
    def returns(self) -> Floats:
        """Daily log returns close to close (D, N), from the member's last bar; known at the close."""
        close = np.log(self.bars["close"])
        found = np.full(self.shape, np.nan)
        for column in range(close.shape[1]):
            there = np.flatnonzero(np.isfinite(close[:, column]))
            found[there[1:], column] = np.diff(close[there, column])
        return found


def load_panel(work: Panel, *, now: dt.datetime | None = None) -> PanelMaterial:
    """Load the members of a panel, cut off the lock-box, and compute features and outcomes.

    A member that cannot be used is left out, and said.

    Raises
    ------
    DataError
        Too few members can be used, or one of them trades on another calendar.
    """
    loaded, refused = _loaded(work)
    markets = {one.symbol: observed_market(one.symbol, one.prices) for one in loaded}
    market = _one_calendar(work.name, loaded, markets)
    config = work.config
    lockbox = market.days_per_year if config.lockbox is None else config.lockbox
    least = config.panel.least_names
    last, locked_from = _last_day(
        _calendar(work.name, (one.prices["day"] for one in loaded), least), lockbox, config
    )
    surroundings = work.surroundings()
    context = keep_context(surroundings, Store(work.runs.snapshots))
    parts, notices = [], list(refused)
    matrices = _Matrices(sum(one.prices.height for one in loaded), config.panel.normalisation == "rolling")
    for one in loaded:
        try:
            parts.append(_member(work, one, surroundings, last, now, matrices))
        except GeigerError as error:
            notices.append(Notice("MEMBER_LEFT_OUT", f"{one.symbol}: {error}"))
    if len(parts) < least:
        told = "; ".join(notice.text for notice in notices[:LISTED])
        raise DataError(
            f"panel {work.name}: {len(parts)} of {len(work.symbols)} symbols can be used, and a day counts "
            f"from {least} on: {told}"
        )
    digest = key_of({part.data.symbol: part.data.data_hash for part in parts})
    calendar = _calendar(work.name, (part.bars["day"] for part in parts), least)
    provenance = Provenance(
        source="panel",
        where=f"{len(parts)} symbols",
        first_day=str(calendar[0]),
        last_day=str(calendar[-1]),
        rows=len(calendar),
        data_hash=digest,
        lockbox_rows=lockbox,
        lockbox_from=None if locked_from is None else str(locked_from),
        context=context,
        features=VERSION,
    )
    notices += _grouped(parts, config)
    return _assembled(work, market, calendar, parts, matrices, tuple(notices), provenance)


class _Matrices:
    """Features of all members, one behind the other until their rows are put in order, in one place.

    A second copy of them would be most of what a large panel needs.
    """

    def __init__(self, capacity: int, normalised: bool) -> None:
        # Room that is not used takes no memory.
        self.features = np.empty((capacity, len(NAMES)), dtype=np.float32)
        self.normalised = np.empty_like(self.features) if normalised else None
        self.used = 0

    def add(self, features: Floats, normalised: Singles | None) -> npt.NDArray[np.int64]:
        """Take in rows (m, F) of a member; return where they lie."""
        at = slice(self.used, self.used + len(features))
        self.features[at] = features
        if self.normalised is not None and normalised is not None:
            self.normalised[at] = normalised
        self.used = at.stop
        return np.arange(at.start, at.stop)

    def in_order(self, rows: npt.NDArray[np.int64]) -> tuple[Singles, Singles | None]:
        """Bring these rows (n,) to the front, in this order, and return them."""
        for matrix in (self.features, self.normalised):
            if matrix is not None:
                for first in range(0, matrix.shape[1], AT_ONCE):
                    some = slice(first, first + AT_ONCE)
                    matrix[: len(rows), some] = matrix[rows, some]
        front = slice(0, len(rows))
        return self.features[front], None if self.normalised is None else self.normalised[front]


@dataclass(frozen=True, eq=False)
class _Part:
    """One member before it is put beside the others; every column has shape (m,)."""

    data: PanelMember
    bars: pl.DataFrame
    rows: npt.NDArray[np.int64]  # of `bars`, that take part
    stored: npt.NDArray[np.int64]  # where their features lie, see `_Matrices`
    outcome: Floats
    known_on: pl.Series
    volatility: Floats
    tradable: npt.NDArray[np.bool_]
    notices: tuple[Notice, ...]

    def on(self, calendar: pl.Series) -> _Part:
        """Return it without the days that the panel has not."""
        there = self.bars["day"].is_in(calendar.implode()).to_numpy()
        if there.all():
            return self
        kept = there[self.rows]
        number = np.cumsum(there) - 1
        return replace(
            self,
            bars=self.bars.filter(there),
            rows=number[self.rows[kept]],
            stored=self.stored[kept],
            outcome=self.outcome[kept],
            known_on=self.known_on.filter(kept),
            volatility=self.volatility[kept],
            tradable=self.tradable[kept],
        )


def _loaded(work: Panel) -> tuple[list[Loaded], list[Notice]]:
    found, refused = [], []
    for symbol in work.symbols:
        try:
            found.append(work.loaded(symbol))
        except GeigerError as error:
            refused.append(Notice("MEMBER_LEFT_OUT", f"{symbol}: {error}"))
    if len(found) < work.config.panel.least_names:
        told = "; ".join(notice.text for notice in refused[:LISTED])
        raise DataError(
            f"panel {work.name}: prices of {len(found)} of {len(work.symbols)} symbols can be read: {told}"
        )
    return found, refused


def _one_calendar(name: str, loaded: Sequence[Loaded], markets: Mapping[str, Market]) -> Market:
    """Return the market of the panel.

    Raises
    ------
    DataError
        A member trades elsewhere, or on days on which the others rest.
    """
    exchanges = [(markets[one.symbol].exchange, markets[one.symbol].days_per_year) for one in loaded]
    usual = max(sorted(set(exchanges), key=str), key=exchanges.count)
    odd = [one.symbol for one, where in zip(loaded, exchanges, strict=True) if where != usual]
    if odd:
        shown = ", ".join(f"{symbol} ({markets[symbol].name})" for symbol in odd[:LISTED])
        raise DataError(
            f"panel {name}: {shown}{' ...' if len(odd) > LISTED else ''}: another calendar than the other "
            "members; a panel has one, so make a panel of each"
        )
    market = next(markets[one.symbol] for one, where in zip(loaded, exchanges, strict=True) if where == usual)
    every = pl.concat([one.prices["day"] for one in loaded]).to_physical().to_numpy()
    days, count = np.unique(every, return_counts=True)
    firsts = np.sort([one.prices["day"].to_physical()[0] for one in loaded])
    lasts = np.sort([one.prices["day"].to_physical()[-1] for one in loaded])
    alive = np.searchsorted(firsts, days, side="right") - np.searchsorted(lasts, days, side="left")
    lonely = days[2 * count < alive]  # most of those that trade about then have no bar
    for one in loaded:
        strange = float(np.isin(one.prices["day"].to_physical().to_numpy(), lonely).mean())
        if strange > STRANGE_DAYS:
            raise DataError(
                f"panel {name}: {one.symbol} has {strange:.0%} of its bars on days when most other members "
                "have none: another calendar; leave it out, or correct its days"
            )
    return market


def _last_day(days: pl.Series, lockbox: int, config: Config) -> tuple[dt.date, dt.date | None]:
    """Return the last development day, and the first locked one where there is one."""
    if lockbox >= len(days):
        raise DataError(f"{len(days)} days, and the lock-box takes the last {lockbox}: lower --lockbox")
    last = days[-1 - lockbox]
    end = None if config.end is None else dt.date.fromisoformat(config.end)
    return (last if end is None else min(last, end)), (days[-lockbox] if lockbox else None)


def _require_member(loaded: Loaded, last: dt.date, least: int) -> None:
    """Refuse what nobody can buy, and a history too short to take part."""
    if loaded.symbol.startswith("^"):
        raise DataError("an index level cannot be bought, so it is no member; it may be the --context")
    rows = int((loaded.prices["day"] <= last).sum())
    needed = WARMUP + least
    if rows <= needed:
        raise DataError(f"{rows} rows before the lock-box; a member takes part from row {needed} on")


def _member(
    work: Panel,
    loaded: Loaded,
    surroundings: Context,
    last: dt.date,
    now: dt.datetime | None,
    matrices: _Matrices,
) -> _Part:
    config, panel = work.config, work.config.panel
    _require_member(loaded, last, panel.window_least)
    # Fill and folds are the panel's: what a symbol alone would need is not asked for.
    alone = replace(config, lockbox=0, end=str(last), fill="close", min_train=2)
    material = prepare(
        loaded.symbol,
        alone,
        data=None,
        context=None,
        library=Store(work.runs.library),
        snapshots=Store(work.runs.snapshots),
        loaded=loaded,
        context_given=surroundings,
        now=now,
    )
    prices, first = material.prices, material.warmup
    target = make_target(prices, config.fill, config.horizon)
    volatility = daily_volatility(np.diff(np.log(prices["close"].to_numpy()), prepend=np.nan))
    stale = _stale_before(prices) if config.fill == "next_open" else np.zeros(prices.height, dtype=np.bool_)
    usable = np.isfinite(volatility) & (volatility > 0.0)
    usable[: first + panel.window_least - 1] = False
    rows = np.flatnonzero(usable)
    if not rows.size:
        needed = first + panel.window_least
        raise DataError(f"{prices.height} rows before the lock-box; it takes part from row {needed} on")
    normalised = None
    if panel.normalisation == "rolling":
        z = rolling_z(
            material.features[first:], window=panel.window, least=panel.window_least, clip=panel.clip
        )
        normalised = z[rows - first]
    data = PanelMember(
        symbol=loaded.symbol,
        source=loaded.source,
        where=loaded.where,
        data_hash=material.provenance.data_hash,
        first_day=str(prices["day"][0]),
        last_day=str(prices["day"][-1]),
        rows=int(rows.size),
        stale=int((usable & stale).sum()),
    )
    return _Part(
        data=data,
        bars=prices,
        rows=rows,
        stored=matrices.add(material.features[rows], normalised),
        outcome=target["value"].to_numpy()[rows],
        known_on=target["known_on"].gather(rows),
        volatility=volatility[rows],
        tradable=~stale[rows],
        notices=_own_notices(material),
    )


def _own_notices(material: Material) -> tuple[Notice, ...]:
    return tuple(notice for notice in material.notices if notice.code not in OF_A_SYMBOL)


def _stale_before(prices: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Flag the rows (m,) within whose last 252 rows, their own among them, too many opens were stale."""
    through = np.concatenate(([0], np.cumsum(stale_opens(prices))))
    stop = np.arange(1, prices.height + 1)
    start = np.maximum(stop - STALE_ROWS, 0)
    return np.asarray((through[stop] - through[start]) > STALE_FOLD * (stop - start))


def _assembled(
    work: Panel,
    market: Market,
    calendar: pl.Series,
    parts: Sequence[_Part],
    matrices: _Matrices,
    notices: tuple[Notice, ...],
    provenance: Provenance,
) -> PanelMaterial:
    symbols = tuple(part.data.symbol for part in parts)
    parts = [part.on(calendar) for part in parts]
    places = [calendar.search_sorted(part.bars["day"].gather(part.rows)).to_numpy() for part in parts]
    day = np.concatenate(places).astype(np.int32)
    member = np.repeat(np.arange(len(parts), dtype=np.int16), [len(place) for place in places])
    counts = np.bincount(day, minlength=len(calendar)) >= work.config.panel.least_names
    order = np.lexsort((member, day))
    order = order[counts[day[order]]]
    day, member = day[order], member[order]
    if not day.size:
        least = work.config.panel.least_names
        raise DataError(
            f"panel {work.name}: no day has {least} symbols behind their warm-up; give longer series, or "
            "lower panel.least_names"
        )
    features, z = matrices.in_order(np.concatenate([part.stored for part in parts])[order])
    normalised = day_ranks(features, day) if z is None else z
    bars = {name: np.full((len(calendar), len(parts)), np.nan) for name in BARS}
    for column, part in enumerate(parts):
        at = calendar.search_sorted(part.bars["day"]).to_numpy()
        for name in BARS:
            bars[name][at, column] = part.bars[name].to_numpy()
    return PanelMaterial(
        name=work.name,
        symbols=symbols,
        market=market,
        fill=work.config.fill,
        calendar=calendar,
        day=day,
        member=member,
        features=features,
        normalised=normalised,
        outcome=np.concatenate([part.outcome for part in parts])[order],
        volatility=np.concatenate([part.volatility for part in parts])[order],
        tradable=np.concatenate([part.tradable for part in parts])[order],
        on_time=np.concatenate([_on_time(part, calendar, work.config.horizon) for part in parts])[order],
        known_on=pl.concat([part.known_on for part in parts]).gather(order),
        counts=counts,
        bars=bars,
        members=tuple(part.data for part in parts),
        notices=notices,
        provenance=provenance,
    )


def _calendar(name: str, days: Iterable[pl.Series], least: int) -> pl.Series:
    """Return the days (D,) on which at least so many members have a bar: a stray bar makes no day.

    Raises
    ------
    DataError
        There is none.
    """
    every = pl.DataFrame({"day": pl.concat(list(days))}).group_by("day").len()
    found = every.filter(pl.col("len") >= least)["day"].sort()
    if not found.len():
        raise DataError(f"panel {name}: no day has {least} symbols; name more, or lower panel.least_names")
    return found


def _on_time(part: _Part, calendar: pl.Series, horizon: int) -> npt.NDArray[np.bool_]:
    """Tell the rows (m,) whose outcome is known as soon as the calendar allows."""
    own = calendar.search_sorted(part.bars["day"].gather(part.rows)).to_numpy()
    known = calendar.search_sorted(part.known_on.fill_null(calendar[-1])).to_numpy()
    return np.asarray(part.known_on.is_not_null().to_numpy() & (known <= own + horizon + 1))


def _grouped(parts: Sequence[_Part], config: Config) -> Iterable[Notice]:
    """Return the members' notices, one a code; what was left out; and what a panel must say of itself."""
    by_code: dict[str, list[tuple[str, str]]] = {}
    for part in parts:
        for notice in part.notices:
            by_code.setdefault(notice.code, []).append((part.data.symbol, notice.text))
    for code, told in by_code.items():
        symbols = list(dict.fromkeys(symbol for symbol, _ in told))
        first, text = told[0]
        if len({text for _, text in told}) > 1:
            text = f"of {first}: {text}" if len(symbols) > 1 else "; ".join(text for _, text in told)
        yield Notice(code, text if len(symbols) == len(parts) else f"{_listed(symbols)}: {text}")
    stale = [f"{part.data.symbol} {part.data.stale}" for part in parts if part.data.stale]
    if stale:
        text = f"rows not scored because more than {STALE_FOLD:.0%} of a year's opens repeat the last close"
        yield Notice("STALE_OPENS_LEFT_OUT", f"{text}: {_listed(stale)}")
    ended = [part for part in parts if part.data.last_day < max(one.data.last_day for one in parts)]
    if not ended:
        text = "all symbols trade to the last day: whoever was chosen with hindsight has survived"
        yield Notice("SURVIVORS_ONLY", text)
    if config.lockbox == 0:
        yield Notice("LOCKBOX_OPEN", "no rows are locked: nothing is left that no model was chosen on")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
