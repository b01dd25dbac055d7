"""Canaries: leaks planted on purpose, each of which the audit must find and name.

An audit that finds nothing proves something only if it would have found something. So a leak of each kind is
planted where the pipeline really calls, one after another, and the same audit is run, on a small slice of the
same prices. A canary that is not found, or is found somewhere else, turns the audit red.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from threading import RLock, get_ident
from types import MappingProxyType
from typing import Any, TypeAlias

from geiger.audit import leaks
from geiger.audit.cuts import FIRST_TEST_ROW, INSIDE, LAST_ROW
from geiger.audit.pipeline import material_in
from geiger.audit.proof import Scope, prove
from geiger.audit.worlds import World
from geiger.errors import GeigerError, MissingLibrary
from geiger.experiment import cut, evaluation, prepare, stacking, train_fold
from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment
from geiger.features.catalogue import NAMES
from geiger.market import context
from geiger.market.prices import slice_days
from geiger.models.library import load
from geiger.runs.audits import Audit, CanaryCheck, Leak
from geiger.settings import MODELS, override, recipe

Leaky: TypeAlias = Callable[[leaks.Function, float], leaks.Function]
ROWS = 900  # of the slice: the warm-up, a first training, and five folds to test
LEAST_ROWS = 780  # with three of them
WEIGHED = ("ridge", "mean")  # by the small stack: the two that are fitted fastest
SMALL: Mapping[str, Any] = MappingProxyType(
    {
        "refit": 60,
        "network_refit": None,
        "min_train": 300,
        "max_folds": None,
        "seeds": 1,
        "lockbox": 0,
        "workers": 1,  # a leak acts in the thread that planted it
        "stack": {"models": WEIGHED, "min_rows": 120},
    }
)
_PLANTING = RLock()  # one thread at a time: each puts back what it found
# Trees that are all different, so that the best number of them is seldom one: then it would show nothing.
_WANDERING: Mapping[str, Any] = MappingProxyType(
    {
        "max_trees": 80,
        "early_stopping": 80,
        "learning_rate": 0.005,
        "colsample": 0.05,
        "subsample": 0.5,
        "refit": False,
    }
)
SCOPE = Scope(cuts=(FIRST_TEST_ROW, INSIDE, LAST_ROW), futures=("truncated", "next_row", "noise"))


def _as_it_is(world: World) -> World:
    return world


def _closing_later(world: World) -> World:
    """Rename the index to one of no known market, whose close may therefore lie after anybody's."""
    assert world.index is not None
    return replace(world, index=replace(world.index, symbol="^LATER"))


def _none(world: World, found: Audit) -> str | None:
    return None


def _without_volumes(world: World, found: Audit) -> str | None:
    known = (world.symbol.prices["volume"] > 0.0).any()
    return None if known else "there are no volumes here to fill"


def _at_the_close(why: str) -> Callable[[World, Audit], str | None]:
    """Return the excuse of a leak that is none where fills are at the close."""

    def excuse(world: World, found: Audit) -> str | None:
        at_the_close = any(one.stage == "fills" for one in found.not_checked)
        return f"fills are at the close here: {why}" if at_the_close else None

    return excuse


@contextmanager
def planted(place: tuple[Any, str], leak: Leaky, size: float = 1.0) -> Iterator[None]:
    """Let the pipeline leak while this lasts, for this thread: others may train meanwhile.

    Parameters
    ----------
    place : (object, str)
        A function of the pipeline, by where it is looked up when it is called.
    leak : callable
        The real function and a size -> what stands in its place.
    """
    owner, name = place
    with _PLANTING:
        real, planter = getattr(owner, name), get_ident()
        leaky = leak(real, size)

        def either(*given: Any, **options: Any) -> Any:
            return (leaky if get_ident() == planter else real)(*given, **options)

        setattr(owner, name, either)
        try:
            yield
        finally:
            setattr(owner, name, real)


@dataclass(frozen=True)
class Canary:
    """One leak to plant.

    Attributes
    ----------
    name, what : str
        Two or three words; and the mistake, as a sentence.
    stage, column : str, str or tuple of str
        Where the audit must find it; of the column, how its name begins, or may begin.
    place : (object, str)
        A function of the pipeline, by where it is looked up when it is called.
    leak : callable
        The real function and a size -> what stands in its place.
    graded : bool
        Whether a small size is a small leak; a choice is made otherwise, or it is not.
    model, changes : str, mapping
        What is trained: whatever shows the leak at the least cost.
    world : callable
        What must be so that the mistake is one.
    scope : Scope
        Which cuts and futures are tried, until it is found.
    excuse : callable
        The slice and an audit that found nothing -> why it is no leak here; None where it is one.
    """

    name: str
    what: str
    stage: str
    column: str | tuple[str, ...]
    place: tuple[Any, str]
    leak: Leaky
    graded: bool = True
    model: str = "ridge"
    changes: Mapping[str, Any] = field(default_factory=dict)
    world: Callable[[World], World] = _as_it_is
    scope: Scope = SCOPE
    excuse: Callable[[World, Audit], str | None] = _none

    def planted(self, size: float = 1.0) -> AbstractContextManager[None]:
        """Let the pipeline leak while this lasts; see `planted`."""
        return planted(self.place, self.leak, size)

    def experiment(self, symbol: str) -> Experiment:
        """Return what is trained on the slice."""
        config = override(recipe("default"), {**SMALL, **self.changes})
        return Experiment(symbol, self.model, config)

    def audit(self, world: World, size: float = 1.0, scope: Scope | None = None) -> Audit:
        """Audit the pipeline with the leak in it, until it is found."""
        for library in MODELS[self.model].libraries:
            load(library)
        with self.planted(size):
            return prove(
                self.experiment(world.symbol.symbol),
                self.world(world),
                scope=replace(scope or self.scope, until_found=True),
            )

    def check(self, world: World, size: float = 1.0) -> CanaryCheck:
        """Say where the audit finds it."""
        checked = CanaryCheck(
            name=self.name, what=self.what, planted=self.stage, found=None, column=None, caught=False
        )
        if world.symbol.prices.height < LEAST_ROWS:
            return replace(checked, skipped=f"too few rows to plant leaks in: {LEAST_ROWS} are needed")
        try:
            found = self.audit(world, size)
        except MissingLibrary as error:
            return replace(checked, skipped=str(error))
        except GeigerError as error:
            return replace(checked, column=f"the audit ended: {error}")
        if not found.leaks:
            return replace(checked, skipped=self.excuse(world, found))
        first = found.leaks[0]
        return replace(checked, found=first.stage, column=first.column, caught=self.names(first))

    def names(self, found: Leak) -> bool:
        """Whether a leak that was found is this one."""
        return found.stage == self.stage and found.column.startswith(self.column)


