"""Networks behind the one protocol of all models: settings that fit, predictors that forecast.

Only this file of the folder is loaded with the catalogue; Keras and JAX come with the first fit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from geiger.errors import DataError, SettingError, TrainingError, did_you_mean
from geiger.learning.windows import Block, Floats, Ints, join
from geiger.metrics import correlation, nrc1, nrc2, pred_std
from geiger.models.base import Effort, Forecaster, Predictor, common_state
from geiger.models.screen import MAX_DELAY, Screened, fit_screened
from geiger.models.state import State
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

if TYPE_CHECKING:
    from geiger.models.nets.heads import ForecastNet
    from geiger.models.nets.jobs import Job
    from geiger.models.nets.loop import Learned
    from geiger.models.nets.program import Program
    from geiger.models.nets.schedule import Schedule

PRODUCTS_A_SECOND = 1.5e10  # of one processor, measured; the estimate is rough
LOSS_NAMES = (  # of `losses.LOSSES`, which loads Keras
    *("mse", "huber", "directional_mse", "plan_mix", "consistent", "huber_directional", "gmadl"),
    *("adjmse1", "adjmse2", "adjmse3", "adjmse4"),
)


@dataclass(frozen=True, kw_only=True)
class Network(Forecaster):
    """Settings that both networks share.

    Attributes
    ----------
    feeding : {"dense", "windows"}
        A stretch of days that gives a forecast for each of them, or one window a forecast.
    lookback : int
        Days the blocks reach back together.
    burn_in : int
        Days the recurrent memory warms up before that.
    stretch : int
        Days forecast in a stretch (dense).
    residual : {"drift", "direct", "log_price", "last_return"}
        What the network's change is added to.
    skip : {"none", "zeros", "ridge", "screened"}
        A linear part beside the network: today's features, learned with it from zero; or held fixed, the
        fold's ridge regression of them; or that with the pairs and delays that stand out (`models.screen`).
    loss : str
        A name of `losses.LOSSES`.
    direction_weight : float
        Weight of the plan's directional penalty, for the loss `directional_mse` only.
    target_unit : {"standardised", "raw"}
        Unit the loss is computed in: train standard deviations, or log returns as they are.
    weight_decay : float
        Half of it times the sum of squared kernels is added to the loss.
    epochs, batch_size, learning_rate, clip_norm
        Of Adam (Kingma and Ba 2015). A batch counts targets.
    plateau_factor, plateau_patience, min_rate, stop_patience
        When the rate falls and when training stops; None switches it off.
    patience_unit : {"epochs", "steps"}
        What patience counts. Steps are what a network learns by, however large a batch is.
    keep_best : bool
        Return the weights of the best epoch on the inner validation rows, else the last ones.
    start_counts : bool
        Whether the untrained network is a candidate for the best.
    start_margin : float
        Standard errors of the gain on the inner validation rows by which the best epoch must beat it: at 0 a
        lucky epoch often wins, and adds its noise to the linear part.
    refit : bool
        Train the chosen number of epochs once more, on train and validation rows together.
    threads : int
        CPU threads of one fit.
    width, heads, blocks : int
        Numbers in a token, and how the body is cut.
    dropout : float
        Share of numbers dropped in each block while training.
    """

    feeding: Literal["dense", "windows"] = "dense"
    lookback: int = 60
    burn_in: int = 60
    stretch: int = 128
    residual: str = "drift"
    skip: Literal["none", "zeros", "ridge", "screened"] = "zeros"
    loss: str = "mse"
    direction_weight: float = 0.5
    target_unit: Literal["standardised", "raw"] = "standardised"
    weight_decay: float = 0.0
    epochs: int = 50
    batch_size: int = 512
    learning_rate: float = 1e-3
    clip_norm: float | None = 1.0
    plateau_factor: float = 0.5
    plateau_patience: int | None = 10
    min_rate: float = 1e-6
    stop_patience: int | None = 30
    patience_unit: Literal["epochs", "steps"] = "epochs"
    keep_best: bool = True
    start_counts: bool = True
    start_margin: float = 0.0
    refit: bool = False
    threads: int = 1
    width: int = 64
    heads: int = 4
    blocks: int = 4
    dropout: float = 0.1
    apart: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._require_choices()
        for name in ("lookback", "stretch", "epochs", "batch_size", "threads", "width", "heads"):
            if getattr(self, name) < 1:
                raise SettingError(f"{self.name}: {name} must be at least 1, got {getattr(self, name)}")
        for name in ("plateau_patience", "stop_patience", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise SettingError(f"{self.name}: {name} must be above 0, or none, got {value}")
        for name in ("plateau_factor", "dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise SettingError(f"{self.name}: {name} must lie in [0, 1), got {getattr(self, name)}")
        if self.loss not in LOSS_NAMES:
            raise SettingError(
                f"{self.name}: unknown loss {self.loss!r}: {did_you_mean(self.loss, LOSS_NAMES)}"
            )
        if self.skip in ("ridge", "screened") and self.residual != "drift":
            raise SettingError(
                f"{self.name}: skip {self.skip!r} forecasts the change from the train mean, so it goes with "
                f"residual 'drift' only, got {self.residual!r}; use skip 'zeros' or 'none'"
            )
        if self.feeding == "dense" and self.blocks and self.lookback <= self.blocks:
            raise SettingError(
                f"{self.name}: lookback {self.lookback} is too short for {self.blocks} blocks; give at least "
                f"{self.blocks + 1}"
            )
        for name in ("burn_in", "weight_decay", "start_margin"):
            if getattr(self, name) < 0:
                raise SettingError(f"{self.name}: {name} must be 0 or more, got {getattr(self, name)}")
        if self.target_unit == "raw" and self.loss in ("consistent", "huber", "huber_directional", "gmadl"):
            raise SettingError(
                f"{self.name}: loss {self.loss!r} counts in train standard deviations; use target_unit "
                "'standardised'"
            )
        if not self.learning_rate > 0.0:
            raise SettingError(f"{self.name}: learning_rate must be above 0, got {self.learning_rate}")

    def _require_choices(self) -> None:
        choices = {
            "feeding": ("dense", "windows"),
            "skip": ("none", "zeros", "ridge", "screened"),
            "residual": ("drift", "direct", "log_price", "last_return"),
            "target_unit": ("standardised", "raw"),
            "patience_unit": ("epochs", "steps"),
        }
        for name, known in choices.items():
            if getattr(self, name) not in known:
                raise SettingError(
                    f"{self.name}: {name} is one of {', '.join(known)}, got {getattr(self, name)!r}"
                )

    @property
    def effort(self) -> Effort:
        """Epochs at most, targets in a batch, and the first learning rate."""
        return Effort(epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate)

    def described(self) -> TrainingSettings:
        """Return what shapes the training, for the log."""
        unit = self.patience_unit
        plateau = Plateau(self.plateau_patience, self.plateau_factor, unit, self.min_rate)
        directional = self.loss == "directional_mse"
        return TrainingSettings(
            feeding=Feeding(self.feeding, self.lookback, self.burn_in),
            objective=Objective(self.loss, self.target_unit, self.direction_weight if directional else None),
            residual=Residual(self.residual, self.skip),
            optimizer=Optimizer(self.clip_norm, self.weight_decay),
            plateau=Plateau() if self.plateau_patience is None else plateau,
            early_stopping=EarlyStopping(
                self.stop_patience, unit if self.stop_patience else None, self.keep_best, self.refit
            ),
        )

    def expected_seconds(self, rows: int) -> float:
        """Return about how long a fit takes on one processor, from its multiplications."""
        past = self.lookback + self.burn_in
        a_row = (self.stretch + self.lookback) / self.stretch if self.feeding == "dense" else past
        return self.epochs * rows * a_row * self.products() * 6 / PRODUCTS_A_SECOND * (2 if self.refit else 1)

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

    def fit_many(self, members: Sequence[tuple[Block, Block, int]]) -> list[NetPredictor]:
        """Train many networks in one program: vmap over (train, valid, seed) members.

        Worth it on a GPU; on a CPU, processes of one member each are faster.
        """
        for train, _, _ in members:
            _require_variation(self, train)
        program = program_of(self, members[0][0].x.shape[1], len(members) > 1)
        offsets = [self._offset(train, valid, refit=False) for train, valid, _ in members]
        jobs = [
            job_of(self, program, train, valid, seed, offset)
            for (train, valid, seed), offset in zip(members, offsets, strict=True)
        ]
        first, courses = _exhaust(program, jobs, self._schedule())
        final = first
        if self.refit:
            offsets = [self._offset(train, valid, refit=True) for train, valid, _ in members]
            jobs = [
                replace(
                    job_of(self, program, join(train, valid), valid, seed, offset),
                    rates=chosen.rates[: chosen.best_epoch],
                )
                for (train, valid, seed), offset, chosen in zip(members, offsets, first, strict=True)
            ]
            fixed = replace(self._schedule(), keep_best=False, stop_patience=None)
            final, _ = _exhaust(program, jobs, fixed)
        parts = zip(jobs, first, final, courses, offsets, members, strict=True)
        return [self._predictor(program, *part) for part in parts]

    def _offset(self, train: Block, valid: Block, *, refit: bool) -> Screened | None:
        if self.skip not in ("ridge", "screened"):
            return None
        reach = program_of(self, train.x.shape[1], False).history  # no term looks back on more than the body
        delay = min(MAX_DELAY, reach) if self.skip == "screened" else None
        return fit_screened(train, valid, refit=refit, max_delay=delay)

    def _schedule(self) -> Schedule:
        from geiger.models.nets.schedule import Schedule

        return Schedule(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            plateau_factor=self.plateau_factor,
            plateau_patience=self.plateau_patience,
            min_rate=self.min_rate,
            stop_patience=self.stop_patience,
            keep_best=self.keep_best,
            start_counts=self.start_counts,
            start_margin=self.start_margin,
            patience_unit=self.patience_unit,
        )

    def _predictor(
        self,
        program: Program,
        job: Job,
        first: Learned,
        final: Learned,
        epochs: Sequence[Epoch],
        offset: Screened | None,
        member: tuple[Block, Block, int],
    ) -> NetPredictor:
        from geiger.models.nets.program import forecast

        rows = job.train
        fitted, tokens = forecast(program, job, final.weights, rows)
        net = program.net
        head = next(i for i, v in enumerate(net.trainable_variables) if "change/kernel" in v.path)
        kernel = np.asarray(final.weights[0][head], dtype=np.float64)
        y = job.y[rows].astype(np.float64)
        train, valid, _ = member
        assert valid.history is not None
        training = Training(
            loss=self.loss,
            target_unit=self.target_unit,
            target_std=train.target_std,
            weight_decay=self.weight_decay,
            learning_rate=self.learning_rate,
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
            direction_weight=self.direction_weight if self.loss == "directional_mse" else None,
        )
        return NetPredictor(
            network=self,
            features=program.width,
            weights=final.weights,
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
    elif network.keep_best and learned.best_epoch == network.epochs:
        text = f"the last epoch ({network.epochs}) was the best on the inner validation rows; more may help"
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
    """What one network learned: its weights, as plain arrays in the order of its variables."""

    network: Network
    features: int
    weights: tuple[list[Any], list[Any]]
    offset: Screened | None = None

    def predict(self, block: Block) -> Floats:
        """Return one forecast (n,) per row, each from the row's last `history` + 1 days alone."""
        from geiger.models.nets.program import forecast

        if block.x.shape[1] != self.features:
            raise DataError(
                f"{self.network.name} learned from {self.features} features, these rows have "
                f"{block.x.shape[1]}"
            )
        program = program_of(self.network, self.features, False)
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

    @property
    def reach(self) -> int:
        """How many rows before a row its forecast reads."""
        return program_of(self.network, self.features, False).history

    def state(self) -> State:
        """Return settings and weights, with the fixed linear part, where there is one, as the one part."""
        facts, arrays = common_state(self, self.features)
        network = self.network
        settings = {item.name: getattr(network, item.name) for item in fields(network)}
        for role, weights in zip(("trainable", "other"), self.weights, strict=True):
            arrays |= {f"{role}_{i}": np.asarray(weight) for i, weight in enumerate(weights)}
        return State(
            "network",
            facts | {"model": network.name, "settings": settings},
            arrays,
            parts=() if self.offset is None else (self.offset.state(),),
        )


