"""Networks behind the one protocol of all models: settings that fit, predictors that forecast.

Only this file of the folder is loaded with the catalogue; Keras and JAX come with the first fit.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from geiger.errors import DataError, TrainingError
from geiger.learning.windows import Block, Floats, Ints, join
from geiger.metrics import correlation, nrc1, nrc2, pred_std
from geiger.models.base import Effort, Forecaster, Predictor, common_state, named
from geiger.models.screen import MAX_DELAY, Screened, fit_screened, refitted
from geiger.models.state import State
from geiger.models.telling import known_as, tell
from geiger.records import (
    EarlyStopping,
    Epoch,
    Feeding,
    Notice,
    Objective,
    Optimizer,
    Plateau,
    Residual,
    Training,
    TrainingSettings,
)
from geiger.seeds import derive
from geiger.settings import LSTMSettings, ScheduleSettings, XLSTMSettings, as_dict
from geiger.settings.model_settings import BodySettings
from geiger.settings.setting import known_settings

if TYPE_CHECKING:
    from geiger.models.nets.exported import Exported
    from geiger.models.nets.heads import ForecastNet
    from geiger.models.nets.jobs import Job
    from geiger.models.nets.loop import Learned
    from geiger.models.nets.program import Program
    from geiger.models.nets.stretches import Forecasting

PRODUCTS_A_SECOND = 1.5e10  # of one processor, measured; the estimate is rough


@dataclass(frozen=True)
class Network(Forecaster):
    """What all networks share: settings that fit."""

    settings: BodySettings
    threads: int = 1

    @property
    def effort(self) -> Effort:
        """Epochs at most, targets in a batch, and the first learning rate."""
        made = self.settings
        return Effort(epochs=made.epochs, batch_size=made.batch_size, learning_rate=made.learning_rate)

    def described(self) -> TrainingSettings:
        """Return what shapes the training, for the log."""
        made = self.settings
        unit = made.patience_unit
        plateau = Plateau(made.plateau_patience, made.plateau_factor, unit, made.min_rate)
        directional = made.loss == "directional_mse"
        return TrainingSettings(
            feeding=Feeding(made.feeding, made.lookback, made.burn_in),
            objective=Objective(made.loss, made.target_unit, made.direction_weight if directional else None),
            residual=Residual(made.residual, made.skip),
            optimizer=Optimizer(made.clip_norm, made.weight_decay),
            plateau=Plateau() if made.plateau_patience is None else plateau,
            early_stopping=EarlyStopping(
                made.stop_patience, unit if made.stop_patience else None, made.keep_best, made.refit
            ),
        )

    def expected_seconds(self, rows: int) -> float:
        """Return about how long a fit takes on one processor, from its multiplications."""
        made = self.settings
        past = made.lookback + made.burn_in
        a_row = (made.stretch + made.lookback) / made.stretch if made.feeding == "dense" else past
        return made.epochs * rows * a_row * self.products() * 6 / PRODUCTS_A_SECOND * (2 if made.refit else 1)

    @abstractmethod
    def products(self) -> int:
        """Return about how many multiplications one day's token takes."""

    @abstractmethod
    def body(self, seed: int) -> Any:
        """Return the layer that turns days into tokens, with fresh weights."""

    def fit(self, train: Block, valid: Block, *, seed: int) -> NetPredictor:
        """Train one network; the inner validation rows choose its epoch."""
        (predictor,) = self.fit_many([(train, valid, seed)])
        return predictor

    def fit_fold(
        self, train: Block, valid: Block, seeds: Sequence[int], *, course: bool = True
    ) -> list[NetPredictor]:
        """Train one network a seed, one after another; what they learn from is made once.

        The course chooses, so it is always known.
        """
        lessons, members = _Lessons(self), []
        for number, seed in enumerate(seeds):
            with named(number), known_as(partial(replace, seed=number)):
                members += self._fit([(train, valid, seed)], lessons)
        return members

    def fit_many(self, members: Sequence[tuple[Block, Block, int]]) -> list[NetPredictor]:
        """Train many networks in one program: vmap over (train, valid, seed) members.

        Worth it on a GPU; on a CPU, processes of one member each are faster.
        """
        return self._fit(members, _Lessons(self))

    def _fit(self, members: Sequence[tuple[Block, Block, int]], lessons: _Lessons) -> list[NetPredictor]:
        from geiger.models.nets.loop import repeat

        taught = [lessons.of(train, valid) for train, valid, _ in members]
        program = program_of(self, members[0][0].x.shape[1], len(members) > 1)
        seeds = [seed for _, _, seed in members]
        jobs = [replace(lesson.job, seed=seed) for lesson, seed in zip(taught, seeds, strict=True)]
        learned, courses = exhaust(program, jobs, self.settings)
        weights = [one.weights for one in learned]
        if self.settings.refit:
            taught = [lessons.of_all(train, valid) for train, valid, _ in members]
            jobs = [replace(lesson.job, seed=seed) for lesson, seed in zip(taught, seeds, strict=True)]
            weights = repeat(program, jobs, [one.rates[: one.best_epoch] for one in learned])
        offsets = [lesson.offset for lesson in taught]
        parts = zip(jobs, learned, weights, courses, offsets, members, strict=True)
        return [self._predictor(program, *part) for part in parts]

    def _predictor(
        self,
        program: Program,
        job: Job,
        first: Learned,
        weights: tuple[list[Any], list[Any]],
        epochs: Sequence[Epoch],
        offset: Screened | None,
        member: tuple[Block, Block, int],
    ) -> NetPredictor:
        from geiger.models.nets.stretches import forecast

        rows = job.train
        fitted, tokens = forecast(program, job, weights, rows)
        net = program.net
        head = next(i for i, v in enumerate(net.trainable_variables) if "change/kernel" in v.path)
        kernel = np.asarray(weights[0][head], dtype=np.float64)
        y = job.y[rows].astype(np.float64)
        train, valid, _ = member
        assert valid.history is not None
        training = Training(
            loss=self.settings.loss,
            target_unit=self.settings.target_unit,
            target_std=train.target_std,
            weight_decay=self.settings.weight_decay,
            learning_rate=self.settings.learning_rate,
            final_learning_rate=first.rates[-1],
            epochs=first.epochs,
            best_epoch=first.best_epoch,
            steps=first.steps,
            head_gradient_first=first.head_gradient[0],
            head_gradient_last=first.head_gradient[1],
            k_train=pred_std(fitted.astype(np.float64), y),
            rho_train=correlation(fitted.astype(np.float64), y),
            nrc1=nrc1(tokens.astype(np.float64)),
            nrc2=nrc2(tokens.astype(np.float64), kernel.T),
            copies_yesterday=None,
            direction_weight=self.settings.direction_weight
            if self.settings.loss == "directional_mse"
            else None,
        )
        return NetPredictor(
            network=self,
            features=program.width,
            weights=weights,
            offset=offset,
            training=training,
            fit_rows=rows + valid.history.first,
            rounds=first.best_epoch,
            epochs=tuple(replace(e, seed=0, best=e.epoch == first.best_epoch) for e in epochs),
            notices=_notices(first, self, offset),
        )


