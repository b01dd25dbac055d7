"""The reader: round trips, the plan's own logs, half-written, foreign and hostile ones."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geiger.errors import DataError
from geiger.figures import PLAN_FIGURES
from geiger.records import (
    Better,
    Checkpoint,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    Notice,
    Outcome,
    Rung,
    Score,
    Status,
    Training,
    Unit,
    Year,
)
from geiger.runlog import RunLog, RunLogWriter, Scorecard, read_events, read_log, read_text, render
from geiger.runlog.events import encode_all
from geiger.runlog.facts import clean, plan_first, shown_epochs
from geiger.runlog.reader import parse_events, parse_text
from geiger.runlog.sections import FOLD_COLUMNS

steady = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

PLAN_ONLY = """\
=== TRAINING CONFIG ===
Symbol: AAPL
Model: lstm_regressor
Epochs: 50
Batch Size: 512
Learning Rate: 1e-3
Features: 154

=== EPOCH METRICS ===
Epoch 1: loss=0.0234, val_loss=0.0289, pred_std=0.0512, pos_pct=48.2%
Epoch 2: loss=0.0198, val_loss=0.0267, pred_std=0.0498, pos_pct=51.3%
...

=== FINAL METRICS ===
Direction Accuracy: 54.2%
Prediction Std: 0.0423
Positive %: 52.1%
WFE: 62.3%
Test Sharpe: 0.87

=== WARNINGS ===
- the forecasts are one-sided

=== STATUS ===
SUCCESS
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_log_that_has_only_the_plans_sections(end: str) -> None:
    log = parse_text(PLAN_ONLY.replace("\n", end))
    assert log.schema == 0
    assert log.config[0] == ("Symbol", "AAPL")
    assert log.config[-1] == ("Features", "154")
    assert log.epochs[1] == Epoch(2, 0.0198, 0.0267, 0.0498, 51.3)
    assert [(f.name, f.value) for f in log.figures] == [
        ("Direction Accuracy", 0.542),
        ("Prediction Std", 0.0423),
        ("Positive %", 0.521),
        ("WFE", 0.623),
        ("Test Sharpe", 0.87),
    ]
    assert log.warnings == (Notice("UNCODED", "the forecasts are one-sided"),)
    assert log.status is Status.SUCCESS
    assert log.checkpoints == ()
    assert log.verdict == ("not evaluated",)
    assert log.unread == (12,)  # the dots


def test_each_fact_has_its_line() -> None:
    lines = parse_text(PLAN_ONLY).lines
    source = PLAN_ONLY.splitlines()
    for key, start in {
        "TRAINING CONFIG": "=== TRAINING CONFIG",
        "TRAINING CONFIG/Batch Size": "Batch Size:",
        "EPOCH METRICS/2": "Epoch 2:",
        "FINAL METRICS/WFE": "WFE:",
        "WARNINGS/UNCODED": "- the forecasts",
        "STATUS/SUCCESS": "SUCCESS",
    }.items():
        assert source[lines[key] - 1].startswith(start)


def test_the_last_word_may_lack_its_line_end() -> None:
    assert parse_text(PLAN_ONLY.rstrip("\n")).status is Status.SUCCESS
    cut = parse_text(PLAN_ONLY[:-3])
    assert cut.status is None
    assert cut.unread[-1] == len(PLAN_ONLY.splitlines())


def test_a_line_cut_by_a_kill_is_no_fact() -> None:
    cut = parse_text(PLAN_ONLY[: PLAN_ONLY.index("val_loss=0.0267")])
    assert [epoch.epoch for epoch in cut.epochs] == [1]
    assert cut.unread == (11,)
    assert cut.status is None


@pytest.mark.parametrize("length", range(0, len(PLAN_ONLY), 7))
def test_a_log_cut_anywhere_is_read(length: int) -> None:
    whole, cut = parse_text(PLAN_ONLY), parse_text(PLAN_ONLY[:length])
    assert cut.config == whole.config[: len(cut.config)]
    assert cut.epochs == whole.epochs[: len(cut.epochs)]
    assert cut.figures == whole.figures[: len(cut.figures)]


def test_foreign_lines_and_sections_are_passed_over_and_counted() -> None:
    text = PLAN_ONLY.replace(
        "=== WARNINGS", "Epoch: soon\nhello\n\n=== GPU ===\ntemperature 71\n\n=== WARNINGS"
    )
    log = parse_text("Starting...\n" + text)
    assert log.status is Status.SUCCESS
    assert len(log.figures) == 5
    assert len(log.unread) == 6