def program_of(network: Network, width: int, vmap: bool) -> Program:
    """Return the compiled network of these settings; those that only steer the loop share one."""
    return _program(
        replace(network, **_STEERING, skip="zeros" if network.skip == "zeros" else "none"), width, vmap
    )


# Settings that a compiled network does not depend on.
_STEERING: dict[str, Any] = {
    "residual": "drift",
    "target_unit": "standardised",
    "weight_decay": 0.0,
    "epochs": 1,
    "learning_rate": 1e-3,
    "plateau_factor": 0.5,
    "plateau_patience": None,
    "min_rate": 0.0,
    "stop_patience": None,
    "patience_unit": "epochs",
    "keep_best": True,
    "start_counts": True,
    "start_margin": 0.0,
    "refit": False,
}


@lru_cache(maxsize=8)
def _program(network: Network, width: int, vmap: bool) -> Program:
    from geiger.models.nets.losses import make_loss
    from geiger.models.nets.program import Program

    directional = {"direction_weight": network.direction_weight} if network.loss == "directional_mse" else {}
    return Program(
        lambda seed: fresh_net(network, seed),
        width,
        length=network.stretch if network.feeding == "dense" else 1,
        batch=network.batch_size,
        loss=make_loss(network.loss, directional),
        clip_norm=network.clip_norm,
        vmap=vmap,
    )


