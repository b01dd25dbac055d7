"""Members side by side on one calendar: who takes part when, and what a row knows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.evidence.score_test import daily_volatility
from geiger.features.catalogue import WARMUP, feature_matrix
from geiger.market.synthetic_panel import planted_panel
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial, load_panel
from geiger.panel.normalise import rolling_z
from geiger.settings import override, panel_recipe

DAYS, NAMES, LEAST = 330, 11, 20
FIRST = WARMUP + LEAST - 1  # the first row that takes part

Prices = Mapping[str, pl.DataFrame]


def material_of(folder: Path, prices: Prices, **changes: Any) -> PanelMaterial:
    """Load a panel of all the given symbols; `changes` are settings."""
    base = {"lockbox": 0, "panel": {"window": 60, "window_least": LEAST}}
    config = override(override(panel_recipe("quick"), base), changes)
    work = Panel("MADE", tuple(prices), config=config, prices=prices, context="none", runs_dir=folder)
    return load_panel(work)


@pytest.fixture(scope="module")
def prices() -> dict[str, pl.DataFrame]:
    """Eleven symbols on one calendar."""
    return planted_panel(NAMES, DAYS, 2).prices


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, prices: Prices) -> PanelMaterial:
    """Their material."""
    return material_of(tmp_path_factory.mktemp("made"), prices)


def of_member(material: PanelMaterial, symbol: str) -> np.ndarray:
    """Rows of a member."""
    return np.flatnonzero(material.member == material.symbols.index(symbol))


def columns_of(material: PanelMaterial, symbol: str) -> dict[str, Any]:
    """Everything about a member that a model or a score reads, by day."""
    rows = of_member(material, symbol)
    return {
        "day": material.calendar.gather(material.day[rows]).to_list(),
        "features": material.features[rows],
        "normalised": material.normalised[rows],
        "outcome": material.outcome[rows],
        "volatility": material.volatility[rows],
        "known_on": material.known_on.gather(rows).to_list(),
        "tradable": material.tradable[rows],
    }


def same(one: dict[str, Any], other: dict[str, Any], rows: slice = slice(None)) -> None:
    """Bit for bit."""
    for name, values in one.items():
        if isinstance(values, list):
            assert values[rows] == other[name][rows], name
        else:
            assert np.array_equal(values[rows], other[name][rows], equal_nan=values.dtype != bool), name


def test_rows_are_those_of_each_symbol_alone(prices: Prices, made: PanelMaterial) -> None:
    """Features, outcome and volatility held against the functions that make them of one symbol."""
    assert made.symbols == tuple(sorted(prices))
    assert len(made.day) == NAMES * (DAYS - FIRST)
    assert np.all(np.diff(made.day.astype(int) * NAMES + made.member) == 1)  # by day, then by member
    for symbol in ("S0000", "S0007"):
        frame = prices[symbol]
        rows = of_member(made, symbol)
        features = feature_matrix(frame)
        assert np.array_equal(made.features[rows], features[FIRST:].astype(np.float32))
        z = rolling_z(features[WARMUP:], window=60, least=LEAST, clip=4.0)
        assert np.array_equal(made.normalised[rows], z[LEAST - 1 :])
        opened, closed = np.log(frame["open"].to_numpy()), np.log(frame["close"].to_numpy())
        assert made.outcome[rows][:-2] == pytest.approx(
            opened[FIRST + 2 :] - opened[FIRST + 1 : -1], abs=1e-12
        )
        assert np.isnan(made.outcome[rows][-2:]).all()
        assert made.known_on.gather(rows).to_list()[:-2] == frame["day"].to_list()[FIRST + 2 :]
        returns = np.diff(closed, prepend=np.nan)
        assert np.array_equal(made.volatility[rows], daily_volatility(returns)[FIRST:])
        column = made.symbols.index(symbol)
        assert made.returns[:, column] == pytest.approx(returns, nan_ok=True)
        for name in ("open", "volume"):
            assert np.array_equal(made.bars[name][:, column], frame[name].to_numpy())
    assert made.on_time[made.day < DAYS - 2].all()
    assert not made.on_time[made.day >= DAYS - 2].any()


def test_rows_and_grids_find_each_other(made: PanelMaterial) -> None:
    grid = made.grid(made.outcome)
    assert grid.shape == made.shape == (DAYS, NAMES)
    assert np.array_equal(grid[made.day, made.member], made.outcome, equal_nan=True)
    assert np.isnan(grid[:FIRST]).all()
    some = made.rows(FIRST + 3, FIRST + 5)
    assert set(made.day[some]) == {FIRST + 3, FIRST + 4}
    assert np.array_equal(
        np.isfinite(made.grid(made.volatility[some], some)).sum(axis=1).nonzero()[0], [FIRST + 3, FIRST + 4]
    )


@pytest.mark.parametrize("normalisation", ["rolling", "ranked"])
@pytest.mark.parametrize("cut", [FIRST + 5, DAYS - 7])
def test_what_comes_later_changes_no_bit(
    tmp_path: Path, prices: Prices, normalisation: str, cut: int
) -> None:
    """All prices cut after a day, or other ones from then on."""
    panel = {"normalisation": normalisation}
    whole = material_of(tmp_path, prices, panel=panel)
    until = whole.rows(0, cut - 1)  # outcomes of the last two days lie behind the cut
    rng = np.random.default_rng(cut)
    columns = ["open", "high", "low", "close", "raw_close"]
    for changed in (
        {symbol: frame.head(cut + 1) for symbol, frame in prices.items()},
        {
            symbol: frame.with_columns(
                pl.col(columns) * np.where(np.arange(DAYS) > cut, np.exp(rng.normal(0, 0.2, DAYS)), 1.0)
            )
            for symbol, frame in prices.items()
        },
    ):
        other = material_of(tmp_path, changed, panel=panel)
        for name in ("day", "member", "features", "normalised", "volatility", "tradable"):
            upto = slice(0, whole.rows(0, cut + 1).stop)
            assert np.array_equal(getattr(other, name)[upto], getattr(whole, name)[upto]), name
        for name in ("outcome", "on_time"):
            assert np.array_equal(getattr(other, name)[until], getattr(whole, name)[until]), name
        assert other.known_on.head(until.stop).equals(whole.known_on.head(until.stop))


def test_the_order_of_the_symbols_changes_nothing(
    tmp_path: Path, prices: Prices, made: PanelMaterial
) -> None:
    other = material_of(tmp_path, dict(reversed(prices.items())))
    assert other.symbols == made.symbols
    for name in ("day", "member", "features", "normalised", "outcome", "volatility", "counts"):
        assert np.array_equal(getattr(other, name), getattr(made, name), equal_nan=True), name
    assert other.provenance.data_hash == made.provenance.data_hash


def test_a_symbol_more_or_less_changes_no_other(tmp_path: Path, prices: Prices, made: PanelMaterial) -> None:
    fewer = material_of(tmp_path, {symbol: frame for symbol, frame in prices.items() if symbol != "S0004"})
    assert fewer.symbols == tuple(symbol for symbol in made.symbols if symbol != "S0004")
    for symbol in fewer.symbols:
        same(columns_of(made, symbol), columns_of(fewer, symbol))
    assert fewer.provenance.data_hash != made.provenance.data_hash


def test_members_may_begin_late_and_end_early(tmp_path: Path, prices: Prices, made: PanelMaterial) -> None:
    """Who comes or goes takes part on its own days, and days with too few names do not count."""
    changed = dict(prices)
    changed["S0001"] = prices["S0001"].slice(10)
    changed["S0002"] = prices["S0002"].head(DAYS - 15)
    changed["S0003"] = prices["S0003"].head(DAYS - 5)
    got = material_of(tmp_path, changed)
    late = columns_of(got, "S0001")
    assert late["day"][0] == prices["S0001"]["day"][FIRST + 10]
    assert columns_of(got, "S0002")["day"][-1] == prices["S0002"]["day"][DAYS - 16]
    assert not got.on_time[of_member(got, "S0002")][-2:].any()
    same(columns_of(made, "S0000"), columns_of(got, "S0000"), slice(0, DAYS - 5 - FIRST - 2))
    names = np.bincount(got.day, minlength=len(got.calendar))
    assert np.array_equal(got.counts, names >= 10)
    assert got.counts.sum() == DAYS - 5 - FIRST
    assert names[~got.counts].sum() == 0  # and their rows are no part
    assert "SURVIVORS_ONLY" not in {notice.code for notice in got.notices}
    assert "SURVIVORS_ONLY" in {notice.code for notice in made.notices}


def test_a_stray_bar_makes_no_day(tmp_path: Path, prices: Prices, made: PanelMaterial) -> None:
    """One member has a bar on a Saturday: the calendar and the lock-box are those of the panel."""
    odd = prices["S0005"]
    saturday = odd["day"][DAYS - 4] + dt.timedelta(days=1)
    while saturday.weekday() != 5:
        saturday += dt.timedelta(days=1)
    assert saturday > odd["day"][DAYS - 4]
    stray = odd.tail(1).with_columns(pl.lit(saturday).alias("day"))
    changed = {**prices, "S0005": pl.concat([odd, stray]).sort("day")}
    got = material_of(tmp_path, changed)
    assert got.calendar.equals(made.calendar)
    same(columns_of(made, "S0006"), columns_of(got, "S0006"))
    assert columns_of(got, "S0005")["day"] == columns_of(made, "S0005")["day"]
    locked = material_of(tmp_path, changed, lockbox=9)
    assert locked.calendar.equals(made.calendar.head(DAYS - 9))


def test_the_lock_box_is_cut_off_by_the_panels_calendar(
    tmp_path: Path, prices: Prices, made: PanelMaterial
) -> None:
    """A member that ended earlier loses no more for it, and no outcome reaches into the locked days."""
    ended = {**prices, "S0010": prices["S0010"].head(DAYS - 6)}
    got = material_of(tmp_path, ended, lockbox=8)
    assert got.calendar.equals(made.calendar.head(DAYS - 8))
    assert got.provenance.lockbox_rows == 8
    assert got.provenance.lockbox_from == str(made.calendar[DAYS - 8])
    known = got.known_on.drop_nulls()
    assert known.max() == got.calendar[-1]
    assert {notice.code for notice in got.notices}.isdisjoint({"LOCKBOX_OPEN"})
    assert "LOCKBOX_OPEN" in {notice.code for notice in made.notices}
    assert of_member(got, "S0010").size == of_member(got, "S0000").size


def test_a_halted_member_is_scored_late_and_never_learned_from(
    tmp_path: Path, prices: Prices, made: PanelMaterial
) -> None:
    """Four days without a bar: what was decided just before is known later than the calendar allows."""
    halt = [made.calendar[day] for day in range(DAYS - 20, DAYS - 16)]
    halted = prices["S0003"].filter(~pl.col("day").is_in(halt))
    got = material_of(tmp_path, {**prices, "S0003": halted})
    assert got.calendar.equals(made.calendar)
    rows = of_member(got, "S0003")
    day = got.day[rows]
    assert not np.isin(day, np.arange(DAYS - 20, DAYS - 16)).any()
    late = np.flatnonzero(~got.on_time[rows] & np.isfinite(got.outcome[rows]))
    assert day[late].tolist() == [DAYS - 22, DAYS - 21]
    assert got.tradable[rows][late].all()
    known = got.known_on.gather(rows[late]).to_list()
    assert known == [got.calendar[DAYS - 16], got.calendar[DAYS - 15]]
    others = np.isfinite(got.outcome) & (got.member != got.symbols.index("S0003"))
    assert got.on_time[others].all()


def test_one_day_without_a_bar_makes_outcomes_late(
    tmp_path: Path, prices: Prices, made: PanelMaterial
) -> None:
    """Known one day after the others of their days, when a fold may have been fitted already."""
    halted = prices["S0003"].filter(pl.col("day") != made.calendar[DAYS - 20])
    got = material_of(tmp_path, {**prices, "S0003": halted})
    rows = of_member(got, "S0003")
    late = rows[~got.on_time[rows] & np.isfinite(got.outcome[rows])]
    assert got.day[late].tolist() == [DAYS - 22, DAYS - 21]
    assert got.known_on.gather(late).to_list() == [got.calendar[DAYS - 19], got.calendar[DAYS - 18]]


def copied(frame: pl.DataFrame, *rows: int) -> pl.DataFrame:
    """The bars of these rows are those of the day before."""
    cells = pl.exclude("day")
    again = pl.Series(np.isin(np.arange(frame.height), rows))
    return frame.with_columns(pl.when(again).then(cells.shift(1)).otherwise(cells).name.keep())


def test_a_doubt_names_the_symbols_that_it_is_about(tmp_path: Path, prices: Prices) -> None:
    """One, several of which each has figures of its own, or all, who are not named."""

    def told(name: str, changed: Prices) -> str:
        notices = material_of(tmp_path / name, {**prices, **changed}).notices
        (text,) = (notice.text for notice in notices if notice.code == "DATA_COPIED_ROWS")
        return text

    assert told("one", {"S0001": copied(prices["S0001"], 40)}).startswith("S0001: 1 bar repeats ")
    two = {"S0001": copied(prices["S0001"], 40), "S0002": copied(prices["S0002"], 40, 60)}
    assert told("two", two).startswith("S0001, S0002: of S0001: 1 bar repeats ")
    every = {name: copied(frame, 40) for name, frame in prices.items()}
    assert told("every", every).startswith("1 bar repeats ")


def test_stale_opens_are_learned_from_and_not_scored(
    tmp_path: Path, prices: Prices, made: PanelMaterial
) -> None:
    """Every second open repeats the last close up to a day: as long as three tenths of a year's do."""
    frame = prices["S0008"]
    last = frame["close"].shift(1)
    repeats = (np.arange(DAYS) % 2 == 0) & (np.arange(DAYS) > 0) & (np.arange(DAYS) < 220)
    opened = pl.when(pl.Series(repeats)).then(last).otherwise(pl.col("open"))
    stale = frame.with_columns(opened.alias("open")).with_columns(
        pl.max_horizontal("high", "open").alias("high"), pl.min_horizontal("low", "open").alias("low")
    )
    got = material_of(tmp_path, {**prices, "S0008": stale})
    rows = of_member(got, "S0008")
    assert rows.size == of_member(made, "S0008").size  # all of them take part
    through = np.cumsum(repeats)
    day = got.day[rows]
    share = (through[day] - through[day - 252]) / 252
    assert np.array_equal(got.tradable[rows], share <= 0.30)
    assert 0 < got.tradable[rows].sum() < rows.size
    member = got.members[got.symbols.index("S0008")]
    assert member.stale == (~got.tradable[rows]).sum()
    told = next(notice.text for notice in got.notices if notice.code == "STALE_OPENS_LEFT_OUT")
    assert told.endswith(f"S0008 {member.stale}")
    assert got.tradable[got.member != got.symbols.index("S0008")].all()


