"""Several runs in one table: sorted, in 80 columns, with what the best of them is by luck alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.cli.summary import best_lines, comparison_lines, row_line
from geiger.evidence.best_of import BestByLuck
from geiger.judging.summary import OfModel, Row, Summary
from geiger.records import Status

ROW = Row(
    symbol="AAPL",
    model="catboost",
    recipe="default",
    run="AAPL_gbm_catboost_20260101_000000",
    status=Status.SUCCESS,
    answer="CANNOT TELL",
    correlation=-0.0312,
    error=0.0151,
    days=1512,
    sharpe=-0.61,
    hold=0.8,
    passed=3,
    p_value=0.0421,
)
MODEL = OfModel(
    model="catboost",
    recipe="default",
    symbols=2,
    mean=0.01,
    error=0.02,
    days=1512,
    rings=0,
    tested=2,
    level=0.01,
    gates=(),
)
BEST = BestByLuck(n=2, seen=2.07, usual=1.03, high=2.21, p_value=0.08)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_several_runs_in_one_table() -> None:
    failed = Row(symbol="GONE", model="catboost", recipe="", trouble="no prices")
    worse = replace(ROW, symbol="MSFT", status=Status.COLLAPSED, p_value=None)
    lines = comparison_lines(Summary(rows=(ROW, worse, failed), models=(MODEL,), best=BEST, best_row=ROW))
    assert [line.split() for line in lines[:4]] == [
        ["symbol", "model", "verdict", "p,", "all", "tries", "correlation", "Sharpe", "held"],
        ["AAPL", "catboost", "CANNOT", "TELL", "0.042", "-0.031", "(se", "0.015)", "-0.61", "0.80"],
        ["MSFT", "catboost", "CANNOT", "TELL", "undefined", "-0.031", "(se", "0.015)", "-0.61", "0.80"],
        ["GONE", "catboost", "no", "run"],
    ]
    assert "Ended badly: MSFT catboost COLLAPSED; `geiger logs analyze` says why." in lines
    assert "  catboost: +0.010 (se 0.020) over 2 symbols, 1512 days" in lines
    assert "The best of 2 by luck alone would show a correlation 1.0 times its error (one" in lines
    assert max(map(len, lines)) <= 80


def test_models_of_one_symbol_have_no_mean_over_symbols() -> None:
    one = Summary(rows=(ROW,), models=(replace(MODEL, symbols=1),), best=None, best_row=None)
    assert not any("Mean correlation" in line for line in comparison_lines(one))
    assert best_lines(one) == []


def test_what_is_too_good_to_be_true_is_said_before_means_and_the_best() -> None:
    good = replace(ROW, symbol="GOLD", p_value=1e-7, sharpe=4.02, suspect=True)
    lines = comparison_lines(Summary(rows=(good, ROW), models=(MODEL,), best=BEST, best_row=good))
    (told,) = [number for number, line in enumerate(lines) if line.startswith("LEAK SUSPECT: GOLD catboost:")]
    assert told < next(number for number, line in enumerate(lines) if "Mean correlation" in line)
    assert "AAPL" not in lines[told]
    assert "<0.001" in lines[1], "no p is 0"
    assert max(map(len, lines)) <= 80
    assert row_line(good).startswith("GOLD catboost: CANNOT TELL, p <0.001, LEAK SUSPECT, Sharpe 4.02")
    assert not any(
        "LEAK" in line
        for line in comparison_lines(Summary(rows=(ROW,), models=(MODEL,), best=None, best_row=None))
    )


def test_what_rings_without_an_audit_is_named() -> None:
    row = replace(ROW, symbol="MIDD", p_value=0.005, unaudited=True)
    lines = comparison_lines(Summary(rows=(row, ROW), models=(MODEL,), best=None, best_row=None))
    assert "Rings, and is not audited, without which it is no signal: MIDD catboost; `geiger" in lines
    bare = Summary(rows=(ROW,), models=(MODEL,), best=None, best_row=None)
    assert not any("audited" in line for line in comparison_lines(bare))


def test_one_run_in_a_line() -> None:
    assert row_line(ROW) == "AAPL catboost: CANNOT TELL, p 0.042, Sharpe -0.61, buy and hold 0.80"
    assert row_line(replace(ROW, status=Status.COLLAPSED)) == (
        "AAPL catboost: CANNOT TELL, p 0.042, training COLLAPSED"
    )
    assert row_line(replace(ROW, answer=None, p_value=None)).startswith(
        "AAPL catboost: not judged, p undefined"
    )
