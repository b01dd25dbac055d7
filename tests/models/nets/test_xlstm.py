from __future__ import annotations

import functools
import math
from functools import partial

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.xlstm import (
    FLOOR,
    CausalConv,
    MLSTMBlock,
    SLSTMBlock,
    XLSTMBody,
    mlstm_parallel,
    slstm_recurrent,
    slstm_sliding,
)

FEATURES = 5
SMALL = {"lookback": 16, "burn_in": 6, "width": 8, "heads": 2, "blocks": 3, "slstm_at": (1,), "seed": 3}

# ---- The definition of the matrix memory, that the fast forms are held against


def mlstm_recurrent(q, k, v, i_pre, f_pre):
    """Run the matrix memory row by row; the definition that `mlstm_parallel` is held against.

    ::

        m_t = max(log f_t + m_{t-1}, i_t, 0)      f = sigmoid(f_pre), i = exp(i_pre), k divided by sqrt(d)
        C_t = f' C_{t-1} + i' v_t k_t'            f' = exp(log f_t + m_{t-1} - m_t),  i' = exp(i_pre - m_t)
        n_t = f' n_{t-1} + i' k_t
        h_t = C_t q_t / max(|n_t' q_t|, exp(-m_t))

    The 0 in m_t changes no h_t; without it exp(-m_t) would overflow for closed input gates.

    Parameters
    ----------
    q, k, v : (..., S, d)
        Queries, keys and values.
    i_pre, f_pre : (..., S)
        Input and forget gate before exp and sigmoid.

    Returns
    -------
    h : (..., S, d)
        What the memory answers to each query.
    m : (..., S)
        Log of the scale that C_t and n_t are kept in.
    """
    d = q.shape[-1]

    def step(state, row):
        memory, total, m_before = state
        q, k, v, i_pre, log_f = row
        m = jax.lax.stop_gradient(jnp.maximum(jnp.maximum(log_f + m_before, i_pre), 0.0))
        keep, add = jnp.exp(log_f + m_before - m)[..., None], jnp.exp(i_pre - m)[..., None]
        total = keep * total + add * k
        memory = keep[..., None] * memory + add[..., None] * v[..., :, None] * k[..., None, :]
        size = jnp.maximum(jnp.abs((total * q).sum(-1)), jnp.exp(-m))
        h = (memory * q[..., None, :]).sum(-1) / jnp.maximum(size, FLOOR)[..., None]
        return (memory, total, m), (h, m)

    rows = (q, k / math.sqrt(d), v, i_pre, jax.nn.log_sigmoid(f_pre))
    by_time = tuple(jnp.moveaxis(a, q.ndim - 2, 0) for a in rows)
    lead = q.shape[:-2]
    start = (jnp.zeros((*lead, d, d), q.dtype), jnp.zeros((*lead, d), q.dtype), jnp.zeros(lead, q.dtype))
    _, (h, m) = jax.lax.scan(step, start, by_time)
    return jnp.moveaxis(h, 0, -2), jnp.moveaxis(m, 0, -1)


# ---- Cells against values from elsewhere

QKV = (
    [[1, 0.5], [-0.5, 1], [0.3, -0.7]],
    [[0.2, 1], [1, -0.4], [-0.6, 0.8]],
    [[1, 2], [-1, 0.5], [0.7, -0.3]],
)
FORGET = [3.0, 1.0, -0.5]
CELLS = {  # input gates, h, m
    "plain": (
        [0.5, -1.0, 2.0],
        [
            [0.8160753935589934, 1.6321507871179868],
            [1.0011727935362194, 1.4170529801716887],
            [-0.7395020229293275, 0.19338970464803407],
        ],
        [0.5, 0.18673831248177714, 2.0],
    ),
    "large gates": (
        [60.0, -1.0, 90.0],
        [[1.0, 2.0], [1.0, 2.0], [-0.7000000000000067, 0.2999999999999486]],
        [60.0, 59.68673831248178, 90.0],
    ),
}
recurrence = jax.jit(mlstm_recurrent)
banded = jax.jit(mlstm_parallel, static_argnames="band")  # op by op, compilation would take minutes
chain = jax.jit(slstm_recurrent)
sliding = jax.jit(slstm_sliding, static_argnums=2)
FORMS = {
    "recurrent": recurrence,
    "parallel": banded,
    "chunked": lambda *a: banded(*(jnp.pad(x, [(0, 3), (0, 0)][: x.ndim]) for x in a), band=3),
}


