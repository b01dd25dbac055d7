"""The models every other one has to beat: zero, the running mean, ridge regression."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from geiger.learning.windows import Block, Floats, join
from geiger.models.base import (
    COMMON_FACTS,
    Forecaster,
    Predictor,
    common_state,
    epoch_record,
    restore_common,
    shares,
)
from geiger.models.state import State
from geiger.settings import NoSettings, RidgeSettings


@dataclass(frozen=True, kw_only=True)
class Linear(Predictor):
    """Forecasts intercept + x . coefficients."""

    intercept: float
    coefficients: Floats  # (F,) standardised target units per feature standard deviation

    def predict(self, block: Block) -> Floats:
        """Return one forecast (n,) per row."""
        return self.on(block.x)

    def on(self, x: Floats) -> Floats:
        """Return one forecast (n,) per row of x (n, F)."""
        # Summed row by row: a matrix product's last bits depend on how many rows it is given.
        products = np.ascontiguousarray(x) * self.coefficients
        return np.asarray(self.intercept + products.sum(axis=1))

    def state(self) -> State:
        """Return intercept and coefficients."""
        facts, arrays = common_state(self, len(self.coefficients))
        return State(
            "linear",
            facts | {"intercept": float(self.intercept)},
            arrays | {"coefficients": self.coefficients},
        )


def restore_linear(state: State) -> Linear:
    """Return the model behind a saved state.

    Raises
    ------
    DataError
        If a value is missing, of another type or shape, or infinite.
    """
    state.require(
        "linear",
        facts=(*COMMON_FACTS, "intercept"),
        arrays=("fit_rows", "coefficients"),
        optional=("importances",),
    )
    common = restore_common(state)
    return Linear(
        intercept=state.number("intercept"),
        coefficients=state.floats("coefficients", (state.whole("features"),)),
        **common,
    )


@dataclass(frozen=True)
class Zero(Forecaster):
    """Forecasts a return of exactly 0."""

    settings: NoSettings = field(default_factory=NoSettings)
    threads: int = 1
    name: ClassVar[str] = "zero"

    def fit(self, train: Block, valid: Block, *, seed: int) -> Linear:
        """Learn nothing."""
        return _constant(train, train.zero)


@dataclass(frozen=True)
class RunningMean(Forecaster):
    """Forecasts the mean return of the fold's train rows."""

    settings: NoSettings = field(default_factory=NoSettings)
    threads: int = 1
    name: ClassVar[str] = "mean"

    def fit(self, train: Block, valid: Block, *, seed: int) -> Linear:
        """Learn the mean, which is 0 in units of the standardised target."""
        return _constant(train, 0.0)


@dataclass(frozen=True)
class Ridge(Forecaster):
    """Least squares with an L2 penalty chosen on the inner validation rows (Hoerl and Kennard 1970).

    Minimises sum(weight * (y - intercept - x . b)^2) + alpha * sum(b^2); the intercept is not penalised.
    """

    settings: RidgeSettings = field(default_factory=RidgeSettings)
    threads: int = 1
    name: ClassVar[str] = "ridge"

    def fit(self, train: Block, valid: Block, *, seed: int) -> Linear:
        """Solve for every alpha, keep the one with the least inner validation error, refit."""
        alphas = self.settings.alphas
        path = ridge_path(train, alphas)
        # One product for all penalties: these forecasts are compared and described, and not handed on.
        lines = np.column_stack([model.coefficients for model in path])
        levels = [model.intercept for model in path]
        on_train, on_valid = ((block.x @ lines + levels).T for block in (train, valid))
        records = [
            epoch_record(i, *forecasts, train, valid)
            for i, forecasts in enumerate(zip(on_train, on_valid, strict=True), start=1)
        ]
        # Equally good penalties: the strongest, that is the simplest model.
        best = min(reversed(records), key=lambda record: record.val_loss).epoch
        final = path[best - 1]
        if self.settings.refit:
            final = ridge(join(train, valid), alphas[best - 1])
        return replace(
            final,
            rounds=best,
            epochs=tuple(replace(record, best=record.epoch == best) for record in records),
            importances=shares(np.abs(final.coefficients)),
            importance_kind="absolute coefficient",
        )


def ridge_path(block: Block, alphas: tuple[float, ...]) -> list[Linear]:
    """Return the ridge solution of each alpha, from one eigendecomposition."""
    total = block.weight.sum()
    center = block.weight @ block.x / total
    level = float(block.weight @ block.y / total)
    x = block.x - center
    weighted = block.weight[:, None] * x
    eigenvalues, vectors = np.linalg.eigh(x.T @ weighted)
    projected = vectors.T @ (weighted.T @ (block.y - level))
    path = []
    for alpha in alphas:
        coefficients = vectors @ (projected / (np.maximum(eigenvalues, 0.0) + alpha))
        path.append(
            Linear(
                fit_rows=block.rows,
                intercept=level - float(center @ coefficients),
                coefficients=coefficients,
            )
        )
    return path


def ridge(block: Block, alpha: float) -> Linear:
    """Return the ridge solution of one alpha, which needs no eigendecomposition."""
    total = block.weight.sum()
    center = block.weight @ block.x / total
    level = float(block.weight @ block.y / total)
    root = np.sqrt(block.weight)
    x = block.x - center
    x *= root[:, None]
    gram = x.T @ x  # of one array with itself: half the work
    gram[np.diag_indices_from(gram)] += alpha
    coefficients = np.linalg.solve(gram, x.T @ (root * (block.y - level)))
    return Linear(
        fit_rows=block.rows,
        intercept=level - float(center @ coefficients),
        coefficients=coefficients,
    )


def _constant(train: Block, level: float) -> Linear:
    return Linear(fit_rows=train.rows, intercept=level, coefficients=np.zeros(train.x.shape[1]))
