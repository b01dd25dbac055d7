from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from geiger.errors import SettingError, TrainingError
from geiger.learning.folds import Fold
from geiger.learning.windows import Weighting, fold_arrays
from geiger.models import wrap

FOLD = Fold(0, range(0, 60), range(61, 80), range(81, 100))


def arrays(weighting=None):
    rng = np.random.default_rng(0)
    return fold_arrays(rng.normal(size=(100, 3)), rng.normal(size=100), FOLD, weighting=weighting)


class Constant:
    """Answers what it is told to."""

    def __init__(self, answer):
        self.answer = answer
        self.fits = 0

    def fit(self, X, y):
        self.fits += 1
        return self

    def predict(self, X):
        return self.answer(len(X))


class Broken(Constant):
    def fit(self, X, y):
        raise ValueError("no luck")


def test_each_fit_works_on_a_copy():
    estimator = Constant(np.ones)
    data = arrays()
    predictor = wrap(estimator).fit(data.train, data.valid, seed=0)
    assert estimator.fits == 0
    assert predictor.estimator.fits == 1
    assert predictor.predict(data.test).tolist() == [1.0] * 19


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n: np.ones((n, 1)), r"must return shape \(60,\) for 60 rows, got \(60, 1\)"),
        (lambda n: np.ones(n - 1), r"got \(59,\)"),
        (lambda n: np.where(np.arange(n) == 7, np.nan, 0.0), "returned nan for row 7"),
        (lambda n: np.full(n, np.inf), "returned inf for row 0"),
    ],
)
def test_unusable_forecasts_are_refused(answer, message):
    data = arrays()
    with pytest.raises(TrainingError, match=message):
        wrap(Constant(answer)).fit(data.train, data.valid, seed=0)


def test_failing_fit_is_named():
    data = arrays()
    with pytest.raises(TrainingError, match=r"Broken.fit failed on \(60, 3\) features: ValueError: no luck"):
        wrap(Broken(np.ones)).fit(data.train, data.valid, seed=0)


def test_objects_without_the_two_methods_are_refused():
    with pytest.raises(SettingError, match="int has no fit method"):
        wrap(3)


def test_weights_that_cannot_be_used_are_reported():
    data = arrays(Weighting(recency_half_life=5))
    predictor = wrap(Constant(np.ones)).fit(data.train, data.valid, seed=0)
    assert [notice.code for notice in predictor.notices] == ["WEIGHTS_UNUSED"]
    assert wrap(Constant(np.ones)).fit(arrays().train, data.valid, seed=0).notices == ()


def test_seed_reaches_the_random_state():
    data = arrays()
    model = wrap(RandomForestRegressor(n_estimators=3))
    first, again, other = (
        model.fit(data.train, data.valid, seed=seed).predict(data.test) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
