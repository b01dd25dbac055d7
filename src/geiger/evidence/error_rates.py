"""Measured error rates of the verdict: tables that `geiger calibrate` made and the package carries.

A table belongs to one model of one recipe over one number of scored days. What it says was counted on made
markets that went through the real pipeline, from prices to the score test.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from geiger.codec import Misfit, fitted, parsed, plain
from geiger.errors import DataError
from geiger.evidence.binomial import share_interval, too_often
from geiger.files import write_atomically

SHIPPED = Path(__file__).parent / "rates"
NEAR = 1.5  # times as many days, or as few: further off they are other settings


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often something was seen on so many made markets.

    Attributes
    ----------
    name : str
        Family of markets, gate of the plan, or way of trying.
    """

    name: str
    n: int
    count: int

    def text(self) -> str:
        """Return count and interval.

        >>> Rate(name="x", n=400, count=3).text()
        '3 of 400 (0.2% to 2.2%)'
        """
        low, high = share_interval(self.count, self.n)
        return f"{self.count} of {self.n} ({100 * low:.1f}% to {100 * high:.1f}%)"


@dataclass(frozen=True, kw_only=True)
class Power:
    """How often a planted signal was found: by the model, and by the planted signal itself.

    Attributes
    ----------
    r2 : float
        Share of the outcome's variance that the signal explains.
    """

    signal: str
    r2: float
    n: int
    count: int
    oracle: int


@dataclass(frozen=True, kw_only=True)
class ErrorRates:
    """What was counted for one model and its settings.

    Attributes
    ----------
    rows : int
        Scored days.
    symbols : int
        Of the panel; 1 for a run of one symbol.
    level : float
        Below which a p rings.
    null : tuple of Rate
        SIGNAL without anything to find, by family of markets.
    moving : tuple of Rate
        SIGNAL on markets whose own past tells something: a mean that changes, blocks that come again. Not all
        of it is false.
    planted : tuple of Power
    gates : tuple of Rate
        How often each gate of the plan was passed without anything to find.
    tries : tuple of Rate
        SIGNAL of somebody who tries often, without anything to find, with the tries counted.
    effort : tuple of str
        What was lighter than the recipe, in words; empty where nothing was.
    """

    model: str
    recipe: str
    rows: int
    horizon: int = 1
    symbols: int = 1
    level: float
    null: tuple[Rate, ...] = ()
    moving: tuple[Rate, ...] = ()
    planted: tuple[Power, ...] = ()
    gates: tuple[Rate, ...] = ()
    tries: tuple[Rate, ...] = ()
    effort: tuple[str, ...] = ()
    made_on: str = ""
    code: str = ""

    @property
    def pooled(self) -> Rate:
        """False alarms over all families."""
        return Rate(name="all", n=sum(r.n for r in self.null), count=sum(r.count for r in self.null))

    @property
    def too_often(self) -> tuple[str, ...]:
        """Families on which it rang more often than the level allows, beyond chance."""
        found = too_often([(rate.count, rate.n) for rate in self.null], self.level)
        return tuple(rate.name for rate, bad in zip(self.null, found, strict=True) if bad)

    def text(self) -> str:
        """Return it as one clause, for people.

        >>> null = Rate(name="GARCH", n=400, count=3)
        >>> found = Power(signal="volume", r2=0.01, n=100, count=38, oracle=99)
        >>> rates = ErrorRates(model="ridge", recipe="default", rows=1764, level=0.01, null=(null,),
        ...     planted=(found,))
        >>> rates.text()
        'rang on 3 of 400 no-skill markets (0.2% to 2.2%); found R2 1% in 38 of 100 (1764 days)'
        """
        parts = []
        if self.null:
            parts.append(f"rang on {self.pooled.text().replace(' (', ' no-skill markets (', 1)}")
        by_r2: dict[float, tuple[int, int]] = {}
        for one in self.planted:
            count, n = by_r2.get(one.r2, (0, 0))
            by_r2[one.r2] = (count + one.count, n + one.n)
        found = [f"R2 {100 * r2:g}% in {count} of {n}" for r2, (count, n) in sorted(by_r2.items())]
        if found:
            parts.append(f"found {', '.join(found)}")
        lighter = "".join(f", {text}" for text in self.effort)
        told = f"{'; '.join(parts)} ({self.rows} days{lighter})"
        bad = self.too_often
        return told if not bad else f"{told}; too often on {', '.join(bad)}"


