"""The pages of the live view: what they say, how they are chosen, and what they never read."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from geiger.errors import DataError, GeigerError, SettingError
from geiger.experiment.plan import Experiment
from geiger.experiment.run import run
from geiger.market.synthetic import planted_market
from geiger.records import Epoch, Notice, RunSettings, Status
from geiger.runlog import RunLogWriter
from geiger.runs.record import RunRecord, write_record
from geiger.service import view as viewing
from geiger.service.guard import POLICY
from geiger.service.view import NoSuch, Query, View, message_page, policy_of, script
from helpers.runs import small

NAME = "IBM_lstm_20240109_120000"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the folders for every question."""
    monkeypatch.setattr(viewing, "FRESH", -1.0)


@pytest.fixture
def view(tmp_path: Path) -> View:
    return View(tmp_path / "runs", tmp_path / "logs")


@pytest.fixture
def place(tmp_path: Path, made_record: Callable[..., RunRecord]) -> Callable[..., Path]:
    def place(name: str = "AAPL_ridge_20240105_143022", **changes: Any) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        write_record(folder, made_record(name=name, **changes))
        return folder

    return place


@pytest.fixture
def training(tmp_path: Path) -> Iterator[RunLogWriter]:
    """A training that goes on: twelve epochs of its fold 3."""
    with RunLogWriter(tmp_path / "logs", "IBM", "lstm", now=dt.datetime(2024, 1, 9, 12, 0, 0)) as log:
        log.settings(RunSettings(symbol="IBM", model="lstm", folds=7, epochs=50))
        for number in range(1, 13):
            log.epoch(Epoch(number, 1.0 / number, 1.1 / number, 0.01 * number, 50.0, fold=3))
        yield log


# ---- all runs ----


def test_without_runs_a_command_makes_the_first(view: View, tmp_path: Path) -> None:
    page = view.runs_page(Query())
    assert "No runs yet" in page
    assert f"geiger train ridge AAPL --runs-dir {tmp_path / 'runs'} --log-dir {tmp_path / 'logs'}" in page
    assert 'data-events="/events"' in page


def test_a_run_stands_there_with_its_answer_first(view: View, place: Callable[..., Path]) -> None:
    place()
    page = view.runs_page(Query())
    row = page[page.index("<tbody>") : page.index("</tbody>")]
    assert row.index("no verdict") < row.index("AAPL ridge")
    assert 'href="/runs/AAPL_ridge_20240105_143022"' in row
    assert 'name="run" value="AAPL_ridge_20240105_143022"' in row


def test_links_sort_and_a_form_chooses(view: View, place: Callable[..., Path]) -> None:
    place()
    place("IBM_gbm_xgb_20240106_143022", symbol="IBM", model="xgb", finished_at="2024-01-06T00:00:00+00:00")
    page = view.runs_page(Query())
    assert 'href="/?sort=sharpe"' in page
    assert page.index("IBM_gbm") < page.index("AAPL_ridge_2024")
    assert '<option value="IBM">' in page
    named = view.runs_page(Query.of({"sort": "name", "model": "ridge"}))
    assert "IBM_gbm" not in named
    assert 'href="/?sort=p&amp;model=ridge"' in named
    assert 'data-events="/events?sort=name&amp;model=ridge"' in named
    with pytest.raises(SettingError, match="did you mean"):
        view.runs_page(Query.of({"sort": "ages"}))


def test_a_choice_without_runs_offers_the_way_back(view: View, place: Callable[..., Path]) -> None:
    place()
    page = view.runs_page(Query.of({"symbol": "MSFT"}))
    assert "No run is such" in page
    assert '<a href="/">Show all runs</a>' in page


def test_many_runs_are_not_all_shown_at_once(
    view: View, place: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "ROWS", 1)
    place()
    place("IBM_ridge_20240106_143022")
    page = view.runs_page(Query())
    assert "1 more" in page
    assert page.count('type="checkbox"') == 1
    assert view.runs_page(Query.of({"all": "1"})).count('type="checkbox"') == 2


def test_whatever_a_record_holds_is_escaped(view: View, tmp_path: Path, place: Callable[..., Path]) -> None:
    folder = place()
    facts = json.loads((folder / "run.json").read_text())
    facts["symbol"] = "<script>alert(1)</script>\x1b[2J"
    (folder / "run.json").write_text(json.dumps(facts))
    page = view.runs_page(Query.of({"symbol": '"><script>alert(2)</script>'}))
    everything = view.runs_page(Query()) + page
    assert "<script>alert" not in everything
    assert "\x1b" not in everything
    assert "&lt;script&gt;alert(1)" in everything


