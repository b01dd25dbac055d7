"""The real pipeline in another world: what each of its stages hands on, as tables.

Nothing is modelled here: `prepare`, `walk`, `stack`, `trade` and the rest are those that make a run. Where a
stage needs forecasts of many years, which would take as many fits, it is given stand-ins of its own: numbers
that are the same in every world up to the cut, and others behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from geiger.audit.cuts import Cut
from geiger.audit.tables import Table
from geiger.audit.worlds import World
from geiger.evidence.conformal import bounds
from geiger.experiment.cut import plan_folds
from geiger.experiment.evaluation import positions, trade
from geiger.experiment.material import Floats, Material
from geiger.experiment.out_of_fold import Base, Days, days_of
from geiger.experiment.past_errors import past_errors
from geiger.experiment.plan import StackPlan, WalkPlan
from geiger.experiment.prepare import prepare, refilled
from geiger.experiment.stacking import stack
from geiger.experiment.train_fold import FoldOutput
from geiger.experiment.walk import walk
from geiger.features.catalogue import NAMES
from geiger.learning.folds import Fold
from geiger.market.snapshots import Store
from geiger.seeds import generator
from geiger.settings import MODELS, Config

BARS = ("open", "high", "low", "close", "volume")
FILLS = ("asset_return", "turnover", "gross", "financing", "cost", "net", "equity")
FORECAST = ("forecast", "train_mean", "train_std", "train_end")
OTHER_LENGTH = (
    1e-5  # deviations that matrix code may move by where arrays have another length (5e-7 was seen)
)
ROUNDING = 1e-12  # of an own column: a Fourier transform rounds otherwise where any of its rows is another
SPREAD = 0.002  # deviation of a stand-in forecast, log return: large enough to be traded
FOLLOWS = 0.05  # how much of the outcome it holds, so that a stack gives it some weight
LEVEL = 0.9  # of the intervals


@dataclass(frozen=True)
class Reached:
    """How far a world goes.

    Attributes
    ----------
    cut : Cut
    truncated : bool
        Whether the world ends at the cut.
    """

    cut: Cut
    truncated: bool = False

    def clip(self, fold: Fold) -> Fold | None:
        """Return the fold as far as its test rows are there; None where none is."""
        if not self.truncated:
            return fold
        test = range(fold.test.start, min(fold.test.stop, self.cut.row + 1))
        return replace(fold, test=test) if len(test) else None

    def folds(self, folds: Sequence[Fold]) -> tuple[Fold, ...]:
        """Return the folds that are there."""
        return tuple(fold for one in folds if (fold := self.clip(one)) is not None)


def material_in(world: World, base: Material | None, config: Config, reached: Reached | None) -> Material:
    """Return the material that `prepare` makes of a world.

    Parameters
    ----------
    base : Material, optional
        That of the world as it is. What it says of the market (days in a year) holds in every world: it
        follows from the symbol's name and rhythm.
    """
    if base is not None:
        config = replace(config, fill=base.fill, lockbox=base.provenance.lockbox_rows)
    truncated = reached is not None and reached.truncated
    if truncated:  # the lock-box is gone, and a cut at the first decision leaves fewer rows than a run needs
        fewer = config.min_train - config.horizon - 1
        config = replace(config, lockbox=0, end=None, min_train=fewer, valid_share=0.5)
    with TemporaryDirectory() as folder:
        found = prepare(
            world.symbol.symbol,
            config,
            data=None,
            context=None,
            library=Store(Path(folder) / "library"),
            snapshots=Store(Path(folder)),
            loaded=world.symbol,
            context_given=(world.index, world.volatility),
            features=world.features,
            target=world.target,
        )
    if base is None:
        return found
    if truncated and found.fill != base.fill:  # judged on rows before the first forecast of another walk
        found = refilled(found, base.fill, config.horizon, world.target)
    return replace(found, market=base.market)


def material_tables(material: Material) -> Iterator[Table]:
    """Yield the stages up to the target."""
    yield Table.of("bars", material.prices, BARS)
    if material.context is not None:
        yield Table.of("context", material.context, ("market_close", "market_volatility"))
    days = days_of(material.prices["day"])
    room = np.repeat((0.0, ROUNDING), (len(NAMES), len(material.own.columns)))
    yield Table(
        "features",
        names_of(material),
        days,
        days,
        np.ascontiguousarray(material.features),
        rounding=room,
    )
    yield Table.of("target", material.target, ("value", "simple", "entry_day"), known="known_on")


def without_rounding(other: Material, base: Material, row: int) -> Material:
    """Return another world's material with the own columns of the world as it is, up to a cut at `row`.

    They were compared and differ by rounding at most; what is made of them may be compared to the bit, for
    which the rows must lie in memory as they did: sums depend on it.
    """
    if not base.own.columns:
        return other
    features, same = other.features.copy(order="K"), min(row + 1, len(other.features))
    features[:same, len(NAMES) :] = base.features[:same, len(NAMES) :]
    return replace(other, features=features)


def names_of(material: Material) -> tuple[str, ...]:
    """Return the names of the material's columns."""
    return material.names


