"""What a run will do, before it does it: one symbol, one model, all settings, and the folds they make."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from geiger import settings
from geiger.errors import SettingError
from geiger.experiment.context import Context, load_context
from geiger.experiment.cut import plan_folds
from geiger.experiment.estimate import expected_seconds
from geiger.experiment.key import audit_key, built_in_key, forecast_key, stack_key, trial_key
from geiger.experiment.made import Listener, Made
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import Base
from geiger.experiment.own import own_estimator, own_features, own_target
from geiger.experiment.prepare import prepare
from geiger.experiment.relearned import base_in, fewer_fits, stacked, walked
from geiger.experiment.stacking import Stacked, stack
from geiger.experiment.stitch import forecasts_of
from geiger.experiment.train_fold import FoldOutput
from geiger.experiment.walk import Walk, walk
from geiger.learning.folds import Fold, later_folds
from geiger.market.calendar import valid_symbol
from geiger.market.readers import read_given
from geiger.market.snapshots import Store
from geiger.market.sources import Loaded, load
from geiger.models import Forecaster, Learner, forecaster_of, resolve, wrap
from geiger.models.stack import MetaLearner
from geiger.records import Notice
from geiger.runs.audits import Audit, read_audit
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.parts import Parts
from geiger.runs.record import OwnParts
from geiger.settings import MODELS, Config, paced
from geiger.settings.models import OWN, STACK


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
    features : callable, frame, path or text, optional
        Your own features beside ours: ``f(bars)``, a frame by day, a Parquet file, or ``FILE.py:function``.
    target : callable or text, optional
        Your own target in place of the return: ``f(bars)``, or ``FILE.py:function``.
    estimator : object or text, optional
        Your own model with ``fit(X, y)`` and ``predict(X)``, in place of `model`, or ``FILE.py:name``.
    command : str, optional
        The command line that asked for it, which the log repeats; it changes nothing.
    """

    symbol: str
    model: str = "ridge"
    config: Config = field(default_factory=lambda: settings.recipe("default"))
    data: Path | None = None
    context: str | None = None
    prices: Any = None
    features: Any = None
    target: Any = None
    estimator: Any = None
    runs_dir: Path = Path("runs")
    log_dir: Path = Path("training_logs")
    command: str | None = None

    @property
    def runs(self) -> RunsFolder:
        """The folder of all runs."""
        return RunsFolder(Path(self.runs_dir))

    @property
    def weighs_models(self) -> bool:
        """Whether it is a stack, which weighs the forecasts of other models."""
        return self.estimator is None and self.model == STACK

    def loaded(self) -> Loaded:
        """Return the prices, from memory or from their source."""
        symbol = valid_symbol(self.symbol)
        if self.prices is None:
            return load(symbol, data=self._place, store=Store(self.runs.library))
        read = read_given(self.prices, symbol)
        layout = f"{read.layout}; {read.adjustment}"
        return Loaded(symbol, read.prices, "frame", "given in memory", read.notes, layout, read.actions)

    def surroundings(self) -> Context:
        """Return the index and the volatility index that are at hand."""
        return load_context(self.symbol, self._place, self.context, Store(self.runs.library))

    def material(self) -> Material:
        """Load prices and context, and compute features and target."""
        features = own_features(self.features)
        if features is not None and features.table is not None:
            features.table.keep(self.runs.own)
        return prepare(
            self.symbol,
            self.config,
            data=self._place,
            context=self.context,
            library=Store(self.runs.library),
            snapshots=Store(self.runs.snapshots),
            loaded=self.loaded(),
            features=features,
            target=own_target(self.target),
        )

    @property
    def _place(self) -> Path | None:
        return None if self.data is None else Path(self.data)

    def forecaster(self) -> tuple[str, Forecaster, tuple[Notice, ...]]:
        """Return the model's name, the model, and a notice where another one had to stand in."""
        own = own_estimator(self.estimator)
        if own is not None:
            return OWN, wrap(own.estimator), ()
        if self.model == OWN:
            raise SettingError("model own: is an estimator of yours; name it with --estimator FILE.py:NAME")
        name, notice = resolve(self.model)
        return name, forecaster_of(self.config, name), (notice,) if notice else ()

    def meta_learner(self) -> MetaLearner:
        """Return what weighs the base models of a stack."""
        return MetaLearner(self.config.stack)


