"""The real pipeline of a panel in another world: what each of its stages hands on, as tables.

Nothing is modelled here: `load_panel`, `targets_of`, `walk` and `traded` are those that make a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.audit.panel_tables import PanelTable
from geiger.audit.panel_worlds import PanelOf, PanelWorld
from geiger.audit.pipeline import FILLS, OTHER_LENGTH
from geiger.audit.tables import Table
from geiger.experiment.evaluation import costs_of
from geiger.experiment.out_of_fold import Days, days_of
from geiger.features.catalogue import NAMES
from geiger.learning.folds import Fold
from geiger.panel.cross_section import scored_of, traded, wanted_of
from geiger.panel.fits import folds_of
from geiger.panel.folds import counting
from geiger.panel.issue import Chosen
from geiger.panel.material import BARS, PanelMaterial, load_panel
from geiger.panel.scores import Floats, FoldScores
from geiger.panel.targets import Targets, targets_of
from geiger.panel.walk import PanelWalk, bases_of, walk
from geiger.settings import MODELS, Config
from geiger.settings.models import STACK

NOT_YET = np.datetime64("NaT", "D")
Values = npt.NDArray[np.floating]
AnyTable = Table | PanelTable


@dataclass(frozen=True, eq=False)
class Made:
    """What the pipeline makes of a world; what comes behind the material is made when it is asked for."""

    material: PanelMaterial
    model: str
    config: Config

    @cached_property
    def days(self) -> Days:
        """The calendar (D,)."""
        return days_of(self.material.calendar)

    @cached_property
    def targets(self) -> Targets:
        """What is learned."""
        return targets_of(self.material, self.config.panel)

    @cached_property
    def walk(self) -> PanelWalk:
        """What the walk made."""
        return walk(self.material, self.model, self.config)

    @cached_property
    def folds(self) -> Mapping[str, tuple[Fold, ...]]:
        """The folds of each base model."""
        return {
            base: folds_of(self.material, base, self.config) for base in bases_of(self.model, self.config)
        }

    @property
    def tolerance(self) -> float:
        """By how much forecasts may move where arrays have another length."""
        families = {MODELS[base].family for base in bases_of(self.model, self.config)}
        return 0.0 if families <= {"boosting"} and self.model != STACK else OTHER_LENGTH

    def known(self, day: npt.NDArray[np.integer]) -> Days:
        """Return when outcomes of days (n,) are known that are on time; not a time behind the end."""
        place = day + self.config.horizon + 1
        inside = place < len(self.days)
        return np.where(inside, self.days[np.minimum(place, len(self.days) - 1)], NOT_YET)


def material_in(world: PanelWorld, config: Config) -> PanelMaterial:
    """Return the material that `load_panel` makes of a world."""
    with TemporaryDirectory() as folder:
        return load_panel(
            PanelOf(
                name=world.name,
                symbols=world.symbols,
                config=config,
                runs_dir=Path(folder),
                log_dir=Path(folder),
                world=world,
            )
        )


def material_tables(made: Made) -> Iterator[AnyTable]:
    """Yield the stages up to what is learned."""
    material, days = made.material, made.days
    counted = days[material.counts]
    yield Table("rows", ("days that count",), counted, counted, np.ones((len(counted), 1)))
    part = np.ones((len(material.day), 1))
    yield _rows(made, "rows", ("takes part",), part, days[material.day])
    yield _bars(material, days)
    known = days[material.day]
    for stage, columns, numbers in (
        ("features", NAMES, material.features),
        ("normalised", NAMES, material.normalised),
        ("volatility", ("volatility",), material.volatility[:, None]),
        ("tradable", ("tradable",), material.tradable[:, None].astype(np.float64)),
    ):
        yield _rows(made, stage, columns, numbers, known)
    yield from _target_tables(made)


def _bars(material: PanelMaterial, days: Days) -> PanelTable:
    """Return the bars of every symbol from its first row on: before, a world may well be without it."""
    first = np.full(len(material.symbols), len(days))
    np.minimum.at(first, material.member, material.day)
    day, member = np.nonzero(np.isfinite(material.bars["close"]))
    there = day >= first[member]
    day, member = day[there], member[there]
    values = np.stack([material.bars[name][day, member] for name in BARS], axis=1)
    return PanelTable("bars", BARS, material.symbols, days[day], member, days[day], values)


def _target_tables(made: Made) -> Iterator[AnyTable]:
    """Yield outcomes, each known on its own day, and what is made of those that are on time."""
    material, targets, days = made.material, made.targets, made.days
    yield _rows(made, "target", ("outcome",), material.outcome[:, None], days_of(material.known_on))
    on_time = made.known(material.day)
    columns = {"selection": targets.selection, "timing": targets.timing, "beyond": targets.beyond}
    yield _rows(made, "target", tuple(columns), np.stack(list(columns.values()), axis=1), on_time)
    yield _rows(made, "target", ("weight",), targets.weight[:, None], days[material.day])
    known = made.known(np.arange(len(days)))
    yield Table("target", ("mean",), days, known, targets.mean[:, None])


def fold_tables(made: Made) -> Iterator[Table]:
    """Yield the borders of every fold; a fold is there once the outcome of its first test day is known."""
    days, later = made.days[counting(made.material)], made.config.horizon + 1
    borders = ("train.start", "train.stop", "valid.start", "valid.stop", "test.start")
    for folds in made.folds.values():
        first = np.array([fold.test.start for fold in folds])
        values = [[f.train.start, f.train.stop, f.valid.start, f.valid.stop, f.test.start] for f in folds]
        yield Table("folds", borders, days[first], days[first + later], np.array(values, dtype=np.float64))


def walk_tables(made: Made) -> Iterator[AnyTable]:
    """Yield what every fold chose and said, what is issued of it, and what is traded."""
    found, tolerance = made.walk, made.tolerance
    place = 0
    for base, folds in made.folds.items():
        fitted = found.folds[place : place + len(folds)]
        place += len(folds)
        yield from _fit_tables(made, base, fitted)
    for base, chosen in found.chosen.items():
        yield from _chosen_tables(made, base, chosen)
    if made.model == STACK:
        yield _issued(made, "stack", ("score",), found.issued.score[:, None], tolerance)
    day = made.material.day[found.issued.rows]
    first = np.flatnonzero(np.diff(day, prepend=-1))
    rows = made.days[day[first]]
    values = np.column_stack([found.issued.slope, found.issued.market])[first]
    yield Table("slope", ("slope", "market"), rows, rows, values, tolerance, may_lack=True)
    yield from _forecast_tables(made)


def _fit_tables(made: Made, base: str, fitted: Sequence[FoldScores]) -> Iterator[AnyTable]:
    days = counting(made.material)
    tolerance = 0.0 if MODELS[base].family == "boosting" else OTHER_LENGTH
    first = made.days[days[[one.fold.test.start for one in fitted]]]
    chosen = np.array([[*one.rounds, one.learned_rows] for one in fitted], dtype=np.float64)
    labels = (*(f"rounds of member {i}" for i in range(chosen.shape[1] - 1)), "rows learned from")
    yield Table("selection", labels, first, first, chosen, may_lack=True)
    if fitted[0].importances.size:
        names = tuple(f"importance of {name}" for name in NAMES)
        shares = np.stack([one.importances for one in fitted])
        yield Table("model", names, first, first, shares, tolerance, may_lack=True)
    rows = slice(fitted[0].rows.start, fitted[-1].rows.stop)
    said = np.concatenate([np.vstack([one.selection, one.timing]) for one in fitted], axis=1).T
    names = (*(f"score {i} of {base}" for i in range(said.shape[1] - 1)), f"timing of {base}")
    yield _rows(made, "model", names, said, made.days[made.material.day[rows]], rows, tolerance, True)


def _chosen_tables(made: Made, base: str, chosen: Chosen) -> Iterator[AnyTable]:
    tolerance = 0.0 if MODELS[base].family == "boosting" else OTHER_LENGTH
    days = counting(made.material)
    first = made.days[days[[fold.test.start for fold in made.folds[base]]]]
    numbers = np.array(chosen.candidates, dtype=np.float64)[:, None]
    yield Table("candidate", (f"candidate of {base}",), first, first, numbers, may_lack=True)
    known = made.days[made.material.day[chosen.rows]]
    score = chosen.score[:, None]
    yield _rows(made, "candidate", (f"score of {base}",), score, known, chosen.rows, tolerance, True)


def _issued(made: Made, stage: str, columns: tuple[str, ...], values: Floats, tolerance: float) -> PanelTable:
    rows = made.walk.issued.rows
    return _rows(made, stage, columns, values, made.days[made.material.day[rows]], rows, tolerance, True)


def _forecast_tables(made: Made) -> Iterator[AnyTable]:
    """Yield what is issued, and what came of it."""
    material, frame = made.material, made.walk.forecasts
    places = {symbol: i for i, symbol in enumerate(material.symbols)}
    member = np.array([places[symbol] for symbol in frame["symbol"]], dtype=np.int64)
    day = days_of(frame["day"])
    columns = ("score", "market", "forecast", "volatility", "train_end")
    values = frame.select(pl.col("train_end").to_physical().cast(pl.Float64), *columns[:-1]).select(columns)
    yield PanelTable(
        "forecasts", columns, material.symbols, day, member, day, values.to_numpy(), made.tolerance, True
    )
    outcome = frame.select("outcome").to_numpy()
    known = days_of(frame["known_on"])
    yield PanelTable("forecasts", ("outcome",), material.symbols, day, member, known, outcome, may_lack=True)


def is_traded(made: Made) -> bool:
    """Whether a decision of the main portfolio has a fill and an exit: where opens are stale none has."""
    scored, least = scored_of(made.material, made.walk, made.config.horizon), made.config.panel.least_names
    decided = np.isfinite(wanted_of(scored, least)).all(axis=1)
    return bool(np.asarray(decided)[:-2].any())


def trading_tables(made: Made) -> Iterator[AnyTable]:
    """Yield positions and fills of the main portfolio."""
    material, config = made.material, made.config
    scored, least = scored_of(material, made.walk, config.horizon), config.panel.least_names
    wanted = wanted_of(scored, least)
    at, member = np.nonzero(np.isfinite(wanted))
    yield PanelTable(
        *("weights", ("weight",), material.symbols, made.days[at], member, made.days[at]),
        *(wanted[at, member][:, None], made.tolerance, True),
    )
    ledger = traded(
        scored, least=least, costs=costs_of(config), days_per_year=material.market.days_per_year
    ).ledger
    # The last row pays for closing all positions.
    rows = ledger.head(-1)
    yield Table.of("fills", rows, FILLS, known="exit_day", tolerance=made.tolerance, may_lack=True)


def _rows(
    made: Made,
    stage: str,
    columns: tuple[str, ...],
    values: Values,
    known: Days,
    rows: slice = slice(None),
    tolerance: float = 0.0,
    may_lack: bool = False,
) -> PanelTable:
    """Return values of some rows of the material."""
    material = made.material
    day, member = made.days[material.day[rows]], material.member[rows]
    return PanelTable(stage, columns, material.symbols, day, member, known, values, tolerance, may_lack)
