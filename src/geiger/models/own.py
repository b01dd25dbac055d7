"""A user's own estimator as a forecaster."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from geiger.errors import SettingError, TrainingError
from geiger.learning.windows import Block, Floats, join
from geiger.models.base import Forecaster, Predictor, epoch_record
from geiger.models.state import State
from geiger.records import Notice


@dataclass(frozen=True, kw_only=True)
class OwnPredictor(Predictor):
    """Calls the fitted estimator and refuses forecasts that cannot be used."""

    estimator: Any

    def predict(self, block: Block) -> Floats:
        """Return one forecast (n,) per row."""
        return _checked(self.estimator.predict(block.x), len(block.x), self.estimator)

    def state(self) -> State:
        """Refuse: only pickle could hold any object, and reading a pickle runs code."""
        raise SettingError(
            f"a {type(self.estimator).__name__} cannot be saved: geiger keeps no object that only pickle "
            "could hold; save it by its own library, or fit it again"
        )


@dataclass(frozen=True)
class Own(Forecaster):
    """Adapter of an object with ``fit(X, y)`` and ``predict(X)``, as scikit-learn has them.

    Every fit works on a deep copy. A `random_state` parameter receives the seed; sample weights are handed on
    where `fit` takes them.
    """

    estimator: Any
    refit: bool = True
    threads: int = 1
    name: ClassVar[str] = "own"
    storable: ClassVar[bool] = False

    def fit(self, train: Block, valid: Block, *, seed: int) -> OwnPredictor:
        """Fit the train rows, describe the result on the valid rows, then fit both together."""
        first = self._fitted(train, seed)
        on_train, on_valid = (
            _checked(first.predict(block.x), len(block.x), first) for block in (train, valid)
        )
        block = join(train, valid) if self.refit else train
        return OwnPredictor(
            estimator=self._fitted(block, seed) if self.refit else first,
            fit_rows=block.rows,
            rounds=1,
            epochs=(epoch_record(1, on_train, on_valid, train, valid, best=True),),
            notices=self._notices(train),
        )

    def _fitted(self, block: Block, seed: int) -> Any:
        estimator = copy.deepcopy(self.estimator)
        if hasattr(estimator, "get_params") and "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        weights = {"sample_weight": block.weight} if _takes_weights(estimator) else {}
        try:
            estimator.fit(block.x, block.y, **weights)
        except Exception as error:
            raise TrainingError(
                f"{type(estimator).__name__}.fit failed on {block.x.shape} features: "
                f"{type(error).__name__}: {error}"
            ) from error
        return estimator

    def _notices(self, train: Block) -> tuple[Notice, ...]:
        if _takes_weights(self.estimator) or np.all(train.weight == 1.0):
            return ()
        name = type(self.estimator).__name__
        return (Notice("WEIGHTS_UNUSED", f"{name}.fit takes no sample_weight: all rows counted alike"),)


def wrap(estimator: Any, *, refit: bool = True) -> Own:
    """Return a forecaster around any object with ``fit(X, y)`` and ``predict(X)``.

    Parameters
    ----------
    estimator : object
        X is (n, F) scaled features, y (n,) the standardised target; `predict` returns (n,) numbers.
    refit : bool
        Fit train and inner validation rows together after the course of training is recorded.

    Raises
    ------
    SettingError
        If one of the two methods is missing.
    """
    for method in ("fit", "predict"):
        if not callable(getattr(estimator, method, None)):
            raise SettingError(
                f"{type(estimator).__name__} has no {method} method; wrap needs an object with "
                "fit(X, y) and predict(X)"
            )
    return Own(estimator, refit=refit)


def _takes_weights(estimator: Any) -> bool:
    return "sample_weight" in inspect.signature(estimator.fit).parameters


def _checked(forecast: Any, n: int, estimator: Any) -> Floats:
    values = np.asarray(forecast, dtype=np.float64)
    name = type(estimator).__name__
    if values.shape != (n,):
        raise TrainingError(f"{name}.predict must return shape ({n},) for {n} rows, got {values.shape}")
    if not np.isfinite(values).all():
        row = int((~np.isfinite(values)).argmax())
        raise TrainingError(f"{name}.predict returned {values[row]} for row {row}; forecasts must be finite")
    return values
