"""The time-travel audit of a panel: alter what comes after a cut for all symbols, and see what moved.

::

    windows of days → other worlds, each with another future → every stage again → nothing known may move

Around each cut the whole pipeline of many symbols is made again (see `panel_windows`): rows, features, what
is learned, every fit, the candidate, the slope, forecasts and portfolio. One symbol is left out as well: what
is another symbol's own may not notice it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from geiger.audit.causes import CLOCK, DECISION_BAR, ONE_LESS, RESCALED
from geiger.audit.cuts import LAST_ROW, Cut
from geiger.audit.findings import WORDS, Findings
from geiger.audit.panel_clock import folds_for, late_labels, learned_too_much
from geiger.audit.panel_pipeline import (
    AnyTable,
    Made,
    fold_tables,
    is_traded,
    material_in,
    material_tables,
    trading_tables,
    walk_tables,
)
from geiger.audit.panel_tables import PanelTable, moved_in_panel
from geiger.audit.panel_windows import Window, told, windows_of
from geiger.audit.panel_worlds import (
    PANEL_FUTURES,
    SHORTER,
    PanelWorld,
    decision_bar_altered,
    future_altered,
    past_rescaled,
)
from geiger.audit.reading import reread
from geiger.audit.stages import PANEL_STAGES
from geiger.audit.tables import Moved, Table, moved
from geiger.audit.worlds import days_before_adjustments
from geiger.errors import DataError, GeigerError
from geiger.experiment.out_of_fold import days_of
from geiger.panel.plan import PanelPlan
from geiger.panel.targets import Targets
from geiger.runs.audits import Audit, CutDay, NotChecked
from geiger.settings import override

ROUNDING = 1e-9  # deviations: a logarithm of half a price rounds otherwise
FREE_OF_LEVELS = ("features", "normalised", "volatility", "tradable", "target")
REREAD = 6  # symbols whose file is read again
OWN = ("bars", "features", "normalised", "volatility", "tradable")  # what a symbol has by itself
NEVER = {
    "whole history": "fits on all of a long history: at the cuts the same steps learn from fewer days",
    "source": "whether the vendor rewrote the past: `geiger data` says which days a source changed",
    "choice of symbols": "whether they were chosen because they rose or survived",
}


@dataclass(frozen=True)
class PanelScope:
    """How much of an audit is done.

    Attributes
    ----------
    cuts : tuple of str, optional
        Reasons of the cuts to make (`Cut.why`); None makes all, and what is done once besides them.
    futures : tuple of str
        Of `panel_worlds.PANEL_FUTURES`.
    until_found : bool
        Whether the first world in which something moved is the last.
    """

    cuts: tuple[str, ...] | None = None
    futures: tuple[str, ...] = tuple(PANEL_FUTURES)
    until_found: bool = False


def prove_panel(
    planned: PanelPlan,
    world: PanelWorld,
    on_step: Callable[[str], None] = lambda text: None,
    *,
    on_plan: Callable[[int], None] = lambda steps: None,
    scope: PanelScope | None = None,
) -> Audit:
    """Audit the pipeline of many symbols and a model in `world`.

    Parameters
    ----------
    planned : PanelPlan
    world : PanelWorld
        Its members and their context, as `panel_worlds.world_of` returns them.
    on_step, on_plan : callable
        Told in words what is about to be done, and beforehand how many steps there will be.
    scope : PanelScope, optional
        Which part of it is done; all of it by default.

    Raises
    ------
    GeigerError
        If nothing can be proved behind a cut, or the model cannot be fitted whatever the future.
    """
    started = time.perf_counter()
    proof = _Proof(planned, world, scope or PanelScope())
    proof.windows_made(on_step)
    on_plan(proof.steps_ahead)
    for text in proof.steps():
        on_step(text)
    return proof.audit(time.perf_counter() - started)


@dataclass
class _Proof:
    """One audit under way."""

    planned: PanelPlan
    world: PanelWorld
    scope: PanelScope
    found: Findings = field(default_factory=lambda: Findings(stages=PANEL_STAGES))
    windows: list[Window] = field(default_factory=list)
    held: set[Cut] = field(default_factory=set)
    declared: tuple[str, ...] = ()

    def windows_made(self, on_step: Callable[[str], None]) -> None:
        """Make every window of the world as it is."""
        for stretch, window in windows_of(self.planned, self.world):
            if isinstance(window, DataError):
                why = stretch.places[0][1]
                self.found.failed[f"days around the cuts from the {why} on"] = str(window)
                continue
            asked = self.scope.cuts
            cuts = tuple(cut for cut in window.cuts if asked is None or cut.why in asked)
            if cuts:
                on_step(f"{cuts[0].day} ({cuts[0].why}): as it is")
                self.windows.append(replace(window, cuts=cuts))

    @property
    def unlimited(self) -> bool:
        """Whether all of it is asked for."""
        return self.scope.cuts is None

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """Every cut, the last development row among them where something lies behind it."""
        found = [cut for window in self.windows for cut in window.cuts]
        return (*found, *([self.last] if self.unlimited and self.is_locked else []))

    @property
    def is_locked(self) -> bool:
        """Whether the world has bars behind the last development day."""
        return self.planned.material.provenance.lockbox_from is not None

    @property
    def last(self) -> Cut:
        """The cut behind which the lock-box lies."""
        calendar = self.planned.material.calendar
        return Cut(len(calendar) - 1, calendar[-1], LAST_ROW)

    @property
    def steps_ahead(self) -> int:
        """How many steps `steps` has, where nothing ends it early."""
        worlds = sum(len(window.cuts) for window in self.windows) * len(self.scope.futures)
        return worlds + (2 + len(self.windows) + self.is_locked if self.unlimited else 0)

    def steps(self) -> Iterator[str]:
        """Do all of it, saying before each step what it is."""
        if self.unlimited:
            yield "reading files again"
            self._reread()
            self._clock(late_labels(self.planned.material, self._targets(), folds_for(self.planned)))
        for window in self.windows:
            if self.unlimited and not window.lighter:
                self._beginning(window)
            self._window_clock(window)
            for cut in window.cuts:
                for kind in self.scope.futures:
                    if self._done:
                        return
                    yield f"{cut.day} ({cut.why}): {WORDS[kind]}"
                    self._future(window, cut, kind)
            if self.unlimited:
                yield f"{window.cuts[0].day}: other pasts"
                self._noted(window.cuts[0], RESCALED, self._past, window)
        if self.unlimited and self.windows:
            yield "one symbol left out"
            self._noted(self.windows[-1].cuts[0], ONE_LESS, self._one_less, self.windows[-1])
        if self.unlimited and self.is_locked:
            yield f"{self.last.day} ({self.last.why}): {WORDS['noise']}"
            self._noted(self.last, "noise", self._lockbox)

    @property
    def _done(self) -> bool:
        return self.scope.until_found and bool(self.found.leaks)

    def _targets(self) -> Targets:
        return Made(self.planned.material, self.planned.model, self.planned.work.config).targets

    def _noted(self, cut: Cut, kind: str, step: Callable[..., None], *given: object) -> None:
        """Do a step, and note it where the world it needs cannot be made."""
        try:
            step(*given)
        except GeigerError as error:
            self.found.failed.setdefault(f"{WORDS[kind]} (behind {cut.day})", str(error))

    def _future(self, window: Window, cut: Cut, kind: str) -> None:
        """Hold one other future against the world as it is; what follows from a leak is no second one."""
        try:
            least = window.config.panel.least_names
            altered = future_altered(window.world, cut.day, kind, least=least)
            other = Made(material_in(altered, window.config), window.base.model, window.config)
            self.held.add(cut)
            if self._compare(material_tables, window.base, other, cut, kind):
                return
            if not self._is_forecast(window.base, cut, kind):
                return
            for tables in (fold_tables, walk_tables):
                if self._compare(tables, window.base, other, cut, kind):
                    return
            if is_traded(window.base) and is_traded(other):
                self._compare(trading_tables, window.base, other, cut, kind)
        except GeigerError as error:
            self.found.failed.setdefault(f"{WORDS[kind]} (behind {cut.day})", str(error))

    def _beginning(self, window: Window) -> None:
        """Hold the first days, made without all that followed, against all days of the run."""
        run = Made(self.planned.material, self.planned.model, self.planned.work.config)
        calendar = window.base.material.calendar
        cut = Cut(len(calendar) - 1, calendar[-1], "end of the first days")
        self._compare(material_tables, run, window.base, cut, "truncated")

    def _is_forecast(self, base: Made, cut: Cut, kind: str) -> bool:
        """Whether there is a walk: a world that ends before its first forecast is known has none."""
        if kind not in SHORTER:
            return True
        known = base.known(base.material.day[base.walk.issued.rows])
        return bool((known <= np.datetime64(cut.day, "D")).any())

    def _compare(
        self,
        tables: Callable[[Made], Iterator[AnyTable]],
        base: Made,
        other: Made,
        cut: Cut,
        kind: str,
    ) -> bool:
        """Compare tables in the order of the stages until one moved, and say whether one did."""
        started, seen = time.perf_counter(), set[str]()
        shorter = kind in (*SHORTER, RESCALED)  # where a table's tolerance holds
        for one, two in zip(tables(base), tables(other), strict=True):
            moves = [_moved(one, two, cut.day, shorter)]
            if one.stage == "rows":  # nor may a row be there that was not
                moves.append(_moved(two, one, cut.day, shorter))
            known = int((one.known <= np.datetime64(cut.day, "D")).sum())
            spent, worlds = time.perf_counter() - started, int(one.stage not in seen)
            self.found.count(one.stage, worlds, known * len(one.columns), spent)
            started = time.perf_counter()
            seen.add(one.stage)
            if any([self.found.take(move, cut, kind) for move in moves]):
                return True
        return False

    def _past(self, window: Window) -> None:
        """Hold two other pasts against the world as it is: rescaled levels, and another decision bar."""
        cut, config, base = window.cuts[0], window.config, window.base
        rescaled = Made(material_in(past_rescaled(window.world, cut.day), config), base.model, config)

        def free(made: Made) -> Iterator[AnyTable]:
            for table in material_tables(made):
                if table.stage in FREE_OF_LEVELS:
                    logs = table.stage in ("volatility", "target")
                    yield replace(table, tolerance=ROUNDING if logs else 0.0)

        if self._compare(free, base, rescaled, cut, RESCALED):
            return
        altered = Made(material_in(decision_bar_altered(window.world, cut.day), config), base.model, config)
        ours, theirs = (_outcomes_from(made, cut.day) for made in (base, altered))
        self.found.take(moved_in_panel(ours, theirs, None), cut, DECISION_BAR)

    def _one_less(self, window: Window) -> None:
        """Leave one symbol out: what the others have by themselves stays, what is made of all is declared."""
        started = time.perf_counter()
        base, cut = window.base, window.cuts[0]
        rows = np.bincount(base.material.member, minlength=len(base.material.symbols))
        gone = base.material.symbols[int(rows.argmax())]
        least = max(2, window.config.panel.least_names - 1)
        config = override(window.config, {"panel": {"least_names": least}})
        other = Made(material_in(window.world.without(gone), config), base.model, config)
        relative = window.config.panel.normalisation != "rolling"
        own = [stage for stage in OWN if not (relative and stage == "normalised")]
        changed, values = set[str](), 0
        for one, two in zip(_all_tables(base), _all_tables(other), strict=True):
            if not isinstance(one, PanelTable) or not isinstance(two, PanelTable):
                move = None if not isinstance(one, Table) or one.stage != "slope" else _slopes(one, two)
            else:
                move = moved_in_panel(one, two, None)
            is_own = one.stage in own or (one.stage == "target" and one.columns == ("outcome",))
            values += one.values.size if is_own else 0
            if move is None:
                continue
            if is_own:
                named = replace(move, stage="members", column=f"{one.stage}: {move.column}")
                self.found.take(named, cut, ONE_LESS)
            else:
                changed.add(one.stage)
        self.found.count("members", 1, values, time.perf_counter() - started)
        kept = len(other.material.symbols)
        if not self.found.leaks:
            self.declared = (
                f"without {gone}, {', '.join(own)} and outcomes of the {kept} others are the same to the "
                f"bit; what is made of all symbols of a day is not: "
                f"{', '.join(name for name in PANEL_STAGES if name in changed) or 'nothing moved here'}",
            )

    def _lockbox(self) -> None:
        """Alter what lies behind the last development day, for all days and all symbols."""
        cut, config = self.last, self.planned.work.config
        altered = future_altered(self.world, cut.day, "noise", least=config.panel.least_names)
        made = Made(self.planned.material, self.planned.model, config)
        config = replace(config, lockbox=0, end=str(cut.day))  # a run keeps where it was cut, not always why
        other = Made(material_in(altered, config), self.planned.model, config)
        self.held.add(cut)
        self._compare(material_tables, made, other, cut, "noise")
        self._compare(fold_tables, made, other, cut, "noise")

    def _clock(self, labels: Iterable[tuple[int, tuple[Moved, Cut] | None]]) -> None:
        started = time.perf_counter()
        for learned, late in labels:
            if late is not None:
                self.found.take(*late, CLOCK)
            self.found.count("labels", 0, learned, time.perf_counter() - started)
            started = time.perf_counter()
        self.found.count("labels", 1, 0, 0.0)

    def _window_clock(self, window: Window) -> None:
        base = window.base
        self._clock(late_labels(base.material, base.walk.targets, base.folds))
        for found in learned_too_much(base):
            self.found.take(*found, CLOCK)

    def _reread(self) -> None:
        """Read the files of some symbols again, up to a cut each and up to a day before an adjustment."""
        started, failed = time.perf_counter(), []
        cuts = [cut for window in self.windows for cut in window.cuts]
        members = self.world.members
        step = max(len(members) // REREAD, 1)
        for number, series in enumerate(members[::step][:REREAD]):
            rows = series.prices["day"]
            before = days_before_adjustments(series, 1)
            own = [cut for cut in cuts if cut.day >= rows[0]]
            chosen = [own[number % len(own)]] if own else []
            chosen += [Cut(int(rows.search_sorted(day)), day, "before a split or dividend") for day in before]
            try:
                compared = reread(series, [cut.day for cut in chosen])
            except DataError as error:
                failed.append(f"{series.symbol}: {error}")
                continue
            for cut, base, other in zip(chosen, compared.base, compared.others, strict=True):
                move = moved(base, other, cut.day, truncated=True)
                self.found.take(
                    None if move is None else replace(move, member=series.symbol), cut, "truncated"
                )
            self.found.count("reader", len(chosen), compared.values, time.perf_counter() - started)
            started = time.perf_counter()
        if failed and "reader" not in self.found.tallies:
            self.found.missing["reader"] = failed[0]

    def audit(self, seconds: float) -> Audit:
        """Return what was found.

        Raises
        ------
        DataError
            Nothing was found at a cut of which no other future could be made: that proves nothing.
        """
        self._require_held()
        material = self.planned.material
        leaks = self.found.leak_records(days_of(material.calendar))
        return Audit(
            symbol=self.planned.work.name,
            model=self.planned.model,
            color="red" if leaks else "green",
            stages=self.found.stage_checks(),
            cuts=tuple(CutDay(day=str(cut.day), why=cut.why) for cut in self.cuts),
            worlds=tuple(WORDS[kind] for kind in (*self.scope.futures, RESCALED, DECISION_BAR, ONE_LESS)),
            leaks=leaks,
            not_checked=tuple(self._gaps()),
            blind=len(self.found.failed),
            effort=told(self.planned, self.windows),
            seconds=seconds,
            complete=self.unlimited and not self.found.failed,
            made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            declared=self.declared,
        )

    def _gaps(self) -> Iterator[NotChecked]:
        for stage, why in (*self.found.missing.items(), *self.found.failed.items()):
            yield NotChecked(stage=stage, why=why)
        rest = "not reached: what comes before it looks ahead" if self.found.leaks else "not asked for"
        absent = {"stack": "no stack: a single model"} if len(self.planned.folds) == 1 else {}
        if "forecasts" in self.found.tallies and not self.found.leaks:
            stale = "around the cuts nothing could be traded: opens repeat the last close"
            absent |= {"weights": stale, "fills": stale}
        for name in PANEL_STAGES:
            if name not in self.found.tallies and name not in self.found.missing:
                yield NotChecked(stage=name, why=absent.get(name, rest))
        others = len(self.world.members) - REREAD
        if others > 0 and "reader" in self.found.tallies:
            yield NotChecked(
                stage="reader", why=f"files of the {others} other symbols: the same code reads them"
            )
        yield from (NotChecked(stage=stage, why=why) for stage, why in NEVER.items())

    def _require_held(self) -> None:
        blind = [cut for cut in self.cuts if cut not in self.held]
        if (blind or not self.windows) and not self.found.leaks:
            why = next(iter(self.found.failed.values()), "none was asked for")
            where = f" behind {blind[0].day}" if blind else ""
            raise DataError(
                f"{self.planned.work.name}: nothing can be proved{where}, because no altered future could be "
                f"made there: {why}"
            )


def _moved(one: AnyTable, two: AnyTable, cut: dt.date, shorter: bool) -> Moved | None:
    if isinstance(one, PanelTable):
        assert isinstance(two, PanelTable)
        return moved_in_panel(one, two, cut, shorter=shorter)
    assert isinstance(two, Table)
    return moved(one, two, cut, truncated=shorter)


def _all_tables(made: Made) -> Iterator[AnyTable]:
    yield from material_tables(made)
    yield from walk_tables(made)
    yield from trading_tables(made) if is_traded(made) else ()


def _slopes(one: Table, two: AnyTable) -> Moved | None:
    assert isinstance(two, Table)
    return moved(one, two, dt.date.max, truncated=True)


def _outcomes_from(made: Made, day: dt.date) -> PanelTable:
    """Return the outcomes of decisions from `day` on."""
    table = next(one for one in material_tables(made) if one.columns == ("outcome",))
    assert isinstance(table, PanelTable)
    later = table.rows >= np.datetime64(day, "D")
    return replace(
        table,
        rows=table.rows[later],
        member=table.member[later],
        known=table.rows[later],
        values=table.values[later],
    )