@pytest.mark.parametrize("word", ["None", "[None]", "none", "[]"])
def test_no_warnings(word: str) -> None:
    text = PLAN_ONLY.replace("- the forecasts are one-sided", word)
    assert parse_text(text).warnings == ()


@pytest.mark.parametrize("word", ["undefined", "n/a", "N/A", "nan"])
def test_undefined_figures(word: str) -> None:
    log = parse_text(PLAN_ONLY.replace("62.3%", word))
    assert log.figures[3] == Figure("WFE", None, "share")


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("54,2\u00a0%", 0.542),  # as French and Swiss systems print it
        ("54.2\u202f%", 0.542),
        ("0.542", 0.542),
        ("54.2", None),  # per cent without the sign, or a fraction above 1
        ("142.0%", None),
        ("-5.0%", None),
        ("5.4e1%", None),
    ],
)
def test_a_share_is_read_where_it_can_be_one(shown: str, value: float | None) -> None:
    log = parse_text(PLAN_ONLY.replace("Direction Accuracy: 54.2%", f"Direction Accuracy: {shown}"))
    found = [figure.value for figure in log.figures if figure.name == "Direction Accuracy"]
    assert found == ([] if value is None else [pytest.approx(value)])
    assert (15 in log.unread) == (value is None)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Prediction Std: 4.2e-05", "Prediction Std", 4.2e-05),  # as Python prints a collapse
        ("Prediction Std: 1E-4", "Prediction Std", 1e-4),
        ("Prediction Std: -0.1", "Prediction Std", None),
        ("Test Sharpe: \u22120.87", "Test Sharpe", -0.87),
        ("WFE: 162.3%", "WFE", 1.623),
        ("WFE: 62.3", "WFE", None),
        ("Direction Test p: -1.000", "Direction Test p", None),
        ("Base Rate: 142.0%", "Base Rate", None),
    ],
)
def test_figures_of_other_hands(line: str, name: str, value: float | None) -> None:
    text = PLAN_ONLY[: PLAN_ONLY.index("Direction Accuracy")] + line + "\n\n=== STATUS ===\nSUCCESS\n"
    log = parse_text(text)
    assert [(f.name, f.value) for f in log.figures] == ([] if value is None else [(name, value)])
    assert (15 in log.unread) == (value is None)


