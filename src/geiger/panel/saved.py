"""The model that a panel's run leaves for use, in its folder: written once, read back without running code.

It learns from every outcome that is known at the last bar at hand, the lock-box included: it is never scored
there. What its scores are worth, and which candidate it issues, it has from the run's own forecasts, which
end before the lock-box.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geiger.codec import plain
from geiger.errors import DataError
from geiger.features.catalogue import contract_hash
from geiger.models.storage import read_state
from geiger.panel.folds import counting
from geiger.panel.material import PanelMaterial, load_panel
from geiger.panel.plan import PanelPlan
from geiger.panel.trained import PooledTrained, restore_pooled, trained_for_use
from geiger.panel.walk import PanelWalk
from geiger.runs.environment import environment
from geiger.runs.folder import StoredRun
from geiger.runs.saved import known_hash, read_manifest, write_model

MODEL = "model"  # folder, within that of the run


@dataclass(frozen=True, eq=False)
class SavedPanelModel:
    """A panel's model for use.

    Attributes
    ----------
    facts : mapping
        What it was made of: panel, model, recipe, features, members with the hashes of their data, days.
    """

    trained: PooledTrained
    facts: Mapping[str, Any]


def model_for_use(planned: PanelPlan, made: PanelWalk) -> SavedPanelModel:
    """Fit the model for use, on the prices up to the last bar at hand."""
    work = planned.work
    whole = planned.material
    if work.config.lockbox != 0:  # loaded anew: nothing of the locked days was computed so far
        whole = load_panel(replace(work, config=replace(work.config, lockbox=0)))
    trained = trained_for_use(whole, planned.model, work.config, made)
    return SavedPanelModel(trained, _made_of(planned, whole))


def save_panel_model(folder: Path, model: SavedPanelModel) -> str:
    """Write a model to a folder of its own; return the hash of its manifest, for the run's record.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    return write_model(folder, model.trained.state(), model.facts)


def panel_model_of(stored: StoredRun) -> SavedPanelModel:
    """Return the model that a panel's run left for use, without running anything.

    Raises
    ------
    DataError
        It left none, or what it left was changed or is of a newer format.
    """
    folder = stored.folder / MODEL
    facts = read_manifest(folder, known_hash(stored))
    try:
        return SavedPanelModel(restore_pooled(read_state(folder, facts["files"])), facts)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder}: not a model that can be read ({error}); train again") from None


def _made_of(planned: PanelPlan, whole: PanelMaterial) -> dict[str, Any]:
    days = counting(whole)
    config = planned.work.config
    return {
        "symbol": planned.work.name,
        "model": planned.model,
        "recipe": config.recipe,
        "fill": whole.fill,
        "horizon": config.horizon,
        "features": whole.provenance.features,
        "feature_contract": contract_hash(),
        "members": {member.symbol: member.data_hash for member in whole.members},
        "learned_to": str(whole.calendar[int(days[-2 - config.horizon])]),
        "decided_on": str(whole.calendar[int(days[-1])]),  # what it learned from was known at this close
        "environment": plain(environment()),
    }
