"""From settings to a run: the whole story of one symbol and one model.

::

    prices → features, target → folds → forecasts → weights → ledger → figures → log and run folder

`material` makes the first three, `walk` the forecasts, `evaluation` the rest; this file calls them in order
and writes down what happened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from geiger import config as settings
from geiger.checks.plan import checkpoints
from geiger.config import Config
from geiger.errors import GeigerError, TrainingError
from geiger.evaluation import Evaluation, evaluate
from geiger.features.catalogue import FEATURES
from geiger.folds import Fold
from geiger.market.calendar import valid_symbol
from geiger.market.prices import from_frame
from geiger.market.snapshots import Store
from geiger.market.sources import Loaded
from geiger.material import Material, prepare
from geiger.models import FORECASTERS, GROUPS, LOG_NAMES, Forecaster, make, resolve, wrap
from geiger.records import Notice, Status
from geiger.runlog import RunLogWriter
from geiger.runlog import Scorecard as LoggedScorecard
from geiger.runlog.writer import log_stem
from geiger.runs import RunsFolder, StoredRun, environment, key_of, threads_at_hand
from geiger.walk import FoldOutput, Walk, expected_seconds, plan_folds, walk


@dataclass(frozen=True)
class Experiment:
    """One symbol, one model, all settings.

    Attributes
    ----------
    symbol : str
        A symbol of the source, such as ``AAPL``.
    model : str
        A name of the model catalogue: ``ridge``, ``xgb``, ``lgb``, ``catboost``.
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

    @property
    def runs(self) -> RunsFolder:
        """The folder of all runs."""
        return RunsFolder(Path(self.runs_dir))

    def material(self) -> Material:
        """Load prices and context, and compute features and target."""
        symbol = valid_symbol(self.symbol)
        loaded = None
        if self.prices is not None:
            loaded = Loaded(symbol, from_frame(self.prices), "frame", "given in memory")
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


@dataclass(frozen=True)
class Run:
    """A finished run."""

    name: str
    model: str
    status: Status
    folder: Path
    log: Path | None
    forecasts: pl.DataFrame
    evaluation: Evaluation
    notices: tuple[Notice, ...]


@dataclass(frozen=True)
class Plan:
    """What a run will do, before it does it."""

    experiment: Experiment
    model: str
    forecaster: Forecaster
    material: Material
    folds: tuple[Fold, ...]
    notices: tuple[Notice, ...]

    @property
    def members(self) -> int:
        """Models fitted in each fold."""
        return self.experiment.config.seeds if self.forecaster.seeded else 1

    @property
    def test_rows(self) -> int:
        """Days that will be forecast out of sample."""
        return sum(len(fold.test) for fold in self.folds)

    def minutes(self) -> float:
        """Return about how long it will take, from a few trees timed now."""
        config = self.experiment.config
        return expected_seconds(self.material, self.forecaster, config, self.folds) / 60

    def key(self) -> str | None:
        """Return the key of the forecasts; None for an estimator of the user's own, which has none."""
        if self.experiment.estimator is not None:
            return None
        return forecast_key(self.experiment, self.material, self.model)


def plan(experiment: Experiment) -> Plan:
    """Load the data, compute features and target, and cut the folds; nothing is trained.

    Raises
    ------
    GeigerError
        If the prices cannot be used or the settings make no sense.
    """
    name, forecaster, notices = experiment.forecaster()
    if forecaster.apart and experiment.config.network_refit is not None:
        config = replace(experiment.config, refit=experiment.config.network_refit)
        experiment = replace(experiment, config=config)
    material = experiment.material()
    folds = plan_folds(material, experiment.config)
    return Plan(experiment, name, forecaster, material, folds, (*material.notices, *notices))


def run(work: Experiment | Plan, *, on_fold: Callable[[FoldOutput], None] = lambda fold: None) -> Run:
    """Train strictly walk-forward, trade the forecasts, and write log and run folder.

    Parameters
    ----------
    work : Experiment or Plan
    on_fold : callable
        Told of each fold when it is done.

    Raises
    ------
    GeigerError
        If the prices cannot be used. A model that fails in training ends its log as FAILED first.
    """
    planned = work if isinstance(work, Plan) else plan(work)
    experiment, key = planned.experiment, planned.key()
    parts = None if key is None else experiment.runs.parts(key)
    shown = (planned.folds[-1].index, 0)
    with _log(experiment, LOG_NAMES.get(planned.model, planned.model), shown=shown) as log:
        log.config(_config_lines(planned, len(planned.folds)))

        def on_done(output: FoldOutput) -> None:
            for epoch in output.epochs:
                log.epoch(epoch)
            log.fold(output.result)
            on_fold(output)

        with _failure_logged(log, planned):
            walked = walk(
                planned.material,
                planned.model,
                planned.forecaster,
                experiment.config,
                planned.folds,
                parts=parts,
                on_fold=on_done,
            )
            finished = _finish(planned, log, key, walked)
    if parts is not None:
        parts.discard()
    return finished


