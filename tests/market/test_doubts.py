from __future__ import annotations

import ast
import datetime as dt
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import geiger.market
from geiger.market import doubts
from geiger.market.doubts import CODES, DAYS_SHOWN, Doubt, check, shifted_columns, stale_open_share
from geiger.market.prices import from_frame
from geiger.market.readers import read_prices
from helpers.real import MESSY, PANEL, needs_messy, needs_panel

ROWS = 250
MONDAY = dt.date(2018, 1, 1)


def weekdays(count: int) -> list[dt.date]:
    days = (MONDAY + dt.timedelta(n) for n in range(2 * count))
    return [day for day in days if day.weekday() < 5][:count]


def market(
    rows: int = ROWS, seed: int = 1, nights: float = 0.004, days: float = 0.012
) -> dict[str, np.ndarray]:
    """A clean market of made-up bars, about 20% a year, without a single doubt."""
    rng = np.random.default_rng(seed)
    night, day = rng.normal(0, nights, rows), rng.normal(0, days, rows)
    close = 100 * np.exp(np.cumsum(night + day))
    opened = close / np.exp(day)
    wick = np.exp(np.abs(rng.normal(0, 0.004, (2, rows))) + 1e-4)
    return {
        "Open": opened,
        "High": np.maximum(opened, close) * wick[0],
        "Low": np.minimum(opened, close) / wick[1],
        "Close": close,
        "Volume": np.round(1e6 * np.exp(rng.normal(0, 0.3, rows))),
    }


def frame(bars: dict[str, np.ndarray], days: list[dt.date] | None = None) -> pl.DataFrame:
    return from_frame(pl.DataFrame({"Date": days or weekdays(len(bars["Close"])), **bars}))


def found(prices: pl.DataFrame, **options: object) -> dict[str, Doubt]:
    result = check(prices, **options)  # type: ignore[arg-type]
    for doubt in result:
        assert doubt.code in CODES
        assert len(doubt.days) <= DAYS_SHOWN
        assert doubt.count >= 1
        assert doubt.text
        assert "\n" not in doubt.text
        assert all(dt.date.fromisoformat(day) for day in doubt.days)
    return {doubt.code: doubt for doubt in result}


def day_of(row: int) -> str:
    return str(weekdays(ROWS)[row])


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_market_has_no_doubts(seed: int) -> None:
    assert check(frame(market(seed=seed))) == ()


def test_an_empty_and_a_single_row_are_no_trouble() -> None:
    prices = frame(market(30))
    assert check(prices.head(0)) == ()
    assert check(prices.head(1)) == ()
    assert stale_open_share(prices.head(1)) == 0.0


# bars


def test_an_impossible_high_is_an_error_when_it_misses_by_much() -> None:
    bars = market()
    bars["High"][7] = bars["Close"][7] / 5
    bars["Low"][7] = bars["Close"][7] / 5
    bars["Open"][7] = bars["Close"][7] / 5
    doubt = found(frame(bars))["DATA_HIGH_TOO_LOW"]
    assert (doubt.severity, doubt.days, doubt.count) == ("error", (day_of(7),), 1)
    assert "80.00%" in doubt.text


def test_an_impossible_low_that_misses_by_little_is_a_warning() -> None:
    bars = market()
    bars["Low"][9] = min(bars["Open"][9], bars["Close"][9]) * 1.001
    doubt = found(frame(bars))["DATA_LOW_TOO_HIGH"]
    assert (doubt.severity, doubt.days) == ("warning", (day_of(9),))
    assert "0.10%" in doubt.text


def test_rounding_is_no_doubt() -> None:
    bars = market()
    bars["High"] = np.maximum(bars["Open"], bars["Close"]) * (1 - 5e-7)
    bars["Low"] = np.minimum(bars["Open"], bars["Close"]) * (1 + 5e-7)
    assert check(frame(bars)) == ()


def test_errors_stand_first_and_at_most_five_days_are_named() -> None:
    bars = market()
    bars["Volume"][3] = 0
    bars["High"][20:30] = bars["Close"][20:30] / 2
    result = check(frame(bars))
    assert [doubt.severity for doubt in result] == ["error", "note"]
    assert (len(result[0].days), result[0].count) == (5, 10)
    assert result[0].text.endswith("...")


