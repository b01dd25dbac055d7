"""``geiger report``: where the page goes, what is said, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from geiger.panel.experiment import Panel
from geiger.panel.run import run_panel
from helpers.panels import NAME, SYMBOLS, panel_config, panel_prices

Call = Any


def trained(on_data: Call, *words: object) -> Path:
    answer = on_data("train", *words, "--json")
    assert answer.code in (0, 3)
    (result,) = answer.json
    return Path(result["folder"])


def test_a_run_by_name_and_by_folder(on_data: Call, call: Call) -> None:
    folder = trained(on_data, "ridge", "AAA")
    answer = call("report", folder.name)
    assert (answer.code, answer.err) == (0, "")
    page = folder / "report.html"
    assert answer.out == f"Report: {page}\n"
    first = page.read_bytes()
    assert b"<h1>AAA" in first
    again = call("report", folder, "--out", "elsewhere/page.html", "--json")
    assert Path("elsewhere/page.html").read_bytes() == first
    assert again.json["report"] == "elsewhere/page.html"
    assert again.json["bytes"] == len(first)
    assert again.json["runs"] == [folder.name]


def test_runs_side_by_side(on_data: Call, call: Call) -> None:
    one, other = trained(on_data, "ridge", "AAA"), trained(on_data, "ridge", "BBB")
    answer = call("report", "--compare", one.name, other)
    assert (answer.code, answer.err) == (0, "")
    page = Path(f"runs/compare_{one.name}_{other.name}.html")
    assert answer.out == f"Report: {page}\n"
    text = page.read_text(encoding="utf-8")
    assert "A: AAA ridge" in text
    assert "B: BBB ridge" in text
    both = call("report", one.name, "--compare", other.name, "--out", "same.html")
    assert both.code == 0
    assert Path("same.html").read_text(encoding="utf-8") == text


def test_a_backtest_and_a_run_whose_log_is_gone(on_data: Call, call: Call) -> None:
    on_data("train", "ridge", "AAA")
    answer = on_data("backtest", "AAA", "--model", "ridge", "--cost-bps", 7, "--json")
    folder = Path(answer.json[0]["folder"])
    shutil.rmtree("training_logs")
    assert call("report", folder.name).code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'id="equity"' in page
    assert 'id="training"' not in page


def test_a_run_that_failed_has_a_page_of_its_log(call: Call) -> None:
    logs = Path("training_logs")
    logs.mkdir()
    log = logs / "AAA_lstm_20240105_143022.log"
    log.write_text("=== TRAINING CONFIG ===\nSymbol: AAA\n\n=== STATUS ===\nFAILED\n", encoding="utf-8")
    page = log.with_suffix(".html")
    for word in (log.stem, log):
        answer = call("report", word, "--json")
        assert (answer.code, answer.err) == (0, "")
        assert answer.json["report"] == str(page)
        assert answer.json["runs"] == [log.stem]
        assert "FAILED</h2>" in page.read_text(encoding="utf-8")
        page.unlink()


def test_a_comparison_leads_to_the_pages_that_were_written(on_data: Call, call: Call) -> None:
    one, other = trained(on_data, "ridge", "AAA"), trained(on_data, "ridge", "BBB")
    assert call("report", one.name).code == 0
    assert call("report", "--compare", one.name, other.name, "--out", "away/both.html").code == 0
    text = Path("away/both.html").read_text(encoding="utf-8")
    assert f'href="../runs/{one.name}/report.html"' in text
    assert f"{other.name}/report.html" not in text


def test_a_panel_by_name_and_beside_a_symbol(on_data: Call, call: Call) -> None:
    work = Panel(NAME, SYMBOLS, config=panel_config(), context="none", prices=panel_prices())
    panel = run_panel(work)
    answer = call("report", panel.name)
    assert (answer.code, answer.err) == (0, "")
    page = (panel.folder / "report.html").read_text(encoding="utf-8")
    assert "<h1>TWELVE" in page
    assert "12 symbols" in page
    symbol = trained(on_data, "ridge", "AAA")
    refused = call("report", "--compare", panel.name, symbol.name)
    assert refused.code == 1
    assert "compare runs of symbols, or runs of one panel" in refused.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["AAPL_ridge_20240105_143022"], "no finished run there"),
        (["../../etc/passwd"], "../../etc: no finished run is called 'passwd' or begins so"),
        (["latest"], "runs: no finished run is called 'latest'"),
        ([], "name a run"),
        (["--compare", "AAPL_ridge_20240105_143022"], "no finished run there"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(words: list[str], complaint: str, call: Call) -> None:
    answer = call("report", *words)
    assert answer.code == 1
    assert answer.out == ""
    assert complaint in answer.complaint


def test_a_run_beside_itself_is_refused(on_data: Call, call: Call) -> None:
    name = trained(on_data, "ridge", "AAA").name
    answer = call("report", "--compare", name, name)
    assert answer.code == 1
    assert "at least two runs" in answer.complaint
    alone = call("report", "--compare", name)
    assert alone.code == 1
    assert "at least two runs" in alone.complaint
    blocked = call("report", name, "--out", "runs")
    assert blocked.code == 1
    assert "runs: is no regular file; name another" in blocked.complaint