@pytest.mark.parametrize("case", CELLS)
@pytest.mark.parametrize("form", FORMS)
def test_mlstm_gives_known_values(case, form):
    gates, h, m = CELLS[case]
    with jax.enable_x64(True):
        found_h, found_m = FORMS[form](*(jnp.asarray(a, "float64") for a in (*QKV, gates, FORGET)))
    assert np.asarray(found_h)[:3] == pytest.approx(np.array(h), abs=1e-9)
    assert np.asarray(found_m)[:3] == pytest.approx(np.array(m), abs=1e-9)


def test_slstm_gives_known_values():
    i, f, z, o = [0.5, -1, 2], [3, 1, -0.5], [0.5, -1, 2], [0, 1, -1]
    with jax.enable_x64(True):
        pre = jnp.asarray([i, f, z, o], "float64").T[None, :, None, :, None]
        h, m = chain(pre, jnp.zeros((1, 1, 4, 1)))
    assert np.asarray(h).ravel() == pytest.approx(
        [0.23105857863000487, 0.12863786099331556, 0.24349810894048718], abs=1e-12
    )
    assert np.asarray(m).ravel() == pytest.approx([0.5, 0.18673831248177714, 2.0], abs=1e-12)


# ---- One form against another


def mlstm_inputs(rows, gates, seed=0, lead=(2, 3), d=4):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.normal(size=(*lead, rows, d)) for _ in range(3))
    return q, k, v, gates * rng.normal(size=(*lead, rows)), gates * rng.normal(size=(*lead, rows))


def naive_band(q, k, v, i_pre, f_pre, band):
    """For each row the paper's recurrence, in numpy, from zero over the rows of its band alone."""
    h, m = np.zeros_like(v), np.zeros_like(i_pre)
    log_f, k = -np.logaddexp(0.0, -f_pre), k / np.sqrt(q.shape[-1])
    for at in np.ndindex(i_pre.shape):
        lead, t = at[:-1], at[-1]
        memory, total, scale = np.zeros((q.shape[-1],) * 2), np.zeros(q.shape[-1]), 0.0
        for s in range(max(0, t - band + 1), t + 1):
            new = max(log_f[*lead, s] + scale, i_pre[*lead, s], 0.0)
            keep, add = np.exp(log_f[*lead, s] + scale - new), np.exp(i_pre[*lead, s] - new)
            memory = keep * memory + add * np.outer(v[*lead, s], k[*lead, s])
            total, scale = keep * total + add * k[*lead, s], new
        h[at] = memory @ q[at] / max(abs(total @ q[at]), np.exp(-scale))
        m[at] = scale
    return h, m


@pytest.mark.parametrize("gates", [1.0, 10.0, 90.0])
def test_mlstm_parallel_is_the_recurrence(gates):
    with jax.enable_x64(True):
        inputs = [jnp.asarray(a) for a in mlstm_inputs(40, gates)]
        (h, m), (known_h, known_m) = banded(*inputs), recurrence(*inputs)
        assert np.abs(h - known_h).max() < 1e-12 * np.abs(known_h).max()
        assert np.abs(m - known_m).max() < 1e-12 * gates * 40