def test_closes_alone() -> None:
    result = found(frame({"Close": market()["Close"]}))
    assert set(result) == {"DATA_CLOSE_ONLY", "DATA_NO_VOLUME"}


def test_filled_holidays_are_told_from_a_habit_of_flat_bars() -> None:
    bars = market()
    for row in (50, 51, 120):
        for part in ("Open", "High", "Low", "Close"):
            bars[part][row] = bars["Close"][row - 1]
        bars["Volume"][row] = 0
    doubt = found(frame(bars))["DATA_HOLIDAY_ROWS"]
    assert (doubt.count, doubt.days) == (3, (day_of(50), day_of(51), day_of(120)))
    for part in ("Open", "High", "Low"):
        bars[part][150:] = bars["Close"][150:]
    bars["Volume"][150:] = 0
    result = found(frame(bars))
    assert (result["DATA_HOLIDAY_ROWS"].count, result["DATA_FLAT_BARS"].count) == (3, 100)


def test_days_without_volume() -> None:
    bars = market()
    bars["Volume"][10:13] = 0
    doubt = found(frame(bars))["DATA_ZERO_VOLUME"]
    assert (doubt.severity, doubt.count) == ("note", 3)
    bars["Volume"][:] = 0
    assert set(found(frame(bars))) == {"DATA_NO_VOLUME"}


# labels


def test_exchanged_open_and_close_are_seen_though_every_bar_is_possible() -> None:
    bars = market()
    bars["Open"], bars["Close"] = bars["Close"], bars["Open"]
    doubt = found(frame(bars))["DATA_COLUMNS_SHIFTED"]
    assert doubt.severity == "error"
    assert "exchanged" in doubt.text


def test_labels_that_make_most_bars_impossible() -> None:
    bars = market()
    bars["High"], bars["Close"] = bars["Close"], bars["High"]
    result = found(frame(bars))
    assert "do not fit" in result["DATA_COLUMNS_SHIFTED"].text
    assert "DATA_HIGH_TOO_LOW" not in result


@pytest.mark.parametrize("nights", [0.001, 0.01, 0.03])
def test_right_labels_are_never_called_shifted(nights: float) -> None:
    for seed in range(40):
        assert shifted_columns(frame(market(20, seed, nights))) is None


# steps


def with_split(ratio: float, row: int = 125, money: float = 1.0, width: float = 1.0) -> dict[str, np.ndarray]:
    """Quote a clean market in other units from `row` on, with other trading and another range that day."""
    bars = market()
    for part in ("Open", "High", "Low", "Close"):
        bars[part][row:] *= ratio
    bars["Volume"][row:] /= ratio
    bars["Volume"][row] *= money
    bars["High"][row] *= width
    bars["Low"][row] /= width
    return bars


@pytest.mark.parametrize("ratio", [1 / 2, 1 / 3, 1 / 4, 1 / 7, 1 / 10, 2 / 3, 2.0, 10.0])
def test_an_unadjusted_split_is_a_warning(ratio: float) -> None:
    result = found(frame(with_split(ratio)))
    assert set(result) == {"DATA_UNADJUSTED_SPLIT"}
    doubt = result["DATA_UNADJUSTED_SPLIT"]
    assert (doubt.severity, doubt.days) == ("warning", (day_of(125),))
    assert "looks like a split that nobody adjusted" in doubt.text
    assert ("1/7" in doubt.text) == (ratio == 1 / 7)


def test_heavy_trading_and_a_wide_range_speak_for_a_real_crash() -> None:
    for bars in (with_split(0.5, money=10.0), with_split(0.5, width=1.15)):
        result = found(frame(bars))
        assert set(result) == {"DATA_EXTREME_RETURN"}
        assert result["DATA_EXTREME_RETURN"].severity == "note"
        assert "times the usual" in result["DATA_EXTREME_RETURN"].text


def test_a_step_that_is_no_split_ratio_is_a_real_move() -> None:
    assert set(found(frame(with_split(0.58)))) == {"DATA_EXTREME_RETURN"}


def test_with_closes_alone_only_the_size_speaks() -> None:
    doubt = found(frame({"Close": with_split(0.5)["Close"]}))["DATA_UNADJUSTED_SPLIT"]
    assert "by the size of the step alone" in doubt.text


def test_a_split_that_the_adjusted_close_takes_out_is_no_doubt() -> None:
    bars = with_split(0.5)
    bars["Adj Close"] = market()["Close"] / 2
    assert check(frame(bars)) == ()


