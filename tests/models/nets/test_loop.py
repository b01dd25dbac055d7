"""The loop against Keras' own optimizer, and its promises: members, padding, failure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import DataError, SettingError, TrainingError
from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.forecaster import LOSS_NAMES, XLSTMTS, LSTMTransformer, job_of, program_of
from geiger.models.nets.loop import Member, train
from geiger.models.nets.losses import LOSSES
from geiger.models.nets.program import PAD, forecast, stack

FOLD = Fold(0, range(40, 280), range(281, 340), range(341, 380))
SMALL = LSTMTransformer(
    lookback=9,
    burn_in=4,
    stretch=16,
    skip="zeros",
    lstm=(4,),
    width=8,
    blocks=2,
    heads=2,
    key=4,
    inner=8,
    batch_size=64,
    epochs=3,
    learning_rate=0.01,
)


def market(seed=0, n=380, width=6):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, width))
    target = 0.0005 + 0.01 * (0.6 * features[:, 0] + 0.8 * rng.normal(size=n))
    return features, target, np.append(0.0, target[:-1])


def arrays(features=None, target=None):
    default_features, default_target, last = market()
    return fold_arrays(
        default_features if features is None else features,
        default_target if target is None else target,
        FOLD,
        last_return=last,
    )


def drained(program, jobs, schedule):
    """Return all records and what the loop returns."""
    loop, records = train(program, jobs, schedule), []
    while True:
        try:
            records += next(loop)
        except StopIteration as end:
            return records, end.value


PENALISED = {"kernel", "kernel_0", "recurrent_kernel_0", "into_kernel", "out_kernel"}


def test_a_step_is_keras_adam_on_the_mean_loss_of_the_batch():
    """One epoch of one batch by hand: gradient of the mean loss, Keras' Adam with its clipping."""
    network = replace(
        SMALL, epochs=1, batch_size=320, dropout=0.0, weight_decay=0.02, clip_norm=0.05, residual="direct"
    )
    data = arrays()
    program = program_of(network, 6, False)
    job = job_of(network, program, data.train, data.valid, 5)
    _, (learned,) = drained(program, [job], replace(network._schedule(), keep_best=False))
    trainable, rest = program.weights(5)
    starts = program.stretches(job.train)
    x = np.stack([job.series[s : s + program.history + 16] for s in starts])
    y = np.zeros((len(starts), 16), np.float32)
    weight = np.zeros_like(y)
    for i, start in enumerate(starts):
        part = slice(start + program.history, start + program.history + 16)
        y[i, : len(job.y[part])], weight[i, : len(job.y[part])] = job.y[part], job.weight[part]
    base = np.full_like(y, job.base[0])

    def objective(variables):
        found, _ = program.net.stateless_call(variables, rest, jnp.asarray(x), jnp.asarray(base))
        squares = sum(
            jnp.sum(v**2)
            for v, var in zip(variables, program.net.trainable_variables, strict=True)
            if var.path.split("/")[-1] in PENALISED
        )
        return jnp.sum(weight * (found - y) ** 2) / weight.sum() + 0.01 * squares

    gradient = jax.jit(jax.grad(objective))(trainable)
    adam = keras.optimizers.Adam(learning_rate=network.learning_rate, clipnorm=0.05)
    adam.build(program.net.trainable_variables)
    fresh = [v.value for v in adam.variables]
    expected, _ = adam.stateless_apply(fresh, gradient, trainable)
    assert learned.steps == 1
    for ours, theirs, before in zip(learned.weights[0], expected, trainable, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4 * network.learning_rate + 1e-6)
        assert np.isfinite(ours).all()
        assert ours.shape == before.shape


def test_members_trained_together_are_those_trained_alone():
    data = arrays()
    members = [(data.train, data.valid, seed) for seed in (1, 2, 3)]
    together = SMALL.fit_many(members)
    for one, (_, _, seed) in zip(together, members, strict=True):
        alone = SMALL.fit(data.train, data.valid, seed=seed)
        np.testing.assert_allclose(
            one.predict(data.test), alone.predict(data.test), atol=1e-4 * alone.predict(data.test).std()
        )
        assert [e.epoch for e in one.epochs] == [e.epoch for e in alone.epochs]
        assert one.rounds == alone.rounds