HOSTILE = [
    b"",
    b"\x00\xff\xfe" * 100,
    b"=== EPOCH METRICS ===\nEpoch 99999999999999999999: loss=1\nEpoch 1: loss=__import__, val_loss=1e999\n",
    b"=== FINAL METRICS ===\nWFE: 9e99%\n: \nx: 1.2.3\nWFE: -\n",
    b"=== CHECKPOINTS ===\n999999999999. a: PASS (x)\n1. a: MAYBE (x)\n",
    b"=== SCORECARD ===\nLadder  value\nx  1\nYear  rows\n2001  3\nFigure  better\nx  sideways\nFigure\n",
    b"=== SCORECARD ===\nYear  rows  strategy  buy and hold  max drawdown  turnover\na  b  c  d  e  f\n",
    b"=== STATUS ===\nWONDERFUL\n",
    b"=== TRAINING CONFIG ===\nLog Format: x\n:::\n=== === ===\n",
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile_text_is_read_without_a_crash(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(data)
    log = read_log(path)
    assert log.status is None
    assert log.figures == ()
    assert render(log)


@steady
@given(st.binary(max_size=300), st.lists(st.sampled_from(PLAN_ONLY.splitlines()), max_size=12))
def test_any_bytes_are_read(data: bytes, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n" + data.decode("utf-8", errors="replace")
    assert isinstance(parse_text(text), RunLog)
    assert isinstance(parse_events(text), RunLog)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["event", "epoch", "name", "value", "unit", "values", "status", "lines", "settings", "n"]
)


@steady
@given(
    st.sampled_from(["epoch", "figure", "score", "status", "config", "fold", "x"]),
    st.dictionaries(FIELDS, JSON),
)
def test_any_json_is_read(kind: str, event: dict[str, object]) -> None:
    line = json.dumps({"event": kind, **event})
    log = parse_events(line + "\n")
    assert log.unread in ((), (1,))


def test_damaged_event_lines_are_counted_and_passed_over() -> None:
    good = '{"schema": 1, "event": "status", "status": "FAILED"}'
    bad = [
        "nonsense",
        "[1]",
        '{"schema": 1}',
        '{"schema": "1", "event": "status"}',
        "[" * 100_000,
        '{"a": NaN',
    ]
    log = parse_events("\n".join([*bad, good, '{"schema": 1, "event": "ep']))
    assert log.status is Status.FAILED
    assert log.unread == (1, 2, 3, 4, 5, 6, 8)


def test_events_without_a_version_are_lifted() -> None:
    log = parse_events('{"event": "warning", "text": "old"}\n')
    assert (log.schema, log.warnings) == (0, (Notice("UNCODED", "old"),))


def test_a_newer_format_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="format 2, this version reads up to 1; upgrade"):
        parse_events('{"schema": 2, "event": "status", "status": "FAILED"}\n')
    with pytest.raises(DataError, match="upgrade geiger-lab"):
        parse_text("=== TRAINING CONFIG ===\nSymbol: A\nLog Format: 2\n\n")


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        read_log(tmp_path / "no.log")
    with pytest.raises(DataError, match="cannot open"):
        read_log(tmp_path)
    with pytest.raises(DataError, match="cannot open"):
        read_text("a\0b")


def test_the_exact_facts_come_from_the_events_and_the_rest_from_the_text(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(PLAN_ONLY)
    path.with_suffix(".jsonl").write_text(
        '{"schema": 1, "event": "figure", "name": "WFE", "value": 0.62345, "unit": "share", "n": 7}\n'
    )
    log = read_log(path)
    assert log.figures == (Figure("WFE", 0.62345, "share", n=7),)
    assert log.status is Status.SUCCESS
    assert log.lines["FINAL METRICS/WFE"] == 18
    assert read_text(path).figures[3].value == 0.623


@pytest.mark.parametrize("word", ["SUCCESS", "success", "Collapsed"])
def test_a_status_is_read_in_any_case(word: str) -> None:
    log = parse_text(f"=== STATUS ===\n{word}")
    assert log.status is Status(word.upper())
    assert log.lines[f"STATUS/{word.upper()}"] == 2


def test_every_event_that_can_be_cited_has_its_line() -> None:
    lines = [
        '{"schema": 1, "event": "config", "settings": []}',
        '{"schema": 1, "event": "epoch", "epoch": 3, "loss": 1, "val_loss": 1, "pred_std": 0, "pos_pct": 50, '
        '"fold": 2, "seed": 1}',
        '{"schema": 1, "event": "epoch", "epoch": "three"}',
        '{"schema": 1, "event": "fold_score", "fold": 4, "first": "2001-01-02", "last": "2001-02-02", '
        '"rows": 9, "rho": null, "k": 0.1, "above_mean": null, "accuracy": null, "net": null, '
        '"buy_and_hold": null}',
    ]
    log = parse_events("\n".join(lines) + "\n")
    assert log.event_lines == {"epoch/2/1/3": 2, "fold_score/4": 4}
    assert log.unread == (3,)


# Round trips

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
    ).map(lambda figures: plan_first(tuple(figures))),
    checkpoints=st.lists(
        st.builds(Checkpoint, st.integers(0, 9), words, st.sampled_from(Outcome), words, st.none() | words),
        max_size=3,
    ).map(tuple),
    scorecard=st.builds(
        Scorecard,
        score_tables(),
        st.lists(rungs, max_size=3).map(tuple),
        st.lists(
            st.builds(Year, st.integers(1900, 2100), st.integers(0, 366), *[numbers] * 4), max_size=3
        ).map(tuple),
        st.lists(fold_scores, max_size=2).map(tuple),
        st.lists(words, max_size=2).map(tuple),
    ),
    verdict=st.lists(words, min_size=1, max_size=3).map(tuple),
    warnings=st.lists(notices, max_size=3, unique=True).map(tuple),
    status=st.sampled_from(Status),
)


@steady
@given(logs)
def test_events_give_back_exactly_what_went_in(log: RunLog) -> None:
    text = "".join(json.dumps(event, allow_nan=False) + "\n" for event in encode_all(log))
    read = parse_events(text)
    assert repr(replace(read, event_lines={})) == repr(log)  # repr, because NaN differs from itself
    assert read.unread == ()


@steady
@given(logs)
def test_text_read_and_written_again_is_the_same_text(log: RunLog) -> None:
    text = render(log)
    read = parse_text(text)
    assert render(read) == text
    assert read.unread == ()
    assert render(parse_text(text.replace("\n", "\r\n"))) == text