@pytest.mark.parametrize("rows", [3, 4, 5, 12, 14])
@pytest.mark.parametrize("gates", [1.0, 30.0])
def test_mlstm_in_chunks_is_the_recurrence_over_each_band(rows, gates):
    with jax.enable_x64(True):
        inputs = mlstm_inputs(rows, gates, seed=rows)
        known_h, known_m = naive_band(*inputs, band=4)
        h, m = banded(*(jnp.asarray(a) for a in inputs), band=4)
        assert h.shape == known_h.shape
        assert np.abs(h - known_h).max() < 1e-12 * np.abs(known_h).max()
        assert np.abs(m - known_m).max() < 1e-12 * gates * rows


def slstm_inputs(rows, size=1.0, batch=2, heads=3, d=4, dtype="float64"):
    rng = np.random.default_rng(rows)
    pre = size * rng.normal(size=(batch, rows, heads, 4, d))
    return jnp.asarray(pre, dtype), jnp.asarray(rng.normal(size=(heads, d, 4, d)), dtype)


@pytest.mark.parametrize("size", [1.0, 30.0])
def test_sliding_slstm_is_a_chain_from_zero_for_each_row(size):
    window = 5
    with jax.enable_x64(True):
        pre, recurrent = slstm_inputs(12, size)
        slid = np.asarray(sliding(pre, recurrent, window))
        assert slid.shape == (2, 8, 3, 4)
        for t in range(8):
            h, _ = chain(pre[:, t : t + window], recurrent)
            assert slid[:, t] == pytest.approx(np.asarray(h[:, -1]), abs=1e-12)


def test_slstm_heads_do_not_meet():
    with jax.enable_x64(True):
        pre, recurrent = slstm_inputs(6)
        other = pre.at[:, :, 0].add(1.0)
        (h, _), (changed, _) = chain(pre, recurrent), chain(other, recurrent)
    assert (h[:, :, 1:] == changed[:, :, 1:]).all()
    assert (h[:, :, 0] != changed[:, :, 0]).any()


# ---- Extreme gates


@functools.cache  # compiled once for all gates
def mlstm_slopes(band):
    def total(q, k, v, i_pre, f_pre):
        if band == 0:
            return mlstm_recurrent(q, k, v, i_pre, f_pre)[0].sum()
        return mlstm_parallel(q, k, v, i_pre, f_pre, band)[0].sum()

    return jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2, 3, 4)))


@functools.cache
def slstm_slopes(sliding):
    def total(pre, recurrent):
        return (slstm_sliding(pre, recurrent, 6) if sliding else slstm_recurrent(pre, recurrent)[0]).sum()

    return jax.jit(jax.value_and_grad(total, argnums=(0, 1)))


@pytest.mark.parametrize("i_pre", [-90.0, 90.0])
@pytest.mark.parametrize("f_pre", [-90.0, 90.0])
@pytest.mark.parametrize("band", [0, 3, None])
def test_mlstm_stays_finite_in_float32(i_pre, f_pre, band):
    q, k, v, noise, _ = (jnp.asarray(a, "float32") for a in mlstm_inputs(10, 1.0))
    inputs = q.at[:, :, 4].set(0.0), k, v, i_pre + noise, jnp.full_like(noise, f_pre)
    value, gradients = mlstm_slopes(band)(*inputs)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.parametrize("gates", [(a, b) for a in (-90.0, 90.0) for b in (-90.0, 90.0)])
@pytest.mark.parametrize("sliding", [True, False])
def test_slstm_stays_finite_in_float32(gates, sliding):
    pre, recurrent = slstm_inputs(10, dtype="float32")
    pre = pre.at[..., :2, :].add(jnp.asarray(gates, "float32")[:, None])
    value, gradients = slstm_slopes(sliding)(pre, recurrent)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in gradients)


@pytest.mark.slow
def test_gradients_of_both_mlstm_forms_agree():
    def total(form):
        return lambda *inputs: (form(*inputs)[0] ** 2).sum()

    with jax.enable_x64(True):
        inputs = [jnp.asarray(a) for a in mlstm_inputs(12, 3.0)]
        parallel, recurrent = (
            jax.grad(total(form), argnums=(0, 1, 2, 3, 4))(*inputs)
            for form in (mlstm_parallel, mlstm_recurrent)
        )
        for found, known in zip(parallel, recurrent, strict=True):
            assert np.abs(found - known).max() < 1e-10 * np.abs(known).max()


