from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge as SklearnRidge

from geiger.errors import SettingError
from geiger.learning.folds import Fold
from geiger.learning.windows import Block, Weighting, fold_arrays, join
from geiger.models.baselines import Ridge, RunningMean, Zero, ridge, ridge_path
from geiger.settings import RidgeSettings

FOLD = Fold(0, range(0, 200), range(201, 260), range(261, 300))


def arrays(strength=0.5, weighting=None, width=8):
    rng = np.random.default_rng(4)
    features = rng.normal(size=(300, width)) @ rng.normal(size=(width, width))
    target = 0.001 + 0.01 * (strength * features[:, 0] + rng.normal(size=300))
    return fold_arrays(features, target, FOLD, weighting=weighting)


def test_zero_is_a_return_of_exactly_0():
    data = arrays()
    forecast = Zero().fit(data.train, data.valid, seed=0).predict(data.test)
    assert (data.scaler.restore(forecast) == 0.0).all()


def test_running_mean_is_the_train_mean():
    data = arrays()
    forecast = RunningMean().fit(data.train, data.valid, seed=0).predict(data.test)
    assert (data.scaler.restore(forecast) == data.scaler.target_mean).all()


def test_ridge_by_hand():
    # One feature -1, 0, 1 and y = 2x + 5: b = sum(xy) / (sum(xx) + alpha) = 4 / (2 + 2), intercept 5.
    block = Block(np.array([[-1.0], [0.0], [1.0]]), np.array([3.0, 5.0, 7.0]), np.ones(3), np.arange(3))
    (model,) = ridge_path(block, (2.0,))
    assert model.coefficients.tolist() == pytest.approx([1.0])
    assert model.intercept == pytest.approx(5.0)


@pytest.mark.parametrize("weighting", [None, Weighting(recency_half_life=50, balance_signs=True)])
@pytest.mark.parametrize("width", [8, 250])  # 250: more features than rows
def test_second_engine_agrees(weighting, width):
    data = arrays(weighting=weighting, width=width)
    for alpha, model in zip((0.1, 10.0, 1e4), ridge_path(data.train, (0.1, 10.0, 1e4)), strict=True):
        other = SklearnRidge(alpha=alpha, solver="cholesky" if width == 8 else "svd")
        other.fit(data.train.x, data.train.y, sample_weight=data.train.weight)
        np.testing.assert_allclose(model.predict(data.test), other.predict(data.test.x), atol=1e-8)
        assert model.intercept == pytest.approx(other.intercept_, abs=1e-8)


def test_penalty_with_the_least_validation_error_is_refitted_on_both_blocks():
    data = arrays()
    alphas = (1.0, 100.0, 1e4)
    errors = [
        np.mean(
            (SklearnRidge(alpha=a).fit(data.train.x, data.train.y).predict(data.valid.x) - data.valid.y) ** 2
        )
        for a in alphas
    ]
    predictor = Ridge(RidgeSettings(alphas=alphas)).fit(data.train, data.valid, seed=0)
    assert predictor.rounds == 1 + int(np.argmin(errors))
    np.testing.assert_allclose([epoch.val_loss for epoch in predictor.epochs], errors, rtol=1e-10)
    both = join(data.train, data.valid)
    other = SklearnRidge(alpha=alphas[predictor.rounds - 1]).fit(both.x, both.y)
    np.testing.assert_allclose(predictor.predict(data.test), other.predict(data.test.x), atol=1e-8)


@pytest.mark.parametrize("weighting", [None, Weighting(balance_signs=True, recency_half_life=60)])
@pytest.mark.parametrize("alpha", [1e-3, 30.0, 1e4])
def test_one_penalty_is_solved_as_on_the_path(weighting, alpha):
    block = arrays(weighting=weighting).train
    (path,) = ridge_path(block, (alpha,))
    alone = ridge(block, alpha)
    np.testing.assert_allclose(alone.coefficients, path.coefficients, rtol=1e-9)
    assert alone.intercept == pytest.approx(path.intercept, abs=1e-12)
    assert np.array_equal(alone.fit_rows, path.fit_rows)


def test_a_fold_is_decomposed_once(monkeypatch):
    real, shapes = np.linalg.eigh, []
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: shapes.append(matrix.shape) or real(matrix))
    data = arrays()
    Ridge().fit_fold(data.train, data.valid, [1])
    assert shapes == [(8, 8)]


def test_epoch_figures_by_hand():
    # b = 0.5, so forecasts of x = -1, 0, 1 are -0.5, 0, 0.5; with y = 2x the errors are 1.5, 0, 1.5.
    x, y = np.array([[-1.0], [0.0], [1.0]]), np.array([-2.0, 0.0, 2.0])
    block = Block(x, y, np.ones(3), np.arange(3), zero=-0.1)
    (epoch,) = Ridge(RidgeSettings(alphas=(6.0,), refit=False)).fit(block, block, seed=0).epochs
    assert epoch.loss == epoch.val_loss == pytest.approx(1.5)  # (2.25 + 0 + 2.25) / 3
    assert epoch.pred_std == pytest.approx(0.25)
    assert epoch.pos_pct == pytest.approx(200 / 3)  # -0.5 stands for a loss; 0 and 0.5 for a gain


def test_only_the_loss_carries_the_sample_weights():
    # Weights 0.5, 2, 0.5: b = 2 / (1 + alpha) with alpha 1, so forecasts -1, 0, 1 and errors 1, 0, 1.
    x, y = np.array([[-1.0], [0.0], [1.0]]), np.array([-2.0, 0.0, 2.0])
    block = Block(x, y, np.array([0.5, 2.0, 0.5]), np.arange(3))
    (epoch,) = Ridge(RidgeSettings(alphas=(1.0,), refit=False)).fit(block, block, seed=0).epochs
    assert epoch.loss == pytest.approx(1 / 3)
    assert epoch.val_loss == pytest.approx(2 / 3)


def test_noise_chooses_the_strongest_penalty_where_errors_are_equal():
    data = arrays()
    flat = Block(data.train.x, np.zeros(200), data.train.weight, data.train.rows)
    valid = Block(data.valid.x, np.zeros(59), data.valid.weight, data.valid.rows)
    assert Ridge(RidgeSettings(alphas=(1.0, 2.0, 4.0))).fit(flat, valid, seed=0).rounds == 3


@pytest.mark.parametrize("alphas", [(), (0.0, 1.0), (2.0, 1.0)])
def test_penalties_that_make_no_sense_are_refused(alphas):
    with pytest.raises(SettingError, match=r"ridge\.alphas must be (above 0|positive and ascending), got"):
        Ridge(RidgeSettings(alphas=alphas))
