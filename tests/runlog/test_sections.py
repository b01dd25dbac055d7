from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given

from geiger.records import (
    Unit,
)
from geiger.runlog import RunLog, render
from geiger.runlog.facts import shown_epochs
from geiger.runlog.reader import parse_text
from geiger.runlog.sections import FOLD_COLUMNS
from helpers.logs import logs, steady


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
