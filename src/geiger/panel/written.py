"""What a panel's run leaves behind: its log, its record and its frames."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from geiger import settings
from geiger.experiment.evaluation import Evaluation
from geiger.experiment.logged import named_elsewhere, versions
from geiger.experiment.written import Judged, audit_of_forecasts, kept_audit
from geiger.features.catalogue import FEATURES
from geiger.learning.folds import Fold
from geiger.models import forecaster_of
from geiger.opened import ShowsItself
from geiger.panel.folds import counting, rows_of
from geiger.panel.plan import PanelPlan
from geiger.panel.saved import SavedPanelModel, save_panel_model
from geiger.panel.scores import FoldScores
from geiger.panel.stored import unscored_of
from geiger.panel.walk import PanelWalk, bases_of
from geiger.records import AuditSummary, FoldResult, Notice, RunSettings, Status, Verdict
from geiger.runlog.writer import log_stem
from geiger.runs.environment import environment
from geiger.runs.folder import StoredRun
from geiger.runs.record import NOTHING_OWN, OwnParts, RunRecord


@dataclass(frozen=True, eq=False, repr=False)
class PanelRun(ShowsItself):
    """A finished run of a panel; see `geiger.opened` for what it shows of itself."""

    name: str
    panel: str
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

    @property
    def trained(self) -> str:
        """The run that made the forecasts."""
        return self.forecasts_of or self.name

    @property
    def own(self) -> OwnParts:
        """What is the user's own: nothing."""
        return NOTHING_OWN


def panel_settings(planned: PanelPlan) -> RunSettings:
    """Return the settings of a panel's run as the log keeps them."""
    material, config = planned.material, planned.work.config
    data = material.provenance
    bases = bases_of(planned.model, config)
    efforts = [forecaster_of(config, base).effort for base in bases]
    context = (data.context.market, data.context.volatility)
    return RunSettings(
        symbol=material.name,
        model=planned.model,
        epochs=max((one.epochs for one in efforts if one.epochs is not None), default=None),
        trees=max((one.trees for one in efforts if one.trees is not None), default=None),
        features=len(FEATURES),
        recipe=config.recipe,
        source=data.source,
        where=data.where,
        first_day=data.first_day,
        last_day=data.last_day,
        rows=data.rows,
        data_hash=data.data_hash[:12],
        lockbox_rows=data.lockbox_rows if data.lockbox_from is not None else 0,
        lockbox_from=data.lockbox_from,
        context=tuple(name for name in context if name is not None),
        fill=material.fill,
        folds=max(len(folds) for folds in planned.folds.values()),
        rolling=config.rolling,
        refit_rows=config.refit,
        seeds=config.seeds,
        seed=config.seed,
        rule="long/short",
        risk=config.trading.risk,
        cost_bps=config.trading.cost_bps + config.trading.slippage_bps,
        threads=1,
        versions=versions(),
        command=planned.work.command or None,
        runs_dir=named_elsewhere(planned.work.runs_dir),
        members=len(material.symbols),
    )


def fold_result(planned: PanelPlan, fold: FoldScores) -> FoldResult:
    """Return what a fold did; its rows are those of all symbols together."""
    material = planned.material
    days = counting(material)

    def day(place: int) -> str:
        return str(material.calendar[int(days[place])])

    def rows(span: range) -> int:
        found = rows_of(material, days, span)
        return int(found.stop - found.start)

    cut: Fold = fold.fold
    return FoldResult(
        fold=cut.index,
        train_first=day(cut.train[0]),
        train_last=day(cut.train[-1]),
        valid_first=day(cut.valid[0]),
        valid_last=day(cut.valid[-1]),
        test_first=day(cut.test[0]),
        test_last=day(cut.test[-1]),
        train_rows=rows(cut.train),
        valid_rows=rows(cut.valid),
        test_rows=rows(cut.test),
        rounds=fold.rounds,
        seconds=round(fold.seconds, 3),
    )


def run_name(planned: PanelPlan, log: Path | None, log_model: str) -> str:
    """Return the name of a run, which is that of its log where one could be written."""
    return log.stem if log is not None else log_stem(planned.work.name, log_model, dt.datetime.now())


def write_panel(
    planned: PanelPlan,
    log: Path | None,
    made: PanelWalk,
    evaluation: Evaluation,
    judged: Judged,
    model: SavedPanelModel,
) -> PanelRun:
    """Write what a training of a panel made and what it was worth, and its model for use."""
    record = replace(
        _record(planned, log, evaluation, judged),
        forecast_key=planned.key(),
        audit=kept_audit(planned.audited),
        folds=tuple(fold_result(planned, fold) for fold in made.folds),
    )
    frames = {"forecasts": made.forecasts, "unscored": unscored_of(planned.material, made.issued)}
    return _save(planned, record, evaluation, frames, partial(save_panel_model, model=model))


def write_panel_backtest(
    planned: PanelPlan,
    log: Path | None,
    stored: StoredRun,
    made: PanelWalk,
    evaluation: Evaluation,
    judged: Judged,
) -> PanelRun:
    """Write what the forecasts of a panel's run were worth under other costs."""
    audit = audit_of_forecasts(stored)
    record = replace(
        _record(planned, log, evaluation, judged), kind="backtest", forecasts_of=stored.name, audit=audit
    )
    frames = {"forecasts": made.forecasts, "unscored": stored.panel_unscored()}
    return _save(planned, record, evaluation, frames)


def _record(planned: PanelPlan, log: Path | None, evaluation: Evaluation, judged: Judged) -> RunRecord:
    """Return what every run of a panel says of itself."""
    name, verdict = judged
    notices: Iterable[Notice] = (*evaluation.notices, *planned.notices)
    return RunRecord(
        name=name,
        symbol=planned.work.name,
        model=planned.model,
        status=evaluation.status,
        config=settings.as_dict(planned.work.config),
        fill=planned.material.fill,
        days_per_year=planned.material.market.days_per_year,
        data=planned.material.provenance,
        environment=environment(),
        results=evaluation.results(),
        verdict=verdict,
        warnings=tuple(dict.fromkeys(notices)),
        log=None if log is None else str(log),
        finished_at=dt.datetime.now().astimezone().isoformat(timespec="microseconds"),
        members=planned.material.members,
    )


def _save(
    planned: PanelPlan,
    record: RunRecord,
    evaluation: Evaluation,
    frames: dict[str, pl.DataFrame],
    write_model: Callable[[Path], str] | None = None,
) -> PanelRun:
    frames = {**frames, "ledger": evaluation.ledger}
    folder = planned.work.runs.save(record, frames, write_model=write_model)
    return PanelRun(
        name=folder.name,
        panel=record.symbol,
        model=record.model,
        status=record.status,
        folder=folder,
        log=None if record.log is None else Path(record.log),
        forecasts=frames["forecasts"],
        evaluation=evaluation,
        notices=record.warnings,
        verdict=record.verdict,
        audit=record.audit,
        forecasts_of=record.forecasts_of,
    )