def error_rates(
    model: str,
    recipe: str,
    rows: int,
    horizon: int = 1,
    *,
    symbols: int = 1,
    folder: Path = SHIPPED,
) -> ErrorRates | None:
    """Return what was measured for these settings; None where nothing was.

    These settings are the same model, recipe, horizon and number of symbols, over a number of scored days
    that is at most 1.5 times as large or as small; of several the nearest. Ask only for a run whose settings
    are the recipe's. What was lighter in measuring, such as fewer fits, is said in the text.

    Parameters
    ----------
    rows : int
        Scored days.
    folder : Path
        Of the tables; by default those that the package carries.

    Raises
    ------
    DataError
        A table is damaged.
    """
    asked = (model, recipe, horizon, symbols)
    near = [
        (abs(math.log(one.rows / rows)), bool(one.effort), one)
        for one in tables(folder)
        if (one.model, one.recipe, one.horizon, one.symbols) == asked and rows > 0
    ]
    distance, _, nearest = min(near, key=lambda found: found[:2], default=(math.inf, False, None))
    return nearest if distance <= math.log(NEAR) else None


@cache
def tables(folder: Path = SHIPPED) -> tuple[ErrorRates, ...]:
    """Return all tables of a folder.

    Raises
    ------
    DataError
        One is damaged.
    """
    return tuple(_read(folder))


def _read(folder: Path) -> Iterator[ErrorRates]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield from fitted(parsed(path.read_bytes()), tuple[ErrorRates, ...])
        except (OSError, Misfit) as error:
            raise DataError(f"{path}: {error}; remove it, or make it again with geiger calibrate") from None


def write_tables(path: Path, found: Iterable[ErrorRates]) -> None:
    """Write tables as one file."""
    write_atomically(path, (json.dumps(plain(tuple(found)), indent=1) + "\n").encode())
    tables.cache_clear()


def rates_tables(folder: Path = SHIPPED) -> str:
    """Return all tables of a folder as Markdown, for the page of the calibration."""
    return "".join(_markdown(one) for one in tables(folder))


def _markdown(one: ErrorRates) -> str:
    lighter = "".join(f", {text}" for text in one.effort)
    head = f"### {one.model}, recipe `{one.recipe}`, {one.rows} days{lighter}\n\nMeasured on {one.made_on}. "
    parts = [f"{head}SIGNAL with nothing to find, all families: {one.pooled.text()}.\n"]
    for what, rates in (
        ("nothing to find: SIGNAL", one.null),
        ("something to find: SIGNAL", one.moving),
        ("gate of the plan: passed with nothing to find", one.gates),
        ("somebody who, with nothing to find, ...: SIGNAL", one.tries),
    ):
        if rates:
            rows = "".join(f"| {rate.name} | {rate.text()} |\n" for rate in rates)
            name, seen = what.rsplit(": ", 1)
            parts.append(f"| {name} | {seen} |\n|---|---|\n{rows}")
    if one.planted:
        heading = "| planted | found | by the signal itself |\n|---|---|---|\n"
        parts.append(heading + "".join(map(_power_row, one.planted)))
    return "\n".join(parts) + "\n"


def _power_row(power: Power) -> str:
    found = f"{power.count} of {power.n} | {power.oracle} of {power.n}"
    return f"| {power.signal}, R2 {100 * power.r2:g}% | {found} |\n"