def test_mlstm_gradient_is_the_slope_although_the_scale_is_held():
    with jax.enable_x64(True):
        inputs = [jnp.asarray(a) for a in mlstm_inputs(8, 2.0, lead=(1, 1))]
        total = jax.jit(lambda *inputs: (mlstm_parallel(*inputs, band=5)[0] ** 2).sum())
        gradients = jax.jit(jax.grad(total, argnums=(3, 4)))(*inputs)
        for at, gradient in zip((3, 4), gradients, strict=True):
            step = np.zeros(8)
            step[2] = 1e-6
            more, less = ([*inputs[:at], inputs[at] + s, *inputs[at + 1 :]] for s in (step, -step))
            slope = float(total(*more) - total(*less)) / 2e-6
            assert float(gradient[0, 0, 2]) == pytest.approx(slope, rel=1e-5)


def test_slstm_gradient_is_the_slope_although_the_scale_is_held():
    with jax.enable_x64(True):
        pre, recurrent = slstm_inputs(8)
        total = jax.jit(lambda pre: (slstm_sliding(pre, recurrent, 5) ** 2).sum())
        gradient = jax.jit(jax.grad(total))(pre)
        for gate in range(4):
            step = np.zeros(pre.shape)
            step[0, 3, 1, gate, 2] = 1e-6
            slope = float(total(pre + step) - total(pre - step)) / 2e-6
            assert float(gradient[0, 3, 1, gate, 2]) == pytest.approx(slope, rel=1e-5)


# ---- The body


def rows_of(count, batch=2, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, count, FEATURES)).astype(np.float32)


def make(feeding="dense", **settings):
    body = XLSTMBody(feeding=feeding, **{**SMALL, **settings})
    body.build((None, None, FEATURES))
    return body


def awake(feeding="dense", **settings):
    """Return a body without a weight of 0, and its compiled call."""
    body = make(feeding, **settings)
    rng = np.random.default_rng(1)
    for variable in body.trainable_variables:
        variable.assign(variable.value + 0.2 * rng.normal(size=variable.shape).astype(np.float32))
    tokens = jax.jit(lambda x: body.stateless_call([v.value for v in body.trainable_variables], [], x)[0])
    return body, lambda x: np.asarray(tokens(x))


SHAPES = {
    "mixed": {},
    "matrix only": {"slstm_at": ()},
    "scalar only": {"blocks": 2, "slstm_at": (0, 1), "burn_in": 7},
    "smoothed": {"smoothing": "wavelet", "slstm_at": (2,), "conv": 2, "slstm_conv": 4},
}
# By hand: mLSTM blocks x (conv - 1 + band - 1) + sLSTM blocks x (conv - 1 + window - 1) + the filter's 6
HISTORY = {
    "mixed": 2 * (3 + 4) + 1 * (1 + 5),
    "matrix only": 3 * (3 + 2),
    "scalar only": 2 * (1 + 3),
    "smoothed": 2 * (1 + 2) + 1 * (3 + 5) + 6,
}
LENGTH = 10  # tokens of a stretch


