"""How often the word GOOD falls: hardly ever where there is nothing, mostly where there is much."""

from __future__ import annotations

import numpy as np

from geiger import metrics
from geiger.checks.base import Case
from geiger.checks.catalogue import ask_all
from geiger.checks.result import Word, result_of
from geiger.evidence.direction import pesaran_timmermann
from geiger.records import Figure, LoggedScorecard, RunLog, Status

SEEDS, DAYS = 400, 750


def word(seed: int, correlation: float) -> Word:
    """Return the word for forecasts of a given correlation with fat-tailed outcomes that drift up."""
    rng = np.random.default_rng(seed)
    outcome = 0.0005 + 0.01 * rng.standard_t(5, DAYS) / np.sqrt(5 / 3)
    noise = rng.normal(size=DAYS)
    signal = correlation * (outcome - 0.0005) / 0.01 + np.sqrt(1 - correlation**2) * noise
    forecast, mean = 0.0005 + 0.0008 * signal, np.full(DAYS, 0.0005)
    health = metrics.health(forecast, outcome, mean, np.full(DAYS, 0.01), np.full(DAYS, 1500.0))
    figures = (
        Figure("Direction Accuracy", metrics.direction_accuracy(forecast, outcome), "share"),
        Figure("Prediction Std", health.k, "number"),
        Figure("Base Rate", metrics.base_rate(outcome), "share"),
        Figure("Direction Test p", pesaran_timmermann(forecast - mean, outcome).p_value, "p"),
    )
    codes = ", ".join((health.code, *health.also))
    notes = LoggedScorecard(notes=(f"Health: {codes}: {health.meaning}.",))
    case = Case("AAPL_ridge_20251229_143022", RunLog(figures=figures, scorecard=notes, status=Status.SUCCESS))
    result = result_of(case, ask_all(case))
    assert result is not None
    return result.word


def test_pure_noise_is_hardly_ever_good() -> None:
    """The test alone rings in 5% of them; accuracy above the base rate and NO_SKILL make it fewer."""
    words = [word(seed, 0.0) for seed in range(SEEDS)]
    assert words.count(Word.GOOD) <= 0.05 * SEEDS
    assert words.count(Word.NOTHING_SHOWN) >= 0.5 * SEEDS, "nothing is wrong with most of them"


def test_a_strong_signal_is_mostly_good() -> None:
    words = [word(seed, 0.25) for seed in range(100)]
    assert words.count(Word.GOOD) >= 80


def test_a_log_without_figures_has_no_word() -> None:
    assert result_of(Case("AAPL_ridge_20251229_143022", RunLog(status=Status.SUCCESS)), ()) is None
