from __future__ import annotations

import subprocess
import sys
from datetime import date

import pytest

from geiger.columns import PRICES, require
from geiger.market.sources import (
    embedded_symbols,
    load,
)

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
