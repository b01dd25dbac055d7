"""Own columns and an own target: complete behind one warm-up, repeatable, known when they say so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.experiment.material import Material
from geiger.experiment.own import own_features, own_target
from geiger.experiment.own_columns import join_own, parts_of
from geiger.experiment.plan import plan
from geiger.features.catalogue import NAMES, WARMUP
from geiger.learning.target import make_target
from helpers.runs import LOCKED, ROWS, experiment, small

Bars = pl.DataFrame


def momentum(bars: Bars) -> pl.Series:
    return (bars["close"] / bars["close"].shift(20)).log()


def centred(bars: Bars) -> pl.Series:
    return (bars["close"].rolling_mean(9, center=True, min_samples=1) / bars["close"]).log()


def whole_sample(bars: Bars) -> pl.Series:
    return (bars["close"] - bars["close"].mean()) / bars["close"].std()


def late(bars: Bars) -> Bars:
    return bars.select(own=pl.col("close").shift(WARMUP + 100).log(), early=pl.col("open").log())


def clipped(bars: Bars) -> pl.Series:
    """The return from the next open to the one after, its tails cut off."""
    opens = bars["open"]
    return (opens.shift(-2) / opens.shift(-1)).log().clip(-0.02, 0.02)


def material_with(folder: Path, prices: Bars, **given: Any) -> Material:
    config = given.pop("config", small())
    return replace(experiment(folder, prices, config=config), **given).material()


def codes(material: Material) -> set[str]:
    return {notice.code for notice in material.notices}


def hidden_after(prices: Bars, row: int) -> Bars:
    """The same bars up to a row, then another market."""
    rng = np.random.default_rng(3)
    factor = np.ones(prices.height)
    factor[row + 1 :] = np.exp(rng.normal(0, 0.05, prices.height - row - 1).cumsum())
    return prices.with_columns(pl.col("open", "high", "low", "close", "raw_close") * factor)


def test_own_columns_stand_behind_ours_and_change_no_bit_of_them(tmp_path: Path, market: Bars) -> None:
    plain, own = material_with(tmp_path, market), material_with(tmp_path, market, features=momentum)
    assert own.names == (*NAMES, "momentum")
    assert plain.names == NAMES
    np.testing.assert_array_equal(own.features[:, : len(NAMES)], plain.features)
    close = market["close"].to_numpy()
    np.testing.assert_allclose(own.features[20:, -1], np.log(close[20:] / close[:-20]))
    assert own.target.equals(plain.target)
    assert own.warmup == plain.warmup == WARMUP
    assert codes(own) == codes(plain)


def test_a_name_of_ours_gets_another_and_two_alike_are_refused(tmp_path: Path, market: Bars) -> None:
    def mine(bars: Bars) -> Bars:
        return bars.select(return_1=pl.col("close").log(), gap=pl.col("open").log())

    def doubled(bars: Bars) -> Bars:
        return mine(bars).rename({"gap": "own_return_1"})

    found = material_with(tmp_path, market, features=mine)
    assert found.names[len(NAMES) :] == ("own_return_1", "gap")
    assert found.last_returns[WARMUP] == pytest.approx(found.features[WARMUP, NAMES.index("return_1")])
    with pytest.raises(DataError, match="two columns would be called 'own_return_1'; rename one"):
        material_with(tmp_path, market, features=doubled)


def test_names_may_not_follow_the_bars(tmp_path: Path, market: Bars) -> None:
    def counted(bars: Bars) -> Bars:
        return bars.select(pl.col("close").alias(f"x{bars.height}"))

    with pytest.raises(DataError, match=r"its columns are x900 on some bars .* x600 on others"):
        material_with(tmp_path, market, features=counted)


@pytest.mark.parametrize("cut", [600, 701])
def test_a_causal_function_stays_causal_beside_ours(tmp_path: Path, market: Bars, cut: int) -> None:
    """Another market from row `cut` + 1 on, and bars that end there, change no row up to `cut`."""
    whole = material_with(tmp_path, market, features=momentum).features[: cut + 1]
    other = material_with(tmp_path, hidden_after(market, cut), features=momentum).features[: cut + 1]
    ended = material_with(tmp_path, market.head(cut + 1), features=momentum).features
    np.testing.assert_array_equal(whole, other)
    np.testing.assert_array_equal(whole, ended)


def test_a_frame_by_day_is_joined_by_what_was_known(tmp_path: Path, market: Bars) -> None:
    days = market["day"]
    value = np.arange(market.height, dtype=float)
    same_day = pl.DataFrame({"day": days, "x": value})
    found = material_with(tmp_path, market, features=same_day)
    np.testing.assert_array_equal(found.features[:, -1], value)
    assert "OWN_KNOWN_SAME_DAY" in codes(found)
    later = same_day.with_columns(known_on=days.dt.offset_by("1d"))  # of a Friday: Monday
    known = material_with(tmp_path, market, features=later)
    np.testing.assert_array_equal(known.features[1:, -1], value[:-1])
    assert "OWN_KNOWN_SAME_DAY" not in codes(known)


@pytest.mark.parametrize("leak", [centred, whole_sample])
def test_a_function_that_looks_ahead_is_said(
    tmp_path: Path, market: Bars, leak: Callable[[Bars], pl.Series]
) -> None:
    found = material_with(tmp_path, market, features=leak)
    (notice,) = [notice for notice in found.notices if notice.code == "OWN_LOOKS_AHEAD"]
    assert leak.__name__ in notice.text


def test_the_first_day_waits_for_the_last_column_to_begin(tmp_path: Path, long_market: Bars) -> None:
    found = material_with(tmp_path, long_market, features=late)
    assert found.warmup == WARMUP + 100
    (notice,) = [notice for notice in found.notices if notice.code == "OWN_WARMUP"]
    assert notice.text.startswith(f"own begins on {long_market['day'][WARMUP + 100]}, row {WARMUP + 100}")
    folds = plan(replace(experiment(tmp_path, long_market), features=late)).folds
    assert folds[0].train.start == WARMUP + 100
    with pytest.raises(DataError, match=f"complete from row {WARMUP + 100} on; the first forecast needs"):
        material_with(tmp_path, long_market.head(WARMUP + 330), features=late)


@pytest.mark.parametrize("hole", [np.nan, np.inf, None])
def test_a_gap_behind_the_warm_up_names_column_and_day(
    tmp_path: Path, market: Bars, hole: float | None
) -> None:
    def gap(bars: Bars) -> pl.Series:
        there = pl.int_range(bars.height, eager=True) != 600
        return bars.select(x=pl.when(there).then(pl.col("close").log()).otherwise(hole))["x"]

    with pytest.raises(DataError, match=f"column 'x' is not finite on {market['day'][600]}"):
        material_with(tmp_path, market, features=gap)
    with pytest.raises(DataError, match="column 'x' has no number on any bar"):
        material_with(tmp_path, market, features=lambda bars: pl.Series("x", [None] * bars.height))


def test_two_calls_that_differ_are_refused(tmp_path: Path, market: Bars) -> None:
    rng = np.random.default_rng(0)
    seeded = material_with(
        tmp_path, market, features=lambda bars: np.random.default_rng(0).normal(size=bars.height)
    )
    assert np.isfinite(seeded.features[:, -1]).all()
    for kind in ("features", "target"):
        with pytest.raises(DataError, match="is not repeatable: two calls on the same bars"):
            material_with(tmp_path, market, **{kind: lambda bars: rng.normal(size=bars.height)})


def test_the_lock_box_is_no_part_of_what_own_columns_are_made_of(tmp_path: Path, planted: Bars) -> None:
    locked = small(lockbox=LOCKED)
    one = material_with(tmp_path, planted, features=whole_sample, config=locked)
    ended = material_with(tmp_path, planted.head(ROWS - LOCKED), features=whole_sample)
    np.testing.assert_array_equal(one.features, ended.features)
    assert one.beyond is not None
    assert one.beyond.features.shape == (ROWS, len(NAMES) + 1)
    assert one.beyond.names == one.names


def test_an_own_target_is_learned_and_earns_what_the_fill_earns(tmp_path: Path, market: Bars) -> None:
    ours = make_target(market)
    found = material_with(tmp_path, market, target=clipped).target
    expected = ours["value"].clip(-0.02, 0.02)
    np.testing.assert_allclose(found["value"].drop_nulls(), expected.drop_nulls(), atol=1e-15)
    assert found["value"].null_count() == 2
    kept = ("day", "entry_day", "known_on", "simple")
    assert found.select(kept).equals(ours.select(kept))


def test_a_target_may_begin_late_and_then_has_no_gap(tmp_path: Path, market: Bars) -> None:
    def scaled(bars: Bars) -> pl.Series:
        """The return over its volatility so far, on the scale of the whole past."""
        returns = bars["close"].log().diff()
        return clipped(bars) / returns.rolling_std(WARMUP + 30) * 0.01

    found = material_with(tmp_path, market, target=scaled)
    assert found.warmup == WARMUP + 30
    assert found.labelled == market.height - 2

    def broken(bars: Bars) -> pl.Series:
        return clipped(bars).scatter(600, np.inf)

    with pytest.raises(DataError, match=f"the value of {market['day'][600]} is missing or infinite"):
        material_with(tmp_path, market, target=broken)


def five_days(bars: Bars) -> pl.Series:
    return (bars["open"].shift(-6) / bars["open"].shift(-1)).log()


def test_labels_that_come_later_than_the_gap_are_refused(tmp_path: Path, market: Bars) -> None:
    with pytest.raises(DataError, match=f"{market['day'][900 - 6]} is not known when the position is closed"):
        material_with(tmp_path, market, target=five_days)

    def dated(bars: Bars) -> Bars:
        return bars.select("day", value=five_days(bars), known_on=pl.col("day").shift(-6))

    with pytest.raises(DataError, match=f"is known on {market['day'][6]}, later than when the position is"):
        material_with(tmp_path, market, target=dated)


def test_labels_that_change_after_they_were_known_are_refused(tmp_path: Path, market: Bars) -> None:
    def filled(bars: Bars) -> pl.Series:
        return five_days(bars).fill_null(0.0)  # of the last five days: not known yet

    with pytest.raises(DataError, match=r"counts as known on .* bars after that day still change it"):
        material_with(tmp_path, market, target=filled)

    def early(bars: Bars) -> Bars:
        """A return that is known after two days, and said to be known at once."""
        return bars.select("day", known_on="day", value=clipped(bars))

    with pytest.raises(DataError, match=r"counts as known on .* bars after that day still change it"):
        material_with(tmp_path, market, target=early)


def test_a_label_may_be_known_earlier_than_the_exit(tmp_path: Path, market: Bars) -> None:
    def to_the_close(bars: Bars) -> Bars:
        """From the next open to its close: known a night before the exit."""
        value = (pl.col("close").shift(-1) / pl.col("open").shift(-1)).log()
        return bars.select("day", value=value, known_on=pl.col("day").shift(-1))

    found = material_with(tmp_path, market, target=to_the_close).target
    assert found["known_on"][0] == market["day"][1]
    assert found["known_on"].null_count() == 2  # the last two have no exit yet, so no label either


def test_a_target_in_another_unit_is_doubted(tmp_path: Path, market: Bars) -> None:
    assert "OWN_TARGET_UNIT" not in codes(material_with(tmp_path, market, target=clipped))
    percent = material_with(tmp_path, market, target=lambda bars: 100 * clipped(bars))
    assert "OWN_TARGET_UNIT" in codes(percent)


def test_hashes_tell_what_was_made_of_all_rows(market: Bars) -> None:
    def parts(rows: int, scale: float = 1.0) -> Any:
        features = own_features(lambda bars: momentum(bars) * scale)
        joined = join_own(market.head(600), features, own_target(clipped))
        return parts_of(joined, joined.on(market.head(rows)), make_target(market.head(600)))

    one = parts(800)
    assert one.features.values == parts(800).features.values
    assert len({one.features.values, parts(801).features.values, parts(800, 2.0).features.values}) == 3
    assert one.target.values != parts(801).target.values


def test_dates_of_a_table_may_be_other_days_than_those_of_the_bars(tmp_path: Path, market: Bars) -> None:
    first = market["day"][0] - dt.timedelta(days=10)
    monthly = pl.DataFrame({"day": [first + dt.timedelta(30 * i) for i in range(60)], "x": np.arange(60.0)})
    found = material_with(tmp_path, market, features=monthly).features[:, -1]
    ages = np.array([(day - first).days // 30 for day in market["day"]], dtype=float)
    np.testing.assert_array_equal(found, np.minimum(ages, 59.0))
