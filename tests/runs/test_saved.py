"""The saved model forecasts as it did in memory, and a changed one is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.experiment.plan import plan
from geiger.experiment.written import Run
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.saved import model_of
from geiger.tomorrow.prediction import predict
from helpers.runs import MODELS, ROWS, stack_experiment


@pytest.mark.parametrize("model", ["stack", "ridge", "lgb"])
def test_the_saved_model_forecasts_what_it_would_have_in_memory(
    stack_place: Path, planted: pl.DataFrame, stack_stored: StoredRun, stack_run: Run, model: str
) -> None:
    runs = RunsFolder(stack_run.folder.parent)
    own = stack_stored if model == "stack" else runs.load(stack_stored.record.bases[model])
    kept = model_of(own)
    planned = plan(stack_experiment(stack_place, planted, model=model))
    material = planned.material
    rows = range(ROWS - 5, ROWS)
    forecast = kept.forecast(material.features, rows, material.last_returns)
    assert np.isfinite(forecast).all()
    # Later rows change nothing, and one row alone is forecast as in company.
    alone = [
        kept.forecast(material.features[: t + 1], range(t, t + 1), material.last_returns[: t + 1])
        for t in rows
    ]
    np.testing.assert_array_equal(forecast, np.concatenate(alone))
    if model == "stack":
        assert kept.meta is not None
        assert set(kept.parts) <= set(MODELS)
        each = [part.forecast(material.features, rows, material.last_returns) for part in kept.parts.values()]
        np.testing.assert_array_equal(forecast, kept.meta.predict(np.stack(each, axis=1)))


def test_the_model_for_use_learned_every_known_row_and_is_not_scored(
    stack_run: Run, planted: pl.DataFrame
) -> None:
    runs = RunsFolder(stack_run.folder.parent)
    stack_stored = runs.load(runs.load(stack_run.name).record.bases["ridge"])
    kept = model_of(stack_stored).parts["ridge"]
    (member,) = kept.predictor.members
    labelled = ROWS - 2
    assert member.fit_rows.max() == labelled - 1  # its label is known at the open of the last row
    assert stack_stored.forecasts()["day"].max() == planted["day"][labelled - 1]
    assert stack_stored.record.folds[-1].test_last == str(planted["day"][labelled - 1])


def test_a_changed_model_is_refused(stack_stored: StoredRun, tmp_path: Path) -> None:
    copy = tmp_path / stack_stored.name
    shutil.copytree(stack_stored.folder, copy)
    run_copy = RunsFolder(tmp_path).load(stack_stored.name)
    model_of(run_copy)
    for path in sorted((copy / "model").iterdir()):
        content = path.read_bytes()
        for at in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises(DataError):
                model_of(run_copy)
        path.unlink()
        with pytest.raises(DataError):
            model_of(run_copy)
        path.write_bytes(content)
    (copy / "model" / "extra.py").write_text("print('never')")
    with pytest.raises(DataError):
        model_of(run_copy)


def rewritten(stack_stored: StoredRun, tmp_path: Path, **changes: Any) -> StoredRun:
    """A copy whose manifest says something else and whose record agrees, as an owner could make it."""
    copy = tmp_path / stack_stored.name
    shutil.copytree(stack_stored.folder, copy)
    path = copy / "model" / "manifest.json"
    text = json.dumps({**json.loads(path.read_text()), **changes}).encode()
    path.write_bytes(text)
    facts = json.loads((copy / "run.json").read_text())
    facts["model_hash"] = hashlib.sha256(text).hexdigest()
    (copy / "run.json").write_text(json.dumps(facts))
    return RunsFolder(tmp_path).load(stack_stored.name)


def test_a_newer_format_and_another_contract_are_refused(
    stack_stored: StoredRun, tmp_path: Path, stack_place: Path
) -> None:
    with pytest.raises(DataError, match="format 99 is newer"):
        model_of(rewritten(stack_stored, tmp_path / "a", format=99))
    foreign = rewritten(stack_stored, tmp_path / "b", feature_contract="0" * 64)
    with pytest.raises(DataError, match="not the feature contract of this version"):
        predict(foreign, RunsFolder(tmp_path / "b"))
