from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import MissingLibrary, SettingError, TrainingError
from geiger.learning.folds import Fold
from geiger.learning.windows import Weighting, fold_arrays, join
from geiger.models import make, resolve
from geiger.models.boosting import CatBoost, LightGBM, XGBoost

LIBRARIES = (XGBoost, LightGBM, CatBoost)
FOLD = Fold(0, range(0, 500), range(501, 650), range(651, 800))
PLAN = {
    "max_trees": 12,  # the plan: 1000; the other numbers are the plan's
    "early_stopping": 100,
    "learning_rate": 0.05,
    "depth": 6,
    "subsample": 0.8,
    "colsample": 0.8,
    "l1": 0.01,
    "l2": 0.01,
    "min_leaf_rows": None,
    "bins": None,
    "refit": False,
}
PLAN_CATBOOST = {
    **PLAN,
    "learning_rate": 0.03,
    "l2": 3.0,
    "l1": None,
    "subsample": None,
    "colsample": None,
}


def arrays(strength=0.0, seed=0, weighting=None):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(800, 10))
    target = 0.01 * (strength * features[:, 3] + rng.normal(size=800))
    return fold_arrays(features, target, FOLD, weighting=weighting)


def quick(library, threads=1, **settings):
    leaf = {} if library is CatBoost else {"min_leaf_rows": 20}
    return make(
        library.name, {"max_trees": 60, "learning_rate": 0.1, "l2": 1.0, **leaf, **settings}, threads=threads
    )


def fit(model, data, seed=1):
    return model.fit(data.train, data.valid, seed=seed)


def test_plan_settings_reach_xgboost():
    booster = fit(make("xgb", PLAN), arrays()).trees.booster
    config = json.loads(booster.save_config())
    tree = config["learner"]["gradient_booster"]["tree_train_param"]
    found = {name: float(tree[name]) for name in (
        "reg_alpha", "reg_lambda", "max_depth", "learning_rate", "subsample", "colsample_bytree",
        "min_child_weight", "max_bin",
    )}  # fmt: skip
    assert found == pytest.approx(
        {"reg_alpha": 0.01, "reg_lambda": 0.01, "max_depth": 6, "learning_rate": 0.05, "subsample": 0.8,
         "colsample_bytree": 0.8, "min_child_weight": 1, "max_bin": 256}
    )  # fmt: skip
    assert config["learner"]["objective"]["name"] == "reg:squarederror"
    assert float(config["learner"]["learner_model_param"]["base_score"].strip("[]")) == 0.0


def test_plan_settings_reach_lightgbm():
    booster = fit(make("lgb", PLAN), arrays()).trees.booster
    stored = dict(
        line.strip("[]").split(": ", 1)
        for line in booster.model_to_string()
        .split("parameters:\n")[1]
        .split("\nend of parameters")[0]
        .split("\n")
        if ": " in line
    )
    expected = {"lambda_l1": 0.01, "lambda_l2": 0.01, "max_depth": 6, "num_leaves": 63, "learning_rate": 0.05,
                "bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.8, "min_data_in_leaf": 20,
                "max_bin": 255, "deterministic": 1, "force_row_wise": 1, "boost_from_average": 0}  # fmt: skip
    assert {name: float(stored[name]) for name in expected} == pytest.approx(expected)


def test_plan_settings_reach_catboost():
    booster = fit(make("catboost", PLAN_CATBOOST), arrays()).trees.booster
    found = booster.get_all_params()
    assert found["boosting_type"] == "Ordered"
    assert found["has_time"] is True
    assert (found["loss_function"], found["eval_metric"]) == ("RMSE", "RMSE")
    assert (found["depth"], found["od_wait"], found["iterations"]) == (6, 100, 12)
    assert found["learning_rate"] == pytest.approx(0.03)
    assert found["l2_leaf_reg"] == pytest.approx(3.0)
    assert (found["bootstrap_type"], found["border_count"]) == ("MVS", 254)  # the library's own


