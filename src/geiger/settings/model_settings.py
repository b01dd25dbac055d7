"""The settings of every model, and the sections they stand in. Defaults are those of recipe `default`.

A network's settings are those of how it is fed, what its forecast is added to, what it minimises, how long it
trains, and of its own body: one flat section in a settings file, several records here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from geiger.errors import SettingError, did_you_mean
from geiger.settings.models import FITTED
from geiger.settings.setting import Settings, section, setting

Feeding = Literal["dense", "windows"]
Residual = Literal["drift", "direct", "log_price", "last_return"]
Skip = Literal["none", "zeros", "ridge", "screened"]
Loss = Literal[
    "mse",
    "huber",
    "directional_mse",
    "plan_mix",
    "consistent",
    "huber_directional",
    "gmadl",
    "adjmse1",
    "adjmse2",
    "adjmse3",
    "adjmse4",
]
TargetUnit = Literal["standardised", "raw"]
PatienceUnit = Literal["epochs", "steps"]
Readout = Literal["last", "mean"]
Smoothing = Literal["none", "wavelet"]
Meta = Literal["elastic_net", "nnls", "simplex", "equal"]

LOSSES: tuple[str, ...] = get_args(Loss)
STANDARDISED_LOSSES = ("consistent", "huber", "huber_directional", "gmadl")  # they count in deviations


@dataclass(frozen=True)
class RidgeSettings(Settings):
    """Ridge regression; the penalty is chosen on the inner validation rows."""

    section: ClassVar[str] = "ridge"
    alphas: tuple[float, ...] = setting(
        (300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0),
        "Penalties to choose from, ascending: where features are independent, alpha = n halves a "
        "coefficient.",
        unit="rows",
        above=0,
    )
    refit: bool = setting(True, "Fit inner train and validation rows together with the chosen penalty.")

    def check(self) -> None:
        """Refuse penalties that are not ascending."""
        if not self.alphas or list(self.alphas) != sorted(self.alphas):
            raise SettingError(f"ridge.alphas must be positive and ascending, got {self.alphas}")


# Weak-signal settings, chosen on markets with a planted signal of R^2 1%: few shallow trees, slow learning,
# large leaves, strong L2. A fixed number of trees beat early stopping there, whose choice was close to
# random; more trees over-disperse the forecast.
@dataclass(frozen=True)
class BoostSettings(Settings):
    """One gradient-boosting library; None leaves the library's own default."""

    section: ClassVar[str] = "boosting"
    max_trees: int = setting(
        75, "Trees to grow; all of them are used unless early stopping is on.", unit="trees", least=1
    )
    early_stopping: int | None = setting(
        None,
        "Stop after so many trees without a better inner validation error, and use the best number.",
        unit="trees",
        least=1,
    )
    learning_rate: float = setting(0.03, "Share of each tree's answer that is added.", above=0, most=1)
    depth: int = setting(2, "Levels of a tree.", unit="levels", least=1)
    min_leaf_rows: int | None = setting(
        100, "Rows a leaf needs (XGBoost: weighted rows).", unit="rows", least=1
    )
    subsample: float | None = setting(0.7, "Share of the rows each tree sees.", above=0, most=1)
    colsample: float | None = setting(
        0.4, "Share of the features a tree (CatBoost: a level of it) may choose from.", above=0, most=1
    )
    l1: float | None = setting(0.0, "L1 penalty of leaf values.", least=0)
    l2: float | None = setting(
        20.0, "L2 penalty of leaf values: a leaf of so many rows answers half its mean.", unit="rows", least=0
    )
    bins: int | None = setting(64, "Values a feature is rounded to before growing.", unit="values", least=2)
    refit: bool = setting(
        True, "Grow the chosen number of trees once more, on inner train and validation rows together."
    )


@dataclass(frozen=True)
class XGBoostSettings(BoostSettings):
    """XGBoost."""

    section: ClassVar[str] = "xgb"


@dataclass(frozen=True)
class LightGBMSettings(BoostSettings):
    """LightGBM."""

    section: ClassVar[str] = "lgb"


@dataclass(frozen=True)
class CatBoostSettings(BoostSettings):
    """CatBoost: also ordered boosting, and rows kept in time order."""

    section: ClassVar[str] = "catboost"
    max_trees: int = setting(
        100, "Trees to grow; all of them are used unless early stopping is on.", unit="trees", least=1
    )
    depth: int = setting(3, "Levels of a tree.", unit="levels", least=1)
    min_leaf_rows: int | None = setting(
        None, "Not for CatBoost, whose symmetric trees have no smallest leaf.", unit="rows", least=1
    )
    ordered: bool = setting(
        True, "Ordered boosting: a row's residual comes from trees that have not seen it."
    )
    has_time: bool = setting(True, "Take the rows in the order of the days, in place of random permutations.")

    def check(self) -> None:
        """Refuse what the library has not."""
        super().check()
        for name, value in (("l1", self.l1), ("min_leaf_rows", self.min_leaf_rows)):
            if value:
                raise SettingError(
                    f"catboost.{name}: its symmetric trees have no {name}; leave it out, got {value}"
                )


