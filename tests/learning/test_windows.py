from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.errors import DataError, SettingError
from geiger.learning.folds import Fold
from geiger.learning.windows import Scaler, Weighting, fold_arrays, join, sample_weights

FOLD = Fold(0, range(5, 65), range(66, 80), range(81, 100))
BOTH = Weighting(recency_half_life=20, balance_signs=True)


def data(seed=0, n=110, width=4):
    rng = np.random.default_rng(seed)
    return rng.normal(3.0, 2.0, size=(n, width)), rng.normal(0.001, 0.01, size=n)


def test_blocks_hold_the_rows_of_the_fold():
    features, target = data()
    arrays = fold_arrays(features, target, FOLD)
    for block, rows in ((arrays.train, FOLD.train), (arrays.valid, FOLD.valid), (arrays.test, FOLD.test)):
        assert block.rows.tolist() == list(rows)
        assert block.x.shape == (len(rows), 4)
        assert block.y.shape == block.weight.shape == (len(rows),)
        assert block.rows.dtype == np.int64


def test_train_rows_get_mean_0_and_deviation_1():
    features, target = data()
    arrays = fold_arrays(features, target, FOLD, clip=100.0)
    np.testing.assert_allclose(arrays.train.x.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(arrays.train.x.std(axis=0), 1.0, rtol=1e-12)
    assert arrays.train.y.mean() == pytest.approx(0.0, abs=1e-12)
    assert arrays.train.y.std() == pytest.approx(1.0)


def test_scaler_by_hand():
    scaler = Scaler.fit(np.array([[0.0], [4.0]]), np.array([0.01, 0.03]), clip=1.5)
    assert scaler.transform(np.array([[2.0], [5.0], [99.0], [-99.0]])).ravel().tolist() == [
        0.0,
        1.5,
        1.5,
        -1.5,
    ]
    np.testing.assert_allclose(scaler.standardise(np.array([0.01, 0.05])), [-1.0, 3.0])
    np.testing.assert_allclose(scaler.restore(np.array([-1.0, 0.0, 3.0])), [0.01, 0.02, 0.05])


@pytest.mark.parametrize("change", [np.nan, 1e6])
def test_later_rows_change_no_bit_of_what_train_rows_decide(change):
    features, target = data()
    before = fold_arrays(features, target, FOLD, weighting=BOTH)
    later_features, later_target = features.copy(), target.copy()
    if np.isnan(change):  # labels of the gaps and of the test rows may be unknown
        later_target[[65, 80]], later_target[81:] = np.nan, np.nan
    else:
        later_features[65:] *= change
        later_target[65:] = -change
    after = fold_arrays(later_features, later_target, FOLD, weighting=BOTH)
    for name in ("x", "y", "weight"):
        assert getattr(before.train, name).tobytes() == getattr(after.train, name).tobytes()
    for name in ("center", "scale"):
        assert getattr(before.scaler, name).tobytes() == getattr(after.scaler, name).tobytes()
    assert before.scaler.target_mean == after.scaler.target_mean
    assert before.scaler.target_std == after.scaler.target_std
    assert (after.valid.weight == 1.0).all()
    assert (after.test.weight == 1.0).all()


def test_train_rows_do_change_the_scaler():
    features, target = data()
    before = fold_arrays(features, target, FOLD).scaler
    features[FOLD.train.start] += 1.0
    assert (fold_arrays(features, target, FOLD).scaler.center != before.center).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_column_constant_in_train_is_0_everywhere(constant):
    features, target = data()
    features[FOLD.train.start : FOLD.train.stop, 2] = constant
    arrays = fold_arrays(features, target, FOLD)
    for block in (arrays.train, arrays.valid, arrays.test):
        assert (block.x[:, 2] == 0.0).all()
        assert (block.x[:, 1] != 0.0).any()


def test_constant_target_comes_back_as_itself():
    features, _ = data()
    arrays = fold_arrays(features, np.full(110, 0.01), FOLD)
    np.testing.assert_allclose(arrays.train.y, 0.0, atol=1e-12)
    np.testing.assert_allclose(arrays.scaler.restore(np.zeros(3)), 0.01)


@given(st.floats(-0.05, 0.05), st.floats(1e-4, 0.1))
def test_zero_return_survives_the_way_there_and_back(mean, std):
    scaler = Scaler(np.zeros(1), np.ones(1), 5.0, mean, std)
    assert scaler.restore(np.array([scaler.zero]))[0] == 0.0
    assert scaler.restore(np.array([0.0]))[0] == mean
    assert scaler.standardise(np.array([0.0]))[0] == scaler.zero


@pytest.mark.parametrize("row", [5, 64, 66, 79, 81, 99])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_feature_that_is_not_finite_is_named(row, bad):
    features, target = data()
    features[row, 3] = bad
    with pytest.raises(DataError, match=f"column 3 has no finite value in row {row};"):
        fold_arrays(features, target, FOLD)


@pytest.mark.parametrize("row", [5, 79])
def test_target_that_is_not_finite_is_named(row):
    features, target = data()
    target[row] = np.nan
    with pytest.raises(DataError, match=f"target has no finite value in row {row};"):
        fold_arrays(features, target, FOLD)


def test_unknown_outcome_of_a_test_row_is_fine():
    features, target = data()
    target[99] = np.nan
    assert np.isnan(fold_arrays(features, target, FOLD).test.y[-1])


def test_shapes_that_do_not_belong_together_are_refused():
    features, target = data()
    with pytest.raises(DataError, match=r"\(110, 4\) and \(109,\)"):
        fold_arrays(features, target[1:], FOLD)


def test_recency_halves_every_half_life():
    weight = sample_weights(np.zeros(5), np.array([0, 2, 4, 5, 6]), Weighting(recency_half_life=2, cap=5.0))
    np.testing.assert_allclose(weight / weight[-1], [1 / 8, 1 / 4, 1 / 2, 2**-0.5, 1.0])
    assert weight.mean() == pytest.approx(1.0)


def test_sign_balance_by_hand():
    # Three up, one down, one flat: up 2/3 each, down 2, flat 1; their mean is 1.
    weight = sample_weights(
        np.array([0.1, 0.2, -0.1, 0.0, 0.3]), np.arange(5), Weighting(balance_signs=True, cap=2.5)
    )
    np.testing.assert_allclose(weight, [2 / 3, 2 / 3, 2.0, 1.0, 2 / 3])


@pytest.mark.parametrize("target", [np.ones(4), -np.ones(4), np.zeros(4)])
def test_sign_balance_of_one_sided_rows_changes_nothing(target):
    assert (sample_weights(target, np.arange(4), Weighting(balance_signs=True)) == 1.0).all()


def test_cap_by_hand():
    # 1, 1, 2, 16 with cap 2: the last falls to c with c = 2 (4 + c) / 4, that is 4; mean 2.
    weight = sample_weights(np.zeros(4), np.array([0, 0, 1, 4]), Weighting(recency_half_life=1, cap=2.0))
    np.testing.assert_allclose(weight, [0.5, 0.5, 1.0, 2.0])


@given(
    st.integers(1, 300),
    st.integers(1, 500),
    st.booleans(),
    st.floats(1.01, 20.0),
    st.integers(0, 2**31),
)
def test_weights_are_positive_capped_and_have_mean_1(n, half_life, balance, cap, seed):
    target = np.random.default_rng(seed).normal(size=n)
    weight = sample_weights(target, np.arange(n), Weighting(half_life, balance, cap))
    assert weight.mean() == pytest.approx(1.0)
    assert weight.max() <= cap * (1 + 1e-9)
    assert (weight > 0.0).all() or half_life < n / 500  # 2**-1075 is 0


def test_default_weights_are_1():
    features, target = data()
    assert (fold_arrays(features, target, FOLD).train.weight == 1.0).all()


def test_join_applies_the_rule_to_all_rows():
    features, target = data()
    arrays = fold_arrays(features, target, FOLD, weighting=BOTH)
    both = join(arrays.train, arrays.valid)
    rows = [*FOLD.train, *FOLD.valid]
    assert both.rows.tolist() == rows
    np.testing.assert_array_equal(both.weight, sample_weights(target[rows], np.array(rows), BOTH))
    assert both.zero == arrays.train.zero


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recency_half_life": 0}, "recency_half_life must be at least 1"),
        ({"cap": 1.0}, "cap must be above 1"),
        ({"cap": np.nan}, "cap"),
    ],
)
def test_weighting_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        Weighting(**settings)


def test_clip_must_be_positive():
    features, target = data()
    with pytest.raises(SettingError, match="clip"):
        fold_arrays(features, target, FOLD, clip=0.0)
