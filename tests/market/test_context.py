from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.columns import CONTEXT, PRICES, require
from geiger.market.sources import (
    align_context,
    default_context,
    default_volatility,
    load,
)


def closes(days: list[date], values: list[float]) -> pl.DataFrame:
    bar = {name: values for name in ("open", "high", "low", "close", "raw_close")}
    return pl.DataFrame(
        {"day": days, **bar, "volume": [0.0] * len(days)}, schema=dict(PRICES.columns), strict=False
    )


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
