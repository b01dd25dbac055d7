"""What is issued of scores is what earlier outcomes say of them, and nothing later."""

from __future__ import annotations

from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.helpers.pooled import HORIZON, cut, made_panel, pooled_config

from geiger.errors import SettingError
from geiger.learning.folds import Fold
from geiger.panel.issue import FEWEST_DAYS, Chosen, choose, scale
from geiger.panel.material import PanelMaterial
from geiger.panel.scores import FoldScores
from geiger.panel.targets import day_means, targets_of
from geiger.seeds import generator
from geiger.settings import Config, override, panel_recipe

MADE, CONFIG = made_panel(), pooled_config()
TARGETS = targets_of(MADE, CONFIG.panel)
FIRST = 141  # day from which scores are there


def folds_with(
    selection: np.ndarray, timing: np.ndarray, material: PanelMaterial, every: int = 60
) -> list[FoldScores]:
    """Return scores (K, R) from day `FIRST` to the last with an outcome, cut into folds."""
    last, found, start = len(material.calendar) - HORIZON - 1, [], int(material.edges[FIRST])
    for index, first in enumerate(range(FIRST, last, every)):
        stop = min(first + every, last)
        rows = material.rows(first, stop)
        part = slice(rows.start - start, rows.stop - start)
        fold = Fold(index, range(0, 100), range(101, first - 1), range(first, stop))
        found.append(FoldScores(fold, rows, selection[:, part], timing[part], (1,), 1, 0.0, np.empty(0)))
    return found


def scores(material: PanelMaterial = MADE) -> tuple[np.ndarray, np.ndarray]:
    """Return two candidates, noise and half of the first feature, and a timing."""
    rows = material.rows(FIRST, len(material.calendar) - HORIZON - 1)
    draw = np.random.default_rng(7).standard_normal(len(MADE.day))[: rows.stop - rows.start]
    timing = 0.1 + 0.01 * (material.day[rows] % 7)
    return np.array([draw, 0.5 * material.features[rows, 0]]), timing


def issued(material: PanelMaterial = MADE, selection: np.ndarray | None = None):
    """Return what is issued, and what was chosen."""
    given, timing = scores(material)
    targets = targets_of(material, CONFIG.panel)
    chosen = choose(
        material, targets, folds_with(given if selection is None else selection, timing, material), CONFIG
    )
    return scale(material, targets, chosen, CONFIG), chosen


def known_at(day: int) -> range:
    """Return the days from `FIRST` whose outcomes are known at the close of a day."""
    return range(FIRST, day - HORIZON)


def test_the_slope_of_a_day_is_that_of_outcomes_known_by_then() -> None:
    found, chosen = issued()
    day = MADE.day[found.rows]
    for one in (day[0], 300, day[-1]):
        product = square = above = below = 0.0
        for past in known_at(int(one)):
            at = np.arange(len(MADE.day))[MADE.rows(past, past + 1)]
            beyond, score = TARGETS.beyond[at], chosen.score[at - chosen.rows.start]
            known = np.isfinite(beyond)
            product += (score[known] * beyond[known]).sum()
            square += (score[known] ** 2).sum()
            timing, mean = chosen.timing[at - chosen.rows.start].mean(), TARGETS.mean[past]
            above, below = above + timing * mean, below + timing**2
        at = day == one
        np.testing.assert_allclose(found.slope[at], product / square, rtol=1e-9)
        now = chosen.timing[found.rows.start - chosen.rows.start :][at]
        np.testing.assert_allclose(found.market[at], max(above / below, 0.0) * now, rtol=1e-9)


def test_the_first_days_only_teach() -> None:
    found, _ = issued()
    assert MADE.day[found.rows.start] == FIRST + CONFIG.panel.slope_days + HORIZON


def test_a_score_against_its_outcomes_is_issued_as_nothing() -> None:
    given, _ = scores()
    found, _ = issued(selection=-given)
    assert (found.slope[MADE.day[found.rows] > 350] == 0.0).all()
    assert found.next_slopes[0] == 0.0


