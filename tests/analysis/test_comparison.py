"""Runs side by side: ranked where they compare, and nothing starred where they do not."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from geiger.analysis.comparison import compare_facts
from geiger.analysis.logbook import LogBook
from geiger.errors import SettingError
from geiger.records import Figure, FoldScore, LoggedScorecard, Status
from geiger.runlog import RunLogWriter


def write(folder: Path, second: int, sharpe: float, *rhos: float, symbol: str = "AAA", **config: str) -> str:
    folds = tuple(
        FoldScore(n, f"20{10 + n}-01-04", f"20{10 + n}-12-30", 252, rho, 0.1, 0.5, 0.52, 0.01, 0.02)
        for n, rho in enumerate(rhos)
    )
    with RunLogWriter(folder, symbol, "ridge", now=datetime(2025, 12, 29, 14, 30, second)) as log:
        log.config({"Data Hash": "abc", "Fill": "next_open", **config})
        figures = [
            Figure("Test Sharpe", sharpe, "ratio", "higher"),
            Figure("Max Drawdown", 0.2 + sharpe / 100, "share", "lower"),
        ]
        log.finish(Status.SUCCESS, figures=figures, scorecard=LoggedScorecard(folds=folds))
    assert log.path is not None
    return log.path.stem


def test_any_number_of_runs_is_ranked(tmp_path: Path) -> None:
    names = [write(tmp_path, second, sharpe / 10) for second, sharpe in enumerate((3, 9, 1, 12, 5, 7, 2, 8))]
    names += [write(tmp_path, 10 + second, sharpe / 10) for second, sharpe in enumerate((4, 11, 6, 10))]
    facts = compare_facts(LogBook(tmp_path, keep=False), names)
    (group,) = facts["groups"]
    sharpes = next(f for f in facts["figures"] if f["name"] == "Test Sharpe")
    assert [sharpes["values"][name] for name in group] == [n / 10 for n in range(12, 0, -1)]
    assert sharpes["best"] == names[3]
    lowest = next(f for f in facts["figures"] if f["name"] == "Max Drawdown")
    assert lowest["best"] == names[2], "of a drawdown the smallest is best"
    assert len(facts["runs"]) == 12


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"symbol": "BBB"}, "different symbols"),
        ({"Fill": "close"}, "filled differently"),
        ({"Data Hash": "other"}, "different prices"),
        ({"Own Target": "t.py:mine (hash 1)"}, "forecast different things"),
    ],
)
def test_nothing_is_starred_across_what_does_not_compare(
    tmp_path: Path, change: dict[str, str], why: str
) -> None:
    names = [write(tmp_path, 1, 0.5), write(tmp_path, 2, 0.9, **change), write(tmp_path, 3, 0.7)]
    facts = compare_facts(LogBook(tmp_path, keep=False), names)
    assert facts["groups"] == [[names[2], names[0]], [names[1]]]
    assert all(figure["best"] is None for figure in facts["figures"])
    assert why in facts["cautions"][0]


def test_folds_that_span_the_same_days_compare_however_they_are_cut(tmp_path: Path) -> None:
    one = write(tmp_path, 1, 0.5, 0.01, 0.02, Folds="2, expanding, refit every 252 rows")
    other = write(tmp_path, 2, 0.6, 0.01, 0.02, Folds="8, expanding, refit every 63 rows")
    facts = compare_facts(LogBook(tmp_path, keep=False), [one, other])
    assert facts["groups"] == [[other, one]]
    assert not any("folds" in caution for caution in facts["cautions"])


def test_the_same_folds_give_a_difference_and_its_error(tmp_path: Path) -> None:
    better = write(tmp_path, 1, 0.9, 0.05, 0.03, 0.04)
    other = write(tmp_path, 2, 0.5, 0.02, 0.01, 0.03)
    (pair,) = compare_facts(LogBook(tmp_path, keep=False), [other, better])["paired"]
    # by hand: gains .03 .02 .01, mean .02, deviation .01, error .01 / sqrt 3
    assert (pair["run"], pair["other"], pair["folds"]) == (better, other, 3)
    assert pair["difference"] == pytest.approx(0.02)
    assert pair["error"] == pytest.approx(0.0057735, rel=1e-4)
    two = [write(tmp_path, 3, 0.9, 0.05, 0.03), write(tmp_path, 4, 0.5, 0.02, 0.01)]
    assert compare_facts(LogBook(tmp_path, keep=False), two)["paired"] == [], "two folds tell no error"


def test_one_log_compares_with_nothing(tmp_path: Path) -> None:
    one = write(tmp_path, 1, 0.5)
    with pytest.raises(SettingError, match="two different logs or more, got 1"):
        compare_facts(LogBook(tmp_path, keep=False), [one, f"{one}.log"])
