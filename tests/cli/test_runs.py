"""``geiger runs``: the table, what stands under it, and what is said where there is nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.cli.runs import run_table
from geiger.figures import FigureName
from geiger.records import Health, HealthCode, Status
from geiger.runs.listing import rows
from geiger.runs.record import RunRecord, write_record

Call = Any


@pytest.fixture
def three(call: Call, made_record: Callable[..., RunRecord]) -> None:
    """Two runs and a damaged one, in the folder where commands are called."""
    health = Health(HealthCode.NO_SKILL, (), "noise", 500, 0.1, rho=-0.012, rho_error=0.044)
    figures = (FigureName.SHARPE.of(-0.87, 500), FigureName.BUY_AND_HOLD_SHARPE.of(-1.02, 500))
    results = replace(made_record().results, health=health, figures=figures)
    for name, changes in (
        ("AAPL_ridge_20240105_143022", {}),
        (
            "AAPL_gbm_catboost_20240106_143022",
            {"model": "catboost", "status": Status.COLLAPSED, "finished_at": "2024-01-06T15:00:00+00:00"},
        ),
    ):
        folder = Path("runs") / name
        folder.mkdir(parents=True)
        write_record(folder, made_record(name=name, results=results, **changes))
    broken = Path("runs") / "IBM_ridge_20240107_143022"
    broken.mkdir()
    (broken / "run.json").write_text("{")


@pytest.mark.usefixtures("three")
def test_the_table_has_the_newest_first_and_fits(call: Call) -> None:
    answer = call("runs")
    assert (answer.code, answer.err) == (0, "")
    head, first, *_ = lines = answer.out.splitlines()
    assert head.split() == ["answer", "p", "correlation", "Sharpe", "(held)", "age", "run"]
    assert first.startswith("damaged")
    assert "IBM_ridge_20240107_143022" in first
    assert max(map(len, lines)) <= 100
    assert "no verdict" in lines[2]
    assert "-0.012 ±0.044  -0.87 (-1.02)" in lines[2]
    assert "3 runs: 2 no verdict, 1 damaged" in answer.out
    assert "  IBM_ridge_20240107_143022: damaged, no JSON" in answer.out
    assert "collapsed" in answer.out


@pytest.mark.usefixtures("three")
def test_the_longest_usual_row_fits(made_record: Callable[..., RunRecord]) -> None:
    found = rows(Path("runs"), Path("training_logs"))
    row = next(row for row in found if row.model == "catboost")
    full = replace(row, answer="CANNOT TELL", corrected_p=0.1234)
    now = full.when + dt.timedelta(minutes=45)
    assert max(len(line) for line in run_table([full], now)) <= 100


@pytest.mark.usefixtures("three")
def test_rows_for_programs(call: Call) -> None:
    answer = call("runs", "--status", "success", "--json")
    (row,) = answer.json["runs"]
    assert answer.json["total"] == 1
    assert (row["name"], row["sharpe"], row["when"]) == (
        "AAPL_ridge_20240105_143022",
        -0.87,
        "2024-01-05T14:30:22+00:00",
    )
    assert json.dumps(row)


@pytest.mark.usefixtures("three")
def test_the_line_to_type_finds_the_same_folders(call: Call) -> None:
    Path("runs").rename("elsewhere")
    answer = call("runs", "--runs-dir", "elsewhere", "--limit", 2)
    assert "1 more with --all" in answer.out
    assert answer.out.splitlines()[-1] == (
        "Look at one: geiger report AAPL_gbm_catboost_20240106_143022 --runs-dir elsewhere"
    )
    none = call("runs", "--runs-dir", "elsewhere", "--symbol", "MSFT")
    assert none.out == "no run in elsewhere is such; `geiger runs --runs-dir elsewhere` lists all\n"


def test_an_empty_folder_says_which_command_makes_a_run(call: Call) -> None:
    answer = call("runs", "--runs-dir", "mine")
    assert answer.code == 0
    assert answer.out == (
        "no runs in mine yet; `geiger train ridge AAPL --runs-dir mine` makes one in seconds\n"
    )


def test_a_word_that_is_none_is_one_line(call: Call) -> None:
    answer = call("runs", "--answer", "perhaps")
    assert answer.code == 1
    assert "answer 'perhaps'" in answer.complaint
