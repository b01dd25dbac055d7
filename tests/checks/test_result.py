"""How often the word GOOD falls: hardly ever where there is nothing, mostly where there is much."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger import metrics
from geiger.checks.base import Case
from geiger.checks.catalogue import ask_all
from geiger.checks.result import Word, result_of
from geiger.evidence.direction import pesaran_timmermann
from geiger.records import Answer, Figure, LoggedScorecard, RunLog, Status
from geiger.runlog.reader import parse_text

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


NAME = "AAPL_lstm_20251229_143022"
shares = st.none() | st.floats(0.3, 0.7)


@given(
    answer=st.none() | st.sampled_from(Answer),
    accuracy=shares,
    base=shares,
    p=st.none() | st.floats(0.0, 1.0),
    spread=st.none() | st.floats(0.0, 2.0),
    wfe=st.none() | st.floats(-1.0, 2.0),
    health=st.sampled_from(["SHRUNK_OK", "SHRUNK_OK, NO_SKILL", "OVERDISPERSED", "COLLAPSED_SIGN"]),
    schema=st.sampled_from([0, 1]),
)
def test_no_word_contradicts_the_verdict_or_the_base_rate(
    answer: Answer | None,
    accuracy: float | None,
    base: float | None,
    p: float | None,
    spread: float | None,
    wfe: float | None,
    health: str,
    schema: int,
) -> None:
    values = {
        "Direction Accuracy": accuracy,
        "Base Rate": base,
        "Direction Test p": p,
        "Prediction Std": spread,
        "WFE": wfe,
    }
    log = RunLog(
        schema=schema,
        figures=tuple(Figure(name, value, "number") for name, value in values.items()),
        scorecard=LoggedScorecard(notes=(f"Health: {health}: words.",)),
        verdict=("not evaluated" if answer is None else f"{answer}: a sentence",),
        status=Status.SUCCESS,
    )
    found = ask_all(Case(NAME, log))
    result = result_of(Case(NAME, log), found)
    if result is None:
        assert accuracy is None
        assert spread is None
        return
    below = accuracy is not None and base is not None and accuracy < base
    if result.word is Word.GOOD:
        assert answer in (None, Answer.SIGNAL)
        assert not below
    if answer is not None:
        assert result.shown == (answer is Answer.SIGNAL)
        assert f"verdict {answer}" in result.rests
        assert (result.word is Word.NOTHING_SHOWN) <= (answer is not Answer.SIGNAL)
    elif result.shown:
        assert not below
        assert base is not None or schema == 0
    assert result.rests, "a word says what it rests on"


PLAN = """\
=== TRAINING CONFIG ===
Symbol: AAPL
Model: lstm_regressor

=== FINAL METRICS ===
Direction Accuracy: {accuracy}
Prediction Std: 0.0423
Positive %: {positive}
WFE: {wfe}
Test Sharpe: 0.87
{more}
=== STATUS ===
SUCCESS
"""


@pytest.mark.parametrize(
    ("figures", "word", "rests"),
    [
        ({}, Word.GOOD, "by the plan's gates alone; no verdict and no base rate, so no word on skill"),
        ({"accuracy": "51.9%"}, Word.NOTHING_SHOWN, "Direction Accuracy 51.9%"),
        ({"positive": "70.0%"}, Word.NOTHING_SHOWN, "Positive % 70.0%, and the plan asks for 35% to 65%"),
        ({"wfe": "42.0%"}, Word.NOTHING_SHOWN, "WFE 42.0%, and the plan asks for above 50%"),
        ({"more": "Base Rate: 55.3%\n"}, Word.NOTHING_SHOWN, "not above the base rate"),
    ],
)
def test_a_log_of_the_plans_sections_alone_is_held_to_the_plans_own_gates(
    figures: dict[str, str], word: Word, rests: str
) -> None:
    text = PLAN.format(**{"accuracy": "54.2%", "positive": "52.1%", "wfe": "58.3%", "more": "", **figures})
    case = Case(NAME, parse_text(text))
    result = result_of(case, ask_all(case))
    assert result is not None
    assert result.word is word
    assert result.rests.startswith(rests)
