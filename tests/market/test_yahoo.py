from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geiger.errors import DataError, MissingLibrary, SettingError
from geiger.market.sources import (
    fetch_yahoo,
)


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
