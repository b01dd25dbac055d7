"""Lines and values are one pair: what is composed is lifted back, and events keep what lines round."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geiger.models import Forecaster, make
from geiger.models.stack import MetaLearner
from geiger.records import (
    Assessment,
    AuditSummary,
    EarlyStopping,
    Feeding,
    HealthCode,
    Objective,
    Optimizer,
    Plateau,
    RegisterHead,
    Residual,
    RunSettings,
    Status,
    TrainingSettings,
    Weighing,
)
from geiger.runlog import LoggedScorecard, RunLog, RunLogWriter, read_events, read_log, read_text
from geiger.runlog.wording import (
    assessment_in,
    assessment_of,
    audit_in,
    audit_line,
    config_lines,
    doctor_note,
    health_note,
    how_to_audit,
    is_audit_line,
    register_in,
    register_line,
    settings_in,
    settings_of,
)
from geiger.settings import StackSettings

WHOLE = RunSettings(
    symbol="AAPL",
    model="lstm",
    epochs=50,
    batch_size=512,
    learning_rate=1e-3,
    features=156,
    own_features="mine.py:gap (hash 0123456789ab): gap, own_return_1",
    own_target="clipped (in memory)",
    members=28,
    runs_dir="my runs",
    own_estimator="mine.py:make (hash 0123456789ab)",
    recipe="default",
    source="folder",
    where="my prices (old)/AAPL.csv",
    first_day="2010-01-04",
    last_day="2025-12-01",
    rows=4000,
    data_hash="0123456789ab",
    lockbox_rows=252,
    lockbox_from="2024-12-01",
    context=("SPY", "^VIX"),
    fill="next_open",
    folds=12,
    rolling=700,
    refit_rows=21,
    seeds=3,
    seed=7,
    rule="proportional",
    risk="balanced",
    cost_bps=5.5,
    threads=2,
    versions="code 01234567, Python 3.11, numpy 2",
    command="geiger train lstm AAPL",
    training=TrainingSettings(
        feeding=Feeding("dense", 60, 30),
        objective=Objective("directional_mse", "standardised", 0.5),
        residual=Residual("drift", "screened"),
        optimizer=Optimizer(1.0, 1e-4),
        plateau=Plateau(10, 0.5, "epochs", 1e-6),
        early_stopping=EarlyStopping(30, "epochs", True, True),
    ),
    forecasts_of="AAPL_lstm_20251229_143022",
)
LINES = {
    "Symbol": "AAPL",
    "Model": "lstm",
    "Epochs": "50",
    "Batch Size": "512",
    "Learning Rate": "0.001",
    "Features": "156",
    "Own Features": "mine.py:gap (hash 0123456789ab): gap, own_return_1",
    "Own Target": "clipped (in memory)",
    "Own Estimator": "mine.py:make (hash 0123456789ab)",
    "Recipe": "default",
    "Data": "folder (my prices (old)/AAPL.csv)",
    "Members": "28",
    "Days": "2010-01-04 to 2025-12-01 (4000 rows)",
    "Data Hash": "0123456789ab",
    "Lock-box": "last 252 rows, from 2024-12-01",
    "Context": "SPY + ^VIX",
    "Fill": "next_open",
    "Folds": "12, rolling 700 rows, refit every 21 rows",
    "Seeds": "3 from root 7",
    "Trading": "proportional, risk balanced",
    "Cost": "5.5 bp a unit of turnover",
    "Threads": "2",
    "Versions": "code 01234567, Python 3.11, numpy 2",
    "Command": "geiger train lstm AAPL",
    "Runs Folder": "my runs",
    "Feeding": "dense, lookback 60, burn-in 30 days",
    "Loss": "directional_mse, direction weight 0.5, target standardised",
    "Residual": "drift, change starts at 0, linear skip screened",
    "Optimizer": "Adam, gradient clipped at norm 1 a variable, weight decay 0.0001",
    "Plateau": "x 0.5 after 10 epochs, at least 1e-06",
    "Early Stopping": "patience 30 epochs, best weights kept, then trained on all rows",
    "Forecasts of": "AAPL_lstm_20251229_143022",
}


def test_the_lines_are_those_that_people_know() -> None:
    assert dict(config_lines(WHOLE)) == LINES
    assert [name for name, _ in config_lines(WHOLE)] == list(LINES)


def test_what_a_run_lacks_has_no_line_or_says_so() -> None:
    lines = dict(config_lines(RunSettings(symbol="AAPL", model="ridge", lockbox_rows=0, context=())))
    assert lines == {
        "Symbol": "AAPL",
        "Model": "ridge",
        "Epochs": "not applicable",
        "Batch Size": "not applicable",
        "Learning Rate": "not applicable",
        "Lock-box": "none",
        "Context": "none",
    }


@pytest.mark.parametrize(
    ("part", "name", "text"),
    [
        ({"plateau": Plateau()}, "Plateau", "off"),
        (
            {"early_stopping": EarlyStopping(None, None, False)},
            "Early Stopping",
            "patience off, last weights kept",
        ),
        (
            {"early_stopping": EarlyStopping(900, "steps", True)},
            "Early Stopping",
            "patience 900 steps, best weights kept",
        ),
        (
            {"optimizer": Optimizer(None, 0.0)},
            "Optimizer",
            "Adam, gradient clipped at norm off, weight decay 0",
        ),
        ({"objective": Objective("mse", "raw")}, "Loss", "mse, target raw"),
        (
            {"weighing": Weighing("elastic_net", "raw", 0.01, None, 0.5)},
            "Meta-learner",
            "ElasticNet, alpha 0.01, l1 ratio 0.5, weights >= 0, raw units",
        ),
        (
            {"weighing": Weighing("elastic_net", "standardised", None, 0.1, 0.5)},
            "Meta-learner",
            "ElasticNet, alpha 0.1 of the largest, l1 ratio 0.5, weights >= 0, standardised units",
        ),
        ({"weighing": Weighing("nnls", "raw")}, "Meta-learner", "nnls, raw units"),
        ({"weighing": Weighing("equal")}, "Meta-learner", "equal"),
    ],
)
def test_each_part_of_a_training_in_words_and_back(part: dict[str, Any], name: str, text: str) -> None:
    values = RunSettings(training=TrainingSettings(**part))
    assert dict(config_lines(values))[name] == text
    assert settings_in([(name, text)]) == values


# What lines print exactly: few digits, words without spaces, one line of text.
words = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
counts = st.integers(1, 10**9 - 1)
numbers = st.floats(0.0, 1e6, allow_nan=False).map(lambda x: float(f"{x:g}"))
days = st.dates().map(str)
texts = st.text("abcXYZ019 ,.:()/+-", min_size=1, max_size=20).map(str.strip).filter(bool)
maybe = st.none


def plateaus() -> st.SearchStrategy[Plateau]:
    return st.just(Plateau()) | st.builds(Plateau, counts, numbers, words, numbers)


def stops() -> st.SearchStrategy[EarlyStopping]:
    off = st.builds(EarlyStopping, st.none(), st.none(), st.booleans(), st.booleans())
    return off | st.builds(EarlyStopping, counts, words, st.booleans(), st.booleans())


def weighings() -> st.SearchStrategy[Weighing]:
    simple = st.builds(Weighing, words, maybe() | words)
    by_alpha = st.builds(Weighing, st.just("elastic_net"), words, numbers, st.none(), numbers)
    by_share = st.builds(Weighing, st.just("elastic_net"), words, st.none(), numbers, numbers)
    return simple | by_alpha | by_share


trainings = st.builds(
    TrainingSettings,
    weighing=maybe() | weighings(),
    feeding=maybe() | st.builds(Feeding, words, counts, counts),
    objective=maybe() | st.builds(Objective, words, words, maybe() | numbers),
    residual=maybe() | st.builds(Residual, words, words),
    optimizer=maybe() | st.builds(Optimizer, maybe() | numbers, numbers),
    plateau=maybe() | plateaus(),
    early_stopping=maybe() | stops(),
)


@st.composite
def run_settings(draw: st.DrawFn) -> RunSettings:
    """Settings as a run has them: what stands in one line is there together."""
    together: list[dict[str, st.SearchStrategy[Any]]] = [
        {"epochs": counts},
        {"trees": counts},
        {"source": words, "where": texts},
        {"first_day": days, "last_day": days, "rows": counts},
        {"lockbox_rows": counts, "lockbox_from": days},
        {"context": st.lists(words.filter(lambda w: w != "none"), max_size=2).map(tuple)},
        {"folds": counts, "rolling": maybe() | counts, "refit_rows": counts},
        {"seeds": counts, "seed": counts},
        {"rule": words, "risk": words},
        {"cost_bps": numbers},
        {"learning_rate": numbers},
    ]
    together += [{name: counts} for name in ("batch_size", "features", "threads")]
    together += [
        {name: texts}
        for name in (
            *("symbol", "model", "recipe", "data_hash", "fill"),
            *("versions", "command", "forecasts_of", "own_features", "own_target", "own_estimator"),
        )
    ]
    kept = [group for group in together if draw(st.booleans())]
    given: dict[str, Any] = {name: draw(strategy) for group in kept for name, strategy in group.items()}
    if "epochs" in given:
        given.pop("trees", None)
    return RunSettings(**given, training=draw(trainings))


@given(run_settings())
def test_what_is_composed_is_lifted_back(values: RunSettings) -> None:
    assert settings_in(config_lines(values)) == values


def test_every_setting_stands_in_a_line() -> None:
    left_out = {"trees"}  # in the line of the epochs, where a model grows them
    for field in fields(RunSettings):
        assert field.name in left_out or getattr(WHOLE, field.name) != field.default, field.name
    assert settings_in(config_lines(WHOLE)) == WHOLE
    assert settings_in([("Epochs", "75 (trees)")]) == RunSettings(trees=75)


@pytest.mark.parametrize("text", ["", "???", "NaN", "12 of 13", "1" * 40])
def test_lines_that_say_something_else_give_no_value(text: str) -> None:
    free = {"Symbol", "Model", "Recipe", "Data Hash", "Fill", "Versions", "Command", "Forecasts of"}
    free |= {"Runs Folder", "Context", "Own Features", "Own Target", "Own Estimator"}  # any text
    told = [(name, text) for name in LINES if name not in free] + [("Meta-learner", "a, b, c")]
    assert settings_in(told) == RunSettings()


WAITING = {"patience_unit": "epochs", "plateau_patience": 10, "stop_patience": 30, "refit": False}


@pytest.mark.parametrize(
    "model",
    [
        *(make("lstm", WAITING), make("xlstm", {"patience_unit": "steps", "refit": True})),
        make(
            "lstm", {"plateau_patience": None, "stop_patience": None, "clip_norm": None, "keep_best": False}
        ),
        make("lstm", {"loss": "directional_mse", "skip": "screened"}),
        *(MetaLearner(StackSettings(meta="elastic_net", alpha_share=share)) for share in (None, 0.1)),
        *(MetaLearner(StackSettings(meta=meta)) for meta in ("nnls", "equal", "simplex")),
        make("ridge"),
    ],
)
def test_every_model_of_ours_says_what_lines_can_say(model: Forecaster | MetaLearner) -> None:
    values = RunSettings(training=model.described())
    assert settings_in(config_lines(values)) == values


def test_health_and_doctor_in_words_and_back() -> None:
    notes = [
        "978 test days, first fill 2010-01-05.",
        health_note((HealthCode.SHRUNK_OK, HealthCode.NO_SKILL), "small, and: within the noise"),
        doctor_note("DECAY", "Weight decay: too large."),
        "Doctor: Test rows: k 0.1, 252 rows.",
    ]
    assert notes[1] == "Health: SHRUNK_OK, NO_SKILL: small, and: within the noise."
    assert assessment_in(notes) == Assessment(("SHRUNK_OK", "NO_SKILL"), "DECAY")
    assert assessment_in(["Healthy: X: no note of ours"]) == Assessment()


AUDIT = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")


@pytest.mark.parametrize(
    ("audit", "line"),
    [
        (AUDIT, "Audit: green, 13 stages, 8 cuts, 2026-11-29"),
        (
            replace(AUDIT, other=("code", "trading settings")),
            "Audit: green, 13 stages, 8 cuts, 2026-11-29, of other code and trading settings",
        ),
        (
            replace(AUDIT, color="red", leak="features: own_x; or so (1)", other=("code",)),
            "Audit: red, 13 stages, 8 cuts, 2026-11-29, of other code; "
            "look-ahead in features: own_x; or so (1)",
        ),
        (
            replace(AUDIT, color="red"),
            "Audit: red, 13 stages, 8 cuts, 2026-11-29; a planted leak was not caught",
        ),
    ],
)
def test_an_audit_in_words_and_back(audit: AuditSummary, line: str) -> None:
    assert audit_line(audit) == line
    assert audit_in(line) == audit


@pytest.mark.parametrize(
    "line",
    [
        "Audit: green, 13 stages, 8 cuts, 2026-11-29; look-ahead in features: x",
        "Audit: red, 13 stages, 8 cuts, 2026-11-29",
        "Audit: green",
        "Audit: grey, 13 stages, 8 cuts, 2026-11-29",
        "the audit: none",
    ],
)
def test_what_no_audit_says_is_no_line_of_one(line: str) -> None:
    assert audit_in(line) is None
    assert not is_audit_line(line)


def test_how_an_audit_is_made() -> None:
    run = "AAPL_ridge_20240105_143022"
    assert how_to_audit(run) == f"`geiger audit --run {run}` makes one"
    again = how_to_audit(run, ("target", "estimator"))
    assert f"geiger audit --run {run} --target FILE.py:NAME --estimator FILE.py:NAME`" in again
    assert is_audit_line(audit_line(None, again))


def written(folder: Path, values: RunSettings, assessment: Assessment | None) -> Path:
    with RunLogWriter(folder, "AAPL", "lstm", now=datetime(2025, 12, 29, 14, 30, 22)) as log:
        log.settings(values)
        notes = (health_note(("NO_SKILL",), "noise"), doctor_note("NO_SIGNAL", "none"))
        log.finish(Status.SUCCESS, scorecard=LoggedScorecard(notes=notes), assessment=assessment)
    assert log.path is not None
    return log.path


def test_events_are_exact_where_lines_are_rounded(tmp_path: Path) -> None:
    exact = replace(WHOLE, learning_rate=0.00123456789, cost_bps=5.123456789)
    said = Assessment(("SOMETHING_NEWER",), "NO_SIGNAL")
    path = written(tmp_path, exact, said)
    assert settings_of(read_log(path)) == exact
    assert assessment_of(read_log(path)) == said
    assert settings_of(read_text(path)) == replace(exact, learning_rate=0.00123457, cost_bps=5.12346)
    assert assessment_of(read_text(path)) == Assessment(("NO_SKILL",), "NO_SIGNAL")


def test_events_of_before_there_were_values_are_lifted_from_their_lines(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE, None)
    events = path.with_suffix(".jsonl")
    old = [json.loads(line) for line in events.read_text().splitlines()]
    for event in old:
        event.pop("values", None)
    assert "assessment" not in {event["event"] for event in old}
    events.write_text("".join(json.dumps(event) + "\n" for event in old))
    log = read_events(events)
    assert (log.settings, log.unread) == (None, ())
    assert settings_of(log) == WHOLE
    assert assessment_of(log) == Assessment(("NO_SKILL",), "NO_SIGNAL")


def test_values_of_a_later_day_are_passed_over_and_damaged_ones_counted(tmp_path: Path) -> None:
    events = written(tmp_path, WHOLE, None).with_suffix(".jsonl")
    first, *rest = events.read_text().splitlines()
    config = json.loads(first)
    config["values"]["tomorrow"] = 1
    events.write_text("\n".join([json.dumps(config), *rest, ""]))
    assert read_events(events).settings == WHOLE
    config["values"]["rows"] = "many"
    events.write_text("\n".join([json.dumps(config), *rest, ""]))
    assert read_events(events).unread == (1,)
    assert settings_of(read_log(events.with_suffix(".log"))) == WHOLE  # what the text says


def test_secrets_are_hidden_among_the_values_as_well(tmp_path: Path) -> None:
    path = written(
        tmp_path, replace(WHOLE, command="geiger train lstm AAPL --where https://me:pw@host"), None
    )
    assert "me:pw" not in path.with_suffix(".jsonl").read_text()
    assert "https://[hidden]@host" in (settings_of(read_log(path)).command or "")


def test_a_run_log_made_by_hand_is_asked_the_same_way() -> None:
    log = RunLog(config=(("Plateau", "x 0.5 after 10 epochs, at least 1e-06"),))
    assert settings_of(log).training.plateau == Plateau(10, 0.5, "epochs", 1e-6)


def test_a_lock_box_of_none_is_read_as_no_rows() -> None:
    assert settings_in([("Lock-box", "none")]).lockbox_rows == 0


@given(
    trials=st.integers(0, 10**8),
    lines=st.integers(0, 10**8),
    digest=st.text("0123456789abcdef", min_size=64, max_size=64),
)
def test_the_head_of_the_register_comes_back_from_its_line(trials: int, lines: int, digest: str) -> None:
    head = RegisterHead(trials, lines, digest)
    assert register_in(register_line(head)) == head


@pytest.mark.parametrize(
    "line",
    [
        register_line(None),
        register_line(None, "runs/trials: cannot be written"),
        "Register: 1 trials, 1 lines, head abc",
        "Register: x trials, 1 lines, head " + "a" * 64,
        "Register: 1 trials, 1 lines, head " + "a" * 65,
    ],
)
def test_a_line_without_a_head_tells_none(line: str) -> None:
    assert register_in(line) is None
