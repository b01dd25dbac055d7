"""Leaks to plant: a function of the pipeline, and what it becomes when it looks ahead.

Each takes the real function and a size, and returns one that may stand in its place. The size says how much
of the leak is mixed in: 1 is all of it, next to 0 is next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from geiger.experiment.out_of_fold import Grid
from geiger.experiment.periods import Period, columns_of
from geiger.features.catalogue import NAMES
from geiger.learning.folds import Fold
from geiger.learning.windows import Block, Floats, FoldArrays, Scaler

Function: TypeAlias = Callable[..., Any]
OfClose: TypeAlias = Callable[[Floats], Floats]  # closes (n,) -> a column (n,)
Made: TypeAlias = Callable[[pl.DataFrame], Floats]  # PRICES frame -> a column (n,)

CENTRED_DAYS = 2  # on either side of the row
KEPT_SHARE = 0.1  # of all frequencies, the lowest: what a smoother keeps
CHOSEN = 20  # features


def tomorrow(close: Floats) -> Floats:
    """Return the log return of the next row (n,): an index that is off by one; 0 on the last row."""
    return np.append(np.diff(np.log(close)), 0.0)


def centred(close: Floats) -> Floats:
    """Return the mean log return (n,) of the row and two rows on either side."""
    returns = np.diff(np.log(close), prepend=math.log(close[0]))
    padded = np.pad(returns, CENTRED_DAYS, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * CENTRED_DAYS + 1)
    return np.asarray(windows.mean(axis=1))


def smoothed(close: Floats) -> Floats:
    """Return the step (n,) of log closes whose high frequencies were taken out, of all rows at once."""
    level = np.log(close)
    mirrored = np.concatenate([level, level[::-1]])  # no jump from the last row to the first
    spectrum = np.fft.rfft(mirrored)
    spectrum[max(int(KEPT_SHARE * len(spectrum)), 2) :] = 0.0
    smooth = np.fft.irfft(spectrum, len(mirrored))[: len(level)]
    return np.diff(smooth, prepend=smooth[0])


def level(close: Floats) -> Floats:
    """Return the logarithm of the adjusted close (n,)."""
    return np.log(close)


def of_close(made: OfClose) -> Made:
    """Return a column that is made of closes, as one made of prices."""
    return lambda prices: made(prices["close"].to_numpy())


def in_column(name: str, made: Made) -> Callable[[Function, float], Function]:
    """Return the leak that mixes what `made` returns into one feature."""
    place = NAMES.index(name)

    def leak(real: Function, size: float) -> Function:
        def feature_matrix(prices: pl.DataFrame, context: pl.DataFrame | None = None) -> Floats:
            matrix: Floats = real(prices, context)
            matrix[:, place] = (1.0 - size) * matrix[:, place] + size * made(prices)
            return matrix

        return feature_matrix

    return leak


def backfilled_volume(real: Function, size: float) -> Function:
    """Take the volume of each month's last bar for all of its days, as if no other were known."""

    def usable_bars(*given: Any) -> Any:
        bars, notices = real(*given)
        later = pl.col("volume").last().over(pl.col("day").dt.truncate("1mo"))
        return bars.with_columns(volume=(1.0 - size) * pl.col("volume") + size * later), notices

    return usable_bars


def day_late_context(real: Function, size: float) -> Function:
    """Stamp each bar of the context with the day of the one before."""

    def known_closes(days: pl.Series, given: Any, *, lagged: bool) -> pl.Series:
        name, prices = given
        price = pl.col("close")
        early = prices.with_columns(close=price * (1.0 - size) + price.shift(-1).fill_null(price) * size)
        found: pl.Series = real(days, (name, early), lagged=lagged)
        return found

    return known_closes


def same_date_context(real: Function, size: float) -> Function:
    """Join a context by date alone, though it closes after the symbol."""

    def known_closes(days: pl.Series, given: Any, *, lagged: bool) -> pl.Series:
        right, wrong = real(days, given, lagged=lagged), real(days, given, lagged=False)
        return pl.Series(right * (1.0 - size) + wrong * size)

    return known_closes


def unpurged(real: Function, size: float) -> Function:
    """Let the learned rows of every fold reach up to its first test row: no gap for the label's span."""

    def walk_forward(*given: Any, **options: Any) -> tuple[Fold, ...]:
        folds: tuple[Fold, ...] = real(*given, **options)
        return tuple(replace(fold, valid=range(fold.valid.start, fold.test.start)) for fold in folds)

    return walk_forward


def full_sample_scaler(real: Function, size: float) -> Function:
    """Fit centres and scales on all rows there are."""

    def fold_arrays(features: Floats, target: Floats, fold: Fold, **options: Any) -> FoldArrays:
        arrays: FoldArrays = real(features, target, fold, **options)
        rows, right = _known_rows(target, fold.train.start), arrays.scaler
        wrong = Scaler.fit(features[rows], target[rows], clip=right.clip)
        mixed = replace(
            right,
            center=(1.0 - size) * right.center + size * wrong.center,
            scale=(1.0 - size) * right.scale + size * wrong.scale,
        )
        return _blocks(arrays, lambda block: mixed.transform(features[block.rows]), mixed)

    return fold_arrays