def backtest(planned: Plan, stored: StoredRun) -> Run:
    """Trade the forecasts of a stored run under the plan's trading settings, and log it.

    The forecasts are those of `stored`, made out of sample; only sizes, costs and what follows are new.
    """
    experiment, forecasts = planned.experiment, stored.forecasts()
    with _log(experiment, "backtest") as log:
        lines = _config_lines(planned, forecasts["fold"].n_unique())
        log.config([*lines, ("Forecasts of", stored.name)])
        with _failure_logged(log, planned):
            evaluation = evaluate(
                forecasts, stored.in_sample(), planned.material, experiment.config, stored.trainings()
            )
            notices = (*evaluation.notices, *planned.notices)
            facts = {"kind": "backtest", "forecasts_of": stored.name, **_facts(planned, evaluation, notices)}
            done = _save(planned, log, "backtest", facts, forecasts, evaluation, notices, {})
            _close(log, done, ())
    return done


def forecast_key(experiment: Experiment, material: Material, model: str) -> str:
    """Return the key of everything that shapes a forecast; trading settings do not."""
    config = settings.as_dict(replace(experiment.config, recipe="", trading=settings.TradingSettings()))
    others = {name for name in FORECASTERS if name != model} | {"workers", "network_refit"}
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


@contextmanager
def _failure_logged(log: RunLogWriter, planned: Plan) -> Iterator[None]:
    """Whatever goes wrong inside, the log ends with FAILED and why."""
    try:
        yield
    except Exception as error:
        text = str(error) if isinstance(error, GeigerError) else f"{type(error).__name__}: {error}"
        for notice in (*planned.notices, Notice("TRAINING_FAILED", text)):
            log.warn(notice)
        log.finish(Status.FAILED, checkpoints=checkpoints(completed=False))
        raise TrainingError(text) from error


def _finish(planned: Plan, log: RunLogWriter, key: str | None, walked: Walk) -> Run:
    """Measure what the folds forecast, and write it all down: the log says so last."""
    trainings = [training for fold in walked.folds for training in fold.trainings]
    evaluation = evaluate(
        walked.forecasts, walked.in_sample, planned.material, planned.experiment.config, trainings
    )
    notices = (*evaluation.notices, *planned.notices, *walked.notices)
    facts = {
        "kind": "train",
        "forecast_key": key,
        "folds": [asdict(fold.result) for fold in walked.folds],
        "trainings": [asdict(training) for training in trainings],
        **_facts(planned, evaluation, notices),
    }
    frames = {"in_sample": walked.in_sample, "importances": walked.importances}
    log_model = LOG_NAMES.get(planned.model, planned.model)
    done = _save(planned, log, log_model, facts, walked.forecasts, evaluation, notices, frames)
    _close(log, done, (walked.rounds_note,) if walked.rounds_note else ())
    return done


def _close(log: RunLogWriter, done: Run, notes: tuple[str, ...]) -> None:
    for notice in done.notices:
        log.warn(notice)
    evaluation = done.evaluation
    card = evaluation.scorecard
    log.finish(
        evaluation.status,
        figures=evaluation.figures,
        checkpoints=evaluation.checkpoints,
        scorecard=LoggedScorecard(card.scores, evaluation.rungs, card.years, (*_notes(evaluation), *notes)),
    )