def fold_tables(material: Material, config: Config) -> Iterator[Table]:
    """Yield the borders of every fold; a fold is there once the outcome of its first test row is known."""
    if material.labelled <= material.warmup + config.min_train + config.horizon:
        return  # this world ends before the first
    folds = plan_folds(material, replace(config, max_folds=None))
    borders = ("train.start", "train.stop", "valid.start", "valid.stop", "test.start")
    first = [fold.test.start for fold in folds]
    values = [[f.train.start, f.train.stop, f.valid.start, f.valid.stop, f.test.start] for f in folds]
    yield Table(
        "folds",
        borders,
        days_of(material.prices["day"])[first],
        days_of(material.target["known_on"])[first],
        np.array(values, dtype=np.float64),
    )


def walk_tables(
    material: Material, planned: WalkPlan, config: Config, folds: Sequence[Fold]
) -> Iterator[Table]:
    """Refit some folds in one walk and yield their scalers, what they chose, and their forecasts."""
    found = walk(material, planned.model, planned.forecaster, config, folds)
    tolerance = 0.0 if MODELS[planned.model].family in ("boosting", "baseline") else OTHER_LENGTH
    days = days_of(material.prices["day"])
    for output, fold in zip(found.folds, folds, strict=True):
        yield from _fit_tables(material, output, days[[fold.test.start]])
    yield Table.of("model", found.forecasts, FORECAST, tolerance=tolerance)
    members = found.members.pivot(on="seed", index="day", values="forecast").sort("day")
    names = [name for name in members.columns if name != "day"]
    named = members.rename({name: f"member {name}" for name in names})
    yield Table.of("model", named, [f"member {name}" for name in names], tolerance=tolerance)
    for output, fold in zip(found.folds, folds, strict=True):
        yield from _learned_tables(material, output, days[[fold.test.start]], tolerance)


def _learned_tables(material: Material, output: FoldOutput, first: Days, tolerance: float) -> Iterator[Table]:
    """Yield what a fit says of its own rows and of its features; its first decision knows all of it."""
    yield Table(
        "model",
        ("in-sample forecast",),
        days_of(material.prices["day"])[output.fit_rows],
        np.repeat(first, len(output.fit_rows)),
        output.fit_forecast[:, None],
        tolerance,
    )
    if output.importances.size:
        labels = tuple(f"importance of {n}" for n in names_of(material))
        yield Table("model", labels, first, first, output.importances[None, :], tolerance)


def _fit_tables(material: Material, output: FoldOutput, first: Days) -> Iterator[Table]:
    """Yield what the train rows were measured by, and what the fit chose."""
    scaler, names = output.scaler, names_of(material)
    assert scaler is not None  # nothing is resumed here
    labels = (
        *(f"centre of {n}" for n in names),
        *(f"scale of {n}" for n in names),
        "target mean",
        "target std",
    )
    numbers = np.concatenate([scaler.center, scaler.scale, [scaler.target_mean, scaler.target_std]])
    yield Table("scaler", labels, first, first, numbers[None, :])
    rounds = np.array(output.result.rounds, dtype=np.float64)
    labels = (*(f"rounds of member {i}" for i in range(len(rounds))), "rows learned from", "last of them")
    rows = output.fit_rows
    chosen = np.concatenate([rounds, [len(rows), rows[-1] if len(rows) else -1]])
    yield Table("selection", labels, first, first, chosen[None, :])
    if output.importances.size:
        labels = tuple(f"use of {n}" for n in names)
        used = (output.importances > 0.0).astype(np.float64)
        yield Table("selection", labels, first, first, used[None, :])


