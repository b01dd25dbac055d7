"""What a run will do, before it does it: one symbol, one model, all settings, and the folds they make."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from geiger import settings
from geiger.errors import SettingError, did_you_mean
from geiger.experiment.material import Material, prepare
from geiger.experiment.walk import expected_seconds, plan_folds
from geiger.learning.folds import Fold, later_blocks
from geiger.market.calendar import valid_symbol
from geiger.market.readers import read_given
from geiger.market.snapshots import Store
from geiger.market.sources import Loaded
from geiger.models import FORECASTERS, GROUPS, Forecaster, make, resolve, wrap
from geiger.models.stack import MetaLearner
from geiger.records import Notice
from geiger.runs.folder import RunsFolder, StoredRun, environment, key_of, threads_at_hand
from geiger.settings import Config

STACK = MetaLearner.name


@dataclass(frozen=True)
class Experiment:
    """One symbol, one model, all settings.

    Attributes
    ----------
    symbol : str
        A symbol of the source, such as ``AAPL``.
    model : str
        A name of the model catalogue, such as ``ridge`` or ``lstm``, or ``stack``.
    config : Config
        A recipe, or one with changes.
    data : Path, optional
        Folder of ``SYMBOL.csv`` or ``.parquet``, or one file; without it stored and embedded prices.
    context : str, optional
        Symbol of the market index; None takes one that is at hand, ``"none"`` does without.
    prices : frame, optional
        The prices themselves (pandas or polars, yfinance's column names), in place of a source.
    estimator : object, optional
        Your own model with ``fit(X, y)`` and ``predict(X)``, in place of `model`.
    command : str, optional
        The command line that asked for it, which the log repeats; it changes nothing.
    """

    symbol: str
    model: str = "ridge"
    config: Config = field(default_factory=lambda: settings.recipe("default"))
    data: Path | None = None
    context: str | None = None
    prices: Any = None
    estimator: Any = None
    runs_dir: Path = Path("runs")
    log_dir: Path = Path("training_logs")
    command: str | None = None

    @property
    def runs(self) -> RunsFolder:
        """The folder of all runs."""
        return RunsFolder(Path(self.runs_dir))

    @property
    def leaves_model(self) -> bool:
        """Whether the run fits a model for use; an estimator of the user's own could not be stored."""
        return self.estimator is None

    def material(self) -> Material:
        """Load prices and context, and compute features and target."""
        symbol = valid_symbol(self.symbol)
        loaded = None
        if self.prices is not None:
            read = read_given(self.prices, symbol)
            layout = f"{read.layout}; {read.adjustment}"
            loaded = Loaded(symbol, read.prices, "frame", "given in memory", read.notes, layout, read.actions)
        data = None if self.data is None else Path(self.data)
        return prepare(
            symbol,
            self.config,
            data=data,
            context=self.context,
            library=Store(self.runs.library),
            snapshots=Store(self.runs.snapshots),
            loaded=loaded,
        )

    def forecaster(self) -> tuple[str, Forecaster, tuple[Notice, ...]]:
        """Return the model's name, the model, and a notice where another one had to stand in."""
        if self.estimator is not None:
            return "own", wrap(self.estimator), ()
        name, notice = resolve(self.model)
        chosen = getattr(self.config, name, None)
        values = asdict(chosen) if chosen is not None else {}
        # OpenMP threads of the others spin while they wait: 60 times slower on a busy machine.
        threads = threads_at_hand() if name == "catboost" else 1
        return name, make(name, {**values, "threads": threads}), (notice,) if notice else ()

    def meta_learner(self) -> MetaLearner:
        """Return what weighs the base models of a stack."""
        values = asdict(self.config.stack)
        return MetaLearner(**{k: v for k, v in values.items() if k not in ("models", "min_rows")})


@dataclass(frozen=True)
class Plan:
    """What a run will do, before it does it.

    Attributes
    ----------
    forecaster : Forecaster or MetaLearner
        The model, or what weighs the base models of a stack.
    folds : tuple of Fold
        What is trained, and the test rows that are forecast.
    bases : tuple of Plan
        The base models of a stack; empty for other models.
    """

    experiment: Experiment
    model: str
    forecaster: Forecaster | MetaLearner
    material: Material
    folds: tuple[Fold, ...]
    notices: tuple[Notice, ...]
    bases: tuple[Plan, ...] = ()

    @property
    def members(self) -> int:
        """Models fitted in each fold."""
        return self.experiment.config.seeds if self.forecaster.seeded else 1

    @property
    def test_rows(self) -> int:
        """Days that will be forecast out of sample."""
        return sum(len(fold.test) for fold in self.folds)

    def minutes(self) -> float:
        """Return about how long it will take, from a few trees timed now; what is stored takes no time."""
        if isinstance(self.forecaster, MetaLearner):
            return sum(base.minutes() for base in self.bases if base.stored() is None)
        config, for_use = self.experiment.config, self.experiment.leaves_model
        return expected_seconds(self.material, self.forecaster, config, self.folds, for_use=for_use) / 60

    def key(self) -> str | None:
        """Return the key of the forecasts; None for an estimator of the user's own, which has none."""
        if self.experiment.estimator is not None:
            return None
        if isinstance(self.forecaster, MetaLearner):
            return _stack_key(self)
        return forecast_key(self.experiment, self.material, self.model)

    def stored(self) -> StoredRun | None:
        """Return the newest finished run with exactly these forecasts, or None."""
        key = self.key()
        return None if key is None else self.experiment.runs.find(key)


@dataclass(frozen=True)
class BaseRun:
    """A base model of a stack: its finished run, or why there is none."""

    model: str
    stored: StoredRun | None
    error: str | None = None


def plan(experiment: Experiment, material: Material | None = None) -> Plan:
    """Load the data, compute features and target, and cut the folds; nothing is trained.

    Parameters
    ----------
    material : Material, optional
        What the caller already has, in place of the experiment's source.

    Raises
    ------
    GeigerError
        If the prices cannot be used or the settings make no sense.
    """
    if experiment.estimator is None and experiment.model == STACK:
        return _plan_stack(experiment, material or experiment.material())
    return _plan(experiment, material)


def _plan(experiment: Experiment, material: Material | None = None) -> Plan:
    name, forecaster, notices = experiment.forecaster()
    if forecaster.apart and experiment.config.network_refit is not None:
        config = replace(experiment.config, refit=experiment.config.network_refit)
        experiment = replace(experiment, config=config)
    material = experiment.material() if material is None else material
    folds = plan_folds(material, experiment.config)
    return Plan(experiment, name, forecaster, material, folds, (*material.notices, *notices))


def _plan_stack(experiment: Experiment, material: Material) -> Plan:
    """Plan the base models on one material, then the blocks that all of them forecast."""
    config = experiment.config
    names = config.stack.models
    if not names or len(set(names)) != len(names):
        raise SettingError(
            f"stack.models: name at least one model, each once, got {', '.join(names) or 'none'}"
        )
    for name in names:
        if name not in FORECASTERS:
            raise SettingError(f"stack.models: no model {name!r}: {did_you_mean(name, FORECASTERS)}")
    # One that is not installed is trained as another: the other counts once.
    names = tuple({resolve(name)[0]: name for name in names}.values())
    bases = [_plan_base(experiment, name, material) for name in names]
    folds = later_blocks(
        max(base.folds[0].test.start for base in bases),
        material.labelled,
        horizon=config.horizon,
        min_rows=config.stack.min_rows,
        refit=config.refit,
        rolling=config.rolling,
    )
    notices = dict.fromkeys(notice for base in bases for notice in base.notices)
    return Plan(experiment, STACK, experiment.meta_learner(), material, folds, tuple(notices), tuple(bases))


def _plan_base(experiment: Experiment, name: str, material: Material) -> Plan:
    """Plan one base model; `max_folds` counts the longest folds, so that all forecast the same days."""
    config = experiment.config
    if config.max_folds is not None:
        networks = [model for model in config.stack.models if model in GROUPS["net"]]
        own = config.network_refit if name in GROUPS["net"] and config.network_refit else config.refit
        longest = max(config.refit, config.network_refit or 0) if networks else config.refit
        config = replace(config, max_folds=-(-config.max_folds * longest // own))
    return _plan(replace(experiment, model=name, config=config), material)


def forecast_key(experiment: Experiment, material: Material, model: str) -> str:
    """Return the key of everything that shapes a forecast; trading settings do not."""
    config = settings.as_dict(replace(experiment.config, recipe="", trading=settings.TradingSettings()))
    others = {name for name in FORECASTERS if name != model} | {"workers", "network_refit", STACK}
    if model not in GROUPS["net"]:
        others.add("parallel")
    return key_of(
        {
            "symbol": material.symbol,
            "model": model,
            "config": {name: value for name, value in config.items() if name not in others},
            "fill": material.fill,
            "provenance": {k: v for k, v in material.provenance.items() if k not in ("where", "source")},
            "environment": environment(),
        }
    )


def _stack_key(planned: Plan) -> str:
    """Return the key of a stack's forecasts: those of its base models, and how they are weighed."""
    config = planned.experiment.config
    return key_of(
        {
            "model": STACK,
            "stack": asdict(config.stack),
            "refit": config.refit,
            "rolling": config.rolling,
            "horizon": config.horizon,
            "bases": {base.model: base.key() for base in planned.bases},
        }
    )
