from __future__ import annotations

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.models import average, fit_members
from helpers.fits import arrays, fitted, forecaster


@pytest.mark.parametrize("name", ["xgb", "lgb", "catboost"])
def test_ensemble_is_the_mean_of_its_members(name):
    data = arrays()
    ensemble = fit_members(forecaster(name), data.train, data.valid, seeds=[3, 8])
    alone = [fitted(name, data, seed=seed).predict(data.test) for seed in (3, 8)]
    assert not np.array_equal(*alone)
    np.testing.assert_allclose(ensemble.predict(data.test), np.mean(alone, axis=0), rtol=1e-12)
    assert {epoch.seed for epoch in ensemble.epochs} == {0}  # the course of one stands for all
    assert ensemble.rounds_by_member == (25, 25)
    assert ensemble.importances.sum() == pytest.approx(1.0)


def test_epochs_of_an_ensemble_say_whose_they_are():
    data = arrays()
    members = [fitted("lgb", data, seed=seed) for seed in (3, 8)]
    assert [(e.seed, e.epoch) for e in average(members).epochs] == [(0, 25), (1, 25)]


def test_model_without_a_seed_is_fitted_once():
    data = arrays()
    ensemble = fit_members(forecaster("ridge"), data.train, data.valid, seeds=[3, 8, 9])
    assert len(ensemble.members) == 1
    with pytest.raises(SettingError, match="at least one seed"):
        fit_members(forecaster("ridge"), data.train, data.valid, seeds=[])