@dataclass(frozen=True)
class FeedingSettings(Settings):
    """Which days a network sees."""

    section: ClassVar[str] = "network"
    feeding: Feeding = setting(
        "dense", "A stretch of days that gives a forecast for each of them, or one window a forecast."
    )
    lookback: int = setting(60, "Days the blocks reach back together.", unit="days", least=1)
    burn_in: int = setting(30, "Days the recurrent memory warms up before that.", unit="days", least=0)
    stretch: int = setting(128, "Days forecast in a stretch (dense).", unit="days", least=1)


@dataclass(frozen=True)
class HeadSettings(Settings):
    """What a network's change is added to."""

    section: ClassVar[str] = "network"
    residual: Residual = setting("drift", "What the network's change is added to.", compiled=False)
    skip: Skip = setting(
        "screened",
        "A linear part beside the network: none; today's features, learned with it from zero; or, held "
        "fixed, the fold's ridge regression of them; or that with the pairs and delays that stand out.",
    )

    def check(self) -> None:
        """Refuse a fixed linear part that forecasts another thing than the head adds to."""
        super().check()
        if self.skip in ("ridge", "screened") and self.residual != "drift":
            raise SettingError(
                f"{self.place('skip')} {self.skip!r} forecasts the change from the train mean, so it goes "
                f"with residual 'drift' only, got {self.residual!r}; use skip 'zeros' or 'none'"
            )


@dataclass(frozen=True)
class LossSettings(Settings):
    """What a network minimises."""

    section: ClassVar[str] = "network"
    loss: Loss = setting("mse", "What is minimised (see the networks' page).")
    direction_weight: float = setting(
        0.5, "Weight of the plan's directional penalty, for the loss directional_mse only.", least=0
    )
    target_unit: TargetUnit = setting(
        "standardised",
        "Unit the loss is computed in: train standard deviations, or log returns as they are.",
        compiled=False,
    )
    weight_decay: float = setting(
        0.1,
        "Half of it times the sum of squared kernels is added to the loss.",
        least=0,
        compiled=False,
    )

    def check(self) -> None:
        """Refuse a loss that counts in deviations on raw returns."""
        super().check()
        if self.target_unit == "raw" and self.loss in STANDARDISED_LOSSES:
            raise SettingError(
                f"{self.place('loss')} {self.loss!r} counts in train standard deviations; use target_unit "
                "'standardised'"
            )


@dataclass(frozen=True)
class ScheduleSettings(Settings):
    """How long a network learns, by which steps, and when its learning rate falls.

    Patience counts epochs or steps; steps are what a network learns by, and an epoch has more of them where a
    batch is smaller. The rules are those of `keras.callbacks.ReduceLROnPlateau` (an improvement is 1e-4 or
    more) and `EarlyStopping` (any improvement counts, the best weights come back).
    """

    section: ClassVar[str] = "network"
    epochs: int = setting(20, "Most epochs of training.", unit="epochs", least=1, compiled=False)
    batch_size: int = setting(512, "Targets of one step.", unit="targets", least=1)
    learning_rate: float = setting(2e-4, "First learning rate of Adam.", above=0, compiled=False)
    clip_norm: float | None = setting(
        1.0, "Largest norm of a variable's gradient; none does not clip.", above=0
    )
    plateau_factor: float = setting(
        0.5, "The rate is multiplied by it on a plateau.", least=0, below=1, compiled=False
    )
    plateau_patience: int | None = setting(
        24, "Wait without an improvement before the rate falls; none: it stays.", least=1, compiled=False
    )
    min_rate: float = setting(1e-6, "The rate falls no lower.", least=0, compiled=False)
    stop_patience: int | None = setting(
        48, "Wait without an improvement before training ends; none: it goes on.", least=1, compiled=False
    )
    patience_unit: PatienceUnit = setting("steps", "What patience counts.", compiled=False)
    keep_best: bool = setting(
        True,
        "Return the weights of the best epoch on the inner validation rows, else the last.",
        compiled=False,
    )
    start_counts: bool = setting(
        True, "Whether the untrained network is a candidate for the best.", compiled=False
    )
    start_margin: float = setting(
        1.0,
        "Gain on the inner validation rows by which the best epoch must beat it: at 0 a lucky epoch often "
        "wins, and adds its noise to the linear part.",
        unit="standard errors",
        least=0,
        compiled=False,
    )


@dataclass(frozen=True)
class NetworkSettings(ScheduleSettings, LossSettings, HeadSettings, FeedingSettings):
    """What every network has; small bodies, on top of the screened linear part, with a penalty."""

    refit: bool = setting(
        True,
        "Train the chosen number of epochs once more, on inner train and validation rows together.",
        compiled=False,
    )