@pytest.mark.parametrize("shape", SHAPES)
def test_history_is_what_was_counted_by_hand(shape):
    settings = {**SMALL, **SHAPES[shape]}
    body, filters = make(**settings), 6 if shape == "smoothed" else 0
    assert body.history == HISTORY[shape]
    assert body.history <= settings["lookback"] + settings["burn_in"] - 1
    assert make("windows", **settings).history == settings["lookback"] - 1 + filters


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_token_is_made_of_its_history_and_of_nothing_else(shape):
    body, call = awake(**SHAPES[shape])
    past = body.history
    x = rows_of(past + LENGTH)
    tokens = call(x)
    assert tokens.shape == (2, LENGTH, body.width)

    each = np.stack([x[:, t : t + past + 1] for t in range(LENGTH)], axis=1)  # (2, tokens, history + 1, F)
    alone = call(each.reshape(-1, past + 1, FEATURES)).reshape(tokens.shape)
    assert np.abs(alone - tokens).max() < 1e-5 * tokens.std()

    change = {}  # rows between a changed row and a token -> largest change of the token
    for row in range(past + LENGTH):
        other = x.copy()
        other[:, row] += 50.0
        for token, moved in enumerate(np.abs(call(other) - tokens).max(axis=(0, 2))):
            age = token + past - row
            change[age] = max(change.get(age, 0.0), moved)
    assert all(moved == 0.0 for age, moved in change.items() if age < 0)
    assert all(moved < 2e-6 for age, moved in change.items() if age > past)  # sums of gates round otherwise
    assert all(moved > 1e-5 for age, moved in change.items() if 0 <= age <= past)


@pytest.mark.parametrize("smoothing", ["none", "wavelet"])
def test_a_window_is_made_of_all_its_days(smoothing):
    body, call = awake("windows", smoothing=smoothing)
    x = rows_of(body.history + 1)
    token = call(x)
    assert token.shape == (2, 1, body.width)
    for row in range(body.history + 1):
        other = x.copy()
        other[:, row] += 5.0
        assert np.abs(call(other) - token).max() > 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("scalar", [(), (0,)])
def test_one_block_says_the_same_in_both_feedings(scalar):
    settings = {"blocks": 1, "slstm_at": scalar, "conv": 1, "slstm_conv": 1, "lookback": 9, "burn_in": 9}
    (dense, stretch), (windows, window) = awake("dense", **settings), awake("windows", **settings)
    assert dense.history == windows.history == 8
    x = rows_of(9)
    assert np.abs(stretch(x) - window(x)).max() < 1e-5 * window(x).std()


def test_both_feedings_have_the_same_weights():
    for one, other in zip(make("dense").variables, make("windows").variables, strict=True):
        assert one.path == other.path
        assert (np.asarray(one) == np.asarray(other)).all()


@pytest.mark.slow
def test_tokens_are_made_for_many_weights_at_once():
    body, call = awake(blocks=2)
    x = rows_of(body.history + 2)
    weights = [v.value for v in body.trainable_variables]
    stacked = [jnp.stack([0.5 * w, w]) for w in weights]
    both = jax.jit(jax.vmap(lambda weights: body.stateless_call(weights, [], x)[0]))(stacked)
    assert np.asarray(both[1]) == pytest.approx(call(x), abs=1e-5)
    assert np.abs(both[0] - both[1]).max() > 0.1


def test_dropout_drops_in_training_only_and_repeats_with_its_seed():
    bodies = [make("windows", blocks=1, slstm_at=(), dropout=0.5, seed=seed) for seed in (3, 3, 4)]
    x = rows_of(bodies[0].history + 1)
    weights = [v.value for v in bodies[0].trainable_variables]

    @partial(jax.jit, static_argnums=1)
    def call(state, training):
        return bodies[0].stateless_call(weights, state, x, training=training)[0]

    first, again, other = ([v.value for v in body.non_trainable_variables] for body in bodies)
    assert (call(first, False) == call(other, False)).all()
    assert (call(first, True) != call(first, False)).any()
    assert (call(first, True) == call(again, True)).all()
    assert (call(first, True) != call(other, True)).any()


# ---- Weights before training


def weights(layer):
    return {v.path.removeprefix("block/"): np.asarray(v) for v in layer.weights}