def _inputs() -> int:
    """Return the number of features of a day; the contract is loaded long before anything is estimated."""
    from geiger.features import NAMES

    return len(NAMES)


def _notices(learned: Learned, network: Network, offset: Screened | None) -> tuple[Notice, ...]:
    found = [] if offset is None or not offset.terms else [_found(offset)]
    if learned.best_epoch == 0:
        text = (
            "no epoch clearly beat the untrained network on the inner validation rows: its base and linear "
            "part forecast alone"
        )
        found.append(Notice("UNTRAINED_BEST", text))
    elif network.settings.keep_best and learned.best_epoch == (last := network.settings.epochs):
        text = f"the last epoch ({last}) was the best on the inner validation rows; more may help"
        found.append(Notice("EPOCHS_RAN_OUT", text))
    return tuple(found)


def _found(offset: Screened) -> Notice:
    strongest = offset.terms[0]
    words = f"feature {strongest.other + 1}"
    if strongest.delay:
        words += f" of {strongest.delay} days before"
    if strongest.one is not None:
        words = f"feature {strongest.one + 1} x {words}"
    text = (
        f"{words} stood out among all pairs and delays (t {strongest.t:.1f}) and joined the linear part; "
        "`geiger features list` has the numbers"
    )
    return Notice("SCREEN_FOUND", text)


