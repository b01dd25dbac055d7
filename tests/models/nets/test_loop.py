"""The loop against Keras' own optimizer, and its promises: members, padding, failure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import Diverged, TrainingError
from geiger.learning.windows import fold_arrays
from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.forecaster import job_of, program_of
from geiger.models.nets.loop import Member, repeat
from geiger.models.nets.program import batched
from geiger.models.nets.stretches import PAD
from helpers.networks import FOLD, SMALL, arrays, changed, drained, market

pytestmark = pytest.mark.slow  # each shape is compiled

PENALISED = {"kernel", "kernel_0", "recurrent_kernel_0", "into_kernel", "out_kernel"}


def test_a_step_is_keras_adam_on_the_mean_loss_of_the_batch():
    """One epoch of one batch by hand: gradient of the mean loss, Keras' Adam with its clipping."""
    network = changed(
        SMALL, epochs=1, batch_size=320, dropout=0.0, weight_decay=0.02, clip_norm=0.05, residual="direct"
    )
    data = arrays()
    program = program_of(network, 6, False)
    job = job_of(network, program, data.train, data.valid, 5)
    _, (learned,) = drained(program, [job], replace(network.settings, keep_best=False))
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
    adam = keras.optimizers.Adam(learning_rate=network.settings.learning_rate, clipnorm=0.05)
    adam.build(program.net.trainable_variables)
    fresh = [v.value for v in adam.variables]
    expected, _ = adam.stateless_apply(fresh, gradient, trainable)
    assert learned.steps == 1
    for ours, theirs, before in zip(learned.weights[0], expected, trainable, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4 * network.settings.learning_rate + 1e-6)
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
    tables, capacity = batched(program, [job])
    assert capacity * program.per_batch >= len(starts)
    assert not np.asarray(tables["weight"])[0, len(job.series) :].any()


@pytest.mark.parametrize("feeding", ["dense", "windows"])
def test_rows_after_the_validation_rows_change_no_bit(feeding):
    network = changed(SMALL, feeding=feeding, burn_in=4 if feeding == "dense" else 0)
    features, target, last = market()
    clean = fold_arrays(features, target, FOLD, last_return=last)
    features[341:], target[341:] = 1e3, np.nan
    dirty = fold_arrays(features, target, FOLD, last_return=last)
    one, two = (network.fit(data.train, data.valid, seed=1) for data in (clean, dirty))
    assert one.predict(clean.test).tobytes() == two.predict(clean.test).tobytes()
    assert one.epochs == two.epochs


def test_a_member_that_has_stopped_gets_no_stretch_and_counts_no_epoch():
    data = arrays()
    program = program_of(SMALL, 6, False)
    job = job_of(SMALL, program, data.train, data.valid, 1)
    member = Member.of(0, job, program, SMALL.settings)
    orders = [member.next_order(program, 9) for _ in range(2)]
    for order in orders:
        assert sorted(order[order != PAD]) == program.stretches(job.train).tolist()
    assert (orders[0] != orders[1]).any()
    member.course.stopped = True
    assert (member.next_order(program, 9) == PAD).all()
    assert member.rates == [0.01, 0.01]


def test_a_rate_that_explodes_ends_in_a_failure_with_advice():
    data = arrays()
    with pytest.raises(TrainingError, match=r"loss is (nan|inf).*lower the learning rate"):
        changed(SMALL, learning_rate=1e30, clip_norm=None, epochs=20).fit(data.train, data.valid, seed=1)


def test_an_epoch_must_beat_the_untrained_network_by_the_margin():
    data = arrays()
    plain = SMALL.fit(data.train, data.valid, seed=1)
    assert plain.rounds > 0
    wide = changed(SMALL, start_margin=50.0).fit(data.train, data.valid, seed=1)
    assert wide.rounds == 0
    assert np.ptp(wide.predict(data.test)) == 0.0
    small = changed(SMALL, start_margin=0.5).fit(data.train, data.valid, seed=1)  # a real signal passes
    assert small.rounds == plain.rounds
    np.testing.assert_array_equal(small.predict(data.test), plain.predict(data.test))


