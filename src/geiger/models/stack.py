"""The meta-learner of a stack: non-negative weights for the forecasts of other models.

It is fitted on out-of-fold forecasts whose outcomes are known by then, and on nothing else: `MetaLearner.fit`
refuses any row that comes too early. What it learned is a handful of numbers (`Meta`).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geiger.blas import one_blas_thread
from geiger.errors import TrainingError
from geiger.learning.windows import Floats
from geiger.models.base import Learner
from geiger.records import TrainingSettings, Weighing
from geiger.settings import StackSettings
from geiger.settings.models import STACK

Days = NDArray[np.datetime64]
FEW_ROWS = 20  # with fewer there is nothing to weigh by
MANY_MODELS = 12  # the sets of more would take long to try


@dataclass(frozen=True)
class Meta:
    """Weights of the base models, and the units they stand in.

    Attributes
    ----------
    models : tuple of str
        The base models, in the order of the columns.
    center, scale : (m,) float64
        What is taken from each model's forecast, and what it is divided by. A scale of 0 marks a forecast
        that did not vary: it counts as 0.
    weights : (m,) float64
        Not negative. In target standard deviations for a forecast one of its own above its mean
        (``standardised``), or in units of the forecast itself (``simplex``, ``equal``).
    target_mean, target_std : float
        What a weighted sum of 0 stands for, and its unit, in log return.
    """

    models: tuple[str, ...]
    center: Floats
    scale: Floats
    weights: Floats
    target_mean: float
    target_std: float

    @property
    def empty(self) -> bool:
        """Whether no model has any weight: the forecast is then `target_mean` every day."""
        return not self.weights.any()

    def predict(self, forecasts: Floats) -> Floats:
        """Return one forecast (n,), log return, for each row of the models' forecasts (n, m)."""
        used = self.scale > 0.0
        z = np.divide(forecasts - self.center, self.scale, out=np.zeros(forecasts.shape), where=used)
        # Summed row by row: a matrix product's last bits depend on how many rows it is given.
        return np.asarray(self.target_mean + self.target_std * (z * self.weights).sum(axis=1))