@dataclass(frozen=True, kw_only=True)
class NetPredictor(Predictor):
    """What one network learned: its weights, as plain arrays in the order of its variables.

    Attributes
    ----------
    exported : Exported, optional
        What forecasts short series without the layers, where it is known.
    """

    network: Network
    features: int
    weights: tuple[list[Any], list[Any]]
    offset: Screened | None = None
    exported: Exported | None = None

    def predict(self, block: Block) -> Floats:
        """Return one forecast (n,) per row, each from the row's last `history` + 1 days alone."""
        from geiger.models.nets.stretches import forecast

        if block.x.shape[1] != self.features:
            raise DataError(
                f"{self.network.name} learned from {self.features} features, these rows have "
                f"{block.x.shape[1]}"
            )
        program = self._program(block)
        rows = _at(block)
        if rows.size and rows[0] < program.history:
            raise DataError(
                f"row {block.rows[0]} has {rows[0]} days before it; {self.network.name} looks back on "
                f"{program.history}"
            )
        job = job_of(self.network, program, block, block, 0, self.offset)
        found, _ = forecast(program, job, self.weights, rows)
        scale = _scale(self.network, block)
        return found.astype(np.float64) / scale + block.zero

    def rehearse(self, block: Block) -> None:
        """Keep the forecast of these settings, and compile it, where that was not done before."""
        from geiger.models.nets.exported import find

        if find(known_by(self.network, self.features)) is not None:
            return
        if (exported := kept_forecast(self.network, self.features)) is not None:
            replace(self, exported=exported).predict(block)

    @property
    def reach(self) -> int:
        """How many rows before a row its forecast reads."""
        known = self.exported or program_of(self.network, self.features, False)
        return known.history

    def _program(self, block: Block) -> Forecasting:
        if self.exported is not None and block.history is not None and self.exported.takes(block.history.x):
            return self.exported
        return program_of(self.network, self.features, False)

    def state(self) -> State:
        """Return settings and weights, with the fixed linear part, where there is one, as the one part."""
        facts, arrays = common_state(self, self.features)
        network = self.network
        settings = {**as_dict(network.settings), "threads": network.threads}
        for role, weights in zip(("trainable", "other"), self.weights, strict=True):
            arrays |= {f"{role}_{i}": np.asarray(weight) for i, weight in enumerate(weights)}
        return State(
            "network",
            facts | {"model": network.name, "settings": settings},
            arrays,
            parts=() if self.offset is None else (self.offset.state(),),
        )


def program_of(network: Network, width: int, vmap: bool) -> Program:
    """Return the compiled network of these settings; those that only steer the training share one."""
    return _program(replace(network, settings=steady(network.settings)), width, vmap)


def steady(settings: BodySettings) -> BodySettings:
    """Return the settings with all that a compiled network does not depend on at its default.

    Of the linear parts it knows only the one that is learned with it: the others are no part of it.
    """
    known = known_settings(type(settings))
    steering = {name: item.default for name, item in known.items() if not item.about.compiled}
    return replace(settings, **steering, skip="zeros" if settings.skip == "zeros" else "none")


def known_by(network: Network, features: int) -> str:
    """Return what a network's forecast depends on, apart from code and machine."""
    return json.dumps([network.name, as_dict(steady(network.settings)), features], sort_keys=True)


def kept_forecast(network: Network, features: int) -> Exported | None:
    """Keep a network's forecast and return it; None where nothing can be kept."""
    from geiger.models.nets.exported import keep

    return keep(known_by(network, features), program_of(network, features, False))


@lru_cache(maxsize=8)
def _program(network: Network, width: int, vmap: bool) -> Program:
    from geiger.models.nets.losses import make_loss
    from geiger.models.nets.program import Program

    directional = (
        {"direction_weight": network.settings.direction_weight}
        if network.settings.loss == "directional_mse"
        else {}
    )
    return Program(
        lambda seed: fresh_net(network, seed),
        width,
        length=network.settings.stretch if network.settings.feeding == "dense" else 1,
        batch=network.settings.batch_size,
        loss=make_loss(network.settings.loss, directional),
        clip_norm=network.settings.clip_norm,
        vmap=vmap,
    )


