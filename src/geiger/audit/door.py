"""`geiger.audit`: from a symbol, an experiment or a run to the outcome of its audit, kept by its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from geiger.audit.canaries import run_canaries
from geiger.audit.panel_door import How, audit_panel, audit_panel_run
from geiger.audit.proof import Scope, prove
from geiger.audit.stages import BUILT_IN
from geiger.audit.worlds import World
from geiger.command_line import LOG_DIR, Folders
from geiger.errors import SettingError
from geiger.experiment.own import (
    estimator_of_run,
    features_of_run,
    own_features,
    own_target,
    target_of_run,
)
from geiger.experiment.past_material import material_of_run, sources_of_run
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.panel.experiment import Panel
from geiger.panel.plan import plan_panel
from geiger.report.gather import log_of
from geiger.runlog import add_audit
from geiger.runlog.wording import audit_command
from geiger.runs.audits import Audit, Elsewhere, keep_audit, kept_built_in
from geiger.runs.environment import code_hash
from geiger.runs.folder import RunsFolder, StoredRun

Step = Callable[[str], None]
Plans = Callable[[int], None]


def audit(
    what: Experiment | Panel | str,
    model: str = "ridge",
    *,
    run: str | None = None,
    again: bool = False,
    canaries: bool = False,
    on_step: Step = lambda text: None,
    on_plan: Plans = lambda steps: None,
    **given: Any,
) -> Audit:
    """Prove that nothing which makes a forecast, a position or a fill saw the future, or name what did.

    Parameters
    ----------
    what : Experiment, Panel or str
        What would be trained; or a symbol, with `model` and fields of `Experiment` in `given`.
    run : str, optional
        A finished training in the runs folder: its settings and the data that it kept are audited.
    again : bool
        Audit all of it once more, even where the same was audited before, or our own stages on other data.
    canaries : bool
        Plant a leak of each kind as well, and be red where one of them is not found.
    on_step, on_plan : callable
        Told in words what is about to be done, and beforehand how many steps there will be.

    Raises
    ------
    GeigerError
        The data cannot be used or are gone, or the model cannot be fitted.

    Examples
    --------
    >>> geiger.audit("AAPL", "ridge").color  # doctest: +SKIP
    'green'
    """
    how = How(again, canaries, on_step, on_plan)
    if isinstance(what, Panel):
        if run is None:
            return audit_panel(plan_panel(what), how)
        return audit_panel_run(what.runs.load(run), what.runs, how, log_dir=what.log_dir)
    experiment = what if isinstance(what, Experiment) else Experiment(what, model, **given)
    if run is not None:
        return audit_run(
            experiment.runs.load(run),
            experiment.runs,
            features=experiment.features,
            target=experiment.target,
            estimator=experiment.estimator,
            log_dir=experiment.log_dir,
            again=again,
            canaries=canaries,
            on_step=on_step,
            on_plan=on_plan,
        )
    return _audited(plan(experiment), _world(experiment), how)


def audit_plan(
    planned: Plan, *, on_step: Step = lambda text: None, on_plan: Plans = lambda steps: None
) -> Audit:
    """Audit what is planned, as `audit` does with an experiment."""
    return _audited(planned, _world(planned.experiment), How(on_step=on_step, on_plan=on_plan))


def audit_run(
    stored: StoredRun,
    runs: RunsFolder,
    *,
    features: Any = None,
    target: Any = None,
    estimator: Any = None,
    log_dir: Path | None = None,
    again: bool = False,
    canaries: bool = False,
    on_step: Step = lambda text: None,
    on_plan: Plans = lambda steps: None,
) -> Audit:
    """Audit what made a finished run, on the data it kept, and note the outcome in its record and its log.

    Parameters
    ----------
    features, target, estimator : optional
        What the run had of the user's own, as `Experiment` takes it; of that a run keeps frames alone.
    log_dir : path, optional
        Where its log lies; by default where the run wrote it.

    Raises
    ------
    SettingError
        The run used code of the user's own, which it did not keep, and none is given; or it trained nothing.
    DataError
        Its data are gone.
    """
    record = stored.record
    if record.members:
        return audit_panel_run(stored, runs, How(again, canaries, on_step, on_plan), log_dir=log_dir)
    if record.kind != "train":
        raise SettingError(
            f"{stored.name}: a backtest trained nothing; audit the run whose forecasts it traded: "
            f"{audit_command(stored.trained, record.own.kinds, Folders.of(runs.root, log_dir or LOG_DIR))}"
        )
    prices, context = sources_of_run(stored, runs)
    config = stored.config()
    own = features_of_run(stored, features, runs), target_of_run(stored, target)
    material = material_of_run(stored, config, runs, features=own[0], target=own[1])
    experiment = Experiment(
        record.symbol,
        record.model,
        config,
        estimator=estimator_of_run(stored, estimator),
        runs_dir=runs.root,
    )
    how = How(again, canaries, on_step, on_plan)
    found = replace(_audited(plan(experiment, material), World(prices, *context, *own), how), run=stored.name)
    summary = replace(found.summary, other=() if record.environment.code == code_hash() else ("code",))
    stored.note_audit(summary)
    log = log_of(stored, log_dir or experiment.log_dir)
    if log is not None:
        add_audit(log, summary)
    return found


def _world(experiment: Experiment) -> World:
    own = own_features(experiment.features), own_target(experiment.target)
    return World(experiment.loaded(), *experiment.surroundings(), *own)


def _audited(planned: Plan, world: World, how: How) -> Audit:
    """Return the audit that was kept, or make one and keep it; planted leaks come on top of either."""
    key, experiment = planned.audit_key(), planned.experiment
    kept = None if how.again else planned.audited()
    found = kept or replace(_made(planned, world, how), key=key or "")
    if how.canaries and not found.canaries:
        checks = run_canaries(experiment, world, how.on_step, on_plan=how.on_plan)
        found = found.with_canaries(checks)
    if key is not None and found is not kept:
        keep_audit(experiment.runs.audits, found)
    return found


def _made(planned: Plan, world: World, how: How) -> Audit:
    """Audit all of it; or what hangs on the data alone, where the rest was audited on other data."""
    experiment, built_in = planned.experiment, planned.built_in_key()
    other = None if how.again or built_in is None else kept_built_in(experiment.runs.audits, built_in)
    if other is None:
        made = prove(experiment, world, how.on_step, on_plan=how.on_plan)
        reached = made.green or made.leaks[0].stage in BUILT_IN
        return replace(made, built_in=built_in or "") if made.complete and reached else made
    made = prove(experiment, world, how.on_step, on_plan=how.on_plan, scope=Scope(data_only=True))
    elsewhere = Elsewhere(
        symbol=other.symbol,
        day=other.made_at[:10],
        key=other.key,
        stages=tuple(one.stage for one in other.stages if one.stage in BUILT_IN),
    )
    return replace(made, elsewhere=elsewhere, not_checked=(elsewhere.not_checked(), *made.not_checked))
