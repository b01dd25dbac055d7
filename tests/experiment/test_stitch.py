"""The folds' outputs side by side: their own days, and no label that came after a decision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import TrainingError
from geiger.experiment.stitch import forecasts_of, importances_of, in_sample_of, members_of, sealed_rows
from geiger.features.catalogue import NAMES
from helpers.folds import fold_output, folds_of
from helpers.stacks import material


def test_each_row_is_the_forecast_of_its_own_fold() -> None:
    known = material()
    folds = folds_of(known)
    outputs = [fold_output(known, fold, 0.01 * (fold.index + 1)) for fold in folds]
    frame = forecasts_of(known, "ridge", outputs)
    rows = [row for fold in folds for row in fold.test]
    assert frame["day"].to_list() == known.prices["day"].gather(rows).to_list()
    assert frame["outcome"].to_list() == known.target["value"].gather(rows).to_list()
    numbers = [fold.index for fold in folds for _ in fold.test]
    assert frame["fold"].to_list() == numbers
    np.testing.assert_array_equal(frame["forecast"], 0.01 * (np.array(numbers) + 1))
    # By hand: the label of the last valid row, two rows before the first decision, is known on its day.
    ends = {fold.index: known.prices["day"][fold.test[0]] for fold in folds}
    assert frame["train_end"].to_list() == [ends[number] for number in numbers]


def test_a_fold_that_learned_a_later_label_is_refused() -> None:
    known = material()
    fold = folds_of(known)[0]
    output = fold_output(known, fold)
    late = replace(output, result=replace(output.result, valid_last=output.result.test_first))
    with pytest.raises(TrainingError, match=r"fold 0 learned a label known on .* after the decision of"):
        forecasts_of(known, "ridge", [late])


def test_members_and_fitted_rows_stand_on_their_own_days() -> None:
    known = material()
    fold = folds_of(known)[1]
    output = fold_output(known, fold)
    members = members_of(known, [output])
    for seed, rows in members.group_by("seed"):
        assert rows["day"].to_list() == known.prices["day"][fold.test.start : fold.test.stop].to_list()
        np.testing.assert_array_equal(rows["forecast"], output.member_forecast[int(str(seed[0]))])
    assert members["seed"].unique().to_list() == [0, 1]
    fitted = in_sample_of(known, [output])
    assert fitted["day"].to_list() == known.prices["day"].gather(output.fit_rows).to_list()
    assert fitted["fold"].unique().to_list() == [1]


def test_only_models_that_tell_importances_have_rows() -> None:
    known = material()
    first, second, *_ = folds_of(known)
    told = np.arange(len(NAMES), dtype=float)
    frame = importances_of(known, [fold_output(known, first), fold_output(known, second, importances=told)])
    assert frame["feature"].to_list() == list(NAMES)
    assert frame["importance"].to_list() == told.tolist()
    assert frame["fold"].unique().to_list() == [1]
    assert importances_of(known, [fold_output(known, first)]).height == 0


def test_sealed_rows_hold_no_outcome() -> None:
    known = material()
    frame = sealed_rows(known, 7, range(400, 403), np.array([0.1, 0.2, 0.3]), 0.01)
    assert frame.columns == ["day", "fold", "forecast", "train_std"]
    assert frame["day"].to_list() == known.prices["day"][400:403].to_list()