def test_weak_signal_settings_reach_the_libraries():
    data = arrays()
    xgb = fit(make("xgb", {"max_trees": 5}), data).trees.booster
    tree = json.loads(xgb.save_config())["learner"]["gradient_booster"]["tree_train_param"]
    assert (int(tree["max_bin"]), int(tree["max_depth"])) == (64, 2)
    assert [float(tree[n]) for n in ("min_child_weight", "reg_lambda")] == [100.0, 20.0]
    lgb = fit(make("lgb", {"max_trees": 5}), data).trees.booster.params
    assert [lgb[n] for n in ("max_bin", "num_leaves", "min_data_in_leaf", "lambda_l2")] == [64, 4, 100, 20.0]
    cat = fit(make("catboost", {"max_trees": 5, "ordered": False, "has_time": False}), data).trees.booster
    found = cat.get_all_params()
    assert (found["boosting_type"], found.get("has_time", False), found["bootstrap_type"]) == (
        "Plain",
        False,
        "Bernoulli",
    )
    assert (found["border_count"], found["depth"], found["l2_leaf_reg"]) == (64, 3, 20)
    assert [found["rsm"], found["subsample"]] == pytest.approx([0.4, 0.7])


@pytest.mark.parametrize("library", LIBRARIES)
def test_number_of_trees_is_the_best_on_the_validation_rows(library):
    data = arrays(strength=0.5)
    model = quick(library, early_stopping=20)
    predictor = fit(model, data)
    grown = model.grow(model.rows(data.train), 60, 1)
    errors = [np.mean((grown.predict(data.valid.x, n) - data.valid.y) ** 2) for n in range(1, 61)]
    # Rounding inside the libraries may choose between neighbours that are equally good.
    assert errors[predictor.rounds - 1] == pytest.approx(min(errors[: predictor.rounds + 20]), rel=1e-6)
    assert predictor.rounds >= 10
    assert predictor.notices == ()
    assert predictor.epochs[-1].val_loss == pytest.approx(errors[predictor.rounds - 1])


@pytest.mark.parametrize("library", LIBRARIES)
def test_refit_grows_the_chosen_number_on_both_blocks(library):
    data = arrays(strength=0.5)
    kept = fit(quick(library, early_stopping=20, refit=False), data)
    again = fit(quick(library, early_stopping=20, refit=True), data)
    assert again.rounds == kept.rounds
    assert again.epochs == kept.epochs  # the course is that of the fit that had not seen the valid rows
    both = join(data.train, data.valid)
    assert again.fit_rows.tolist() == both.rows.tolist()
    alone = quick(library)
    grown = alone.grow(alone.rows(both), again.rounds, 1)
    assert np.array_equal(again.predict(data.test), grown.predict(data.test.x, again.rounds))
    assert again.trees.count == again.rounds
    assert np.array_equal(again.trees.gain(), grown.gain())
    assert not np.array_equal(again.predict(data.test), kept.predict(data.test))


@pytest.mark.parametrize("library", LIBRARIES)
def test_validation_rows_choose_the_number_and_nothing_else(library):
    data = arrays(strength=0.5)
    turned = replace(data.valid, y=-data.valid.y)
    model = quick(library, refit=False)
    fixed = [model.fit(data.train, valid, seed=1).predict(data.test) for valid in (data.valid, turned)]
    assert np.array_equal(*fixed)
    watched = quick(library, refit=False, early_stopping=5)
    assert watched.fit(data.train, turned, seed=1).rounds < watched.fit(data.train, data.valid, seed=1).rounds


@pytest.mark.parametrize("library", LIBRARIES)
def test_inner_error_is_not_weighted(library):
    data = arrays(strength=0.5, weighting=Weighting(balance_signs=True, recency_half_life=100))
    # One row in ten says the opposite; counted a thousandfold, these rows would stop training at once.
    odd = np.arange(149) % 10 == 0
    plain = replace(data.valid, y=np.where(odd, -data.valid.y, data.valid.y))
    heavy = replace(plain, weight=np.where(odd, 1000.0, 1.0))
    model = quick(library, early_stopping=5)
    a, b = (model.fit(data.train, valid, seed=1) for valid in (plain, heavy))
    assert a.epochs == b.epochs
    assert np.array_equal(a.predict(data.test), b.predict(data.test))


@pytest.mark.parametrize("library", LIBRARIES)
def test_few_trees_are_reported_as_what_they_are(library):
    data = arrays(strength=0.5)
    turned = replace(data.valid, y=-data.valid.y)  # whatever was learned is wrong there
    predictor = quick(library, early_stopping=5).fit(data.train, turned, seed=1)
    assert 1 <= predictor.rounds < 10
    (notice,) = predictor.notices
    assert notice.code == "FEW_TREES"
    assert "no skill found on the inner validation rows" in notice.text
    assert f" {predictor.rounds} tree" in notice.text


