"""Frozen settings of one experiment, the named recipes, and the only reader of TOML.

A recipe is a complete `Config`. A setting that does not exist fails at once, with the nearest right one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

from geiger.errors import SettingError, did_you_mean

Fill = Literal["next_open", "close"]
Risk = Literal["conservative", "balanced", "aggressive"]
Rule = Literal["sign", "long_flat", "proportional"]
T = TypeVar("T")


@dataclass(frozen=True)
class Weighting:
    """Sample weights, computed inside the fold from its train rows (off by default)."""

    recency_half_life: int | None = None  # rows until a row counts half
    balance_signs: bool = False  # up days and down days weigh the same in total
    cap: float = 3.0  # no row weighs more than this many times the mean


@dataclass(frozen=True)
class RidgeSettings:
    """Ridge regression; the penalty is chosen on the inner validation rows."""

    alphas: tuple[float, ...] = (300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0)
    refit: bool = True


@dataclass(frozen=True)
class BoostSettings:
    """One gradient-boosting library; None leaves the library's own default."""

    max_trees: int = 1000
    early_stopping: int | None = 100
    learning_rate: float = 0.05
    depth: int = 6
    min_leaf_rows: int | None = None
    subsample: float | None = None
    colsample: float | None = None
    l1: float | None = None
    l2: float | None = None
    bins: int | None = None
    refit: bool = False  # train once more on train + validation rows with the chosen number of trees


@dataclass(frozen=True)
class CatBoostSettings(BoostSettings):
    """CatBoost's own: ordered boosting and rows kept in time order."""

    ordered: bool = True
    has_time: bool = True


@dataclass(frozen=True)
class NetSettings:
    """What both networks share; `models.nets.forecaster.Network` says what each setting means."""

    feeding: Literal["dense", "windows"] = "dense"
    lookback: int = 60
    burn_in: int = 60
    stretch: int = 128
    residual: Literal["drift", "direct", "log_price", "last_return"] = "drift"
    skip: Literal["none", "zeros", "ridge", "screened"] = "screened"
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


@dataclass(frozen=True)
class LSTMSettings(NetSettings):
    """The LSTM-Transformer."""

    lstm: tuple[int, ...] = (32,)
    width: int = 64
    blocks: int = 4
    heads: int = 4
    key: int = 16
    inner: int = 128
    dropout: float = 0.1
    readout: Literal["last", "mean"] = "last"
    causal: bool = True


@dataclass(frozen=True)
class XLSTMSettings(NetSettings):
    """XLSTM-TS."""

    width: int = 64
    heads: int = 2
    blocks: int = 4
    slstm_at: tuple[int, ...] = (1,)
    smoothing: Literal["none", "wavelet"] = "none"
    dropout: float = 0.0


@dataclass(frozen=True)
class StackSettings:
    """The stack; `models.stack.MetaLearner` says what `meta` and its penalties mean.

    `models` are the base models; `min_rows` is the number of out-of-fold forecasts the first weights are
    fitted on.
    """

    models: tuple[str, ...] = ("lstm", "xlstm", "xgb", "lgb", "catboost", "ridge")
    meta: Literal["elastic_net", "nnls", "simplex", "equal"] = "elastic_net"
    units: Literal["standardised", "raw"] = "standardised"
    alpha: float = 0.01
    alpha_share: float | None = None
    l1_ratio: float = 0.5
    max_iter: int = 1000
    min_rows: int = 504


@dataclass(frozen=True)
class TradingSettings:
    """From forecasts to positions and costs. Basis points are per unit of turnover, one way."""

    rule: Rule = "proportional"
    risk: Risk = "balanced"
    allow_short: bool = True
    holding_days: float = 5.0
    cost_bps: float = 5.0
    slippage_bps: float = 0.0
    borrow_rate: float = 0.0075
    cash_yield: float = 0.0
    margin_spread: float = 0.01


def _check_choices(record: Any) -> None:
    hints = {
        "fill": Fill,
        "risk": Risk,
        "rule": Rule,
        "back_transform": Literal["mean", "median"],
        "parallel": Literal["auto", "processes", "vmap"],
    }
    for name, choices in hints.items():
        value = getattr(record, name, None)
        if value is not None and value not in get_args(choices):
            raise SettingError(f"{name}: no {value!r}; {did_you_mean(str(value), get_args(choices))}")


def _check_span(start: str | None, end: str | None) -> None:
    days = {name: _day(name, text) for name, text in (("start", start), ("end", end)) if text is not None}
    if len(days) == 2 and days["start"] > days["end"]:
        raise SettingError(f"start {start} lies after end {end}; swap them")