def test_the_weights_kept_are_those_of_the_best_epoch_and_not_the_last():
    features, target, _ = market()
    weak = 0.0005 + 0.0012 * features[:, 0]  # a fifth of what the train rows teach: learned past it soon
    valid = np.isin(np.arange(len(target)), FOLD.valid)
    data = arrays(features, np.where(valid, weak, target))
    network = changed(SMALL, epochs=12, dropout=0.0, start_counts=False, stop_patience=None)
    program = program_of(network, 6, False)
    job = job_of(network, program, data.train, data.valid, 7)
    records, (kept,) = drained(program, [job], network.settings)
    losses = [record.val_loss for record in records]
    assert 0 < kept.best_epoch < 12
    assert losses[kept.best_epoch - 1] == min(losses)
    # the same course again, ended there
    ((there, _),) = repeat(program, [job], [kept.rates[: kept.best_epoch]])
    for one, other in zip(kept.weights[0], there, strict=True):
        np.testing.assert_array_equal(one, other)
    _, (last,) = drained(program, [job], replace(network.settings, keep_best=False))
    assert last.best_epoch == 12
    assert any((one != other).any() for one, other in zip(kept.weights[0], last.weights[0], strict=True))


def test_a_course_that_is_repeated_is_the_judged_one_and_forecasts_nothing(monkeypatch):
    """Same bits, and each member ends with its own last epoch, whoever is trained beside it."""
    data = arrays()
    network = changed(SMALL, epochs=4, keep_best=False, stop_patience=None)
    program = program_of(network, 6, False)
    jobs = [job_of(network, program, data.train, data.valid, seed) for seed in (7, 8)]
    judged = [drained(program, [job], network.settings)[1][0] for job in jobs]
    monkeypatch.setitem(vars(program), "run_forecast", None)
    for job, learned in zip(jobs, judged, strict=True):
        (again,) = repeat(program, [job], [learned.rates])
        assert [a.tobytes() for a in again[0]] == [a.tobytes() for a in learned.weights[0]]
        (fresh,) = repeat(program, [job], [()])
        assert [a.tobytes() for a in fresh[0]] == [
            np.asarray(a).tobytes() for a in program.weights(job.seed)[0]
        ]
    monkeypatch.undo()
    both = program_of(network, 6, True)
    shorter = [judged[0].rates[:2], judged[1].rates]
    alone = [repeat(program, [job], [rates])[0] for job, rates in zip(jobs, shorter, strict=True)]
    for one, other in zip(repeat(both, jobs, shorter), alone, strict=True):
        for a, b in zip(one[0], other[0], strict=True):
            np.testing.assert_allclose(a, b, atol=2e-4)


@pytest.mark.parametrize("rates", [(1e30, 1e30), (1e38,)])
def test_a_repeated_course_that_explodes_ends_in_a_failure(rates):
    """Its losses are looked at, and its last weights: nothing else would show what the last step did."""
    data = arrays()
    network = changed(SMALL, clip_norm=None)
    program = program_of(network, 6, False)
    jobs = [job_of(network, program, data.train, data.valid, seed) for seed in (1, 2)]
    both = program_of(network, 6, True)
    with pytest.raises(Diverged, match=r"(nan|inf) in epoch \d at learning rate") as raised:
        repeat(both, jobs, [(1e-3,), rates])
    assert raised.value.member == 1
    with pytest.raises(Diverged):
        repeat(program, jobs[:1], [rates])


@pytest.mark.parametrize("spoilt", ["loss", "largest weight"])
def test_a_repeated_course_is_refused_for_a_loss_alone_and_for_a_weight_alone(spoilt, monkeypatch):
    data = arrays()
    program = program_of(SMALL, 6, False)
    job, real = job_of(SMALL, program, data.train, data.valid, 1), program.run_epoch

    def epoch(*given):
        (trainable, rest), optimizer, loss, gradient = real(*given)
        if spoilt == "loss":
            return (trainable, rest), optimizer, loss + jnp.inf, gradient
        return ([trainable[0] + jnp.inf, *trainable[1:]], rest), optimizer, loss, gradient

    monkeypatch.setitem(program.__dict__, "run_epoch", epoch)
    with pytest.raises(Diverged, match=f"the {spoilt} is inf in epoch 1"):
        repeat(program, [job], [(1e-3,)])


def test_luck_is_asked_of_the_best_epoch_and_not_of_the_last():
    data = arrays()
    program = program_of(SMALL, 6, False)
    job = job_of(SMALL, program, data.train, data.valid, 7)
    member = Member.of(0, job, program, SMALL.settings)
    _, capacity = batched(program, [job])
    member.judge_start(program, np.zeros_like(job.y))
    for forecasts in (job.y, -job.y):  # all that can be known, then the opposite of it
        member.next_order(program, capacity)
        member.judge_epoch(program, 1.0, 1.0, forecasts)
    assert not member.forget_luck(1.0)
    assert member.course.best_epoch == 1