def fresh_net(network: Network, seed: int) -> ForecastNet:
    """Return the network of these settings, not built yet."""
    from geiger.models.nets.heads import ForecastNet, ResidualHead

    return ForecastNet(network.body(derive(seed, "weights")), ResidualHead(skip=network.skip == "zeros"))


def job_of(
    network: Network, program: Program, train: Block, valid: Block, seed: int, offset: Screened | None = None
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
    if network.residual == "drift":
        base[:] = -train.zero
    elif network.residual == "last_return":
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
        penalty=network.weight_decay,
        seed=seed,
    )


def _require_variation(network: Network, train: Block) -> None:
    """Refuse rows that teach nothing: Adam would blow their rounding up to full steps."""
    if np.isfinite(train.y).all() and not np.ptp(train.y):
        raise TrainingError(f"{network.name}: the target does not vary on the train rows; nothing to learn")
    if not np.ptp(train.x, axis=0).any():
        raise TrainingError(f"{network.name}: every feature is constant on the train rows; nothing to learn")


def _scale(network: Network, block: Block) -> float:
    """Return how many units of the loss a train standard deviation is."""
    return block.target_std if network.target_unit == "raw" else 1.0


def _at(block: Block) -> Ints:
    assert block.history is not None
    return block.history.at(block.rows)


