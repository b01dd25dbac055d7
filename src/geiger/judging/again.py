"""The verdict on a run that is there already, given once more: for tries that were added, or an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geiger.errors import DataError
from geiger.experiment.evaluation import evaluate
from geiger.experiment.own import estimator_of_run
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.experiment.run import Finding
from geiger.judging.judge import judge
from geiger.judging.panel import judge_stored_panel
from geiger.judging.unseal import all_rows, is_opened, with_lockbox
from geiger.records import CheckSource, Verdict
from geiger.report.gather import log_of
from geiger.runlog import add_verdict
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.studies.calibration import rates_of
from geiger.studies.check_source import kept_check


def judge_stored(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    target: Any = None,
    estimator: Any = None,
    log_dir: Path | None = None,
) -> Verdict:
    """Judge a stored run by the register as it is now, and write the verdict into its record and its log.

    Its forecasts are traded once more on the prices it kept, so that nothing is taken from figures that
    somebody may have changed. The register notes it as a rerun, which does not count.

    Parameters
    ----------
    target, estimator : optional
        What the run had of the user's own, as `Experiment` takes it.
    log_dir : path, optional
        Where its log lies; by default where the run wrote it.

    Raises
    ------
    SettingError
        The run had a target or an estimator of the user's own, of which it kept no code, and none is given.
    DataError
        Its data are gone.
    """
    if stored.record.members:
        return judge_stored_panel(stored, runs, log_dir=log_dir)
    record, config = stored.record, stored.config()
    trained = stored if record.forecasts_of is None else runs.load(record.forecasts_of)
    experiment = Experiment(
        record.symbol,
        record.model,
        config,
        estimator=estimator_of_run(trained, estimator),
        runs_dir=runs.root,
    )
    material = material_of_run(trained, config, runs, target=target, forecasting=False)
    planned = plan(experiment, material)
    forecasts = stored.forecasts()
    if is_opened(stored):  # what was scored once stays scored
        forecasts, planned = all_rows(stored, material), with_lockbox(planned)
    evaluation = evaluate(
        forecasts,
        trained.in_sample(),
        planned.material,
        config,
        trained.record.trainings,
        trained.rivals(),
    )
    audit, rates = trained.record.audit, rates_of(planned)
    verdict = judge(
        Finding(stored.name, planned, forecasts, evaluation, trained.name, _tried(stored, trained, planned)),
        audit=audit,
        check=_check(stored, planned),
        rates="" if rates is None else rates.text(),
        not_checked=() if audit is not None else ("audit: there is none yet",),
    )
    stored.note_verdict(verdict)
    log = log_of(stored, log_dir or experiment.log_dir)
    if log is not None:
        add_verdict(log, verdict)
    return verdict


def _check(stored: StoredRun, planned: Plan) -> CheckSource | None:
    """Return the check source that was held since, or that of the verdict before; None without either."""
    before = stored.record.verdict
    try:
        kept = kept_check(planned)
    except DataError:  # damaged: the verdict before may still have it
        kept = None
    return kept if kept is not None or before is None else before.check


def _tried(stored: StoredRun, trained: StoredRun, planned: Plan) -> str | None:
    """Return the key under which the forecasts are registered; None where they are known by their scores."""
    for run in (stored, trained):
        verdict = run.record.verdict
        if verdict is not None and verdict.tries is not None:
            return verdict.tries.key
    # Never registered: the plan has the key, but for features of the user's own, which it does without.
    return planned.trial_key() if trained.record.own.features is None else None
