"""What a run leaves behind: its record, its frames, its pictures, and the model for use."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from geiger import settings
from geiger.chain import Chain
from geiger.codec import plain
from geiger.errors import DataError
from geiger.experiment.cut import use_folds
from geiger.experiment.evaluation import Evaluation
from geiger.experiment.made import Made
from geiger.experiment.pictures import pictures_of
from geiger.experiment.plan import BaseRun, Plan
from geiger.features.catalogue import contract_hash
from geiger.opened import ShowsItself
from geiger.records import AuditSummary, Notice, Status, Verdict
from geiger.runlog import RunLogWriter
from geiger.runlog.writer import log_stem
from geiger.runs.audits import Audit
from geiger.runs.environment import environment
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.record import NOTHING_OWN, LedgerHead, OwnParts, RunRecord
from geiger.runs.saved import SavedModel, save_model

Judged = tuple[str, Verdict | None]  # the name of a run, and the verdict on it


@dataclass(frozen=True, repr=False)
class Run(ShowsItself):
    """A finished run; see `geiger.opened` for what it shows of itself."""

    name: str
    model: str
    status: Status
    folder: Path
    log: Path | None
    forecasts: pl.DataFrame
    evaluation: Evaluation
    notices: tuple[Notice, ...]
    verdict: Verdict | None = None
    audit: AuditSummary | None = None
    forecasts_of: str | None = None  # of a backtest: the run whose forecasts it traded
    own: OwnParts = NOTHING_OWN

    @property
    def trained(self) -> str:
        """The run that made the forecasts."""
        return self.forecasts_of or self.name


def write_run(
    planned: Plan,
    log: RunLogWriter,
    made: Made,
    evaluation: Evaluation,
    bases: Sequence[BaseRun],
    judged: Judged,
) -> Run:
    """Write what a training made and what it was worth."""
    notices = (*evaluation.notices, *planned.notices, *made.notices)
    record = replace(
        _record(planned, log, judged, evaluation, notices),
        forecast_key=planned.key(),
        folds=tuple(made.results),
        trainings=tuple(made.trainings),
        bases={base.model: base.stored.name for base in bases if base.stored is not None},
        bases_failed={base.model: base.error for base in bases if base.error is not None},
    )
    return _save(
        planned,
        record,
        made.forecasts,
        evaluation,
        frames=made.frames,
        pictures=pictures_of(made),
        model=made.model_for_use(_made_of(planned)),
    )


def write_backtest(
    planned: Plan,
    log: RunLogWriter,
    stored: StoredRun,
    forecasts: pl.DataFrame,
    evaluation: Evaluation,
    judged: Judged,
) -> Run:
    """Write what the forecasts of a stored run were worth under other trading settings."""
    notices = (*evaluation.notices, *planned.notices)
    record = _record(planned, log, judged, evaluation, notices)
    record = replace(
        record,
        kind="backtest",
        forecasts_of=stored.name,
        audit=record.audit or audit_of_forecasts(stored),
        own=stored.record.own,
    )
    return _save(planned, record, forecasts, evaluation)


def run_name(planned: Plan, log: RunLogWriter, log_model: str) -> str:
    """Return the name of a run, which is that of its log where one could be written."""
    if log.path is not None:
        return log.path.stem
    return log_stem(planned.experiment.symbol, log_model, dt.datetime.now())


def _record(
    planned: Plan, log: RunLogWriter, judged: Judged, evaluation: Evaluation, notices: Iterable[Notice]
) -> RunRecord:
    """Return what every run says of itself."""
    material, experiment = planned.material, planned.experiment
    name, verdict = judged
    return RunRecord(
        name=name,
        symbol=material.symbol,
        model=planned.model,
        status=evaluation.status,
        config=settings.as_dict(experiment.config),
        fill=material.fill,
        days_per_year=material.market.days_per_year,
        data=material.provenance,
        environment=environment(),
        results=evaluation.results(),
        verdict=verdict,
        audit=kept_audit(planned.audited),
        forecast_ledger=_ledger_head(experiment.runs),
        own=planned.own,
        warnings=tuple(dict.fromkeys(notices)),
        log=None if log.path is None else str(log.path),
        finished_at=dt.datetime.now().astimezone().isoformat(timespec="microseconds"),
    )


def kept_audit(audited: Callable[[], Audit | None]) -> AuditSummary | None:
    """Return the audit of exactly this that was kept, where `audited` of a plan finds one."""
    try:
        found = audited()
    except DataError:  # `geiger audit` says what is wrong with it; a training is not stopped by it
        return None
    return None if found is None else found.summary


def audit_of_forecasts(stored: StoredRun) -> AuditSummary | None:
    """Return the audit of the run whose forecasts are traded, which were sized by other settings there."""
    found = stored.record.audit
    return None if found is None else replace(found, other=(*found.other, "trading settings"))


def _ledger_head(runs: RunsFolder) -> LedgerHead | None:
    """Return how far the ledger of saved forecasts has come, so that a later cut of it is noticed."""
    try:
        length, digest = Chain(runs.forecast_ledger).head()
    except DataError:  # whoever reads the ledger is told; a training is not stopped by it
        return None
    return LedgerHead(length, digest) if length else None


def _save(
    planned: Plan,
    record: RunRecord,
    forecasts: pl.DataFrame,
    evaluation: Evaluation,
    *,
    frames: Mapping[str, pl.DataFrame] = MappingProxyType({}),
    pictures: Mapping[str, bytes] = MappingProxyType({}),
    model: SavedModel | None = None,
) -> Run:
    """Write the run folder."""
    frames = {"forecasts": forecasts, "ledger": evaluation.ledger, **frames}
    write = None if model is None else partial(save_model, model=model)
    folder = planned.experiment.runs.save(record, frames, pictures, write)
    return Run(
        name=folder.name,
        model=record.model,
        status=record.status,
        folder=folder,
        log=None if record.log is None else Path(record.log),
        forecasts=forecasts,
        evaluation=evaluation,
        notices=record.warnings,
        verdict=record.verdict,
        audit=record.audit,
        forecasts_of=record.forecasts_of,
        own=record.own,
    )


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
        "features": material.provenance.features,
        "feature_contract": contract_hash(),
        **({"own_features": list(material.own.columns)} if material.own.columns else {}),
        "data_hash": material.provenance.data_hash,
        "learned_from": str(days[last.train.start]),
        "learned_to": str(days[last.valid.stop - 1]),
        "decided_on": str(days[last.test.start]),  # its labels were known at this close, and not before
        "environment": plain(environment()),
    }
