"""The ledger of saved forecasts: what counts, what came of it, and what was done to it afterwards."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.chain import Chain
from geiger.errors import DataError
from geiger.market.calendar import market_of
from geiger.market.synthetic import garch_market
from geiger.runs.folder import RunsFolder
from geiger.tomorrow.forecast_ledger import chain_of, save, saved, score
from geiger.tomorrow.prediction import Prediction, save_by

US = market_of("AAPL")
# Sessions of New York around a weekend and a holiday; 3 July ends at 17:00 UTC, three hours early.
DAYS = [dt.date(2023, 6, 29), dt.date(2023, 6, 30), dt.date(2023, 7, 3), dt.date(2023, 7, 5)]
DAYS += [dt.date(2023, 7, 6), dt.date(2023, 7, 7), dt.date(2023, 7, 10)]


def utc(day: str, clock: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{day}T{clock}:00+00:00")


def market(days: list[dt.date] = DAYS, seed: int = 3) -> pl.DataFrame:
    return garch_market(len(days), seed).with_columns(day=pl.Series(days))


def forecast(day: dt.date, fill: str = "next_open", value: float = 0.001, symbol: str = "AAPL") -> Prediction:
    place = DAYS.index(day)
    entry, exit_day = (DAYS[place + 1], DAYS[place + 2]) if fill == "next_open" else (day, DAYS[place + 1])
    return Prediction(
        symbol=symbol,
        model="ridge",
        run="run",
        fill=fill,
        day=day,
        entry_day=entry,
        exit_day=exit_day,
        save_by=save_by(market_of(symbol), fill, day, DAYS[place + 1]),
        forecast=value,
        expected=value,
        low=-0.02,
        high=0.02,
        level=0.9,
        covered=None,
        covered_rows=0,
        below=None,
        above=None,
        weight=0.1,
        chosen_on=day,
        data_age=0,
        model_age=2,
        status="SUCCESS",
        health="SHRUNK_OK",
        verdict="not evaluated",
        notices=(),
    )


@pytest.fixture
def runs(tmp_path: Path) -> RunsFolder:
    return RunsFolder(tmp_path)


# ---- in time ----


@pytest.mark.parametrize(
    ("symbol", "fill", "day", "next_day", "deadline"),
    [
        # Clocks by hand: 9:30 in New York is 13:30 UTC in summer; the day after 3 July is a holiday.
        ("AAPL", "next_open", DAYS[0], DAYS[1], utc("2023-06-30", "13:30")),
        ("AAPL", "next_open", DAYS[2], DAYS[3], utc("2023-07-05", "13:30")),
        ("AAPL", "close", DAYS[0], DAYS[1], utc("2023-06-29", "21:00")),
        ("AAPL", "close", DAYS[2], DAYS[3], utc("2023-07-03", "18:00")),  # the exchange closes at 13:00
        ("7203.T", "next_open", DAYS[0], DAYS[1], utc("2023-06-30", "00:00")),
        ("AIR.PA", "close", DAYS[0], DAYS[1], utc("2023-06-29", "16:35")),
        # What never closes opens at the moment it closes: an hour is given, and no more.
        ("BTC-USD", "next_open", DAYS[0], DAYS[1], utc("2023-06-30", "01:00")),
        ("GC=F", "next_open", DAYS[0], DAYS[1], utc("2023-06-29", "23:00")),
        # Nobody knows when: before the date begins anywhere, or never.
        ("X.ZZ", "next_open", DAYS[0], DAYS[1], utc("2023-06-29", "10:00")),
        ("EURUSD=X", "close", DAYS[0], DAYS[1], None),
        ("X.ZZ", "close", DAYS[0], DAYS[1], None),
    ],
)
def test_a_forecast_must_be_saved_before_its_position_is_opened(
    symbol: str, fill: str, day: dt.date, next_day: dt.date, deadline: dt.datetime | None
) -> None:
    assert save_by(market_of(symbol), fill, day, next_day) == deadline


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_only_what_was_saved_before_counts(runs: RunsFolder, fill: str) -> None:
    early, late = (DAYS[0], DAYS[1])
    deadline = {"next_open": utc("2023-07-03", "13:30"), "close": utc("2023-06-30", "21:00")}[fill]
    moment = dt.timedelta(seconds=1)
    assert save(forecast(early, fill), runs, now=utc("2023-06-29", "20:30")).in_time
    assert not save(forecast(late, fill), runs, now=deadline).in_time
    other = RunsFolder(runs.root / "other")
    assert save(forecast(late, fill), other, now=deadline - moment).in_time
    (found,), _ = score(runs, lambda symbol: market())
    assert (found.rows, found.waiting, found.late) == (1, 0, 1)
    assert "1 not counted, since not surely saved in time" in found.text()


def test_who_saves_after_the_entry_session_only_what_went_well_gets_nothing(runs: RunsFolder) -> None:
    """Eight hours after the entry session's close, the day before the exit: most of the return is known."""
    prices = market()
    for place in range(4):
        day, entry = DAYS[place], DAYS[place + 1]
        moved = prices["close"][place + 1] / prices["open"][place + 1] - 1.0
        hint = forecast(day, value=float(np.sign(moved)) * 0.001)
        assert not save(hint, runs, now=dt.datetime.combine(entry, dt.time(20), dt.UTC) + HOURS_8).in_time
    (found,), _ = score(runs, lambda symbol: prices)
    assert (found.rows, found.late, found.accuracy) == (0, 4, None)


