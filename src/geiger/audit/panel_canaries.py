"""Canaries of a panel: leaks planted on purpose in a slice of its symbols, each of which must be named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from geiger.audit import panel_leaks
from geiger.audit.canaries import Leaky, planted
from geiger.audit.cuts import INSIDE
from geiger.audit.panel_proof import PanelScope, prove_panel
from geiger.audit.panel_windows import EDGE, FIRST_KNOWN
from geiger.audit.panel_worlds import ENDED, PanelOf, PanelWorld, rows_to
from geiger.errors import GeigerError, MissingLibrary
from geiger.experiment import prepare
from geiger.panel import issue, material, targets, walk
from geiger.panel.folds import counting
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.runs.audits import Audit, CanaryCheck, Leak
from geiger.settings import Config, override, panel_recipe

SYMBOLS = 6  # of the slice
DAYS = 600  # of the slice: the warm-up, a first training, and folds to test
HALTED = 12  # days that a symbol rests, where that matters
MODEL = "ridge"
SMALL: Mapping[str, Any] = {
    **{"lockbox": 0, "min_train": 140, "refit": 30, "max_folds": None, "workers": 1, "seeds": 1},
    "panel": {
        **{"least_names": 4, "window": 63, "window_least": 40, "slope_days": 20},
        "deviations": (10.0, 1000.0),
    },
}
SCOPE = PanelScope(cuts=(FIRST_KNOWN, INSIDE), futures=("next_row", "noise", "tenfold", "reversed"))


def _as_it_is(world: PanelWorld, plan: PanelPlan) -> PanelWorld:
    return world


def _halted(world: PanelWorld, plan: PanelPlan) -> PanelWorld:
    """Let one symbol rest from the day before a fold's last learned one on."""
    fold = plan.folds[MODEL][1]
    start = plan.material.calendar[int(counting(plan.material)[fold.test.start - 4])]
    one, *others = world.members
    first = rows_to(one, start)
    prices = pl.concat([one.prices.head(first), one.prices.slice(first + HALTED)])
    return replace(world, members=(replace(one, prices=prices, actions=None), *others))


@dataclass(frozen=True)
class PanelCanary:
    """One leak to plant; the attributes are those of `Canary`.

    Attributes
    ----------
    column : tuple of str
        How the name of the column begins in which the audit must find it.
    one_symbol : bool
        Whether a single symbol leaks, which the audit must name.
    world : callable
        The slice and its plan -> what must be so that the mistake is one.
    """

    name: str
    what: str
    stage: str
    column: tuple[str, ...]
    place: tuple[Any, str]
    leak: Callable[[str], Leaky]
    changes: Mapping[str, Any] = field(default_factory=dict)
    world: Callable[[PanelWorld, PanelPlan], PanelWorld] = _as_it_is
    scope: PanelScope = SCOPE
    one_symbol: bool = False

    def config(self) -> Config:
        """Return the settings of what is trained on the slice."""
        return override(override(panel_recipe("quick"), SMALL), self.changes)

    def planned(self, world: PanelWorld) -> PanelPlan:
        """Return what is trained on the slice."""
        with TemporaryDirectory() as folder:
            place = Path(folder)
            work = PanelOf(
                *(world.name, world.symbols, MODEL, self.config()), runs_dir=place, log_dir=place, world=world
            )
            return plan_panel(work)

    def audit(self, world: PanelWorld, size: float = 1.0, scope: PanelScope | None = None) -> Audit:
        """Audit the pipeline with the leak in it, until it is found."""
        world = self.world(world, self.planned(world))
        with planted(self.place, self.leak(world.symbols[0]), size):
            return prove_panel(
                self.planned(world), world, scope=replace(scope or self.scope, until_found=True)
            )

    def check(self, world: PanelWorld, size: float = 1.0) -> CanaryCheck:
        """Say where the audit finds it."""
        checked = CanaryCheck(
            name=self.name, what=self.what, planted=self.stage, found=None, column=None, caught=False
        )
        if len(world.members) < SYMBOLS:
            few = f"{SYMBOLS} symbols with all of the last {DAYS} days are needed to plant leaks in"
            return replace(checked, skipped=few)
        try:
            found = self.audit(world, size)
        except MissingLibrary as error:
            return replace(checked, skipped=str(error))
        except GeigerError as error:
            return replace(checked, column=f"the audit ended: {error}")
        if not found.leaks:
            return checked
        first = found.leaks[0]
        caught = self.names(first, world.symbols[0])
        return replace(checked, found=first.stage, column=first.where.split(": ", 1)[1], caught=caught)

    def names(self, found: Leak, symbol: str) -> bool:
        """Whether a leak that was found is this one."""
        whose = not self.one_symbol or (found.member, found.members) == (symbol, 1)
        return found.stage == self.stage and found.column.startswith(self.column) and whose


