"""Hand values, a second implementation, and what a row may know."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.panel.normalise import day_ranks, rolling_z
from geiger.seeds import generator


def by_polars(features: np.ndarray, window: int, least: int, clip: float) -> np.ndarray:
    """The same from another library's rolling mean and deviation."""
    found = np.full(features.shape, np.nan)
    for column in range(features.shape[1]):
        series = pl.Series(features[:, column])
        mean = series.rolling_mean(window, min_samples=least)
        deviation = series.rolling_std(window, min_samples=least, ddof=0)
        found[:, column] = ((series - mean) / deviation).clip(-clip, clip).to_numpy()
    return found


@given(rows=st.integers(8, 90), window=st.integers(4, 30), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_it_is_what_another_library_says(rows: int, window: int, columns: int, seed: int) -> None:
    features = generator(seed, "z").standard_normal((rows, columns)) * 10.0 ** np.arange(columns) + 3.0
    found = rolling_z(features, window=window, least=4, clip=2.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_polars(features, window, 4, 2.0), rtol=1e-4, atol=1e-5)


def test_three_rows_by_hand() -> None:
    """Rows 1, 3, 8 in a window of 2: row 0 has no past; 3 is 1 above 2 +- 1, 8 is 2.5 above 5.5 +- 2.5."""
    found = rolling_z(np.array([[1.0], [3.0], [8.0]]), window=2, least=2, clip=4.0)
    assert np.isnan(found[0, 0])
    assert found[1:, 0].tolist() == [1.0, 1.0]


def test_a_column_that_stands_still_is_nought_and_a_huge_number_is_forgotten() -> None:
    features = generator(1, "z").standard_normal((60, 2))
    features[:, 1] = 7.3
    clean = rolling_z(features, window=10, least=5, clip=4.0)
    features[20, 0] = 1e12
    found = rolling_z(features, window=10, least=5, clip=4.0)
    assert found[20, 0] == pytest.approx(3.0)  # (1 - 1/10) / sqrt(1/10 - 1/100)
    np.testing.assert_allclose(found[30:, 0], clean[30:, 0], atol=1e-6)
    assert not found[4:, 1].any()


@given(cut=st.integers(5, 70), seed=st.integers(0, 99))
def test_what_comes_later_changes_no_bit(cut: int, seed: int) -> None:
    features = generator(seed, "z").standard_normal((80, 6))
    whole = rolling_z(features, window=13, least=5, clip=3.0)
    assert np.array_equal(
        rolling_z(features[:cut], window=13, least=5, clip=3.0), whole[:cut], equal_nan=True
    )
    features[cut:] = features[cut:][::-1] * 10.0
    assert np.array_equal(
        rolling_z(features, window=13, least=5, clip=3.0)[:cut], whole[:cut], equal_nan=True
    )


def test_too_few_rows_are_not_numbers() -> None:
    assert np.isnan(rolling_z(np.ones((3, 2)), window=9, least=4, clip=4.0)).all()


def test_ranks_of_a_day_by_hand() -> None:
    """Four numbers: ranks 1, 2.5, 2.5, 4 of 4, spread over -1.73 to 1.73; alone on its day: 0."""
    features = np.array([[5.0], [7.0], [7.0], [9.0], [1.0]], dtype=np.float32)
    found = day_ranks(features, np.array([0, 0, 0, 0, 3], dtype=np.int32))
    root = np.sqrt(12.0)
    assert found[:, 0] == pytest.approx([-0.5 * root, 0.0, 0.0, 0.5 * root, 0.0])


@given(names=st.integers(2, 12), seed=st.integers(0, 99))
def test_ranks_have_mean_0_and_know_their_day_alone(names: int, seed: int) -> None:
    features = generator(seed, "ranks").standard_normal((3 * names, 4)).astype(np.float32)
    day = np.repeat(np.arange(3, dtype=np.int32), names)
    found = day_ranks(features, day)
    for one in range(3):
        assert found[day == one].mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-6)
        assert np.array_equal(found[day == one], day_ranks(features[day == one], day[day == one]))
    assert np.array_equal(day_ranks(np.exp(features), day), found)
