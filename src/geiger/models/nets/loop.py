"""The only training loop: many members at once, whatever the network and however it is fed.

The loop only yields epoch records; the caller decides what to write. `repeat` is a course that was chosen
before: nothing is judged in it, so nothing is forecast.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from geiger.errors import Diverged
from geiger.models.nets.backend import jax, jnp
from geiger.models.nets.jobs import Floats, Ints, Job
from geiger.models.nets.program import RATE, Program, batched
from geiger.models.nets.schedule import Course
from geiger.records import Epoch
from geiger.seeds import generator
from geiger.settings import ScheduleSettings


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


@dataclass
class Member:
    """One job on its way through the epochs: what it learns from, and what is remembered of it.

    Attributes
    ----------
    number : int
        Place on the axis of members.
    starts : (n,) int64
        First input positions of the stretches that it learns from.
    steps : int
        Batches of one epoch.
    epochs : int
        After so many it ends, if the schedule does not end it before.
    order : numpy.random.Generator
        Shuffles the stretches, once an epoch.
    rates, gradients : list of float
        Learning rate, and norm of the gradient at the head, of each epoch so far.
    record : Epoch
        Of the last epoch that was judged.
    untrained_values, best_values : (v,) float64
        Loss of each inner validation row, by the untrained network and by the best epoch so far.
    """

    number: int
    job: Job
    starts: Ints
    steps: int
    epochs: int
    course: Course
    order: np.random.Generator
    rates: list[float] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)
    record: Epoch = field(init=False)
    untrained_values: npt.NDArray[np.float64] = field(init=False)
    best_values: npt.NDArray[np.float64] = field(init=False)

    @classmethod
    def of(cls, number: int, job: Job, program: Program, schedule: ScheduleSettings) -> Member:
        """Return the member before its first epoch."""
        starts = program.stretches(job.train)
        steps = program.steps(starts)
        return cls(
            number=number,
            job=job,
            starts=starts,
            steps=steps,
            epochs=schedule.epochs,
            course=Course(schedule, steps),
            order=generator(job.seed, "order"),
        )

    def judge_start(self, program: Program, forecasts: Floats) -> bool:
        """Take note of the untrained network's forecasts (m,); return whether it is a candidate."""
        values = self._judge(program, 0, _start_loss(program, self.job), forecasts)
        self.untrained_values = self.best_values = values
        counts = self.course.start(self.record.val_loss)
        self.course.stopped = self.epochs == 0
        return counts

    def next_order(self, program: Program, capacity: int) -> Ints:
        """Set the next epoch's rate and return its batches (capacity, per batch): all pads once stopped."""
        if self.course.stopped:
            return program.batches(self.starts[:0], capacity)
        self.rates.append(self.course.rate)
        return program.batches(self.order.permutation(self.starts), capacity)

    def judge_epoch(self, program: Program, loss: float, gradient: float, forecasts: Floats) -> bool:
        """Take note of an epoch and of the forecasts (m,) after it; return whether it is the best so far."""
        epoch = len(self.rates)
        values = self._judge(program, epoch, loss, forecasts)
        self.gradients.append(gradient)
        better = self.course.take(epoch, self.record.val_loss)
        if better:
            self.best_values = values
        self.course.stopped |= epoch == self.epochs
        return better

    def forget_luck(self, margin: float) -> bool:
        """Go back to the untrained network if the best epoch's gain may be chance; return whether it may.

        It may where the mean gain is within `margin` standard errors of 0.
        """
        gains = self.untrained_values - self.best_values
        lucky = bool(gains.mean() < margin * gains.std() / np.sqrt(gains.size))
        if lucky:
            self.course.best_epoch = 0
        return lucky

    def learned(self, weights: Any, keep_best: bool) -> Learned:
        """Return what its training left, of the weights of all members."""
        epochs = len(self.rates)
        return Learned(
            weights=jax.tree.map(lambda a: np.asarray(a[self.number]), weights),
            epochs=epochs,
            best_epoch=self.course.best_epoch if keep_best else epochs,
            steps=self.steps * epochs,
            rates=tuple(self.rates),
            head_gradient=(self.gradients[0], self.gradients[-1]) if epochs else (0.0, 0.0),
        )

    def _judge(self, program: Program, epoch: int, loss: float, forecasts: Floats) -> npt.NDArray[np.float64]:
        """Make the record of an epoch; return the loss of each inner validation row (v,)."""
        f, y = forecasts[self.job.valid], self.job.y[self.job.valid]
        values = np.asarray(program.loss.call(jnp.asarray(y), jnp.asarray(f)), np.float64)
        spread = float(y.std())
        self.record = Epoch(
            epoch=epoch,
            loss=loss,
            val_loss=float(values.mean()),
            pred_std=float(f.std()) / spread if spread > 0.0 else 0.0,
            pos_pct=100.0 * float(np.mean(f > 0.0)),
            seed=self.number,
        )
        for name, value in (("loss", self.record.loss), ("val_loss", self.record.val_loss)):
            _require_finite(self.number, name, value, epoch, self.course.rate)
        return values