def test_an_ordinary_and_a_large_dividend_are_no_doubt() -> None:
    for dividend in (0.01, 0.2):
        bars = market()
        adjusted = bars["Close"].copy()
        for part in ("Open", "High", "Low", "Close"):
            bars[part][125:] *= 1 - dividend  # the price falls by what was paid
        adjusted[:] *= 1 - dividend
        bars["Adj Close"] = adjusted
        assert "DATA_ADJUSTMENT_JUMP" not in found(frame(bars))


def test_an_adjusted_close_that_jumps_alone_is_an_error() -> None:
    bars = market()
    bars["Adj Close"] = bars["Close"] * np.where(np.arange(ROWS) < 125, 0.8, 1.0)
    doubt = found(frame(bars))["DATA_ADJUSTMENT_JUMP"]
    assert (doubt.severity, doubt.days, doubt.count) == ("error", (day_of(125),), 1)


def test_extreme_returns_are_listed_largest_first() -> None:
    bars = market()
    for row, size in ((60, 1.16), (180, 0.75)):
        for part in ("Open", "High", "Low", "Close"):
            bars[part][row:] *= size
    doubt = found(frame(bars))["DATA_EXTREME_RETURN"]
    assert doubt.days == (day_of(180), day_of(60))
    assert doubt.severity == "note"


def test_a_far_close_on_the_last_row_is_a_warning_since_no_later_one_confirms_it() -> None:
    for row, severity in ((-1, "warning"), (-200, "note")):
        bars = market()
        for name in ("Open", "High", "Low", "Close"):
            bars[name] = np.concatenate([bars[name][:row], bars[name][row:] * 1.37])
        doubt = found(frame(bars))["DATA_EXTREME_RETURN"]
        assert doubt.severity == severity
        assert ("is the last row" in doubt.text) == (severity == "warning")


# single cells


@pytest.mark.parametrize(
    ("cell", "factor"), [("High", 100.0), ("High", 10.0), ("High", 1.5), ("Low", 0.01), ("Low", 0.5)]
)
def test_a_wrong_high_or_low_is_named_with_its_day(cell: str, factor: float) -> None:
    for row in (0, 3, 125, ROWS - 1):
        bars = market()
        bars[cell][row] *= factor
        doubt = found(frame(bars))["DATA_SPIKE"]
        assert (doubt.severity, doubt.days, doubt.count) == ("warning", (day_of(row),), 1)
        assert f"{day_of(row)} {cell.lower()} {bars[cell][row]:.6g}" in doubt.text


def test_a_wrong_open_is_named_and_not_the_high_that_follows_it() -> None:
    bars = market()
    bars["Open"][60] *= 3
    bars["High"][60] = bars["Open"][60]
    doubt = found(frame(bars))["DATA_SPIKE"]
    assert doubt.days == (day_of(60),)
    assert "open" in doubt.text
    assert "high" not in doubt.text


def test_a_spike_is_shown_as_the_file_quotes_it() -> None:
    bars = market()
    bars["Adj Close"] = bars["Close"] / 4
    bars["High"][60] = 777.0
    assert "high 777," in found(frame(bars))["DATA_SPIKE"].text


def test_a_wild_month_has_no_spikes() -> None:
    """Ranges ten times as wide, day after day, are a crash and no wrong cell."""
    bars = market()
    for row in range(100, 130):
        bars["High"][row] *= 1.12
        bars["Low"][row] /= 1.12
    assert "DATA_SPIKE" not in found(frame(bars))


def test_closes_alone_have_no_spikes() -> None:
    close = market()["Close"]
    close[60] *= 100
    assert "DATA_SPIKE" not in found(frame({"Close": close}))


@pytest.mark.parametrize("factor", [1.6, 2.0, 0.5, 100.0, 1.25])
@pytest.mark.parametrize("part", ["bar", "close"])
def test_a_close_that_is_back_the_next_day_is_no_split(factor: float, part: str) -> None:
    bars = market()
    for name in ("High", "Low", "Close") + (("Open",) if part == "bar" else ()):
        bars[name][125] *= factor
    if part == "close":
        bars["High"][125] = max(bars["High"][125], bars["Open"][125])
        bars["Low"][125] = min(bars["Low"][125], bars["Open"][125])
    result = found(frame(bars))
    assert set(result) == {"DATA_REVERTED_MOVE"}
    doubt = result["DATA_REVERTED_MOVE"]
    assert (doubt.severity, doubt.days, doubt.count) == ("warning", (day_of(125),), 1)
    assert found(frame({"Close": bars["Close"]})).keys() == {
        "DATA_REVERTED_MOVE",
        "DATA_CLOSE_ONLY",
        "DATA_NO_VOLUME",
    }


