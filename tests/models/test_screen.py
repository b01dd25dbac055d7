"""The screen finds what was planted, names it, and finds nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.learning.folds import Fold
from geiger.learning.windows import fold_arrays
from geiger.models.baselines import Ridge
from geiger.models.screen import MAX_DELAY, Term, _Pairs, _t_alone, find_terms, fit_screened, refitted

FOLD = Fold(0, range(30, 1530), range(1531, 1800), range(1801, 2300))
WIDTH = 12


def arrays(plant, *, seed=0, strength=0.25, n=2300):
    """Return a fold whose target holds `plant(x)`, made of the features' past, with this correlation."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, WIDTH))
    signal = plant(x)
    target = strength * signal + np.sqrt(1 - strength**2) * rng.normal(size=n)
    return fold_arrays(x, 0.01 * target, FOLD), signal


def late(x, column, delay):
    return np.concatenate([np.zeros(delay), x[: len(x) - delay, column]])


PLANTS = {
    "delayed": (lambda x: late(x, 3, 7), (None, 3, 7)),
    "pair": (lambda x: x[:, 2] * x[:, 5], (2, 5, 0)),
    "square": (lambda x: (x[:, 4] ** 2 - 1) / np.sqrt(2), (4, 4, 0)),
    "delayed pair": (lambda x: x[:, 1] * late(x, 8, 4), (1, 8, 4)),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_term_is_found_first_and_forecasts_where_ridge_cannot(name):
    plant, (one, other, delay) = PLANTS[name]
    data, signal = arrays(plant)
    model = refitted(fit_screened(data.train, data.valid), data.train, data.valid)
    first = model.terms[0]
    assert (first.one, first.other, first.delay) == (one, other, delay)
    rows = data.test.history.at(data.test.rows)
    found = model.on(data.test.history.x)[rows]
    plain = Ridge().fit(data.train, data.valid, seed=0).predict(data.test)
    truth = signal[data.test.rows]
    assert np.corrcoef(found, truth)[0, 1] > 0.7
    assert abs(np.corrcoef(plain, truth)[0, 1]) < 0.2


def test_noise_and_linear_signals_give_no_term():
    finds = [
        len(find_terms(data.valid.history, data.train))
        for seed in range(8)
        for plant in (lambda x: 0.0 * x[:, 0], lambda x: x[:, 0])
        for data, _ in [arrays(plant, seed=seed)]
    ]
    assert sum(finds) <= 2  # of 16 fits at most one in twenty may show a term


def test_without_a_find_it_is_ridge():
    data, _ = arrays(lambda x: x[:, 0], seed=3)
    model = refitted(fit_screened(data.train, data.valid), data.train, data.valid)
    assert model.terms == ()
    expected = Ridge().fit(data.train, data.valid, seed=0)
    rows = data.test.history.at(data.test.rows)
    np.testing.assert_allclose(model.on(data.test.history.x)[rows], expected.predict(data.test), atol=1e-12)


def test_robust_t_is_whites_by_hand():
    rng = np.random.default_rng(1)
    y, one, other = rng.normal(size=60), rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    for i in range(3):
        for j in range(2):
            z = one[:, i] * other[:, j]
            z = z - z.mean()
            expected = (y @ z) / np.sqrt(np.sum(y**2 * z**2))
            assert _Pairs(y, one).t(other)[i, j] == pytest.approx(expected)
    z = one[:, 0] - one[:, 0].mean()
    assert _t_alone(y, one)[0] == pytest.approx((y @ z) / np.sqrt(np.sum(y**2 * z**2)))


def test_labels_of_validation_and_test_rows_choose_no_term():
    data, _ = arrays(PLANTS["pair"][0])
    before = find_terms(data.valid.history, data.train)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2300, WIDTH))
    target = np.where(np.arange(2300) < FOLD.train.stop, 0.0, 1e3)
    plain, _ = arrays(PLANTS["pair"][0])
    y = plain.scaler.restore(plain.train.y)
    target[FOLD.train.start : FOLD.train.stop] = y
    changed = fold_arrays(x, target, FOLD)
    after = find_terms(changed.valid.history, changed.train)
    assert [(t.one, t.other, t.delay) for t in after] == [(t.one, t.other, t.delay) for t in before]


def test_a_term_uses_no_later_row():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(50, 4))
    other = x.copy()
    other[31:] = 9.0
    for term in (Term(None, 1, 3, 0.0), Term(0, 2, 5, 0.0), Term(3, 3, 0, 0.0)):
        np.testing.assert_array_equal(term.on(x)[:31], term.on(other)[:31])
        assert not term.on(x)[: term.delay].any()
    assert MAX_DELAY == 20


def test_terms_that_are_one_thing_are_kept_once():
    data, _ = arrays(lambda x: x[:, 2] * x[:, 5])
    x = data.valid.history.x.copy()
    x[:, 6] = x[:, 5] + 0.01 * x[:, 7]
    twin = replace(data.valid.history, x=x)
    terms = find_terms(twin, data.train)
    assert sum({term.one, term.other} & {2} != set() for term in terms) == 1
