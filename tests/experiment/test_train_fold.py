"""One fold: what it is given, what it hands on, and how it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.errors import TrainingError
from geiger.experiment.material import LAST_RETURN
from geiger.experiment.plan import WalkPlan, plan
from geiger.experiment.train_fold import Rows, Task, arrays_of, seeds_of, train_fold
from geiger.features.catalogue import NAMES
from geiger.learning.windows import Block
from geiger.models import make, wrap
from geiger.models.baselines import Linear
from helpers.runs import experiment, small


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> WalkPlan:
    made = plan(experiment(tmp_path_factory.mktemp("fold"), market, config=small(max_folds=2)))
    assert isinstance(made, WalkPlan)
    return made


def test_a_fold_hands_on_what_its_own_model_forecasts(planned: WalkPlan) -> None:
    material, config, fold = planned.material, planned.experiment.config, planned.folds[0]
    after = range(fold.test.stop, fold.test.stop + 3)
    task = replace(Task.of(material, fold, keep=True), later=(Rows.of(material), after))
    done = train_fold("ridge", planned.forecaster, config, task)
    assert done.trained is not None
    own = done.trained.forecast(material.features, fold.test, material.last_returns)
    np.testing.assert_allclose(done.test_forecast, own, atol=1e-15)
    np.testing.assert_allclose(done.member_forecast.mean(axis=0), done.test_forecast, atol=1e-15)
    later = done.trained.forecast(material.features, after, material.last_returns)
    np.testing.assert_array_equal(done.later_forecast, later)
    assert done.result.test_first == str(material.prices["day"][fold.test[0]])
    assert (done.result.train_rows, done.result.valid_rows) == (len(fold.train), len(fold.valid))
    alone = train_fold("ridge", planned.forecaster, config, Task.of(material, fold))
    assert alone.trained is None
    assert alone.later_forecast.size == 0


@pytest.mark.parametrize("name", ["ridge", "lgb"])
def test_how_a_fold_learned_is_handed_on_only_where_it_is_asked_for(planned: WalkPlan, name: str) -> None:
    config, fold = planned.experiment.config, planned.folds[0]
    model = make(name, {"max_trees": 30} if name == "lgb" else {})
    told, untold = (
        train_fold(name, model, config, Task.of(planned.material, fold, keep=True, told=told))
        for told in (True, False)
    )
    assert told.epochs
    assert told.fit_forecast.size == told.fit_rows.size > 0
    assert untold.epochs == ()
    assert untold.fit_forecast.size == 0
    assert untold.member_forecast.tobytes() == told.member_forecast.tobytes()
    assert untold.fit_rows.tobytes() == told.fit_rows.tobytes()
    assert (untold.train_mean, untold.train_std) == (told.train_mean, told.train_std)
    assert untold.trained is not None


def test_the_model_for_use_alone_rehearses_and_is_shown_what_it_knows(
    planned: WalkPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Block] = []
    monkeypatch.setattr(Linear, "rehearse", lambda self, block: shown.append(block))
    config, fold = planned.experiment.config, planned.folds[0]
    for keep in (False, True):
        train_fold("ridge", planned.forecaster, config, Task.of(planned.material, fold, keep=keep))
    (block,) = shown
    last = arrays_of(Rows.of(planned.material), config, fold).valid.x[-1:]
    np.testing.assert_array_equal(block.x, last)


def test_a_fold_is_scaled_by_its_train_rows_alone(planned: WalkPlan) -> None:
    material, config, fold = planned.material, planned.experiment.config, planned.folds[0]
    features = material.features.copy(order="K")  # sums in the same order, to the bit
    features[fold.valid.start :, NAMES.index(LAST_RETURN) + 1 :] *= 3.0
    one, two = (arrays_of(Rows.of(m), config, fold) for m in (material, replace(material, features=features)))
    np.testing.assert_array_equal(one.train.x, two.train.x)
    assert not np.array_equal(one.test.x, two.test.x)


def test_no_two_members_share_a_seed(planned: WalkPlan) -> None:
    config = small(seeds=3)
    seeds = [s for m in ("ridge", "xgb") for fold in planned.folds for s in seeds_of(config, m, fold)]
    assert len(set(seeds)) == len(seeds) == 12
    assert seeds_of(small(seeds=1), "ridge", planned.folds[0]) == seeds[:1]


def test_a_model_that_cannot_be_fitted_says_in_which_fold(planned: WalkPlan, tmp_path: Path) -> None:
    class Broken:
        def fit(self, x: object, y: object) -> None:
            raise ValueError("no luck")

        def predict(self, x: object) -> object:
            return x

    fold = planned.folds[1]
    with pytest.raises(TrainingError, match=rf"^fold {fold.index}, .*no luck"):
        train_fold("own", wrap(Broken()), planned.experiment.config, Task.of(planned.material, fold))
