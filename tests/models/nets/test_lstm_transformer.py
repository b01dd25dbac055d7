"""The body against a second engine, and what each of its tokens may depend on."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.lstm_transformer import (
    BandedAttention,
    SlidingLSTM,
    WindowAttention,
    slide,
)
from helpers.bodies import WIDTH, body, days


def spread_apart(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).max() / np.asarray(a).std())


@pytest.mark.slow
@pytest.mark.parametrize("units", [(4,), (4, 3)])
def test_sliding_lstm_is_keras_lstm_on_each_days_own_past(units):
    layer = SlidingLSTM(units, 7, seed=1)
    x = days(20)
    found = np.asarray(layer(x))
    chain = keras.Sequential(
        [keras.layers.LSTM(u, return_sequences=i + 1 < len(units)) for i, u in enumerate(units)]
    )
    chain.build((None, 7, WIDTH))
    for theirs, ours in zip(chain.layers, layer.cells, strict=True):
        theirs.set_weights([np.asarray(w) for w in ours])
    expected = np.stack([np.asarray(chain(x[:, d : d + 7])) for d in range(14)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_written_gradient_of_the_slide_is_that_of_the_plain_scan():
    rng = np.random.default_rng(1)
    projected = jnp.asarray(rng.normal(size=(2, 15, 12)).astype(np.float32))
    recurrent = jnp.asarray(rng.normal(size=(3, 12)).astype(np.float32) / 2)

    def plain(projected, recurrent):
        hidden = cell = jnp.zeros((2, 11, 3))
        for age in range(5):
            i, f, g, o = jnp.split(projected[:, age : age + 11] + hidden @ recurrent, 4, axis=-1)
            cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
            hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return hidden

    def size(function):
        return lambda p, r: jnp.sum(function(p, r) ** 3)

    ours = jax.grad(size(lambda p, r: slide(p, r, 5)), argnums=(0, 1))(projected, recurrent)
    theirs = jax.grad(size(plain), argnums=(0, 1))(projected, recurrent)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)


@pytest.mark.parametrize("n", [3, *(pytest.param(n, marks=pytest.mark.slow) for n in (4, 12, 17)), 9])
def test_banded_attention_is_plain_attention_under_a_mask(n):
    layer = BandedAttention(2, 3, 4, seed=1, name="attention")
    x = days(n)
    layer.build((2, n, WIDTH))
    layer.distance.assign(np.random.default_rng(2).normal(size=(2, 4)))
    into, out = np.asarray(layer.into), np.asarray(layer.out)
    query, key, value = np.split((x @ into).reshape(2, n, 3, 2, 3), 3, axis=2)
    expected = np.zeros((2, n, 2, 3))
    for t in range(n):
        seen = list(range(max(0, t - 3), t + 1))
        for h in range(2):
            scores = np.einsum("bk,bsk->bs", query[:, t, 0, h], key[:, seen, 0, h]) / np.sqrt(3)
            scores = scores + np.asarray(layer.distance)[h, [t - s for s in seen]]
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            expected[:, t, h] = np.einsum("bs,bsk->bk", weights, value[:, seen, 0, h])
    np.testing.assert_allclose(np.asarray(layer(x)), expected.reshape(2, n, 6) @ out, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("units", [(4,), (4, 4)])
def test_a_token_is_a_function_of_its_own_past_wherever_the_stretch_starts(units):
    layer = body(lstm=units)
    x = days(60)
    whole = np.asarray(layer(x))
    assert whole.shape == (2, 60 - layer.history, 8)
    for start in (0, 5, 31):
        stretch = np.asarray(layer(x[:, start : start + layer.history + 9]))
        assert spread_apart(whole[:, start : start + 9], stretch) < 1e-5
        alone = np.asarray(layer(x[:, start : start + layer.history + 1]))  # a window, by the same weights
        assert spread_apart(whole[:, start : start + 1], alone) < 1e-5


@pytest.mark.slow
def test_reach_is_lookback_and_burn_in_and_no_day_more():
    layer = body()
    assert layer.history == 12 + 5  # 13 days of attention, 6 of memory, one of them shared
    assert layer.history + 1 <= 13 + 6
    x = jnp.asarray(days(30, batch=1))
    day = 4  # token of row history + 4
    seen = jax.grad(lambda x: jnp.sum(layer(x)[0, day] ** 2))(x)[0]
    touched = np.flatnonzero(np.abs(np.asarray(seen)).sum(axis=1))
    assert touched.tolist() == list(range(day, day + layer.history + 1))


def test_a_future_day_changes_no_earlier_token():
    layer = body()
    x = days(40)
    other = x.copy()
    other[:, 31:] = 9.0
    before = 31 - layer.history
    np.testing.assert_array_equal(np.asarray(layer(x))[:, :before], np.asarray(layer(other))[:, :before])
    assert not np.array_equal(np.asarray(layer(x))[:, before:], np.asarray(layer(other))[:, before:])


@pytest.mark.slow
def test_window_body_reads_the_last_token_or_the_mean_of_all():
    settings = {"feeding": "windows", "burn_in": 0, "dropout": 0.0}
    x = days(13)
    last, mean = (body(**settings, readout=readout) for readout in ("last", "mean"))
    assert last.history == mean.history == 12
    assert np.asarray(last(x)).shape == np.asarray(mean(x)).shape == (2, 1, 8)
    assert not np.allclose(last(x), mean(x))


@pytest.mark.slow
def test_long_memory_warms_the_lstm_before_the_window():
    plain, warm = body(feeding="windows", burn_in=0), body(feeding="windows", burn_in=6)
    assert warm.history == plain.history + 6
    x = days(19)
    assert not np.allclose(plain(x[:, 6:]), warm(x))
    other = x.copy()
    other[:, 0] = 5.0  # only the memory sees it
    assert not np.array_equal(warm(x), warm(other))


def test_causal_windows_never_look_forward_and_plain_ones_do():
    x = days(9)
    for causal in (True, False):
        layer = WindowAttention(2, 4, causal=causal, seed=1, name="attention")
        other = x.copy()
        other[:, -1] = 5.0
        same = np.array_equal(np.asarray(layer(x))[:, :-1], np.asarray(layer(other))[:, :-1])
        assert same is causal


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"readout": "mean"}, "reads the last token"),
        ({"burn_in": 0}, "burn_in of at least 1"),
        ({"lookback": 2}, "too short for 2 blocks"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        body(**changes)