def test_a_member_that_cannot_be_used_is_left_out_and_said(tmp_path: Path, prices: Prices) -> None:
    short = {**prices, "S0009": prices["S0009"].tail(100)}
    got = material_of(tmp_path, short)
    assert "S0009" not in got.symbols
    told = [notice.text for notice in got.notices if notice.code == "MEMBER_LEFT_OUT"]
    assert len(told) == 1
    assert told[0].startswith("S0009: 100 rows before the lock-box; a member takes part from row")


def test_an_index_is_no_member(tmp_path: Path, prices: Prices) -> None:
    got = material_of(tmp_path, {**prices, "^S": prices["S0009"]})
    assert "^S" not in got.symbols
    told = [notice.text for notice in got.notices if notice.code == "MEMBER_LEFT_OUT"]
    assert told == ["^S: an index level cannot be bought, so it is no member; it may be the --context"]


def test_too_few_names_are_refused(tmp_path: Path, prices: Prices) -> None:
    short = {**prices, **{symbol: prices[symbol].tail(100) for symbol in ("S0000", "S0001")}}
    with pytest.raises(
        DataError, match=r"panel MADE: 9 of 11 symbols can be used, and a day counts from 10 on: S0000"
    ):
        material_of(tmp_path, short)


def test_a_symbol_that_nobody_has_is_left_out_and_named(tmp_path: Path, prices: Prices) -> None:
    config = override(panel_recipe("quick"), {"lockbox": 0, "panel": {"window": 60, "window_least": LEAST}})
    symbols = (*prices, "NOBODY")
    work = Panel("MADE", symbols, config=config, prices=prices, context="none", runs_dir=tmp_path)
    got = load_panel(work)
    assert got.symbols == tuple(sorted(prices))
    told = next(notice.text for notice in got.notices if notice.code == "MEMBER_LEFT_OUT")
    assert told == "NOBODY: panel MADE: no prices are given for NOBODY"


def test_days_that_never_meet_are_no_panel(tmp_path: Path, prices: Prices) -> None:
    later = {
        symbol: frame.with_columns(pl.col("day") + dt.timedelta(days=728 * number))
        for number, (symbol, frame) in enumerate(prices.items())
    }
    with pytest.raises(DataError, match="panel MADE: no day has 10 symbols"):
        material_of(tmp_path, later)


def test_another_calendar_is_refused(tmp_path: Path, prices: Prices) -> None:
    """Round the clock beside weekdays; and weekdays on which the others rest."""
    days = pl.date_range(dt.date(1990, 1, 1), dt.date(1990, 1, 1) + dt.timedelta(days=DAYS - 1), eager=True)
    daily = {**prices, "S0006": prices["S0006"].with_columns(days.alias("day"))}
    with pytest.raises(DataError, match=r"panel MADE: S0006 .*another calendar than the other members"):
        material_of(tmp_path, daily)
    rest = {
        symbol: frame.filter(pl.lit(np.arange(DAYS) % 10 != 3)) if symbol != "S0006" else frame
        for symbol, frame in prices.items()
    }
    with pytest.raises(
        DataError, match="S0006 has 10% of its bars on days when most other members have none"
    ):
        material_of(tmp_path, rest)