def test_a_look_is_shared_for_a_moment(
    view: View, place: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "FRESH", 1000.0)
    assert view.rows() == []
    place()
    assert view.rows() == []
    monkeypatch.setattr(viewing, "FRESH", -1.0)
    assert len(view.rows()) == 1


# ---- a training ----


@pytest.mark.usefixtures("training")
def test_a_training_shows_its_epochs(view: View) -> None:
    assert "In training" in view.runs_page(Query())
    page, policy = view.run_page(NAME)
    assert policy == POLICY
    assert f'data-events="/runs/{NAME}/events"' in page
    for said in (
        "0 of 7",
        "epoch 12 of at most 50",
        "Fold 3, seed 0",
        "Curves of fold 3, seed 0",
        "Loss 0.0833",
        "pred_std 0.1200",
    ):
        assert said in page
    assert page.count("<svg") == 2
    labels = re.findall(r'role="region" aria-label="([^"]*)"', page) + re.findall(r"<h2[^>]*>([^<]*)", page)
    assert len(labels) > 2
    assert len(set(labels)) == len(labels), "regions that are called the same cannot be told apart"
    part = view.live_part(NAME)
    assert part.then == ""
    assert part.html.strip() in page


def test_new_epochs_change_the_part(view: View, training: RunLogWriter) -> None:
    before = view.live_part(NAME)
    assert view.live_part(NAME) == before
    training.epoch(Epoch(13, 0.01, 0.02, 0.13, 50.0, fold=3))
    after = view.live_part(NAME)
    assert "13 of at most 50" in after.html
    training.epoch(Epoch(1, 0.9, 0.9, 0.01, 50.0, fold=4))
    html = view.live_part(NAME).html
    assert "Fold 4, seed 0" in html
    assert "Curves of fold 3, seed 0" in html


def test_a_stopped_or_killed_training_is_shown_as_such(view: View, training: RunLogWriter) -> None:
    training.warn(Notice("ODD", "<b>something</b>"))
    training.stop("by the user (Ctrl-C)")
    part = view.live_part(NAME)
    assert part.then == "still"
    assert "Stopped: by the user (Ctrl-C)" in part.html
    assert "&lt;b&gt;something" in part.html
    assert "geiger logs analyze" in part.html
    assert "stopped" in view.runs_page(Query())


def test_one_that_failed_says_why(view: View, training: RunLogWriter) -> None:
    training.warn(Notice("TRAINING_FAILED", "the loss is not finite"))
    training.finish(Status.FAILED)
    part = view.live_part(NAME)
    assert part.then == "still"
    assert "The training FAILED: there are no figures" in part.html
    assert "<strong>TRAINING_FAILED</strong> the loss is not finite" in part.html
    assert "the loss is not finite" in view.runs_page(Query())


def test_one_that_was_killed_says_so(view: View, training: RunLogWriter) -> None:
    long_ago = time.time() - 3600
    for path in (training.path, training.events_path):
        assert path is not None
        os.utime(path, (long_ago, long_ago))
    part = view.live_part(NAME)
    assert part.then == "still"
    assert "Killed, it seems" in part.html


@pytest.mark.usefixtures("training")
def test_two_trainings_at_once_each_show_their_own_epochs(view: View, tmp_path: Path) -> None:
    with RunLogWriter(tmp_path / "logs", "KO", "lstm", now=dt.datetime(2024, 1, 9, 12, 1, 0)) as other:
        other.epoch(Epoch(1, 0.7777, 0.8888, 0.05, 50.0, fold=5))
        for _ in range(2):
            mine, theirs = view.live_part(NAME).html, view.live_part("KO_lstm_20240109_120100").html
            assert "0.7777" in theirs
            assert "Fold 3" not in theirs
            assert "0.7777" not in mine
            assert "Fold 3" in mine
            other.epoch(Epoch(2, 0.6666, 0.8888, 0.05, 50.0, fold=5))


def test_when_it_ends_the_page_is_another_one(
    view: View, training: RunLogWriter, place: Callable[..., Path]
) -> None:
    place(NAME, symbol="IBM", model="lstm")
    assert view.live_part(NAME).then == "over"