@pytest.mark.parametrize("library", LIBRARIES)
def test_noise_stops_earlier_than_a_signal(library):
    model = quick(library, early_stopping=20, refit=False)
    noise = [fit(model, arrays(0.0, seed)).rounds for seed in range(3)]
    signal = [fit(model, arrays(1.0, seed)).rounds for seed in range(3)]
    assert max(noise) < min(signal)


@pytest.mark.parametrize("library", LIBRARIES)
def test_planted_feature_carries_the_gain(library):
    found = []
    for seed in range(5):
        data = arrays(strength=0.5, seed=seed)
        predictor = fit(quick(library), data)
        share, next_share = sorted(predictor.importances)[:-3:-1]
        assert predictor.importances[3] == share > 2 * next_share  # of ten seeds, at least 3.8 times
        found.append(np.corrcoef(predictor.predict(data.test), data.test.y)[0, 1])
    assert np.mean(found) > 0.3  # the best possible: 0.45, and the standard error of the mean 0.03


@pytest.mark.parametrize("library", LIBRARIES)
def test_number_of_threads_changes_no_bit(library):
    data = arrays(strength=0.5)
    one, two = (fit(quick(library, threads=n), data).predict(data.test) for n in (1, 2))
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("library", LIBRARIES)
def test_other_seed_other_trees(library):
    data = arrays(strength=0.5)
    one, two = (fit(quick(library), data, seed=seed).predict(data.test) for seed in (1, 2))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("library", LIBRARIES)
def test_forecasts_stay_within_the_train_target(library):
    data = arrays(strength=2.0)
    extreme = replace(data.test.take(data.test.rows[:1]), x=np.full((1, 10), 5.0))
    forecast = fit(quick(library), data).predict(extreme)
    assert data.train.y.min() < forecast[0] < data.train.y.max()


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_fiftieth_round_is_recorded(library):
    predictor = fit(quick(library, max_trees=120), arrays())
    assert [epoch.epoch for epoch in predictor.epochs] == [50, 100, 120]
    assert [epoch.best for epoch in predictor.epochs] == [False, False, True]


@pytest.mark.parametrize(
    "settings", [{}, {"early_stopping": 20}, {"refit": False}, {"early_stopping": 20, "refit": False}]
)
@pytest.mark.parametrize("library", LIBRARIES)
def test_members_that_share_rows_are_those_fitted_alone(library, settings):
    data = arrays(strength=0.5, weighting=Weighting(balance_signs=True, recency_half_life=100))
    model = quick(library, **settings)
    together = model.fit_fold(data.train, data.valid, [3, 5, 7])
    for number, (one, seed) in enumerate(zip(together, (3, 5, 7), strict=True)):
        alone = quick(library, **settings).fit(data.train, data.valid, seed=seed)
        assert one.predict(data.test).tobytes() == alone.predict(data.test).tobytes()
        assert np.array_equal(one.importances, alone.importances)
        assert (one.rounds, one.notices) == (alone.rounds, alone.notices)
        assert np.array_equal(one.fit_rows, alone.fit_rows)
        assert one.epochs == (() if number else alone.epochs)  # one course a fold


@pytest.mark.parametrize("settings", [{}, {"early_stopping": 20}, {"refit": False}])
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_course_that_nobody_reads_changes_no_bit_of_a_model(library, settings):
    data = arrays(strength=0.5)
    told, untold = (
        quick(library, **settings).fit_fold(data.train, data.valid, [3, 5], course=course)
        for course in (True, False)
    )
    assert told[0].epochs
    for one, other in zip(told, untold, strict=True):
        assert not other.epochs
        assert one.predict(data.test).tobytes() == other.predict(data.test).tobytes()
        assert (one.rounds, one.notices) == (other.rounds, other.notices)
        assert np.array_equal(one.importances, other.importances)
        assert np.array_equal(one.fit_rows, other.fit_rows)


