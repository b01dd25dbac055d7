"""Every run in one row: what a record says, what cannot be read, what has not ended, in every order."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.cross_section import CrossSection, RankIC
from geiger.errors import SettingError
from geiger.figures import FigureName
from geiger.records import (
    Answer,
    AuditSummary,
    Epoch,
    Figure,
    FoldResult,
    Health,
    HealthCode,
    Notice,
    Status,
    Verdict,
    Why,
)
from geiger.runlog import RunLogWriter
from geiger.runlog.facts import STILL_RUNNING
from geiger.runs.listing import SORTS, Choice, Listing, rows
from geiger.runs.record import PanelMember, RunRecord, read_record, write_record

NOW = dt.datetime(2024, 1, 10, tzinfo=dt.UTC)


def judged(answer: Answer = Answer.NO_SIGNAL, p: float | None = 0.3) -> Verdict:
    return Verdict(
        answer=answer,
        sentence="what they know would not pay",
        reasons=(Notice(Why.WEAK, "weak"),),
        days=500,
        first="2020-01-02",
        last="2021-12-30",
        corrected_p=p,
        level=0.01,
        made_on="2024-01-05",
        data_to="2022-01-03",
    )


@pytest.fixture
def place(tmp_path: Path, made_record: Callable[..., RunRecord]) -> Callable[..., Path]:
    """Write a record into a folder of runs, and return the folder of its run."""

    def place(name: str = "AAPL_ridge_20240105_143022", **changes: Any) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        write_record(folder, made_record(name=name, **changes))
        return folder

    return place


def listed(tmp_path: Path) -> list[Any]:
    return Listing(tmp_path / "runs", tmp_path / "logs").rows(NOW)


def test_a_row_says_what_the_record_says(
    tmp_path: Path, place: Callable[..., Path], made_record: Callable[..., RunRecord]
) -> None:
    results = replace(
        made_record().results,
        health=Health(HealthCode.NO_SKILL, (), "noise", 500, 0.1, rho=0.0123, rho_error=0.0445),
        figures=(
            FigureName.SHARPE.of(0.87, 500),
            FigureName.BUY_AND_HOLD_SHARPE.of(1.02, 500),
            Figure("WFE", None, "share"),
        ),
    )
    red = AuditSummary(color="red", stages=13, cuts=8, day="2024-01-06", leak="features x")
    folder = place(results=results, verdict=judged(p=0.0123), audit=red, config={"recipe": "quick"})
    (row,) = listed(tmp_path)
    assert (row.name, row.status, row.recorded) == (folder.name, "SUCCESS", True)
    assert (row.symbol, row.model, row.kind, row.recipe) == ("AAPL", "ridge", "train", "quick")
    assert (row.answer, row.corrected_p) == ("NO SIGNAL", 0.0123)
    assert (row.correlation, row.correlation_error) == (0.0123, 0.0445)
    assert (row.sharpe, row.held_sharpe, row.audit) == (0.87, 1.02, "red")
    assert row.when == dt.datetime(2024, 1, 5, 14, 30, 22, tzinfo=dt.UTC)
    assert (row.correlation_text(), row.sharpe_text()) == ("0.012 ±0.044", "0.87 (1.02)")
    assert (row.answer_text(), row.p_text(), row.note()) == ("NO SIGNAL", "0.0123", "red audit")


def test_figures_that_are_too_good_are_marked(
    tmp_path: Path, place: Callable[..., Path], made_record: Callable[..., RunRecord]
) -> None:
    alarm = Notice("LEAK_SUSPECT", "net Sharpe ratio 13.95")
    place(verdict=replace(judged(p=1e-7), alarms=(alarm,)))
    (row,) = listed(tmp_path)
    assert (row.suspect, row.note(), row.p_text()) == (True, "leak suspected", "<0.0001")


def test_a_panel_is_listed_with_its_rank_correlation(
    tmp_path: Path, place: Callable[..., Path], made_record: Callable[..., RunRecord]
) -> None:
    ics = (
        RankIC(kind="year", name="2020", days=250, mean=0.9, error=0.1),
        RankIC(kind="all", name="all days", days=500, mean=0.021, error=0.004),
    )
    member = PanelMember(
        symbol="A", source="file", where="a.csv", data_hash="0", first_day="", last_day="", rows=1
    )
    found = CrossSection(least_names=5, names=(8, 10, 12), ics=ics)
    place(
        "US_ridge_20240105_143022",
        results=replace(made_record().results, cross_section=found),
        members=(member,),
    )
    (row,) = listed(tmp_path)
    assert row.panel
    assert (row.correlation, row.correlation_error) == (0.021, 0.004)


def test_the_narrow_reading_agrees_with_the_whole_one(
    tmp_path: Path, place: Callable[..., Path], made_record: Callable[..., RunRecord]
) -> None:
    """A record with a number that JSON has no word for, and one from before there were verdicts."""
    folder = place()
    facts = json.loads((folder / "run.json").read_text())
    facts["results"]["figures"].append({"name": "Test Sharpe", "value": float("nan"), "unit": "ratio"})
    facts["verdict"] = "not evaluated"
    (folder / "run.json").write_text(json.dumps(facts))
    assert "NaN" in (folder / "run.json").read_text()
    (row,) = listed(tmp_path)
    whole = read_record(folder)
    assert whole is not None
    assert (row.status, row.answer, row.symbol) == (whole.status, "", whole.symbol)
    assert row.sharpe != row.sharpe


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "damaged, no JSON"),
        ("[]", "expected `object`"),
        ('{"symbol": "AAPL"}', "missing"),
        (
            '{"schema": 99, "symbol": "A", "model": "m", "status": "SUCCESS", "results": {}}',
            "schema 99 is newer",
        ),
        ('{"symbol": "A", "model": "m", "status": "FINE", "results": {}}', "status"),
    ],
)
def test_a_damaged_record_is_a_row_that_says_so(
    content: str, why: str, tmp_path: Path, place: Callable[..., Path]
) -> None:
    place()
    broken = tmp_path / "runs" / "IBM_gbm_xgb_20240106_090000"
    broken.mkdir()
    (broken / "run.json").write_text(content)
    row, whole = listed(tmp_path)
    assert (row.name, row.status, row.recorded) == (broken.name, "damaged", False)
    assert (row.symbol, row.model) == ("IBM", "xgb")
    assert why in row.trouble
    assert whole.status == "SUCCESS"


def test_what_is_no_run_is_not_listed(tmp_path: Path, place: Callable[..., Path]) -> None:
    place()
    for name in ("snapshots", ".parts", "trials"):
        (tmp_path / "runs" / name).mkdir()
    (tmp_path / "runs" / "IBM_ridge_20240105_143022").mkdir()  # nothing in it yet
    assert [row.name for row in listed(tmp_path)] == ["AAPL_ridge_20240105_143022"]
    assert rows(tmp_path / "nowhere", tmp_path / "nowhere") == []


def test_a_row_is_read_again_when_the_record_changes(
    tmp_path: Path, place: Callable[..., Path], made_record: Callable[..., RunRecord]
) -> None:
    folder = place()
    listing = Listing(tmp_path / "runs", tmp_path / "logs")
    (before,) = listing.rows(NOW)
    assert listing.rows(NOW)[0] is before
    write_record(folder, made_record(name=folder.name, verdict=judged(Answer.CANNOT_TELL)))
    assert listing.rows(NOW)[0].answer == "CANNOT TELL"


def test_links_are_followed_only_where_they_may_be(tmp_path: Path, place: Callable[..., Path]) -> None:
    elsewhere = tmp_path / "elsewhere"
    place().rename(elsewhere)
    (tmp_path / "runs" / "AAPL_ridge_20240105_143022").symlink_to(elsewhere)
    assert len(listed(tmp_path)) == 1
    confined = Listing(tmp_path / "runs", tmp_path / "logs", follow=False)
    assert confined.rows(NOW) == []


# ---- trainings that left no run ----


def log_of(tmp_path: Path, model: str = "lstm") -> RunLogWriter:
    return RunLogWriter(tmp_path / "logs", "IBM", model, now=dt.datetime(2024, 1, 9, 12, 0, 0), shown=(0, 0))


def aged(writer: RunLogWriter, seconds: float) -> None:
    for path in (writer.path, writer.events_path):
        assert path is not None
        at = NOW.timestamp() - seconds
        os.utime(path, (at, at))


def test_a_training_that_goes_on_has_its_last_epoch(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        for number in (1, 2):
            log.epoch(Epoch(number, 1.0, 1.1, 0.05, 50.0, fold=3))
    aged(log, STILL_RUNNING - 1)
    (row,) = listed(tmp_path)
    assert (row.name, row.status, row.recorded) == ("IBM_lstm_20240109_120000", "running", False)
    assert (row.symbol, row.model, row.fold, row.epoch) == ("IBM", "lstm", 3, 2)
    assert row.progress() == "fold 3, epoch 2"
    aged(log, STILL_RUNNING + 1)
    assert listed(tmp_path)[0].status == "stopped"


def test_a_fold_that_is_done_counts_where_no_epoch_came_since(tmp_path: Path) -> None:
    with log_of(tmp_path, "ridge") as log:
        log.fold(FoldResult(4, *["2020-01-02"] * 6, 100, 10, 10, (1,), 0.1))
    aged(log, 0)
    (row,) = listed(tmp_path)
    assert (row.fold, row.epoch, row.progress()) == (4, None, "fold 4")


def test_one_that_was_stopped_or_failed_says_why(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        log.stop("by the user (Ctrl-C)")
    aged(log, 0)
    (row,) = listed(tmp_path)
    assert (row.status, row.trouble) == ("stopped", "by the user (Ctrl-C)")
    with log_of(tmp_path) as log:
        log.warn(Notice("TRAINING_FAILED", "the loss is not finite"))
        log.finish(Status.FAILED)
    failed = next(row for row in listed(tmp_path) if row.status != "stopped")
    assert (failed.status, failed.trouble) == ("FAILED", "the loss is not finite")


def test_a_log_whose_run_was_removed_is_no_training(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        log.finish(Status.SUCCESS)
    assert listed(tmp_path) == []


def test_a_log_of_text_alone_counts_as_well(tmp_path: Path) -> None:
    with log_of(tmp_path) as log:
        log.epoch(Epoch(7, 1.0, 1.1, 0.05, 50.0))
    assert log.events_path is not None
    log.events_path.unlink()
    assert log.path is not None
    os.utime(log.path, (NOW.timestamp(), NOW.timestamp()))
    (row,) = listed(tmp_path)
    assert (row.status, row.epoch) == ("running", 7)


def test_a_run_is_listed_once_though_it_has_a_log(tmp_path: Path, place: Callable[..., Path]) -> None:
    with log_of(tmp_path) as log:
        log.epoch(Epoch(7, 1.0, 1.1, 0.05, 50.0))
    place("IBM_lstm_20240109_120000", symbol="IBM", model="lstm")
    (row,) = listed(tmp_path)
    assert row.recorded


# ---- order and choice ----


@pytest.fixture
def several(tmp_path: Path, place: Callable[..., Path], made_record: Callable[..., RunRecord]) -> list[Any]:
    """Four runs; the third has no verdict, the fourth is a backtest."""

    def results(sharpe: float, rho: float) -> Any:
        health = Health(HealthCode.NO_SKILL, (), "noise", 500, 0.1, rho=rho, rho_error=0.04)
        return replace(made_record().results, health=health, figures=(FigureName.SHARPE.of(sharpe, 9),))

    at = "2024-01-0{}T12:00:00+00:00".format
    place(
        "A_ridge_20240101_000000",
        symbol="A",
        results=results(0.5, 0.03),
        verdict=judged(p=0.2),
        finished_at=at(1),
    )
    place(
        "B_gbm_xgb_20240102_000000",
        symbol="B",
        model="xgb",
        results=results(0.9, 0.01),
        verdict=judged(Answer.SIGNAL, 0.001),
        finished_at=at(2),
    )
    place(
        "C_ridge_20240103_000000",
        symbol="C",
        results=results(0.1, 0.02),
        finished_at=at(3),
        status=Status.COLLAPSED,
    )
    place(
        "A_backtest_20240104_000000",
        symbol="A",
        kind="backtest",
        forecasts_of="A_ridge_20240101_000000",
        results=results(0.7, 0.03),
        verdict=judged(Answer.CANNOT_TELL, 0.4),
        finished_at=at(4),
    )
    return listed(tmp_path)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("age", "aCBA"),
        ("verdict", "BAaC"),
        ("p", "BAaC"),
        ("correlation", "aACB"),
        ("sharpe", "BaAC"),
        ("name", "aABC"),
    ],
)
def test_rows_are_sorted(sort: str, order: str, several: list[Any]) -> None:
    assert set(SORTS) == {"age", "verdict", "p", "correlation", "sharpe", "name"}
    found = [
        row.symbol.lower() if row.kind == "backtest" else row.symbol for row in Choice(sort=sort).of(several)
    ]
    assert "".join(found) == order


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ({"symbol": "a"}, {"A_ridge", "A_backtest"}),
        ({"model": "gbm_xgb"}, {"B_gbm_xgb"}),
        ({"model": "gbm"}, {"B_gbm_xgb"}),
        ({"model": "backtest"}, {"A_backtest"}),
        ({"model": "ridge"}, {"A_ridge", "C_ridge"}),
        ({"answer": "no-signal"}, {"A_ridge"}),
        ({"answer": "SIGNAL"}, {"B_gbm_xgb"}),
        ({"answer": "none"}, {"C_ridge"}),
        ({"status": "collapsed"}, {"C_ridge"}),
        ({"symbol": "A", "answer": "cannot_tell"}, {"A_backtest"}),
    ],
)
def test_rows_are_chosen(words: dict[str, str], names: set[str], several: list[Any]) -> None:
    assert {row.name[:-16] for row in Choice(**words).of(several)} == names


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"sort": "ages"}, "did you mean 'age'"),
        ({"model": "lgbm"}, "model 'lgbm'"),
        ({"answer": "maybe"}, "answer 'maybe'"),
        ({"status": "sucess"}, "did you mean 'success'"),
    ],
)
def test_a_word_that_is_none_is_refused(words: dict[str, str], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        Choice(**words)