@dataclass(frozen=True)
class BaseRun:
    """A base model of a stack: its finished run, or why there is none."""

    model: str
    stored: StoredRun | None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan(ABC):
    """What a run will do, before it does it.

    Attributes
    ----------
    model : str
        Its name; where another one has to stand in, that one's.
    folds : tuple of Fold
        What is trained, and the test rows that are forecast.
    bases : tuple of WalkPlan
        The base models of a stack; empty for other models.
    """

    experiment: Experiment
    model: str
    material: Material
    folds: tuple[Fold, ...]
    notices: tuple[Notice, ...]
    bases: tuple[WalkPlan, ...] = ()

    @property
    @abstractmethod
    def learner(self) -> Learner:
        """What learns: a model, or what weighs the base models of a stack."""

    @property
    @abstractmethod
    def walks(self) -> tuple[WalkPlan, ...]:
        """What is walked: itself, or the base models of a stack."""

    @abstractmethod
    def minutes(self) -> float:
        """Return about how long it will take, from a few trees timed now; what is stored takes no time."""

    @abstractmethod
    def key(self) -> str | None:
        """Return the key of the forecasts; None where the model cannot be written down, which has none."""

    @abstractmethod
    def trial_key(self) -> str | None:
        """Return the key of what is tried; None where the model cannot be written down."""

    @abstractmethod
    def train(self, bases: Sequence[BaseRun], parts: Parts | None, listener: Listener) -> Made:
        """Make the forecasts, strictly walk-forward.

        Parameters
        ----------
        bases : sequence of BaseRun
            The runs of `bases`.
        parts : Parts, optional
            What a killed run of exactly this work left.
        """

    @abstractmethod
    def relearned(self, worlds: Sequence[Material]) -> Generator[pl.DataFrame]:
        """Yield the FORECASTS frame in each world, in order: the same walk on other labels, and nothing else.

        Parameters
        ----------
        worlds : sequence of Material
            The plan's material with other labels.
        """

    @abstractmethod
    def lighter(self, refit: int) -> Plan:
        """Return the same with one member a fold, and fits about `refit` days apart where they are closer.

        The rows that are forecast stay the same.
        """

    @property
    def log_name(self) -> str:
        """The model's name in the file name of a log."""
        return MODELS[self.model].log_name

    @property
    def own(self) -> OwnParts:
        """What is the user's own: features and target of the material, and the estimator."""
        estimator = own_estimator(self.experiment.estimator)
        return replace(self.material.own, estimator=None if estimator is None else estimator.part)

    @property
    def members(self) -> int:
        """Models fitted in each fold."""
        return self.learner.members(self.experiment.config.seeds)

    @property
    def test_rows(self) -> int:
        """Days that will be forecast out of sample."""
        return sum(len(fold.test) for fold in self.folds)

    def stored(self) -> StoredRun | None:
        """Return the newest finished run with exactly these forecasts, or None."""
        key = self.key()
        return None if key is None else self.experiment.runs.find(key)

    def audit_key(self) -> str | None:
        """Return the key of everything an audit depends on; None where the model cannot be written down."""
        return audit_key(self.key(), self.experiment.config)

    def built_in_key(self) -> str | None:
        """Return the key of all that our own stages do, without the data.

        None for a target or an estimator of the user's own, with which every fit is another.
        """
        if {"target", "estimator"} & set(self.own.kinds):
            return None
        models = [self.model, *(base.model for base in self.bases)]
        return built_in_key(self.material.fill, self.experiment.config, models)

    def audited(self) -> Audit | None:
        """Return the audit of exactly this that was kept, or None.

        Raises
        ------
        DataError
            The file is damaged or of a newer version.
        """
        key = self.audit_key()
        return None if key is None else read_audit(self.experiment.runs.audits, key)

    def parts(self) -> Parts | None:
        """Return where finished folds are kept until the run has ended; None where they cannot be."""
        key = self.key()
        return None if key is None else self.experiment.runs.parts(key)


@dataclass(frozen=True, kw_only=True)
class WalkPlan(Plan):
    """One model, walked forward."""

    forecaster: Forecaster

    @property
    def learner(self) -> Forecaster:
        """The model."""
        return self.forecaster

    @property
    def walks(self) -> tuple[WalkPlan, ...]:
        """Itself."""
        return (self,)

    def minutes(self) -> float:
        """Return about how long it will take, from a few trees timed when it is first asked for."""
        return self._seconds / 60

    @cached_property
    def _seconds(self) -> float:
        return expected_seconds(
            self.material,
            self.forecaster,
            self.experiment.config,
            self.folds,
            for_use=self.forecaster.storable,
        )

    def key(self) -> str | None:
        """Return the key of the forecasts; None for an estimator given in memory, which has none."""
        estimator = self.own.estimator
        if estimator is not None and estimator.digest is None:
            return None
        return forecast_key(self.experiment.config, self.material, self.model, estimator)

    def trial_key(self) -> str | None:
        """Return the key of what is tried; None for an estimator given in memory."""
        estimator = self.own.estimator
        if estimator is not None and estimator.digest is None:
            return None
        return trial_key(self.experiment.config, self.material, self.model, estimator)

    def train(self, bases: Sequence[BaseRun], parts: Parts | None, listener: Listener) -> Walk:
        """Train every fold, and the model for use where it can be stored."""
        return walk(
            self.material,
            self.model,
            self.forecaster,
            self.experiment.config,
            self.folds,
            parts=parts,
            on_fold=listener.trained,
            for_use=self.forecaster.storable,
        )

    def relearned(self, worlds: Sequence[Material]) -> Generator[pl.DataFrame]:
        """Train every fold in every world."""
        for world, outputs in self.walked(worlds):
            yield forecasts_of(world, self.model, outputs)

    def walked(self, worlds: Sequence[Material]) -> Iterator[tuple[Material, tuple[FoldOutput, ...]]]:
        """Yield each world with what its folds hand on."""
        return walked(worlds, self.model, self.forecaster, self.experiment.config, self.folds)

    def lighter(self, refit: int) -> WalkPlan:
        """Leave out fits; the model of a fold forecasts until the next one."""
        config = replace(self.experiment.config, seeds=1)
        folds = fewer_fits(self.folds, max(1, round(refit / config.refit)))
        return replace(self, experiment=replace(self.experiment, config=config), folds=folds)