def test_the_better_candidate_is_issued_once_enough_days_are_known() -> None:
    given, _ = scores()
    # The simplest, the last, is noise; the other one is worth something.
    _, chosen = issued(selection=given[::-1])
    days = [FIRST + 60 * number for number in range(len(chosen.candidates))]
    wanted = [0 if len(known_at(day)) >= FEWEST_DAYS else 1 for day in days]
    assert list(chosen.candidates) == wanted
    assert set(wanted) == {0, 1}
    assert chosen.next_candidate == 0


def test_scores_have_no_mean_over_a_day() -> None:
    _, chosen = issued()
    for one in (200, 333):
        assert chosen.score[MADE.day[chosen.rows] == one].sum() == pytest.approx(0.0, abs=1e-12)


def test_what_comes_next_is_what_a_longer_panel_finds_on_its_next_day() -> None:
    day = FIRST + 180  # a fold begins
    short = cut(MADE, day + 1)
    before, chosen = issued(short)
    after, later = issued()
    at = MADE.day[after.rows] == day
    assert before.next_slopes[0] == pytest.approx(after.slope[at][0], rel=1e-9)
    market = after.market[at][0] / later.timing[MADE.day[later.rows] == day][0]
    assert before.next_slopes[1] == pytest.approx(market, rel=1e-9)
    assert chosen.next_candidate == later.candidates[3]


def test_too_few_days_are_refused() -> None:
    rows = MADE.rows(FIRST, FIRST + CONFIG.panel.slope_days + HORIZON)
    n = rows.stop - rows.start
    few = Chosen(rows, np.zeros(n, dtype=np.int32), np.ones(n), np.ones(n))
    short = cut(MADE, FIRST + CONFIG.panel.slope_days + HORIZON)
    with pytest.raises(SettingError, match="only teach the size of the forecasts"):
        scale(short, targets_of(short, CONFIG.panel), few, CONFIG)


DAYS, NAMES, FOLD = 400, 4, 50


class Rows(SimpleNamespace):
    """As much of a panel's material as is read here: a full grid."""

    name = "MADE"
    day = np.repeat(np.arange(DAYS, dtype=np.int32), NAMES)
    counts = np.ones(DAYS, dtype=bool)

    @cached_property
    def edges(self) -> np.ndarray:
        return np.searchsorted(self.day, np.arange(DAYS + 1))


def targets(beyond: np.ndarray, mean: np.ndarray) -> Any:
    return SimpleNamespace(beyond=beyond, mean=mean)


def config(slope_days: int = 20) -> Config:
    return override(panel_recipe("quick"), {"panel": {"slope_days": slope_days}})