def test_mlstm_starts_as_published():
    block = MLSTMBlock(heads=4, conv=4, qkv_block=2, band=8, blocks=4, dropout=0.0, seed=1, name="block")
    block.build((None, None, 256))
    found = weights(block)
    assert found["forget_bias"] == pytest.approx(np.array([3.0, 4.0, 5.0, 6.0]))
    assert (found["gates"] == 0.0).all()
    assert found["gates"].shape == (3 * 512, 8)
    assert (found["skip"] == 1.0).all()
    assert found["up"].std() == pytest.approx(np.sqrt(2 / (5 * 256)), rel=0.02)
    assert found["down"].std() == pytest.approx(2 / 4 / 16, rel=0.02)
    assert found["query"].shape == (256, 2, 2)
    assert 0.0 < np.abs(found["input_bias"]).max() < 0.4  # four draws of sd .1


def test_slstm_starts_as_published():
    block = SLSTMBlock(
        heads=2, conv=2, window=8, ffn=1.1, place=1, blocks=4, dropout=0.0, seed=1, name="block"
    )
    block.build((None, None, 6))
    found = weights(block)
    assert (found["recurrent_kernel"] == 0.0).all()
    assert (found["bias"][:, [0, 2, 3]] == 0.0).all()
    # 5 - 12 x (channel / 2) ^ (.3 + 1.3 / 3); one half to the power .7333 is .60151
    assert found["bias"][:, 1] == pytest.approx(np.array([[5.0, -2.21813, -7.0]] * 2), abs=1e-4)
    assert found["up"].shape == (6, 2 * 7)


def test_the_seed_is_the_only_source_of_randomness():
    keras.utils.set_random_seed(1)
    first = make().get_weights()
    keras.utils.set_random_seed(2)
    again, other = make().get_weights(), make(seed=4).get_weights()
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    drawn = [a for a in first if a.size > 1 and a.std() > 0.0]
    assert len({a.tobytes() for a in drawn}) >= len(drawn) - 1  # the two forget biases are fixed, hence equal
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_a_convolution_sums_the_newest_first():
    conv = CausalConv(2, padded=True, seed=1, name="conv")
    conv.build((None, None, 1))
    conv.kernel.assign([[2.0], [3.0]])
    x = np.array([[[1.0], [10.0]]], dtype=np.float32)
    total = np.array([2.0, 23.0])
    assert np.asarray(conv(x)).ravel() == pytest.approx(total / (1 + np.exp(-total)))


# ---- Settings that do not fit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lookback": 9}, "lookback 9 is too short for 3 blocks in dense feeding; give at least 10"),
        ({"burn_in": 1}, "burn_in 1 is too short for 1 sLSTM blocks in dense feeding; give at least 2"),
        ({"slstm_at": (0, 1), "burn_in": 2}, "give at least 3"),
        ({"heads": 3}, "heads must divide width, got 3 heads for width 8"),
        ({"qkv_block": 3}, "qkv_block must divide 2 x width"),
        ({"slstm_at": (3,)}, "slstm_at must lie in 0 to 2"),
        ({"feeding": "stretch"}, "feeding must be one of dense, windows, got 'stretch'"),
        ({"smoothing": "ema"}, "smoothing must be one of none, wavelet, got 'ema'"),
        ({"ffn": 0.0}, "ffn x width must be at least 1, got 0.0 for width 8"),
        ({"conv": 0}, "conv must be at least 1, got 0"),
    ],
)
def test_refuses_what_does_not_fit(settings, message):
    with pytest.raises(SettingError, match=message):
        XLSTMBody(**{"feeding": "dense", **SMALL, **settings})


def test_the_shortest_lookback_works():
    body = make(lookback=10, burn_in=2)
    assert (body.band, body.window) == (2, 2)
    assert body.history == 9 + 1


@pytest.mark.parametrize(("feeding", "more"), [("dense", 0), ("windows", 0), ("windows", 2)])
def test_refuses_rows_that_do_not_fit(feeding, more):
    body = make(feeding)
    with pytest.raises(SettingError, match=f"{body.history + 1} rows, got"):
        body(rows_of(body.history + more))
