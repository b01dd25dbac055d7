"""One trial among many: against the bars of independent trials, of copies, and what always holds."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.errors import DataError, SettingError
from geiger.evidence.many_tries import DayScores, adjusted_p

NORMAL = NormalDist()


def with_z(x: np.ndarray, z: float) -> np.ndarray:
    """Shift scores so that mean over error is exactly `z`."""
    return x - x.mean() + z * x.std() / np.sqrt(x.size)


def trial(x: np.ndarray, first: int = 0) -> DayScores:
    return DayScores(np.arange(first, first + x.size), x)


def own_p(one: DayScores) -> float:
    return NORMAL.cdf(-one.c.mean() / (one.c.std() / np.sqrt(one.c.size)))


def corrected(trials: list[DayScores], which: int = 0, **settings: float) -> float:
    return adjusted_p(trials, which, [own_p(one) for one in trials], seed=1, **settings)  # type: ignore[arg-type]


def noise(m: int, n: int = 800, seed: int = 0) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).normal(size=(m, n)))


def test_one_trial_has_its_own_p_exactly() -> None:
    (x,) = noise(1)
    one = trial(with_z(x, 2.1))
    assert adjusted_p([one], 0, [0.0123456789], seed=0) == 0.0123456789


@pytest.mark.parametrize(("lost", "expected"), [(1, 0.0199), (49, 1 - 0.99**50)])
def test_lost_trials_count_as_independent(lost: int, expected: float) -> None:
    (x,) = noise(1)
    assert adjusted_p([trial(x)], 0, [0.01], lost=lost, seed=0) == pytest.approx(expected)


@pytest.mark.parametrize(("z", "low", "high"), [(3.09, 0.04, 0.06), (3.54, 0.006, 0.0145)])
def test_fifty_independent_trials_have_the_bar_of_fifty(z: float, low: float, high: float) -> None:
    """1 - (1 - p)^50 is 5% at 3.09 and 1% at 3.54; the corrected p agrees, over draws of trials."""
    told = []
    for seed in range(6):
        first, *others = noise(50, seed=seed)
        told.append(
            corrected([trial(with_z(x, u)) for x, u in zip([first, *others], [z] + [0.0] * 49, strict=True)])
        )
    assert low < np.mean(told) < high


@pytest.mark.parametrize("z", [1.645, 2.326, 3.0])
def test_fifty_copies_cost_nothing(z: float) -> None:
    (x,) = noise(1)
    copies = [trial(with_z(x, z) * scale) for scale in np.linspace(0.5, 4, 50)]
    assert corrected(copies) == pytest.approx(NORMAL.cdf(-z), abs=0.008)


def test_trials_that_resemble_each_other_cost_less_than_independent_ones() -> None:
    common, *own = noise(21)
    told = []
    for share in (0.0, 0.8, 0.99):
        made = [np.sqrt(share) * common + np.sqrt(1 - share) * x for x in own]
        told.append(corrected([trial(with_z(x, z)) for x, z in zip(made, [2.5] + [0.0] * 19, strict=True)]))
    assert told[0] > told[1] > told[2]
    assert told[0] == pytest.approx(1 - (1 - NORMAL.cdf(-2.5)) ** 20, abs=0.03)


def test_trials_on_other_days_count_as_independent() -> None:
    shifted = [with_z(x, z) for x, z in zip(noise(10, 300), [2.5] + [0.0] * 9, strict=True)]
    days = [trial(x, first=310 * i) for i, x in enumerate(shifted)]
    assert corrected(days) == pytest.approx(1 - (1 - NORMAL.cdf(-2.5)) ** 10, abs=0.02)


def test_copies_that_share_most_days_cost_little() -> None:
    (x,) = noise(1, 1000)
    first, later = trial(with_z(x[:900], 2.5)), trial(x[100:], first=100)
    two_independent = 1 - (1 - NORMAL.cdf(-2.5)) ** 2
    assert NORMAL.cdf(-2.5) <= corrected([first, later]) < two_independent


def test_a_stronger_trial_in_front_is_weighed_first() -> None:
    """Step-down: the second of two is held against one fewer, and never comes out below the first."""
    x, y, z = noise(3)
    trials = [trial(with_z(x, 6.0)), trial(with_z(y, 2.2)), trial(with_z(z, 0.0))]
    second = corrected(trials, 1)
    assert second == pytest.approx(1 - (1 - NORMAL.cdf(-2.2)) ** 2, abs=0.008)
    assert corrected(trials, 0) <= second <= corrected(trials, 2)


def test_no_draw_reaches_a_statistic_of_eight_and_the_p_says_how_many_there_were() -> None:
    x, y = noise(2)
    assert corrected([trial(with_z(x, 8.0)), trial(y)], resamples=999) == 1 / 1000
    assert adjusted_p([trial(x), trial(y)], 0, [0.0, 1.0], resamples=999, seed=0) == 1 / 1000


def test_the_p_of_a_test_of_overlapping_outcomes_is_taken_at_its_word() -> None:
    """Means over 20 days: White's error is far too small, and yet the bar for two is that of two."""
    drawn = [np.convolve(x, np.ones(20), "valid") for x in noise(2, 2019)]
    told = adjusted_p([trial(x) for x in drawn], 0, [0.01, 0.6], seed=2)
    assert told == pytest.approx(0.0199, abs=0.012)