def test_long_stretches_and_windows_of_one_day_are_the_same_network():
    """Same weights, same forecasts; and one step on all rows moves them alike, however they are cut."""
    data = arrays()
    found, moved = [], []
    for stretch in (1, 16):
        network = replace(SMALL, stretch=stretch, dropout=0.0, batch_size=1024, epochs=1)
        program = program_of(network, 6, False)
        job = job_of(network, program, data.train, data.valid, 7)
        found.append(forecast(program, replace(job, base=job.base), program.weights(7), job.valid)[1])
        _, (learned,) = drained(program, [job], replace(network._schedule(), keep_best=False))
        moved.append(learned.weights[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-5 * found[0].std())
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_every_train_row_is_learned_from_once_an_epoch_and_no_other_row():
    data = arrays()
    program = program_of(SMALL, 6, False)
    job = job_of(SMALL, program, data.train, data.valid, 1)
    starts = program.stretches(job.train)
    targets = (starts[:, None] + program.history + np.arange(16)).ravel()
    counted = np.bincount(targets, minlength=len(job.weight) + 16)[: len(job.weight)]
    assert set(counted[job.weight > 0]) == {1}
    assert job.weight[job.valid].sum() == 0.0
    assert (job.train >= program.history).all()
    tables, capacity = stack(program, [job])
    assert capacity * program.per_batch >= len(starts)
    assert not np.asarray(tables["weight"])[0, len(job.series) :].any()


@pytest.mark.parametrize("feeding", ["dense", "windows"])
def test_rows_after_the_validation_rows_change_no_bit(feeding):
    network = replace(SMALL, feeding=feeding, burn_in=4 if feeding == "dense" else 0)
    features, target, last = market()
    clean = fold_arrays(features, target, FOLD, last_return=last)
    features[341:], target[341:] = 1e3, np.nan
    dirty = fold_arrays(features, target, FOLD, last_return=last)
    one, two = (network.fit(data.train, data.valid, seed=1) for data in (clean, dirty))
    assert one.predict(clean.test).tobytes() == two.predict(clean.test).tobytes()
    assert one.epochs == two.epochs


def test_scattered_rows_are_forecast_like_all_of_them():
    data = arrays()
    predictor = SMALL.fit(data.train, data.valid, seed=1)
    whole, rows = predictor.predict(data.test), data.test.rows
    for every in (2, 7):
        np.testing.assert_allclose(
            predictor.predict(data.test.take(rows[::every])), whole[::every], atol=1e-6
        )


def test_a_member_that_has_stopped_gets_no_stretch_and_counts_no_epoch():
    data = arrays()
    program = program_of(SMALL, 6, False)
    job = replace(job_of(SMALL, program, data.train, data.valid, 1), rates=(0.02, 0.005))
    member = Member.of(0, job, program, SMALL._schedule())
    orders = [member.next_order(program, 9) for _ in range(2)]
    for order in orders:
        assert sorted(order[order != PAD]) == program.stretches(job.train).tolist()
    assert (orders[0] != orders[1]).any()
    member.course.stopped = True
    assert (member.next_order(program, 9) == PAD).all()
    assert member.rates == [0.02, 0.005]
    assert member.epochs == 2


def test_rows_on_both_sides_of_a_gap_are_covered_once():
    program = program_of(SMALL, 6, False)
    rows = np.r_[20:75, 76:131]  # the last stretch of the first run reaches into the second
    starts = program.stretches(rows) + program.history
    covered = (starts[:, None] + np.arange(16)).ravel()
    assert np.isin(rows, covered).all()
    assert len(np.unique(covered)) == len(covered)


def test_penalty_and_head_are_the_variables_they_are_named_for():
    for network in (SMALL, XLSTMTS(width=8, blocks=2, lookback=12, burn_in=4)):
        program = program_of(network, 6, False)
        names = [v.path for v in program.net.trainable_variables]
        assert {names[i].split("head/")[1] for i in program.head} <= {
            "change/kernel",
            "change/bias",
            "skip/kernel",
        }
        free = [name.split("/")[-1] for i, name in enumerate(names) if i not in program.kernels]
        allowed = {
            "bias",
            "bias_0",
            "gamma",
            "beta",
            "scale",
            "distance",
            "skip",
            "input_bias",
            "forget_bias",
        }
        assert set(free) <= allowed


def test_names_of_losses_are_those_of_the_losses():
    assert set(LOSS_NAMES) == set(LOSSES)


def test_a_forecast_never_depends_on_later_rows_nor_on_rows_beyond_its_reach():
    data = arrays()
    predictor = SMALL.fit(data.train, data.valid, seed=1)
    forecast_before = predictor.predict(data.test)
    past = data.test.history
    day, reach = 20, program_of(SMALL, 6, False).history
    x = past.x.copy()
    at = int(past.at(data.test.rows[day : day + 1])[0])
    x[at + 1 :] = 4.0
    x[: at - reach] = -4.0
    changed = replace(data.test, history=replace(past, x=x))
    after = predictor.predict(changed)
    spread = forecast_before.std()
    assert abs(after[day] - forecast_before[day]) <= 1e-5 * spread
    assert np.abs(after[day + 1 :] - forecast_before[day + 1 :]).max() > 1e-2 * spread


def test_screened_terms_look_back_no_further_than_the_network():
    features, target, last = market()
    delayed = np.concatenate([np.zeros(15), features[:-15, 2]])
    data = fold_arrays(features, target + 0.01 * delayed, FOLD, last_return=last)
    predictor = replace(SMALL, skip="screened", epochs=1).fit(data.train, data.valid, seed=1)
    reach = program_of(SMALL, 6, False).history
    assert reach < 15
    assert all(term.delay <= reach for term in predictor.offset.terms)
    longer = replace(SMALL, skip="screened", epochs=1, lookback=21)
    assert 15 in [term.delay for term in longer.fit(data.train, data.valid, seed=1).offset.terms]


def test_a_rate_that_explodes_ends_in_a_failure_with_advice():
    data = arrays()
    with pytest.raises(TrainingError, match=r"loss is (nan|inf).*lower the learning rate"):
        replace(SMALL, learning_rate=1e30, clip_norm=None, epochs=20).fit(data.train, data.valid, seed=1)


def test_too_short_a_past_is_refused_with_what_to_do():
    data = arrays()
    with pytest.raises(DataError, match="smaller --lookback"):
        replace(SMALL, lookback=301).fit(data.train, data.valid, seed=1)
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
    network = replace(SMALL, residual=residual)
    program = program_of(network, 6, False)
    job = job_of(network, program, data.train, data.valid, 1)
    found = forecast(program, job, program.weights(1), job.valid)[0]
    in_returns = data.scaler.restore(found + data.train.zero)
    rows = np.arange(FOLD.valid.start, FOLD.valid.stop)
    expected = {"mean": np.full(59, target[40:280].mean()), "zero": np.zeros(59), "yesterday": last[rows]}
    np.testing.assert_allclose(in_returns, expected[start], atol=1e-8)


def test_raw_unit_changes_the_scale_of_the_loss_and_not_of_the_forecast():
    data = arrays()
    raw = replace(SMALL, target_unit="raw", epochs=1)
    program = program_of(raw, 6, False)
    job = job_of(raw, program, data.train, data.valid, 1)
    rows = job.train
    np.testing.assert_allclose(job.y[rows], market()[1][rows], atol=1e-8)
    predictor = raw.fit(data.train, data.valid, seed=1)
    assert predictor.training.target_std == pytest.approx(data.scaler.target_std)
    assert abs(predictor.predict(data.test).mean()) < 3.0  # standardised, whatever the loss saw


def test_training_record_tells_what_was_trained():
    data = arrays()
    predictor = replace(SMALL, epochs=6).fit(data.train, data.valid, seed=1)
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
        ({"feeding": "wide"}, "feeding is one of dense, windows"),
        ({"learning_rate": 0.0}, "above 0"),
        ({"epochs": 0}, "at least 1"),
        ({"loss": "consistent", "target_unit": "raw"}, "train standard deviations"),
        ({"lstm": ()}, "at least one LSTM"),
        ({"heads": 0}, "heads must be at least 1"),
        ({"dropout": 5.0}, r"\[0, 1\)"),
        ({"clip_norm": -1.0}, "above 0, or none"),
        ({"stop_patience": -3}, "above 0, or none"),
        ({"lookback": 2}, "too short for 2 blocks"),
        ({"skip": "ridge", "residual": "direct"}, "residual 'drift' only"),
        ({"loss": "hubert"}, "did you mean"),
    ):
        with pytest.raises(SettingError, match=message):
            replace(SMALL, **change)


