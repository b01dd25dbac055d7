"""What an audit did not check, and why: said every time, so that green is not taken for more than it is."""

from __future__ import annotations

from collections.abc import Iterator

from geiger.audit.findings import Findings
from geiger.audit.own_calls import Called
from geiger.audit.stages import BUILT_IN, STAGES
from geiger.audit.worlds import World
from geiger.experiment.material import Material
from geiger.experiment.plan import Plan
from geiger.runs.audits import NotChecked

ABSENT = {"context": "there is no market context", "stack": "no stack: a single model"}
NEVER = {
    "lock-box": "forecasts over it come from the same folds and fits; it is the future behind the last cut",
    "source": "whether the vendor rewrote the past: `geiger data` says which days a source changed",
    "choice of symbol": "whether it was chosen because it rose or survived",
}


def unchecked(
    findings: Findings, planned: Plan, material: Material, world: World, called: Called | None, *, fits: bool
) -> Iterator[NotChecked]:
    """Yield what was not checked.

    Parameters
    ----------
    called : Called, optional
        What came of calling the user's own features at further cuts.
    fits : bool
        Whether the stages were asked for that a fit of a model, or its forecasts, go through.
    """
    for stage, why in (*findings.missing.items(), *findings.failed.items()):
        yield NotChecked(stage=stage, why=why)
    for name in STAGES:
        if name in findings.tallies or name in findings.missing or (name in BUILT_IN and not fits):
            continue
        behind = bool(findings.leaks) and name in BUILT_IN and (name != "stack" or bool(planned.bases))
        absent = None if behind else ABSENT.get(name)
        yield NotChecked(stage=name, why=absent or "not reached: what comes before it looks ahead")
    if material.fill == "close":
        why = "a fill at the close uses the very bar it was decided on: an upper bound by its definition"
        yield NotChecked(stage="fills", why=why)
    yield from _own(world, planned)
    if called is not None:
        yield from _not_called(called, red=bool(findings.leaks))
    yield from (NotChecked(stage=stage, why=why) for stage, why in NEVER.items())


def _own(world: World, planned: Plan) -> Iterator[NotChecked]:
    """Say what is taken at its word of what is the user's own."""
    if world.features is not None and world.features.table is not None:
        why = "a frame by day is taken at its word: that each row was known on the day it counts from"
        yield NotChecked(stage="own features", why=why)
    if planned.experiment.estimator is not None:
        why = "what it keeps between fits outside of itself, such as rows in its class or its module"
        yield NotChecked(stage="own estimator", why=why)


def _not_called(called: Called, *, red: bool) -> Iterator[NotChecked]:
    """Say what altered bars cannot show of a function of the user's own."""
    if called.failed is not None:
        yield NotChecked(stage="own features", why=f"some calls on altered bars ended: {called.failed}")
    if called.still:
        why = (
            f"{', '.join(called.still[:5])}: the same whatever the bars, so made of days alone or of "
            "something from elsewhere (a file, a network, an earlier call), which was not altered"
        )
        yield NotChecked(stage="own features", why=why)
    if not red:
        why = (
            f"rows between {called.calls} further cuts, where a look ahead of a day or two in few rows "
            "does not show, and whatever a function reads beside its bars"
        )
        yield NotChecked(stage="own features", why=why)