def train(
    program: Program, jobs: Sequence[Job], schedule: ScheduleSettings
) -> Generator[list[Epoch], None, list[Learned]]:
    """Train all members together; yield each epoch's records, the member's number as their seed.

    Raises
    ------
    Diverged
        A loss that is not finite ends the training: it says whose, where, and what to try.
    """
    data, capacity = batched(program, jobs)
    weights, optimizer = program.fresh([job.seed for job in jobs])
    members = [Member.of(number, job, program, schedule) for number, job in enumerate(jobs)]
    valid = [program.stretches(job.valid) for job in jobs]
    valid_order = np.stack([program.batches(starts, capacity) for starts in valid])
    valid_steps = max(program.steps(starts) for starts in valid)

    def validated(weights: Any) -> Floats:
        return np.asarray(program.run_forecast(weights, data, valid_order, valid_steps)[0])

    untrained = best = weights
    forecasts = validated(weights)
    candidates = [member.judge_start(program, forecasts[member.number]) for member in members]
    if any(candidates):
        yield [member.record for member in members]

    while running := [member for member in members if not member.course.stopped]:
        order = np.stack([member.next_order(program, capacity) for member in members])
        optimizer[RATE] = jnp.asarray([m.rates[-1] if m.rates else 0.0 for m in members], jnp.float32)
        steps = max(member.steps for member in running)
        weights, optimizer, loss, gradient = program.run_epoch(weights, optimizer, data, order, steps)
        losses, gradients, forecasts = np.asarray(loss), np.asarray(gradient), validated(weights)
        better = np.zeros(len(members), bool)
        for member in running:
            i = member.number
            better[i] = member.judge_epoch(program, float(losses[i]), float(gradients[i]), forecasts[i])
        best = _where(better, weights, best) if schedule.keep_best else weights
        yield [member.record for member in running]

    if schedule.keep_best and schedule.start_counts and schedule.start_margin > 0.0:
        lucky = np.array([member.forget_luck(schedule.start_margin) for member in members])
        best = _where(lucky, untrained, best)
    return [member.learned(best, schedule.keep_best) for member in members]


def repeat(
    program: Program, jobs: Sequence[Job], rates: Sequence[Sequence[float]]
) -> list[tuple[list[Any], list[Any]]]:
    """Train each member one epoch at each of its rates; return the weights, trainable ones and others.

    Raises
    ------
    Diverged
        A loss or weight that is not finite, said after the last epoch.
    """
    data, capacity = batched(program, jobs)
    weights, optimizer = program.fresh([job.seed for job in jobs])
    starts = [program.stretches(job.train) for job in jobs]
    orders = [generator(job.seed, "order") for job in jobs]
    losses = []
    for epoch in range(max(map(len, rates))):
        running = [epoch < len(own) for own in rates]
        # A member that has ended is given pads alone: they change nothing.
        shuffled = [
            order.permutation(own) if runs else own[:0]
            for order, own, runs in zip(orders, starts, running, strict=True)
        ]
        batches = np.stack([program.batches(own, capacity) for own in shuffled])
        optimizer[RATE] = jnp.asarray([own[epoch] if epoch < len(own) else 0.0 for own in rates], jnp.float32)
        steps = max(program.steps(own) for own in shuffled)
        weights, optimizer, loss, _ = program.run_epoch(weights, optimizer, data, batches, steps)
        losses.append(loss)
    learned = [jax.tree.map(lambda a, i=i: np.asarray(a[i]), weights) for i in range(len(jobs))]
    for number, own in enumerate(rates):
        for epoch, rate in enumerate(own):
            _require_finite(number, "loss", float(losses[epoch][number]), epoch + 1, rate)
        for array in jax.tree.leaves(learned[number]) if own else ():
            _require_finite(number, "largest weight", float(np.abs(array).max()), len(own), own[-1])
    return learned


def _start_loss(program: Program, job: Job) -> float:
    """Return the loss of the untrained network on the train rows: that of its base."""
    rows = job.train
    values = program.loss.call(jnp.asarray(job.y[rows]), jnp.asarray(job.base[rows]))
    return float(np.average(np.asarray(values), weights=job.weight[rows]))


def _require_finite(member: int, name: str, value: float, epoch: int, rate: float) -> None:
    if not np.isfinite(value):
        raise Diverged(
            member,
            f"the {name} is {value} in epoch {epoch} at learning rate {rate:g}: diverged; lower "
            "the learning rate, keep the gradient clipped and the target standardised",
        )


def _where(mask: npt.NDArray[np.bool_], new: Any, old: Any) -> Any:
    if mask.all():
        return new
    if not mask.any():
        return old
    flags = jnp.asarray(mask)
    return jax.tree.map(lambda a, b: jnp.where(flags.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)