def test_an_epoch_must_beat_the_untrained_network_by_the_margin():
    data = arrays()
    plain = SMALL.fit(data.train, data.valid, seed=1)
    assert plain.rounds > 0
    wide = replace(SMALL, start_margin=50.0).fit(data.train, data.valid, seed=1)
    assert wide.rounds == 0
    assert np.ptp(wide.predict(data.test)) == 0.0
    small = replace(SMALL, start_margin=0.5).fit(data.train, data.valid, seed=1)  # a real signal passes
    assert small.rounds == plain.rounds
    np.testing.assert_array_equal(small.predict(data.test), plain.predict(data.test))


def test_refit_trains_each_member_its_own_epochs_on_all_rows():
    data = arrays()
    network = replace(SMALL, refit=True, epochs=6)
    members = [(data.train, data.valid, seed) for seed in (1, 2)]
    plain = [replace(network, refit=False).fit(*member[:2], seed=member[2]) for member in members]
    again = [network.fit(*member[:2], seed=member[2]) for member in members]
    together = network.fit_many(members)
    for one, two, three in zip(plain, again, together, strict=True):
        assert one.rounds == two.rounds == three.rounds
        assert two.fit_rows.tolist() == [*one.fit_rows, *FOLD.valid]
        assert not np.array_equal(one.predict(data.test), two.predict(data.test))
        spread = two.predict(data.test).std()
        np.testing.assert_allclose(three.predict(data.test), two.predict(data.test), atol=1e-3 * spread)


def test_refit_of_an_untrained_best_stays_untrained():
    features, target, _ = market()
    turned = np.where(np.arange(380) < FOLD.train.stop, target, -target)  # whatever is learned is wrong
    data = arrays(features, turned)
    predictor = replace(SMALL, refit=True).fit(data.train, data.valid, seed=1)
    assert predictor.rounds == 0
    assert np.ptp(predictor.predict(data.test)) == 0.0
    assert [notice.code for notice in predictor.notices] == ["UNTRAINED_BEST"]
