"""xLSTM-TS: blocks with matrix memory (mLSTM) and scalar memory (sLSTM), one on the other.

Cells and blocks after Beck et al. (2024), their order after Lopez Gil et al. (2024). Two ways to feed it:

``windows``
    One window of `lookback` days gives one token. Memories start from zero at its first day.
``dense``
    A stretch of days gives a token for each of them. What a token may depend on is fixed by construction,
    layer by layer: an mLSTM looks back on a band of days, an sLSTM starts from zero a fixed number of days
    before, a convolution has its kernel. Each layer drops the first rows that it cannot compute in full, so a
    token is the same wherever the stretch starts.

Gates work in log space and are never clipped. Their scale m cancels out of the result, so no gradient runs
through it.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geiger.errors import SettingError
from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.smoothing import CausalSmoothing
from geiger.seeds import derive

Array = jax.Array
Feeding = Literal["dense", "windows"]
Smoothing = Literal["none", "wavelet"]

FLOOR = 1e-6  # least normaliser of an mLSTM: a large input gate lets exp(-m) vanish, and n'q may be 0


def mlstm_parallel(
    q: Array, k: Array, v: Array, i_pre: Array, f_pre: Array, band: int | None = None
) -> tuple[Array, Array]:
    """Run the matrix memory for all rows at once.

    ::

        log D_ts = sum of log f over rows s+1 to t, plus i_pre_s, for t - band < s <= t;  else -inf
        m_t = max(max_s log D_ts, 0)
        S = (q k' / sqrt(d)) * exp(log D - m)
        h_t = S_t v / max(|sum_s S_ts|, exp(-m_t))

    With a band, rows are cut into chunks of `band`; a chunk's queries meet the keys of their own and of the
    chunk before, which hold all that the band allows. Cost grows with S x 2 band, never S x S.

    Parameters
    ----------
    q, k, v : (..., S, d)
        Queries, keys and values.
    i_pre, f_pre : (..., S)
        Input and forget gate before exp and sigmoid.
    band : int, optional
        Rows that a row's memory holds, its own included; all earlier ones by default.

    Returns
    -------
    h : (..., S, d)
        What the memory answers to each query. The first band - 1 rows have a shorter past.
    m : (..., S)
        Log of the scale of S.
    """
    rows, axis = q.shape[-2], q.ndim - 2
    log_f = jax.nn.log_sigmoid(f_pre)
    if band is None or band >= rows:
        return _weigh(q, k, v, i_pre, log_f, np.tri(rows, dtype=bool))
    count = -(-rows // band)

    def chunks(a: Array) -> Array:  # (..., count, band, ...)
        end = [(0, count * band - rows if i == axis else 0) for i in range(a.ndim)]
        return jnp.pad(a, end).reshape(*a.shape[:axis], count, band, *a.shape[axis + 1 :])

    def and_before(a: Array) -> Array:  # (..., count, 2 band, ...)
        shift = [(1 if i == axis else 0, 0) for i in range(a.ndim)]
        before = jax.lax.slice_in_dim(jnp.pad(a, shift), 0, count, axis=axis)
        return jnp.concatenate([before, a], axis=axis + 1)

    query, key = np.arange(band)[:, None], np.arange(2 * band) - band
    inside = (key <= query) & (key > query - band)
    real = np.arange(count)[:, None, None] * band + key >= 0  # nothing stands before the first chunk
    k, v, i_pre, log_f = (and_before(chunks(a)) for a in (k, v, i_pre, log_f))
    h, m = _weigh(chunks(q), k, v, i_pre, log_f, inside & real)
    h = h.reshape(*q.shape[:axis], count * band, q.shape[-1])
    m = m.reshape(*q.shape[:axis], count * band)
    return jax.lax.slice_in_dim(h, 0, rows, axis=axis), jax.lax.slice_in_dim(m, 0, rows, axis=axis)


def _weigh(
    q: Array, k: Array, v: Array, i_pre: Array, log_f: Array, seen: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Answer queries (..., c, d), the last c of the rows of k and v (..., s, d), where `seen` (..., c, s)."""
    # A running sum as a product with ones compiles several times faster than `cumsum`, and runs no slower.
    decay = jnp.matmul(log_f, np.tri(log_f.shape[-1], dtype=log_f.dtype).T, precision="highest")
    log_d = decay[..., -q.shape[-2] :, None] - decay[..., None, :] + i_pre[..., None, :]  # (..., c, s)
    log_d = jnp.where(seen, log_d, -jnp.inf)
    m = jax.lax.stop_gradient(jnp.maximum(log_d.max(-1), 0.0))
    scores = jnp.einsum("...td,...sd->...ts", q, k) / math.sqrt(q.shape[-1]) * jnp.exp(log_d - m[..., None])
    size = jnp.maximum(jnp.abs(scores.sum(-1)), jnp.exp(-m))
    h = jnp.einsum("...ts,...sd->...td", scores, v) / jnp.maximum(size, FLOOR)[..., None]
    return h, m


def slstm_recurrent(pre: Array, recurrent: Array) -> tuple[Array, Array]:
    """Run the scalar memory row by row, from zero.

    ::

        i, f, z, o = pre_t + h_{t-1} R
        m_t = max(log sigmoid(f) + m_{t-1}, i),  m_1 = i_1
        c_t = f' c_{t-1} + i' tanh(z)             f' = exp(log sigmoid(f) + m_{t-1} - m_t),  i' = exp(i - m_t)
        n_t = f' n_{t-1} + i'
        h_t = sigmoid(o) c_t / n_t

    Parameters
    ----------
    pre : (B, S, heads, 4, d)
        What the inputs add to the gates i, f, z, o.
    recurrent : (heads, d, 4, d)
        What the last h of a head adds to the gates of the same head.

    Returns
    -------
    h, m : (B, S, heads, d)
        Output, and log of the scale that c and n are kept in.
    """
    rows, kernel = _by_head(pre), _flat(recurrent)

    def step(state: tuple[Array, ...], row: Array) -> tuple[tuple[Array, ...], tuple[Array, Array]]:
        state = _slstm_step(state, row, kernel)
        return state, (state[0], state[-1])

    heads, _, batch, gates = rows.shape
    _, (h, m) = jax.lax.scan(step, _slstm_start((heads, batch, gates // 4), pre.dtype), rows.swapaxes(0, 1))
    return jnp.transpose(h, (2, 0, 1, 3)), jnp.transpose(m, (2, 0, 1, 3))


def slstm_sliding(pre: Array, recurrent: Array, window: int) -> Array:
    """Return for each row what an sLSTM says that started from zero `window` - 1 rows before.

    All rows run side by side: step j of the scan takes row j of each window. That is one large product a step
    and `window` steps, however long the stretch is.

    Parameters
    ----------
    pre : (B, S, heads, 4, d)
        What the inputs add to the gates i, f, z, o.
    recurrent : (heads, d, 4, d)
        What the last h of a head adds to the gates of the same head.
    window : int
        Rows that each output has seen, its own included.

    Returns
    -------
    (B, S - window + 1, heads, d)
        The last output of each window.
    """
    rows, kernel = _by_head(pre), _flat(recurrent)
    heads, total, batch, gates = rows.shape
    count = total - window + 1

    @jax.checkpoint  # the way back keeps 4 arrays a step, not 15: faster, and a third of the memory
    def step(state: tuple[Array, ...], age: Array) -> tuple[tuple[Array, ...], None]:
        row = jax.lax.dynamic_slice_in_dim(rows, age, count, axis=1).reshape(heads, count * batch, gates)
        return _slstm_step(state, row, kernel), None

    start = _slstm_start((heads, count * batch, gates // 4), pre.dtype)
    (h, *_), _ = jax.lax.scan(step, start, jnp.arange(window))
    return jnp.transpose(h.reshape(heads, count, batch, gates // 4), (2, 1, 0, 3))


def _by_head(pre: Array) -> Array:
    """Return (heads, S, B, 4 d) of (B, S, heads, 4, d): rows of one head lie together in memory."""
    batch, rows, heads, _, _ = pre.shape
    return jnp.transpose(pre.reshape(batch, rows, heads, -1), (2, 1, 0, 3))


def _flat(kernel: Array) -> Array:
    """Return (heads, d, 4 d) of (heads, d, 4, d)."""
    return kernel.reshape(*kernel.shape[:2], -1)


def _slstm_start(shape: tuple[int, ...], dtype: Any) -> tuple[Array, ...]:
    """Return h, c, n, m before the first row; nothing is kept from a scale of exp(-inf)."""
    zero = jnp.zeros(shape, dtype)
    return zero, zero, zero, jnp.full(shape, -jnp.inf, dtype)


def _slstm_step(state: tuple[Array, ...], row: Array, kernel: Array) -> tuple[Array, ...]:
    """Return h, c, n, m (heads, N, d) after one row (heads, N, 4 d)."""
    h, c, n, m_before = state
    i, f, z, o = jnp.split(row + h @ kernel, 4, axis=-1)
    log_f = jax.nn.log_sigmoid(f)
    m = jax.lax.stop_gradient(jnp.maximum(log_f + m_before, i))
    keep, add = jnp.exp(log_f + m_before - m), jnp.exp(i - m)
    c, n = keep * c + add * jnp.tanh(z), keep * n + add
    return jax.nn.sigmoid(o) * c / n, c, n, m


def normal(std: float, seed: int, *names: str | int) -> Any:
    """Return a normal initialiser with a seed of its own."""
    return keras.initializers.RandomNormal(stddev=std, seed=derive(seed, *names))


def into(width: int, seed: int, *names: str | int) -> Any:
    """Return the initialiser of what reads a stream of `width` (Nguyen and Salazar 2019)."""
    return normal(math.sqrt(2.0 / (5.0 * width)), seed, *names)


def back(width: int, blocks: int, seed: int, *names: str | int) -> Any:
    """Return the initialiser of what writes to a stream that `blocks` blocks write to."""
    return normal(2.0 / (blocks * math.sqrt(width)), seed, *names)


class CausalConv(keras.layers.Layer):
    """Each channel's weighted sum over the last `kernel` rows, newest first, then SiLU.

    Takes (B, S, width). Returns S rows with zeros before the first row if `padded`, else S - kernel + 1 rows.
    """

    def __init__(self, kernel: int, *, padded: bool, seed: int, name: str) -> None:
        super().__init__(name=name)
        self.size, self.padded, self.seed = kernel, padded, seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make kernel and bias."""
        bound = 1.0 / math.sqrt(self.size)
        uniform = keras.initializers.RandomUniform(-bound, bound, seed=derive(self.seed, "kernel"))
        self.kernel = self.add_weight(shape=(self.size, shape[-1]), initializer=uniform, name="kernel")
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        """Return the activated sums."""
        reach = self.size - 1
        if self.padded:
            x = jnp.pad(x, ((0, 0), (reach, 0), (0, 0)))
        rows = x.shape[1] - reach
        total = jnp.asarray(self.bias)
        for age in range(self.size):
            total = total + x[:, reach - age :][:, :rows] * self.kernel[age]
        return jax.nn.silu(total)


class HeadNorm(keras.layers.Layer):
    """Layer norm of each head by itself, with a scale and no offset; takes and returns (..., heads, d)."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the scale."""
        self.scale = self.add_weight(shape=shape[-2:], initializer="ones", name="scale")

    def call(self, x: Any) -> Any:
        """Return heads of mean 0 and variance 1, scaled."""
        centred = x - x.mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * self.scale


def layer_norm(name: str) -> Any:
    """Return a layer norm with a scale and no offset."""
    return keras.layers.LayerNormalization(epsilon=1e-5, center=False, name=name)


def last(x: Any, rows: int) -> Any:
    """Return the last rows of x (B, S, ...)."""
    return x[:, x.shape[1] - rows :]


class MLSTMBlock(keras.layers.Layer):
    """Matrix memory between an up- and a down-projection, added to what came in.

    Parameters
    ----------
    heads : int
        Memories side by side.
    conv : int
        Rows of the convolution before queries and keys.
    qkv_block : int
        Channels that queries, keys and values mix.
    band : int, optional
        Rows that a row's memory holds. By default all rows that come in, which are then a whole window: its
        convolution sees zeros before the first row and no row is dropped.
    blocks : int
        Blocks of the body, for the scale of the down-projection.
    dropout : float
        Share of the added numbers dropped while training.
    seed : int
        The only source of randomness.
    """

    def __init__(
        self,
        *,
        heads: int,
        conv: int,
        qkv_block: int,
        band: int | None,
        blocks: int,
        dropout: float,
        seed: int,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.heads, self.qkv_block, self.band, self.blocks, self.seed = heads, qkv_block, band, blocks, seed
        self.history = 0 if band is None else conv - 1 + band - 1
        self.norm = layer_norm("norm")
        self.conv = CausalConv(conv, padded=band is None, seed=derive(seed, "conv"), name="conv")
        self.head_norm = HeadNorm(name="head_norm")
        self.drop = keras.layers.Dropout(dropout, seed=derive(seed, "dropout"))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights for x (B, S, width)."""
        width = int(shape[-1] or 0)
        inner, heads, mixed = 2 * width, self.heads, self.qkv_block
        self.norm.build(shape)
        self.conv.build((*shape[:-1], inner))
        self.head_norm.build((*shape[:-1], heads, inner // heads))
        self.up = self.add_weight(
            shape=(width, 2 * inner), initializer=into(width, self.seed, "up"), name="up"
        )
        self.qkv = [
            self.add_weight(
                shape=(inner // mixed, mixed, mixed), initializer=into(width, self.seed, part), name=part
            )
            for part in ("query", "key", "value")
        ]
        # Gates start blind to the data: memories that last from about 20 to about 400 rows.
        self.gates = self.add_weight(shape=(3 * inner, 2 * heads), initializer="zeros", name="gates")
        self.input_bias = self.add_weight(
            shape=(heads,), initializer=normal(0.1, self.seed, "input bias"), name="input_bias"
        )
        self.forget_bias = self.add_weight(shape=(heads,), initializer=_linspace, name="forget_bias")
        self.skip = self.add_weight(shape=(inner,), initializer="ones", name="skip")
        self.down = self.add_weight(
            shape=(inner, width), initializer=back(width, self.blocks, self.seed, "down"), name="down"
        )

    def call(self, x: Any, training: bool = False) -> Any:
        """Return (B, S - history, width) of x (B, S, width)."""
        rows = x.shape[1] - self.history
        inside, gate = jnp.split(self.norm(x) @ self.up, 2, axis=-1)
        mixed = self.conv(inside)  # (B, S - conv + 1, inner), or S rows
        sources = (mixed, mixed, last(inside, mixed.shape[1]))
        q, k, v = (self._mix(source, kernel) for source, kernel in zip(sources, self.qkv, strict=True))
        gates = jnp.concatenate([q, k, v], axis=-1) @ self.gates
        i_pre, f_pre = jnp.split(gates, 2, axis=-1)
        h, _ = mlstm_parallel(
            self._split(q),
            self._split(k),
            self._split(v),
            (i_pre + self.input_bias).swapaxes(1, 2),
            (f_pre + self.forget_bias).swapaxes(1, 2),
            self.band,
        )
        h = last(self.head_norm(h.swapaxes(1, 2)), rows).reshape(x.shape[0], rows, -1)
        h = (h + self.skip * last(mixed, rows)) * jax.nn.silu(last(gate, rows))
        return last(x, rows) + self.drop(h @ self.down, training=training)

    def _mix(self, x: Any, kernel: Any) -> Any:
        """Mix channels of x (B, S, inner) block by block; slices are twice as fast as one einsum."""
        size, kernel = self.qkv_block, jnp.asarray(kernel)
        parts = [x[..., i::size] for i in range(size)]  # (B, S, inner / size) each
        mixed = [sum(part * kernel[:, i, out] for i, part in enumerate(parts)) for out in range(size)]
        return jnp.stack(mixed, axis=-1).reshape(x.shape)

    def _split(self, x: Any) -> Any:
        """Return (B, heads, S, d) of x (B, S, inner)."""
        return x.reshape(*x.shape[:-1], self.heads, -1).swapaxes(1, 2)


def _linspace(shape: tuple[int, ...], dtype: Any = None) -> Array:
    """Return forget biases from 3 to 6."""
    return jnp.linspace(3.0, 6.0, shape[0], dtype=dtype)


class SLSTMBlock(keras.layers.Layer):
    """Scalar memory, then a gated GELU layer, each added to what came in.

    Parameters
    ----------
    heads : int
        Groups of channels whose gates see each other's last output.
    conv : int
        Rows of the convolution before input and forget gate.
    window : int, optional
        Rows that a row's memory has seen. By default all rows that come in, which are then a whole window:
        its convolution sees zeros before the first row and no row is dropped.
    ffn : float
        Width of the gated layer over that of the stream.
    place, blocks : int
        Number of the block from 0, and blocks of the body: later blocks start with longer memories.
    dropout : float
        Share of the added numbers dropped while training.
    seed : int
        The only source of randomness.
    """

    def __init__(
        self,
        *,
        heads: int,
        conv: int,
        window: int | None,
        ffn: float,
        place: int,
        blocks: int,
        dropout: float,
        seed: int,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.heads, self.window, self.ffn, self.seed = heads, window, ffn, seed
        self.place, self.blocks = place, blocks
        self.history = 0 if window is None else conv - 1 + window - 1
        self.norm, self.ffn_norm = layer_norm("norm"), layer_norm("ffn_norm")
        self.conv = CausalConv(conv, padded=window is None, seed=derive(seed, "conv"), name="conv")
        self.head_norm = HeadNorm(name="head_norm")
        self.drop = keras.layers.Dropout(dropout, seed=derive(seed, "dropout"))
        self.ffn_drop = keras.layers.Dropout(dropout, seed=derive(seed, "ffn dropout"))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights for x (B, S, width)."""
        width = int(shape[-1] or 0)
        d, inner = width // self.heads, round(self.ffn * width)
        for part in (self.norm, self.conv, self.ffn_norm):
            part.build(shape)
        self.head_norm.build((*shape[:-1], self.heads, d))
        self.kernel = self.add_weight(
            shape=(self.heads, d, 4, d), initializer=into(width, self.seed, "kernel"), name="kernel"
        )
        self.recurrent = self.add_weight(
            shape=(self.heads, d, 4, d), initializer="zeros", name="recurrent_kernel"
        )
        self.bias = self.add_weight(shape=(self.heads, 4, d), initializer=self._start, name="bias")
        self.up = self.add_weight(
            shape=(width, 2 * inner), initializer=into(width, self.seed, "up"), name="up"
        )
        self.down = self.add_weight(
            shape=(inner, width), initializer=back(width, self.blocks, self.seed, "down"), name="down"
        )

    def _start(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        """Return biases of 0, for the forget gate falling from 5 to -7 as a power of the channel's place."""
        later = self.place / (self.blocks - 1) if self.blocks > 1 else 0.0
        channel = jnp.arange(shape[-1], dtype=dtype) / max(shape[-1] - 1, 1)
        return jnp.zeros(shape, dtype).at[:, 1].set(5.0 - 12.0 * channel ** (0.3 + 1.3 * later))

    def call(self, x: Any, training: bool = False) -> Any:
        """Return (B, S - history, width) of x (B, S, width)."""
        rows = x.shape[1] - self.history
        inside = self.norm(x)
        mixed = self.conv(inside)
        kernel = jnp.asarray(self.kernel)
        parts = [
            jnp.einsum("bshd,hdge->bshge", source.reshape(*source.shape[:-1], self.heads, -1), part)
            for source, part in ((mixed, kernel[:, :, :2]), (last(inside, mixed.shape[1]), kernel[:, :, 2:]))
        ]
        pre, recurrent = jnp.concatenate(parts, axis=3) + self.bias, jnp.asarray(self.recurrent)
        if self.window is None:
            h, _ = slstm_recurrent(pre, recurrent)
        else:
            h = slstm_sliding(pre, recurrent, self.window)
        h = self.head_norm(h).reshape(x.shape[0], rows, -1)
        x = last(x, rows) + self.drop(h, training=training)
        gate, value = jnp.split(self.ffn_norm(x) @ self.up, 2, axis=-1)
        return x + self.ffn_drop((jax.nn.gelu(gate) * value) @ self.down, training=training)


class XLSTMBody(keras.layers.Layer):
    """Tokens (B, S - history, width) of scaled features (B, S, F): one for each day that has a full past.

    Parameters
    ----------
    feeding : {"dense", "windows"}
        See the top of this file. Windows take S = history + 1 rows and give one token.
    lookback : int
        Days of a window. In dense feeding, days that convolutions and mLSTM bands of all blocks together see;
        the band is the largest that fits.
    burn_in : int
        Days that the sLSTM blocks together run before a token, in dense feeding only.
    width, heads, blocks : int
        Of the body.
    slstm_at : tuple of int
        Which blocks, from 0, have scalar memory; the others have matrix memory.
    conv, slstm_conv : int
        Rows of the convolutions in mLSTM and sLSTM blocks.
    qkv_block : int
        Channels that an mLSTM's queries, keys and values mix.
    ffn : float
        Width of the gated layer of an sLSTM block over `width`.
    dropout : float
        Share of what a block adds that is dropped while training.
    smoothing : {"none", "wavelet"}
        Causal low-pass of the inputs, see `CausalSmoothing`. In dense feeding its reach is part of
        `lookback`, a window needs the days before it.
    seed : int
        The only source of randomness.

    Attributes
    ----------
    history : int
        Days before a day that its token depends on.

    Raises
    ------
    SettingError
        If the settings do not fit each other.
    """

    def __init__(
        self,
        *,
        feeding: Feeding,
        lookback: int,
        burn_in: int,
        width: int = 64,
        heads: int = 2,
        blocks: int = 4,
        slstm_at: tuple[int, ...] = (1,),
        conv: int = 4,
        slstm_conv: int = 2,
        qkv_block: int = 2,
        ffn: float = 1.1,
        dropout: float = 0.0,
        smoothing: Smoothing = "none",
        seed: int,
    ) -> None:
        super().__init__(name="body")
        _require_known(feeding=(feeding, get_args(Feeding)), smoothing=(smoothing, get_args(Smoothing)))
        _require_counts(
            lookback=lookback,
            width=width,
            heads=heads,
            blocks=blocks,
            conv=conv,
            slstm_conv=slstm_conv,
            qkv_block=qkv_block,
        )
        _require_fit(width, heads, qkv_block, ffn, blocks, slstm_at)
        scalar = set(slstm_at)
        dense = feeding == "dense"
        self.feeding, self.lookback, self.width = feeding, lookback, width
        self.smooth = CausalSmoothing(name="smoothing") if smoothing == "wavelet" else None
        filters = self.smooth.history if self.smooth is not None else 0
        self.band = _band(lookback - filters, blocks, scalar, conv, slstm_conv) if dense else None
        self.window = _window(burn_in, scalar) if dense else None
        glorot = keras.initializers.GlorotUniform(seed=derive(seed, "embed"))
        self.embed = keras.layers.Dense(width, kernel_initializer=glorot, name="embed")

        def block(place: int) -> MLSTMBlock | SLSTMBlock:
            shared: dict[str, Any] = {"heads": heads, "blocks": blocks, "dropout": dropout}
            shared["seed"] = derive(seed, "block", place)
            if place in scalar:
                name = f"slstm_{place}"
                return SLSTMBlock(
                    conv=slstm_conv, window=self.window, ffn=ffn, place=place, name=name, **shared
                )
            return MLSTMBlock(conv=conv, qkv_block=qkv_block, band=self.band, name=f"mlstm_{place}", **shared)

        self.blocks = [block(place) for place in range(blocks)]
        self.norm = layer_norm("norm")

    @property
    def history(self) -> int:
        """Days before a day that its token depends on."""
        filters = self.smooth.history if self.smooth is not None else 0
        if self.feeding == "windows":
            return int(self.lookback - 1 + filters)
        return int(filters + sum(block.history for block in self.blocks))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Build the parts in the order of the data."""
        self.embed.build(shape)
        for part in (*self.blocks, self.norm):
            part.build((*shape[:-1], self.width))

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the tokens (B, S - history, width) of x (B, S, F)."""
        rows = x.shape[1] - self.history
        if rows < 1 or (self.feeding == "windows" and rows > 1):
            least = "" if self.feeding == "windows" else "at least "
            raise SettingError(f"xlstm: {self.feeding} need {least}{self.history + 1} rows, got {x.shape[1]}")
        tokens = self.embed(self.smooth(x) if self.smooth is not None else x)
        for block in self.blocks:
            tokens = block(tokens, training=training)
        return self.norm(last(tokens, rows))


def _require_known(**choices: tuple[str, tuple[str, ...]]) -> None:
    for name, (value, known) in choices.items():
        if value not in known:
            raise SettingError(f"xlstm: {name} must be one of {', '.join(known)}, got {value!r}")


def _require_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise SettingError(f"xlstm: {name} must be at least 1, got {count}")


def _require_fit(
    width: int, heads: int, qkv_block: int, ffn: float, blocks: int, slstm_at: tuple[int, ...]
) -> None:
    """Refuse settings that do not fit each other."""
    if width % heads:
        raise SettingError(f"xlstm: heads must divide width, got {heads} heads for width {width}")
    if 2 * width % qkv_block:
        raise SettingError(f"xlstm: qkv_block must divide 2 x width, got {qkv_block} for width {width}")
    if round(ffn * width) < 1:
        raise SettingError(f"xlstm: ffn x width must be at least 1, got {ffn} for width {width}")
    if not set(slstm_at) <= set(range(blocks)):
        raise SettingError(f"xlstm: slstm_at must lie in 0 to {blocks - 1}, got {slstm_at}")


def _band(lookback: int, blocks: int, scalar: set[int], conv: int, slstm_conv: int) -> int | None:
    """Return the largest band with which convolutions and bands reach at most `lookback` days."""
    matrix = blocks - len(scalar)
    filters = matrix * (conv - 1) + len(scalar) * (slstm_conv - 1)
    least = matrix + filters + 1
    if lookback < least:
        raise SettingError(
            f"xlstm: lookback {lookback} is too short for {blocks} blocks in dense feeding; "
            f"give at least {least}, or fewer blocks or shorter convolutions"
        )
    return 1 + (lookback - 1 - filters) // matrix if matrix else None


def _window(burn_in: int, scalar: set[int]) -> int | None:
    """Return the rows each sLSTM sees when they share the burn-in."""
    if not scalar:
        return None
    window = 1 + (burn_in - 1) // len(scalar)
    if window < 2:
        raise SettingError(
            f"xlstm: burn_in {burn_in} is too short for {len(scalar)} sLSTM blocks in dense feeding; "
            f"give at least {len(scalar) + 1}"
        )
    return window
