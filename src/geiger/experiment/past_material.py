"""What a stored run was made of, once more: its material, from the snapshots it left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from geiger.errors import DataError
from geiger.experiment.context import Context
from geiger.experiment.material import Material
from geiger.experiment.own import features_of_run, require_same_values, target_of_run
from geiger.experiment.prepare import prepare, refilled
from geiger.market.snapshots import Store
from geiger.market.sources import Loaded
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import Config


def material_of_run(
    stored: StoredRun,
    config: Config,
    runs: RunsFolder,
    *,
    features: Any = None,
    target: Any = None,
    forecasting: bool = True,
) -> Material:
    """Make the run's material from the snapshots it left.

    Parameters
    ----------
    features, target : optional
        Features and target of the user's own that the run had, as `Experiment` takes them; a frame of
        features was kept.
    forecasting : bool
        False where the run's forecasts are only traded: its own features are then left out, with their code.

    Raises
    ------
    DataError
        The data are gone, or make other features in this version.
    SettingError
        The run had features or a target of the user's own, and these are none, or others.
    """
    record, (prices, context) = stored.record, sources_of_run(stored, runs)
    with TemporaryDirectory() as folder:
        made = prepare(
            record.symbol,
            config,
            data=None,
            context=None,
            library=Store(Path(folder)),
            snapshots=Store(Path(folder)),
            loaded=prices,
            context_given=context,
            features=features_of_run(stored, features, runs) if forecasting else None,
            target=(own_target := target_of_run(stored, target)),
        )
    if made.fill != record.fill and not forecasting:  # judged on other rows: without the own warm-up
        made = refilled(made, record.fill, config.horizon, own_target)
    for kind in ("features", "target"):
        require_same_values(stored, kind, getattr(record.own, kind), getattr(made.own, kind))
    if made.provenance.features != record.data.features:
        raise DataError(
            f"{stored.name}: was made with {record.data.features}, this version has "
            f"{made.provenance.features}; replay it with the version that made it"
        )
    origin = replace(made.provenance, source=record.data.source, where=record.data.where)
    return replace(made, provenance=origin)  # where the prices came from, not the copy that was kept


def sources_of_run(stored: StoredRun, runs: RunsFolder) -> tuple[Loaded, Context]:
    """Return the prices and the context that a run used, from the snapshots it left.

    Raises
    ------
    DataError
        They are gone.
    SettingError
        The run is of a panel.
    """
    record = stored.require_alone().record
    prices = kept_prices(stored, runs, record.symbol, record.data.data_hash)
    return prices, context_of_run(stored, runs)


def context_of_run(stored: StoredRun, runs: RunsFolder) -> Context:
    """Return the index and the volatility index that a run used, from the snapshots it left."""
    known = stored.record.data.context

    def kept(symbol: str | None, digest: str | None) -> Loaded | None:
        return None if symbol is None or digest is None else kept_prices(stored, runs, symbol, digest)

    return kept(known.market, known.market_hash), kept(known.volatility, known.volatility_hash)


def kept_prices(stored: StoredRun, runs: RunsFolder, symbol: str, digest: str) -> Loaded:
    """Return prices that a run used, from the snapshot with this hash.

    Raises
    ------
    DataError
        They are gone.
    """
    try:
        return Store(runs.snapshots).load(symbol, digest)
    except DataError as error:
        raise DataError(
            f"{stored.name}: the data it used are gone, so it cannot be repeated ({error})"
        ) from None