@pytest.mark.parametrize("factor", [1.6, 0.5, 100.0])
@pytest.mark.parametrize("days", [2, 4])
def test_closes_that_are_wrong_for_some_days_are_no_splits(factor: float, days: int) -> None:
    bars = market()
    for name in ("Open", "High", "Low", "Close"):
        bars[name][125 : 125 + days] *= factor
    result = found(frame(bars))
    assert set(result) == {"DATA_REVERTED_MOVE"}
    assert "is back within days" in result["DATA_REVERTED_MOVE"].text
    assert f"then on {day_of(125 + days)} " in result["DATA_REVERTED_MOVE"].text


def test_a_level_that_holds_for_a_week_is_not_called_reverted() -> None:
    bars = market()
    for name in ("Open", "High", "Low", "Close"):
        bars[name][125:132] *= 1.6
    assert "DATA_REVERTED_MOVE" not in found(frame(bars))


def test_a_move_that_stays_or_comes_back_by_half_is_not_called_reverted() -> None:
    for back in (1.0, 1.6**-0.5):
        bars = market()
        for name in ("Open", "High", "Low", "Close"):
            bars[name][125:] *= 1.6
            bars[name][126:] *= back
        assert "DATA_REVERTED_MOVE" not in found(frame(bars))


def test_moves_back_and_forth_in_a_crash_are_not_called_reverted() -> None:
    bars = market()
    swing = np.exp(0.12 * np.tile([1.0, 0.0], 20))
    for name in ("Open", "High", "Low", "Close"):
        bars[name][100:140] *= swing
    assert "DATA_REVERTED_MOVE" not in found(frame(bars))


# copied rows, rare bars, days to come


def test_copied_rows_are_counted_and_the_first_day_named() -> None:
    full = frame(market()).upsample("day", every="1d").fill_null(strategy="forward")
    doubt = found(full)["DATA_COPIED_ROWS"]
    assert (doubt.severity, doubt.count, doubt.days[0]) == ("warning", full.height - ROWS, "2018-01-06")
    bars = market()
    for name in bars:
        bars[name][[40, 80]] = bars[name][[39, 79]]
    doubt = found(frame(bars))["DATA_COPIED_ROWS"]
    assert (doubt.count, doubt.days) == (2, (day_of(40), day_of(80)))
    assert doubt.text.startswith("2 bars repeat the day before in every cell")


def test_a_row_that_differs_in_its_volume_alone_is_no_copy() -> None:
    bars = market()
    for name in ("Open", "High", "Low", "Close"):
        bars[name][40] = bars[name][39]
    assert "DATA_COPIED_ROWS" not in found(frame(bars))


@pytest.mark.parametrize(
    ("step", "rate"),
    [
        (7, "a week"),
        (14, "in two weeks"),
        (30, "a month"),
        (91, "a quarter"),
        (365, "a year"),
        (3, "in 3 days"),
    ],
)
def test_rare_bars_are_one_error_and_no_list_of_missing_days(step: int, rate: str) -> None:
    days = [dt.date(1980, 1, 4) + dt.timedelta(step * n) for n in range(40)]
    result = found(frame(market(40), days), sessions=weekdays(400))
    assert set(result) == {"DATA_NOT_DAILY"}
    doubt = result["DATA_NOT_DAILY"]
    assert (doubt.severity, doubt.count) == ("error", 40)
    assert doubt.text.startswith(f"one bar {rate} (median step {step} days); Geiger forecasts days")


def test_days_to_come_are_an_error() -> None:
    prices = frame(market())
    last = prices["day"][-1]
    assert check(prices, last_day=last) == ()
    doubt = found(prices, last_day=last - dt.timedelta(1))["DATA_FUTURE_DAYS"]
    assert (doubt.severity, doubt.days, doubt.count) == ("error", (str(last),), 1)
    assert "two-digit years" in doubt.text


