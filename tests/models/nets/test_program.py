from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays, join
from geiger.models.nets.forecaster import XLSTMTS, job_of, program_of
from geiger.models.nets.program import Program
from geiger.models.nets.stretches import forecast
from geiger.settings import Weighting, XLSTMSettings
from helpers.networks import SMALL, arrays, changed, drained, market

pytestmark = pytest.mark.slow  # each shape is compiled


def test_long_stretches_and_windows_of_one_day_are_the_same_network():
    """Same weights, same forecasts; and one step on all rows moves them alike, however they are cut."""
    data = arrays()
    found, moved = [], []
    for stretch in (1, 16):
        network = changed(SMALL, stretch=stretch, dropout=0.0, batch_size=1024, epochs=1)
        program = program_of(network, 6, False)
        job = job_of(network, program, data.train, data.valid, 7)
        found.append(forecast(program, replace(job, base=job.base), program.weights(7), job.valid)[1])
        _, (learned,) = drained(program, [job], replace(network.settings, keep_best=False))
        moved.append(learned.weights[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-5 * found[0].std())
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_scattered_rows_are_forecast_like_all_of_them():
    data = arrays()
    predictor = SMALL.fit(data.train, data.valid, seed=1)
    whole, rows = predictor.predict(data.test), data.test.rows
    for every in (2, 7):
        np.testing.assert_allclose(
            predictor.predict(data.test.take(rows[::every])), whole[::every], atol=1e-6
        )


def test_rows_on_both_sides_of_a_gap_are_covered_once():
    program = program_of(SMALL, 6, False)
    rows = np.r_[20:75, 76:131]  # the last stretch of the first run reaches into the second
    starts = program.stretches(rows) + program.history
    covered = (starts[:, None] + np.arange(16)).ravel()
    assert np.isin(rows, covered).all()
    assert len(np.unique(covered)) == len(covered)


def test_penalty_and_head_are_the_variables_they_are_named_for():
    for network in (SMALL, XLSTMTS(XLSTMSettings(width=8, blocks=2, lookback=12, burn_in=4, skip="zeros"))):
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
        assert allowed.isdisjoint(names[i].split("/")[-1] for i in program.kernels)


def test_the_loss_of_an_epoch_is_that_of_its_rows_each_counted_once():
    """At a rate of nothing: the mean over batches of unequal weight, and what fills a batch up is no row."""
    features, target, last = market()
    fold = Fold(0, range(0, 280), range(281, 340), range(341, 380))  # its first row is where pads point
    data = fold_arrays(features, target, fold, last_return=last, weighting=Weighting(recency_half_life=40))
    network = changed(SMALL, batch_size=48, dropout=0.0)  # 3 stretches a batch; the last one is not full
    program = program_of(network, 6, False)
    job = job_of(network, program, data.train, data.valid, 7)
    assert len(program.stretches(job.train)) % program.per_batch
    assert job.weight[job.train[0]] > 0.0
    assert job.train[0] == program.history
    records, _ = drained(program, [job], replace(network.settings, epochs=1, learning_rate=1e-30))
    start, epoch = records
    assert epoch.loss == pytest.approx(start.loss, rel=1e-5)


def test_short_and_long_series_share_one_pair_of_programs(monkeypatch):
    """A walk begins with a short fold; its bits do not depend on how far its series are filled up."""
    traced = Counter()
    for name in ("_epoch", "_forecast"):
        real = getattr(Program, name)

        def tracing(self, *args, real=real, name=name):
            traced[self, name] += 1
            return real(self, *args)

        tracing.__name__ = name
        monkeypatch.setattr(Program, name, tracing)
    network = changed(
        SMALL, batch_size=80, refit=True, skip="ridge"
    )  # of no other test: nothing is compiled yet
    data = arrays()
    program = program_of(network, 6, False)
    first, second = network.fit_fold(data.train, data.valid, [1, 2])
    for predictor in (first, second):
        for block in (data.test, join(data.train, data.valid)):
            predictor.predict(block)
    long = [np.concatenate([part] * 2) for part in market()]
    fold = Fold(0, range(40, 660), range(661, 719), range(720, 760))
    longer = fold_arrays(long[0], long[1], fold, last_return=long[2])
    network.fit(longer.train, longer.valid, seed=1).predict(longer.test)
    assert traced == {(program, "_epoch"): 1, (program, "_forecast"): 1}
    alone = changed(network, batch_size=79)  # 4 stretches in a batch as well, and programs of its own
    assert program_of(alone, 6, False) is not program
    fresh = replace(first, network=alone).predict(data.test)
    assert fresh.tobytes() == first.predict(data.test).tobytes()
    assert traced[program_of(alone, 6, False), "_forecast"] == 1


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