@dataclass(frozen=True)
class StandIns:
    """Forecasts of all test rows that took no fit: the same in every world up to the cut.

    Attributes
    ----------
    follows : (n,) float64
        A little of each row's outcome in the world as it is, 0 where that is unknown.
    """

    follows: Floats

    @classmethod
    def of(cls, material: Material) -> StandIns:
        """Return stand-ins for the rows of a material, which may end later than another world's."""
        value = material.target["value"].fill_null(0.0).to_numpy()
        return cls(FOLLOWS * value)

    def column(self, name: str, rows: range, reached: Reached | None) -> Floats:
        """Return the forecasts (rows,) of a model called `name`, log return."""
        total = len(self.follows)
        noise = generator(0, "audit", "forecasts", name).normal(0.0, SPREAD, total) + self.follows
        if reached is not None:
            later = generator(0, "audit", "other forecasts", name).normal(0.0, SPREAD, total)
            noise[reached.cut.row + 1 :] = later[reached.cut.row + 1 :]
        return noise[rows.start : rows.stop]

    def frame(
        self, material: Material, name: str, folds: Sequence[Fold], reached: Reached | None
    ) -> pl.DataFrame:
        """Return them as a FORECASTS frame of these folds' test rows."""
        known, found = material.target["known_on"], []
        values = material.target["value"].to_numpy()  # polars adds by chunks, which follow no rule of ours
        for fold in folds:
            rows = material.target.slice(fold.test.start, len(fold.test))
            learned = values[fold.train.start : fold.valid.stop]
            found.append(
                rows.select(
                    "day",
                    symbol=pl.lit(material.symbol),
                    model=pl.lit(name),
                    fold=pl.lit(fold.index, dtype=pl.Int32),
                    forecast=pl.Series(self.column(name, fold.test, reached)),
                    outcome=pl.col("value"),
                    known_on=pl.col("known_on"),
                    train_end=pl.lit(known[(fold.valid or fold.train)[-1]]),  # a stack has no valid rows
                    train_mean=pl.lit(float(learned.mean()), dtype=pl.Float64),
                    train_std=pl.lit(float(learned.std()), dtype=pl.Float64),
                )
            )
        return pl.concat(found)


def trading_tables(
    material: Material, config: Config, folds: Sequence[Fold], given: StandIns, reached: Reached | None
) -> Iterator[Table]:
    """Yield intervals, positions and fills of stand-in forecasts of all folds."""
    there = folds if reached is None else reached.folds(folds)
    if not there:
        return
    forecasts = given.frame(material, "traded", there, reached).filter(pl.col("outcome").is_not_null())
    if not forecasts.height:
        return
    errors = past_errors(forecasts, material)
    made = np.nan_to_num(bounds(errors.scores, errors.known_from, LEVEL), posinf=9e9, neginf=-9e9)
    days = days_of(errors.days)
    yield Table(
        "conformal",
        ("low", "high", "scale"),
        days,
        days,
        np.column_stack([made, errors.scale]),
        may_lack=True,
    )
    # A ledger's own weight is 0 once all is lost: what was decided is the question here.
    yield Table.of("weights", positions(forecasts, material, config), ("weight",), may_lack=True)
    ledger = trade(forecasts, material, config)
    truncated = reached is not None and reached.truncated
    rows = ledger.head(-1) if truncated else ledger  # the last row pays for closing the position
    yield Table.of("fills", rows, FILLS, known="exit_day", may_lack=True)


def stack_tables(
    material: Material, planned: StackPlan, given: StandIns, reached: Reached | None
) -> Iterator[Table]:
    """Weigh stand-ins of the base models and yield weights and forecasts of every period."""
    config = planned.experiment.config
    bases = []
    for base in planned.bases:
        there = base.folds if reached is None else reached.folds(base.folds)
        forecasts = given.frame(material, base.model, there, reached)
        members = forecasts.select("day", pl.lit(0, dtype=pl.Int32).alias("seed"), "fold", "forecast")
        rows = {fold.index: fold.valid.stop - fold.train.start for fold in there}
        bases.append(Base(base.model, forecasts, members, rows))
    folds = planned.folds if reached is None else reached.folds(planned.folds)
    if not folds:
        return
    made = stack(bases, material, planned.meta_learner, folds, horizon=config.horizon, rolling=config.rolling)
    periods = pl.col("fold") <= folds[-1].index  # behind them come the weights for use
    for part in (made.weights.filter(periods), made.weights.filter(~periods)):
        weights = part.pivot(on="model", index="day", values="weight").sort("day")
        names = [name for name in weights.columns if name != "day"]
        yield Table.of("stack", weights, names, tolerance=OTHER_LENGTH, may_lack=True)
    yield Table.of("stack", made.forecasts, FORECAST, tolerance=OTHER_LENGTH)
    rivals = made.rivals.pivot(on="rival", index="day", values="forecast").sort("day")
    names = [name for name in rivals.columns if name != "day"]
    yield Table.of("stack", rivals, names, tolerance=OTHER_LENGTH)
