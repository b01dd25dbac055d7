"""What a killed run leaves, or workers hand on: finished folds as stored parts; none is trained again."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from geiger.codec import fitted
from geiger.errors import DataError
from geiger.experiment.train_fold import FoldOutput
from geiger.learning.folds import Fold
from geiger.models.trained import Trained
from geiger.records import Epoch, FoldResult, Notice, Training
from geiger.runs.parts import Part, Parts
from geiger.runs.saved import SavedModel, load_model, save_model


def stored_fold(parts: Parts | None, fold: Fold) -> FoldOutput | None:
    """Return what an earlier run of the same work left of a scored fold; None where it is to be trained."""
    part = parts.load(fold.index) if parts is not None else None
    if part is None:
        return None
    facts, arrays = part.facts, part.arrays
    return FoldOutput(
        result=fitted(facts["result"], FoldResult),
        epochs=fitted(facts["epochs"], tuple[Epoch, ...]),
        notices=fitted(facts["notices"], tuple[Notice, ...]),
        test_forecast=arrays["test_forecast"],
        member_forecast=arrays["member_forecast"],
        fit_rows=arrays["fit_rows"],
        fit_forecast=arrays["fit_forecast"],
        importances=arrays["importances"],
        train_mean=facts["train_mean"],
        train_std=facts["train_std"],
        later_forecast=arrays["later_forecast"],
        trainings=fitted(facts["trainings"], tuple[Training, ...]),
        resumed=not facts.get("ahead", False),
    )


def part_of(output: FoldOutput, *, ahead: bool = False) -> Part:
    """Return what is kept of a scored fold: all of it but the model.

    Parameters
    ----------
    ahead : bool
        Whether it was trained before its run on purpose, so that the run was not stopped.
    """
    return Part(
        arrays={
            "test_forecast": output.test_forecast,
            "member_forecast": output.member_forecast,
            "fit_rows": output.fit_rows,
            "fit_forecast": output.fit_forecast,
            "importances": output.importances,
            "later_forecast": output.later_forecast,
        },
        facts={
            "result": asdict(output.result),
            "epochs": [asdict(epoch) for epoch in output.epochs],
            "notices": [asdict(notice) for notice in output.notices],
            "trainings": [asdict(training) for training in output.trainings],
            "train_mean": output.train_mean,
            "train_std": output.train_std,
            **({"ahead": True} if ahead else {}),
        },
    )


def stored_sealed(parts: Parts | None, fold: Fold) -> Part | None:
    """Return what an earlier run left of a fold over the lock-box."""
    return parts.load(fold.index) if parts is not None else None


def sealed_part(output: FoldOutput) -> Part:
    """Return what is kept of a fold over the lock-box: how it learned would tell of its rows."""
    return Part({"forecast": output.test_forecast}, {"train_std": output.train_std})


def stored_trained(parts: Parts | None, fold: Fold, model: str) -> Trained | None:
    """Return the model for use that was trained before its run; None where it is to be trained."""
    part = parts.load(fold.index) if parts is not None else None
    if parts is None or part is None:
        return None
    try:
        return load_model(parts.for_use, str(part.facts["model_hash"])).parts[model]
    except (DataError, KeyError):
        return None


def keep_trained(parts: Parts, number: int, model: str, trained: Trained) -> None:
    """Keep the model for use, then its hash as the part of its fold, without which it is not there."""
    saved = SavedModel(
        parts={model: trained},
        meta=None,
        train_mean=trained.train_mean,
        train_std=trained.train_std,
        facts={},
    )
    parts.save(number, Part({"none": np.empty(0)}, {"model_hash": save_model(parts.for_use, saved)}))
