"""The time-travel audit: alter what comes after a cut, run the real pipeline again, and see what moved.

::

    world → other worlds, each with another future → every stage again → nothing known by the cut may move

Each cut lies at an edge of a fold or inside one. Up to the target everything is made again in every world;
of the folds those alone are fitted again that a cut touches.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from geiger.audit.causes import CLOCK, DECISION_BAR, RESCALED
from geiger.audit.clock import folds_of, late_labels, still_labels
from geiger.audit.cuts import INSIDE, Cut, cuts_of
from geiger.audit.findings import WORDS, Findings
from geiger.audit.lighter import lighter
from geiger.audit.own_calls import Called, call_own
from geiger.audit.pipeline import (
    Reached,
    StandIns,
    fold_tables,
    material_in,
    material_tables,
    stack_tables,
    trading_tables,
    walk_tables,
    without_rounding,
)
from geiger.audit.reading import reread
from geiger.audit.stages import BUILT_IN
from geiger.audit.tables import Table, moved, moved_after
from geiger.audit.unchecked import unchecked
from geiger.audit.worlds import (
    FUTURES,
    World,
    context_gapped,
    days_before_adjustments,
    decision_bar_altered,
    future_altered,
    past_rescaled,
)
from geiger.errors import DataError, GeigerError
from geiger.experiment.material import Material
from geiger.experiment.out_of_fold import days_of
from geiger.experiment.own import OwnFeatures
from geiger.experiment.plan import Experiment, Plan, StackPlan, WalkPlan, plan
from geiger.features.catalogue import WARMUP
from geiger.learning.folds import Fold
from geiger.market.loaded import Loaded
from geiger.market.synthetic import planted_market
from geiger.runs.audits import Audit, CutDay
from geiger.settings import MODELS, override

PLANTED_R2 = 0.3
WITH_NEXT = "noise"  # the future in which the fold behind the cut is trained too: no fold may learn from it
ADJUSTMENTS = 4  # days before splits and dividends on which the file is read again


@dataclass(frozen=True)
class Scope:
    """How much of an audit is done.

    Attributes
    ----------
    cuts : tuple of str, optional
        Reasons of the cuts to make (`Cut.why`); None makes all.
    futures : tuple of str
        Of `worlds.FUTURES`.
    until_found : bool
        Whether the first world in which something moved is the last.
    data_only : bool
        Whether only stages that hang on the data are made: up to the folds, with no fit and no trade.
    """

    cuts: tuple[str, ...] | None = None
    futures: tuple[str, ...] = tuple(FUTURES)
    until_found: bool = False
    data_only: bool = False


def prove(
    experiment: Experiment,
    world: World,
    on_step: Callable[[str], None] = lambda text: None,
    *,
    on_plan: Callable[[int], None] = lambda steps: None,
    scope: Scope | None = None,
) -> Audit:
    """Audit one symbol's and model's pipeline in `world`.

    Parameters
    ----------
    on_step, on_plan : callable
        Told in words what is about to be done, and beforehand how many steps there will be.
    scope : Scope, optional
        Which part of it is done; all of it by default.

    Raises
    ------
    GeigerError
        If the data cannot be used or the model cannot be fitted, whatever the future.
    """
    started = time.perf_counter()
    experiment, effort = lighter(experiment)
    material = material_in(world, None, experiment.config, None)
    planned = plan(experiment, material)
    proof = _Proof(world, planned, material, scope or Scope())
    networks = [one for one in proof.walks if scope is None and MODELS[one.model].family == "network"]
    on_plan(proof.steps_ahead + len(networks))
    for text in proof.steps():
        on_step(text)
    for one in networks:
        on_step(f"{one.model} on a market with a planted signal")
        proof.found.add_fits(_on_a_signal(one.experiment))
    return proof.audit(effort, time.perf_counter() - started)


def _on_a_signal(experiment: Experiment) -> Findings:
    """Audit a network where there is something to find: without a signal its screen keeps no term."""
    changes = {"lockbox": 0, "max_folds": 2, "start": None, "end": None}
    rows = WARMUP + experiment.config.min_train + 2 * experiment.config.refit + 10
    prices = planted_market(rows, 0, PLANTED_R2, signal="delayed", fill=experiment.config.fill).prices
    world = World(Loaded("SIGNAL", prices, "frame", "a market with a planted signal"))
    config = override(experiment.config, changes)
    given = Experiment("SIGNAL", experiment.model, config, context="none", prices=prices)
    material = material_in(world, None, config, None)
    proof = _Proof(world, plan(given, material), material, Scope(cuts=(INSIDE,), futures=(WITH_NEXT,)))
    for _ in proof.steps():
        pass
    return proof.found


@dataclass
class _Proof:
    """One audit under way: the world as it is, stage by stage, and what was found so far."""

    world: World
    planned: Plan
    material: Material
    scope: Scope
    found: Findings = field(default_factory=Findings)
    refitted: dict[tuple[str, int, int], list[Table]] = field(default_factory=dict)
    called: Called | None = None
    held: set[Cut] = field(default_factory=set)  # cuts of which another future could be made

    def __post_init__(self) -> None:
        self.walks = [one for one in (*self.planned.bases, self.planned) if isinstance(one, WalkPlan)]
        self.own = {
            one.model: {cut.row: cut for cut in cuts_of(self.material, one.folds)} for one in self.walks
        }
        self.cuts = self._cuts()
        self.given = StandIns.of(self.material)
        self.base = list(self._cheap_tables(self.material, None))

    def _cuts(self) -> tuple[Cut, ...]:
        found = {cut.row: cut for cut in cuts_of(self.material, self.planned.folds)}
        for cuts in self.own.values():
            found = {**cuts, **found}
        asked = self.scope.cuts
        rows = [row for row in sorted(found) if asked is None or found[row].why in asked]
        return tuple(found[row] for row in rows)

    @property
    def steps_ahead(self) -> int:
        """How many steps `steps` has, where nothing ends it early."""
        return 1 + (self._function is not None) + len(self.cuts) * len(self.scope.futures)

    def steps(self) -> Iterator[str]:
        """Do all of it, saying before each step what it is."""
        yield "reading the file again"
        self._reread()
        self._clock()
        if self._function is not None:
            yield "own features on days of every kind"
            self._call_own(self._function)
        for cut in self.cuts:
            for kind in self.scope.futures:
                if self._done:
                    return
                yield f"{cut.day} ({cut.why}): {WORDS[kind]}"
                self._future(cut, kind)
            if self._done:
                return
            try:
                self._past(cut)
                self._gap(cut)
            except GeigerError as error:
                self.found.failed.setdefault(f"{WORDS[RESCALED]} (behind {cut.day})", str(error))

    @property
    def _function(self) -> OwnFeatures | None:
        """Own features to call at further cuts: a function, for a frame is the same in every world."""
        own = self.world.features
        return None if own is None or own.table is not None or self.scope.cuts is not None else own

    def _call_own(self, features: OwnFeatures) -> None:
        started = time.perf_counter()
        self.called = call_own(features, self.material)
        for found, kind, row in self.called.leaks:
            self.found.take(found, Cut(row, self.material.prices["day"][row], "own features"), kind)
        spent = time.perf_counter() - started
        self.found.count("features", self.called.calls, self.called.values, spent)

    @property
    def _done(self) -> bool:
        return self.scope.until_found and bool(self.found.leaks)

    def _cheap_tables(self, material: Material, reached: Reached | None) -> Iterator[Table]:
        """Yield every stage that takes no fit of a model."""
        yield from material_tables(material)
        for one in self.walks:
            yield from fold_tables(material, one.experiment.config)
        if self.scope.data_only:
            return
        if isinstance(self.planned, StackPlan):
            yield from stack_tables(material, self.planned, self.given, reached)
        config = self.planned.experiment.config
        yield from trading_tables(material, config, self.planned.folds, self.given, reached)

    def _future(self, cut: Cut, kind: str) -> None:
        """Hold one other future against the world as it is; what follows from a leak is no second one."""
        reached = Reached(cut, truncated=kind == "truncated")
        try:
            other = material_in(
                future_altered(self.world, cut.day, kind),
                self.material,
                self.planned.experiment.config,
                reached,
            )
            pairs = self._paired(self._cheap_tables(other, reached))
            self.held.add(cut)
            early = [pair for pair in pairs if pair[0].stage not in BUILT_IN]
            if self.found.compare(early, cut, kind):
                return
            other = without_rounding(other, self.material, cut.row)
            if kind == "next_row":
                self._own_day(cut, early)
            if self.scope.data_only:
                return
            for one in self.walks:
                touched = self.own[one.model].get(cut.row)
                fold = None if touched is None else touched.fold
                if fold is not None and self._refit(one, fold, other, reached, kind):
                    return
            self.found.compare([pair for pair in pairs if pair[0].stage in BUILT_IN], cut, kind)
        except GeigerError as error:
            self.found.failed.setdefault(f"{WORDS[kind]} (behind {cut.day})", str(error))

    def _refit(self, one: WalkPlan, fold: Fold, other: Material, reached: Reached, kind: str) -> bool:
        """Fit one fold again in the other world, and say whether anything moved."""
        folds = [fold, *self._next_fold(one, fold)] if kind == WITH_NEXT else [fold]
        config, there = one.experiment.config, reached.folds(folds)
        if (one.model, fold.index, len(folds)) not in self.refitted:
            made = list(walk_tables(self.material, one, config, folds))
            self.refitted[one.model, fold.index, len(folds)] = made
        base = self.refitted[one.model, fold.index, len(folds)]
        pairs = zip(base, walk_tables(other, one, config, there), strict=True)
        return self.found.compare(pairs, reached.cut, kind)

    def _next_fold(self, one: WalkPlan, fold: Fold) -> Sequence[Fold]:
        place = one.folds.index(fold) + 1
        return one.folds[place : place + 1]

    def _past(self, cut: Cut) -> None:
        """Hold two other pasts against the world as it is: rescaled levels, and another decision bar."""
        config = self.planned.experiment.config
        rescaled = material_in(past_rescaled(self.world, cut.day), self.material, config, None)
        pairs = self._paired(material_tables(rescaled))
        self.found.compare(
            [pair for pair in pairs if pair[0].stage in ("context", "features", "target")], cut, RESCALED
        )
        if self.material.fill == "close":
            return
        altered = material_in(decision_bar_altered(self.world, cut.day), self.material, config, None)
        for base, other in self._paired(self._cheap_tables(altered, None)):
            names = [n for n in ("value", "simple", "asset_return") if n in base.columns]
            if base.stage in ("target", "fills") and names:
                self.found.take(
                    moved_after(_columns(base, names), _columns(other, names), cut.day), cut, DECISION_BAR
                )

    def _gap(self, cut: Cut) -> None:
        """Alter the next bar of a context that rests on the day of the cut: none of it is known by then."""
        if self.world.index is None:
            return
        config, gapped = self.planned.experiment.config, context_gapped(self.world, cut.day)
        here = material_in(gapped, self.material, config, None)
        there = material_in(future_altered(gapped, cut.day, "next_row"), self.material, config, None)
        pairs = zip(material_tables(here), material_tables(there), strict=True)
        self.found.compare([pair for pair in pairs if pair[0].stage == "context"], cut, "next_row")

    def _paired(self, others: Iterable[Table]) -> list[tuple[Table, Table]]:
        """Pair the tables of another world, of which there may be fewer, with those of the world as it is."""
        waiting, found = list(self.base), []
        for other in others:
            alike = [i for i, base in enumerate(waiting) if base.stage == other.stage]
            place = next((i for i in alike if waiting[i].columns == other.columns), alike[0])
            found.append((waiting[place], other))
            del waiting[: place + 1]
        return found

    def _own_day(self, cut: Cut, pairs: Iterable[tuple[Table, Table]]) -> None:
        """Find labels that claim to become known on the altered day and did not move with it."""
        days = days_of(self.material.prices["day"])
        if cut.row + 1 >= len(days):
            return
        for base, other in pairs:
            if base.stage == "target":
                for still in still_labels(base, other, days[cut.row + 1]):
                    self.found.take(still, cut, CLOCK)

    def _clock(self) -> None:
        """No fold, scored or for use, may learn a label that is known only after its first decision."""
        for one in self.walks:
            for material, fold in folds_of(one, self.material):
                started = time.perf_counter()
                learned, late = late_labels(material, fold)
                if late is not None:
                    self.found.take(*late, CLOCK)
                self.found.count("labels", 0, learned, time.perf_counter() - started)
        self.found.count("labels", 1, 0, 0.0)

    def _reread(self) -> None:
        started = time.perf_counter()
        rows = self.world.symbol.prices["day"]
        before = days_before_adjustments(self.world.symbol, ADJUSTMENTS)
        extra = [Cut(int(rows.search_sorted(day)), day, "before a split or dividend") for day in before]
        cuts = [*self.cuts, *extra]
        try:
            compared = reread(self.world.symbol, [cut.day for cut in cuts])
        except DataError as error:
            self.found.missing["reader"] = str(error)
            return
        for cut, base, other in zip(cuts, compared.base, compared.others, strict=True):
            self.found.take(moved(base, other, cut.day, truncated=True), cut, "truncated")
        self.found.count("reader", len(cuts), compared.values, time.perf_counter() - started)

    def audit(self, effort: tuple[str, ...], seconds: float) -> Audit:
        """Return what was found.

        Raises
        ------
        DataError
            Nothing was found at a cut of which no other future could be made: that proves nothing.
        """
        self._require_held()
        leaks = self.found.leak_records(days_of(self.material.prices["day"]))
        gaps = unchecked(
            self.found,
            self.planned,
            self.material,
            self.world,
            self.called,
            fits=not self.scope.data_only,
        )
        return Audit(
            symbol=self.planned.experiment.symbol,
            model=self.planned.model,
            color="red" if leaks else "green",
            stages=self.found.stage_checks(),
            cuts=tuple(CutDay(day=str(cut.day), why=cut.why) for cut in self.cuts),
            worlds=tuple(WORDS[kind] for kind in (*self.scope.futures, RESCALED, DECISION_BAR)),
            leaks=leaks,
            not_checked=tuple(gaps),
            blind=len(self.found.failed),
            effort=effort,
            seconds=seconds,
            complete=self.scope == Scope() and not self.found.failed,
            made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        )

    def _require_held(self) -> None:
        blind = [cut for cut in self.cuts if cut not in self.held]
        if blind and not self.found.leaks:
            said = (text for what, text in self.found.failed.items() if str(blind[0].day) in what)
            why = next(said, "none was asked for")
            raise DataError(
                f"{self.planned.experiment.symbol}: nothing can be proved behind {blind[0].day}, because "
                f"no altered future could be made there: {why}"
            )


def _columns(table: Table, names: Sequence[str]) -> Table:
    places = [table.columns.index(name) for name in names]
    return replace(table, columns=tuple(names), values=table.values[:, places])