def _notes(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the sentences that stand under the tables."""
    card, health = evaluation.scorecard, evaluation.health
    codes = ", ".join(str(code) for code in (health.code, *health.also))
    deepest = dict(card.drawdowns)["strategy"]
    notes = [f"{notice.code}: {notice.text}." for notice in evaluation.notices]  # alarms before anything good
    notes += [
        f"Health: {codes}: {health.meaning}.",
        *(f"Doctor: {text}" for text in _diagnosis(evaluation)),
        f"{card.rows} test days, first fill {card.first_day}, last exit {card.last_day}.",
    ]
    if deepest is not None:
        end = f"made good on {deepest.recovery}" if deepest.recovery else "not made good by the last day"
        notes.append(f"Deepest drawdown from {deepest.start} to {deepest.trough}, {end}.")
    if evaluation.ledger["fill_day"].equals(evaluation.ledger["day"]):
        notes.append("Filled at the close that the decision has seen, which nobody can do: an upper bound.")
    if card.bankrupt_on is not None:
        notes.append(f"All equity was lost on {card.bankrupt_on}.")
    return tuple(notes)


def _diagnosis(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the doctor's sentence on a network, then its evidence."""
    found = evaluation.diagnosis
    return () if found is None else (f"{found.cause}: {found.text}", *found.evidence)


def _facts(planned: Plan, evaluation: Evaluation, notices: Iterable[Notice]) -> dict[str, Any]:
    material = planned.material
    return {
        "symbol": material.symbol,
        "model": planned.model,
        "status": evaluation.status,
        "config": settings.as_dict(planned.experiment.config),
        "fill": material.fill,
        "data": dict(material.provenance),
        "environment": environment(),
        "results": evaluation.as_dict(),
        "verdict": "not evaluated",
        "warnings": [asdict(notice) for notice in dict.fromkeys(notices)],
    }


def _save(
    planned: Plan,
    log: RunLogWriter,
    log_model: str,
    facts: dict[str, Any],
    forecasts: pl.DataFrame,
    evaluation: Evaluation,
    notices: Iterable[Notice],
    frames: dict[str, pl.DataFrame],
) -> Run:
    """Write the run folder, under the name of the log."""
    experiment = planned.experiment
    name = (
        log.path.stem if log.path is not None else log_stem(experiment.symbol, log_model, dt.datetime.now())
    )
    finished_at = dt.datetime.now().astimezone().isoformat(timespec="microseconds")
    facts = {**facts, "log": str(log.path) if log.path else None, "finished_at": finished_at}
    frames = {"forecasts": forecasts, "ledger": evaluation.ledger, **frames}
    folder = experiment.runs.save(name, facts, frames)
    unique = tuple(dict.fromkeys(notices))
    return Run(folder.name, planned.model, evaluation.status, folder, log.path, forecasts, evaluation, unique)


def _log(experiment: Experiment, log_model: str, shown: tuple[int, int] | None = None) -> RunLogWriter:
    return RunLogWriter(Path(experiment.log_dir), experiment.symbol, log_model, shown=shown)


def _config_lines(planned: Plan, folds: int) -> list[tuple[str, str]]:
    """Return the settings section of the log: the plan's lines first, then ours."""
    material, forecaster = planned.material, planned.forecaster
    config, facts = planned.experiment.config, material.provenance
    trees, epochs, batch, rate = (
        getattr(forecaster, name, None) for name in ("max_trees", "epochs", "batch_size", "learning_rate")
    )
    none = "not applicable"
    context = facts["context"]
    lockbox = (
        f"last {facts['lockbox_rows']} rows, from {facts['lockbox_from']}"
        if facts["lockbox_from"]
        else "none"
    )
    window = "expanding" if config.rolling is None else f"rolling {config.rolling} rows"
    return [
        ("Symbol", material.symbol),
        ("Model", planned.model),
        ("Epochs", str(epochs) if epochs else none if trees is None else f"{trees} (trees)"),
        ("Batch Size", none if batch is None else str(batch)),
        ("Learning Rate", none if rate is None else f"{rate:g}"),
        ("Features", str(len(FEATURES))),
        ("Recipe", config.recipe),
        ("Data", f"{facts['source']} ({facts['where']})"),
        ("Days", f"{facts['first_day']} to {facts['last_day']} ({facts['rows']} rows)"),
        ("Data Hash", str(facts["data_hash"])[:12]),
        ("Lock-box", lockbox),
        ("Context", " + ".join(str(context[k]) for k in ("market", "volatility") if k in context) or "none"),
        ("Fill", material.fill),
        ("Folds", f"{folds}, {window}, refit every {config.refit} rows"),
        ("Seeds", f"{config.seeds} from root {config.seed}"),
        ("Trading", f"{config.trading.rule}, risk {config.trading.risk}"),
        ("Cost", f"{config.trading.cost_bps + config.trading.slippage_bps:g} bp a unit of turnover"),
        ("Threads", str(forecaster.threads)),
        *forecaster.described(),
    ]