def feature_canary(name: str, what: str, column: str, made: leaks.Made) -> Canary:
    """Return a leak that stands in one feature."""
    place = (prepare, "feature_matrix")
    return Canary(name, what, "features", column, place, leaks.in_column(column, made))


CANARIES: tuple[Canary, ...] = (
    Canary(
        "backfill",
        "missing volumes are filled backwards, from the month's last bar",
        "bars",
        "volume",
        (prepare, "_usable_bars"),
        leaks.backfilled_volume,
        excuse=_without_volumes,
    ),
    Canary(
        "late context",
        "each bar of the index is stamped a day early, so the context runs a day ahead",
        "context",
        "market_close",
        (context, "_known_closes"),
        leaks.day_late_context,
    ),
    Canary(
        "time zone",
        "an index that closes later is joined on the same date",
        "context",
        "market_close",
        (context, "_known_closes"),
        leaks.same_date_context,
        world=_closing_later,
    ),
    feature_canary(
        "off by one",
        "a feature of day t reads the return of day t+1",
        "return_2",
        leaks.of_close(leaks.tomorrow),
    ),
    feature_canary(
        "centred window",
        "a mean over five days reaches two of them ahead",
        "return_5",
        leaks.of_close(leaks.centred),
    ),
    feature_canary(
        "whole-series filter",
        "prices are smoothed over the whole series before features are made",
        "return_10",
        leaks.of_close(leaks.smoothed),
    ),
    feature_canary(
        "adjusted level",
        "a feature holds the level of adjusted prices, which a later split rescales",
        "return_21",
        leaks.of_close(leaks.level),
    ),
    Canary(
        "overlapping labels",
        "no gap before the test rows: the last label learned is not known by then",
        "labels",
        "known_on of fold",
        (cut, "walk_forward"),
        leaks.unpurged,
        graded=False,
        excuse=_at_the_close("the last label is known in time"),
    ),
    Canary(
        "full-sample scaler",
        "centres and scales are fitted on all rows",
        "scaler",
        f"centre of {NAMES[0]}",
        (train_fold, "fold_arrays"),
        leaks.full_sample_scaler,
    ),
    Canary(
        "full-sample choice",
        "features are chosen by how they go with the target on all rows",
        "selection",
        "use of ",
        (train_fold, "fold_arrays"),
        leaks.full_sample_selection,
        graded=False,
        changes={"ridge": {"alphas": (1000.0,)}},
    ),
    Canary(
        "stopping on test",
        "trees stop growing where the test rows are forecast best",
        "selection",
        "rounds of member",
        (train_fold, "fold_arrays"),
        leaks.chosen_on_test,
        graded=False,
        model="lgb",
        changes={"lgb": _WANDERING},
        scope=Scope(),  # a choice may be the same by chance in some of them
    ),
    Canary(
        "shuffled split",
        "test rows stand among the train rows",
        "model",
        "forecast",
        (train_fold, "fold_arrays"),
        leaks.shuffled,
        changes={"ridge": {"alphas": (1000.0,)}},
    ),
    Canary(
        "stack on itself",
        "a stack's weights are learned from the rows that they are used on",
        "stack",
        WEIGHED,
        (stacking, "weigh"),
        leaks.weighed_on_own,
        model="stack",
    ),
    Canary(
        "same-bar fill",
        "a position is filled at the open of the bar on whose close it was decided",
        "fills",
        "asset_return",
        (evaluation, "simulate"),
        leaks.same_bar,
        excuse=_at_the_close("this is what was asked for"),
    ),
)


def run_canaries(
    experiment: Experiment,
    world: World,
    on_step: Callable[[str], None] = lambda text: None,
    *,
    on_plan: Callable[[int], None] = lambda steps: None,
    canaries: Collection[Canary] = CANARIES,
) -> tuple[CanaryCheck, ...]:
    """Plant one leak of each kind in the pipeline and say which of them the audit found.

    Parameters
    ----------
    experiment : Experiment
        Whose symbol and development rows are used. What is trained is a small model of the canary's.
    on_step, on_plan : callable
        Told in words what is about to be done, and beforehand how many steps there will be.
    """
    on_plan(len(canaries))
    small, found = small_world(world, material_in(world, None, experiment.config, None)), []
    for canary in canaries:
        on_step(f"planted: {canary.what}")
        found.append(canary.check(small))
    return tuple(found)


def small_world(world: World, material: Material) -> World:
    """Return the last development rows of the symbol, which also stands in for its own index."""
    prices = slice_days(world.symbol.prices, None, material.prices["day"][-1]).tail(ROWS)
    symbol = replace(world.symbol, prices=prices, source="frame", actions=None)
    return World(symbol, replace(symbol, symbol="^GSPC"))