def _always(leak: Leaky) -> Callable[[str], Leaky]:
    return lambda symbol: leak


PANEL_CANARIES: tuple[PanelCanary, ...] = (
    PanelCanary(
        "survivors",
        "symbols that cease to trade later are left out from the beginning",
        "rows",
        ("takes part", "days that count"),
        (material, "_assembled"),
        _always(panel_leaks.survivors),
        scope=replace(SCOPE, futures=(ENDED,)),
    ),
    PanelCanary(
        "one symbol ahead",
        "the features of one symbol stand a day too early",
        "features",
        ("",),
        (prepare, "_features"),
        panel_leaks.one_symbol_ahead,
        one_symbol=True,
    ),
    PanelCanary(
        "whole-sample normalisation",
        "columns are measured over all days and symbols at once",
        "normalised",
        ("",),
        (material, "day_ranks"),
        _always(panel_leaks.whole_sample),
        changes={"panel": {"normalisation": "ranked"}},
    ),
    PanelCanary(
        "window ahead",
        "a symbol is measured by rows that lie behind the row",
        "normalised",
        ("",),
        (material, "rolling_z"),
        _always(panel_leaks.ahead),
    ),
    PanelCanary(
        "tomorrow's mean",
        "the mean of the next day is taken out of a day's outcomes",
        "target",
        ("selection", "beyond", "mean"),
        (targets, "day_means"),
        _always(panel_leaks.tomorrows_mean),
    ),
    PanelCanary(
        "late labels",
        "a halted symbol's label is learned before it is known",
        "labels",
        ("known_on of fold",),
        (walk, "targets_of"),
        _always(panel_leaks.stragglers),
        world=_halted,
    ),
    PanelCanary(
        "choice on its own rows",
        "which score is issued is chosen by the outcomes of the days it is issued for",
        "candidate",
        ("candidate of",),
        (issue, "_candidate"),
        _always(panel_leaks.own_rows),
        scope=replace(SCOPE, cuts=(EDGE, INSIDE)),  # a choice may be the same by chance in some worlds
    ),
    PanelCanary(
        "whole-sample slope",
        "forecasts are scaled by a slope that is fitted on all of them",
        "slope",
        ("slope", "market"),
        (issue, "_slope"),
        _always(panel_leaks.whole_slope),
    ),
)


def run_panel_canaries(
    planned: PanelPlan,
    world: PanelWorld,
    on_step: Callable[[str], None] = lambda text: None,
    *,
    on_plan: Callable[[int], None] = lambda steps: None,
    canaries: Collection[PanelCanary] = PANEL_CANARIES,
) -> tuple[CanaryCheck, ...]:
    """Plant one leak of each kind in the pipeline and say which of them the audit found.

    Parameters
    ----------
    planned : PanelPlan
        Of which a slice of its own symbols and last development days is taken. What is trained is a small
        model of the canary's.
    on_step, on_plan : callable
        Told in words what is about to be done, and beforehand how many steps there will be.
    """
    on_plan(len(canaries))
    small, found = small_panel(world, planned), []
    for canary in canaries:
        on_step(f"planted: {canary.what}")
        found.append(canary.check(small))
    return tuple(found)


def small_panel(world: PanelWorld, planned: PanelPlan) -> PanelWorld:
    """Return the last development days of the symbols that have all of them, without the others."""
    calendar = planned.material.calendar
    first = calendar[-min(DAYS, len(calendar))]
    covered = len(calendar) >= DAYS
    whole = [one for one in world.members if covered and _covers(one.prices["day"], first, calendar[-1])]
    return replace(world, members=tuple(whole[:SYMBOLS])).between(first, calendar[-1])


def _covers(days: pl.Series, first: dt.date, last: dt.date) -> bool:
    return bool(days[0] <= first and days[-1] >= last)