def test_sundays_without_fridays_may_be_dates_a_day_off() -> None:
    days = [day - dt.timedelta(1) for day in weekdays(ROWS)]
    doubt = found(frame(market(), days))["DATA_WEEKEND_DAYS"]
    assert (doubt.severity, doubt.count) == ("warning", ROWS // 5)
    assert "none on a Friday" in doubt.text


# stale prices


def test_runs_of_the_same_close() -> None:
    bars = market()
    bars["Close"][40:45] = bars["Close"][40]
    bars["High"][40:45] = np.maximum(bars["High"][40:45], bars["Close"][40])
    bars["Low"][40:45] = np.minimum(bars["Low"][40:45], bars["Close"][40])
    doubt = found(frame(bars))["DATA_STALE_CLOSES"]
    assert (doubt.severity, doubt.count, doubt.days) == ("note", 5, (day_of(40),))
    bars["Close"][40:44] = bars["Close"][39]
    bars["Close"][44] *= 1.001
    assert "DATA_STALE_CLOSES" in found(frame(bars))


def test_four_equal_closes_are_no_run() -> None:
    bars = market()
    bars["Close"][40:44] = bars["Close"][40]
    bars["High"][40:44] *= 1.1
    bars["Low"][40:44] /= 1.1
    assert "DATA_STALE_CLOSES" not in found(frame(bars))


def test_a_constant_price_is_one_long_run() -> None:
    doubt = found(frame({"Close": np.full(60, 5.0)}))["DATA_STALE_CLOSES"]
    assert (doubt.severity, doubt.count) == ("warning", 60)
    assert "longest 60 days" in doubt.text


def stale_market(rows: range | list[int], count: int = ROWS) -> dict[str, np.ndarray]:
    bars = market(count)
    for row in rows:
        bars["Open"][row] = bars["Close"][row - 1]
        bars["High"][row] = max(bars["High"][row], bars["Open"][row])
        bars["Low"][row] = min(bars["Low"][row], bars["Open"][row])
    return bars


def test_stale_opens_are_counted_by_hand() -> None:
    prices = frame(stale_market(list(range(1, ROWS, 3))))
    assert stale_open_share(prices) == pytest.approx(83 / 249)
    doubt = found(prices)["DATA_STALE_OPENS"]
    assert (doubt.severity, doubt.count, doubt.days[0]) == ("warning", 83, day_of(1))


def test_stale_opens_name_their_years() -> None:
    days = weekdays(1200)
    rows = [row for row, day in enumerate(days) if day.year in (2019, 2020)]
    doubt = found(frame(stale_market(rows, 1200)))["DATA_STALE_OPENS"]
    assert "(100% in 2019 to 2020)" in doubt.text


def test_stale_opens_are_seen_through_dividends() -> None:
    bars = stale_market(range(1, ROWS))
    bars["Adj Close"] = bars["Close"] * np.where(np.arange(ROWS) < 125, 0.98, 1.0)
    assert stale_open_share(frame(bars)) == 1.0


def test_where_trading_never_stops_opens_may_repeat_the_close() -> None:
    days = [MONDAY + dt.timedelta(n) for n in range(ROWS)]
    result = found(frame(stale_market(range(1, ROWS)), days))
    assert set(result) == {"DATA_STALE_OPENS"}
    assert result["DATA_STALE_OPENS"].severity == "note"


# days


def test_a_bar_on_a_weekend() -> None:
    days = weekdays(ROWS)
    days[4] = dt.date(2018, 1, 6)  # a Saturday in place of the Friday before
    doubt = found(frame(market(), days))["DATA_WEEKEND_DAYS"]
    assert (doubt.days, doubt.count) == (("2018-01-06",), 1)
    assert "DATA_WEEKEND_DAYS" not in found(frame(market(), days), trades_every_day=True)
    assert "DATA_WEEKEND_DAYS" not in found(frame(market(), days), sessions=days)


def test_a_long_hole() -> None:
    days = weekdays(ROWS)[:100] + [day + dt.timedelta(14) for day in weekdays(ROWS)[100:]]
    doubt = found(frame(market(), days))["DATA_GAPS"]
    assert (doubt.severity, doubt.days) == ("warning", (str(days[100]),))
    assert found(frame(market(), days), sessions=days)["DATA_GAPS"].severity == "note"


def test_missing_and_extra_sessions() -> None:
    calendar = weekdays(ROWS + 20)  # goes on after the last row, which is no doubt
    days = calendar[:ROWS]
    days = [*days[:10], *days[12:ROWS], calendar[ROWS], calendar[ROWS + 1]]
    result = found(frame(market(), days), sessions=[day for day in calendar if day != days[50]])
    assert result["DATA_MISSING_SESSIONS"].days == (str(calendar[10]), str(calendar[11]))
    assert result["DATA_EXTRA_SESSIONS"].days == (str(days[50]),)
    assert result["DATA_MISSING_SESSIONS"].text.startswith("no bar on 2 days")


def test_a_calendar_says_nothing_about_days_it_does_not_cover() -> None:
    days = weekdays(ROWS)
    assert check(frame(market(), days), sessions=days[100:]) == ()
    assert check(frame(market(), days), sessions=[]) == ()


# the page


def test_the_page_lists_exactly_the_codes() -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(DATA_[A-Z_]+)` \| [^|]+ \| (.+) \|$", page, re.M))
    assert listed == dict(CODES)
    written = set(re.findall(r"DATA_[A-Z_]+", page))
    assert written == set(CODES)


def test_every_code_is_used() -> None:
    folder = Path(doubts.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for code in CODES:
        assert source.count(f'"{code}"') >= 2, code


# real series


def real(folder: str | None, name: str) -> pl.DataFrame:
    return read_prices(Path(str(folder)) / name).prices


@needs_messy
def test_the_real_holiday_rows_are_eight_errors() -> None:
    doubt = found(real(MESSY, "bad_holiday_rows_MC.PA.csv"))["DATA_HIGH_TOO_LOW"]
    assert (doubt.severity, doubt.count) == ("error", 8)
    assert doubt.days[:2] == ("2000-03-13", "2000-04-14")


@needs_messy
def test_the_real_adjustment_jump_is_found_and_nothing_else_is_called_one() -> None:
    doubt = found(real(MESSY, "spurious_adjclose_jump_ASML.csv"))["DATA_ADJUSTMENT_JUMP"]
    assert (doubt.severity, doubt.days, doubt.count) == ("error", ("2012-11-29",), 1)
    assert "+31.8% adjusted against +5.4% quoted" in doubt.text
    assert "DATA_ADJUSTMENT_JUMP" not in found(real(MESSY, "raw_split_jumps_with_adjclose_AAPL.csv"))


@needs_messy
def test_a_real_crash_is_a_note_and_real_splits_are_warnings(tmp_path: Path) -> None:
    name = "raw_split_jumps_with_adjclose_AAPL.csv"
    adjusted = found(real(MESSY, name))
    assert adjusted["DATA_EXTREME_RETURN"].days[0] == "2000-09-29"
    assert "DATA_UNADJUSTED_SPLIT" not in adjusted
    pl.read_csv(Path(str(MESSY)) / name).drop("Adj Close").write_csv(tmp_path / "AAPL.csv")
    raw = found(read_prices(tmp_path / "AAPL.csv").prices)
    assert raw["DATA_UNADJUSTED_SPLIT"].days == ("2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31")
    assert raw["DATA_EXTREME_RETURN"].days[0] == "2000-09-29"


@needs_messy
def test_headings_put_above_the_real_headless_file_leave_its_splits_doubtful(tmp_path: Path) -> None:
    text = (Path(str(MESSY)) / "lean_headerless_x10000_AAPL.csv").read_text()
    (tmp_path / "AAPL.csv").write_text("Date,Open,High,Low,Close,Volume\n" + text)
    doubt = found(read_prices(tmp_path / "AAPL.csv").prices)["DATA_UNADJUSTED_SPLIT"]
    assert doubt.days == ("2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31")


@needs_messy
def test_the_real_flat_years_of_an_index_are_no_holidays() -> None:
    result = found(real(MESSY, "yahoo_null_rows_DAX.csv"))
    assert result["DATA_FLAT_BARS"].count > 1400
    assert result["DATA_HOLIDAY_ROWS"].count < 5


@needs_panel
def test_the_stale_opens_of_the_real_early_nineties() -> None:
    prices = real(PANEL, "KO.csv")
    early = prices.filter(pl.col("day") < dt.date(1995, 1, 1))
    assert stale_open_share(early) == pytest.approx(0.78, abs=0.005)
    assert stale_open_share(prices.filter(pl.col("day") > dt.date(2010, 1, 1))) < 0.05


@needs_panel
@pytest.mark.parametrize(
    ("symbol", "code", "count"),
    [
        ("EURUSD=X", "DATA_HIGH_TOO_LOW", 40),
        ("EURUSD=X", "DATA_LOW_TOO_HIGH", 56),
        ("AIR.PA", "DATA_LOW_TOO_HIGH", 1),
        ("SAN.PA", "DATA_HIGH_TOO_LOW", 1),
        ("SAN.PA", "DATA_LOW_TOO_HIGH", 5),
        ("AIR.PA", "DATA_HOLIDAY_ROWS", 29),
        ("MC.PA", "DATA_HOLIDAY_ROWS", 36),
        ("SAN.PA", "DATA_HOLIDAY_ROWS", 37),
        ("EWZ", "DATA_HOLIDAY_ROWS", 33),
        ("^VIX", "DATA_NO_VOLUME", 3522),
        ("EURUSD=X", "DATA_NO_VOLUME", 3646),
        ("^N225", "DATA_GAPS", 1),
    ],
)
def test_the_known_defects_of_the_panel_are_found(symbol: str, code: str, count: int) -> None:
    doubt = found(real(PANEL, f"{symbol}.csv"))[code]
    assert doubt.count == count
    assert doubt.severity != "error"


@pytest.fixture(scope="module")
def doubted() -> dict[str, dict[str, Doubt]]:
    """What is doubted in each file of the panel."""
    files = sorted(Path(str(PANEL)).glob("*.csv"))
    assert files
    return {path.stem: found(read_prices(path).prices) for path in files}


@pytest.mark.slow
@needs_panel
def test_few_cells_of_the_panel_are_called_wrong_and_each_is_known(
    doubted: dict[str, dict[str, Doubt]],
) -> None:
    """Flash crashes of 2010, 2012 and 2015, one wrong low, two copied rows."""
    told = []
    for symbol, result in doubted.items():
        for code in ("DATA_SPIKE", "DATA_REVERTED_MOVE", "DATA_COPIED_ROWS", "DATA_NOT_DAILY"):
            told += [(symbol, code, day) for day in result[code].days] if code in result else []
    assert told == [
        ("AIR.PA", "DATA_COPIED_ROWS", "2003-03-03"),
        ("EURUSD=X", "DATA_SPIKE", "2012-01-27"),
        ("PG", "DATA_SPIKE", "2010-05-06"),
        ("XLF", "DATA_SPIKE", "2015-08-24"),
        ("XLK", "DATA_SPIKE", "2015-08-24"),
        ("^HSI", "DATA_COPIED_ROWS", "1998-08-17"),
        ("^NSEI", "DATA_SPIKE", "2012-10-05"),
    ]


@pytest.mark.slow
@needs_panel
def test_no_file_of_the_panel_is_called_split_shifted_or_misadjusted(
    doubted: dict[str, dict[str, Doubt]],
) -> None:
    wrong = {"DATA_UNADJUSTED_SPLIT", "DATA_COLUMNS_SHIFTED", "DATA_ADJUSTMENT_JUMP"}
    assert not {symbol: codes for symbol, result in doubted.items() if (codes := wrong & set(result))}


@pytest.mark.slow
@needs_panel
def test_one_file_of_the_panel_is_called_an_error(doubted: dict[str, dict[str, Doubt]]) -> None:
    errors = [
        (symbol, code)
        for symbol, result in doubted.items()
        for code, doubt in result.items()
        if doubt.severity == "error"
    ]
    assert errors == [("EURUSD=X", "DATA_CLOSE_FIRST")]


def test_every_code_that_the_market_gives_has_a_meaning() -> None:
    told: set[str] = set()
    given: set[str] = set()
    for path in Path(geiger.market.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tables = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign) and "CODES" in ast.unparse(node).split(" = ")[0]
        ]
        keys = [key for table in tables if isinstance(table, ast.Dict) for key in table.keys]
        told |= {str(ast.literal_eval(key)) for key in keys if key is not None}
        given |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in keys
        }
    codes = {text for text in given if re.fullmatch(r"(DATA|CONTEXT)(_[A-Z]+)+", text)}
    assert codes == told
    assert len(codes) > 20
