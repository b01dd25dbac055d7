"""The final exam: registered first, once, on forecasts that were made before, and no other day changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import geiger.judging.unseal
from geiger.errors import DataError, SettingError
from geiger.experiment.plan import plan
from geiger.experiment.tried import register_of
from geiger.experiment.written import Run
from geiger.judging.again import judge_stored
from geiger.judging.run import NOTHING, run
from geiger.judging.unseal import Exam, unseal
from geiger.market.synthetic import garch_market
from geiger.runlog import read_log
from geiger.runs.folder import RunsFolder
from helpers.runs import LOCKED, experiment, small, stored_of

NOISE = garch_market(900, 3)


@pytest.fixture
def locked(tmp_path: Path) -> Run:
    return run(experiment(tmp_path, NOISE, config=small(lockbox=LOCKED)), making=NOTHING)


def opened(made: Run) -> Exam:
    stored = stored_of(made)
    return unseal(stored, RunsFolder(made.folder.parent))


def test_the_lockbox_is_scored_with_what_was_forecast_while_it_was_locked(locked: Run) -> None:
    sealed = stored_of(locked).sealed()
    exam = opened(locked)
    # The last decisions of the lock-box have no exit yet: open to open of the second day after.
    assert exam.days == LOCKED - 2
    assert exam.last == str(NOISE["day"][-3])
    assert exam.first == stored_of(locked).record.data.lockbox_from
    close, opens = NOISE["day"], np.log(NOISE["open"].to_numpy())
    outcome = dict(zip(close[:-2], opens[2:] - opens[1:-1], strict=True))
    rows = sealed.filter(
        pl.col("day").is_between(pl.lit(exam.first).str.to_date(), pl.lit(exam.last).str.to_date())
    )
    expected = np.corrcoef(rows["forecast"], [outcome[day] for day in rows["day"]])[0, 1]
    assert exam.correlation == pytest.approx(expected, abs=1e-9)


def test_it_adds_its_days_to_the_verdict_and_is_no_other_try(locked: Run) -> None:
    exam = opened(locked)
    assert exam.before == locked.verdict
    assert exam.before.days < exam.after.days <= exam.before.days + exam.days + 3  # and those behind a gap
    assert exam.before.tries is not None
    assert exam.after.tries is not None
    assert (exam.after.tries.skill, exam.after.tries.key) == (1, exam.before.tries.key)
    assert not exam.after.tries.new


def test_what_it_said_is_kept_and_stays_scored(locked: Run) -> None:
    exam = opened(locked)
    assert stored_of(locked).record.verdict == exam.after
    assert locked.log is not None
    assert read_log(locked.log).judged == exam.after
    again = judge_stored(stored_of(locked), RunsFolder(locked.folder.parent))
    assert (again.days, again.last, again.statistic) == (
        exam.after.days,
        exam.after.last,
        exam.after.statistic,
    )


def test_it_is_opened_once(locked: Run) -> None:
    opened(locked)
    with pytest.raises(DataError, match=r"was opened on .* it can be scored once"):
        opened(locked)
    assert register_of(RunsFolder(locked.folder.parent)).verify().sound


def test_the_error_of_its_correlation_is_about_one_over_the_root_of_its_days(locked: Run) -> None:
    exam = opened(locked)
    assert exam.error == pytest.approx(exam.days**-0.5, rel=0.35)


def test_an_exam_that_others_took_before_is_not_fresh(locked: Run, tmp_path: Path) -> None:
    peek = run(experiment(tmp_path, NOISE, config=small(lockbox=0)), making=NOTHING)
    assert peek.folder.parent == locked.folder.parent
    exam = opened(locked)
    assert exam.scored_by == 1
    assert "  Not fresh: 1 other try had scored days of it before." in exam.lines()


def test_what_is_missing_leaves_it_locked(locked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise SettingError("give the estimator again")

    with monkeypatch.context() as patched:
        patched.setattr(geiger.judging.unseal, "estimator_of_run", fail)
        with pytest.raises(SettingError, match="estimator"):
            opened(locked)
    exam = opened(locked)
    assert exam.scored_by == 0
    assert not any("Not fresh" in line for line in exam.lines())


def test_nothing_is_scored_before_the_register_knows(locked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (locked.folder.parent / "trials" / "register.jsonl").write_text("nothing\n")
    monkeypatch.setattr(geiger.judging.unseal, "evaluate", lambda *a, **k: pytest.fail("scored"))
    with pytest.raises(DataError):
        opened(locked)


def test_a_run_without_a_lockbox_has_none_to_open(tmp_path: Path) -> None:
    made = run(experiment(tmp_path, NOISE), making=NOTHING)
    with pytest.raises(SettingError, match="has no lock-box"):
        opened(made)


def test_training_looks_at_no_row_of_it(tmp_path: Path) -> None:
    """The same with other outcomes in the lock-box: forecasts, verdict and register stay what they are."""
    given = experiment(tmp_path, NOISE, config=small(lockbox=LOCKED))
    start = plan(given).material.prices.height
    later = NOISE.with_columns(
        pl.when(pl.int_range(pl.len()) <= start).then(pl.col(c)).otherwise(pl.col(c) * 1.5)
        for c in ("open", "high", "low", "close")
    )
    first = run(given, making=NOTHING)
    other = run(experiment(tmp_path / "other", later, config=small(lockbox=LOCKED)), making=NOTHING)
    assert first.verdict is not None
    assert other.verdict is not None
    assert (first.verdict.statistic, first.verdict.days) == (other.verdict.statistic, other.verdict.days)
