"""What a run leaves behind: its record, its frames, its pictures, and the model for use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from geiger import settings
from geiger.chain import Chain
from geiger.errors import DataError
from geiger.experiment.evaluation import Evaluation
from geiger.experiment.folds import use_folds
from geiger.experiment.made import Made
from geiger.experiment.pictures import pictures_of
from geiger.experiment.plan import BaseRun, Plan
from geiger.features.catalogue import contract_hash
from geiger.records import Notice, Status
from geiger.runlog import RunLogWriter
from geiger.runlog.writer import log_stem
from geiger.runs.folder import RunsFolder, StoredRun, environment
from geiger.runs.saved import SavedModel, save_model


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


def write_run(
    planned: Plan,
    log: RunLogWriter,
    made: Made,
    evaluation: Evaluation,
    bases: Sequence[BaseRun],
) -> Run:
    """Write what a training made and what it was worth; the run is named like its log."""
    notices = (*evaluation.notices, *planned.notices, *made.notices)
    facts = {
        "kind": "train",
        "forecast_key": planned.key(),
        "folds": [asdict(result) for result in made.results],
        "trainings": [asdict(training) for training in made.trainings],
        "bases": {base.model: base.stored.name for base in bases if base.stored is not None},
        "bases_failed": {base.model: base.error for base in bases if base.error is not None},
        **_facts(planned, evaluation, notices),
    }
    return _save(
        planned,
        log,
        planned.log_name,
        facts,
        made.forecasts,
        evaluation,
        notices,
        frames=made.frames,
        pictures=pictures_of(made),
        model=made.model_for_use(_made_of(planned)),
    )


def write_backtest(
    planned: Plan, log: RunLogWriter, stored: StoredRun, forecasts: pl.DataFrame, evaluation: Evaluation
) -> Run:
    """Write what the forecasts of a stored run were worth under other trading settings."""
    notices = (*evaluation.notices, *planned.notices)
    facts = {"kind": "backtest", "forecasts_of": stored.name, **_facts(planned, evaluation, notices)}
    return _save(planned, log, "backtest", facts, forecasts, evaluation, notices)


def _facts(planned: Plan, evaluation: Evaluation, notices: Iterable[Notice]) -> dict[str, Any]:
    material = planned.material
    return {
        "symbol": material.symbol,
        "model": planned.model,
        "status": evaluation.status,
        "config": settings.as_dict(planned.experiment.config),
        "fill": material.fill,
        "days_per_year": material.market.days_per_year,
        "data": dict(material.provenance),
        "environment": environment(),
        "results": evaluation.as_dict(),
        "verdict": "not evaluated",
        "forecast_ledger": _ledger_head(planned.experiment.runs),
        "warnings": [asdict(notice) for notice in dict.fromkeys(notices)],
    }


def _ledger_head(runs: RunsFolder) -> dict[str, Any] | None:
    """Return how far the ledger of saved forecasts has come, so that a later cut of it is noticed."""
    try:
        length, digest = Chain(runs.forecast_ledger).head()
    except DataError:  # whoever reads the ledger is told; a training is not stopped by it
        return None
    return {"length": length, "hash": digest} if length else None


def _save(
    planned: Plan,
    log: RunLogWriter,
    log_model: str,
    facts: dict[str, Any],
    forecasts: pl.DataFrame,
    evaluation: Evaluation,
    notices: Iterable[Notice],
    *,
    frames: Mapping[str, pl.DataFrame] = MappingProxyType({}),
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    model: SavedModel | None = None,
) -> Run:
    """Write the run folder, under the name of the log."""
    experiment = planned.experiment
    name = (
        log.path.stem if log.path is not None else log_stem(experiment.symbol, log_model, dt.datetime.now())
    )
    finished_at = dt.datetime.now().astimezone().isoformat(timespec="microseconds")
    facts = {**facts, "log": str(log.path) if log.path else None, "finished_at": finished_at}
    frames = {"forecasts": forecasts, "ledger": evaluation.ledger, **frames}
    write = None if model is None else partial(save_model, model=model)
    folder = experiment.runs.save(name, facts, frames, pictures, write)
    unique = tuple(dict.fromkeys(notices))
    return Run(folder.name, planned.model, evaluation.status, folder, log.path, forecasts, evaluation, unique)


def _made_of(planned: Plan) -> dict[str, Any]:
    """Return what the model for use was made of."""
    material, config = planned.material, planned.experiment.config
    days, last = material.whole.prices["day"], use_folds(material, config, planned.folds)[-1]
    return {
        "symbol": material.symbol,
        "model": planned.model,
        "recipe": config.recipe,
        "fill": material.fill,
        "horizon": config.horizon,
        "features": material.provenance["features"],
        "feature_contract": contract_hash(),
        "data_hash": material.provenance["data_hash"],
        "learned_from": str(days[last.train.start]),
        "learned_to": str(days[last.valid.stop - 1]),
        "decided_on": str(days[last.test.start]),  # its labels were known at this close, and not before
        "environment": environment(),
    }
