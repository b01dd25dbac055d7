"""From a panel, its plan or its run to the outcome of its audit, kept by its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from geiger.audit.panel_canaries import run_panel_canaries
from geiger.audit.panel_proof import prove_panel
from geiger.audit.panel_worlds import world_of
from geiger.command_line import LOG_DIR, Folders
from geiger.errors import SettingError
from geiger.panel.again import plan_again
from geiger.panel.plan import PanelPlan
from geiger.report.gather import log_of
from geiger.runlog import add_audit
from geiger.runlog.wording import audit_command
from geiger.runs.audits import Audit, keep_audit
from geiger.runs.environment import code_hash
from geiger.runs.folder import RunsFolder, StoredRun


@dataclass(frozen=True)
class How:
    """What is asked for, and who is told of it; the attributes are the options of `geiger.audit`."""

    again: bool = False
    canaries: bool = False
    on_step: Callable[[str], None] = lambda text: None
    on_plan: Callable[[int], None] = lambda steps: None


PLAIN = How()


def audit_panel(planned: PanelPlan, how: How = PLAIN) -> Audit:
    """Return the audit of a panel's plan that was kept, or make one and keep it.

    Planted leaks come on top of either.

    Raises
    ------
    GeigerError
        Nothing can be proved, or the model cannot be fitted.
    """
    kept = None if how.again else planned.audited()
    world = world_of(planned.work, planned.material.symbols, planned.material.market)
    found = kept or replace(
        prove_panel(planned, world, how.on_step, on_plan=how.on_plan), key=planned.audit_key()
    )
    if how.canaries and not found.canaries:
        checks = run_panel_canaries(planned, world, how.on_step, on_plan=how.on_plan)
        found = found.with_canaries(checks)
    if found is not kept:
        keep_audit(planned.work.runs.audits, found)
    return found


def audit_panel_run(
    stored: StoredRun, runs: RunsFolder, how: How = PLAIN, *, log_dir: Path | None = None
) -> Audit:
    """Audit what made a finished run of a panel, on the data it kept, and note it in its record and its log.

    Raises
    ------
    SettingError
        It trained nothing.
    DataError
        Its data are gone.
    """
    if stored.record.kind != "train":
        raise SettingError(
            f"{stored.name}: a backtest trained nothing; audit the run whose forecasts it traded: "
            f"{audit_command(stored.trained, (), Folders.of(runs.root, log_dir or LOG_DIR))}"
        )
    planned = plan_again(stored, runs, stored.config())
    found = replace(audit_panel(planned, how), run=stored.name)
    summary = replace(found.summary, other=() if stored.record.environment.code == code_hash() else ("code",))
    stored.note_audit(summary)
    log = log_of(stored, log_dir or planned.work.log_dir)
    if log is not None:
        add_audit(log, summary)
    return found
