"""Walk your own model forward like ours: ``python examples/own_model.py``.

All it needs is ``fit(X, y)`` and ``predict(X)``. X holds the fold's features in train standard deviations, y
the target in train standard deviations around the train mean; both come from rows before the test block.
"""

from typing import Any

import numpy as np

import geiger


class MeanOfTheBest:
    """Averages the few features that correlated most with the target in training."""

    def __init__(self, features: int = 5) -> None:
        self.features = features

    def fit(self, x: Any, y: Any) -> None:
        """Pick the features and the slope of their mean."""
        correlation = np.nan_to_num(x.T @ y / len(y))
        self.best = np.argsort(-np.abs(correlation))[: self.features]
        self.signs = np.sign(correlation[self.best])
        score = x[:, self.best] @ self.signs
        self.slope = float(score @ y / (score @ score))

    def predict(self, x: Any) -> Any:
        """Return one forecast a row."""
        return self.slope * (x[:, self.best] @ self.signs)


run = geiger.run(geiger.Experiment("IBM", estimator=MeanOfTheBest(), config=geiger.recipe("quick")))
print(run.status, run.evaluation.health.code, run.log)