HOURS_8 = dt.timedelta(hours=8)


def test_a_clock_set_back_gains_nothing(runs: RunsFolder) -> None:
    save(forecast(DAYS[1]), runs, now=utc("2023-07-05", "22:00"))
    again = save(forecast(DAYS[0]), runs, now=utc("2023-06-29", "22:00"))
    assert not again.in_time
    assert [one.in_time for one in saved(runs)] == [False, False]


def test_days_without_a_forecast_are_named(runs: RunsFolder) -> None:
    for place in (0, 3, 4):
        day = DAYS[place]
        save(forecast(day), runs, now=dt.datetime.combine(day, dt.time(21), dt.UTC))
    (found,), _ = score(runs, lambda symbol: market())
    assert found.skipped == ("2023-06-30", "2023-07-03")  # 4 July is a holiday
    assert "2 sessions between them without a forecast (2023-06-30, 2023-07-03)" in found.text()
    for place in (0, 2):
        save(forecast(DAYS[place], symbol="X.ZZ"), runs, now=utc("2023-07-10", "21:00"))
    unknown = score(runs, lambda symbol: market())[0][1]
    assert unknown.skipped is None
    assert "no calendar says which days between them lack a forecast" in unknown.text()


# ---- what came of it ----


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_an_outcome_waits_for_the_end_of_its_session(runs: RunsFolder, fill: str) -> None:
    """Who scores within the session, or with bars of days to come, could choose the price."""
    made = forecast(DAYS[0], fill)  # its exit is 30 June or 3 July, when the exchange closes at 17:00 UTC
    save(made, runs, now=utc("2023-06-29", "20:30"))
    end = utc("2023-07-03", "17:00") if fill == "next_open" else utc("2023-06-30", "20:00")
    for early in (dt.timedelta(minutes=1), dt.timedelta(hours=10)):
        (found,), troubles = score(runs, lambda symbol: market(), end - early)
        assert (found.rows, found.waiting, troubles) == (0, 1, ())
    (found,), _ = score(runs, lambda symbol: market(), end)
    assert (found.rows, found.waiting) == (1, 0)


def test_the_direction_that_is_scored_is_the_one_that_was_printed(runs: RunsFolder) -> None:
    """Half the variance lies between a log forecast below 0 and an expected return above it."""
    made = replace(forecast(DAYS[0], value=-0.0001), expected=0.0001)
    assert made.direction == "up"
    save(made, runs, now=utc("2023-06-29", "20:30"))
    rises = market().with_columns(open=pl.Series([1.0, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1]))
    assert score(runs, lambda symbol: rises)[0][0].accuracy == 1.0


def test_the_share_inside_stands_beside_the_share_that_was_asked_for(runs: RunsFolder) -> None:
    for place, level in ((0, 0.9), (1, 0.98)):
        made = replace(forecast(DAYS[place]), level=level, low=-5.0, high=5.0)
        save(made, runs, now=dt.datetime.combine(DAYS[place], dt.time(21), dt.UTC))
    (found,), _ = score(runs, lambda symbol: market())
    assert (found.covered, found.level) == (1.0, pytest.approx(0.94))
    assert "100.0% inside the interval (aimed at 94.0%)" in found.text()


