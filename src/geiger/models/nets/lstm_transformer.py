"""The LSTM-Transformer: an LSTM reads the days, attention blocks weigh what it remembered.

After Ruiru, Jouandeau and Odhiambo (2024): LSTM, then four Transformer blocks. Two ways to feed it:

``windows``
    One window of `lookback` days gives one forecast. The LSTM runs through the window, attention sees all of
    it, positions are sinusoids, the tokens are averaged or the last one is read.
``dense``
    A stretch of days gives a forecast for each of them. What a token may depend on is fixed by construction:
    its LSTM starts from zero `burn_in` days before it, and attention reaches back a band of days a block, so
    that all blocks together reach `lookback` days. A forecast is therefore the same wherever the stretch
    starts.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Literal

import numpy as np

from geiger.errors import SettingError
from geiger.models.nets.backend import jax, jnp, keras, ops
from geiger.seeds import derive

Feeding = Literal["dense", "windows"]
Readout = Literal["last", "mean"]


def glorot(seed: int, *names: str | int) -> keras.initializers.Initializer:
    """Return a Glorot initialiser with a seed of its own."""
    return keras.initializers.GlorotUniform(seed=derive(seed, *names))


class SlidingLSTM(keras.layers.Layer):
    """For each day the last state of a (stacked) LSTM that started from zero `burn_in` days before.

    Takes (B, S, F), returns (B, S - burn_in + 1, units[-1]). All days run side by side, so a step is one
    large product. Weights are those of `keras.layers.LSTM`: gates in the order input, forget, cell, output
    (Hochreiter and Schmidhuber 1997; forget bias 1, Jozefowicz et al. 2015).
    """

    def __init__(self, units: tuple[int, ...], burn_in: int, *, seed: int) -> None:
        super().__init__(name="lstm")
        self.units, self.burn_in, self.seed = units, burn_in, seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make kernel, recurrent kernel and bias of each layer."""
        width = shape[-1]
        self.cells = []
        for depth, units in enumerate(self.units):
            orthogonal = keras.initializers.Orthogonal(seed=derive(self.seed, "recurrent", depth))
            kernel = self.add_weight(
                shape=(width, 4 * units),
                initializer=glorot(self.seed, "kernel", depth),
                name=f"kernel_{depth}",
            )
            recurrent = self.add_weight(
                shape=(units, 4 * units), initializer=orthogonal, name=f"recurrent_kernel_{depth}"
            )
            bias = self.add_weight(shape=(4 * units,), initializer="zeros", name=f"bias_{depth}")
            bias.assign(np.repeat([0.0, 1.0, 0.0, 0.0], units).astype(np.float32))
            self.cells.append((kernel, recurrent, bias))
            width = units

    def call(self, x: Any) -> Any:
        """Return the last states."""
        kernel, recurrent, bias = self.cells[0]
        projected = x @ jnp.asarray(kernel) + jnp.asarray(bias)  # (B, S, 4 units), once a day
        if len(self.cells) == 1:
            return slide(projected, jnp.asarray(recurrent), self.burn_in)
        days = x.shape[1] - self.burn_in + 1
        zeros = [jnp.zeros((x.shape[0], days, units)) for units in self.units]

        def step(states: Any, age: Any) -> tuple[Any, None]:
            gates = jax.lax.dynamic_slice_in_dim(projected, age, days, axis=1)
            new: list[Any] = []
            for depth, (hidden, cell) in enumerate(states):
                kernel, recurrent, bias = self.cells[depth]
                if depth:
                    gates = new[-1][0] @ jnp.asarray(kernel) + jnp.asarray(bias)
                hidden, cell, _, _ = _cell(gates + hidden @ jnp.asarray(recurrent), cell)
                new.append((hidden, cell))
            return new, None

        states, _ = jax.lax.scan(step, [(zero, zero) for zero in zeros], jnp.arange(self.burn_in))
        return states[-1][0]


