"""One contract for every model of the catalogue, and for a user's own estimator."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from geiger.errors import TrainingError
from geiger.learning.windows import Weighting, block_of, fold_arrays
from geiger.models import FORECASTERS, make, wrap
from helpers.fits import FOLD, SETTINGS, arrays, fitted, forecaster, market, usual

NETWORKS = ("lstm", "xlstm")
SLOW = {name: [pytest.mark.slow] for name in NETWORKS}  # each is compiled
LEARNING = [
    pytest.param(name, marks=SLOW.get(name, []))
    for name in ("ridge", "xgb", "lgb", "catboost", "own", *NETWORKS)
]
NAMES = [pytest.param(name, marks=SLOW.get(name, [])) for name in (*FORECASTERS, "own")]


@pytest.mark.parametrize("name", NAMES)
def test_forecasts_are_finite_and_one_a_row(name):
    forecast = usual(name).predict(arrays().test)
    assert forecast.shape == (39,)
    assert forecast.dtype == np.float64
    assert np.isfinite(forecast).all()
    assert forecaster(name).name == name
    assert forecaster(name).threads == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_reads_no_more_of_the_past_than_its_reach(name):
    features, _ = market()
    data, predictor = arrays(), usual(name)
    rows = range(320, 325)
    whole = predictor.predict(block_of(features, rows, data.scaler))
    start = rows.start - predictor.reach
    cut = block_of(features[start : rows.stop], range(predictor.reach, predictor.reach + 5), data.scaler)
    np.testing.assert_allclose(
        predictor.predict(cut), whole, rtol=0.0, atol=1e-6 if name in NETWORKS else 0.0
    )
    assert (predictor.reach > 0) == (name in NETWORKS)


@pytest.mark.parametrize("name", NAMES)
def test_one_row_gets_the_forecast_it_has_in_a_batch(name):
    data, predictor = arrays(), usual(name)
    batch = predictor.predict(data.test)
    alone = np.concatenate([predictor.predict(data.test.take(data.test.rows[i : i + 1])) for i in range(39)])
    exact = 1e-6 if name in NETWORKS else 1e-12  # networks reckon in single precision
    np.testing.assert_allclose(alone, batch, rtol=0.0, atol=exact)


@pytest.mark.parametrize("name", [name for name in NAMES if name.values != ("own",)])
def test_column_order_in_memory_changes_no_bit(name):
    data, predictor = arrays(), usual(name)
    expected = predictor.predict(data.test)
    past = data.test.history
    other = dataclasses.replace(
        data.test,
        x=np.asfortranarray(data.test.x),
        history=dataclasses.replace(past, x=np.asfortranarray(past.x)),
    )
    np.testing.assert_array_equal(predictor.predict(other), expected)


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_bits(name):
    data = arrays()
    first, second = usual(name), fitted(name, data)
    assert first.predict(data.test).tobytes() == second.predict(data.test).tobytes()
    assert first.epochs == second.epochs
    assert first.rounds == second.rounds


@pytest.mark.parametrize("name", NAMES)
def test_test_rows_change_no_bit_of_the_fit(name):
    features, target = market()
    clean = arrays()
    features[300:] *= 1e3
    target[300:] = np.nan
    dirty = arrays(features, target)
    before, after = (model.predict(clean.test) for model in (usual(name), fitted(name, dirty)))
    assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_fitting_changes_no_input(name):
    data = arrays(weighting=Weighting(recency_half_life=100))
    kept = [getattr(block, f).copy() for block in (data.train, data.valid) for f in ("x", "y", "weight")]
    fitted(name, data)
    now = [getattr(block, f) for block in (data.train, data.valid) for f in ("x", "y", "weight")]
    assert all(np.array_equal(a, b) for a, b in zip(kept, now, strict=True))


@pytest.mark.parametrize("name", LEARNING)
def test_weights_change_the_forecast(name):
    plain = arrays()
    weighted = arrays(weighting=Weighting(recency_half_life=30, balance_signs=True))
    before, after = (model.predict(plain.test) for model in (usual(name), fitted(name, weighted)))
    assert np.isfinite(after).all()
    assert not np.array_equal(before, after)


@pytest.mark.parametrize("name", LEARNING)
def test_strong_signal_is_found(name):
    """On 1000 rows the correlation's standard error is 0.03; over seeds of the market it was 0.36 to 0.60."""
    data = fold_arrays(*market(n=1301), dataclasses.replace(FOLD, test=range(301, 1301)))
    predictor = fitted(name, data)
    assert np.corrcoef(predictor.predict(data.test), data.test.y)[0, 1] > 0.25  # the best possible: 0.6
    if predictor.importances is not None:
        assert predictor.importances.argmax() == 0


@pytest.mark.parametrize("name", [name for name in NAMES if name.values[0] in NETWORKS])
def test_networks_refuse_a_target_or_features_that_never_vary(name):
    with pytest.raises(TrainingError, match="the target does not vary"):
        fitted(name, arrays(target=np.full(340, 0.01)))
    with pytest.raises(TrainingError, match="every feature is constant"):
        fitted(name, arrays(features=np.ones((340, 6))))


@pytest.mark.parametrize("name", [name for name in (*FORECASTERS, "own") if name not in NETWORKS])
@pytest.mark.parametrize("value", [0.0, 0.01])
def test_constant_target_gives_a_constant_forecast(name, value):
    data = arrays(target=np.full(340, value))
    forecast = data.scaler.restore(fitted(name, data).predict(data.test))
    np.testing.assert_allclose(forecast, 0.0 if name == "zero" else value, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_importances_are_shares_of_every_feature(name):
    importances = usual(name).importances
    if name in ("zero", "mean", "own", *NETWORKS):
        assert importances is None
        return
    assert importances.shape == (6,)
    assert importances.sum() == pytest.approx(1.0)
    assert importances[4] == 0.0  # the column that never moves
    assert usual(name).importance_kind


@pytest.mark.parametrize("name", LEARNING)
def test_course_of_training_is_recorded(name):
    predictor = usual(name)
    assert [epoch.best for epoch in predictor.epochs].count(True) == 1
    (best,) = [epoch for epoch in predictor.epochs if epoch.best]
    assert best.epoch == predictor.rounds
    assert [e.epoch for e in predictor.epochs] == sorted({e.epoch for e in predictor.epochs})
    for epoch in predictor.epochs:
        assert 0.0 < epoch.val_loss < 3.0
        assert 0.0 <= epoch.pos_pct <= 100.0
        assert epoch.pred_std >= 0.0


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("refit", [True, False])
def test_fit_rows_say_what_was_learned_from(name, refit):
    settings = {**SETTINGS.get(name, {}), "refit": refit}
    model = wrap(LinearRegression(), refit=refit) if name == "own" else make(name, settings)
    data = arrays()
    rows = model.fit(data.train, data.valid, seed=0).fit_rows
    learned = [*FOLD.train, *(FOLD.valid if refit else ())]
    assert rows.tolist() == learned[len(learned) - len(rows) :]
    assert (len(rows) < len(learned)) is (name in NETWORKS)  # whose first rows lack a past
