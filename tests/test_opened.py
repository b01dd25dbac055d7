"""A run as people hold it: found by name, shown in a notebook, printed in five lines, given as frames."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import geiger
from geiger.errors import DataError
from geiger.opened import OpenedRun, frame_of, open_run, runs
from geiger.records import Status
from geiger.runs.folder import RunsFolder
from geiger.runs.listing import RunRow
from geiger.runs.record import RunRecord, write_record
from helpers.panels import NAME as PANEL

FACE = (
    "name",
    "symbol",
    "model",
    "status",
    "folder",
    "verdict",
    "audit",
    "notices",
    "trained",
    "forecasts_of",
)


def test_what_a_training_returns_has_the_face_of_what_is_opened(stack_run: Any, stack_place: Path) -> None:
    opened = open_run(stack_run.name, stack_place / "runs", stack_place / "logs")
    assert isinstance(opened, OpenedRun)
    for name in FACE:
        assert getattr(opened, name) == getattr(stack_run, name), name
    assert opened.forecasts.equals(stack_run.forecasts)
    assert opened.ledger.equals(stack_run.ledger)
    assert opened.ledger.equals(stack_run.evaluation.ledger)
    assert opened.returns.equals(stack_run.returns)
    assert opened.figures == stack_run.figures == {f.name: f.value for f in stack_run.evaluation.figures}
    assert opened.gist == stack_run.gist
    assert (repr(opened), str(opened)) == (repr(stack_run), str(stack_run))
    assert opened._repr_html_() == stack_run._repr_html_()


def test_frames_have_dates_and_go_to_pandas(stack_run: Any) -> None:
    returns = stack_run.returns
    assert returns.columns == ["day", "strategy", "asset"]
    assert returns.schema["day"] == pl.Date
    ledger = stack_run.evaluation.ledger
    assert returns["strategy"].equals(ledger["net"].alias("strategy"))
    assert returns["day"].equals(ledger["exit_day"].alias("day"))
    for frame in (stack_run.forecasts, stack_run.ledger, returns):
        assert frame.schema["day"] == pl.Date
        assert frame.to_pandas().shape == frame.shape
    grown = float((1.0 + returns["strategy"]).product())
    assert grown == pytest.approx(ledger["equity"][-1])


def test_a_run_prints_in_five_lines(stack_run: Any) -> None:
    lines = str(stack_run).splitlines()
    assert 3 <= len(lines) <= 5
    assert lines[0].startswith("AAPL stack: ")
    assert lines[-1].startswith("  Next: geiger ")
    assert "\n" not in repr(stack_run)
    assert stack_run.name in repr(stack_run)


def test_a_notebook_shows_the_answer_first_and_an_equity(stack_run: Any) -> None:
    html = stack_run._repr_html_()
    shown = re.sub(r"<[^>]+>", " ", html)
    assert shown.index(stack_run.gist.headline) < shown.index("Test Sharpe")
    assert html.count("<svg") == 1
    assert not re.search(
        r"#[0-9a-f]{3,6}|rgb|script|http", html
    )  # no colour of its own, nothing from elsewhere
    assert len(html) < 60_000


def test_what_a_record_holds_is_escaped(tmp_path: Path, made_record: Callable[..., RunRecord]) -> None:
    folder = tmp_path / "AAPL_ridge_20240105_143022"
    folder.mkdir()
    write_record(folder, made_record())
    facts = json.loads((folder / "run.json").read_text())
    facts["symbol"] = "<img src=x onerror=alert(1)>\x1b[2J"
    (folder / "run.json").write_text(json.dumps(facts))
    run = open_run("AAPL", tmp_path)
    html = run._repr_html_()
    assert "<img" not in html
    assert "\x1b" not in html + str(run) + repr(run)
    assert "<svg" not in html  # there is no ledger to draw


def test_the_page_is_written_where_it_is_asked_for(stack_run: Any, tmp_path: Path) -> None:
    page = stack_run.report()
    assert page == stack_run.folder / "report.html"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    other = stack_run.report(tmp_path / "a" / "page.html")
    assert other.read_bytes() == page.read_bytes()
    page.unlink()


def test_a_run_is_found_by_name_beginning_folder_and_latest(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    for day in (5, 6):
        name = f"AAPL_ridge_2024010{day}_143022"
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, made_record(name=name, finished_at=f"2024-01-0{day}T15:00:00+00:00"))
    newest = tmp_path / "AAPL_ridge_20240106_143022"
    for word in (newest.name, "AAPL", "AAPL_ridge", "latest"):
        assert open_run(word, tmp_path).folder == newest
    assert open_run("AAPL_ridge_20240105", tmp_path).name == "AAPL_ridge_20240105_143022"
    assert open_run(newest, "elsewhere").folder == newest
    assert open_run(runs_dir=tmp_path).folder == newest
    with pytest.raises(DataError, match="IBM"):
        open_run("IBM", tmp_path)


def test_a_later_verdict_is_seen_and_a_run_that_went_is_said(
    tmp_path: Path, made_record: Callable[..., RunRecord]
) -> None:
    folder = tmp_path / "AAPL_ridge_20240105_143022"
    folder.mkdir()
    write_record(folder, made_record())
    run = open_run("latest", tmp_path)
    write_record(folder, made_record(status=Status.COLLAPSED))
    assert run.record.status is Status.COLLAPSED
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="the run is gone"):
        str(run)


def test_a_panel_has_the_same_face(twelve: Path) -> None:
    run = open_run(PANEL, twelve / "runs", twelve / "logs")
    assert run.symbol == PANEL
    assert "symbol" in run.forecasts.columns
    assert run.returns.schema == {"day": pl.Date, "strategy": pl.Float64, "asset": pl.Float64}
    assert "equal weight" in run._repr_html_()
    page = run.report(twelve / "page.html")
    assert "12 symbols" in page.read_text(encoding="utf-8")


def test_all_runs_are_one_frame(stack_place: Path, stack_run: Any) -> None:
    frame = runs(stack_place / "runs", stack_place / "logs")
    assert frame.columns[0] == "name"
    assert set(frame["name"]) == {stored.name for stored in RunsFolder(stack_place / "runs").all()}
    row = frame.filter(name=stack_run.name).row(0, named=True)
    assert (row["symbol"], row["model"], row["status"]) == ("AAPL", "stack", "SUCCESS")
    assert row["answer"] is None
    assert row["sharpe"] == pytest.approx(stack_run.figures["Test Sharpe"])
    assert geiger.runs(stack_place / "runs", stack_place / "logs").equals(frame)
    assert frame.to_pandas().shape == frame.shape


def test_a_frame_of_nothing_has_its_columns() -> None:
    empty, one = frame_of([]), dt.datetime(2024, 1, 5, tzinfo=dt.UTC)
    row = RunRow(
        name="A_ridge_20240105_000000", status="running", recorded=False, when=one, symbol="A", model="ridge"
    )
    assert empty.schema == frame_of([row]).schema
    assert empty.height == 0