# Rows are binned once for each use, and no trees grow whose number and forecasts nobody asks for.
@pytest.mark.parametrize(
    ("settings", "course", "made", "fits"),
    [
        ({}, True, ["train", "both"], ["train", "both", "both", "both"]),
        ({}, False, ["both"], ["both"] * 3),
        ({"refit": False}, True, ["train"], ["train"] * 3),
        ({"refit": False}, False, ["train"], ["train"] * 3),
        ({"early_stopping": 5}, True, ["train", "watched", "both"], ["train", "both"] * 3),
        ({"early_stopping": 5}, False, ["train", "watched", "both"], ["train", "both"] * 3),
        ({"early_stopping": 5, "refit": False}, True, ["train", "watched"], ["train"] * 3),
    ],
)
@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_is_done_twice_for_the_members_of_a_fold(library, settings, course, made, fits, monkeypatch):
    data, did, grown = arrays(strength=0.5), [], []
    names = {len(data.train.y): "train", len(data.train.y) + len(data.valid.y): "both"}
    rows, watched, grow = library.rows, library.watched, library.grow

    def counted_rows(self, block):
        did.append(names[len(block.y)])
        return rows(self, block)

    def counted_watched(self, block, train):
        did.append("watched")
        return watched(self, block, train)

    def counted_grow(self, held, count, seed, watch=None):
        grown.append(names[len(held.block.y)])
        return grow(self, held, count, seed, watch)

    monkeypatch.setattr(library, "rows", counted_rows)
    monkeypatch.setattr(library, "watched", counted_watched)
    monkeypatch.setattr(library, "grow", counted_grow)
    quick(library, **settings).fit_fold(data.train, data.valid, [1, 2, 3], course=course)
    assert (did, grown) == (made, fits)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_member_that_cannot_be_fitted_is_named(library):
    data = arrays()
    flat = replace(data.train, x=np.zeros_like(data.train.x))
    with pytest.raises(TrainingError, match=r"^seed 0: .*every feature is constant"):
        quick(library).fit_fold(flat, data.valid, [1, 2])


@pytest.mark.parametrize("library", LIBRARIES)
def test_nothing_is_printed_or_written(library, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(quick(library, early_stopping=5), arrays())
    fit(
        quick(library, **({} if library is CatBoost else {"min_leaf_rows": 400})), arrays()
    )  # no split possible
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_features_that_never_move_are_refused(library):
    data = arrays()
    flat = replace(data.train, x=np.zeros_like(data.train.x))
    with pytest.raises(TrainingError, match="every feature is constant"):
        quick(library).fit(flat, data.valid, seed=1)


@pytest.mark.parametrize("library", [XGBoost, LightGBM])
def test_leaves_that_no_split_can_fill_give_a_constant(library):
    predictor = fit(quick(library, min_leaf_rows=400), arrays(strength=0.5))
    assert np.ptp(predictor.predict(arrays().test)) == 0.0
    assert (predictor.importances == 0.0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_trees": 0}, "max_trees must be at least 1, got 0"),
        ({"early_stopping": 0}, "early_stopping must be at least 1"),
        ({"l2": -1.0}, "l2 must be at least 0"),
        ({"bins": 1}, "bins must be at least 2"),
        ({"subsample": 0.0}, r"subsample must lie in \(0, 1\], got 0.0"),
        ({"learning_rate": 1.5}, "learning_rate must lie"),
    ],
)
@pytest.mark.parametrize("library", LIBRARIES)
def test_settings_that_make_no_sense_are_refused(library, settings, message):
    with pytest.raises(SettingError, match=rf"{library.name}\.{message}"):
        make(library.name, settings)


@pytest.mark.parametrize("setting", [{"l1": 0.01}, {"min_leaf_rows": 100}])
def test_catboost_refuses_what_it_does_not_have(setting):
    with pytest.raises(SettingError, match="its symmetric trees have no"):
        make("catboost", setting)


@pytest.mark.parametrize(
    ("library", "module"), [*zip(LIBRARIES, ("xgboost", "lightgbm", "catboost"), strict=True)]
)
def test_missing_library_is_said_in_one_line(library, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibrary, match=f"{module} is not installed"):
        fit(quick(library), arrays())


def test_xgboost_stands_in_for_a_missing_catboost(monkeypatch):
    assert resolve("catboost") == ("catboost", None)
    monkeypatch.setitem(sys.modules, "catboost", None)
    name, notice = resolve("catboost")
    assert name == "xgb"
    assert notice is not None
    assert "XGBoost was trained in its place" in notice.text
    assert resolve("lgb") == ("lgb", None)
