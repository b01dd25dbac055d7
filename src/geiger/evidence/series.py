"""Whether two series of daily returns are the same prices, whatever they are called and however scaled.

Two series are the same where their returns on at least 60 common days correlate by .999, or by -.999 (a rate
of exchange and its inverse: a forecast of one is a forecast of the other). The correlation counts over all
common days, or as the median over blocks of 60 days, each without the two days that differ most: raw and
adjusted prices differ on the days of splits and dividends alone, and a series of log prices has the same
returns at a scale that drifts. Flat series have no correlation: they are the same where both stand still.

What is not the same by this rule: two classes of one company's shares and two funds on one index, where
they differ day by day as most do; prices in another currency, whose rate adds returns of its own; prices with
noise added to every day that is more than a twentieth of a day's move; closes of another hour. Under one and
the same symbol .95 is enough, so that another vendor's prices, or such noise, begin no new count.

A panel is known by the returns of its symbols held alike, and two panels are the same from .95 on: leaving
out up to half of 28 US stocks, or exchanging a quarter, makes no new count, and two halves are two panels.

A series is first compared by the signs of its returns, 64 days a word: of the same prices at most a few in a
hundred differ. Only what agrees there is compared exactly, so thousands of known series cost milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.evidence.day_files import DayValues

SAME = 0.999
FEWEST = 60  # common days
SAME_NAME = 0.95  # of one symbol: the same prices by another vendor, or with noise added
SAME_PANEL = 0.95  # of two panels, whatever they are called
_SPARED = 2  # days of a block that may differ: a split, a dividend
SIGNS = 0.9  # share of common days whose signs agree; at a correlation of .999 about .986 do
PANEL_SIGNS = 0.8  # of panels; at .95 about .9 do
_WORD = 64  # days in a word

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]


def daily_returns(prices: pl.DataFrame) -> DayValues:
    """Return the daily log returns of ``day`` and ``close``; that of day t is known at its close."""
    close = prices["close"].to_numpy()
    return DayValues.of(prices["day"][1:], np.diff(np.log(close)))


def likeness(a: DayValues, b: DayValues) -> float | None:
    """Return the correlation that decides whether two series are the same; None below 60 common days.

    It is signed: near -1 one series is the inverse of the other.
    """
    _, left, right = np.intersect1d(a.day, b.day, assume_unique=True, return_indices=True)
    n = len(left)
    if n < FEWEST:
        return None
    x, y = a.value[left].astype(np.float64), b.value[right].astype(np.float64)
    blocks = n // FEWEST
    width = n // blocks
    shape = blocks, width
    by_block = _without_the_oddest(x[: blocks * width].reshape(shape), y[: blocks * width].reshape(shape))
    whole = float(_correlation(x[None, :], y[None, :])[0])
    return max(whole, float(np.median(by_block)), key=abs)


def same(a: DayValues, b: DayValues, least: float = SAME) -> bool:
    """Whether two series are the same prices; see the top of this module."""
    found = likeness(a, b)
    return found is not None and abs(found) >= least


def _without_the_oddest(x: Floats, y: Floats) -> Floats:
    """Return the correlation of each block (k,), without the days on which x and y (k, w) differ most."""
    turn = np.where(np.sum(np.sign(x) * np.sign(y), axis=1, keepdims=True) < 0, -1.0, 1.0)
    apart = np.abs(x / _scale(x) - turn * y / _scale(y))
    kept = np.argpartition(apart, -_SPARED, axis=1)[:, :-_SPARED]
    return _correlation(np.take_along_axis(x, kept, axis=1), np.take_along_axis(y, kept, axis=1))


def _scale(x: Floats) -> Floats:
    """Return a size of a block's returns (k, 1) that one odd day does not move; 1 where all are 0."""
    middle = np.median(np.abs(x), axis=1, keepdims=True)
    square = np.sqrt(np.mean(x**2, axis=1, keepdims=True))
    found = np.where(middle > 0, middle, square)
    return np.where(found > 0, found, 1.0)


def _correlation(x: Floats, y: Floats) -> Floats:
    """Return the correlation along the last axis; of two flat rows 1, of one flat row 0."""
    x, y = (v - v.mean(axis=1, keepdims=True) for v in (x, y))
    # float32 returns of a flat price differ by rounding alone: that is no spread.
    x, y = (np.where(np.abs(v).max(axis=1, keepdims=True) > 1e-9, v, 0.0) for v in (x, y))
    square = np.sum(x**2, axis=1) * np.sum(y**2, axis=1)
    both_flat = (np.abs(x).max(axis=1) == 0) & (np.abs(y).max(axis=1) == 0)
    found = np.sum(x * y, axis=1) / np.sqrt(np.where(square > 0, square, 1.0))
    return np.where(both_flat, 1.0, found)


@dataclass(frozen=True, eq=False)
class Signs:
    """The signs of a series.

    Attributes
    ----------
    start : int
        The first word's days begin at 64 times this, counted from 1970-01-01.
    words : array (3, w)
        One bit a day: returns above 0, below 0, and all that there are.
    """

    start: int
    words: Words

    @classmethod
    def of(cls, values: DayValues) -> Signs:
        """Return the signs of a series that has at least one day."""
        day = values.day.astype(np.int64)
        start = int(day[0] // _WORD)
        words = np.zeros((3, int(day[-1] // _WORD) - start + 1), dtype=np.uint64)
        bit = np.left_shift(np.uint64(1), (day % _WORD).astype(np.uint64))
        for row, chosen in enumerate((values.value > 0, values.value < 0, np.ones(len(day), dtype=bool))):
            np.bitwise_or.at(words[row], (day[chosen] // _WORD) - start, bit[chosen])
        return cls(start, words)


def agreeing(one: Signs, others: Sequence[Signs], share: float = SIGNS) -> list[int]:
    """Return which of the others may be the same series as one, by the share of days: places in `others`."""
    width = one.words.shape[1]
    table = np.zeros((len(others), 3, width), dtype=np.uint64)
    for row, other in zip(table, others, strict=True):
        first, last = max(one.start, other.start), min(one.start + width, other.start + other.words.shape[1])
        if first < last:
            row[:, first - one.start : last - one.start] = other.words[
                :, first - other.start : last - other.start
            ]
    up, down, there = one.words
    both = table[:, 2] & there
    flat = both & ~(up | down) & ~(table[:, 0] | table[:, 1])
    days = _bits(both)
    alike = _bits((table[:, 0] & up) | (table[:, 1] & down) | flat)
    turned = _bits((table[:, 0] & down) | (table[:, 1] & up) | flat)
    fits = (days >= FEWEST) & (np.maximum(alike, turned) >= share * days)
    return [int(place) for place in np.flatnonzero(fits)]


def _bits(words: Words) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return found
