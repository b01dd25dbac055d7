from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from geiger.market.actions import mismatch
from geiger.market.doubts import Doubt
from geiger.market.inspection import inspect
from geiger.market.loaded import Loaded
from geiger.market.prices import actions_of, from_frame
from geiger.market.readers import read_given

ROWS, DAY = 120, 60
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(n) for n in range(ROWS)]
Floats = npt.NDArray[np.float64]


def closes(seed: int = 1) -> Floats:
    return 50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, ROWS)))


def listed(dividend: float = 0.0, gain: float = 0.0, split: float = 1.0) -> pl.DataFrame:
    columns = {"dividend": np.zeros(ROWS), "capital_gain": np.zeros(ROWS), "split": np.ones(ROWS)}
    for name, value in (("dividend", dividend), ("capital_gain", gain), ("split", split)):
        columns[name][DAY] = value
    found = actions_of(pl.DataFrame({"day": DAYS, **columns}))
    assert found is not None
    return found


def doubt(
    close: Floats, step: float, actions: pl.DataFrame | None, decimals: int | None = None
) -> Doubt | None:
    """Doubt closes whose adjusted ones are lower by `step` before the day."""
    adjusted = close * np.where(np.arange(ROWS) < DAY, step, 1.0)
    if decimals is not None:
        close, adjusted = np.round(close, decimals), np.round(adjusted, decimals)
    table = pl.DataFrame({"Date": DAYS, "Close": close, "Adj Close": adjusted})
    return mismatch(from_frame(table), actions)


def paying(amount: float, seed: int = 1) -> Floats:
    """Closes that fall by what was paid."""
    close = closes(seed)
    close[DAY:] *= 1 - amount / close[DAY - 1]
    return close


@pytest.mark.parametrize("amount", [0.1, 0.5, 5.0, 25.0])
@pytest.mark.parametrize("decimals", [None, 2, 3, 4])
def test_a_dividend_that_is_adjusted_for_is_no_doubt(amount: float, decimals: int | None) -> None:
    for seed in range(5):
        close = paying(amount, seed)
        usual = 1 - amount / close[DAY - 1]
        other = close[DAY] / (close[DAY] + amount)
        for step in (usual, other):
            assert doubt(close, step, listed(dividend=amount), decimals) is None


@pytest.mark.parametrize("decimals", [None, 2, 3, 4])
@pytest.mark.parametrize("factor", [0.0, 0.01, 0.5, 2.0, 100 / 3])
def test_a_dividend_that_is_missing_or_of_another_size_is_an_error(
    factor: float, decimals: int | None
) -> None:
    close = paying(1.2)
    found = doubt(close, 1 - factor * 1.2 / close[DAY - 1], listed(dividend=1.2), decimals)
    assert found is not None
    assert (found.code, found.severity) == ("DATA_ADJUSTMENT_MISMATCH", "error")
    assert (found.days, found.count) == ((str(DAYS[DAY]),), 1)
    assert "dividend 1.2" in found.text


def test_the_error_names_amount_steps_and_both_returns() -> None:
    close = np.full(ROWS, 20.0)
    close[DAY:] = 19.5
    found = doubt(close, 1.0, listed(dividend=1.0))
    assert found is not None
    # by hand: 1 - 1/20; 19.5/20 - 1; 19.5/19 - 1
    for part in ("dividend 1 on a last close of 20", "step of 0.9500", "found 1.0000", "-2.5%", "+2.6%"):
        assert part in found.text


def test_a_capital_gain_counted_twice_is_an_error() -> None:
    close = paying(3.0)
    assert doubt(close, 1 - 3.0 / close[DAY - 1], listed(gain=3.0)) is None
    found = doubt(close, 1 - 6.0 / close[DAY - 1], listed(gain=3.0))
    assert found is not None
    assert "capital gain 3" in found.text


def test_a_gain_that_is_listed_as_a_dividend_too_was_paid_once() -> None:
    close = paying(3.0)
    both = listed(dividend=3.0, gain=3.0)
    assert doubt(close, 1 - 3.0 / close[DAY - 1], both) is None
    assert doubt(close, 1 - 6.0 / close[DAY - 1], both) is not None
    apart = paying(6.0)  # the close fell by both, so both were paid
    assert doubt(apart, 1 - 6.0 / apart[DAY - 1], both) is None


@pytest.mark.parametrize("split", [2.0, 4.0, 1.5, 0.1, 20.0])
def test_a_split_steps_the_ratio_only_where_the_close_is_raw(split: float) -> None:
    actions = listed(split=split)
    close = closes()
    assert doubt(close, 1.0, actions) is None  # the close is split-adjusted
    doubled = doubt(close, 1 / split, actions)
    raw = close * np.where(np.arange(ROWS) < DAY, split, 1.0)
    assert doubt(raw, 1 / split, actions) is None
    missing = doubt(raw, 1.0, actions)
    for found in (doubled, missing):
        assert found is not None
        assert f"split {split:g}" in found.text


def test_a_dividend_larger_than_the_price_is_in_another_unit() -> None:
    found = doubt(closes(), 0.99, listed(dividend=400.0))
    assert found is not None
    assert "dividend 400" in found.text


@pytest.mark.parametrize("seed", range(5))
def test_rounding_of_cheap_shares_is_no_error(seed: int) -> None:
    close = paying(0.5, seed) / 50  # about 1.00, in cents
    for amount in (0.003, 0.01):  # in cents, the smaller one is nothing or three times too large
        assert doubt(close, 1 - amount / close[DAY - 1], listed(dividend=amount), decimals=2) is None


def test_a_step_by_the_close_of_the_day_itself_is_right_on_a_wild_day_too() -> None:
    close = closes()
    close[DAY:] *= 1.2
    step = close[DAY] / (close[DAY] + 20.0)
    assert abs(np.log(step) / np.log(1 - 20.0 / close[DAY - 1]) - 1) > 0.3
    assert doubt(close, step, listed(dividend=20.0)) is None


@pytest.mark.parametrize("adjusted", [True, False])
def test_without_an_adjusted_close_no_step_is_asked_for(adjusted: bool) -> None:
    table = pl.DataFrame({"Date": DAYS, "Close": closes(), "Dividends": listed(dividend=3.0)["dividend"]})
    read = read_given(table.with_columns(pl.col("Close").alias("Adj Close")) if adjusted else table)
    loaded = Loaded("Z", read.prices, "frame", "", read.notes, actions=read.actions)
    assert ("DATA_ADJUSTMENT_MISMATCH" in {one.code for one in inspect(loaded)}) == adjusted


def test_numbers_kept_in_four_bytes_are_no_error() -> None:
    close = paying(0.3).astype(np.float32).astype(np.float64)
    assert doubt(close, float(np.float32(1 - 0.3 / close[DAY - 1])), listed(dividend=0.3)) is None


def test_nothing_listed_is_nothing_to_compare() -> None:
    assert doubt(closes(), 1.0, None) is None
    assert doubt(closes(), 1.0, listed()) is None
    table = pl.DataFrame({"day": DAYS, "close": closes()})
    assert actions_of(table) is None


def test_an_action_on_the_first_day_has_no_last_close() -> None:
    frame = listed().with_columns(dividend=pl.when(pl.int_range(pl.len()) == 0).then(9.0).otherwise(0.0))
    assert doubt(closes(), 1.0, frame) is None
