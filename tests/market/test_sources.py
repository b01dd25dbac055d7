from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.columns import CONTEXT, PRICES, require
from geiger.errors import DataError, MissingLibrary, SettingError
from geiger.market.snapshots import Store, content_hash
from geiger.market.sources import (
    Loaded,
    align_context,
    default_context,
    default_volatility,
    embedded_symbols,
    fetch_yahoo,
    list_symbols,
    load,
    load_prices,
)
from geiger.market.synthetic import garch_market

TABLE = (
    "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,9,11,8,10,5,100\n2020-01-03,10,12,9,11,5.5,200\n"
)


def folder_of(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_text(TABLE)
    return tmp_path


def closes(days: list[date], values: list[float]) -> pl.DataFrame:
    bar = {name: values for name in ("open", "high", "low", "close", "raw_close")}
    return pl.DataFrame(
        {"day": days, **bar, "volume": [0.0] * len(days)}, schema=dict(PRICES.columns), strict=False
    )


# Embedded series


EMBEDDED = {
    "AAPL": (3270, date(2000, 3, 1), date(2013, 3, 1)),
    "MSFT": (3270, date(2000, 3, 1), date(2013, 3, 1)),
    "IBM": (3270, date(2000, 3, 1), date(2013, 3, 1)),
    "GOOG": (2148, date(2004, 8, 19), date(2013, 3, 1)),
    "FB": (196, date(2012, 5, 18), date(2013, 3, 1)),
    "^GSPC": (5031, date(1999, 1, 4), date(2018, 12, 31)),
    "^IXIC": (5031, date(1999, 1, 4), date(2018, 12, 31)),
    "^VIX": (1259, date(2014, 1, 3), date(2019, 1, 3)),
    "WTI": (8321, date(1986, 1, 2), date(2019, 1, 3)),
}


def test_every_embedded_symbol_is_there() -> None:
    assert set(embedded_symbols()) == set(EMBEDDED)


@pytest.mark.parametrize("symbol", EMBEDDED)
def test_embedded_series_have_their_rows(symbol: str) -> None:
    found = load(symbol)
    prices = require(found.prices, PRICES)
    assert (prices.height, prices["day"][0], prices["day"][-1]) == EMBEDDED[symbol]
    assert (found.symbol, found.source) == (symbol, "embedded")
    assert "package" in found.where


def test_an_embedded_stock_is_a_total_return_bar() -> None:
    """AAPL on 2000-03-01 by hand: Close 130.31, Volume 9616100, adjusted close 4.186662803811."""
    day, opened, high, low, close, raw, volume = load("AAPL").prices.row(0)
    factor = 4.186662803811 / 130.31
    assert day == date(2000, 3, 1)
    assert (close, raw) == (4.186662803811, 130.31)
    assert opened == pytest.approx(118.56 * factor, rel=1e-12)
    assert high == pytest.approx(132.06 * factor, rel=1e-12)
    assert low == pytest.approx(118.5 * factor, rel=1e-12)
    assert volume * close == pytest.approx(9616100 * 130.31, rel=1e-12)


def test_the_real_crash_of_apple_is_left_alone() -> None:
    aapl = load("AAPL").prices
    row = aapl["day"].index_of(date(2000, 9, 29))
    assert row is not None
    assert aapl["close"][row] / aapl["close"][row - 1] == pytest.approx(0.481, abs=0.002)


def test_missing_rows_of_the_embedded_are_left_out_with_a_note() -> None:
    notes = load("WTI").notes
    assert [note.code for note in notes] == ["DATA_EMPTY_ROWS"]
    assert notes[0].count == 290
    assert load("AAPL").notes == ()


def test_embedded_files_are_read_without_importing_their_packages() -> None:
    code = (
        "import sys; from geiger.market.sources import load; [load(s) for s in ('AAPL', '^GSPC')]; "
        "print({'arch', 'bokeh_sampledata', 'pandas', 'exchange_calendars', 'yfinance'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# A folder, a file, the store


@pytest.mark.parametrize("name", ["AAPL.csv", "AAPL.CSV", "^GSPC.csv", "AIR.PA.csv", "BRK-B.csv"])
def test_a_symbol_is_found_in_a_folder(tmp_path: Path, name: str) -> None:
    symbol = name[:-4]
    found = load(symbol, data=folder_of(tmp_path, name, "OTHER.csv"))
    assert (found.symbol, found.source, found.where) == (symbol, "folder", str(tmp_path / name))
    assert found.prices["close"].to_list() == [5.0, 5.5]
    assert found.prices["raw_close"].to_list() == [10.0, 11.0]


def test_a_folder_may_hold_parquet(tmp_path: Path) -> None:
    prices = garch_market(30, 1)
    prices.write_parquet(tmp_path / "SYN.parquet")
    assert content_hash(load("SYN", data=tmp_path).prices) == content_hash(prices)


def test_a_symbol_that_is_not_there_gets_the_nearest_one(tmp_path: Path) -> None:
    data = folder_of(tmp_path, "AAPL.csv", "MSFT.csv", "notes.txt")
    with pytest.raises(SettingError, match=r"no APPL\.csv.*did you mean 'AAPL'\? Known: AAPL, MSFT$"):
        load("APPL", data=data)


def test_in_a_large_folder_not_every_symbol_is_listed(tmp_path: Path) -> None:
    data = folder_of(tmp_path, *(f"S{n:03}.csv" for n in range(80)))
    with pytest.raises(SettingError, match="80 other symbols") as caught:
        load("NOTHING", data=data)
    assert len(str(caught.value)) < 300
    with pytest.raises(SettingError, match="did you mean"):
        load("S0033", data=data)


def test_another_spelling_is_suggested_and_never_taken(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="did you mean 'aapl'"):
        load("AAPL", data=folder_of(tmp_path, "aapl.csv"))


@pytest.mark.parametrize(
    "names", [("AAPL.csv", "AAPL.parquet"), ("AAPL.csv", "aapl.csv"), ("AAPL.csv", "AAPL.CSV")]
)
def test_two_files_for_one_symbol_are_refused_by_name(tmp_path: Path, names: tuple[str, str]) -> None:
    data = folder_of(tmp_path, *names)
    if len(list(data.iterdir())) < 2:
        pytest.skip("this file system does not tell upper from lower case")
    with pytest.raises(DataError, match="keep one of them") as caught:
        load("AAPL", data=data)
    assert all(name in str(caught.value) for name in names)


def test_an_empty_folder_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no symbol at all"):
        load("AAPL", data=tmp_path)
    with pytest.raises(SettingError, match="no such folder or file"):
        load("AAPL", data=tmp_path / "nowhere")


@pytest.mark.parametrize("symbol", ["../../etc/passwd", "..", "a/b", "/etc/passwd", "CON"])
def test_a_symbol_never_leaves_the_folder(tmp_path: Path, symbol: str) -> None:
    with pytest.raises(SettingError, match=r"symbol|Windows"):
        load(symbol, data=folder_of(tmp_path, "AAPL.csv"))


def test_one_file_serves_the_symbol_it_is_asked_for(tmp_path: Path) -> None:
    folder_of(tmp_path, "daily_aapl.csv", "prices.csv")
    named = load("AAPL", data=tmp_path / "daily_aapl.csv")
    assert (named.source, [note.code for note in named.notes]) == ("file", [])
    unnamed = load("AAPL", data=tmp_path / "prices.csv")
    assert [note.code for note in unnamed.notes] == ["DATA_FILE_NAME"]


def test_a_file_named_for_one_symbol_is_never_taken_for_another(tmp_path: Path) -> None:
    folder_of(tmp_path, "AAPL.csv", "gspc.csv")
    with pytest.raises(SettingError, match=r"AAPL\.csv holds AAPL, not \^GSPC"):
        load("^GSPC", data=tmp_path / "AAPL.csv")
    assert load("^GSPC", data=tmp_path / "gspc.csv").notes == ()


def test_prices_alone_for_a_notebook(tmp_path: Path) -> None:
    data = folder_of(tmp_path, "SYN.csv")
    assert load_prices("SYN", str(data)).equals(load("SYN", data=data).prices)
    assert load_prices("AAPL").equals(load("AAPL").prices)


def test_the_store_comes_before_the_embedded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert load("AAPL", store=store).source == "embedded"
    old, new = garch_market(20, 1), garch_market(20, 2)
    for prices in (old, new):
        store.save(Loaded("AAPL", prices, "yahoo", "Yahoo Finance"))
    found = load("AAPL", store=store)
    assert found.source == "store"
    assert found.prices.equals(new)


def test_a_symbol_nobody_has_gets_what_is_at_hand(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"no prices of 'NVDA' at hand.*AAPL.*geiger data fetch NVDA"):
        load("NVDA", store=Store(tmp_path))


def test_what_is_listed_can_be_loaded(tmp_path: Path) -> None:
    data = folder_of(tmp_path, "MSFT.csv", "AAPL.csv", "not a symbol.csv", "readme.txt")
    assert list_symbols(data) == {"AAPL": "folder", "MSFT": "folder"}
    assert list_symbols(data / "AAPL.csv") == {"AAPL": "file"}
    store = Store(tmp_path / "store")
    store.save(Loaded("AAPL", garch_market(20, 1), "yahoo", "Yahoo Finance"))
    store.save(Loaded("TSLA", garch_market(20, 1), "yahoo", "Yahoo Finance"))
    listed = list_symbols(store=store)
    assert (listed["AAPL"], listed["TSLA"], listed["^GSPC"]) == ("store", "store", "embedded")
    assert list(listed) == sorted(listed)
    for name, source in listed.items():
        assert load(name, store=store).source == source


# Yahoo


def yahoo(frame: Any, seen: list[dict[str, Any]] | None = None) -> Any:
    """A stand-in for yfinance that answers every question with `frame`."""

    def history(**settings: Any) -> Any:
        if seen is not None:
            seen.append(settings)
        if isinstance(frame, Exception):
            raise frame
        return frame

    return SimpleNamespace(Ticker=lambda symbol: SimpleNamespace(history=history))


def answer(days: list[str], zone: str = "America/New_York") -> pd.DataFrame:
    n = len(days)
    columns = {"Open": 9.0, "High": 11.0, "Low": 8.0, "Close": 10.0, "Adj Close": 5.0}
    table = {name: [value + i for i in range(n)] for name, value in columns.items()} | {"Volume": [100] * n}
    return pd.DataFrame(table, index=pd.DatetimeIndex(days, name="Date").tz_localize(zone))


LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


def test_yahoo_is_asked_for_explicit_adjustment_and_the_end_day_is_included() -> None:
    seen: list[dict[str, Any]] = []
    found = fetch_yahoo(
        "AAPL",
        start=date(2024, 1, 2),
        end=date(2024, 1, 3),
        module=yahoo(answer(["2024-01-02", "2024-01-03"]), seen),
        now=LONG_AFTER,
    )
    assert seen == [
        {"interval": "1d", "auto_adjust": False, "actions": False, "start": "2024-01-02", "end": "2024-01-04"}
    ]
    assert found.prices["day"].to_list() == [date(2024, 1, 2), date(2024, 1, 3)]
    assert found.prices["close"].to_list() == [5.0, 6.0]
    assert found.prices["raw_close"].to_list() == [10.0, 11.0]
    assert (found.source, found.notes) == ("yahoo", ())


def test_the_exchanges_own_date_is_kept() -> None:
    frame = answer(["2024-01-02", "2024-01-03"], "Asia/Kolkata")
    found = fetch_yahoo("RELIANCE.NS", module=yahoo(frame), now=LONG_AFTER)
    assert found.prices["day"].to_list() == [date(2024, 1, 2), date(2024, 1, 3)]


@pytest.mark.parametrize(
    ("symbol", "now", "kept"),
    [
        ("AAPL", datetime(2024, 1, 3, 20, 59, tzinfo=UTC), 1),  # before the close of New York
        ("AAPL", datetime(2024, 1, 3, 21, 30, tzinfo=UTC), 1),  # prices are still settling
        ("AAPL", datetime(2024, 1, 3, 22, 0, tzinfo=UTC), 2),
        ("BTC-USD", datetime(2024, 1, 3, 22, 0, tzinfo=UTC), 1),
        ("BTC-USD", datetime(2024, 1, 4, 1, 0, tzinfo=UTC), 2),
        ("X.ZZ", datetime(2024, 1, 4, 1, 0, tzinfo=UTC), 1),  # nobody knows when it closes
        ("X.ZZ", datetime(2024, 1, 4, 12, 0, tzinfo=UTC), 2),
    ],
)
def test_the_bar_of_an_unfinished_day_is_left_out(symbol: str, now: datetime, kept: int) -> None:
    found = fetch_yahoo(symbol, module=yahoo(answer(["2024-01-02", "2024-01-03"], "UTC")), now=now)
    assert found.prices.height == kept
    assert [note.code for note in found.notes] == ["DATA_PARTIAL_BAR"] * (2 - kept)
    assert all(note.days == ("2024-01-03",) for note in found.notes)


def test_rows_without_any_price_are_left_out_with_a_note() -> None:
    frame = answer(["2024-01-02", "2024-01-03", "2024-01-04"])
    frame.iloc[1, :5] = np.nan
    found = fetch_yahoo("AAPL", module=yahoo(frame), now=LONG_AFTER)
    assert found.prices.height == 2
    assert [(note.code, note.days) for note in found.notes] == [("DATA_EMPTY_ROWS", ("2024-01-03",))]
    frame.iloc[:, :5] = np.nan
    with pytest.raises(DataError, match="no daily prices"):
        fetch_yahoo("AAPL", module=yahoo(frame), now=LONG_AFTER)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer([]), "no daily prices of AAPL"),
        (None, "no daily prices of AAPL"),
        (answer(["2024-01-02"]).drop(columns="Adj Close"), "no 'Adj Close'"),
        (ConnectionError("line one\nline two"), "ConnectionError: line one line two"),
    ],
    ids=["empty", "none", "adjusted already", "no network"],
)
def test_a_bad_answer_is_one_clear_line(reply: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        fetch_yahoo("AAPL", module=yahoo(reply), now=LONG_AFTER)
    assert "\n" not in str(caught.value)


def test_a_bad_symbol_is_never_asked_for() -> None:
    with pytest.raises(SettingError):
        fetch_yahoo("../x", module=yahoo(AssertionError("asked")))


def test_without_the_library_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(MissingLibrary, match=r'pip install "geiger-lab\[yahoo\]"'):
        fetch_yahoo("AAPL")


# The market context


@pytest.mark.parametrize(
    ("symbol", "available", "context"),
    [
        ("AAPL", ["QQQ", "SPY", "^GSPC"], "^GSPC"),
        ("AAPL", ["DIA", "QQQ"], "QQQ"),
        ("SPY", ["SPY", "^GSPC", "QQQ"], "QQQ"),
        ("^GSPC", ["SPY", "^GSPC", "DIA"], "DIA"),
        ("VOO", ["^GSPC", "^IXIC"], "^IXIC"),
        ("QQQ", ["^IXIC", "^NDX", "^DJI"], "^DJI"),
        ("^DJI", ["DIA", "^DJI"], None),
        ("AAPL", ["MSFT", "^VIX"], None),
        ("AIR.PA", ["^GSPC"], "^GSPC"),
    ],
)
def test_the_default_context_is_another_index(symbol: str, available: list[str], context: str | None) -> None:
    assert default_context(symbol, available) == context


def test_the_default_volatility_is_the_vix() -> None:
    assert default_volatility("AAPL", ["^VIX", "AAPL"]) == "^VIX"
    assert default_volatility("^VIX", ["^VIX"]) is None
    assert default_volatility("AAPL", ["AAPL"]) is None


MONDAY = date(2023, 7, 17)
WEEK = [MONDAY + timedelta(days=n) for n in range(5)]
DAYS = pl.Series(WEEK, dtype=pl.Date)


def test_a_context_of_the_same_close_is_used_the_same_day_and_a_later_one_is_lagged() -> None:
    index, volatility = closes(WEEK, [1, 2, 3, 4, 5]), closes(WEEK, [10, 20, 30, 40, 50])
    context, doubts = align_context(DAYS, "AAPL", ("^GSPC", index), ("^VIX", volatility))
    require(context, CONTEXT)
    assert context["market_close"].to_list() == [1, 2, 3, 4, 5]
    assert context["market_volatility"].to_list() == [None, 10, 20, 30, 40]
    assert [doubt.code for doubt in doubts] == ["CONTEXT_PARTIAL", "CONTEXT_LAGGED"]
    assert doubts[0].days == ("2023-07-17",)
    paris, _ = align_context(DAYS, "AIR.PA", ("^GSPC", index), None)
    assert paris["market_close"].to_list() == [None, 1, 2, 3, 4]


def test_a_holiday_of_the_context_shows_its_last_close() -> None:
    index = closes([WEEK[0], WEEK[3]], [1, 4])
    same, _ = align_context(DAYS, "AAPL", ("^GSPC", index), None)
    assert same["market_close"].to_list() == [1, 1, 1, 4, 4]
    lagged, _ = align_context(DAYS, "AIR.PA", ("^GSPC", index), None)
    assert lagged["market_close"].to_list() == [None, 1, 1, 1, 4]


def test_a_value_older_than_ten_days_counts_as_missing() -> None:
    index = closes([date(2023, 7, 1)], [7])
    days = pl.Series([date(2023, 7, 11), date(2023, 7, 12)])
    context, doubts = align_context(days, "AAPL", ("^GSPC", index), None)
    assert context["market_close"].to_list() == [7, None]
    partial = next(doubt for doubt in doubts if doubt.code == "CONTEXT_PARTIAL")
    assert (partial.count, partial.days) == (1, ("2023-07-12",))
    assert "1 of 2 days" in partial.text
    assert "2023-07-01 to 2023-07-01" in partial.text


@pytest.mark.parametrize(
    ("context", "symbol", "until", "short"),
    [
        ("^GSPC", "AAPL", 4, 0),
        ("^GSPC", "AAPL", 1, 3),
        ("^GSPC", "AAPL", 3, 1),
        ("^GSPC", "AIR.PA", 3, 0),  # New York closes later: Paris can know no more than the day before
        ("^GSPC", "AIR.PA", 1, 2),
        ("MADE.UP", "AAPL", 3, 0),  # no calendar: the symbol's own days, and its close is never trusted
        ("MADE.UP", "AAPL", 2, 1),
    ],
)
def test_a_context_that_ends_before_the_symbol_is_called_old(
    context: str, symbol: str, until: int, short: int
) -> None:
    index = closes(WEEK[: until + 1], list(range(until + 1)))
    found = [doubt for doubt in align_context(DAYS, symbol, (context, index), None)[1] if "OLD" in doubt.code]
    assert [doubt.count for doubt in found] == ([short] if short else [])
    for doubt in found:
        assert (doubt.code, doubt.severity) == ("CONTEXT_OLD", "warning")
        assert f"no bar after {WEEK[until]}, {short} session" in doubt.text


def test_a_holiday_of_the_context_does_not_make_it_old() -> None:
    days = pl.Series([date(2023, 7, 3), date(2023, 7, 4)])  # New York is closed on the fourth of July
    index = closes([date(2023, 7, 3)], [1])
    codes = [doubt.code for doubt in align_context(days, "BTC-USD", ("^GSPC", index), None)[1]]
    assert "CONTEXT_OLD" not in codes
    newer = closes([date(2023, 7, 3), date(2023, 7, 6)], [1, 2])  # later rows are not what the day lacks
    codes = [doubt.code for doubt in align_context(days, "BTC-USD", ("^GSPC", newer), None)[1]]
    assert "CONTEXT_OLD" not in codes


def test_no_context_at_all_is_empty_and_said() -> None:
    context, doubts = align_context(DAYS, "AAPL", None, None)
    assert context.drop("day").null_count().row(0) == (5, 5)
    assert [(doubt.code, doubt.count) for doubt in doubts] == [("CONTEXT_MISSING", 5)] * 2


def test_the_embedded_volatility_begins_after_the_embedded_stocks() -> None:
    aapl = load("AAPL").prices
    context, doubts = align_context(
        aapl["day"], "AAPL", ("^GSPC", load("^GSPC").prices), ("^VIX", load("^VIX").prices)
    )
    assert context["market_close"].null_count() == 0
    assert context["market_volatility"].null_count() == 3270
    assert [doubt.code for doubt in doubts] == ["CONTEXT_MISSING"]
    assert "^VIX" in doubts[0].text


def test_an_empty_context_is_missing() -> None:
    context, doubts = align_context(DAYS, "AAPL", ("^GSPC", closes([], [])), None)
    assert context["market_close"].null_count() == 5
    assert doubts[0].code == "CONTEXT_MISSING"


sparse_days = st.sets(st.integers(0, 60), min_size=1, max_size=40).map(
    lambda numbers: [MONDAY + timedelta(days=n) for n in sorted(numbers)]
)


@settings(max_examples=150, deadline=None)
@given(
    ours=sparse_days,
    theirs=sparse_days,
    names=st.sampled_from([("^GSPC", "AAPL"), ("^VIX", "AAPL"), ("^GSPC", "AIR.PA"), ("^GSPC", "BTC-USD")]),
    cut=st.integers(0, 60),
    seed=st.integers(0, 99),
)
def test_rows_of_the_context_not_yet_known_change_nothing(
    ours: list[date], theirs: list[date], names: tuple[str, str], cut: int, seed: int
) -> None:
    """Rewrite or remove every context row that was not complete at the close of day t: rows up to t stay."""
    context_name, symbol = names
    t = MONDAY + timedelta(days=cut)
    same_day_is_known = names in (("^GSPC", "AAPL"), ("^GSPC", "BTC-USD"))
    rng = np.random.default_rng(seed)
    prices = closes(theirs, list(rng.uniform(1, 100, len(theirs))))
    known = (pl.col("day") <= t) if same_day_is_known else (pl.col("day") < t)
    noise = pl.Series(rng.uniform(1, 100, len(theirs)))
    rewritten = prices.with_columns(pl.when(known).then(pl.col("close")).otherwise(noise).alias("close"))
    days = pl.Series(ours, dtype=pl.Date)

    def aligned(frame: pl.DataFrame) -> pl.DataFrame:
        context, _ = align_context(days, symbol, (context_name, frame), (context_name, frame))
        return context.filter(pl.col("day") <= t)

    assert aligned(rewritten).equals(aligned(prices))
    assert aligned(prices.filter(known)).equals(aligned(prices))


@settings(max_examples=80, deadline=None)
@given(ours=sparse_days, theirs=sparse_days, lagged=st.booleans())
def test_alignment_agrees_with_a_second_engine(ours: list[date], theirs: list[date], lagged: bool) -> None:
    prices = closes(theirs, [float(n + 1) for n in range(len(theirs))])
    days = pl.DataFrame({"day": ours})
    joined = days.join_asof(
        prices.select("day", "close"),
        on="day",
        strategy="backward",
        tolerance="10d",
        allow_exact_matches=not lagged,
    )
    context, _ = align_context(days["day"], "AIR.PA" if lagged else "AAPL", ("^GSPC", prices), None)
    assert context["market_close"].to_list() == joined["close"].to_list()


# The development panel


def test_every_symbol_of_the_panel_loads(panel: Path) -> None:
    symbols = list_symbols(panel)
    assert len(symbols) == 50
    available = {name: load(name, data=panel).prices for name in ("^GSPC", "SPY", "QQQ", "DIA", "^VIX")}
    for symbol in symbols:
        found = load(symbol, data=panel)
        days = found.prices["day"]
        assert found.prices.height > 2000, symbol
        assert days[-1] <= date(2023, 12, 31), symbol
        market, volatility = default_context(symbol, symbols), default_volatility(symbol, symbols)
        assert market is not None
        context, _ = align_context(
            days,
            symbol,
            (market, available[market]),
            (volatility, available[volatility]) if volatility else None,
        )
        covered = days >= available[market]["day"][1]
        assert context.filter(covered)["market_close"].null_count() == 0, symbol


@pytest.fixture
def panel() -> Path:
    folder = os.environ.get("GEIGER_PANEL")
    if not folder:
        pytest.skip("GEIGER_PANEL is not set: the folder of the 50-symbol development panel is needed")
    return Path(folder)
