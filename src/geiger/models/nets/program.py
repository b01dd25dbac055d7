"""A network compiled for one shape of stretches: an epoch of training, and a forecast.

A batch is a set of stretches. They are gathered by row number inside the compiled step, so no window is ever
stored. Everything has a leading axis of members (fold x seed): on a CPU it is 1 and folds go
to processes of their own, on a GPU `vmap` trains all of them in one program.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.heads import ForecastNet
from geiger.models.nets.jobs import ROWS_STEP, SHORT_ROWS, Job
from geiger.models.nets.stretches import Forecasting, stacked

NO_KERNEL = {"bias", "scale", "distance"}  # of more than one dimension, and yet not penalised
MEMBERS_KEPT = 64  # fresh weights of so many seeds
RATE = 1  # place of the learning rate among the optimizer's variables


class Program(Forecasting):
    """A network and its compiled functions for one shape of stretches.

    Parameters
    ----------
    build : callable
        Makes a `ForecastNet` with fresh weights from a seed.
    width : int
        Number of features F.
    length : int
        Days forecast in a stretch; 1 is a window.
    batch : int
        Targets in a batch.
    loss : keras.losses.Loss
        Its `call` gives one value a sample.
    clip_norm : float, optional
        Largest norm of each variable's gradient, as Keras clips.
    """

    def __init__(
        self,
        build: Any,
        width: int,
        *,
        length: int,
        batch: int,
        loss: Any,
        clip_norm: float | None,
        vmap: bool = False,
    ) -> None:
        self._build, self.width, self.length = build, width, length
        self.per_batch = max(1, batch // length)
        self.loss, self.vmap = loss, vmap
        self._lengths: set[int] = set()  # that series have been padded to
        self.weights = lru_cache(maxsize=MEMBERS_KEPT)(
            self._weights
        )  # a refit starts where the first fit did
        self.net: ForecastNet = self._fresh(0)
        self.history = int(self.net.body.history)
        self.optimizer = keras.optimizers.Adam(learning_rate=1e-3, clipnorm=clip_norm)
        self.optimizer.build(self.net.trainable_variables)
        variables = self.net.trainable_variables
        head = {id(v) for v in self.net.head.trainable_variables}
        self.kernels = [i for i, v in enumerate(variables) if len(v.shape) > 1 and v.name not in NO_KERNEL]
        self.head = [i for i, v in enumerate(variables) if id(v) in head]

    def _fresh(self, seed: int) -> ForecastNet:
        net: ForecastNet = self._build(seed)
        net.build(
            (self.per_batch, int(net.body.history) + self.length, self.width), (self.per_batch, self.length)
        )
        return net

    def _weights(self, seed: int) -> tuple[list[Any], list[Any]]:
        """Return the weights of a fresh network: trainable ones and the others (dropout states)."""
        net = self._fresh(seed)
        return (
            [jnp.asarray(v.value) for v in net.trainable_variables],
            [jnp.asarray(v.value) for v in net.non_trainable_variables],
        )

    def fresh(self, seeds: Sequence[int]) -> tuple[Any, list[Any]]:
        """Return the members' fresh weights and optimizer variables, with the axis of members."""
        trainable, rest = zip(*(self.weights(seed) for seed in seeds), strict=True)
        variables = [jnp.asarray(v.value) for v in self.optimizer.variables]
        return (_by_member(trainable), _by_member(rest)), [jnp.stack([v] * len(seeds)) for v in variables]

    def padded(self, rows: int, least: int = SHORT_ROWS) -> int:
        """Return what a series of so many rows is padded to: a length that is compiled, if one is enough."""
        wanted = super().padded(rows, least)
        length = min((known for known in self._lengths if known >= wanted), default=wanted)
        self._lengths.add(length)
        return length

    @cached_property
    def run_epoch(self) -> Any:
        """(weights, optimizer, data, order, steps) -> (weights, optimizer, loss, head gradient)."""
        return jax.jit(self._members(self._epoch, arguments=4), donate_argnums=(1,))

    @cached_property
    def run_forecast(self) -> Any:
        """See `Forecasting.run_forecast`."""
        return jax.jit(self._members(self._forecast, arguments=3))

    def _members(self, function: Any, arguments: int) -> Any:
        """Give `function` the leading axis of members: by vmap, or by taking the one member there is.

        All `arguments` have it but the last, the number of steps.
        """
        if self.vmap:
            return jax.vmap(function, in_axes=(*[0] * arguments, None))

        def one(*args: Any) -> Any:
            inner = [jax.tree.map(lambda a: a[0], arg) for arg in args[:-1]]
            return jax.tree.map(lambda a: a[None], function(*inner, args[-1]))

        return one

    def _gather(self, data: Any, starts: Any) -> tuple[Any, Any, Any]:
        """Return features (B, S, F), base (B, L), target positions (B, L) of stretches at `starts`."""
        first = jnp.maximum(starts, 0)
        size = self.history + self.length

        def cut(start: Any) -> tuple[Any, Any]:
            x = jax.lax.dynamic_slice_in_dim(data["series"], start, size, axis=0)
            base = jax.lax.dynamic_slice_in_dim(data["base"], start + self.history, self.length, axis=0)
            return x, base

        x, base = jax.vmap(cut)(first)
        return x, base, first[:, None] + self.history + jnp.arange(self.length)

    def _epoch(self, weights: Any, optimizer: Any, data: Any, order: Any, steps: Any) -> Any:
        def objective(trainable: Any, rest: Any, starts: Any) -> Any:
            x, base, at = self._gather(data, starts)
            forecast, rest = self.net.stateless_call(trainable, rest, x, base, training=True)
            weight = data["weight"][at] * (starts >= 0)[:, None]
            total = jnp.sum(weight)
            mean = jnp.sum(weight * self.loss.call(data["y"][at], forecast)) / jnp.maximum(total, 1e-9)
            squares = sum(jnp.sum(jnp.square(trainable[i])) for i in self.kernels)
            return mean + 0.5 * data["penalty"] * squares, (rest, mean, total)

        def step(i: Any, state: Any) -> Any:
            (trainable, rest), optimizer, losses, norms, totals = state
            graded = jax.value_and_grad(objective, has_aux=True)
            (_, (new_rest, mean, total)), grads = graded(trainable, rest, order[i])
            norm = jnp.sqrt(sum(jnp.sum(jnp.square(grads[j])) for j in self.head))
            new, new_optimizer = self.optimizer.stateless_apply(optimizer, grads, trainable)
            # A batch without train rows, or one beyond this member's last, changes nothing.
            some = total > 0.0

            def kept(a: Any, b: Any) -> Any:
                return jax.tree.map(lambda x, y: jnp.where(some, x, y), a, b)

            return (
                kept((list(new), list(new_rest)), (trainable, rest)),
                kept(list(new_optimizer), optimizer),
                losses + mean * total,
                norms + norm * total,
                totals + total,
            )

        zero = jnp.zeros((), jnp.float32)
        weights, optimizer, losses, norms, totals = jax.lax.fori_loop(
            0, steps, step, (weights, optimizer, zero, zero, zero)
        )
        return weights, optimizer, losses / totals, norms / totals

    def _forecast(self, weights: Any, data: Any, order: Any, steps: Any) -> Any:
        rows = data["base"].shape[0]

        def step(i: Any, state: Any) -> Any:
            forecasts, tokens = state
            x, base, at = self._gather(data, order[i])
            # A pad writes beyond the end, which drops it.
            at = jnp.where((order[i] >= 0)[:, None], at, rows)
            (forecast, token), _ = self.net.stateless_call(*weights, x, base, training=False, tokens=True)
            return forecasts.at[at].set(forecast, mode="drop"), tokens.at[at].set(token, mode="drop")

        start = jnp.zeros(rows), jnp.zeros((rows, self.net.body_width))
        return jax.lax.fori_loop(0, steps, step, start)


def batched(program: Program, jobs: Sequence[Job]) -> tuple[dict[str, Any], int]:
    """Return the members' padded data, where the network runs, and how many batches an order has room for.

    The first fold of a walk is short; filled up to its own length it would have programs of its own.
    """
    rows = program.padded(max(len(job.series) for job in jobs), ROWS_STEP)
    data, capacity = stacked(program, jobs, rows)
    return {name: jnp.asarray(array) for name, array in data.items()}, capacity


def _by_member(members: Sequence[list[Any]]) -> list[Any]:
    return [jnp.stack(arrays) for arrays in zip(*members, strict=True)]