def _cell(gates: Any, cell: Any) -> tuple[Any, Any, Any, Any]:
    """Return hidden state, cell, squashed gates, tanh(cell): one tanh for all gates, 3 times faster."""
    half = np.repeat([0.5, 0.5, 1.0, 0.5], gates.shape[-1] // 4).astype(np.float32)
    squashed = jnp.tanh(gates * half)  # sigmoid(a) = 1/2 + tanh(a/2) / 2
    i, f, g, o = jnp.split(squashed, 4, axis=-1)
    cell = (0.5 + 0.5 * f) * cell + (0.5 + 0.5 * i) * g
    out = jnp.tanh(cell)
    return (0.5 + 0.5 * o) * out, cell, squashed, out


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def slide(projected: Any, recurrent: Any, burn_in: int) -> Any:
    """Return the state (B, n, units) after `burn_in` steps from zero, for n = S - burn_in + 1 windows.

    Window d takes rows d to d + burn_in - 1 of projected (B, S, 4 units). The gradient is written out: the
    one that JAX derives sums the recurrent kernel's over a badly ordered array and takes twice as long.
    """
    return _slide(projected, recurrent, burn_in)[0]


def _slide(projected: Any, recurrent: Any, burn_in: int) -> tuple[Any, Any]:
    batch, rows, width = projected.shape
    days, units = rows - burn_in + 1, width // 4

    def step(state: Any, age: Any) -> tuple[Any, Any]:
        hidden, cell = state
        gates = jax.lax.dynamic_slice_in_dim(projected, age, days, axis=1) + hidden @ recurrent
        new_hidden, new_cell, squashed, out = _cell(gates, cell)
        return (new_hidden, new_cell), (squashed, hidden, cell, out)

    zeros = jnp.zeros((batch, days, units), projected.dtype)
    (hidden, _), kept = jax.lax.scan(step, (zeros, zeros), jnp.arange(burn_in))
    return hidden, (kept, recurrent)


def _slide_gradient(burn_in: int, kept: Any, to_hidden: Any) -> tuple[Any, Any]:
    (squashed, hidden, cell, out), recurrent = kept
    batch, days, units = to_hidden.shape
    half = np.repeat([0.5, 0.5, 1.0, 0.5], units).astype(np.float32)

    def step(carry: Any, kept: Any) -> tuple[Any, None]:
        to_hidden, to_cell, to_recurrent, to_projected = carry
        squashed, hidden, cell, out, age = kept
        i, f, g, o = jnp.split(squashed, 4, axis=-1)
        to_cell = to_cell + to_hidden * (0.5 + 0.5 * o) * (1.0 - out * out)
        parts = [to_cell * g * 0.5, to_cell * cell * 0.5, to_cell * (0.5 + 0.5 * i), to_hidden * out * 0.5]
        to_gates = jnp.concatenate(parts, axis=-1) * (1.0 - squashed * squashed) * half
        to_recurrent = to_recurrent + hidden.reshape(-1, units).T @ to_gates.reshape(-1, 4 * units)
        seen = jax.lax.dynamic_slice_in_dim(to_projected, age, days, axis=1)
        to_projected = jax.lax.dynamic_update_slice_in_dim(to_projected, seen + to_gates, age, axis=1)
        return (to_gates @ recurrent.T, to_cell * (0.5 + 0.5 * f), to_recurrent, to_projected), None

    start = (
        to_hidden,
        jnp.zeros_like(to_hidden),
        jnp.zeros_like(recurrent),
        jnp.zeros((batch, days + burn_in - 1, 4 * units), to_hidden.dtype),
    )
    ages = jnp.arange(burn_in)
    end, _ = jax.lax.scan(step, start, (squashed, hidden, cell, out, ages), reverse=True)
    return end[3], end[2]


slide.defvjp(_slide, _slide_gradient)


class BandedAttention(keras.layers.Layer):
    """Causal attention over the last `band` days, with a learned bias for each distance and head.

    Days are cut into chunks of `band`; a chunk's queries meet the keys of their own and of the chunk before,
    which hold all that the band allows. Cost grows with S x 2 band, never S x S. Distances as biases after
    Raffel et al. (2020); banded attention after Beltagy et al. (2020).
    """

    def __init__(self, heads: int, key: int, band: int, *, seed: int, name: str) -> None:
        super().__init__(name=name)
        self.heads, self.key, self.band, self.seed = heads, key, band, seed

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the projections and the table of distances."""
        width, inner = shape[-1], self.heads * self.key
        self.into = self.add_weight(
            shape=(width, 3 * inner), initializer=glorot(self.seed, "into"), name="into_kernel"
        )
        self.out = self.add_weight(
            shape=(inner, width), initializer=glorot(self.seed, "out"), name="out_kernel"
        )
        self.distance = self.add_weight(shape=(self.heads, self.band), initializer="zeros", name="distance")

    def call(self, x: Any) -> Any:
        """Return (B, S, width) of x (B, S, width)."""
        batch, days, _ = x.shape
        chunk = self.band
        count = -(-days // chunk)
        padded = jnp.pad(x @ self.into, ((0, 0), (0, count * chunk - days), (0, 0)))
        shaped = padded.reshape(batch, count, chunk, 3, self.heads, self.key)
        query, key, value = (shaped[:, :, :, i] for i in range(3))

        def with_last(a: Any) -> Any:  # (B, count, 2 chunk, heads, key)
            before = jnp.pad(a[:, :-1], ((0, 0), (1, 0), (0, 0), (0, 0), (0, 0)))
            return jnp.concatenate([before, a], axis=2)

        scores = jnp.einsum("bnqhk,bnshk->bnhqs", query, with_last(key)) / math.sqrt(self.key)
        age = np.arange(chunk)[:, None] + chunk - np.arange(2 * chunk)[None, :]  # days between query and key
        allowed = (age >= 0) & (age < self.band)
        bias = jnp.asarray(self.distance)[:, np.clip(age, 0, self.band - 1)]
        first = np.arange(count)[:, None, None] * chunk + np.arange(chunk)[:, None] - age >= 0
        mask = allowed & first  # (count, chunk, 2 chunk); the chunk before the first is padding
        scores = jnp.where(mask[None, :, None], scores + bias, -1e30)
        mixed = jnp.einsum("bnhqs,bnshk->bnqhk", jax.nn.softmax(scores, axis=-1), with_last(value))
        return mixed.reshape(batch, count * chunk, -1)[:, :days] @ self.out


class WindowAttention(keras.layers.Layer):
    """Attention of every day of a window to every other, or to earlier ones only (Vaswani et al. 2017)."""

    def __init__(self, heads: int, key: int, *, causal: bool, seed: int, name: str) -> None:
        super().__init__(name=name)
        self.causal, self.seed = causal, seed
        self.attention = keras.layers.MultiHeadAttention(
            heads, key, kernel_initializer=glorot(seed, "attention"), seed=derive(seed, "attention dropout")
        )

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Build the inner layer."""
        self.attention.build(shape, shape)
        # Keras gives all four kernels one and the same draw where the initialiser has a seed.
        for i, variable in enumerate(self.attention.trainable_variables):
            if "kernel" in variable.name:
                variable.assign(glorot(self.seed, "attention", i)(variable.shape))

    def call(self, x: Any) -> Any:
        """Return (B, S, width) of x (B, S, width)."""
        return self.attention(x, x, use_causal_mask=self.causal)


class Block(keras.layers.Layer):
    """One pre-norm Transformer block: attention and a GELU layer, each added to what came in."""

    def __init__(
        self, attention: keras.layers.Layer, width: int, inner: int, dropout: float, *, seed: int, name: str
    ) -> None:
        super().__init__(name=name)
        self.attention = attention
        self.before = keras.layers.LayerNormalization(epsilon=1e-5)
        self.between = keras.layers.LayerNormalization(epsilon=1e-5)
        self.up = keras.layers.Dense(inner, activation="gelu", kernel_initializer=glorot(seed, "up"))
        self.down = keras.layers.Dense(width, kernel_initializer=glorot(seed, "down"))
        self.drop_attention = keras.layers.Dropout(dropout, seed=derive(seed, "drop attention"))
        self.drop_inner = keras.layers.Dropout(dropout, seed=derive(seed, "drop inner"))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Build the parts."""
        for part in (self.before, self.attention, self.between, self.up):
            part.build(shape)
        self.down.build((*shape[:-1], self.up.units))

    def call(self, x: Any, training: bool = False) -> Any:
        """Return (B, S, width) of x (B, S, width)."""
        x = x + self.drop_attention(self.attention(self.before(x)), training=training)
        return x + self.drop_inner(self.down(self.up(self.between(x))), training=training)


class LSTMTransformerBody(keras.layers.Layer):
    """Tokens (B, S - history, width) of scaled features (B, S, F): one for each day that has a full past.

    Attributes
    ----------
    history : int
        Days before a day that its token depends on.
    """

    def __init__(
        self,
        *,
        feeding: Feeding,
        lookback: int,
        burn_in: int,
        lstm: tuple[int, ...],
        width: int,
        blocks: int,
        heads: int,
        key: int,
        inner: int,
        dropout: float,
        readout: Readout,
        causal: bool,
        seed: int,
    ) -> None:
        super().__init__(name="body")
        self.feeding, self.lookback, self.burn_in, self.readout = feeding, lookback, burn_in, readout
        dense = feeding == "dense"
        if dense and readout != "last":
            raise SettingError("dense feeding reads the last token; readout 'mean' needs feeding 'windows'")
        if dense and burn_in < 1:
            raise SettingError(f"dense feeding needs a burn_in of at least 1 day for its LSTM, got {burn_in}")
        self.band = 1 + (lookback - 1) // max(blocks, 1)
        if dense and blocks and self.band < 2:
            raise SettingError(
                f"lookback {lookback} is too short for {blocks} blocks; give at least {blocks + 1}"
            )
        self.reach = 1 + blocks * (self.band - 1)  # days that all blocks together see
        self.sliding = SlidingLSTM(lstm, burn_in, seed=derive(seed, "lstm")) if dense else None
        self.chain = (
            []
            if dense
            else [
                keras.layers.LSTM(
                    units,
                    return_sequences=True,
                    kernel_initializer=glorot(seed, "lstm", depth),
                    recurrent_initializer=keras.initializers.Orthogonal(
                        seed=derive(seed, "recurrent", depth)
                    ),
                    seed=derive(seed, "lstm dropout", depth),  # never drawn, and yet part of what is saved
                )
                for depth, units in enumerate(lstm)
            ]
        )
        self.width = width
        self.embed = keras.layers.Dense(width, kernel_initializer=glorot(seed, "embed"))
        self.blocks = []
        for i in range(blocks):
            own = derive(seed, "block", i)
            attention = (
                BandedAttention(heads, key, self.band, seed=own, name=f"attention_{i}")
                if dense
                else WindowAttention(heads, key, causal=causal, seed=own, name=f"attention_{i}")
            )
            self.blocks.append(Block(attention, width, inner, dropout, seed=own, name=f"block_{i}"))
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5)

    @property
    def history(self) -> int:
        """Days before a day that its token depends on."""
        if self.feeding == "dense":
            return self.reach - 1 + self.burn_in - 1
        return self.lookback - 1 + self.burn_in

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Build the parts in the order of the data."""
        if self.sliding is not None:
            self.sliding.build(shape)
            shape = (*shape[:-1], self.sliding.units[-1])
        for layer in self.chain:
            layer.build(shape)
            shape = (*shape[:-1], layer.units)
        self.embed.build(shape)
        shape = (*shape[:-1], self.embed.units)
        for block in (*self.blocks, self.norm):
            block.build(shape)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the tokens."""
        if self.sliding is not None:
            states = self.sliding(x)
        else:
            states = x
            for layer in self.chain:
                states = layer(states)
            states = states[:, self.burn_in :]  # long memory: the LSTM has warmed up before the window
        tokens = self.embed(states)
        if self.sliding is None:
            tokens = tokens + sinusoids(tokens.shape[1], tokens.shape[2])
        for block in self.blocks:
            tokens = block(tokens, training=training)
        tokens = self.norm(tokens)
        if self.feeding == "dense":
            return tokens[:, self.reach - 1 :]
        return ops.mean(tokens, axis=1, keepdims=True) if self.readout == "mean" else tokens[:, -1:]


def sinusoids(days: int, width: int) -> np.ndarray:
    """Return the positions (days, width) of Vaswani et al. (2017)."""
    angle = np.arange(days)[:, None] / 10_000.0 ** (2 * (np.arange(width)[None, :] // 2) / width)
    return np.where(np.arange(width) % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)