@dataclass(frozen=True)
class MetaLearner(Learner):
    """How the weights are found; it reads how to weigh from the settings of the stack."""

    settings: StackSettings = field(default_factory=StackSettings)
    threads: int = 1
    name: ClassVar[str] = STACK

    def described(self) -> TrainingSettings:
        """Return what shapes the weights, for the log."""
        made = self.settings
        if made.meta != "elastic_net":
            return TrainingSettings(weighing=Weighing(made.meta, made.units if made.meta == "nnls" else None))
        alpha = made.alpha if made.alpha_share is None else None
        return TrainingSettings(
            weighing=Weighing(made.meta, made.units, alpha, made.alpha_share, made.l1_ratio)
        )

    def fit(
        self,
        models: Sequence[str],
        forecasts: Floats,
        outcome: Floats,
        *,
        known_on: Days,
        decided_on: np.datetime64,
    ) -> Meta:
        """Find the weights.

        Parameters
        ----------
        models : sequence of str
            Names of the columns.
        forecasts : (n, m) float64
            Out-of-fold forecasts, log return. No number may be missing.
        outcome : (n,) float64
            What came of them, log return.
        known_on : (n,) datetime64[D]
            Day on which each outcome became known.
        decided_on : datetime64[D]
            Day of the first decision that these weights are for.

        Raises
        ------
        TrainingError
            If an outcome was not known by then, a number is missing, or there are too few rows.
        """
        _require_known(known_on, decided_on)
        forecasts, outcome = np.asarray(forecasts, np.float64), np.asarray(outcome, np.float64)
        n, m = forecasts.shape
        if outcome.shape != (n,) or len(models) != m or not m:
            raise TrainingError(f"stack: {m} columns for {len(models)} models, {outcome.shape} outcomes")
        if not (np.isfinite(forecasts).all() and np.isfinite(outcome).all()):
            raise TrainingError("stack: a forecast or outcome is missing; only complete rows can be weighed")
        if m > MANY_MODELS:
            raise TrainingError(f"stack: at most {MANY_MODELS} models can be weighed, got {m}")
        if n < FEW_ROWS:
            raise TrainingError(f"stack: {n} rows are too few to weigh {m} models by; at least {FEW_ROWS}")
        if self.settings.meta in ("equal", "simplex"):
            # Forecasts of one quantity in one unit: a mean of them is one, too.
            weights = np.full(m, 1.0 / m) if self.settings.meta == "equal" else _simplex(forecasts, outcome)
            return Meta(tuple(models), np.zeros(m), np.ones(m), weights, 0.0, 1.0)
        center, spread = forecasts.mean(axis=0), forecasts.std(axis=0)
        # What is left of a constant after rounding is no variation.
        spread = np.where(spread > 1e-9 * np.abs(center) + 1e-300, spread, 0.0)
        mean, std = float(outcome.mean()), float(outcome.std())
        if self.settings.units == "raw":
            spread, std = np.where(spread > 0.0, 1.0, 0.0), 1.0
        if not std > 0.0:
            return Meta(tuple(models), center, spread, np.zeros(m), mean, 0.0)
        z = np.divide(forecasts - center, spread, out=np.zeros((n, m)), where=spread > 0.0)
        y = (outcome - mean) / std
        weights = _nnls(z, y) if self.settings.meta == "nnls" else self._elastic_net(z, y)
        return Meta(tuple(models), center, spread, weights, mean, std)

    @one_blas_thread()
    def _elastic_net(self, z: Floats, y: Floats) -> Floats:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import ElasticNet

        alpha = self.settings.alpha
        if self.settings.alpha_share is not None:
            alpha = self.settings.alpha_share * float((z.T @ y).max()) / len(y) / self.settings.l1_ratio
            if alpha <= 0.0:  # no forecast moves with the outcome
                return np.zeros(z.shape[1])
        net = ElasticNet(
            alpha=alpha,
            l1_ratio=self.settings.l1_ratio,
            positive=True,
            max_iter=self.settings.max_iter,
            fit_intercept=False,
        )
        with warnings.catch_warnings(), one_blas_thread():
            warnings.simplefilter("ignore", ConvergenceWarning)  # forecasts that are alike share a weight
            net.fit(z, y)
        return np.asarray(net.coef_, np.float64)


def _require_known(known_on: Days, decided_on: np.datetime64) -> None:
    late = np.flatnonzero(~(known_on <= decided_on))  # a missing day is never known
    if late.size:
        raise TrainingError(
            f"stack: an outcome known on {known_on[late[0]]} cannot weigh forecasts decided on {decided_on}; "
            "this must never happen: please report it"
        )


def _nnls(z: Floats, y: Floats) -> Floats:
    from scipy.optimize import nnls

    with one_blas_thread():
        return np.asarray(nnls(z, y)[0], np.float64)


@one_blas_thread()
def _simplex(forecasts: Floats, outcome: Floats) -> Floats:
    """Return the weights (m,) >= 0, of sum 1, with the least squared error.

    The problem is convex, so the best set of models is one whose own solution has no negative weight. There
    are so few sets that each can be solved.
    """
    unit = float(outcome.std()) or 1.0
    p, y = forecasts / unit, outcome / unit
    gram, moment = p.T @ p / len(y), p.T @ y / len(y)
    m = len(moment)
    best, least = np.full(m, 1.0 / m), np.inf
    for number in range(1, 2**m):
        chosen = np.flatnonzero([number >> i & 1 for i in range(m)])
        weights = np.zeros(m)
        weights[chosen] = _sum_to_one(gram[np.ix_(chosen, chosen)], moment[chosen])
        error = float(weights @ gram @ weights - 2.0 * weights @ moment)
        if weights.min() >= 0.0 and error < least - 1e-15:
            best, least = weights, error
    return best


def _sum_to_one(gram: Floats, moment: Floats) -> Floats:
    """Return the weights (k,) of sum 1 that minimise w'Gw - 2w'c, of any sign."""
    k = len(moment)
    system = np.ones((k + 1, k + 1))
    system[:k, :k], system[k, k] = gram, 0.0
    solution = np.linalg.lstsq(system, np.append(moment, 1.0), rcond=None)[0]
    return np.asarray(solution[:k])
