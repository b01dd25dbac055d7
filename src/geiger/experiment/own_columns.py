"""A user's own features and target on the bars of a run: beside ours, checked, and from when on complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.columns import TARGET, require
from geiger.errors import DataError
from geiger.experiment.own import OwnFeatures, OwnTarget
from geiger.experiment.own_table import hash_of
from geiger.features.catalogue import NAMES, WARMUP
from geiger.records import Notice
from geiger.runs.record import OwnPart, OwnParts

Floats = npt.NDArray[np.float64]
LONG_WARMUP = 63  # rows more than ours from which it is said: a quarter of a year
PREFIX = 2 / 3  # of the bars, on which a function is asked again: nothing of it may change
CUTS = (0.5, 0.8)  # the same for a target, whose labels must be known when it says so
SAME = 1e-9  # of a column's deviation: sums in another order differ by less
USUAL_SPREAD = 5.0  # how many times larger or smaller an own target may vary than the return itself


@dataclass(frozen=True)
class Joined:
    """What own features and an own target are on some bars; empty where there are none.

    Attributes
    ----------
    columns : frame
        Float columns under the names they have beside ours, one row a bar.
    label : frame, optional
        ``day``, ``value`` and perhaps ``known_on``, as the target's function made them.
    warmup : int
        First row from which our features, these and the target are complete.
    """

    features: OwnFeatures | None
    target: OwnTarget | None
    columns: pl.DataFrame
    label: pl.DataFrame | None
    warmup: int
    notices: tuple[Notice, ...] = ()

    def beside(self, matrix: Floats) -> Floats:
        """Return our feature matrix (n, F) with the own columns behind it."""
        if not self.columns.width:
            return matrix
        return np.vstack((matrix.T, self.columns.to_numpy().T)).T

    def in_place_of(self, ours: pl.DataFrame, horizon: int) -> pl.DataFrame:
        """Return the TARGET frame with the own value; fills and what they earn stay as they are."""
        if self.label is None or self.target is None:
            return ours
        own = self.label.rename({"value": "own", "known_on": "own_known_on"}, strict=False)
        both = ours.join(own, on="day", maintain_order="left")
        known = pl.coalesce(pl.col("^own_known_on$"), "known_on")
        there = pl.col("known_on").is_not_null() & pl.col("own").is_not_null() & (known <= ours["day"][-1])
        made = both.with_columns(
            known_on=pl.when(there).then(known).otherwise("known_on"), value=pl.when(there).then("own")
        ).select(ours.columns)
        _require_gap(made, horizon, self.warmup, self.target.name)
        return require(made, TARGET)

    def on(self, prices: pl.DataFrame) -> Joined:
        """Return the same on more bars, those of the lock-box among them; the warm-up stays."""
        columns = _columns(self.features, prices)
        _require_names(self.features, self.columns, columns)
        made = replace(self.on_target(prices), columns=columns)
        made._require_complete(prices["day"])
        return made

    def on_target(self, prices: pl.DataFrame) -> Joined:
        """Return the same with the target of other bars."""
        return self if self.target is None else replace(self, label=self.target.build(prices))

    def _require_complete(self, days: pl.Series) -> None:
        """Refuse a number that is missing behind the warm-up: no model can learn from its row."""
        for column in self.columns:
            broken = np.flatnonzero(~np.isfinite(column.to_numpy()[self.warmup :]))
            if broken.size and self.features is not None:
                day = days[self.warmup + int(broken[0])]
                raise DataError(
                    f"{self.features.name}: column {column.name!r} is not finite on {day}, though it was "
                    "before; fill the gap with what was known that day, or leave the column out"
                )
        if self.label is not None and self.target is not None:
            value = self.label["value"].to_numpy()
            end = 0 if not np.isfinite(value).any() else int(np.flatnonzero(np.isfinite(value))[-1])
            broken = np.flatnonzero(~np.isfinite(value[self.warmup : end]))
            if broken.size:
                raise DataError(
                    f"{self.target.name}: the value of {days[self.warmup + int(broken[0])]} is missing or "
                    "infinite, though there are values before and after it"
                )


def join_own(prices: pl.DataFrame, features: OwnFeatures | None, target: OwnTarget | None) -> Joined:
    """Compute own features and an own target on these bars, and hold them to what they must be.

    Raises
    ------
    DataError
        They are not one number a bar, differ between two calls, or have gaps; or a label is not known when
        it should be.
    """
    columns = _columns(features, prices)
    label = None if target is None else target.build(prices)
    if features is not None:
        _require_repeatable(features.name, columns, _columns(features, prices))
    if label is not None and target is not None:
        _require_repeatable(target.name, label, target.build(prices))
    days, begins = prices["day"], [WARMUP]
    begins += [_first(column, features.name) for column in columns if features is not None]
    begins += [_first(label["value"], target.name)] if label is not None and target is not None else []
    joined = Joined(features, target, columns, label, max(begins))
    joined._require_complete(days)
    return replace(joined, notices=(*_late(joined, days), *_told(joined, prices)))


def parts_of(one: Joined, whole: Joined, target: pl.DataFrame) -> OwnParts:
    """Return what a record says of them: names, and hashes of the code and of all that it made.

    Parameters
    ----------
    one, whole : Joined
        On the development rows, and on all rows.
    target : TARGET frame
        Of the development rows, whose labels are the own ones.
    """
    features, own_target = one.features, one.target
    return OwnParts(
        features=None
        if features is None
        else OwnPart(
            name=features.name,
            where=features.where,
            digest=features.digest,
            values=hash_of(one.columns, (hash_of(whole.columns),)),
            columns=tuple(one.columns.columns),
        ),
        target=None
        if own_target is None or whole.label is None
        else OwnPart(
            name=own_target.name,
            where=own_target.where,
            digest=own_target.digest,
            values=hash_of(target.select("value"), (hash_of(whole.label.select("value")),)),
        ),
    )


def require_known_labels(target: OwnTarget | None, made: pl.DataFrame, prices: pl.DataFrame) -> None:
    """Refuse a target whose labels change after the day on which they count as known.

    Parameters
    ----------
    made : TARGET frame
        With the own target, on all of `prices`.
    """
    if target is None:
        return
    for share in CUTS:
        bars = int(share * prices.height)
        cut = target.build(prices.head(bars)).select("day", cut="value")
        both = made.head(bars).join(cut, on="day", maintain_order="left")
        known = both.filter(pl.col("value").is_not_null(), pl.col("known_on") <= prices["day"][bars - 1])
        off = (known["value"] - known["cut"].fill_null(np.inf)).abs() > SAME * (known["value"].std() or 0.0)
        places = off.arg_true()
        if len(places):
            row = known.row(places[0], named=True)
            raise DataError(
                f"{target.name}: the value of {row['day']} counts as known on {row['known_on']}, and bars "
                "after that day still change it; return a column known_on that says when it is known"
            )


def _columns(features: OwnFeatures | None, prices: pl.DataFrame) -> pl.DataFrame:
    """Return the own columns, called as they are beside ours: ``own_NAME`` where we have one of that name."""
    if features is None:
        return pl.DataFrame()
    made = features.build(prices).drop("day")
    names = [f"own_{name}" if name in NAMES else name for name in made.columns]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise DataError(f"{features.name}: two columns would be called {min(doubled)!r}; rename one")
    return made.rename(dict(zip(made.columns, names, strict=True)))


def _first(column: pl.Series, name: str) -> int:
    finite = np.flatnonzero(np.isfinite(column.to_numpy()))
    if not finite.size:
        raise DataError(f"{name}: column {column.name!r} has no number on any bar of this series")
    return int(finite[0])


def _require_repeatable(name: str, one: pl.DataFrame, other: pl.DataFrame) -> None:
    if one.columns == other.columns and hash_of(one) == hash_of(other):
        return
    raise DataError(
        f"{name}: is not repeatable: two calls on the same bars gave different numbers; give it a seed"
    )


def _require_names(features: OwnFeatures | None, one: pl.DataFrame, other: pl.DataFrame) -> None:
    if features is None or one.columns == other.columns:
        return
    raise DataError(
        f"{features.name}: its columns are {', '.join(one.columns[:5])} on some bars of this series and "
        f"{', '.join(other.columns[:5])} on others; give each a name that stays"
    )


def _late(joined: Joined, days: pl.Series) -> Sequence[Notice]:
    """Say what makes the first rows unusable, where it costs many."""
    if joined.warmup <= WARMUP + LONG_WARMUP or joined.warmup >= len(days):
        return ()
    first = {name: _first(joined.columns[name], name) for name in joined.columns.columns}
    if joined.target is not None and joined.label is not None:
        first[joined.target.name] = _first(joined.label["value"], joined.target.name)
    text = (
        f"{max(first, key=lambda name: first[name])} begins on {days[joined.warmup]}, row {joined.warmup}; "
        f"without it the features are complete from row {WARMUP} on"
    )
    return (Notice("OWN_WARMUP", text),)


def _told(joined: Joined, prices: pl.DataFrame) -> Sequence[Notice]:
    """Say what a table takes for granted, or that a function looks ahead."""
    features = joined.features
    if features is None:
        return ()
    if features.table is not None:
        return features.table.doubts(prices["day"], features.name)
    bars = int(PREFIX * prices.height)
    early = _columns(features, prices.head(bars))
    _require_names(features, joined.columns, early)
    for column in early:
        before, now = column.to_numpy(), joined.columns[column.name].to_numpy()[:bars]
        room = SAME * float(np.nanstd(now))
        differs = ~((np.abs(before - now) <= room) | (np.isnan(before) & np.isnan(now)))
        if differs.any():
            day = prices["day"][int(differs.argmax())]
            text = (
                f"{features.name}: {column.name} of {day} changes when bars after {prices['day'][bars - 1]} "
                "are there: it looks ahead, and what is learned from it is worth nothing"
            )
            return (Notice("OWN_LOOKS_AHEAD", text),)
    return ()


def unusual_spread(target: OwnTarget | None, made: pl.DataFrame, ours: pl.DataFrame) -> tuple[Notice, ...]:
    """Say where an own target varies so much more or less than the return that it can be no log return."""
    if target is None:
        return ()
    own, plain = (frame.filter(made["value"].is_not_null())["value"].std() for frame in (made, ours))
    if not isinstance(own, float) or not isinstance(plain, float) or plain == 0.0:
        return ()
    if 1.0 / USUAL_SPREAD <= own / plain <= USUAL_SPREAD:
        return ()
    text = (
        f"{target.name}: varies {own / plain:.3g} times as much as the return from entry to exit; forecasts "
        "are taken for log returns when positions are sized"
    )
    return (Notice("OWN_TARGET_UNIT", text),)


def _require_gap(made: pl.DataFrame, horizon: int, warmup: int, name: str) -> None:
    """Refuse labels that become known later than the gap before a test block leaves time for."""
    advice = "when the position is closed; only labels known by then can be learned before the next forecast"
    latest = pl.col("day").shift(-horizon - 1)
    late = made.filter(pl.col("value").is_not_null() & (pl.col("known_on") > latest))
    if late.height:
        raise DataError(
            f"{name}: the value of {late['day'][0]} is known on {late['known_on'][0]}, later than {advice}"
        )
    missing = made[warmup : max(made.height - horizon - 1, warmup)].filter(pl.col("value").is_null())
    if missing.height:
        raise DataError(f"{name}: the value of {missing['day'][0]} is not known {advice}")
