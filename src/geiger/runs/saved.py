"""The model that a run leaves behind for use: what was learned, in a folder that holds no code.

::

    runs/AAPL_stack_20240105_143022/model/
      manifest.json   format, what the model is and was made of, the hash of every other file
      state.json      what was learned, as a tree of plain facts
      arrays.npz      its numbers, without objects
      blob_*.ubj ...  trees in their library's own format

Reading one checks every hash before anything is parsed, and runs no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geiger.errors import DataError
from geiger.files import write_atomically
from geiger.learning.windows import Floats
from geiger.models.base import Ensemble
from geiger.models.stack import Meta
from geiger.models.state import State
from geiger.models.storage import read_state, restore, restore_scaler, scaler_state, write_state
from geiger.models.trained import Trained
from geiger.runs.folder import StoredRun

FORMAT = 1  # of the manifest; a newer one is refused
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 1 << 20  # bytes


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A model for use.

    Attributes
    ----------
    parts : mapping of str to Trained
        The model by its name, or the base models of a stack by theirs.
    meta : Meta, optional
        How a stack weighs them.
    train_mean, train_std : float
        Of the target on the rows that the forecast as a whole was fitted on, log return.
    facts : mapping
        What it was made of: symbol, model, recipe, fill, features, hashes of the data, days, versions.
    """

    parts: Mapping[str, Trained]
    meta: Meta | None
    train_mean: float
    train_std: float
    facts: Mapping[str, Any]

    def forecast(self, features: Floats, rows: range, last_return: Floats) -> Floats:
        """Return one forecast (len(rows),), log return, for each of the given rows of features (n, F)."""
        found = np.empty((len(rows), len(self.parts)))
        for i, part in enumerate(self.parts.values()):
            found[:, i] = part.forecast(features, rows, last_return)
        return found[:, 0] if self.meta is None else self.meta.predict(found)


def save_model(folder: Path, model: SavedModel) -> str:
    """Write a model to a folder of its own; return the hash of its manifest, for the run's record.

    Raises
    ------
    DataError
        The folder cannot be written.
    SettingError
        The model is a user's own estimator, which cannot be stored without storing code.
    """
    return write_model(folder, _state(model), model.facts)


def write_model(folder: Path, state: State, facts: Mapping[str, Any]) -> str:
    """Write what was learned, and what it was made of; return the hash of the manifest.

    Raises
    ------
    DataError
        The folder cannot be written.
    """
    hashes = write_state(folder, state)
    manifest = {"format": FORMAT, **facts, "files": hashes}
    text = json.dumps(manifest, indent=2, sort_keys=True, default=str).encode()
    write_atomically(folder / MANIFEST, text)
    return hashlib.sha256(text).hexdigest()


def model_of(run: StoredRun) -> SavedModel:
    """Return the model that a finished run left for use.

    Raises
    ------
    DataError
        It left none, or what it left was changed.
    """
    return load_model(run.folder / "model", known_hash(run))


def known_hash(run: StoredRun) -> str:
    """Return what proves the model of a run whole.

    Raises
    ------
    DataError
        It left none.
    """
    if run.record.model_hash is None:
        raise DataError(f"{run.folder}: this run left no model to use; train again")
    return run.record.model_hash


def load_model(folder: Path, manifest_hash: str) -> SavedModel:
    """Read a model back, without running anything.

    Parameters
    ----------
    folder : Path
        The ``model`` folder of a run.
    manifest_hash : str
        What `save_model` returned.

    Raises
    ------
    DataError
        A file is missing, changed, or of a newer format: the line says which.
    """
    facts = read_manifest(folder, manifest_hash)
    state = read_state(folder, facts["files"])
    try:
        return _restored(state, facts)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder}: not a model that can be read ({error}); train again") from None


def read_manifest(folder: Path, manifest_hash: str) -> dict[str, Any]:
    """Return what a model folder says of itself, after checking that nobody changed it."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > LARGEST_MANIFEST:
            raise DataError(f"{path}: too large for a manifest; train again")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); the run has no model to use: train again"
        ) from None
    if hashlib.sha256(content).hexdigest() != manifest_hash:
        raise DataError(f"{path}: was changed after the run wrote it; train again")
    try:
        facts = json.loads(content)
        made, files = facts["format"], facts["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{path}: is no manifest; train again") from None
    if not isinstance(made, int) or not isinstance(files, dict):
        raise DataError(f"{path}: is no manifest; train again")
    if made > FORMAT:
        raise DataError(f"{path}: format {made} is newer than this version knows ({FORMAT}); update geiger")
    return dict(facts)


def _state(model: SavedModel) -> State:
    parts = []
    for name, part in model.parts.items():
        numbers = {"train": np.array([part.train_mean, part.train_std])}
        inner = (scaler_state(part.scaler), part.predictor.state())
        parts.append(State("trained", {"name": name}, numbers, {}, inner))
    arrays = {"train": np.array([model.train_mean, model.train_std])}
    facts: dict[str, Any] = {"stack": model.meta is not None}
    if model.meta is not None:
        meta = model.meta
        arrays |= {"center": meta.center, "scale": meta.scale, "weights": meta.weights}
        arrays["target"] = np.array([meta.target_mean, meta.target_std])
    return State("model", facts, arrays, {}, tuple(parts))


def _restored(state: State, facts: Mapping[str, Any]) -> SavedModel:
    if state.kind != "model":
        raise ValueError(f"kind {state.kind!r}")
    parts: dict[str, Trained] = {}
    for part in state.parts:
        if part.kind != "trained" or len(part.parts) != 2:
            raise ValueError(f"part {part.kind!r}")
        predictor = restore(part.parts[1])
        if not isinstance(predictor, Ensemble):
            raise ValueError("a part is no ensemble")
        mean, std = _numbers(part, "train", 2)
        scaler = restore_scaler(part.parts[0])
        if part.parts[1].facts["features"] != len(scaler.center):
            raise ValueError("a model and its scaler know different numbers of features")
        name = str(part.facts["name"])
        parts[name] = Trained(predictor=predictor, scaler=scaler, train_mean=mean, train_std=std)
    meta = None
    if state.facts["stack"]:
        m = len(parts)
        center, scale, weights = (
            np.array(_numbers(state, name, m)) for name in ("center", "scale", "weights")
        )
        meta = Meta(tuple(parts), center, scale, weights, *_numbers(state, "target", 2))
    elif len(parts) != 1:
        raise ValueError(f"{len(parts)} models without weights")
    mean, std = _numbers(state, "train", 2)
    return SavedModel(parts=parts, meta=meta, train_mean=mean, train_std=std, facts=facts)


def _numbers(state: State, name: str, count: int) -> list[float]:
    found = np.asarray(state.arrays[name])
    if found.shape != (count,) or found.dtype != np.float64 or not np.isfinite(found).all():
        raise ValueError(f"{name} of {state.kind}")
    return [float(value) for value in found]