@dataclass(frozen=True)
class BodySettings(NetworkSettings):
    """A network with a body of blocks."""

    width: int = setting(16, "Numbers in a token.", least=1)
    heads: int = setting(2, "Heads of a block.", least=1)
    blocks: int = setting(2, "Blocks, one on the other.", least=0)
    dropout: float = setting(0.1, "Share of numbers dropped in each block while training.", least=0, below=1)

    def check(self) -> None:
        """Refuse a window that leaves a block no day to look back on."""
        super().check()
        if self.feeding == "dense" and self.blocks and self.lookback <= self.blocks:
            raise SettingError(
                f"{self.place('lookback')} {self.lookback} is too short for {self.blocks} blocks; give at "
                f"least {self.blocks + 1}"
            )


@dataclass(frozen=True)
class LSTMSettings(BodySettings):
    """The LSTM-Transformer."""

    section: ClassVar[str] = "lstm"
    lstm: tuple[int, ...] = setting((16,), "Units of each LSTM of the stack.", unit="units", least=1)
    key: int = setting(8, "Numbers of a head's query.", least=1)
    inner: int = setting(32, "Numbers of a block's middle layer.", least=1)
    readout: Readout = setting(
        "last", "Token the forecast is read from; the mean of all is for windows only."
    )
    causal: bool = setting(
        True, "Whether the days of a window see earlier days only; dense feeding always does."
    )

    def check(self) -> None:
        """Refuse a stack without an LSTM."""
        super().check()
        if not self.lstm:
            raise SettingError("lstm.lstm needs the units of at least one LSTM, got none")


@dataclass(frozen=True)
class XLSTMSettings(BodySettings):
    """XLSTM-TS."""

    section: ClassVar[str] = "xlstm"
    dropout: float = setting(0.0, "Share of numbers dropped in each block while training.", least=0, below=1)
    slstm_at: tuple[int, ...] = setting((1,), "Which blocks, from 0, have scalar memory.", least=0)
    smoothing: Smoothing = setting(
        "none", "Causal low-pass of the inputs: each row from its own past, never the whole series."
    )


@dataclass(frozen=True)
class StackSettings(Settings):
    """The stack: its base models, and what weighs them.

    The rules are ElasticNet with non-negative weights (Zou and Hastie 2005), non-negative least squares
    (Lawson and Hanson 1974), least squares over weights that sum to 1 (Breiman 1996) and the plain mean.
    `alpha`, `l1_ratio` and `max_iter` are those of scikit-learn's ElasticNet, which minimises
    ||y - Zw||^2 / 2n + alpha * l1_ratio * ||w||_1 + alpha * (1 - l1_ratio) * ||w||^2 / 2.
    """

    section: ClassVar[str] = "stack"
    models: tuple[str, ...] = setting(
        ("lstm", "xlstm", "xgb", "lgb", "catboost", "ridge"), "The base models, each once."
    )
    meta: Meta = setting(
        "simplex",
        "How they are weighed: ElasticNet with weights of 0 or more, non-negative least squares, weights "
        "that sum to 1, or equally.",
    )
    units: TargetUnit = setting(
        "standardised",
        "What ElasticNet and non-negative least squares see: standard deviations, or log returns as they "
        "are. Raw, the plan's penalty outweighs any daily return.",
    )
    alpha: float = setting(0.01, "ElasticNet's penalty.", least=0)
    alpha_share: float | None = setting(
        None,
        "In place of alpha: this share of the smallest alpha at which every weight is 0.",
        above=0,
        most=1,
    )
    l1_ratio: float = setting(0.5, "Share of the penalty that is L1.", above=0, most=1)
    max_iter: int = setting(1000, "Most iterations of ElasticNet.", least=1)
    min_rows: int = setting(
        504, "Out-of-fold forecasts that the first weights are fitted on.", unit="days", least=20
    )

    def check(self) -> None:
        """Refuse a name that is no model a stack can weigh."""
        if not self.models or len(set(self.models)) != len(self.models):
            raise SettingError(
                f"stack.models: name at least one model, each once, got {', '.join(self.models) or 'none'}"
            )
        for name in self.models:
            if name not in FITTED:
                raise SettingError(f"stack.models: no model {name!r}: {did_you_mean(name, FITTED)}")


@dataclass(frozen=True)
class ModelSections(Settings):
    """The section of each model that has one, under the model's name."""

    ridge: RidgeSettings = section(RidgeSettings, "Ridge regression.")
    xgb: XGBoostSettings = section(XGBoostSettings, "XGBoost's trees.")
    lgb: LightGBMSettings = section(LightGBMSettings, "LightGBM's trees.")
    catboost: CatBoostSettings = section(CatBoostSettings, "CatBoost's trees.")
    lstm: LSTMSettings = section(LSTMSettings, "The LSTM-Transformer.")
    xlstm: XLSTMSettings = section(XLSTMSettings, "XLSTM-TS.")
    stack: StackSettings = section(StackSettings, "The stack of other models.")
