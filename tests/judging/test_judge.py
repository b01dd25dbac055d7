"""What a verdict says of a run, computed a second time from its frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import geiger.judging.judge
import geiger.judging.run
from geiger.evidence.regime import Following
from geiger.evidence.score_test import Scores, ScoreTest
from geiger.experiment.plan import plan
from geiger.experiment.scored import scored
from geiger.judging.economics import Economics
from geiger.judging.judge import needed_slope
from geiger.judging.rule import Evidence, answer
from geiger.judging.run import NOTHING, run
from geiger.judging.tries import Counted
from geiger.market.synthetic import garch_market
from geiger.records import Answer, AuditSummary, Notice, Tries, Why, Worth
from helpers.runs import experiment, small, stored_of
from helpers.verdicts import VERDICT

NOISE = garch_market(900, 3)


def test_the_needed_slope_is_what_its_trading_costs(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    made = run(given, making=NOTHING)
    verdict, material = made.verdict, plan(given).material
    assert verdict is not None
    forecasts, ledger = made.forecasts, stored_of(made).ledger()
    scores = scored(forecasts, material, 1).scores
    held = dict(zip(ledger["day"], ledger["weight"], strict=True))
    day = material.prices["day"]
    gain = np.mean(
        [held[day[int(r)]] * s * g for r, s, g in zip(scores.row, scores.s, scores.g, strict=True)]
    )
    counted = slice(20, None)  # the first test rows have no score
    cost = ledger["cost"].to_numpy()[counted].mean()
    assert verdict.needed_slope == (pytest.approx(cost / gain, rel=1e-6) if gain > 0 else None)


def test_positions_against_their_forecasts_have_no_needed_slope(tmp_path: Path) -> None:
    given = experiment(tmp_path, NOISE)
    planned = plan(given)
    days = planned.material.prices["day"][400:700]
    ones = np.ones(280)
    test = ScoreTest(scores=Scores(np.arange(420, 700), ones, ones, ones, 0.01 * ones), horizon=1)
    for sign, expected in ((1.0, 0.0005 / 0.01), (-1.0, None)):
        ledger = pl.DataFrame({"day": days, "weight": np.full(300, sign), "cost": np.full(300, 0.0005)})
        found = needed_slope(test, days, planned.material, ledger)
        assert found == (expected if expected is None else pytest.approx(expected))


def test_the_verdict_has_what_it_rests_on(tmp_path: Path) -> None:
    verdict = run(experiment(tmp_path, NOISE), making=NOTHING).verdict
    assert verdict is not None
    assert verdict.slope is not None
    assert verdict.slope_error is not None
    assert verdict.explained is not None
    assert np.sign(verdict.explained) == np.sign(verdict.slope)
    assert verdict.p_value == verdict.corrected_p  # one try
    assert verdict.second_p is not None
    assert verdict.deflated_sharpe is not None
    assert verdict.first < verdict.last < verdict.data_to


def test_a_feature_that_knows_tomorrow_is_an_alarm_and_no_signal(tmp_path: Path) -> None:
    def leak(bars: pl.DataFrame) -> pl.DataFrame:
        earned = (pl.col("open").shift(-2) / pl.col("open").shift(-1)).log().fill_null(0.0)
        return bars.select("day", leak=earned)

    verdict = run(replace(experiment(tmp_path, NOISE), features=leak), making=NOTHING).verdict
    assert verdict is not None
    assert verdict.p_value is not None
    assert verdict.p_value < 1e-10
    assert verdict.alarms
    assert (verdict.answer, verdict.reasons[0].code) == (Answer.CANNOT_TELL, Why.ALARM)


def test_the_rule_is_told_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[Evidence]()

    def answered(found: Evidence) -> tuple[Answer, str, tuple[Notice, ...]]:
        told.append(found)
        return answer(found)

    mean = Following(252, 0.71)
    red = AuditSummary(color="red", stages=13, cuts=6, day="2024-01-05", leak="features: return_5")
    monkeypatch.setattr(geiger.judging.judge, "following", lambda returns, scores: mean)
    monkeypatch.setattr(geiger.judging.judge, "answer", answered)
    monkeypatch.setattr(geiger.judging.run, "_audit", lambda finding, making: (red, ()))
    verdict = run(experiment(tmp_path, NOISE), making=NOTHING).verdict
    assert [(found.following, found.audit) for found in told] == [(mean, red)]
    assert verdict is not None
    assert verdict.reasons[0].code == Why.LOOK_AHEAD


@pytest.mark.parametrize(
    ("p_value", "p_below", "corrected", "expected"),
    [
        (0.0002, 0.9998, 0.0002, Worth.YES),
        (0.0002, 0.9998, 0.02, Worth.CANNOT_TELL),  # one of many
        (0.0002, 0.9998, None, Worth.CANNOT_TELL),  # nobody knows of how many
        (0.02, 0.98, 0.02, Worth.CANNOT_TELL),
        (0.94, 0.06, 0.99, Worth.CANNOT_TELL),
        (0.96, 0.04, 0.99, Worth.NO),
        (None, None, None, Worth.CANNOT_TELL),
    ],
)
def test_trading_is_worth_it_where_it_is_so_with_all_ways_counted(
    p_value: float | None,
    p_below: float | None,
    corrected: float | None,
    expected: Worth,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found(ledger: pl.DataFrame, market: pl.DataFrame, seed: int) -> Economics:
        net = ledger["net"].to_numpy()
        return Economics(ledger["day"], net, net, p_value, p_below)

    monkeypatch.setattr(geiger.judging.judge, "economics", found)
    monkeypatch.setattr(geiger.judging.judge, "count", lambda *_: Counted(worth_p=corrected, unknown="x"))
    verdict = run(experiment(tmp_path, NOISE, config=small(max_folds=4)), making=NOTHING).verdict
    assert verdict is not None
    assert verdict.worth is expected


def test_more_tries_deflate_the_sharpe_ratio_and_raise_the_bar_of_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geiger.judging.run, "_check", lambda planned, making: (VERDICT.check, ()))
    found = []
    for number in (1, 50):
        tries = Tries(key="k", series="s", skill=number, economic=number)
        counted = Counted(tries=tries, skill_p=0.5, worth_p=0.5, sharpe_spread=0.05)
        monkeypatch.setattr(geiger.judging.judge, "count", lambda *_, counted=counted: counted)
        verdict = run(experiment(tmp_path, NOISE, config=small(max_folds=4)), making=NOTHING).verdict
        assert verdict is not None
        assert verdict.check is not None
        assert verdict.deflated_sharpe is not None
        assert verdict.check.level == pytest.approx(1 - 0.99 ** (1 / number))
        found.append(verdict.deflated_sharpe)
    assert found[1] < found[0] - 0.1
