"""What a killed run leaves: finished folds as stored parts, from which the same work goes on."""

from __future__ import annotations

from dataclasses import asdict

from geiger.codec import fitted
from geiger.experiment.train_fold import FoldOutput
from geiger.learning.folds import Fold
from geiger.records import Epoch, FoldResult, Notice, Training
from geiger.runs.parts import Part, Parts


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
        resumed=True,
    )


def part_of(output: FoldOutput) -> Part:
    """Return what is kept of a scored fold: all of it but the model."""
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
        },
    )


def stored_sealed(parts: Parts | None, fold: Fold) -> Part | None:
    """Return what an earlier run left of a fold over the lock-box."""
    return parts.load(fold.index) if parts is not None else None


def sealed_part(output: FoldOutput) -> Part:
    """Return what is kept of a fold over the lock-box: how it learned would tell of its rows."""
    return Part({"forecast": output.test_forecast}, {"train_std": output.train_std})
