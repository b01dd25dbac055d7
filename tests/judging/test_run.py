"""A run ends with a verdict, makes the audit it lacks, and registers itself before a figure is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import geiger.judging.run
from geiger.errors import DataError
from geiger.experiment.plan import plan
from geiger.experiment.run import run as run_unjudged
from geiger.experiment.tried import register_of
from geiger.judging.run import NOTHING, Making, backtest, run
from geiger.market.synthetic import garch_market, planted_market
from geiger.records import Answer, Why
from geiger.runlog import read_log
from geiger.settings import override
from helpers.runs import experiment, small, stored_of

NOISE = garch_market(900, 3)
AUDITED = Making(check_source=False)


def codes(made: geiger.experiment.written.Run) -> list[str]:
    assert made.verdict is not None
    return [reason.code for reason in made.verdict.reasons]


def test_noise_is_no_signal_and_every_place_says_the_same(tmp_path: Path) -> None:
    made = run(experiment(tmp_path, NOISE), making=NOTHING)
    assert made.verdict is not None
    assert made.verdict.answer is not Answer.SIGNAL
    assert stored_of(made).record.verdict == made.verdict
    assert made.log is not None
    log = read_log(made.log)
    assert log.judged == made.verdict
    assert log.verdict[0] == f"{made.verdict.answer}: {made.verdict.sentence}"


def test_a_strong_signal_rings_once_it_was_audited(tmp_path: Path) -> None:
    given = experiment(tmp_path, planted_market(1500, 3, 0.02).prices, config=small(max_folds=12))
    without = run(given, making=NOTHING)
    assert without.verdict is not None
    assert (without.verdict.answer, codes(without)) == (Answer.CANNOT_TELL, [Why.NOT_AUDITED])
    audited = run(given, making=AUDITED)
    assert audited.audit is not None
    assert audited.audit.green
    assert audited.verdict is not None
    assert (audited.verdict.answer, codes(audited)) == (Answer.SIGNAL, [Why.RINGS])
    assert audited.verdict.tries is not None
    assert (audited.verdict.tries.skill, audited.verdict.tries.new) == (1, False)  # a rerun is no try


def test_a_try_is_registered_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = experiment(tmp_path, NOISE)

    def fail(*args: object, **kwargs: object) -> None:
        raise DataError("the disk is full")

    monkeypatch.setattr("geiger.experiment.run.write_run", fail)
    with pytest.raises(Exception, match="the disk is full"):
        run(given, making=NOTHING)
    assert register_of(given.runs).head().trials == 2  # the forecasts, and their trading


def test_other_settings_are_another_try_and_another_name_is_none(tmp_path: Path) -> None:
    tries = []
    for symbol, seed in (("TEST", 1), ("OTHER", 1), ("TEST", 2)):
        given = experiment(tmp_path, NOISE, "lgb", small(seed=seed), symbol)
        made = run(given, making=NOTHING)
        assert made.verdict is not None
        assert made.verdict.tries is not None
        tries.append((made.verdict.tries.skill, made.verdict.tries.new))
    assert tries == [(1, True), (1, False), (2, True)]


def test_a_backtest_is_another_way_of_trading_and_no_other_forecast(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    made = run(given, making=AUDITED)
    dearer = replace(given, config=override(given.config, {"trading": {"cost_bps": 20.0}}))
    traded = backtest(plan(dearer), stored_of(made))
    assert traded.verdict is not None
    assert made.verdict is not None
    first, second = made.verdict.tries, traded.verdict.tries
    assert first is not None
    assert second is not None
    assert (first.skill, first.economic, second.skill, second.economic) == (1, 1, 1, 2)
    assert second.key == first.key
    assert traded.verdict.p_value == made.verdict.p_value
    assert traded.audit is not None


def test_a_stack_counts_its_base_models(tmp_path: Path) -> None:
    from helpers.runs import stack_experiment

    made = run(stack_experiment(tmp_path, NOISE), making=NOTHING)
    assert made.verdict is not None
    assert made.verdict.tries is not None
    assert made.verdict.tries.skill == 4


@pytest.mark.parametrize("broken", ["edited", "newer", "unwritable"])
def test_a_register_that_cannot_be_used_stops_no_run(tmp_path: Path, broken: str) -> None:
    given = experiment(tmp_path, NOISE)
    if broken == "unwritable":
        (tmp_path / "runs").mkdir()
        (tmp_path / "runs" / "trials").write_text("no folder")
    else:
        run(given, making=NOTHING)
        chain = tmp_path / "runs" / "trials" / "register.jsonl"
        text = chain.read_text()
        changes = {"edited": ('"p_value":0.', '"p_value":1.'), "newer": ('"schema":1', '"schema":9')}
        assert changes[broken][0] in text
        chain.write_text(text.replace(*changes[broken]))
    made = run(given, making=AUDITED)
    assert made.verdict is not None
    assert made.verdict.tries is None
    assert made.verdict.answer is Answer.CANNOT_TELL
    assert Why.TRIES_UNKNOWN in codes(made)
    assert made.forecasts.height


def test_thirty_days_tell_nothing(tmp_path: Path) -> None:
    made = run(experiment(tmp_path, NOISE, config=small(refit=30, max_folds=1)), making=NOTHING)
    assert made.verdict is not None
    assert 0 < made.verdict.days < 30
    assert codes(made)[0] == Why.FEW_DAYS


def test_an_audit_that_fails_leaves_the_run_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise DataError("the file is gone")

    monkeypatch.setattr(geiger.judging.run, "audit_plan", fail)
    made = run(experiment(tmp_path, NOISE), making=AUDITED)
    assert made.verdict is not None
    assert made.verdict.not_checked == ("audit: the file is gone",)


def test_the_check_source_stands_under_the_answer(tmp_path: Path) -> None:
    made = run(experiment(tmp_path, NOISE, config=small(max_folds=8)), making=Making(audit=False))
    assert made.verdict is not None
    assert made.verdict.check is not None
    assert made.verdict.check.null.paths == 20


def test_what_is_not_judged_has_no_verdict(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    assert run_unjudged(given).verdict is None
    assert register_of(given.runs).head().length == 0
