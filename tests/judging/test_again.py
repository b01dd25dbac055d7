"""A run that is there already is judged once more: by more tries, and by the audit that it has now."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from geiger.errors import SettingError
from geiger.experiment.plan import plan
from geiger.experiment.run import run as run_unjudged
from geiger.experiment.tried import register_of
from geiger.judging.again import judge_stored
from geiger.judging.run import NOTHING, backtest, run
from geiger.judging.unseal import unseal
from geiger.market.synthetic import garch_market, planted_market
from geiger.records import Answer, AuditSummary, Why
from geiger.runlog import read_log
from geiger.runs.folder import RunsFolder
from geiger.settings import override
from helpers.runs import LOCKED, Constant, experiment, small, stack_experiment, stored_of

NOISE = garch_market(900, 3)
GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")


def test_more_tries_raise_the_p_of_a_run_that_is_there(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    made = run(given, making=NOTHING)
    assert made.verdict is not None
    alone = judge_stored(stored_of(made), given.runs)
    assert replace(alone, tries=made.verdict.tries, not_checked=made.verdict.not_checked) == made.verdict
    assert alone.tries is not None
    assert (alone.tries.skill, alone.tries.new) == (1, False)
    for seed in (1, 2):
        run(experiment(tmp_path, NOISE, "lgb", small(seed=seed)), making=NOTHING)
    again = judge_stored(stored_of(made), given.runs)
    assert again.tries is not None
    assert again.tries.skill == 3
    assert again.p_value == alone.p_value
    assert again.corrected_p is not None
    assert alone.corrected_p is not None
    assert again.corrected_p > alone.corrected_p
    kept = given.runs.load(made.name)
    assert kept.record.verdict == again
    assert made.log is not None
    assert read_log(made.log).judged == again
    assert register_of(given.runs).verify(()).sound


def test_an_audit_that_was_made_since_counts(tmp_path: Path) -> None:
    given = experiment(tmp_path, planted_market(1500, 3, 0.02).prices, config=small(max_folds=12))
    made = run(given, making=NOTHING)
    before = judge_stored(stored_of(made), given.runs)
    assert (before.answer, before.reasons[0].code) == (Answer.CANNOT_TELL, Why.NOT_AUDITED)
    stored_of(made).note_audit(GREEN)
    after = judge_stored(given.runs.load(made.name), given.runs)
    assert after.answer is Answer.SIGNAL
    given.runs.load(made.name).note_audit(replace(GREEN, color="red", leak="features: own_x"))
    red = judge_stored(given.runs.load(made.name), given.runs)
    assert (red.answer, red.reasons[0].code) == (Answer.CANNOT_TELL, Why.LOOK_AHEAD)
    traded = backtest(plan(given), given.runs.load(made.name))
    assert judge_stored(stored_of(traded), given.runs).reasons[0].code == Why.LOOK_AHEAD


def test_a_backtest_is_judged_by_its_own_trading(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    made = run(given, making=NOTHING)
    dearer = replace(given, config=override(given.config, {"trading": {"cost_bps": 20.0}}))
    traded = backtest(plan(dearer), stored_of(made))
    again = judge_stored(stored_of(traded), given.runs)
    assert traded.verdict is not None
    assert again.worth_p == traded.verdict.worth_p
    assert again.tries is not None
    assert (again.tries.skill, again.tries.economic) == (1, 2)


def test_a_run_without_a_verdict_gets_its_first(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    made = run_unjudged(given)
    first = judge_stored(stored_of(made), given.runs)
    assert first.tries is not None
    assert (first.tries.skill, first.tries.new) == (1, True)
    judged = run(given, making=NOTHING)  # the same settings: a rerun
    assert judged.verdict is not None
    assert judged.verdict.tries is not None
    assert (judged.verdict.tries.skill, judged.verdict.tries.new) == (1, False)


def test_in_another_runs_folder_the_count_begins_anew(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    made = run(given, making=NOTHING)
    run(experiment(tmp_path, NOISE, "lgb", small(seed=1)), making=NOTHING)
    other = RunsFolder(tmp_path / "other")
    shutil.copytree(given.runs.root, other.root)
    shutil.rmtree(other.trials)
    found = judge_stored(other.load(made.name), other, log_dir=tmp_path / "none")
    assert found.tries is None  # the records there name a register that is longer than the one there
    assert found.reasons[0].code == Why.TRIES_UNKNOWN


def test_a_model_of_the_users_own_has_to_be_given_again(tmp_path: Path) -> None:
    given = replace(experiment(tmp_path, NOISE, "own"), estimator=Constant(0.001))
    made = run(given, making=NOTHING)
    with pytest.raises(SettingError, match="estimator"):
        judge_stored(stored_of(made), given.runs)
    found = judge_stored(stored_of(made), given.runs, estimator=Constant(0.001))
    assert made.verdict is not None
    assert found.p_value == made.verdict.p_value


def test_a_run_whose_lockbox_was_opened_is_no_further_try(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE, config=small(lockbox=LOCKED))
    made = run(given, making=NOTHING)
    exam = unseal(stored_of(made), given.runs)
    again = judge_stored(given.runs.load(made.name), given.runs)
    assert exam.after.tries is not None
    assert again.tries is not None
    assert (exam.after.tries.skill, again.tries.skill) == (1, 1)
    assert (again.days, again.p_value) == (exam.after.days, exam.after.p_value)  # what was scored stays so


def test_a_stack_is_judged_again_with_its_base_models(tmp_path: Path) -> None:
    given = stack_experiment(tmp_path, NOISE)
    made = run(given, making=NOTHING)
    again = judge_stored(stored_of(made), given.runs)
    assert made.verdict is not None
    assert again.tries is not None
    assert (again.tries.skill, again.p_value) == (4, made.verdict.p_value)
