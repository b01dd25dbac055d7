"""Any run log there may be, for tests that hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from geiger.cleaning import clean
from geiger.records import (
    Answer,
    AuditSummary,
    Better,
    Checkpoint,
    CheckSource,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    Notice,
    Outcome,
    RegisterHead,
    Rung,
    Score,
    SourceArm,
    Status,
    Training,
    Tries,
    Unit,
    Verdict,
    Worth,
    Year,
)
from geiger.runlog import LoggedScorecard, RunLog
from geiger.runlog.facts import plan_figures_first
from geiger.runlog.verdict import verdict_lines

steady = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
words = st.text(st.characters(codec="utf-8", exclude_characters=":"), max_size=12).map(
    lambda text: clean(text) or "x"
)
numbers = st.floats(-1e6, 1e6)
any_float = st.floats(allow_nan=True, allow_infinity=True)
maybe = st.none() | numbers
units = st.sampled_from(get_args(Unit))
betters = st.sampled_from(get_args(Better))
columns = st.sampled_from(
    [("strategy",), ("strategy", "buy and hold"), ("strategy", "constant long", "better")]
)


@st.composite
def score_tables(draw: st.DrawFn) -> tuple[Score, ...]:
    names = draw(columns)

    def score() -> Score:
        values = tuple((name, draw(maybe)) for name in names)
        return Score(draw(words), draw(units), draw(betters), values)

    return tuple(score() for _ in range(draw(st.integers(0, 3))))


steps = st.sampled_from([(0.6, 1.0, 1.5), (0.35, 0.25, 0.15), (0.05, 0.15, 0.25)])
rung_words = st.sampled_from(["none", "minimum", "target", "stretch"])
bands = st.sampled_from(["below", "realistic", "good", "excellent", "no band"])
rungs = st.builds(
    lambda name, value, unit, levels, reached, band: Rung(name, value, unit, *levels, reached, band),
    words,
    maybe,
    st.sampled_from(["ratio", "share", "points"]),
    steps,
    rung_words,
    bands,
)
notices = st.builds(Notice, st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True), words)
epochs = st.builds(
    Epoch,
    st.integers(0, 5000),
    any_float,
    any_float,
    any_float,
    numbers,
    st.integers(0, 9),
    st.integers(0, 3),
    st.booleans(),
)
days = st.dates().map(str)
folds = st.builds(
    FoldResult,
    st.integers(0, 9),
    *[days] * 6,
    *[st.integers(0, 9999)] * 3,
    st.lists(st.integers(0, 999), max_size=3).map(tuple),
    numbers,
)
fold_scores = st.builds(FoldScore, st.integers(0, 9), days, days, st.integers(0, 9999), *[maybe] * 6)
trainings = st.builds(
    Training,
    fold=st.integers(0, 9),
    seed=st.integers(0, 3),
    loss=words,
    target_unit=st.sampled_from(["standardised", "raw"]),
    **{name: any_float for name in ("target_std", "weight_decay", "learning_rate", "final_learning_rate")},
    **{name: st.integers(0, 5000) for name in ("epochs", "best_epoch", "steps")},
    **{name: any_float for name in ("head_gradient_first", "head_gradient_last")},
    **{name: maybe for name in ("k_train", "rho_train", "nrc1", "nrc2", "copies_yesterday")},
)


greens = st.builds(
    AuditSummary,
    color=st.just("green"),
    stages=st.integers(0, 20),
    cuts=st.integers(0, 9),
    day=days,
    other=st.sampled_from([(), ("code",), ("code", "trading settings")]),
)
reds = st.builds(lambda audit, leak: replace(audit, color="red", leak=leak), greens, st.none() | words)

arms = st.builds(
    SourceArm,
    r2=numbers,
    p_values=st.lists(numbers, max_size=2).map(tuple),
    oracle_p_values=st.lists(numbers, max_size=2).map(tuple),
)
verdicts = st.builds(
    Verdict,
    answer=st.sampled_from(Answer),
    sentence=words,
    reasons=st.lists(notices, max_size=2).map(tuple),
    alarms=st.lists(notices, max_size=1).map(tuple),
    days=st.integers(0, 5000),
    level=numbers,
    **{name: days for name in ("first", "last", "made_on", "data_to")},
    **{name: maybe for name in ("statistic", "p_value", "corrected_p", "slope", "slope_error", "worth_p")},
    **{name: maybe for name in ("needed_slope", "explained", "detectable", "difference", "second_p")},
    **{name: st.none() | st.integers(0, 99999) for name in ("days_for_measured", "days_for_needed")},
    worth=st.sampled_from(Worth),
    tries=st.none()
    | st.builds(
        Tries,
        key=words,
        series=words,
        skill=st.integers(0, 99),
        economic=st.integers(0, 99),
        lost=st.integers(0, 9),
        new=st.booleans(),
        head=st.builds(RegisterHead, st.integers(0, 99), st.integers(0, 99), words),
    ),
    check=st.none()
    | st.builds(
        CheckSource,
        **{name: words for name in ("symbol", "model", "source")},
        level=numbers,
        days=st.integers(0, 5000),
        null=arms,
        planted=st.lists(arms, max_size=2).map(tuple),
    ),
    rates=words,
    not_checked=st.lists(words, max_size=2).map(tuple),
)

logs = st.builds(
    RunLog,
    schema=st.just(1),
    config=st.lists(st.tuples(words, st.text(st.characters(codec="utf-8"), max_size=12).map(clean))).map(
        lambda pairs: (
            ("Symbol", "A"),
            ("Model", "m"),
            *(p for p in pairs if p[0] not in ("Symbol", "Model")),
        )
    ),
    epochs=st.lists(epochs, max_size=5).map(tuple),
    folds=st.lists(folds, max_size=2).map(tuple),
    trainings=st.lists(trainings, max_size=2).map(tuple),
    figures=st.lists(
        st.builds(Figure, words, maybe, units, betters, st.none() | st.integers(0, 9999)), max_size=5
    ).map(lambda figures: plan_figures_first(tuple(figures))),
    checkpoints=st.lists(
        st.builds(Checkpoint, st.integers(0, 9), words, st.sampled_from(Outcome), words, st.none() | words),
        max_size=3,
    ).map(tuple),
    scorecard=st.builds(
        LoggedScorecard,
        score_tables(),
        st.lists(rungs, max_size=3).map(tuple),
        st.lists(
            st.builds(Year, st.integers(1900, 2100), st.integers(0, 366), *[numbers] * 4), max_size=3
        ).map(tuple),
        st.lists(fold_scores, max_size=2).map(tuple),
        st.lists(words, max_size=2).map(tuple),
    ),
    judged=st.none() | verdicts,
    audit=st.none() | greens | reds,
    warnings=st.lists(notices, max_size=3, unique=True).map(tuple),
    status=st.sampled_from(Status),
).map(lambda log: replace(log, verdict=verdict_lines(log.judged)))
