"""The only training loop: many members at once, whatever the network and however it is fed.

A batch is a set of stretches. A stretch is `history` days of past and `length` days that are forecast; with
`length` 1 it is a lookback window. Stretches are gathered by row number inside the compiled step, so no
window is ever stored. Everything has a leading axis of members (fold x seed): on a CPU it is 1 and folds go
to processes of their own, on a GPU `vmap` trains all of them in one program.

The loop only yields epoch records; the caller decides what to write.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from geiger.errors import Diverged
from geiger.models.nets.backend import jax, jnp, keras
from geiger.models.nets.heads import ForecastNet
from geiger.records import Epoch
from geiger.seeds import generator
from geiger.settings import ScheduleSettings

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
ROWS_STEP = 4096  # series are padded to a multiple of this, so that few shapes are compiled
SHORT_ROWS = 512  # what a forecast of the last days needs; padding it to more would take longest
PAD = -1  # a stretch that is not there
NO_KERNEL = {"bias", "scale", "distance"}  # of more than one dimension, and yet not penalised


@dataclass(frozen=True)
class Job:
    """What one member learns from, all in the unit of the loss.

    Attributes
    ----------
    series : (m, F) float32
        Scaled features of consecutive rows.
    base : (m,) float32
        What the network's change is added to, see `ResidualHead`.
    y : (m,) float32
        Return of the target, not centred, so that its sign is that of the return; 0 where it is not known.
    weight : (m,) float32
        Sample weight of the rows that are learned from; 0 for all others.
    train, valid : (n,) int64
        Positions of the rows that are learned from and of those that choose when to stop, ascending.
    penalty : float
        Half of it times the sum of squared kernels is added to the loss.
    seed : int
        Order of the stretches, and dropout.
    rates : tuple of float, optional
        Train one epoch at each of these rates, whatever the schedule says: an earlier course again.
    """

    series: Floats
    base: Floats
    y: Floats
    weight: Floats
    train: Ints
    valid: Ints
    penalty: float
    seed: int
    rates: tuple[float, ...] | None = None


@dataclass
class Course:
    """What the schedule remembers of one member, whose epochs have so many steps."""

    schedule: ScheduleSettings
    steps: int = 1
    rate: float = field(init=False)
    best: float = np.inf
    best_epoch: int = 0
    since_best: int = 0
    plateau_best: float = np.inf
    since_plateau: int = 0
    stopped: bool = False

    def __post_init__(self) -> None:
        self.rate = self.schedule.learning_rate

    def waited(self, epochs: int) -> int:
        """Return epochs in the unit of patience."""
        return epochs * self.steps if self.schedule.patience_unit == "steps" else epochs

    def start(self, val_loss: float) -> bool:
        """Take note of the untrained network; return whether it is a candidate."""
        if self.schedule.start_counts:
            self.best = val_loss
        return self.schedule.start_counts

    def take(self, epoch: int, val_loss: float) -> bool:
        """Take note of one epoch, change the rate, say whether this epoch is the best so far."""
        schedule = self.schedule
        better = val_loss < self.best
        if better:
            self.best, self.best_epoch, self.since_best = val_loss, epoch, 0
        else:
            self.since_best += 1
            patience = schedule.stop_patience
            self.stopped = patience is not None and self.waited(self.since_best) >= patience
        if val_loss < self.plateau_best - 1e-4:
            self.plateau_best, self.since_plateau = val_loss, 0
        elif schedule.plateau_patience is not None and self.rate > schedule.min_rate:
            self.since_plateau += 1
            if self.waited(self.since_plateau) >= schedule.plateau_patience:
                self.rate = max(self.rate * schedule.plateau_factor, schedule.min_rate)
                self.since_plateau = 0
        return better


@dataclass(frozen=True)
class Learned:
    """What one member's training left.

    `weights` holds trainable and other arrays in the order of the network's variables. `head_gradient` is the
    norm of the loss gradient at the head, mean of an epoch: first and last. `rates` holds the learning rate
    of each epoch.
    """

    weights: tuple[list[Any], list[Any]]
    epochs: int
    best_epoch: int
    steps: int
    rates: tuple[float, ...]
    head_gradient: tuple[float, float]


class Program:
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

    def weights(self, seed: int) -> tuple[list[Any], list[Any]]:
        """Return the weights of a fresh network: trainable ones and the others (dropout states)."""
        net = self._fresh(seed)
        return (
            [jnp.asarray(v.value) for v in net.trainable_variables],
            [jnp.asarray(v.value) for v in net.non_trainable_variables],
        )

    def stretches(self, rows: Ints) -> Ints:
        """Return first input positions of the stretches that cover the target rows (n,), each row once."""
        starts, i = [], 0
        while i < len(rows):
            starts.append(rows[i])
            i = int(np.searchsorted(rows, rows[i] + self.length))
        return np.array(starts, np.int64) - self.history

    def batches(self, starts: Ints, capacity: int) -> Ints:
        """Return starts in batches (capacity or more, per batch), filled up with `PAD`."""
        capacity = max(capacity, -(-len(starts) // self.per_batch))
        table = np.full((capacity, self.per_batch), PAD, np.int64)
        table.flat[: len(starts)] = starts
        return table

    @cached_property
    def run_epoch(self) -> Any:
        """(weights, optimizer, data, order, steps) -> (weights, optimizer, loss, head gradient)."""
        return jax.jit(self._members(self._epoch, arguments=4), donate_argnums=(1,))

    @cached_property
    def run_forecast(self) -> Any:
        """(weights, data, order, steps) -> forecasts (m,), tokens (m, width) at targets, else 0."""
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
            some = (
                total > 0.0
            )  # a batch without train rows, or one beyond this member's last, changes nothing

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


def padded(job: Job, rows: int, tail: int) -> dict[str, Floats]:
    """Return the arrays, filled to `rows` rows and a `tail` to run into; both weigh nothing."""
    extra = rows + tail - len(job.series)

    def fill(a: Floats) -> Floats:
        return np.concatenate([a, np.zeros((extra, *a.shape[1:]), np.float32)])

    arrays = {"series": job.series, "base": job.base, "y": job.y, "weight": job.weight}
    return {name: fill(np.asarray(a, np.float32)) for name, a in arrays.items()}


def round_up(rows: int) -> int:
    """Return the padded number of rows."""
    return SHORT_ROWS if rows <= SHORT_ROWS else -(-rows // ROWS_STEP) * ROWS_STEP


def train(
    program: Program, jobs: Sequence[Job], schedule: ScheduleSettings
) -> Generator[list[Epoch], None, list[Learned]]:
    """Train all members together; yield each epoch's records, the member's number as their seed.

    Raises
    ------
    Diverged
        A loss that is not finite ends the training: it says whose, where, and what to try.
    """
    data, capacity = stack(program, jobs)
    weights, others = zip(*(program.weights(job.seed) for job in jobs), strict=True)
    weights = (_stacked(weights), _stacked(others))
    variables = [jnp.asarray(v.value) for v in program.optimizer.variables]
    optimizer = [jnp.stack([v] * len(jobs)) for v in variables]
    starts = [program.stretches(job.train) for job in jobs]
    orders = [generator(job.seed, "order") for job in jobs]
    steps_each = [-(-len(s) // program.per_batch) for s in starts]
    valid = np.stack([program.batches(program.stretches(job.valid), capacity) for job in jobs])
    valid_steps = max(-(-len(program.stretches(job.valid)) // program.per_batch) for job in jobs)
    courses = [Course(schedule, steps) for steps in steps_each]
    gradients: list[list[float]] = [[] for _ in jobs]
    done = [0] * len(jobs)
    most = [schedule.epochs if job.rates is None else len(job.rates) for job in jobs]
    used: list[list[float]] = [[] for _ in jobs]

    def judge(epoch: int, losses: Any) -> tuple[list[Epoch | None], list[Floats]]:
        forecasts = np.asarray(program.run_forecast(weights, data, valid, valid_steps)[0])
        records: list[Epoch | None] = [None] * len(jobs)
        values = [_values(program, job, f) for job, f in zip(jobs, forecasts, strict=True)]
        for i, (job, course) in enumerate(zip(jobs, courses, strict=True)):
            if not course.stopped:
                record = _record(job, epoch, float(losses[i]), forecasts[i], values[i], i)
                _require_finite(record, course.rate)
                records[i] = record
        return records, values

    records, start_values = judge(0, [_start_loss(program, job) for job in jobs])
    best = start = weights
    best_values = list(start_values)
    if any([c.start(r.val_loss) for c, r in zip(courses, records, strict=True) if r is not None]):
        yield [record for record in records if record is not None]
    for course, last in zip(courses, most, strict=True):
        course.stopped = last == 0
    for epoch in range(1, max(most) + 1):
        table = np.full((len(jobs), capacity, program.per_batch), PAD, np.int64)
        for i, course in enumerate(courses):
            if not course.stopped:
                table[i] = program.batches(orders[i].permutation(starts[i]), capacity)
                done[i] += steps_each[i]
                given = jobs[i].rates
                used[i].append(course.rate if given is None else given[epoch - 1])
        optimizer[1] = jnp.asarray([rates[-1] if rates else 0.0 for rates in used], jnp.float32)
        steps = max(s for s, c in zip(steps_each, courses, strict=True) if not c.stopped)
        weights, optimizer, losses, norms = program.run_epoch(weights, optimizer, data, table, steps)
        records, values = judge(epoch, np.asarray(losses))
        better = np.zeros(len(jobs), bool)
        for i, (course, record) in enumerate(zip(courses, records, strict=True)):
            if record is not None:
                gradients[i].append(float(norms[i]))
                better[i] = course.take(epoch, record.val_loss)
                best_values[i] = values[i] if better[i] else best_values[i]
                course.stopped |= epoch == most[i]
        best = _where(better, weights, best) if schedule.keep_best else weights
        yield [record for record in records if record is not None]
        if all(course.stopped for course in courses):
            break
    if schedule.keep_best and schedule.start_counts and schedule.start_margin > 0.0:
        lucky = np.array(
            [_lucky(a - b, schedule.start_margin) for a, b in zip(start_values, best_values, strict=True)]
        )
        best = _where(lucky, start, best)
        for course in (course for course, luck in zip(courses, lucky, strict=True) if luck):
            course.best_epoch = 0
    return [
        Learned(
            weights=jax.tree.map(lambda a, i=i: np.asarray(a[i]), best),
            epochs=len(gradients[i]),
            best_epoch=course.best_epoch if schedule.keep_best else len(gradients[i]),
            steps=done[i],
            rates=tuple(used[i]),
            head_gradient=(gradients[i][0], gradients[i][-1]) if gradients[i] else (0.0, 0.0),
        )
        for i, course in enumerate(courses)
    ]


def forecast(program: Program, job: Job, weights: Any, rows: Ints) -> tuple[Floats, Floats]:
    """Return forecasts (n,) and tokens (n, width) of the rows (n,) of a job, in the unit of the loss."""
    data, capacity = stack(program, [job])
    starts = program.stretches(rows)
    order = program.batches(starts, capacity)[None]
    one = jax.tree.map(lambda a: np.asarray(a)[None], weights)  # a view: JAX would copy each, one by one
    found = program.run_forecast(one, data, order, -(-len(starts) // program.per_batch))
    return np.asarray(found[0][0])[rows], np.asarray(found[1][0])[rows]


def stack(program: Program, jobs: Sequence[Job]) -> tuple[dict[str, Any], int]:
    """Return the members' padded data, and how many batches an order has room for."""
    rows = round_up(max(len(job.series) for job in jobs))
    tables = [padded(job, rows, program.length) for job in jobs]
    data = {name: jnp.asarray(np.stack([t[name] for t in tables])) for name in tables[0]}
    data["penalty"] = jnp.asarray([job.penalty for job in jobs], jnp.float32)
    return data, -(-rows // (program.length * program.per_batch)) + 2


def _values(program: Program, job: Job, forecasts: Floats) -> Floats:
    """Return the loss of each inner validation row."""
    y, f = jnp.asarray(job.y[job.valid]), jnp.asarray(forecasts[job.valid])
    return np.asarray(program.loss.call(y, f), np.float64)


def _lucky(gains: Floats, margin: float) -> bool:
    """Whether the mean gain of an epoch over the untrained network is within so many standard errors of 0."""
    return bool(gains.mean() < margin * gains.std() / np.sqrt(gains.size))


def _record(job: Job, epoch: int, loss: float, forecasts: Floats, values: Floats, member: int) -> Epoch:
    f, y = forecasts[job.valid], job.y[job.valid]
    spread = float(y.std())
    return Epoch(
        epoch=epoch,
        loss=loss,
        val_loss=float(values.mean()),
        pred_std=float(f.std()) / spread if spread > 0.0 else 0.0,
        pos_pct=100.0 * float(np.mean(f > 0.0)),
        seed=member,
    )


def _start_loss(program: Program, job: Job) -> float:
    """Return the loss of the untrained network on the train rows: that of its base."""
    rows = job.train
    values = program.loss.call(jnp.asarray(job.y[rows]), jnp.asarray(job.base[rows]))
    return float(np.average(np.asarray(values), weights=job.weight[rows]))


def _require_finite(record: Epoch, rate: float) -> None:
    for name, value in (("loss", record.loss), ("val_loss", record.val_loss)):
        if not np.isfinite(value):
            raise Diverged(
                record.seed,
                f"the {name} is {value} in epoch {record.epoch} at learning rate {rate:g}: diverged; lower "
                "the learning rate, keep the gradient clipped and the target standardised",
            )


def _stacked(members: Sequence[list[Any]]) -> list[Any]:
    return [jnp.stack(arrays) for arrays in zip(*members, strict=True)]


def _where(mask: npt.NDArray[np.bool_], new: Any, old: Any) -> Any:
    if mask.all():
        return new
    if not mask.any():
        return old
    flags = jnp.asarray(mask)
    return jax.tree.map(lambda a, b: jnp.where(flags.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)
