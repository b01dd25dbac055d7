"""``geiger validate``: what it prints, what it leaves, and how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from geiger.cli import main
from geiger.cli.validate import summary_lines
from geiger.evidence.best_of import BestByLuck
from geiger.judging.summary import Gate, OfModel, PooledRow, Row, Summary
from geiger.records import Status
from helpers.validations import price_folder

SHORT = ("--recipe", "quick", "--min-train", "200", "--lockbox", "60", "--refit", "60", "--max-folds", "3")


def places(folder: Path) -> list[str]:
    where = {"--data": "prices", "--runs-dir": "runs", "--log-dir": "training_logs"}
    return [word for name, place in where.items() for word in (name, str(folder / place))]


def line(folder: Path, *words: str) -> list[str]:
    return ["validate", *words, "--models", "ridge", "--context", "none", *SHORT, *places(folder)]


@pytest.mark.slow
def test_it_ends_with_a_table_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    price_folder(tmp_path / "prices")
    assert main(line(tmp_path, "AAA", "BBB", "GONE", "--workers", "2")) == 1  # the worst: one has no prices
    first = capsys.readouterr()
    assert "3 symbols, 3 runs: 0 there already, 2 to train, 1 that cannot be; 2 jobs for" in first.out
    assert "geiger: GONE ridge: " in first.err
    assert "PANEL ridge: no run: panel PANEL: 3 symbols, and a day counts from 10 on" in first.out
    (summary,) = (tmp_path / "training_logs").glob("validate_summary_*.txt")
    assert first.out.splitlines()[-1] == f"  Log: {summary}"
    assert summary.read_text().splitlines()[0].startswith("geiger validate AAA BBB GONE")
    assert json.loads(summary.with_suffix(".json").read_text())["rows"][0]["symbol"] in ("AAA", "BBB")
    assert len(list((tmp_path / "training_logs").glob("*_ridge_*.log"))) == 2

    assert main(line(tmp_path, "AAA", "BBB", "--no-panel", "--json")) == 0
    again = json.loads(capsys.readouterr().out)
    assert {row["symbol"]: row["status"] for row in again["rows"]} == {"AAA": "SUCCESS", "BBB": "SUCCESS"}
    assert again["pooled"] == []
    assert len(list((tmp_path / "runs").glob("*_ridge_*"))) == 2


def test_a_dry_run_says_what_would_be_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    price_folder(tmp_path / "prices", ("AAA",))
    assert main([*line(tmp_path, "AAA"), "--dry-run", "--json", "--recipe", "default"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["runs"], facts["to_train"], facts["there"]) == (2, 2, 0)  # one for each recipe
    assert facts["minutes"] > 0.0
    assert not list((tmp_path / "runs").glob("AAA_*"))
    assert not (tmp_path / "training_logs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--models", "rigde"), "did you mean 'ridge'"),
        (("--models", ","), "--models names no model"),
        (("--workers", "0"), "--workers must be at least 1"),
    ],
)
def test_a_slip_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert main([*line(tmp_path, "AAA"), *words]) == 1
    assert said in capsys.readouterr().err


def test_the_summary_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    row = Row(
        symbol="AAA",
        model="lgb",
        recipe="quick",
        run="AAA_gbm_lgb_20260101_000000",
        status=Status.SUCCESS,
        answer="CANNOT TELL",
        correlation=0.0312,
        error=0.0151,
        days=500,
        sharpe=0.61,
        hold=0.8,
        passed=3,
        p_value=0.0421,
    )
    gates = (
        Gate(name="WFE > 50%", passed=1, n=4, chance=0.176, chance_of=3),
        Gate(name="all of them", passed=0, n=4, chance=None, chance_of=0),
    )
    model = OfModel(
        model="lgb",
        recipe="quick",
        symbols=4,
        mean=0.01,
        error=0.02,
        days=500,
        rings=1,
        tested=4,
        level=0.01,
        gates=gates,
    )
    pooled = PooledRow(
        panel="ALL",
        model="lgb",
        recipe="quick",
        run="ALL_gbm_lgb_20260101_000000",
        answer="CANNOT TELL",
        sentence="too few days",
        rank_ic=0.012,
        error=0.006,
        days=480,
    )
    gone = Row(symbol="BBB", model="lgb", recipe="quick", trouble="gone")
    best = BestByLuck(n=4, seen=2.07, usual=1.03, high=2.21, p_value=0.08)
    found = Summary(
        rows=(row, replace(row, symbol="CCC", status=Status.COLLAPSED), gone),
        models=(model,),
        best=best,
        best_row=row,
        pooled=(pooled,),
    )
    assert summary_lines(found)[:-3] == [
        "symbol  model  verdict      p, all tries  correlation        Sharpe  buy and hold  checkpoints",
        "AAA     lgb    CANNOT TELL  0.042         +0.031 (se 0.015)  0.61    0.80          3 of 5",
        "CCC     lgb    CANNOT TELL  0.042         +0.031 (se 0.015)  0.61    0.80          3 of 5",
        "BBB     lgb    no run",
        "Ended badly: CCC lgb COLLAPSED; `geiger logs analyze` says why.",
        "",
        "Mean correlation over symbols, its error clustered by day (symbols share their days):",
        "  lgb: +0.010 (se 0.020) over 4 symbols, 500 days",
        "    1 of 4 ring (p with all tries below 0.01); by chance 0.04 would, were they independent",
        "All symbols as one experiment (docs/panel.md):",
        "  ALL lgb: CANNOT TELL: too few days",
        "    rank IC +0.012 (se 0.006) over 480 days; run ALL_gbm_lgb_20260101_000000",
        "The best of 4 by luck alone would show a correlation 1.0 times its error (one time in twenty more",
        "than 2.2 times); the best here, AAA lgb, shows 2.1 times (p 0.080).",
        "",
        "Passed       lgb             by chance",
        "WFE > 50%    1 of 4 (25.0%)  17.6% (for 3 of 4)",
        "all of them  0 of 4 (0.0%)   not measured",
        "By chance: shares of made markets without skill (docs/calibration.md), not of these symbols.",
    ]