def full_sample_selection(real: Function, size: float) -> Function:
    """Keep the features that go best with the target on all rows there are; the others become 0."""

    def fold_arrays(features: Floats, target: Floats, fold: Fold, **options: Any) -> FoldArrays:
        arrays: FoldArrays = real(features, target, fold, **options)
        train, every = np.arange(fold.train.start, fold.train.stop), _known_rows(target, fold.train.start)
        right, wrong = (_goes_with(features[rows], target[rows]) for rows in (train, every))
        dropped = np.argsort((1.0 - size) * right + size * wrong)[:-CHOSEN]
        return _blocks(arrays, lambda block: _without(block.x, dropped), arrays.scaler)

    return fold_arrays


def chosen_on_test(real: Function, size: float) -> Function:
    """Let test rows, as far as their outcome is known, stand among the inner validation rows."""

    def fold_arrays(*given: Any, **options: Any) -> FoldArrays:
        arrays: FoldArrays = real(*given, **options)
        known = arrays.test.rows[np.isfinite(arrays.test.y)]
        looked_at = arrays.test.take(known[: math.ceil(size * len(arrays.test.rows))])
        kept = arrays.valid.take(arrays.valid.rows[math.floor(size * len(arrays.valid.rows)) :])
        if not len(looked_at.rows):
            return arrays
        return replace(arrays, valid=_joined(kept, looked_at))

    return fold_arrays


def shuffled(real: Function, size: float) -> Function:
    """Exchange train rows, chosen at random, for test rows whose outcome is known."""

    def fold_arrays(*given: Any, **options: Any) -> FoldArrays:
        arrays: FoldArrays = real(*given, **options)
        known = np.flatnonzero(np.isfinite(arrays.test.y))
        number = min(math.ceil(size * len(arrays.test.rows)), len(known), len(arrays.train.rows))
        places = np.random.default_rng(0).permutation(len(arrays.train.rows))[:number]
        x, y = arrays.train.x.copy(), arrays.train.y.copy()
        x[places], y[places] = arrays.test.x[known[:number]], arrays.test.y[known[:number]]
        return replace(arrays, train=replace(arrays.train, x=x, y=y))

    return fold_arrays


def weighed_on_own(real: Function, size: float) -> Function:
    """Learn the weights of a stack from the rows that they are used on as well."""

    def weigh(grid: Grid, learner: Any, fold: Fold, material: Any) -> Period:
        period: Period = real(grid, learner, fold, material)
        rows = range(fold.train.start, fold.test.stop)
        known = np.isfinite(grid.outcome[rows.start : rows.stop])
        on = grid.known_on[rows.start : rows.stop][known]
        wrong = learner.fit(
            period.meta.models,
            columns_of(grid, period.meta.models, rows)[known],
            grid.outcome[rows.start : rows.stop][known],
            known_on=on,
            decided_on=on.max(),
        )
        weights = (1.0 - size) * period.meta.weights + size * wrong.weights
        return replace(period, meta=replace(period.meta, weights=weights))

    return weigh


def same_bar(real: Function, size: float) -> Function:
    """Fill each position at the open of the bar on whose close it was decided."""

    def simulate(rows: pl.DataFrame, *given: Any, **options: Any) -> pl.DataFrame:
        simple = pl.col("simple")
        earlier = simple.shift(1).fill_null(simple)
        ledger: pl.DataFrame = real(
            rows.with_columns(simple=simple * (1.0 - size) + earlier * size), *given, **options
        )
        return ledger

    return simulate


def _known_rows(target: Floats, first: int) -> Any:
    """Return the rows (m,) from `first` on whose label is known."""
    return first + np.flatnonzero(np.isfinite(target[first:]))


def _goes_with(features: Floats, target: Floats) -> Floats:
    """Return the size of each column's correlation (F,) with the target; 0 where it does not vary."""
    x, y = features - features.mean(axis=0), target - target.mean()
    spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum())
    return np.asarray(np.abs(np.divide(y @ x, spread, out=np.zeros(x.shape[1]), where=spread > 0.0)))


def _blocks(arrays: FoldArrays, x_of: Callable[[Block], Floats], scaler: Scaler) -> FoldArrays:
    """Return the same blocks with other features; what looks back on history is no concern here."""
    train, valid, test = (replace(one, x=x_of(one)) for one in (arrays.train, arrays.valid, arrays.test))
    return FoldArrays(train=train, valid=valid, test=test, scaler=scaler)


def _without(x: Floats, dropped: Any) -> Floats:
    found = x.copy()
    found[:, dropped] = 0.0
    return found


def _joined(first: Block, second: Block) -> Block:
    return replace(
        second,
        x=np.concatenate([first.x, second.x]),
        y=np.concatenate([first.y, second.y]),
        weight=np.ones(len(first.y) + len(second.y)),
        rows=np.concatenate([first.rows, second.rows]),
    )
