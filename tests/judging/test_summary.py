"""What many runs come to, against figures taken from the runs by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.evidence.error_rates import ErrorRates, Rate
from geiger.judging.summary import RINGS, Gate, Row, Summary, compare, row_of, summarise
from geiger.judging.validate import Asked, Entry, Pooled
from geiger.records import AuditSummary, Notice, Why
from helpers.validations import asked, price_folder, validated


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Asked, list[Entry], Summary]:
    """Ridge on three symbols, of which the last two have the same prices, and one without prices."""
    folder = tmp_path_factory.mktemp("summary")
    data = price_folder(folder / "prices")
    (data / "TWIN.csv").write_bytes((data / "BBB.csv").read_bytes())
    what = asked(folder, data, symbols=("AAA", "BBB", "TWIN", "NONE"))
    entries = validated(what)
    return what, entries, summarise(what, entries)


def frame(what: Asked, entry: Entry) -> pl.DataFrame:
    return what.runs.load(str(entry.run)).forecasts()


def test_rows_say_what_the_runs_say(found: tuple[Asked, list[Entry], Summary]) -> None:
    what, entries, summary = found
    row = next(one for one in summary.rows if one.symbol == "AAA")
    record = what.runs.load(str(entries[0].run)).record
    pair = frame(what, entries[0]).select("forecast", "outcome").to_numpy().T
    assert row.correlation == pytest.approx(np.corrcoef(pair)[0, 1])
    assert row.days == len(pair[0])
    assert record.verdict is not None
    assert (row.answer, row.p_value) == (str(record.verdict.answer), record.verdict.corrected_p)
    assert row.passed == sum(point.outcome == "PASS" for point in record.results.checkpoints)


def test_rows_are_sorted_and_what_has_no_run_comes_last(found: tuple[Asked, list[Entry], Summary]) -> None:
    rows = found[2].rows
    assert rows[-1].symbol == "NONE"
    assert rows[-1].trouble
    ps = [1.0 if row.p_value is None else row.p_value for row in rows[:-1]]
    assert ps == sorted(ps)


def test_twins_are_no_two_witnesses(found: tuple[Asked, list[Entry], Summary]) -> None:
    """The error of the mean of x and y = z on the same days: no smaller than the days themselves allow."""
    what, entries, summary = found
    (one,) = summary.models
    pulls = {}
    for entry in entries[:3]:
        days = frame(what, entry)
        f, y = (days[name].to_numpy() for name in ("forecast", "outcome"))
        zf, zy = (f - f.mean()) / f.std(), (y - y.mean()) / y.std()
        rho, free = float((zf * zy).mean()), 1.0 - (1.0 + zf**2) / len(f)
        pulls[entry.experiment.symbol] = (zf * zy - rho * (zf**2 + zy**2) / 2.0) / free / len(f)
    assert frame(what, entries[0])["day"].equals(frame(what, entries[1])["day"])
    expected = np.sqrt(np.sum((sum(pulls.values()) / 3.0) ** 2))  # days as clusters, symbols summed within
    assert one.error == pytest.approx(expected, rel=0.02)
    assert one.symbols == 3  # that have a run


def test_the_surest_comes_first_and_what_has_no_run_last(found: tuple[Asked, list[Entry], Summary]) -> None:
    what, entries, _ = found
    runs = [what.runs.load(str(entry.run)) for entry in entries[:3]]
    judged = []
    for stored, p in zip(runs, (0.4, None, 0.02), strict=True):
        verdict = stored.record.verdict
        assert verdict is not None
        judged.append(replace(stored, record=replace(stored.record, verdict=replace(verdict, corrected_p=p))))
    rows = compare(judged, [Row(symbol="NONE", model="ridge", recipe="")]).rows
    assert [(row.run is None, row.p_value) for row in rows] == [
        (False, 0.02),
        (False, 0.4),
        (False, None),
        (True, None),
    ]


def test_an_alarm_or_a_red_audit_marks_a_row(found: tuple[Asked, list[Entry], Summary]) -> None:
    what, entries, _ = found
    stored = what.runs.load(str(entries[0].run))
    verdict = stored.record.verdict
    assert verdict is not None
    plain = replace(stored.record, verdict=replace(verdict, alarms=()), audit=None)
    alarmed = replace(plain, verdict=replace(verdict, alarms=(Notice("LEAK_SUSPECT", "net Sharpe 13.95"),)))
    audited = {
        color: AuditSummary(color=color, stages=1, cuts=1, day="2024-01-05") for color in ("green", "red")
    }
    marked = {
        "none": plain,
        "alarm": alarmed,
        **{color: replace(plain, audit=audit) for color, audit in audited.items()},
    }
    found_so = {name: row_of(replace(stored, record=record)).suspect for name, record in marked.items()}
    assert found_so == {"none": False, "alarm": True, "green": False, "red": True}


@pytest.mark.parametrize(
    ("p", "code", "expected"),
    [(0.005, Why.NOT_AUDITED, True), (0.02, Why.NOT_AUDITED, False), (0.005, Why.WEAK, False)],
)
def test_a_run_that_rings_and_was_not_audited_is_marked(
    found: tuple[Asked, list[Entry], Summary], p: float, code: Why, expected: bool
) -> None:
    what, entries, _ = found
    stored = what.runs.load(str(entries[0].run))
    assert stored.record.verdict is not None
    given = replace(stored.record.verdict, corrected_p=p, level=0.01, reasons=(Notice(code, "so"),))
    assert row_of(replace(stored, record=replace(stored.record, verdict=given))).unaudited is expected


def test_the_best_is_held_against_the_best_of_as_many(found: tuple[Asked, list[Entry], Summary]) -> None:
    summary = found[2]
    assert summary.best is not None
    assert summary.best_row is not None
    ratios = [row.correlation / row.error for row in summary.rows if row.correlation and row.error]
    assert summary.best.seen == pytest.approx(max(ratios), rel=1e-6)
    assert summary.best.n == 3


def test_gates_stand_beside_what_was_measured_or_say_that_nothing_was(
    found: tuple[Asked, list[Entry], Summary],
) -> None:
    what, entries, _ = found
    rates = ErrorRates(
        model="ridge",
        recipe="quick",
        rows=500,
        level=0.01,
        null=(Rate(name="GARCH", n=200, count=1),),
        gates=(Rate(name="WFE > 50%", n=200, count=36),),
    )
    measured = [replace(entries[0], rates=rates), *entries[1:]]
    (one,) = summarise(what, measured).models
    gates = {gate.name: gate for gate in one.gates}
    assert (gates["WFE > 50%"].chance, gates["WFE > 50%"].chance_of) == (0.18, 1)
    assert gates[RINGS] == Gate(name=RINGS, passed=gates[RINGS].passed, n=3, chance=0.005, chance_of=1)
    assert gates["Training completes"] == Gate(
        name="Training completes", passed=3, n=3, chance=None, chance_of=0
    )


def test_symbols_together_say_why_they_have_no_run(found: tuple[Asked, list[Entry], Summary]) -> None:
    what, entries, _ = found
    (row,) = summarise(what, entries, [Pooled("ridge", "quick", error="too few")]).pooled
    assert (row.model, row.run, row.trouble) == ("ridge", None, "too few")


def test_without_any_run_there_is_a_table_all_the_same(tmp_path: Path) -> None:
    what = asked(tmp_path, price_folder(tmp_path / "prices"), symbols=("NONE",))
    summary = summarise(what, validated(what))
    assert [row.run for row in summary.rows] == [None]
    assert (summary.best, summary.models[0].error, summary.models[0].gates) == (None, None, ())


def test_runs_alone_come_to_the_same_as_those_of_a_validation(
    found: tuple[Asked, list[Entry], Summary],
) -> None:
    what, entries, summary = found
    runs = [what.runs.load(str(entry.run)) for entry in entries[:3]]
    failed = Row(symbol="NONE", model="ridge", recipe="", trouble="no prices")
    alone = compare(runs, [failed])
    assert alone.rows[:-1] == summary.rows[:-1]
    assert alone.rows[-1] == failed
    assert (alone.best, alone.best_row) == (summary.best, summary.best_row)
    (one,), (other,) = alone.models[:1], summary.models
    assert (one.mean, one.error, one.rings, one.symbols) == (other.mean, other.error, other.rings, 3)
    assert [row_of(run) for run in runs] == [next(r for r in alone.rows if r.run == run.name) for run in runs]