def fresh_net(network: Network, seed: int) -> ForecastNet:
    """Return the network of these settings, not built yet."""
    from geiger.models.nets.heads import ForecastNet, ResidualHead

    return ForecastNet(
        network.body(derive(seed, "weights")), ResidualHead(skip=network.settings.skip == "zeros")
    )


def job_of(
    network: Network,
    program: Forecasting,
    train: Block,
    valid: Block,
    seed: int,
    offset: Screened | None = None,
) -> Job:
    """Return a member's data in the unit of its loss; rows without a full past are not learned from.

    Raises
    ------
    DataError
        If too few rows have a full past, or the last return that the plan's head needs is not there.
    """
    from geiger.models.nets.jobs import Job

    past = valid.history
    if past is None:
        raise DataError(f"{network.name} looks back, but these rows come without the rows before them")
    scale = _scale(network, train)
    rows = _at(replace(train, history=past))
    kept = rows >= program.history
    if not kept.any():
        raise DataError(
            f"{network.name}: none of {len(rows)} rows has {program.history} days before it; give a longer "
            "series, a larger --min-train, or a smaller --lookback"
        )
    base = np.zeros(len(past.x))
    if network.settings.residual == "drift":
        base[:] = -train.zero
    elif network.settings.residual == "last_return":
        if past.last_return is None:
            raise DataError(
                f"{network.name}: residual 'last_return' needs the days' returns, which are not given"
            )
        base = np.nan_to_num(past.last_return) - train.zero
    if offset is not None:
        base += offset.on(past.x)
    y, weight = np.zeros(len(past.x)), np.zeros(len(past.x))
    for block in (valid, train):
        y[_at(replace(block, history=past))] = np.nan_to_num(block.y) - block.zero
    weight[rows[kept]] = train.weight[kept]
    return Job(
        series=past.x.astype(np.float32),
        base=(scale * base).astype(np.float32),
        y=(scale * y).astype(np.float32),
        weight=weight.astype(np.float32),
        train=rows[kept],
        valid=_at(valid),
        penalty=network.settings.weight_decay,
        seed=seed,
    )


@dataclass(frozen=True)
class _Lesson:
    """What every seed of a fold learns from: its arrays, as of seed 0, and the linear part held fixed."""

    job: Job
    offset: Screened | None


@dataclass
class _Lessons:
    """Lessons made so far, by the blocks that they were made of, which stay alive meanwhile."""

    network: Network
    made: dict[tuple[int, int], _Lesson] = field(default_factory=dict)
    made_of_all: dict[tuple[int, int], _Lesson] = field(default_factory=dict)

    def of(self, train: Block, valid: Block) -> _Lesson:
        """Return what is learned from train rows; the linear part chooses on validation rows."""
        key = (id(train), id(valid))
        if key not in self.made:
            _require_variation(self.network, train)
            self.made[key] = self._made(train, valid, self._offset(train, valid))
        return self.made[key]

    def of_all(self, train: Block, valid: Block) -> _Lesson:
        """Return what is learned from train and validation rows together, by the same choices."""
        key = (id(train), id(valid))
        if key not in self.made_of_all:
            chosen = self.of(train, valid).offset
            offset = None if chosen is None else refitted(chosen, train, valid)
            self.made_of_all[key] = self._made(join(train, valid), valid, offset)
        return self.made_of_all[key]

    def _offset(self, train: Block, valid: Block) -> Screened | None:
        skip = self.network.settings.skip
        if skip not in ("ridge", "screened"):
            return None
        # No term looks back on more than the body.
        reach = program_of(self.network, train.x.shape[1], False).history
        return fit_screened(train, valid, min(MAX_DELAY, reach) if skip == "screened" else None)

    def _made(self, train: Block, valid: Block, offset: Screened | None) -> _Lesson:
        program = program_of(self.network, train.x.shape[1], False)
        return _Lesson(job_of(self.network, program, train, valid, 0, offset), offset)