def test_a_trial_that_never_varies_raises_no_bar() -> None:
    x, *_ = noise(1)
    flat = [trial(np.full(800, value)) for value in (0.0, 0.3)]
    told = adjusted_p([trial(with_z(x, 2.0)), *flat], 0, [NORMAL.cdf(-2.0), 1.0, 1.0], seed=1)
    assert told == pytest.approx(NORMAL.cdf(-2.0), abs=0.008)
    empty = DayScores(np.zeros(0, np.int64), np.zeros(0))
    assert adjusted_p([empty, empty], 0, [1.0, 1.0], seed=1) == 1.0


def test_many_more_trials_than_are_held_in_memory_at_a_time() -> None:
    """Parts must not show: 600 trials in three parts, of which 599 are one copy of another."""
    x, y = noise(2, 300)
    trials = [trial(with_z(x, 2.0)), *[trial(with_z(y, z)) for z in np.linspace(-1, 1, 599)]]
    few = corrected([trials[0], trials[-1]])
    assert corrected(trials) == pytest.approx(few, abs=1e-3)


def test_a_family_of_null_trials_rings_about_as_often_as_it_says() -> None:
    rang = 0
    for seed in range(150):
        trials = [trial(x) for x in noise(10, 300, seed=1000 + seed)]
        best = int(np.argmin([own_p(one) for one in trials]))
        rang += corrected(trials, best, resamples=300) < 0.1
    assert 0.03 < rang / 150 < 0.19  # standard error 2.4%


@st.composite
def families(draw: st.DrawFn) -> tuple[list[DayScores], list[float]]:
    m = draw(st.integers(1, 5))
    trials = []
    for _ in range(m):
        n, first, seed = draw(st.integers(1, 40)), draw(st.integers(0, 60)), draw(st.integers(0, 9))
        scale = draw(st.sampled_from([0.0, 1e-6, 1.0, 1e6]))
        trials.append(trial(scale * np.random.default_rng(seed).normal(size=n), first))
    p = st.one_of(st.sampled_from([0.0, 1e-300, 1.0]), st.floats(0, 1))
    return trials, draw(st.lists(p, min_size=m, max_size=m))


@settings(max_examples=60, deadline=None)
@given(families(), st.integers(0, 3))
def test_what_always_holds(family: tuple[list[DayScores], list[float]], lost: int) -> None:
    trials, p = family
    told = [adjusted_p(trials, i, p, lost=lost, resamples=60, seed=4) for i in range(len(p))]
    assert all(own <= one <= 1 for own, one in zip(p, told, strict=True))
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(told)[order]) >= 0).all()  # a smaller p stays ahead
    again = adjusted_p(trials[::-1], len(p) - 1, p[::-1], lost=lost, resamples=60, seed=4)
    assert again == pytest.approx(told[0])  # whatever the order of the register
    if len(p) > 1:
        assert min(told) >= 1 / 61


def test_what_is_no_trial_is_refused() -> None:
    one = trial(np.arange(5.0))
    with pytest.raises(DataError, match="as many p-values"):
        adjusted_p([one], 0, [0.1, 0.2], seed=0)
    with pytest.raises(DataError, match="trial 1"):
        adjusted_p([one], 1, [0.1], seed=0)
    with pytest.raises(DataError, match="between 0 and 1"):
        adjusted_p([one], 0, [float("nan")], seed=0)
    with pytest.raises(SettingError, match="-1 lost"):
        adjusted_p([one], 0, [0.1], lost=-1, seed=0)
    with pytest.raises(DataError, match="ascend"):
        DayScores(np.array([3, 3]), np.zeros(2))
    with pytest.raises(DataError, match="do not fit"):
        DayScores(np.array([3, 4]), np.zeros(3))
    with pytest.raises(DataError, match="not finite"):
        DayScores(np.array([3, 4]), np.array([0.0, np.inf]))