DECIMALS = {
    "share": 3,
    "points": 3,
    "return": 4,
    "bp": 2,
    "days": 0,
    "rows": 0,
    "p": 3,
    "ratio": 2,
    "number": 4,
}


def near(printed: float | None, exact: float | None, unit: Unit) -> bool:
    """Whether `printed` is `exact` rounded to the decimals of its unit."""
    if printed is None or exact is None:
        return printed is exact
    return math.isclose(printed, exact, rel_tol=1e-12, abs_tol=0.5000001 * 10.0 ** -DECIMALS[unit])


def same(printed: float, exact: float, tolerance: float) -> bool:
    return str(printed) == str(exact) or math.isclose(printed, exact, rel_tol=1e-12, abs_tol=tolerance)


@steady
@given(logs)
def test_text_gives_the_facts_as_precisely_as_they_were_printed(log: RunLog) -> None:
    read = parse_text(render(log))
    assert read.config == log.config
    assert (read.verdict, read.warnings, read.status) == (log.verdict, log.warnings, log.status)
    assert read.checkpoints == log.checkpoints
    assert read.scorecard.notes == log.scorecard.notes
    assert [f.name for f in read.figures] == [f.name for f in log.figures]
    assert all(near(a.value, b.value, b.unit) for a, b in zip(read.figures, log.figures, strict=True))
    for epoch, exact in zip(read.epochs, shown_epochs(log.epochs), strict=True):
        assert epoch.epoch == exact.epoch
        assert same(epoch.loss, exact.loss, 0.51e-4)
        assert same(epoch.pos_pct, exact.pos_pct, 0.051)
    for score, exact in zip(read.scorecard.scores, log.scorecard.scores, strict=True):
        assert (score.name, score.better) == (exact.name, exact.better)
        for (column, a), (name, b) in zip(score.values, exact.values, strict=True):
            assert column == name
            assert near(a, b, exact.unit)
    for rung, exact in zip(read.scorecard.rungs, log.scorecard.rungs, strict=True):
        assert near(rung.value, exact.value, exact.unit)
        assert rung == replace(exact, value=rung.value)
    for year, exact in zip(read.scorecard.years, log.scorecard.years, strict=True):
        assert (year.year, year.rows) == (exact.year, exact.rows)
        assert near(year.strategy, exact.strategy, "return")
        assert near(year.turnover, exact.turnover, "ratio")
    for fold, exact in zip(read.scorecard.folds, log.scorecard.folds, strict=True):
        assert (fold.fold, fold.first, fold.last, fold.rows) == (
            exact.fold,
            exact.first,
            exact.last,
            exact.rows,
        )
        for name, unit in FOLD_COLUMNS.values():
            assert near(getattr(fold, name), getattr(exact, name), unit)


@steady
@given(logs)
def test_what_the_writer_wrote_is_what_the_reader_reads(tmp_path: Path, log: RunLog) -> None:
    with RunLogWriter(tmp_path, "AAPL", "lstm", now=datetime(2025, 12, 29)) as writer:
        writer.config(log.config)
        for epoch in log.epochs:
            writer.epoch(epoch)
        for fold in log.folds:
            writer.fold(fold)
        for training in log.trainings:
            writer.training(training)
        for notice in log.warnings:
            writer.warn(notice)
        writer.finish(
            log.status or Status.FAILED,
            figures=log.figures,
            checkpoints=log.checkpoints,
            scorecard=log.scorecard,
            verdict=log.verdict,
        )
    assert writer.path is not None
    assert writer.events_path is not None
    assert repr(replace(read_log(writer.path), lines={}, event_lines={})) == repr(log)
    assert repr(replace(read_events(writer.events_path), event_lines={})) == repr(log)
    assert writer.path.read_text(encoding="utf-8") == render(log)
    writer.path.unlink()
    writer.events_path.unlink()


@steady
@given(st.text())
def test_clean_text_is_one_printable_line_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert once.isprintable()
    assert not once.startswith("===")
    assert clean(once) == once


def test_the_plans_five_come_first_and_in_its_units() -> None:
    mine = (Figure("Mine", 1.0, "ratio"), Figure("WFE", 0.5, "ratio"))
    found = plan_first(mine)
    assert [(f.name, f.unit) for f in found[:5]] == list(PLAN_FIGURES.items())
    assert found[3].value == 0.5
    assert found[5:] == mine[:1]
    assert plan_first(found) == found
