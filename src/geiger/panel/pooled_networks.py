"""Networks over the histories of all symbols: what they remember is one symbol's, what they learn is of all.

A network reads consecutive rows of one series. So the histories are laid one after the other, each behind as
many empty rows as a forecast looks back on: no forecast sees another symbol's row, and a symbol's first rows
are forecast like all others, from a past in which every feature stands at its own mean. Batches mix stretches
of all symbols.

What a network adds to is, with ``skip = "ridge"``, the coefficients of all symbols that pooled ridge fits to
the same rows; its body learns what these leave over. Timing is the mean of the learned outcomes, as of trees.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from geiger.errors import SettingError, TrainingError
from geiger.experiment.train_fold import seeds_of
from geiger.learning.folds import Fold
from geiger.learning.windows import Block, History
from geiger.models import Ensemble, average, forecaster_of
from geiger.models.baselines import Linear
from geiger.models.nets.forecaster import NetPredictor, Network, exhaust, program_of
from geiger.models.screen import Screened
from geiger.models.state import State
from geiger.models.storage import restore
from geiger.models.telling import known_as
from geiger.panel.folds import counting, rows_of
from geiger.panel.material import PanelMaterial
from geiger.panel.normalise import Singles
from geiger.panel.pooled import Fit, Pooled
from geiger.panel.pooled_ridge import lines_of_all
from geiger.panel.scores import Floats
from geiger.panel.targets import Targets, mean_timing, weights_of
from geiger.settings import Config

if TYPE_CHECKING:
    from geiger.models.nets.jobs import Job

Ints = npt.NDArray[np.int64]
NO_ROWS: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class PooledNetworks(Pooled):
    """Networks for selection, one number for timing."""

    networks: Ensemble
    timing: float

    def tell(self, material: PanelMaterial, rows: slice) -> tuple[Floats, Floats]:
        """Return selection (1, R) and timing (R,); see `Pooled`."""
        series, place = laid(material, rows, self.networks.reach)
        order = np.argsort(place)
        none = np.zeros(len(place))
        block = Block(
            x=series[place[order]],  # type: ignore[arg-type]  # in single precision, as networks reckon
            y=none,
            weight=none,
            rows=place[order],
            history=History(series, 0),  # type: ignore[arg-type]
        )
        selection = np.empty((1, len(place)))
        selection[0, order] = self.networks.predict(block)
        return selection, np.full(len(place), self.timing)

    def state(self) -> State:
        """Return the networks' settings and weights, and the number."""
        return State("pooled_networks", {"timing": self.timing}, parts=(self.networks.state(),))


def restore_networks(state: State) -> PooledNetworks:
    """Return the model behind a state.

    Raises
    ------
    DataError
        A value is missing, of another type or shape, or infinite.
    MissingLibrary
        Keras or JAX is not installed.
    """
    state.require("pooled_networks", facts=("timing",), parts=1)
    networks = restore(state.parts[0])
    if not isinstance(networks, Ensemble):
        raise state.fault("an ensemble expected inside")
    return PooledNetworks(networks, state.number("timing"))


def laid(material: PanelMaterial, rows: slice, history: int) -> tuple[Singles, Ints]:
    """Lay the members' rows one after the other, each member's behind its `history` rows before.

    Where there are fewer, empty rows stand in their place. Row t knows rows <= t of its own member.

    Returns
    -------
    series : (m, F) float32
    place : (R,) int64
        Where each of the rows stands in it.
    """
    member, many = material.member[: rows.stop], len(material.symbols)
    total = np.bincount(member, minlength=many)
    asked = np.bincount(member[rows], minlength=many)
    order = np.argsort(member, kind="stable")  # by member, then day
    owner = member[order]
    before_end = np.cumsum(total)[owner] - np.arange(len(owner))  # 1 for a member's last row
    end = np.cumsum(np.where(asked > 0, history + asked, 0))
    kept = (before_end <= history + asked[owner]) & (asked[owner] > 0)
    series = np.zeros((int(end[-1]), material.normalised.shape[1]), dtype=np.float32)
    place = np.full(len(member), -1, dtype=np.int64)
    place[order[kept]] = (end[owner] - before_end)[kept]
    series[place[order[kept]]] = material.normalised[order[kept]]
    return series, place[rows]


