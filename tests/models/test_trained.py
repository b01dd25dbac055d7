"""Forecasts of plain rows by what was learned: scaled, from as many rows as the model looks back on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geiger.learning.windows import Block, Floats, Scaler
from geiger.models import average
from geiger.models.base import Predictor
from geiger.models.trained import Trained


@dataclass(frozen=True, kw_only=True)
class SumOfThree(Predictor):
    """Forecasts the sum of the one feature over a row and the two before."""

    def predict(self, block: Block) -> Floats:
        assert block.history is not None
        at = block.history.at(block.rows)
        return np.asarray(sum(block.history.x[at - back, 0] for back in range(3)))

    @property
    def reach(self) -> int:
        return 2


def trained() -> Trained:
    scaler = Scaler(center=np.array([1.0]), scale=np.array([2.0]), clip=5.0, target_mean=0.5, target_std=0.1)
    predictor = average([SumOfThree(fit_rows=np.arange(3))])
    return Trained(predictor=predictor, scaler=scaler, train_mean=0.5, train_std=0.1)


def test_a_forecast_is_in_the_unit_of_the_target() -> None:
    features = np.array([[1.0], [3.0], [5.0], [1.0], [-1.0]])  # scaled: 0, 1, 2, 0, -1
    found = trained().forecast(features, range(2, 5), np.zeros(5))
    np.testing.assert_allclose(found, [0.5 + 0.1 * 3, 0.5 + 0.1 * 3, 0.5 + 0.1 * 1])


def test_no_row_is_read_that_the_model_does_not_look_back_on_or_that_comes_later() -> None:
    features = np.arange(9.0)[:, None]
    changed = features.copy()
    changed[:3] = np.nan
    changed[7:] = np.nan
    rows = range(5, 7)
    one, two = (trained().forecast(x, rows, np.zeros(9)) for x in (features, changed))
    np.testing.assert_array_equal(one, two)
