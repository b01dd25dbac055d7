"""The doctor on networks that were really trained, each ill in a way that is known; and on well ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.checks.collapse import diagnose
from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.metrics import correlation, health
from geiger.models.nets.forecaster import LSTMTransformer
from geiger.records import Cause, HealthCode
from geiger.settings import LSTMSettings

pytestmark = pytest.mark.slow

FOLD = Fold(0, range(30, 1230), range(1231, 1440), range(1441, 2440))
SIGMA = 0.012  # of a daily return
NETWORK = LSTMTransformer(
    LSTMSettings(
        **{
            "lookback": 9,
            "burn_in": 4,
            "stretch": 64,
            "skip": "zeros",
            "lstm": (4,),
            "width": 8,
            "blocks": 1,
        },
        **{"heads": 2, "key": 4, "inner": 8, "dropout": 0.0, "batch_size": 256, "epochs": 40},
        **{"learning_rate": 0.003, "keep_best": False, "stop_patience": None, "plateau_patience": None},
        **{"weight_decay": 0.0, "patience_unit": "epochs", "start_margin": 0.0, "refit": False},
    )
)


def changed(network, **changes):
    """Return the network with other settings."""
    return replace(network, settings=replace(network.settings, **changes))


def arrays(rho=0.3, seed=0, rho_later=None):
    """Return a fold of a market whose first feature has correlation `rho` with the target, later another."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2440, 5))
    rho = np.where(np.arange(2440) < FOLD.test.start, rho, rho if rho_later is None else rho_later)
    target = SIGMA * (rho * x[:, 0] + np.sqrt(1 - rho**2) * rng.normal(size=2440))
    return fold_arrays(x, target, FOLD, last_return=np.append(0.0, target[:-1]))


def examined(network, data):
    """Train, forecast, and ask health table and doctor, as an evaluation does."""
    return asked(network.fit(data.train, data.valid, seed=3), data)


def asked(predictor, data):
    scaler = data.scaler
    forecast = scaler.restore(predictor.predict(data.test))
    outcome = scaler.target_mean + scaler.target_std * data.test.y
    found = health(forecast, outcome, scaler.target_mean, scaler.target_std, len(predictor.fit_rows))
    past = data.test.history
    last = past.last_return[past.at(data.test.rows)]
    training = replace(predictor.training, copies_yesterday=correlation(forecast, last))
    return found, diagnose(found, [training])


def test_a_signal_of_usual_strength_is_in_order():
    found, diagnosis = examined(changed(NETWORK, weight_decay=0.2, epochs=20), arrays())
    assert found.code is HealthCode.SHRUNK_OK
    assert diagnosis.cause in (Cause.HEALTHY, Cause.RIGHTLY_SMALL)
    assert not diagnosis.fault


def test_noise_is_seldom_called_a_fault_of_the_network():
    """By the luck of 1000 rows one fit in twenty looks skilled, one in five swings against the outcome."""
    mild = changed(NETWORK, weight_decay=0.3, epochs=5)
    markets = [arrays(rho=0.0, seed=seed) for seed in range(8)]
    fits = mild.fit_many([(data.train, data.valid, seed) for seed, data in enumerate(markets)])
    found = [asked(predictor, data) for predictor, data in zip(fits, markets, strict=True)]
    causes = [diagnosis.cause for _, diagnosis in found]
    assert sum(HealthCode.NO_SKILL in (health.code, *health.also) for health, _ in found) >= 6  # measured: 7
    assert causes.count(Cause.NO_SIGNAL) >= 3  # measured: 4; two more are rightly small
    assert sum(diagnosis.fault for _, diagnosis in found) <= 3  # measured: 2


@pytest.mark.parametrize("loss", ["directional_mse", "plan_mix"])
def test_the_plans_loss_on_raw_returns_is_named(loss):
    ill = changed(NETWORK, loss=loss, target_unit="raw", learning_rate=1e-4, epochs=80)
    found, diagnosis = examined(ill, arrays())
    assert diagnosis.cause is Cause.LOSS_SCALE
    assert found.k < 0.1  # of a signal whose best forecast has 0.3
    _, other = examined(changed(ill, loss="mse", target_unit="standardised", epochs=10), arrays())
    assert other.cause is not Cause.LOSS_SCALE


def test_a_rate_near_zero_is_named():
    found, diagnosis = examined(changed(NETWORK, learning_rate=1e-8), arrays())
    assert found.code is HealthCode.COLLAPSED_CONSTANT
    assert diagnosis.cause is Cause.LEARNING_RATE


def test_decay_that_kills_the_forecast_is_named_and_a_mild_one_is_not():
    """The norm before the head keeps the features' size, so far more decay is borne than without it."""
    heavy = changed(NETWORK, weight_decay=50.0, target_unit="raw", learning_rate=1e-3, epochs=60)
    found, diagnosis = examined(heavy, arrays())
    assert diagnosis.cause is Cause.DECAY
    assert found.k < 0.05
    mild, other = examined(changed(heavy, weight_decay=0.1, epochs=20), arrays())
    assert mild.k > 0.1
    assert other.cause is not Cause.DECAY


def test_a_copy_of_yesterday_is_named():
    copy = changed(NETWORK, residual="last_return", learning_rate=1e-6, skip="none")
    found, diagnosis = examined(copy, arrays(rho=0.0))
    assert found.code is HealthCode.OVERDISPERSED
    assert diagnosis.cause is Cause.COPIES_YESTERDAY
    assert diagnosis.evidence[0].startswith("Forecast and last return have a correlation of 1.00")
    assert examined(changed(copy, residual="drift"), arrays(rho=0.0))[1].cause is not Cause.COPIES_YESTERDAY


def test_forecasts_that_swing_too_widely_are_named():
    """A strong signal is learned and ends: the spread stays near 0.6, and twice what luck shows is 0.26."""
    found, diagnosis = examined(changed(NETWORK, epochs=20), arrays(rho=0.6, rho_later=0.0))
    assert found.k > 0.4
    assert found.code is HealthCode.OVERDISPERSED
    assert diagnosis.cause is Cause.OVERDISPERSED


def test_train_side_of_the_record_is_measured_on_the_kept_weights():
    data = arrays()
    predictor = changed(NETWORK, keep_best=True).fit(data.train, data.valid, seed=3)
    fitted = predictor.predict(data.train.take(predictor.fit_rows))
    y = data.train.take(predictor.fit_rows).y
    assert predictor.training.rho_train == pytest.approx(np.corrcoef(fitted, y)[0, 1], abs=1e-4)