def _require_variation(network: Network, train: Block) -> None:
    """Refuse rows that teach nothing: Adam would blow their rounding up to full steps."""
    if np.isfinite(train.y).all() and not np.ptp(train.y):
        raise TrainingError(f"{network.name}: the target does not vary on the train rows; nothing to learn")
    if not np.ptp(train.x, axis=0).any():
        raise TrainingError(f"{network.name}: every feature is constant on the train rows; nothing to learn")


def _scale(network: Network, block: Block) -> float:
    """Return how many units of the loss a train standard deviation is."""
    return block.target_std if network.settings.target_unit == "raw" else 1.0


def _at(block: Block) -> Ints:
    assert block.history is not None
    return block.history.at(block.rows)


def exhaust(
    program: Program, jobs: Sequence[Job], schedule: ScheduleSettings
) -> tuple[list[Learned], list[list[Epoch]]]:
    """Run the loop to its end and sort its records by member; each is told as it comes."""
    from geiger.models.nets.loop import train

    courses: list[list[Epoch]] = [[] for _ in jobs]
    loop = train(program, jobs, schedule)
    while True:
        try:
            for record in next(loop):
                courses[record.seed].append(record)
                tell(record)
        except StopIteration as end:
            return end.value, courses


@dataclass(frozen=True)
class LSTMTransformer(Network):
    """LSTM, then Transformer blocks (after Ruiru, Jouandeau and Odhiambo 2024)."""

    settings: LSTMSettings = field(default_factory=LSTMSettings)
    name: ClassVar[str] = "lstm"

    def products(self) -> int:
        """Return about how many multiplications one day's token takes."""
        made = self.settings
        steps = made.burn_in if made.feeding == "dense" else 1
        memory = sum(4 * units * units * steps for units in made.lstm) + 4 * _inputs() * made.lstm[0]
        inner = made.heads * made.key
        attended = 2 * made.lookback * inner
        return memory + made.blocks * (4 * made.width * inner + 2 * made.width * made.inner + attended)

    def body(self, seed: int) -> Any:
        """Return the LSTM and the blocks."""
        from geiger.models.nets.lstm_transformer import LSTMTransformerBody

        return LSTMTransformerBody(
            feeding=self.settings.feeding,
            lookback=self.settings.lookback,
            burn_in=self.settings.burn_in,
            lstm=tuple(int(units) for units in self.settings.lstm),
            width=self.settings.width,
            blocks=self.settings.blocks,
            heads=self.settings.heads,
            key=self.settings.key,
            inner=self.settings.inner,
            dropout=self.settings.dropout,
            readout=self.settings.readout,
            causal=self.settings.causal,
            seed=seed,
        )


@dataclass(frozen=True)
class XLSTMTS(Network):
    """xLSTM-TS: blocks of matrix and scalar memory (Beck et al. 2024; Lopez Gil et al. 2024)."""

    settings: XLSTMSettings = field(default_factory=XLSTMSettings)
    name: ClassVar[str] = "xlstm"

    def products(self) -> int:
        """Return about how many multiplications one day's token takes."""
        made = self.settings
        steps = made.burn_in if made.feeding == "dense" else 1
        scalar = len(made.slstm_at) * 4 * made.width * made.width // made.heads * steps
        recalled = 4 * made.lookback * made.width
        return scalar + _inputs() * made.width + made.blocks * (10 * made.width**2 + recalled)

    def body(self, seed: int) -> Any:
        """Return the memory blocks."""
        from geiger.models.nets.xlstm import XLSTMBody

        return XLSTMBody(
            feeding=self.settings.feeding,
            lookback=self.settings.lookback,
            burn_in=self.settings.burn_in,
            width=self.settings.width,
            heads=self.settings.heads,
            blocks=self.settings.blocks,
            slstm_at=tuple(int(place) for place in self.settings.slstm_at),
            smoothing=self.settings.smoothing,
            dropout=self.settings.dropout,
            seed=seed,
        )


NETWORKS: dict[str, type[LSTMTransformer] | type[XLSTMTS]] = {
    kind.name: kind for kind in (LSTMTransformer, XLSTMTS)
}
