"""The schedule against Keras' own callbacks."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.models.nets.backend import keras
from geiger.models.nets.schedule import Course, Schedule


class Course1:
    """Keras' two callbacks on a stand-in model, told the same losses."""

    def __init__(self, schedule):
        self.model = keras.Sequential([keras.layers.Dense(1)])
        self.model.build((None, 1))
        self.model.compile(optimizer=keras.optimizers.Adam(schedule.learning_rate), loss="mse")
        self.plateau = keras.callbacks.ReduceLROnPlateau(
            "val_loss",
            factor=schedule.plateau_factor,
            patience=schedule.plateau_patience,
            min_lr=schedule.min_rate,
            mode="min",
        )
        self.stop = keras.callbacks.EarlyStopping(
            "val_loss", patience=schedule.stop_patience, restore_best_weights=True, mode="min"
        )
        for callback in (self.plateau, self.stop):
            callback.set_model(self.model)
            callback.on_train_begin()

    def take(self, epoch, val_loss):
        for callback in (self.plateau, self.stop):
            callback.on_epoch_end(epoch, {"val_loss": val_loss})
        return float(self.model.optimizer.learning_rate), bool(self.model.stop_training), self.stop.best_epoch


@pytest.mark.parametrize("seed", range(4))
def test_schedule_does_what_keras_callbacks_do(seed):
    schedule = Schedule(
        learning_rate=1e-3, plateau_patience=3, stop_patience=8, min_rate=2e-4, start_counts=False
    )
    rng = np.random.default_rng(seed)
    losses = 1.0 + 0.3 * np.exp(-np.arange(60) / 6) + 0.003 * rng.normal(size=60).cumsum()
    ours, theirs = Course(schedule), Course1(schedule)
    for epoch, loss in enumerate(losses):
        ours.take(epoch, loss)
        rate, stopped, best = theirs.take(epoch, loss)
        assert ours.rate == pytest.approx(rate, rel=1e-6)
        assert (ours.stopped, ours.best_epoch) == (stopped, best)
        if stopped:
            break
    assert ours.rate < 1e-3


def test_patience_in_steps_waits_as_many_steps_whatever_the_batch():
    schedule = Schedule(stop_patience=12, plateau_patience=6, patience_unit="steps", learning_rate=1e-3)
    for steps, stop, cut in ((1, 12, 6), (4, 3, 2), (6, 2, 1)):
        course, cuts = Course(schedule, steps), []
        course.start(1.0)
        course.take(1, 0.5)
        epoch = 1
        while not course.stopped:
            epoch += 1
            course.take(epoch, 0.9)
            cuts.append(course.rate)
        assert epoch - 1 == stop
        assert cuts.index(5e-4) + 1 == cut


def test_untrained_network_is_a_candidate_only_where_the_schedule_says_so():
    counts, plain = Course(Schedule()), Course(Schedule(start_counts=False))
    assert counts.start(1.0)
    assert not plain.start(1.0)
    assert not counts.take(1, 1.1)
    assert plain.take(1, 1.1)
    assert (counts.best_epoch, plain.best_epoch) == (0, 1)
