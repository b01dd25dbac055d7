from __future__ import annotations

import numpy as np
import pytest

from geiger.models.nets.heads import ForecastNet, ResidualHead
from helpers.bodies import WIDTH, body, days


@pytest.mark.parametrize("skip", [True, False])
def test_every_weight_of_the_head_starts_at_zero_and_the_forecast_at_the_base(skip):
    net = ForecastNet(body(), ResidualHead(skip=skip))
    length = 4
    rows = net.body.history + length
    net.build((2, rows, WIDTH), (2, length))
    head = net.head.trainable_variables
    assert len(head) == (3 if skip else 2)
    assert all(not np.asarray(v).any() for v in head)
    base = np.random.default_rng(4).normal(size=(2, length)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(net(days(rows), base)), base)
    net.head.change.kernel.assign(np.ones((8, 1)))
    forecasts, tokens = net(days(rows), base, tokens=True)
    np.testing.assert_allclose(forecasts, base + np.asarray(tokens).sum(axis=2), atol=1e-5)


def test_same_seed_same_weights_and_another_seed_others():
    nets = [ForecastNet(body(seed=seed), ResidualHead(skip=True)) for seed in (1, 1, 2)]
    for net in nets:
        net.build((2, net.body.history + 1, WIDTH), (2, 1))
    first, again, other = ([np.asarray(v) for v in net.trainable_variables] for net in nets)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    kernels = [i for i, v in enumerate(nets[0].trainable_variables) if "body" in v.path and first[i].ndim > 1]
    drawn = [i for i in kernels if first[i].any()]
    assert len(drawn) > 8
    assert all(not np.array_equal(first[i], other[i]) for i in drawn)