def folds(selection: np.ndarray, timing: np.ndarray) -> list[FoldScores]:
    """Folds of fifty days over all rows."""
    found = []
    for index, first in enumerate(range(0, DAYS, FOLD)):
        rows = slice(first * NAMES, (first + FOLD) * NAMES)
        fold = Fold(index, range(0), range(0), range(first, first + FOLD))
        found.append(FoldScores(fold, rows, selection[:, rows], timing[rows], (1,), 1, 0.0, np.empty(0)))
    return found


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two candidates, the first worth something; timing; outcomes beyond the mean of the day; its mean."""
    rng = generator(1, "issue")
    score = rng.standard_normal((2, DAYS * NAMES))
    beyond = 0.3 * score[0] + rng.standard_normal(DAYS * NAMES)
    timing = rng.standard_normal(DAYS * NAMES)
    mean = 0.5 * day_means(timing, Rows().day, DAYS) + 0.1 * rng.standard_normal(DAYS)
    return score, timing, beyond - day_means(beyond, Rows().day, DAYS)[Rows().day], mean


def test_the_simplest_until_enough_is_known_and_then_the_better_one(drawn: Any) -> None:
    score, timing, beyond, mean = drawn
    got = choose(Rows(), targets(beyond, mean), folds(score, timing), config())
    known = [first - 1 for first in range(0, DAYS, FOLD)]  # days whose outcomes are known on the first day
    assert got.candidates == tuple(0 if days >= FEWEST_DAYS else 1 for days in known)
    assert got.next_candidate == 0
    for first in range(0, DAYS, FOLD):
        rows = slice(first * NAMES, (first + FOLD) * NAMES)
        line = score[got.candidates[first // FOLD], rows].reshape(FOLD, NAMES)
        assert got.score[rows] == pytest.approx((line - line.mean(axis=1, keepdims=True)).ravel())
        assert set(got.fold[rows]) == {first // FOLD}


def test_of_equals_the_simplest(drawn: Any) -> None:
    score, timing, beyond, mean = drawn
    same = np.array([score[0], score[0]])
    got = choose(Rows(), targets(beyond, mean), folds(same, timing), config())
    assert set(got.candidates) == {1}


def test_slopes_by_hand(drawn: Any) -> None:
    """Day t: least squares through 0 over outcomes that were known at its close: up to t - 2."""
    score, timing, beyond, mean = drawn
    chosen = choose(Rows(), targets(beyond, mean), folds(score, timing), config())
    got = scale(Rows(), targets(beyond, mean), chosen, config())
    assert got.rows == slice(21 * NAMES, DAYS * NAMES)
    for day in (21, 200, DAYS - 1):
        past = slice(0, (day - 1) * NAMES)
        slope = (chosen.score[past] @ beyond[past]) / (chosen.score[past] @ chosen.score[past])
        now = slice((day - 21) * NAMES, (day - 20) * NAMES)
        assert got.slope[now] == pytest.approx(max(slope, 0.0))
        told = day_means(timing, Rows().day, DAYS)
        market = (told[: day - 1] @ mean[: day - 1]) / (told[: day - 1] @ told[: day - 1]) * told[day]
        assert got.market[now] == pytest.approx(market)
        assert got.expected[now] == pytest.approx(max(slope, 0.0) * got.score[now] + market)
    assert got.next_slopes[0] == pytest.approx((chosen.score @ beyond) / (chosen.score @ chosen.score))


def test_forecasts_that_were_worth_less_than_nothing_are_issued_as_nothing(drawn: Any) -> None:
    score, timing, beyond, mean = drawn
    known = targets(-beyond, mean)
    only = score[:1]
    got = scale(Rows(), known, choose(Rows(), known, folds(only, timing), config()), config())
    assert not got.slope[200 * NAMES :].any()
    assert got.next_slopes[0] == 0.0


@pytest.mark.parametrize("cut", [149, 150, 263])
def test_later_outcomes_change_no_bit(drawn: Any, cut: int) -> None:
    """At the close of day `cut` outcomes of the day before it, and of later ones, are not known."""
    score, timing, beyond, mean = drawn
    before = scale(
        Rows(),
        targets(beyond, mean),
        choose(Rows(), targets(beyond, mean), folds(score, timing), config()),
        config(),
    )
    later, later_mean = beyond.copy(), mean.copy()
    later[(cut - 1) * NAMES :] *= -7.0
    later_mean[cut - 1 :] = np.nan
    known = targets(later, later_mean)
    after = scale(Rows(), known, choose(Rows(), known, folds(score, timing), config()), config())
    until = slice(0, (cut + 1 - 21) * NAMES)
    for name in ("score", "slope", "market"):
        assert np.array_equal(getattr(before, name)[until], getattr(after, name)[until]), name
    assert not np.array_equal(before.slope, after.slope)


def test_too_few_days_to_learn_a_size_from_are_refused(drawn: Any) -> None:
    score, timing, beyond, mean = drawn
    chosen = choose(Rows(), targets(beyond, mean), folds(score, timing), config())
    with pytest.raises(
        SettingError, match=f"panel MADE: {DAYS} days are forecast out of sample, and the first 500"
    ):
        scale(Rows(), targets(beyond, mean), chosen, config(slope_days=499))


def test_outcomes_that_nobody_knows_yet_choose_no_candidate(drawn: Any) -> None:
    """Those of the day before a fold and of its first day would make the other candidate the better one."""
    score, timing, beyond, mean = drawn
    first = 4 * FOLD
    assert choose(Rows(), targets(beyond, mean), folds(score, timing), config()).candidates[4] == 0
    for day, wanted in ((first - 1, 0), (first, 0), (first - 2, 1)):
        changed, rows = beyond.copy(), slice(day * NAMES, (day + 1) * NAMES)
        first_one, other = (line[rows] - line[rows].mean() for line in score)
        changed[rows] = 1e3 * (other - first_one * (first_one @ other) / (first_one @ first_one))
        got = choose(Rows(), targets(changed, mean), folds(score, timing), config())
        assert got.candidates[4] == wanted, day
