"""What a verdict says of a run, computed a second time from its frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.evidence.score_test import Scores, ScoreTest
from geiger.experiment.plan import plan
from geiger.experiment.scored import scored
from geiger.judging.judge import needed_slope
from geiger.judging.run import NOTHING, run
from geiger.market.synthetic import garch_market
from helpers.runs import experiment, stored_of

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
