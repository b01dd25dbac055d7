"""The verdict on forecasts from elsewhere: what is planted rings, noise does not, and both need a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import geiger
from geiger.errors import DataError, SettingError
from geiger.judging.foreign import Judged, verdict
from geiger.learning.target import make_target
from geiger.market.synthetic import planted_market
from geiger.records import Answer, Why, Worth
from geiger.runlog.verdict import answer_in, verdict_lines

MARKET = planted_market(1600, 3, 0.02)
PRICES, DAYS = MARKET.prices, MARKET.prices["day"]
CLOSE = np.log(PRICES["close"].to_numpy())
RETURNS = np.diff(CLOSE, prepend=np.nan)
KNOWN = np.asarray(MARKET.signal) * 0.0015
NOISE = np.random.default_rng(1).normal(0, 0.0015, 1600)
SIGNED = {"tries": 1, "made_in_time": True}


def table(forecast: Any = KNOWN, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"day": DAYS, "forecast": forecast, **columns})[300:1500]


def codes(found: Judged) -> list[str]:
    return [reason.code for reason in found.verdict.reasons]


def test_what_is_planted_rings_once_tries_and_time_are_vouched_for() -> None:
    found = verdict(table(), prices=PRICES, **SIGNED)
    assert (found.answer, codes(found)) == (Answer.SIGNAL_IF_IN_TIME, [Why.RINGS, Why.NOT_AUDITED])
    first = next(found.lines())
    assert first.startswith("SIGNAL, if made in time (not audited): ")
    assert found.verdict.second_p is not None
    assert found.verdict.second_p < 0.01


def test_no_program_can_take_it_for_an_audited_signal() -> None:
    found = verdict(table(), prices=PRICES, **SIGNED)
    assert found.answer != Answer.SIGNAL
    assert str(found.answer) != "SIGNAL"
    assert answer_in(verdict_lines(found.verdict)[0]) is Answer.SIGNAL_IF_IN_TIME
    assert "audit: not possible here" in found.verdict.not_checked[0]


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ({}, Why.TRIES_UNKNOWN),
        ({"made_in_time": True}, Why.TRIES_UNKNOWN),
        ({"tries": 1}, Why.NOT_AUDITED),
    ],
)
def test_without_both_words_nobody_can_tell(word: dict[str, Any], why: Why) -> None:
    found = verdict(table(), prices=PRICES, **word)
    assert (found.answer, codes(found)) == (Answer.CANNOT_TELL, [why])


def test_each_try_raises_the_bar() -> None:
    weaker = table(KNOWN + NOISE)
    one, fifty, many = (
        verdict(weaker, prices=PRICES, tries=n, made_in_time=True) for n in (1, 50, 1_000_000)
    )
    p = one.verdict.p_value
    assert p is not None
    for found, tries in ((one, 1), (fifty, 50), (many, 1_000_000)):
        assert found.verdict.corrected_p == pytest.approx(1 - (1 - p) ** tries, rel=1e-6)
        assert found.verdict.tries is not None
        assert found.verdict.tries.head is None
    assert fifty.verdict.detectable is not None
    assert one.verdict.detectable is not None
    assert one.verdict.detectable < fifty.verdict.detectable
    assert one.answer is Answer.SIGNAL_IF_IN_TIME
    assert many.answer is Answer.CANNOT_TELL
    assert codes(many) == [Why.WEAK]


def test_noise_does_not_ring() -> None:
    rng = np.random.default_rng(7)
    rang = sum(
        verdict(table(rng.normal(0, 0.001, 1600)), prices=PRICES, **SIGNED).answer is Answer.SIGNAL_IF_IN_TIME
        for _ in range(6)
    )
    assert rang == 0


def test_what_cannot_pay_needs_no_signature_to_be_no_signal() -> None:
    found = verdict(table(NOISE), prices=PRICES, tries=1, cost_bps=100.0)
    assert (found.answer, codes(found)) == (Answer.NO_SIGNAL, [Why.DOES_NOT_PAY])
    assert verdict(table(NOISE), prices=PRICES, cost_bps=100.0).answer is Answer.CANNOT_TELL


def test_forecasts_dated_before_they_were_made_are_a_leak_suspect() -> None:
    year = np.append(np.full(252, np.nan), CLOSE[252:] - CLOSE[:-252]) / 252
    early = np.append(year[1:], np.nan)  # dated a day before the last price that is in it
    assert verdict(table(year), prices=PRICES, **SIGNED).verdict.alarms == ()
    found = verdict(table(early), prices=PRICES, **SIGNED)
    assert (found.answer, codes(found)[0]) == (Answer.CANNOT_TELL, Why.ALARM)
    assert found.verdict.alarms[0].code == "LEAK_SUSPECT"
    assert next(line for line in found.lines() if "Alarm" in line).startswith(
        "  Alarm: LEAK_SUSPECT: from day"
    )


def test_forecasts_that_know_too_much_are_a_leak_suspect() -> None:
    outcome = make_target(PRICES)["value"].fill_null(0.0).to_numpy()
    found = verdict(table(0.3 * outcome + NOISE), prices=PRICES, **SIGNED)
    assert found.answer is Answer.CANNOT_TELL
    assert codes(found)[0] == Why.ALARM


@pytest.mark.parametrize("fill", ["close", "next_open"])
def test_outcomes_beside_the_forecasts_do_in_place_of_prices(fill: Any) -> None:
    given = table(outcome=make_target(PRICES, fill)["value"])
    alone, priced = (verdict(given, prices=prices, fill=fill, **SIGNED) for prices in (None, PRICES))
    assert alone.answer is priced.answer is Answer.SIGNAL_IF_IN_TIME
    # the volatility is that of returns of another kind, and begins 300 rows later
    z = [norm.isf(found.verdict.p_value) for found in (alone, priced)]
    assert z[0] == pytest.approx(z[1], abs=0.6)
    assert alone.verdict.difference == pytest.approx(priced.verdict.difference, abs=0.02)


def test_the_unit_of_forecasts_changes_no_skill_and_stops_their_trading() -> None:
    ours, percent = (verdict(table(scale * KNOWN), prices=PRICES, **SIGNED).verdict for scale in (1, 1000))
    assert percent.p_value == pytest.approx(ours.p_value)
    assert percent.slope == pytest.approx(ours.slope / 1000)
    assert ours.needed_slope is not None
    assert percent.needed_slope is None
    assert percent.worth_p is None
    assert "are no daily returns" in percent.not_checked[-1]


def test_days_without_a_forecast_keep_the_position() -> None:
    given = table().filter(pl.int_range(pl.len()) % 3 > 0)
    found = verdict(given, prices=PRICES, **SIGNED)
    assert 750 < found.verdict.days <= 800
    assert found.verdict.worth_p is not None


def test_days_that_a_forecast_is_of_may_be_more_than_one() -> None:
    found = verdict(table(), prices=PRICES, horizon=5, **SIGNED).verdict
    assert found.p_value is not None
    assert found.needed_slope is None
    assert "positions of 5 days overlap" in found.not_checked[-1]


@pytest.mark.parametrize(
    ("given", "why"), [(table(0.001 + 0 * KNOWN), Why.NO_SPREAD), (table()[:30], Why.FEW_DAYS)]
)
def test_constant_or_few_forecasts_tell_nothing(given: pl.DataFrame, why: Why) -> None:
    found = verdict(given, prices=PRICES, **SIGNED)
    assert (found.answer, codes(found)) == (Answer.CANNOT_TELL, [why])


def test_returns_alone_tell_what_they_were_worth_and_no_skill() -> None:
    market = np.expm1(RETURNS)
    rng = np.random.default_rng(2)
    better = 0.5 * market + 0.002 + 0.002 * rng.normal(size=1600)
    rows = pl.DataFrame({"day": DAYS, "return": better})[1:]
    unsigned, signed = (verdict(rows, prices=PRICES, tries=3, made_in_time=word) for word in (False, True))
    for found in (unsigned, signed):
        assert (found.kind, found.answer) == ("returns", Answer.CANNOT_TELL)
        assert Why.NO_FORECASTS in codes(found)
        assert found.verdict.p_value is None
    assert (unsigned.verdict.worth, signed.verdict.worth) == (Worth.CANNOT_TELL, Worth.YES)
    # by hand: the mean difference to the market at the same volatility, a year
    by_hand = 252 * np.mean(better[1:] - better[1:].std() / market[1:].std() * market[1:])
    assert signed.verdict.difference == pytest.approx(by_hand)
    assert codes(signed)[0] == Why.ALARM  # a Sharpe ratio far above 3


def test_returns_that_are_the_market_are_no_more_worth() -> None:
    equity = np.exp(CLOSE)
    found = verdict(pl.DataFrame({"day": DAYS, "equity": equity}), prices=PRICES)
    assert found.verdict.worth is Worth.CANNOT_TELL
    assert found.verdict.difference == pytest.approx(0.0, abs=1e-9)
    assert codes(found) == [Why.NO_FORECASTS, Why.TRIES_UNKNOWN]
    alone = verdict(pl.DataFrame({"day": DAYS, "equity": equity}))
    assert "no prices to hold the returns against" in alone.verdict.not_checked[-1]


def test_prices_come_from_files_folders_and_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "TEST.csv", tmp_path / "f.csv"):
        (PRICES if path.stem == "TEST" else table()).write_csv(path)
    by_file = verdict(tmp_path / "f.csv", prices=tmp_path / "TEST.csv", tries=1)
    by_folder = verdict(str(tmp_path / "f.csv"), data=tmp_path, symbol="TEST", tries=1)
    assert by_file.symbol == by_folder.symbol == "TEST"
    assert by_file.verdict.p_value == by_folder.verdict.p_value
    embedded = geiger.load_prices("AAPL")
    named = verdict(embedded.select("day", forecast=pl.lit(0.1)), symbol="AAPL")
    assert codes(named)[0] == Why.NO_SPREAD


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "forecasts and no outcomes; give their prices"),
        ({"tries": 0}, "tries must be from 1"),
        ({"data": "x"}, "name the one that is meant with --symbol"),
        ({"data": "x", "prices": PRICES}, "both name prices"),
        ({"prices": PRICES, "horizon": 0}, "horizon"),
        ({"prices": PRICES, "cost_bps": -1.0}, "cost_bps"),
    ],
)
def test_what_is_missing_or_wrong_is_said(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingError, match=complaint):
        verdict(table(), **given)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be opened"):
        verdict(tmp_path / "none.csv", prices=PRICES)


def test_it_is_one_of_the_public_names() -> None:
    assert geiger.verdict is verdict
