"""Resamples of the stationary bootstrap: what they draw, and the p of a mean."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from geiger.errors import DataError, SettingError
from geiger.evidence.resampling import bootstrap_mean_p, resample_counts


@pytest.mark.parametrize(("n", "block"), [(1, 10.0), (2, 10.0), (7, 1.0), (250, 10.0), (30, 500.0)])
def test_every_resample_has_as_many_days_as_there_are(n: int, block: float) -> None:
    counts = resample_counts(n, block=block, resamples=700, seed=3)
    assert counts.shape == (700, n)
    assert (counts.sum(axis=1) == n).all()


def test_every_day_is_drawn_equally_often() -> None:
    counts = resample_counts(50, block=7, resamples=20_000, seed=0)
    assert counts.mean(axis=0) == pytest.approx(np.ones(50), abs=0.05)  # standard error below 0.01


def test_a_mean_scatters_as_the_paper_says() -> None:
    """The variance of a resampled mean is known in closed form: Politis & Romano (1994), lemma 1."""
    n, block = 120, 6.0
    x = np.convolve(np.random.default_rng(1).normal(size=n + 3), np.ones(4), "valid")
    x -= x.mean()
    circular = np.array([np.mean(x * np.roll(x, -lag)) for lag in range(n)])
    lag = np.arange(1, n)
    weight = (1 - lag / n) * (1 - 1 / block) ** lag
    weight += lag / n * (1 - 1 / block) ** (n - lag)
    expected = (circular[0] + np.sum(weight * circular[1:])) / n
    means = resample_counts(n, block=block, resamples=40_000, seed=2) @ x / n
    assert means.var() == pytest.approx(expected, rel=0.05)


def test_blocks_of_one_day_are_the_ordinary_bootstrap() -> None:
    counts = resample_counts(40, block=1, resamples=20_000, seed=4)
    for times in range(4):
        expected = stats.binom.pmf(times, 40, 1 / 40)
        assert np.mean(counts == times) == pytest.approx(expected, abs=0.01)


def test_long_blocks_keep_neighbours_together() -> None:
    counts = resample_counts(100, block=50, resamples=2000, seed=5).astype(float)
    neighbours = np.corrcoef(counts[:, 10], counts[:, 11])[0, 1]
    far = np.corrcoef(counts[:, 10], counts[:, 60])[0, 1]
    assert neighbours > 0.9
    assert far < 0.5


def test_a_seed_repeats_itself_and_fewer_resamples_are_the_first_of_more() -> None:
    more = resample_counts(60, block=5, resamples=1200, seed=6)
    assert (more == resample_counts(60, block=5, resamples=1200, seed=6)).all()
    assert (more[:500] == resample_counts(60, block=5, resamples=500, seed=6)).all()
    assert (more != resample_counts(60, block=5, resamples=1200, seed=7)).any()


@pytest.mark.parametrize(("n", "block", "resamples"), [(0, 10, 9), (70_000, 10, 9), (9, 0.5, 9), (9, 10, 0)])
def test_what_cannot_be_drawn_is_refused(n: int, block: float, resamples: int) -> None:
    with pytest.raises(SettingError, match="bootstrap"):
        resample_counts(n, block=block, resamples=resamples, seed=0)


def test_p_of_independent_values_is_that_of_the_normal_distribution() -> None:
    x = np.random.default_rng(8).normal(size=400)
    for shift in (0.0, 0.05, 0.1):
        z = (x + shift).mean() / (x.std() / 20)
        told, _ = bootstrap_mean_p(x + shift, block=1, resamples=20_000, seed=1)
        assert told == pytest.approx(stats.norm.sf(z), abs=0.02)


def test_p_keeps_its_level_where_days_hang_together() -> None:
    rng = np.random.default_rng(9)
    blocks, days = [], []
    for seed in range(200):
        x = np.convolve(rng.normal(size=304), np.ones(5), "valid")
        blocks.append(bootstrap_mean_p(x, block=20, resamples=199, seed=seed)[0] < 0.1)
        days.append(bootstrap_mean_p(x, block=1, resamples=199, seed=seed)[0] < 0.1)
    assert 0.04 < np.mean(blocks) < 0.2  # standard error 2.1%
    assert np.mean(days) > 0.2


def test_p_of_values_without_spread() -> None:
    assert bootstrap_mean_p(np.zeros(20), block=5, resamples=99, seed=0)[0] == 1.0
    assert bootstrap_mean_p(np.full(20, -0.1), block=5, resamples=99, seed=0)[0] == 1.0
    assert bootstrap_mean_p(np.full(20, 0.1), block=5, resamples=99, seed=0)[0] == 0.01
    assert bootstrap_mean_p([0.3], block=5, resamples=99, seed=0)[0] == 0.01


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [[1.0], [2.0]]])
def test_p_refuses_what_is_no_column(values: list[float]) -> None:
    with pytest.raises(DataError, match="one column of finite values"):
        bootstrap_mean_p(values, block=5, seed=0)


def test_p_below_zero_is_that_of_the_mirrored_values() -> None:
    x = np.random.default_rng(11).normal(0.05, 1.0, size=300)
    told = bootstrap_mean_p(x, block=10, resamples=999, seed=3)
    assert told == bootstrap_mean_p(-x, block=10, resamples=999, seed=3)[::-1]
    assert told[0] < told[1]
