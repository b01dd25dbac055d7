"""Arrays of one fold: features scaled by its train rows, the target standardised, sample weights.

Everything that is fitted here (centres, scales, the target's mean and deviation, weights) is made of the
fold's train rows and then frozen: valid and test rows pass through it and change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from geiger.errors import DataError, SettingError
from geiger.learning.folds import Fold
from geiger.settings import Weighting

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A column whose range on the train rows is smaller than this share of its size holds rounding, nothing else.
CONSTANT_RANGE = 1e-12


@dataclass(frozen=True)
class History:
    """Consecutive rows that end with the last row of a block: what a model with memory may look back on.

    Labels are not in it: a row's features are known at its close, its label later.

    Attributes
    ----------
    x : (m, F) float64
        Features in train standard deviations, clipped.
    first : int
        Row number of the first of them.
    last_return : (m,) float64, optional
        Each day's own log return, standardised like the target: what a residual head adds its change to.
    """

    x: Floats
    first: int
    last_return: Floats | None = None

    def at(self, rows: Ints) -> Ints:
        """Return where rows (n,), given by number, stand in `x`."""
        return rows - self.first


@dataclass(frozen=True)
class Block:
    """Rows a model reads: train, valid or test of one fold.

    Attributes
    ----------
    x : (n, F) float64
        Features in train standard deviations, clipped.
    y : (n,) float64
        Target in train standard deviations around the train mean; NaN where a test row's is unknown.
    weight : (n,) float64
        Sample weights with mean 1; all 1 outside train, so inner validation figures are never weighted.
    rows : (n,) int64
        Row numbers in the features and target the block was cut from, ascending.
    zero : float
        The value of `y` that stands for a return of exactly 0.
    target_std : float
        What one unit of `y` is in log return.
    weighting : Weighting
        The rule behind `weight`, which `join` applies again.
    history : History, optional
        All rows up to the block's last one; only models with memory need it.
    """

    x: Floats
    y: Floats
    weight: Floats
    rows: Ints
    zero: float = 0.0
    target_std: float = 1.0
    weighting: Weighting = field(default_factory=Weighting)
    history: History | None = None

    def take(self, rows: Ints) -> Block:
        """Return the given rows (n,), by number, of this block; its history stays."""
        if np.array_equal(self.rows, rows):
            return self
        at = np.searchsorted(self.rows, rows)
        if not np.array_equal(self.rows[np.minimum(at, len(self.rows) - 1)], rows):
            raise DataError("take: some of these rows are not in the block")
        return replace(self, x=self.x[at], y=self.y[at], weight=self.weight[at], rows=rows)


@dataclass(frozen=True)
class Scaler:
    """Centres and scales of one fold's train rows, frozen.

    Attributes
    ----------
    center, scale : (F,) float64
        Mean and standard deviation of each column; a scale of 0 marks a column that is constant on the
        train rows and therefore becomes exactly 0 everywhere.
    clip : float
        Largest absolute value after scaling.
    target_mean, target_std : float
        Of the train rows' target, in its own unit. A constant target has `target_std` 1.
    """

    center: Floats
    scale: Floats
    clip: float
    target_mean: float
    target_std: float

    @classmethod
    def fit(cls, features: Floats, target: Floats, *, clip: float = 5.0) -> Scaler:
        """Measure features (n, F) and target (n,) of train rows."""
        if not clip > 0.0:
            raise SettingError(f"clip must be greater than 0 (standard deviations), got {clip}")
        varies = _varies(features)
        return cls(
            center=features.mean(axis=0),
            scale=np.where(varies, features.std(axis=0), 0.0),
            clip=clip,
            target_mean=float(target.mean()),
            target_std=float(target.std()) if _varies(target) else 1.0,
        )

    @property
    def zero(self) -> float:
        """The standardised value of a zero target."""
        return -self.target_mean / self.target_std

    def transform(self, features: Floats) -> Floats:
        """Return features (n, F) in train standard deviations, clipped."""
        constant = self.scale == 0.0
        # Rows side by side in memory, as whoever reads rows wants them, whatever the features' own order is.
        scaled = np.subtract(features, self.center, out=np.empty(features.shape))
        scaled /= np.where(constant, 1.0, self.scale)
        scaled[:, constant] = 0.0
        return np.clip(scaled, -self.clip, self.clip, out=scaled)

    def standardise(self, target: Floats) -> Floats:
        """Return the target (n,) in train standard deviations around the train mean."""
        return (target - self.target_mean) / self.target_std

    def restore(self, forecast: Floats) -> Floats:
        """Return standardised forecasts (n,) in the target's own unit (log return).

        A forecast of `zero` comes back as exactly 0: rounding must not turn "no return" into a side.
        """
        return np.where(forecast == self.zero, 0.0, self.target_mean + self.target_std * forecast)


@dataclass(frozen=True)
class FoldArrays:
    """The three blocks of one fold and the scaler that made them."""

    train: Block
    valid: Block
    test: Block
    scaler: Scaler


def sample_weights(target: Floats, rows: Ints, weighting: Weighting) -> Floats:
    """Return one weight per row, mean 1, from the rows themselves alone.

    Parameters
    ----------
    target : (n,) float64
        Returns; only their signs are used.
    rows : (n,) int64
        Row numbers, ascending; the last is the newest.
    weighting : Weighting
        The rule.

    >>> Weighting(recency_half_life=1)
    Weighting(recency_half_life=1, balance_signs=False, cap=3.0)
    >>> sample_weights(np.zeros(3), np.arange(3), Weighting(recency_half_life=1)) * 7 / 3
    array([1., 2., 4.])
    """
    weight = np.ones(len(target))
    if weighting.recency_half_life is not None:
        weight = np.exp2((rows - rows[-1]) / weighting.recency_half_life)
    if weighting.balance_signs:
        weight = _balanced(weight, target)
    weight = _capped(weight, weighting.cap)
    return np.asarray(weight / weight.mean())


def fold_arrays(
    features: Floats,
    target: Floats,
    fold: Fold,
    *,
    clip: float = 5.0,
    weighting: Weighting | None = None,
    last_return: Floats | None = None,
) -> FoldArrays:
    """Cut one fold's blocks; whatever is fitted is fitted on its train rows.

    Parameters
    ----------
    features : (n, F) float64
        Row t is made of bars <= t only.
    target : (n,) float64
        Log return that a decision in row t can still earn. Test rows may be NaN.
    fold : Fold
        Row numbers of train, valid and test.
    clip : float
        Largest absolute feature value, in train standard deviations.
    weighting : Weighting, optional
        Sample weights of the train rows; without it all count alike.
    last_return : (n,) float64, optional
        Log return of day t itself, known at its close.

    Raises
    ------
    DataError
        If a feature of the fold, or a target of its train or valid rows, is missing or infinite.
    """
    weighting = Weighting() if weighting is None else weighting
    if features.ndim != 2 or target.shape != features.shape[:1]:
        raise DataError(
            f"features must be (n, F) and the target (n,), got {features.shape} and {target.shape}"
        )
    _require_finite_features(features, range(fold.train.start, fold.test.stop))
    for rows in (fold.train, fold.valid):
        _require_finite_target(target, rows)
    train = slice(fold.train.start, fold.train.stop)
    scaler = Scaler.fit(features[train], target[train], clip=clip)
    past = _history(features[: fold.test.stop], last_return, fold.train.start, scaler)
    blocks = [_block(past, target, rows, scaler) for rows in (fold.train, fold.valid, fold.test)]
    weight = sample_weights(target[train], blocks[0].rows, weighting)
    return FoldArrays(replace(blocks[0], weight=weight, weighting=weighting), blocks[1], blocks[2], scaler)


def block_of(features: Floats, rows: range, scaler: Scaler, last_return: Floats | None = None) -> Block:
    """Return rows to forecast, with all rows before them as history, through a scaler fitted elsewhere.

    Parameters
    ----------
    features : (n, F) float64
        Row t is made of bars <= t only.
    rows : range
        Row numbers to forecast; their labels are not known.
    """
    _require_finite_features(features, rows)
    past = _history(features[: rows.stop], last_return, rows.start, scaler)
    return _block(past, np.full(len(features), np.nan), rows, scaler)


def join(train: Block, valid: Block) -> Block:
    """Return the rows of both blocks as one, for a final fit; the weighting rule is applied to all of them.

    The rows of the gap between them stay out: their labels overlap the first rows of `valid`.
    """
    y = np.concatenate([train.y, valid.y])
    rows = np.concatenate([train.rows, valid.rows])
    return replace(
        train,
        x=np.concatenate([train.x, valid.x]),
        y=y,
        weight=sample_weights(y - train.zero, rows, train.weighting),
        rows=rows,
        history=valid.history,
    )


def _history(features: Floats, last_return: Floats | None, train_start: int, scaler: Scaler) -> History:
    """Scale all rows that are complete, once; blocks are views of them."""
    complete = np.isfinite(features[:train_start]).all(axis=1)
    broken = np.flatnonzero(~complete)
    first = int(broken[-1]) + 1 if broken.size else 0
    returns = None if last_return is None else scaler.standardise(last_return[first : len(features)])
    return History(scaler.transform(features[first:]), first, returns)


def _block(past: History, target: Floats, rows: range, scaler: Scaler) -> Block:
    stop = rows.stop - past.first
    known = None if past.last_return is None else past.last_return[:stop]
    return Block(
        x=past.x[rows.start - past.first : stop],
        y=scaler.standardise(target[rows.start : rows.stop]),
        weight=np.ones(len(rows)),
        rows=np.arange(rows.start, rows.stop, dtype=np.int64),
        zero=scaler.zero,
        target_std=scaler.target_std,
        history=History(past.x[:stop], past.first, known),
    )


def _varies(values: Floats) -> NDArray[np.bool_]:
    high, low = values.max(axis=0), values.min(axis=0)
    return np.asarray(high - low > CONSTANT_RANGE * np.maximum(np.abs(high), np.abs(low)))


def _balanced(weight: Floats, target: Floats) -> Floats:
    up, down = target > 0.0, target < 0.0
    if not (up.any() and down.any()):
        return weight
    half = (weight[up].sum() + weight[down].sum()) / 2.0
    balanced = weight.copy()
    balanced[up] *= half / weight[up].sum()
    balanced[down] *= half / weight[down].sum()
    return balanced


def _capped(weight: Floats, cap: float) -> Floats:
    """Lower the largest weights to the one level that is `cap` times the mean of the result."""
    n = len(weight)
    heaviest = np.sort(weight)[::-1]
    # With the k heaviest at the level c: c = cap * (k * c + sum of the others) / n.
    k = np.arange(min(n, int(np.ceil(n / cap))))
    others = heaviest[::-1].cumsum()[::-1][: len(k)]
    level = cap * others / (n - cap * k)
    return np.asarray(np.minimum(weight, level[np.argmax(heaviest[: len(k)] <= level)]))


def _require_finite_features(features: Floats, rows: range) -> None:
    bad = ~np.isfinite(features[rows.start : rows.stop])
    if bad.any():
        row, column = np.unravel_index(int(bad.argmax()), bad.shape)
        raise DataError(
            f"feature column {column} has no finite value in row {rows.start + int(row)}; "
            "folds must start after the features' warm-up"
        )


def _require_finite_target(target: Floats, rows: range) -> None:
    bad = ~np.isfinite(target[rows.start : rows.stop])
    if bad.any():
        raise DataError(
            f"target has no finite value in row {rows.start + int(bad.argmax())}; "
            "train and validation rows need a known label"
        )
