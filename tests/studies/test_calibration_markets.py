"""Made markets as prices: bars that hold the path, and say nothing of what comes."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.learning.target import make_target
from geiger.seeds import generator
from geiger.studies.calibration_markets import bars, market
from geiger.studies.null_markets import FAMILIES

DAYS = 6000


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.name)
def test_bars_hold_the_path(family) -> None:
    rng = generator(0, "bars", family.name)
    path = family.make(600, rng)
    prices = bars(path, rng)
    close, opened = (np.log(prices[name].to_numpy()) for name in ("close", "open"))
    assert np.allclose(np.diff(close), path.returns[1:])
    body = prices.select(top=np.maximum(prices["open"], prices["close"]))["top"]
    assert (prices["high"] >= body).all()
    assert (prices["low"] <= prices["open"]).all()
    if path.delay:  # filled at these very opens
        assert np.allclose(np.diff(opened), np.diff(path.paid[:600]))


def test_gap_and_session_are_uncorrelated_and_share_a_day() -> None:
    rng = generator(0, "bars")
    prices = bars(FAMILIES[0].make(DAYS, rng), rng)
    close, opened = (np.log(prices[name].to_numpy()) for name in ("close", "open"))
    gap, session = opened[1:] - close[:-1], close[1:] - opened[1:]
    assert abs(np.corrcoef(gap, session)[0, 1]) < 0.1
    assert gap.var() / (gap.var() + session.var()) == pytest.approx(0.25, abs=0.03)


def test_range_and_volume_say_nothing_of_the_next_return() -> None:
    rng = generator(1, "bars")
    prices = bars(FAMILIES[0].make(DAYS, rng), rng)
    outcome = make_target(prices, "next_open")["value"].to_numpy()[:-2]
    for column in (
        np.log(prices["volume"].to_numpy()),
        np.log(prices["high"].to_numpy() / prices["close"].to_numpy()),
        np.log(prices["close"].to_numpy() / prices["low"].to_numpy()),
        np.log(prices["open"].to_numpy() / prices["close"].to_numpy()),
    ):
        # fat tails: the deviation of a correlation of 6000 rows is about 0.02
        assert abs(np.corrcoef(column[:-2], outcome)[0, 1]) < 0.08


def test_the_same_number_is_the_same_market_and_no_other() -> None:
    one, same, other = (market("GJR", 0.0, 400, number).prices for number in (1, 1, 2))
    assert one.equals(same)
    assert not one.equals(other)
    assert not one["close"].equals(market("GARCH-t", 0.0, 400, 1).prices["close"])


def test_a_planted_market_knows_its_truth() -> None:
    made = market("volume", 0.05, DAYS, 0)
    assert made.truth is not None
    outcome = make_target(made.prices, "next_open")["value"].to_numpy()[:-2]
    assert np.corrcoef(made.truth[:-2], outcome)[0, 1] == pytest.approx(np.sqrt(0.05), abs=0.05)
    assert market("GARCH-t", 0.0, 400, 0).truth is None


def test_a_wrong_name_is_said() -> None:
    with pytest.raises(SettingError, match="did you mean"):
        market("GARCH-s", 0.0, 400, 0)
    with pytest.raises(SettingError, match="no signal"):
        market("GARCH-t", 0.01, 400, 0)
