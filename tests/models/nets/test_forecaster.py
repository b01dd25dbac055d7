from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import DataError, SettingError, TrainingError
from geiger.learning.windows import fold_arrays
from geiger.models import screen
from geiger.models.nets.forecaster import NETWORKS, fresh_net, job_of, program_of
from geiger.models.nets.losses import LOSSES
from geiger.models.nets.stretches import forecast
from geiger.models.screen import find_terms
from geiger.settings import model_settings
from helpers.networks import FOLD, SMALL, arrays, changed, market

pytestmark = pytest.mark.slow  # each shape is compiled


def test_names_of_losses_are_those_of_the_losses():
    assert set(model_settings.LOSSES) == set(LOSSES)


def test_screened_terms_look_back_no_further_than_the_network():
    features, target, last = market()
    delayed = np.concatenate([np.zeros(15), features[:-15, 2]])
    data = fold_arrays(features, target + 0.01 * delayed, FOLD, last_return=last)
    predictor = changed(SMALL, skip="screened", epochs=1).fit(data.train, data.valid, seed=1)
    reach = program_of(SMALL, 6, False).history
    assert reach < 15
    assert all(term.delay <= reach for term in predictor.offset.terms)
    longer = changed(SMALL, skip="screened", epochs=1, lookback=21)
    assert 15 in [term.delay for term in longer.fit(data.train, data.valid, seed=1).offset.terms]


def test_too_short_a_past_is_refused_with_what_to_do():
    data = arrays()
    with pytest.raises(DataError, match="smaller --lookback"):
        changed(SMALL, lookback=301).fit(data.train, data.valid, seed=1)
    shown, past = SMALL.fit(data.train, data.valid, seed=1), data.train.history
    with pytest.raises(DataError, match="looks back on"):
        shown.predict(replace(data.train, history=replace(past, x=past.x[38:], first=38)))


@pytest.mark.parametrize(
    ("residual", "start"),
    [("drift", "mean"), ("direct", "zero"), ("log_price", "zero"), ("last_return", "yesterday")],
)
def test_residual_says_what_the_untrained_network_forecasts(residual, start):
    features, target, last = market()
    data = fold_arrays(features, target, FOLD, last_return=last)
    network = changed(SMALL, residual=residual)
    program = program_of(network, 6, False)
    job = job_of(network, program, data.train, data.valid, 1)
    found = forecast(program, job, program.weights(1), job.valid)[0]
    in_returns = data.scaler.restore(found + data.train.zero)
    rows = np.arange(FOLD.valid.start, FOLD.valid.stop)
    expected = {"mean": np.full(59, target[40:280].mean()), "zero": np.zeros(59), "yesterday": last[rows]}
    np.testing.assert_allclose(in_returns, expected[start], atol=1e-8)


def test_raw_unit_changes_the_scale_of_the_loss_and_not_of_the_forecast():
    data = arrays()
    raw = changed(SMALL, target_unit="raw", epochs=1)
    program = program_of(raw, 6, False)
    job = job_of(raw, program, data.train, data.valid, 1)
    rows = job.train
    np.testing.assert_allclose(job.y[rows], market()[1][rows], atol=1e-8)
    predictor = raw.fit(data.train, data.valid, seed=1)
    assert predictor.training.target_std == pytest.approx(data.scaler.target_std)
    assert abs(predictor.predict(data.test).mean()) < 3.0  # standardised, whatever the loss saw


def test_training_record_tells_what_was_trained():
    data = arrays()
    predictor = changed(SMALL, epochs=6).fit(data.train, data.valid, seed=1)
    training = predictor.training
    fitted = predictor.predict(data.train.take(predictor.fit_rows))
    y = data.train.take(predictor.fit_rows).y
    assert training.rho_train == pytest.approx(np.corrcoef(fitted, y)[0, 1], abs=1e-5)
    assert training.k_train == pytest.approx(fitted.std() / y.std(), rel=1e-4)
    assert training.steps == training.epochs * 4  # 15 stretches of 16 days, 4 in a batch of 64
    assert training.head_gradient_first > 0.0
    assert 0.0 <= training.nrc1 <= 1.0