def _exhaust(
    program: Program, jobs: Sequence[Job], schedule: Schedule
) -> tuple[list[Learned], list[list[Epoch]]]:
    """Run the loop to its end and sort its records by member."""
    from geiger.models.nets.loop import train

    courses: list[list[Epoch]] = [[] for _ in jobs]
    loop = train(program, jobs, schedule)
    while True:
        try:
            for record in next(loop):
                courses[record.seed].append(record)
        except StopIteration as end:
            return end.value, courses


@dataclass(frozen=True, kw_only=True)
class LSTMTransformer(Network):
    """LSTM, then Transformer blocks (after Ruiru, Jouandeau and Odhiambo 2024).

    Attributes
    ----------
    lstm : tuple of int
        Units of each LSTM of the stack.
    key, inner : int
        Numbers of a head's query, and of a block's middle layer.
    readout : {"last", "mean"}
        Token the forecast is read from; the mean of all is for windows only.
    causal : bool
        Whether the days of a window see earlier days only; dense feeding always does.
    """

    lstm: tuple[int, ...] = (32,)
    key: int = 16
    inner: int = 128
    readout: Literal["last", "mean"] = "last"
    causal: bool = True
    name: ClassVar[str] = "lstm"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lstm or min(self.lstm) < 1:
            raise SettingError(f"lstm: lstm needs the units of at least one LSTM, got {self.lstm}")
        if min(self.key, self.inner) < 1:
            raise SettingError(f"lstm: key and inner must be at least 1, got {self.key} and {self.inner}")

    def products(self) -> int:
        """Return about how many multiplications one day's token takes."""
        steps = self.burn_in if self.feeding == "dense" else 1
        memory = sum(4 * units * units * steps for units in self.lstm) + 4 * _inputs() * self.lstm[0]
        inner = self.heads * self.key
        attended = 2 * self.lookback * inner
        return memory + self.blocks * (4 * self.width * inner + 2 * self.width * self.inner + attended)

    def body(self, seed: int) -> Any:
        """Return the LSTM and the blocks."""
        from geiger.models.nets.lstm_transformer import LSTMTransformerBody

        return LSTMTransformerBody(
            feeding=self.feeding,
            lookback=self.lookback,
            burn_in=self.burn_in,
            lstm=tuple(int(units) for units in self.lstm),
            width=self.width,
            blocks=self.blocks,
            heads=self.heads,
            key=self.key,
            inner=self.inner,
            dropout=self.dropout,
            readout=self.readout,
            causal=self.causal,
            seed=seed,
        )


@dataclass(frozen=True, kw_only=True)
class XLSTMTS(Network):
    """xLSTM-TS: blocks of matrix and scalar memory (Beck et al. 2024; Lopez Gil et al. 2024).

    Attributes
    ----------
    slstm_at : tuple of int
        Which blocks, from 0, have scalar memory.
    smoothing : {"none", "wavelet"}
        Causal low-pass of the inputs: each row from its own past, never the whole series.
    """

    heads: int = 2
    slstm_at: tuple[int, ...] = (1,)
    smoothing: Literal["none", "wavelet"] = "none"
    dropout: float = 0.0
    name: ClassVar[str] = "xlstm"

    def products(self) -> int:
        """Return about how many multiplications one day's token takes."""
        steps = self.burn_in if self.feeding == "dense" else 1
        scalar = len(self.slstm_at) * 4 * self.width * self.width // self.heads * steps
        recalled = 4 * self.lookback * self.width
        return scalar + _inputs() * self.width + self.blocks * (10 * self.width**2 + recalled)

    def body(self, seed: int) -> Any:
        """Return the stack of memory blocks."""
        from geiger.models.nets.xlstm import XLSTMBody

        return XLSTMBody(
            feeding=self.feeding,
            lookback=self.lookback,
            burn_in=self.burn_in,
            width=self.width,
            heads=self.heads,
            blocks=self.blocks,
            slstm_at=tuple(int(place) for place in self.slstm_at),
            smoothing=self.smoothing,
            dropout=self.dropout,
            seed=seed,
        )
