from __future__ import annotations

import numpy as np
import pytest

from geiger.models.nets.smoothing import (
    WINDOW,
    CausalSmoothing,
    causal_taps,
    smooth_window,
    without_detail,
)

# Checked against PyWavelets 1.8.0: what wavedec(pad(x, 100, "edge"), "db4", "per", level=1), zeros for the
# detail and waverec make of the last of 256 rows, for each unit vector x, newest first.
TAPS = (
    *(0.6474579230127728, 0.457231049945244, 0.021193998231487668, -0.134621384347622),
    *(-0.022343411284234792, 0.023506308119524397, 0.007575516322827943),
)


def smooth_causally(x):
    """Return the last value of the transform of each row's own window: the slow way, for comparison.

    Parameters
    ----------
    x : (n, ...) float64
        Rows in order of time.

    Returns
    -------
    (n, ...) float64
        Row t is made of rows t - 255 to t; NaN in the first 255 rows.
    """
    smooth = np.full_like(x, np.nan)
    for end in range(WINDOW, len(x) + 1):
        smooth[end - 1] = smooth_window(x[end - WINDOW : end])[-1]
    return smooth


def smooth_whole_series(x):  # the published smoother
    return smooth_window(x)


def walk(rows, seed=0, features=()):
    return np.random.default_rng(seed).normal(size=(rows, *features)).cumsum(axis=0)


def test_taps_are_those_of_pywavelets():
    assert causal_taps() == pytest.approx(TAPS, abs=1e-14)


def test_taps_sum_to_one():
    assert sum(causal_taps()) == pytest.approx(1.0, abs=1e-14)


def test_the_transform_is_a_projection():
    x = walk(64)
    once = without_detail(x)
    assert np.abs(once - x).max() > 0.1
    assert without_detail(once) == pytest.approx(once, abs=1e-12)


def test_db4_keeps_cubics():
    row = np.arange(64) / 64
    cubic = 1.0 - row + 3.0 * row**2 - 2.0 * row**3
    inner = slice(8, -8)  # beyond, the cubic is joined to its other end
    assert without_detail(cubic)[inner] == pytest.approx(cubic[inner], abs=1e-12)


def test_the_filter_is_the_windowed_transform():
    x = walk(WINDOW + 20, features=(2,))
    smooth = smooth_causally(x)
    assert np.isnan(smooth[: WINDOW - 1]).all()
    layer = CausalSmoothing()
    fast = np.asarray(layer(x[None].astype(np.float32)))[0]
    assert fast.shape == (len(x) - layer.history, 2)
    assert fast[WINDOW - 1 - layer.history :] == pytest.approx(smooth[WINDOW - 1 :], abs=1e-5)


def test_the_past_stays_when_rows_are_added():
    x = walk(WINDOW + 40)
    for cut in range(WINDOW, len(x)):
        assert (smooth_causally(x[:cut])[WINDOW - 1 :] == smooth_causally(x)[WINDOW - 1 : cut]).all()


def test_the_published_smoother_rewrites_the_past():
    x = walk(400)
    cut = 300
    changed = np.flatnonzero(np.abs(smooth_whole_series(x[:cut]) - smooth_whole_series(x)[:cut]) > 1e-9)
    assert changed.min() == cut - 7  # so row cut - 7 knew row cut


def test_the_layer_depends_on_history_and_on_nothing_later():
    x = walk(30, features=(1,))[None].astype(np.float32)
    layer = CausalSmoothing()
    base = np.asarray(layer(x))[0, :, 0]
    for row in range(30):
        other = x.copy()
        other[0, row] += 1.0
        changed = np.flatnonzero(np.asarray(layer(other))[0, :, 0] != base) + layer.history
        assert (changed >= row).all()
        assert (changed <= row + layer.history).all()
        assert row in changed or row < layer.history
