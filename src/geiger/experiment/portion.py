"""A few folds of a walk as work for anybody, anywhere: from the bytes of prices to the parts of a run.

What a worker is given is prices, settings and the numbers of folds; what it hands on are the files that
`runs.parts` keeps. So a run whose folds were trained elsewhere is the run that trained them itself, bit for
bit, and a killed one goes on from what had come back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from geiger import settings
from geiger.codec import Misfit, fitted
from geiger.columns import PRICES, require
from geiger.errors import DataError, TrainingError
from geiger.experiment.context import Context
from geiger.experiment.material import Material
from geiger.experiment.plan import Experiment, WalkPlan, plan
from geiger.experiment.prepare import prepare
from geiger.experiment.walk import fold_numbers, train_some
from geiger.files import parquet_table, write_atomically
from geiger.market.loaded import Loaded
from geiger.market.snapshots import SHORT, Store
from geiger.runs.environment import environment
from geiger.runs.parts import Parts

MANY = 16  # folds of quick models in one portion: enough work to be worth sending, little to lose
FOLD = re.compile(r"fold_\d{4}\.npz")
FOR_USE = re.compile(r"use/[a-z0-9_]+\.[a-z]+")


@dataclass(frozen=True)
class Portion:
    """Folds of one walk.

    Attributes
    ----------
    symbol, model : str
    config : mapping
        All settings, as `settings.as_dict` has them.
    folds : tuple of int
        Their numbers; see `walk.fold_numbers`.
    index, volatility : str or None
        Symbols of the market context.
    code, python, versions : str, str, mapping
        What the bits depend on beside it; a worker that has others refuses.
    """

    symbol: str
    model: str
    config: Mapping[str, Any]
    folds: tuple[int, ...]
    index: str | None
    volatility: str | None
    code: str | None
    python: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """A portion, and the files of the prices that it needs, by what it calls them."""

    portion: Portion
    files: Mapping[str, Path]

    @property
    def name(self) -> str:
        """What tells it from other portions of the same work."""
        folds = self.portion.folds
        return f"{self.portion.symbol} {self.portion.model} folds {folds[0]} to {folds[-1]}"


def portions(planned: WalkPlan) -> list[Wanted]:
    """Return what is left to train of a plan, in portions; nothing of one whose folds are all stored.

    Raises
    ------
    DataError
        Nothing of the user's own can be sent to workers, which must not run code that a message names.
    """
    parts = planned.parts()
    if parts is None or planned.own.kinds:
        raise DataError(f"{planned.experiment.symbol}: what is your own is trained by `geiger train` alone")
    missing = [number for number in numbers_of(planned) if not parts.holds(number)]
    many = 1 if planned.forecaster.workers == "processes" else MANY
    context, now = planned.material.provenance.context, environment()
    files = _files(planned)
    return [
        Wanted(
            Portion(
                symbol=planned.material.symbol,
                model=planned.model,
                config=settings.as_dict(planned.experiment.config),
                folds=tuple(missing[i : i + many]),
                index=context.market,
                volatility=context.volatility,
                code=now.code,
                python=now.python,
                versions=now.versions,
            ),
            files,
        )
        for i in range(0, len(missing), many)
    ]


def numbers_of(planned: WalkPlan) -> range:
    """Return the numbers of all folds that a run of this plan trains."""
    config, material = planned.experiment.config, planned.material
    return fold_numbers(material, config, planned.folds, for_use=planned.forecaster.storable)


def _files(planned: WalkPlan) -> dict[str, Path]:
    """Return the snapshots that the plan's material was made of."""
    data, folder = planned.material.provenance, planned.experiment.runs.snapshots
    named = {
        "prices": (planned.material.symbol, data.data_hash),
        "index": (data.context.market, data.context.market_hash),
        "volatility": (data.context.volatility, data.context.volatility_hash),
    }
    return {
        name: folder / f"{symbol}_{digest[:SHORT]}.parquet"
        for name, (symbol, digest) in named.items()
        if symbol is not None and digest is not None
    }


