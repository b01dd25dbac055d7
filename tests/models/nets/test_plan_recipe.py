"""Recipe ``plan`` is the plan, on the object that is really trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.experiment.plan import Experiment
from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models.nets.backend import jnp, keras
from geiger.models.nets.forecaster import job_of, program_of
from geiger.models.nets.loop import train
from geiger.models.nets.losses import DirectionalMSE
from geiger.models.nets.lstm_transformer import WindowAttention
from geiger.models.nets.schedule import Course
from geiger.models.nets.stretches import forecast
from geiger.settings import ScheduleSettings, recipe
from geiger.settings.setting import known_settings

pytestmark = pytest.mark.slow  # each shape is compiled

FOLD = Fold(0, range(80, 280), range(281, 340), range(341, 380))


@pytest.fixture(scope="module")
def planned():
    """The network of `geiger train lstm --recipe plan`, made as the command makes it."""
    _, network, notices = Experiment("AAPL", "lstm", recipe("plan")).forecaster()
    assert notices == ()
    return network


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(380, 6))
    target = 0.0005 + 0.01 * rng.normal(size=380)
    return fold_arrays(features, target, FOLD, last_return=np.append(0.0, target[:-1]))


@pytest.fixture(scope="module")
def program(planned):
    return program_of(planned, 6, False)


def test_loss_is_the_plans(program):
    assert type(program.loss) is DirectionalMSE
    assert program.loss.direction_weight == 0.5
    y, f = jnp.asarray([1.0, -1.0, 2.0]), jnp.asarray([0.5, 0.5, -1.0])
    by_hand = [(0.5**2), 1.5**2 + 0.5 * 1.5, 3.0**2 + 0.5 * 3.0]
    np.testing.assert_allclose(program.loss.call(y, f), by_hand)


def test_optimizer_is_adam_with_the_plans_rate_and_clipping(program, planned):
    assert type(program.optimizer) is keras.optimizers.Adam
    assert program.optimizer.clipnorm == 1.0
    assert program.optimizer.global_clipnorm is None
    assert Course(planned.settings).rate == planned.settings.learning_rate == 1e-3
    assert planned.settings.weight_decay == 0.0


def test_schedule_is_the_plans_two_callbacks(planned):
    schedule = planned.settings
    assert (schedule.plateau_factor, schedule.plateau_patience, schedule.min_rate) == (0.5, 10, 1e-6)
    assert (schedule.stop_patience, schedule.keep_best, schedule.start_counts) == (30, True, False)
    assert schedule.patience_unit == "epochs"
    assert (schedule.epochs, planned.settings.batch_size, planned.settings.refit) == (50, 512, False)


def test_a_batch_is_512_windows_of_60_days(program):
    assert (program.length, program.per_batch, program.history) == (1, 512, 59)


def test_head_starts_at_zero_and_adds_to_the_last_return_in_the_targets_unit(program, planned, data):
    job = job_of(planned, program, data.train, data.valid, 3)
    trainable, _ = program.weights(3)
    own = {id(v) for v in program.net.head.trainable_variables}
    head = [w for w, v in zip(trainable, program.net.trainable_variables, strict=True) if id(v) in own]
    assert [weight.shape for weight in head] == [(64, 1), (1,)]
    assert all(not np.asarray(weight).any() for weight in head)
    found = forecast(program, job, program.weights(3), job.valid)[0]
    in_returns = data.scaler.restore(found.astype(np.float64) + data.train.zero)
    last = data.valid.history.last_return[data.valid.history.at(data.valid.rows)]
    np.testing.assert_allclose(in_returns, last * data.scaler.target_std + data.scaler.target_mean, atol=1e-8)


def test_attention_is_unmasked_and_all_tokens_are_averaged(program):
    body = program.net.body
    assert [type(block.attention) for block in body.blocks] == [WindowAttention] * 4
    assert not any(block.attention.causal for block in body.blocks)
    assert body.readout == "mean"
    assert [layer.units for layer in body.chain] == [32]
    assert not any(layer.stateful for layer in body.chain)


def test_the_four_kernels_of_attention_start_apart(program):
    attention = program.net.body.blocks[0].attention.attention
    kernels = [np.asarray(v).ravel() for v in attention.trainable_variables if "kernel" in v.name]
    assert len(kernels) == 4
    for i in range(4):
        for j in range(i):
            assert abs(np.corrcoef(kernels[i], kernels[j])[0, 1]) < 0.1


def test_the_trained_object_follows_these_settings(program, planned, data):
    """One real epoch of the plan's network: one step, from a head at zero, on all windows."""
    job = job_of(planned, program, data.train, data.valid, 3)
    records, loop = [], train(program, [job], replace(planned.settings, epochs=1))
    while True:
        try:
            records += next(loop)
        except StopIteration as end:
            (learned,) = end.value
            break
    assert [record.epoch for record in records] == [1]
    assert learned.steps == 1
    errors = job.y[job.train] - job.base[job.train]
    wrong = np.sign(job.y[job.train]) != np.sign(job.base[job.train])
    assert records[0].loss == pytest.approx(
        float(np.mean(errors**2 + 0.5 * np.abs(errors) * wrong)), rel=1e-4
    )


def test_the_xlstm_gets_the_same_training():
    _, network, _ = Experiment("AAPL", "xlstm", recipe("plan")).forecaster()
    _, other, _ = Experiment("AAPL", "lstm", recipe("plan")).forecaster()
    for name in ("loss", "direction_weight", "residual", "skip", "epochs", "batch_size", "learning_rate"):
        assert getattr(network.settings, name) == getattr(other.settings, name)
    for name in known_settings(ScheduleSettings):
        assert getattr(network.settings, name) == getattr(other.settings, name)