def fit_networks(
    material: PanelMaterial, model: str, targets: Targets, folds: Sequence[Fold], config: Config
) -> Iterator[Fit]:
    """Fit each fold from its past, one after the other, on one thread.

    Raises
    ------
    SettingError
        A setting asks for what only a symbol alone has.
    TrainingError
        A fold has no row to learn from, or its training diverges.
    """
    network = forecaster_of(config, model)
    assert isinstance(network, Network)
    settings = network.settings
    if settings.skip == "screened" or settings.residual == "last_return":
        raise SettingError(
            f"{model}: in a panel skip is ridge, zeros or none, and residual not last_return, got "
            f"skip {settings.skip!r} and residual {settings.residual!r}"
        )
    for fold in folds:
        try:
            yield _fitted(material, network, targets, fold, config)
        except TrainingError as error:
            raise TrainingError(f"fold {fold.index}: {error}") from error


def _fitted(material: PanelMaterial, network: Network, targets: Targets, fold: Fold, config: Config) -> Fit:
    from geiger.models.nets.loop import repeat

    started, days = time.perf_counter(), counting(material)
    rows = rows_of(material, days, range(fold.train.start, fold.valid.stop))
    weight = weights_of(material, targets, rows, config.panel)
    if not weight.any():
        raise TrainingError("no row with a known outcome to learn from")
    from geiger.models.nets.jobs import ROWS_STEP

    program = program_of(network, material.normalised.shape[1], False)
    # One length for all folds, so that one program is compiled.
    program.padded(len(material.day) + len(material.symbols) * program.history, ROWS_STEP)
    series, place = laid(material, rows, program.history)
    lines: tuple[Floats | None, Floats | None] = (None, None)
    if network.settings.skip == "ridge":
        lines = lines_of_all(material, targets, fold, config)
    lesson = _Lesson(material, targets, config, network, rows, series, place)
    inner = lesson.job(rows_of(material, days, fold.train), rows_of(material, days, fold.valid), lines[0])
    whole = lesson.job(rows, slice(rows.start, rows.start), lines[1])
    members = []
    for number, seed in enumerate(seeds_of(config, network.name, fold)):
        with known_as(partial(replace, fold=fold.index, seed=number)):
            learned, epochs = exhaust(program, [replace(inner, seed=seed)], network.settings)
        weights, line = learned[0].weights, lines[0]
        if network.settings.refit:
            chosen = learned[0].rates[: learned[0].best_epoch]
            weights, line = repeat(program, [replace(whole, seed=seed)], [chosen])[0], lines[1]
        members.append(
            NetPredictor(
                network=network,
                features=program.width,
                weights=weights,
                offset=None if line is None else _offset(line),
                fit_rows=NO_ROWS,
                rounds=learned[0].best_epoch,
                epochs=tuple(epochs[0]),
            )
        )
    networks = average(members)
    return Fit(
        fold=fold,
        model=PooledNetworks(networks, mean_timing(targets, rows, weight)),
        rounds=networks.rounds_by_member,
        learned_rows=int((weight > 0.0).sum()),
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True, eq=False)
class _Lesson:
    """The laid rows of a fold, from which jobs are made."""

    material: PanelMaterial
    targets: Targets
    config: Config
    network: Network
    rows: slice
    series: Singles
    place: Ints

    def job(self, train: slice, valid: slice, line: Floats | None) -> Job:
        """Return what is learned from `train` rows and judged by `valid` rows, added to a linear part."""
        from geiger.models.nets.jobs import Job

        at, judged = (
            self.place[part.start - self.rows.start : part.stop - self.rows.start] for part in (train, valid)
        )
        known = np.isfinite(self.targets.selection[valid])
        y, weight, base = (np.zeros(len(self.series), dtype=np.float32) for _ in range(3))
        y[self.place] = np.nan_to_num(self.targets.selection[self.rows])
        weight[at] = weights_of(self.material, self.targets, train, self.config.panel)
        if line is not None:
            base = self.series @ line[1:].astype(np.float32) + np.float32(line[0])
        return Job(
            series=self.series,
            base=base,
            y=y,
            weight=weight,
            train=np.flatnonzero(weight),
            valid=np.sort(judged[known]),
            penalty=self.network.settings.weight_decay,
            seed=0,
        )


def _offset(line: Floats) -> Screened:
    """Return a linear part that is held fixed, as networks keep theirs."""
    linear = Linear(fit_rows=NO_ROWS, intercept=float(line[0]), coefficients=line[1:])
    return Screened((), np.empty(0), np.empty(0), linear)