def test_plans_numbers_are_refused_where_they_make_no_sense():
    for change, message in (
        ({"feeding": "wide"}, r"lstm\.feeding: no 'wide'; known: dense, windows"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"epochs": 0}, "at least 1"),
        ({"loss": "consistent", "target_unit": "raw"}, "train standard deviations"),
        ({"lstm": ()}, "at least one LSTM"),
        ({"heads": 0}, "heads must be at least 1"),
        ({"dropout": 5.0}, r"\[0, 1\)"),
        ({"clip_norm": -1.0}, "clip_norm must be above 0"),
        ({"stop_patience": -3}, "stop_patience must be at least 1"),
        ({"lookback": 2}, "too short for 2 blocks"),
        ({"skip": "ridge", "residual": "direct"}, "residual 'drift' only"),
        ({"loss": "hubert"}, "did you mean"),
    ):
        with pytest.raises(SettingError, match=message):
            changed(SMALL, **change)


@pytest.mark.parametrize("name", ["lstm", "xlstm"])
@pytest.mark.parametrize("feeding", ["dense", "windows"])
def test_a_seed_makes_one_network_with_all_that_is_saved_of_it(name, feeding):
    network = NETWORKS[name]()
    network = changed(network, feeding=feeding, burn_in=4 if feeding == "dense" else 0)

    def made(seed):
        net = fresh_net(network, seed)
        net.build((1, net.body.history + 1, 6), (1, 1))
        return [
            np.asarray(v.value).tobytes() for v in (*net.trainable_variables, *net.non_trainable_variables)
        ]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_refit_trains_each_member_its_own_epochs_on_all_rows():
    data = arrays()
    network = changed(SMALL, refit=True, epochs=6)
    members = [(data.train, data.valid, seed) for seed in (1, 2)]
    plain = [changed(network, refit=False).fit(*member[:2], seed=member[2]) for member in members]
    again = [network.fit(*member[:2], seed=member[2]) for member in members]
    together = network.fit_many(members)
    for one, two, three in zip(plain, again, together, strict=True):
        assert one.rounds == two.rounds == three.rounds
        assert two.fit_rows.tolist() == [*one.fit_rows, *FOLD.valid]
        assert not np.array_equal(one.predict(data.test), two.predict(data.test))
        spread = two.predict(data.test).std()
        np.testing.assert_allclose(three.predict(data.test), two.predict(data.test), atol=1e-3 * spread)


def test_what_members_of_a_fold_share_is_made_once(monkeypatch):
    """One screen a fold, however many seeds, and whether it is trained a second time; bits as if alone."""
    network = changed(SMALL, refit=True, skip="screened", epochs=2)
    folds = [arrays(), arrays(market(seed=5)[0])]
    screened = []

    def counted(past, train, delay):
        screened.append(len(train.rows))
        return find_terms(past, train, delay)

    monkeypatch.setattr(screen, "find_terms", counted)
    alone = [
        [network.fit(data.train, data.valid, seed=seed).predict(data.test) for seed in (1, 2, 3)]
        for data in folds
    ]
    assert len(screened) == 6
    screened.clear()
    for data, expected in zip(folds, alone, strict=True):
        members = network.fit_fold(data.train, data.valid, [1, 2, 3])
        for member, single in zip(members, expected, strict=True):
            assert member.predict(data.test).tobytes() == single.tobytes()
    assert len(screened) == 2
    screened.clear()
    network.fit_many([(data.train, data.valid, seed) for data in folds for seed in (1, 2)])
    assert len(screened) == 2


@pytest.mark.parametrize("skip", ["ridge", "screened"])
def test_the_linear_part_learns_from_the_rows_of_its_network(skip):
    data = arrays()
    for refit, blocks in ((False, [data.train]), (True, [data.train, data.valid])):
        network = changed(SMALL, refit=refit, skip=skip, epochs=1)
        predictor = network.fit(data.train, data.valid, seed=1)
        rows = np.concatenate([block.rows for block in blocks])
        np.testing.assert_array_equal(predictor.offset.linear.fit_rows, rows)


def test_a_member_that_cannot_be_fitted_is_named():
    data = arrays()
    with pytest.raises(TrainingError, match=r"^seed 0: .*lower the learning rate"):
        changed(SMALL, learning_rate=1e30, clip_norm=None).fit_fold(data.train, data.valid, [1, 2])


def test_refit_of_an_untrained_best_stays_untrained():
    features, target, _ = market()
    turned = np.where(np.arange(380) < FOLD.train.stop, target, -target)  # whatever is learned is wrong
    data = arrays(features, turned)
    predictor = changed(SMALL, refit=True).fit(data.train, data.valid, seed=1)
    assert predictor.rounds == 0
    assert np.ptp(predictor.predict(data.test)) == 0.0
    assert [notice.code for notice in predictor.notices] == ["UNTRAINED_BEST"]