@dataclass(frozen=True, kw_only=True)
class StackPlan(Plan):
    """Base models, and what weighs them."""

    meta_learner: MetaLearner

    @property
    def learner(self) -> MetaLearner:
        """What weighs the base models."""
        return self.meta_learner

    @property
    def walks(self) -> tuple[WalkPlan, ...]:
        """The base models."""
        return self.bases

    def minutes(self) -> float:
        """Return about how long its base models will take; what is stored takes no time."""
        return sum(base.minutes() for base in self.bases if base.stored() is None)

    def key(self) -> str | None:
        """Return the key of the forecasts: those of its base models, and how they are weighed."""
        return stack_key(self.experiment.config, {base.model: base.key() for base in self.bases})

    def trial_key(self) -> str | None:
        """Return the key of what is tried: that of its base models, and how they are weighed."""
        return stack_key(self.experiment.config, {base.model: base.trial_key() for base in self.bases})

    def train(self, bases: Sequence[BaseRun], parts: Parts | None, listener: Listener) -> Stacked:
        """Weigh the base models that have a run, and say which have none."""
        config = self.experiment.config
        made = stack(
            [Base.of(base.model, base.stored) for base in bases if base.stored is not None],
            self.material,
            self.meta_learner,
            self.folds,
            horizon=config.horizon,
            rolling=config.rolling,
            for_use=True,
        )
        for result in made.results:
            listener.weighed(result)
        left_out = (
            Notice("STACK_LEFT_OUT", f"{base.model} could not be trained and is left out: {base.error}")
            for base in bases
            if base.error is not None
        )
        return replace(made, notices=(*left_out, *made.notices))

    def relearned(self, worlds: Sequence[Material]) -> Generator[pl.DataFrame]:
        """Train every base model in every world, and weigh them there."""
        for world in worlds:
            bases = [
                base_in(world, base.model, made) for base in self.bases for _, made in base.walked((world,))
            ]
            yield stacked(world, bases, self.meta_learner, self.experiment.config, self.folds)

    def lighter(self, refit: int) -> StackPlan:
        """Leave out fits of the base models; they are weighed as often."""
        experiment = replace(self.experiment, config=replace(self.experiment.config, seeds=1))
        return replace(self, experiment=experiment, bases=tuple(base.lighter(refit) for base in self.bases))


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
    if experiment.weighs_models:
        return _plan_stack(experiment, material or experiment.material())
    return _plan(experiment, material)


def _plan(experiment: Experiment, material: Material | None = None) -> WalkPlan:
    experiment = replace(experiment, estimator=own_estimator(experiment.estimator))  # its file runs once
    name, forecaster, notices = experiment.forecaster()
    experiment = replace(experiment, config=paced(experiment.config, name))
    material = experiment.material() if material is None else material
    folds = plan_folds(material, experiment.config)
    return WalkPlan(
        experiment=experiment,
        model=name,
        material=material,
        folds=folds,
        notices=(*material.notices, *notices),
        forecaster=forecaster,
    )


def _plan_stack(experiment: Experiment, material: Material) -> StackPlan:
    """Plan the base models on one material, then the folds that all of them forecast."""
    config = experiment.config
    names = config.stack.models
    # One that is not installed is trained as another: the other counts once.
    names = tuple({resolve(name)[0]: name for name in names}.values())
    bases = [_plan_base(experiment, name, material) for name in names]
    folds = later_folds(
        max(base.folds[0].test.start for base in bases),
        material.labelled,
        horizon=config.horizon,
        min_rows=config.stack.min_rows,
        refit=config.refit,
        rolling=config.rolling,
    )
    notices = dict.fromkeys(notice for base in bases for notice in base.notices)
    return StackPlan(
        experiment=experiment,
        model=STACK,
        material=material,
        folds=folds,
        notices=tuple(notices),
        bases=tuple(bases),
        meta_learner=experiment.meta_learner(),
    )


def _plan_base(experiment: Experiment, name: str, material: Material) -> WalkPlan:
    """Plan one base model; `max_folds` counts the longest folds, so that all forecast the same days."""
    config = experiment.config
    if config.max_folds is not None:
        own = paced(config, name).refit
        longest = max(config.refit, *(paced(config, model).refit for model in config.stack.models))
        config = replace(config, max_folds=-(-config.max_folds * longest // own))
    return _plan(replace(experiment, model=name, config=config), material)