def train_portion(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Train the folds of a portion, and return the files of their parts.

    Parameters
    ----------
    args : mapping
        A `Portion` as JSON.
    inputs : mapping of str to bytes
        Parquet files of PRICES frames: ``prices``, and ``index`` and ``volatility`` where there are such.

    Raises
    ------
    DataError
        Code or libraries are others here, or an input is no price frame.
    TrainingError
        A fold cannot be fitted.
    """
    try:
        portion = fitted(dict(args), Portion)
    except Misfit as error:
        raise DataError(f"no portion of a walk: {error}") from None
    _require_same(portion)
    planned = _planned(portion, inputs)
    with TemporaryDirectory() as folder:
        parts = Parts(Path(folder) / "parts")
        train_some(
            planned.material,
            planned.model,
            planned.forecaster,
            planned.experiment.config,
            planned.folds,
            frozenset(portion.folds),
            parts,
            for_use=planned.forecaster.storable,
        )
        if missing := [number for number in portion.folds if not parts.holds(number)]:
            raise TrainingError(f"fold {missing[0]} was trained and could not be kept in {parts.folder}")
        found = sorted(path for path in parts.folder.rglob("*") if path.is_file())
        return {path.relative_to(parts.folder).as_posix(): path.read_bytes() for path in found}


def keep_portion(
    parts: Parts, files: Mapping[str, bytes], write: Callable[[Path, bytes], None] = write_atomically
) -> None:
    """Keep what a worker handed on; the part of the model for use comes after the model.

    Raises
    ------
    DataError
        A file is none of a part, or the folder cannot be written.
    """
    for name in files:
        if not FOLD.fullmatch(name) and not FOR_USE.fullmatch(name):
            raise DataError(f"{name!r} of a worker is no file of a fold")
    for name in sorted(files, reverse=True):  # use/... before fold_...
        write(parts.folder / name, files[name])


def _require_same(portion: Portion) -> None:
    """Refuse to train with other code than the one that will use it: its bits would be others."""
    here = environment()
    found = {"geiger's own code": here.code, "python": here.python, **here.versions}
    asked = {"geiger's own code": portion.code, "python": portion.python, **portion.versions}
    differ = sorted(name for name in asked.keys() | found.keys() if asked.get(name) != found.get(name))
    if differ:
        told = ", ".join(
            f"{name} {found.get(name, 'none')} in place of {asked.get(name, 'none')}" for name in differ
        )
        raise DataError(f"a worker has {told}; install the same everywhere")


def _planned(portion: Portion, inputs: Mapping[str, bytes]) -> WalkPlan:
    # Folds share processors already: one at a time here, which changes no bit.
    config = settings.override(settings.recipe("default"), {**portion.config, "workers": 1})
    material = _material(portion.symbol, config, portion.index, portion.volatility, tuple(inputs.items()))
    planned = plan(Experiment(portion.symbol, portion.model, config), material)
    if not isinstance(planned, WalkPlan) or not set(portion.folds) <= set(numbers_of(planned)):
        raise DataError(f"{portion.symbol} {portion.model}: has no folds {portion.folds} here")
    return planned


@lru_cache(maxsize=1)  # portions of one symbol come one after the other
def _material(
    symbol: str,
    config: settings.Config,
    index: str | None,
    volatility: str | None,
    inputs: tuple[tuple[str, bytes], ...],
) -> Material:
    given = dict(inputs)

    def loaded(name: str, called: str | None) -> Loaded | None:
        return None if called is None else Loaded(called, _prices(given, name), "store", "given")

    context: Context = (loaded("index", index), loaded("volatility", volatility))
    with TemporaryDirectory() as folder:
        return prepare(
            symbol,
            config,
            data=None,
            context=None,
            library=Store(Path(folder)),
            snapshots=Store(Path(folder)),
            loaded=loaded("prices", symbol),
            context_given=context,
        )


def _prices(given: Mapping[str, bytes], name: str) -> pl.DataFrame:
    import pyarrow as pa

    try:
        return require(pl.DataFrame(pl.from_arrow(parquet_table(given[name]))), PRICES)
    except KeyError:
        raise DataError(f"a portion lacks its {name}") from None
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError):
        raise DataError(f"{name} of a portion is no Parquet file of prices") from None