def test_a_saved_forecast_is_scored_once_its_outcome_is_known(runs: RunsFolder) -> None:
    prices = market()
    for place, value in ((0, 0.001), (1, -0.002)):
        made = forecast(DAYS[place], value=value)
        moment = dt.datetime.combine(DAYS[place], dt.time(21), dt.UTC)
        kept = save(made, runs, now=moment)
        assert kept.in_time
        assert save(made, runs, now=moment).line == kept.line  # once only
    second_thought = replace(made, forecast=0.002)  # of the same day, and in time: it does not count
    assert save(second_thought, runs, now=utc("2023-06-30", "22:00")).in_time
    (before,), troubles = score(runs, lambda symbol: prices.head(2))
    assert (before.rows, before.waiting, before.late, troubles) == (0, 3, 0, ())
    (after,), _ = score(runs, lambda symbol: prices)
    assert (after.rows, after.waiting, after.late) == (2, 0, 0)
    opens = prices["open"].to_numpy()
    outcomes = np.log(opens[2:4] / opens[1:3])
    assert [one.outcome for one in saved(runs)][:2] == pytest.approx(outcomes)
    assert after.accuracy == np.mean(np.sign(outcomes) == [1, -1])
    assert score(runs, lambda symbol: prices)[0] == (after,)  # nothing is scored twice
    assert len(chain_of(runs).entries()) == 6


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("gone", ["entry_day", "exit_day"])
def test_an_outcome_of_other_days_than_promised_is_not_taken(runs: RunsFolder, fill: str, gone: str) -> None:
    made = forecast(DAYS[1], fill)
    save(made, runs, now=utc("2023-06-30", "20:30"))
    lost = getattr(made, gone)
    (found,), troubles = score(runs, lambda symbol: market().filter(pl.col("day") != lost))
    assert (found.rows, found.waiting) == (0, 1)
    (trouble,) = troubles
    assert f"the forecast of {DAYS[1]} stays open" in trouble
    assert f"no bar of {lost}" in trouble
    # A day in between, or the day of the decision, is not needed: the promise names two days.
    (found,), troubles = score(runs, lambda symbol: market())
    price = market()["open" if fill == "next_open" else "close"].to_numpy()
    first = 2 if fill == "next_open" else 1
    assert saved(runs)[0].outcome == pytest.approx(np.log(price[first + 1] / price[first]))
    assert (found.rows, troubles) == (1, ())


def test_prices_that_are_gone_leave_outcomes_open_and_say_so(runs: RunsFolder) -> None:
    save(forecast(DAYS[0]), runs, now=utc("2023-06-29", "22:00"))

    def gone(symbol: str) -> pl.DataFrame:
        raise DataError(f"{symbol}: no prices")

    (one,), troubles = score(runs, gone)
    assert one.waiting == 1
    assert "AAPL: its outcomes stay open: AAPL: no prices" in troubles[0]


# ---- what was done to it ----


def filled(runs: RunsFolder, count: int = 3) -> Path:
    for day in DAYS[:count]:
        save(forecast(day), runs, now=dt.datetime.combine(day, dt.time(21), dt.UTC))
    return chain_of(runs).path


def test_a_changed_ledger_is_noticed(runs: RunsFolder) -> None:
    path = filled(runs)
    path.write_text(path.read_text().replace("AAPL", "MSFT", 1))
    with pytest.raises(DataError, match="line 1"):
        saved(runs)


def cut(path: Path, left: int) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:left]))


def shorten(path: Path) -> None:
    cut(path, 2)


def empty(path: Path) -> None:
    cut(path, 0)


@pytest.mark.parametrize("damage", [shorten, empty, Path.unlink])
@pytest.mark.parametrize("reader", [saved, lambda runs: save(forecast(DAYS[4]), runs)])
def test_a_tail_that_was_cut_off_is_noticed(
    runs: RunsFolder, damage: Callable[[Path], None], reader: Callable[[RunsFolder], object]
) -> None:
    path = filled(runs)
    damage(path)
    with pytest.raises(DataError, match=r"holds \d entries where 3 were known by .*forecasts.head"):
        reader(runs)


def test_a_tail_is_missed_by_the_record_of_a_later_run_alone(runs: RunsFolder) -> None:
    path = filled(runs)
    length, digest = Chain(path).head()
    folder = runs.root / "AAPL_ridge_20230703_220000"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"forecast_ledger": {"length": length, "hash": digest}}))
    cut(path, 2)
    path.with_suffix(".head").unlink()
    with pytest.raises(DataError, match=r"holds 2 entries where 3 were known by .*run.json"):
        saved(runs)
    # Nor may another line take the place of the one that is gone.
    Chain(path).append({"kind": "forecast"})
    with pytest.raises(DataError, match="were written anew"):
        saved(runs)


def test_a_kill_between_line_and_head_leaves_a_sound_ledger(runs: RunsFolder) -> None:
    path = filled(runs, 2)
    head = path.with_suffix(".head").read_bytes()
    filled(runs, 3)
    path.with_suffix(".head").write_bytes(head)  # the older head, as a kill would leave it
    assert len(saved(runs)) == 3
    path.with_suffix(".head").write_text("{")
    with pytest.raises(DataError, match="is not what was written there"):
        saved(runs)