def _day(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{name}: {text!r} is no day; write it as 2012-03-31") from None


def _check_costs(trading: TradingSettings) -> None:
    """Refuse what the backtest would refuse, before anything is trained."""
    for name in ("cost_bps", "slippage_bps", "borrow_rate", "cash_yield", "margin_spread", "holding_days"):
        value = getattr(trading, name)
        if not (math.isfinite(value) and value >= 0) or (name == "holding_days" and value == 0):
            least = "above 0" if name == "holding_days" else "of 0 or more"
            raise SettingError(f"{name} must be a finite number {least}, got {value:g}")


@dataclass(frozen=True)
class Config:
    """All settings of one experiment.

    `lockbox` is the number of last rows that stay unseen; None means one year of the symbol's market.
    `back_transform` says how a log forecast becomes an expected simple return: ``mean`` adds half the
    train variance before ``expm1``, ``median`` does not. `network_refit` is `refit` for networks where it is
    given. `parallel` says how networks are trained: each fold in a process of its own (on a CPU), or all
    members in one program (`vmap`, on a GPU); `workers` is the number of processes, None one for each
    processor, and changes no bit of a forecast.
    """

    recipe: str = "default"
    fill: Fill = "next_open"
    horizon: int = 1
    refit: int = 63
    network_refit: int | None = None
    min_train: int = 504
    valid_share: float = 0.15
    rolling: int | None = None
    max_folds: int | None = None
    seeds: int = 3
    seed: int = 0
    clip: float = 5.0
    lockbox: int | None = None
    start: str | None = None
    end: str | None = None
    back_transform: Literal["mean", "median"] = "mean"
    weighting: Weighting = field(default_factory=Weighting)
    ridge: RidgeSettings = field(default_factory=RidgeSettings)
    xgb: BoostSettings = field(default_factory=BoostSettings)
    lgb: BoostSettings = field(default_factory=BoostSettings)
    catboost: CatBoostSettings = field(default_factory=CatBoostSettings)
    lstm: LSTMSettings = field(default_factory=LSTMSettings)
    xlstm: XLSTMSettings = field(default_factory=XLSTMSettings)
    stack: StackSettings = field(default_factory=StackSettings)
    parallel: Literal["auto", "processes", "vmap"] = "auto"
    workers: int | None = None
    trading: TradingSettings = field(default_factory=TradingSettings)

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_choices(self.trading)
        if self.horizon != 1:
            raise SettingError(
                f"horizon: only next-day forecasts are traded so far, so 1, got {self.horizon}"
            )
        for name in ("refit", "network_refit", "min_train", "seeds", "rolling", "max_folds", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingError(f"{name} must be at least 1, got {value}")
        if self.lockbox is not None and self.lockbox < 0:
            raise SettingError(f"lockbox counts rows, so it cannot be negative, got {self.lockbox}")
        if self.seed < 0:
            raise SettingError(f"seed must be 0 or more, got {self.seed}")
        if self.stack.min_rows < 20:
            raise SettingError(f"stack.min_rows must be at least 20, got {self.stack.min_rows}")
        _check_span(self.start, self.end)
        _check_costs(self.trading)


# The plan's own numbers, on the object that is trained. The plan gives LightGBM none: it takes XGBoost's.
_PLAN_BOOST = BoostSettings(
    max_trees=1000,
    early_stopping=100,
    learning_rate=0.05,
    depth=6,
    subsample=0.8,
    colsample=0.8,
    l1=0.01,
    l2=0.01,
)

# Weak-signal settings, chosen on markets with a planted signal of R^2 1%: few shallow trees, slow learning,
# large leaves, strong L2. A fixed number of trees beat early stopping there, whose choice was close to
# random; more trees over-disperse the forecast.
_WEAK_BOOST = BoostSettings(
    max_trees=75,
    early_stopping=None,
    learning_rate=0.03,
    depth=2,
    min_leaf_rows=100,
    subsample=0.7,
    colsample=0.4,
    l1=0.0,
    l2=20.0,
    bins=64,
    refit=True,
)

# Symmetric trees have no smallest leaf.
_WEAK_CATBOOST = CatBoostSettings(
    **{**dataclasses.asdict(_WEAK_BOOST), "max_trees": 100, "depth": 3, "min_leaf_rows": None}
)

# The plan's network settings, on the object that is trained. Sizes are those of its model's paper as far as
# they are known; the plan gives the xLSTM none.
_PLAN_NET: Mapping[str, Any] = MappingProxyType(
    {
        "feeding": "windows",
        "lookback": 60,
        "burn_in": 0,
        "residual": "last_return",
        "skip": "none",
        "loss": "directional_mse",
        "direction_weight": 0.5,
        "target_unit": "standardised",
        "weight_decay": 0.0,
        "epochs": 50,
        "batch_size": 512,
        "learning_rate": 1e-3,
        "clip_norm": 1.0,
        "plateau_factor": 0.5,
        "plateau_patience": 10,
        "min_rate": 1e-6,
        "stop_patience": 30,
        "keep_best": True,
        "start_counts": False,
        "refit": False,
    }
)

# Small, on top of the screened linear part, with a penalty: what the ablation supports.
_DENSE_NET: Mapping[str, Any] = MappingProxyType(
    {
        "feeding": "dense",
        "lookback": 60,
        "burn_in": 30,
        "skip": "screened",
        "weight_decay": 0.1,
        "learning_rate": 2e-4,
        "epochs": 20,
        "stop_patience": 48,
        "plateau_patience": 24,
        "patience_unit": "steps",
        "start_margin": 1.0,
        "refit": True,
    }
)
_SMALL_LSTM = LSTMSettings(**_DENSE_NET, lstm=(16,), width=16, blocks=2, heads=2, key=8, inner=32)
_SMALL_XLSTM = XLSTMSettings(**_DENSE_NET, width=16, blocks=2, slstm_at=(1,))

RECIPES: Mapping[str, Config] = MappingProxyType(
    {
        "plan": Config(
            recipe="plan",
            fill="close",
            refit=252,
            seeds=1,
            back_transform="median",
            weighting=Weighting(recency_half_life=1260, balance_signs=True),
            xgb=_PLAN_BOOST,
            lgb=_PLAN_BOOST,
            catboost=CatBoostSettings(
                max_trees=1000, early_stopping=100, learning_rate=0.03, depth=6, l2=3.0, ordered=True
            ),
            lstm=LSTMSettings(**_PLAN_NET, readout="mean", causal=False),
            xlstm=XLSTMSettings(**_PLAN_NET),
            trading=TradingSettings(rule="long_flat", holding_days=1.0),
        ),
        "default": Config(
            recipe="default",
            network_refit=252,
            xgb=_WEAK_BOOST,
            lgb=_WEAK_BOOST,
            catboost=_WEAK_CATBOOST,
            lstm=_SMALL_LSTM,
            xlstm=_SMALL_XLSTM,
            stack=StackSettings(meta="simplex"),
        ),
        "quick": Config(
            recipe="quick",
            refit=252,
            seeds=1,
            max_folds=6,
            xgb=_WEAK_BOOST,
            lgb=_WEAK_BOOST,
            catboost=dataclasses.replace(_WEAK_CATBOOST, max_trees=50, learning_rate=0.06),
            lstm=dataclasses.replace(_SMALL_LSTM, epochs=10),
            xlstm=dataclasses.replace(_SMALL_XLSTM, epochs=10),
            stack=StackSettings(models=("lstm", "xgb", "lgb", "catboost", "ridge"), meta="simplex"),
        ),
    }
)


def recipe(name: str) -> Config:
    """Return the named recipe.

    >>> recipe("plan").fill
    'close'
    """
    if name not in RECIPES:
        raise SettingError(f"no recipe {name!r}: {did_you_mean(name, RECIPES)}")
    return RECIPES[name]


def override(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return `config` with `changes`; nested settings are given as mappings.

    >>> override(recipe("default"), {"trading": {"cost_bps": 10.0}}).trading.cost_bps
    10.0
    """
    return _override(config, changes, where="")


def from_toml(path: Path, base: Config | None = None) -> Config:
    """Return the settings of a TOML file, on top of `base` or else of the recipe that the file names."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingError(f"{path}: no such settings file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{path}: not a readable TOML file ({error})") from None
    try:
        named = recipe(str(table.pop("recipe", "default")))
        return override(base or named, table)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None


def as_dict(config: Config) -> dict[str, Any]:
    """Return all settings as plain nested dictionaries, ready for JSON."""
    return dataclasses.asdict(config)


def _override(record: T, changes: Mapping[str, Any], where: str) -> T:
    known = {f.name: f for f in dataclasses.fields(record)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            raise SettingError(f"no setting {where + name!r}: {did_you_mean(name, known)}")
        old = getattr(record, name)
        if dataclasses.is_dataclass(old) and not isinstance(old, type):
            if not isinstance(value, Mapping):
                raise SettingError(f"setting {where + name!r} is a table, got {value!r}")
            values[name] = _override(old, value, where=f"{where}{name}.")
        else:
            values[name] = _typed(where + name, value, known[name].type)
    return dataclasses.replace(record, **values)  # type: ignore[type-var]


def _typed(name: str, value: Any, declared: Any) -> Any:
    """Return `value` if it has the declared type (an int will do for a float), else raise."""
    text = str(declared)
    if value is None and "None" in text:
        return None
    kinds: tuple[tuple[str, type], ...] = (("tuple", tuple), ("bool", bool), ("int", int), ("float", float))
    wanted = next((kind for word, kind in kinds if text.startswith(word)), str)
    if wanted is tuple and isinstance(value, list | tuple):
        kind = next(word for word in ("int", "str", "float") if word in text)
        return tuple(_typed(name, entry, kind) for entry in value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is float and isinstance(value, float) and not math.isfinite(value):
        raise SettingError(f"setting {name!r} must be a finite number, got {value}")
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise SettingError(f"setting {name!r} must be {text}, got {value!r}")
    return value