# ---- a finished run ----


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two ridges on one made market, with their logs."""
    folder = tmp_path_factory.mktemp("served")
    for seed in (1, 2):
        run(
            Experiment(
                "AAPL",
                "ridge",
                small(max_folds=2, seed=seed),
                context="none",
                prices=planted_market(700, seed=5, r2=0.05).prices,
                runs_dir=folder / "runs",
                log_dir=folder / "logs",
            )
        )
    return folder


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "runs").glob("AAPL_*"))


def test_a_finished_run_is_its_report_with_a_way_back(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, name = View(finished / "runs", finished / "logs"), names_in(finished)[0]
    page, policy = view.run_page(name)
    assert "<h1>AAPL" in page
    assert page.index('<a href="/">All runs</a>') < page.index('<div class="page">')
    assert policy.endswith("frame-ancestors 'none'")
    assert policy.removesuffix("; frame-ancestors 'none'") in page
    monkeypatch.setattr(viewing, "page_of", lambda stored, log, folders: 1 / 0)
    assert view.run_page(name) == (page, policy)  # kept as long as its files stay as they are
    record = finished / "runs" / name / "run.json"
    os.utime(record, (time.time() + 5, time.time() + 5))
    with pytest.raises(ZeroDivisionError):
        view.run_page(name)


def test_a_page_is_made_anew_when_a_frame_changes(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    view, name = View(finished / "runs", finished / "logs"), names_in(finished)[0]
    view.run_page(name)
    monkeypatch.setattr(viewing, "page_of", lambda stored, log, folders: 1 / 0)
    ledger = finished / "runs" / name / "ledger.parquet"
    os.utime(ledger, (time.time() + 5, time.time() + 5))
    with pytest.raises(ZeroDivisionError):
        view.run_page(name)


def test_runs_are_compared(finished: Path) -> None:
    view, names = View(finished / "runs", finished / "logs"), names_in(finished)
    page, _ = view.compare_page(names)
    assert "2 runs side by side" in page
    for wrong in ([], names[:1], [names[0]] * 2, [f"A_ridge_202401{i:02}_000000" for i in range(13)]):
        with pytest.raises(SettingError, match="tick two to 12"):
            view.compare_page(wrong)
    with pytest.raises(NoSuch):
        view.compare_page([names[0], "IBM_ridge_20240101_000000"])


def test_a_comparison_is_made_anew_when_a_record_changes(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, names = View(finished / "runs", finished / "logs"), names_in(finished)
    page = view.compare_page(names)
    monkeypatch.setattr(viewing, "comparison_of", lambda stored, logs, folders, links: 1 / 0)
    assert view.compare_page(names) == page
    os.utime(finished / "runs" / names[1] / "run.json", (time.time() + 9, time.time() + 9))
    with pytest.raises(ZeroDivisionError):
        view.compare_page(names)


# ---- what is never read ----


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../runs",
        "/etc/passwd",
        "A_ridge_20240105_143022/../..",
        "snapshots",
        "A" * 300,
        "a\x00b",
        "%2e%2e",
    ],
)
def test_only_names_of_runs_are_looked_for(name: str, view: View, place: Callable[..., Path]) -> None:
    place()
    for ask in (view.run_page, view.live_part):
        with pytest.raises(NoSuch):
            ask(name)


def test_no_link_leads_out(view: View, tmp_path: Path, place: Callable[..., Path], finished: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"symbol": "SECRET"}')
    folder = place()
    for file in ("run.json", "forecasts.parquet"):
        path = folder / file
        kept = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        path.symlink_to(secret)
        with pytest.raises(GeigerError) as refused:
            view.run_page(folder.name)
        assert "SECRET" not in str(refused.value)
        path.unlink()
        if kept is not None:
            path.write_bytes(kept)
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / f"{folder.name}.log").symlink_to(secret)
    with pytest.raises(SettingError, match="leads out"):
        view.run_page(folder.name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_among_the_files_holds_nothing_up(view: View, place: Callable[..., Path]) -> None:
    """Whoever opens a pipe that nobody writes to waits for ever."""
    folder = place()
    (folder / "ledger.parquet").unlink(missing_ok=True)
    os.mkfifo(folder / "ledger.parquet")
    with pytest.raises(SettingError, match="no ordinary file"):
        view.run_page(folder.name)


def test_a_log_that_lies_elsewhere_is_not_read(finished: Path, tmp_path: Path) -> None:
    """The record of a run names the path of its log, which anybody may have written there."""
    name = names_in(finished)[0]
    view = View(finished / "runs", tmp_path / "no logs")
    page, _ = view.run_page(name)
    assert "its log lists one row for each penalty" in page or "log" in page
    assert view._log(name) is None


def test_a_damaged_record_is_a_plain_error(view: View, place: Callable[..., Path]) -> None:
    folder = place()
    (folder / "run.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        view.run_page(folder.name)
    assert "damaged" in view.runs_page(Query())


def test_small_pages() -> None:
    assert "<h1>Not here</h1>" in message_page("Not here", "x")
    assert "EventSource" in script()
    assert policy_of("<html>") == POLICY
