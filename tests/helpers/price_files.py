"""Contents of price files and tables, and what reading them said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.doubts import CODES
from geiger.market.readers import Reading, read_prices

Read = Callable[..., Reading]
BARS = "Date,Open,High,Low,Close\n2020-01-02,1,2,0.5,1.5\n2020-01-03,1.5,2,1,1.75\n"
JAN = dt.date(2020, 1, 1)


def said(reading: Reading, code: str) -> str:
    (note,) = (note for note in reading.notes if note.code == code)
    return note.text


def two_symbols(heading: str) -> pl.DataFrame:
    days = [JAN + dt.timedelta(days=offset) for offset in (1, 2, 1, 2)]
    return pl.DataFrame(
        {"date": days, heading: ["QQ", "QQ", "RR", "RR"], "close": [10.0, 11.0, 500.0, 505.0]}
    )


def stamped(stamps: list[str], heading: str = "time") -> str:
    rows = "".join(f"{stamp},{row + 1}\n" for row, stamp in enumerate(stamps))
    return f"{heading},close\n{rows}"


MARCH = [dt.date(2024, 3, day) for day in (4, 5, 6, 7, 8, 11)]


def in_memory(**columns: object) -> pd.DataFrame:
    """Return six daily closes of Monday to Monday, indexed by day."""
    return pd.DataFrame({"Close": [10.0, 11.0, 12.0, 13.0, 14.0, 15.0], **columns}, pd.DatetimeIndex(MARCH))


YAHOO = """\
Date,Open,High,Low,Close,Adj Close,Volume
2020-01-02,100.0,104.0,99.0,102.0,51.0,10
2020-01-03,102.0,103.0,100.0,101.0,50.5,20
2020-01-06,51.0,53.0,50.0,52.0,52.0,40
"""


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_prices(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(path.name)
    return message


def notes(reading: Reading) -> dict[str, int]:
    assert {note.code for note in reading.notes} <= set(CODES)
    return {note.code: note.count for note in reading.notes}
