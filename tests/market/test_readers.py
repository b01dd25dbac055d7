from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geiger.columns import PRICES, require
from geiger.errors import DataError
from geiger.market.doubts import check
from geiger.market.readers import Reading, read_prices
from helpers.price_files import YAHOO, notes, refusal
from helpers.real import MESSY, PANEL, needs_messy, needs_panel

# read


def test_a_yahoo_table(write) -> None:
    reading = read_prices(write(YAHOO))
    prices = require(reading.prices, PRICES)
    assert prices["day"].to_list() == [dt.date(2020, 1, 2), dt.date(2020, 1, 3), dt.date(2020, 1, 6)]
    assert prices["open"].to_list() == [50.0, 51.0, 51.0]
    assert prices["close"].to_list() == [51.0, 50.5, 52.0]
    assert prices["volume"].to_list() == [20.0, 40.0, 40.0]
    assert (reading.adjustment, reading.notes) == ("adjusted column", ())


@pytest.mark.parametrize(
    ("change", "encoding"),
    [
        (lambda text: text.replace("\n", "\r\n"), "utf-8"),
        (lambda text: text.replace("\n", "\r"), "utf-8"),
        (lambda text: text, "utf-8-sig"),
        (lambda text: text, "utf-16"),
        (lambda text: text.replace(",", ";"), "utf-8"),
        (lambda text: text.replace(",", "\t"), "utf-8"),
        (lambda text: text.replace(",", " | "), "utf-8"),
        (lambda text: "\n\n" + text.replace("\n", "\n\n"), "utf-8"),
        (lambda text: re.sub(r"[^,\n]+", r'"\g<0>"', text), "utf-8"),
        (lambda text: text.rstrip("\n"), "utf-8"),
        (lambda text: text.replace("\n", ",\n"), "utf-8"),
        (lambda text: text.replace("2020-01-0", "2020/1/"), "utf-8"),
        (lambda text: text.replace("2020-01-0", "2020010"), "utf-8"),
        (lambda text: re.sub(r"2020-01-0.", r"\g<0> 00:00:00", text), "utf-8"),
        (lambda text: re.sub(r"2020-01-0.", r"\g<0> 00:00:00-05:00", text), "utf-8"),
        (lambda text: text.replace("2020-01-02", "2020-01-02T00:00:00.000Z"), "utf-8"),
        (lambda text: text.replace("102.0,51.0", "1.02e2,+51.0"), "utf-8"),
    ],
)
def test_the_same_table_in_another_dress(write, change, encoding: str) -> None:
    expected = read_prices(write(YAHOO, "plain.csv")).prices
    if (
        encoding == "utf-8" and change(YAHOO).count(",") > YAHOO.count(",") + 3
    ):  # decimal commas need another delimiter
        return
    assert read_prices(write(change(YAHOO).encode(encoding))).prices.equals(expected)


def test_null_rows_are_left_out_and_counted(write) -> None:
    rows = "2019-12-31,null,null,null,null,null,null\n2020-01-01,null,null,null,null,null,null\n"
    reading = read_prices(write(YAHOO.replace("2020-01-02", rows + "2020-01-02", 1)))
    assert reading.prices.equals(read_prices(write(YAHOO)).prices)
    (note,) = reading.notes
    assert (note.code, note.count, note.days) == ("DATA_EMPTY_ROWS", 2, ("2019-12-31", "2020-01-01"))
    assert note.text == "2 rows have no prices (first 2019-12-31): left out"


def test_nasdaq(write) -> None:
    text = (
        "Date, Close/Last, Volume, Open, High, Low\r\n"
        "02/14/2020, $12.5, 1000, $12, $13, $11.75\r\n"
        "02/13/2020, $12.25, 900, $12.5, $12.75, $12\r\n"
    )
    reading = read_prices(write(text))
    assert reading.prices["day"].to_list() == [dt.date(2020, 2, 13), dt.date(2020, 2, 14)]
    assert reading.prices.row(1)[1:] == (12.0, 13.0, 11.75, 12.5, 12.5, 1000.0)
    assert reading.layout.startswith("Nasdaq.com")
    assert notes(reading) == {"DATA_DATE_STYLE": 1, "DATA_NEWEST_FIRST": 2, "DATA_ADJUSTMENT_UNKNOWN": 1}


def test_investing_in_english(write) -> None:
    text = (
        '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"Apr 28, 2023","29,068.9","29,475.9","29,587.2","28,927.8","95.35K","-1.38%"\n'
        '"Apr 27, 2023","29,475.9","28,424.5","29,859.8","28,392.4","-","3.70%"\n'
    )
    reading = read_prices(write(text))
    assert reading.prices.row(1) == (
        dt.date(2023, 4, 28), 29475.9, 29587.2, 28927.8, 29068.9, 29068.9, 95350.0,
    )  # fmt: skip
    assert reading.prices["volume"][0] == 0.0
    assert reading.layout.startswith("Investing.com")
    assert {"DATA_NUMBER_STYLE", "DATA_NEWEST_FIRST", "DATA_VOLUME_MISSING"} <= set(notes(reading))


THREE_HEADERS = (
    "Price,Close,High,Low,Open,Volume\nTicker,AAA,AAA,AAA,AAA,AAA\nDate,,,,,\n"
    "2021-06-24,10.5,11.0,10.0,10.25,7\n2021-06-25,10.75,11.0,10.5,10.5,9\n2021-06-28,,,,,34\n"
)


def test_yfinance_with_three_header_rows_and_a_partial_row(write) -> None:
    reading = read_prices(write(THREE_HEADERS))
    assert reading.prices["close"].to_list() == [10.5, 10.75]
    assert reading.layout.startswith("yfinance")
    assert notes(reading)["DATA_EMPTY_ROWS"] == 1
    assert reading.adjustment == "already adjusted or unknown"


LISTED = (
    "Date,Close,Dividends,Capital Gains,Stock Splits\n2020-01-06,26,0.0,0.0,2.0\n"
    "2020-01-03,50,0.25,,0.0\n2020-01-02,51,0.0,1.5,0.0\n"
)


def test_dividends_gains_and_splits_are_kept_as_the_file_lists_them(write, tmp_path: Path) -> None:
    reading = read_prices(write(LISTED))
    assert reading.actions is not None
    assert reading.actions.columns == ["day", "dividend", "capital_gain", "split"]
    assert reading.actions["day"].equals(reading.prices["day"])
    assert [row[1:] for row in reading.actions.rows()] == [(0.0, 1.5, 1.0), (0.25, 0.0, 1.0), (0.0, 0.0, 2.0)]
    pl.read_csv(tmp_path / "AAA.csv", try_parse_dates=True).write_parquet(tmp_path / "A.parquet")
    stored = read_prices(tmp_path / "A.parquet").actions
    assert stored is not None
    assert stored.equals(reading.actions)


def test_actions_of_other_vendors(write) -> None:
    text = "date;close;divCash;splitFactor\n02.01.2020;10,5;0,25;1,0\n03.01.2020;5,25;0,0;2,0\n"
    actions = read_prices(write(text)).actions
    assert actions is not None
    assert [row[1:] for row in actions.rows()] == [(0.25, None, 1.0), (0.0, None, 2.0)]
    assert read_prices(write(YAHOO)).actions is None


def test_columns_without_a_meaning_are_named(write) -> None:
    text = "Date,Close,Stock Splits,Mood\n2020-01-02,10.5,0.0,good\n"
    (note, _) = sorted(read_prices(write(text)).notes, key=lambda note: note.code, reverse=True)
    assert note.text == "columns that mean nothing here were not read: 'Mood'"
    assert note.severity == "warning"


def test_closes_alone_are_read_and_doubted(write) -> None:
    reading = read_prices(write("Date,Close\n2020-01-02,10.5\n2020-01-03,10.75\n"))
    assert "DATA_CLOSE_ONLY" in {doubt.code for doubt in check(reading.prices)}


def test_parquet(write, tmp_path: Path) -> None:
    table = pl.read_csv(write(YAHOO), try_parse_dates=True)
    empty = table.with_columns(pl.lit(None, pl.Float64).alias(name) for name in table.columns[1:]).head(1)
    table.write_parquet(tmp_path / "A.parquet")
    pl.concat([table, empty.with_columns(Date=dt.date(2020, 1, 7))], how="vertical_relaxed").write_parquet(
        tmp_path / "B.parquet"
    )
    expected = read_prices(write(YAHOO)).prices
    assert read_prices(tmp_path / "A.parquet").prices.equals(expected)
    holed = read_prices(tmp_path / "B.parquet")
    assert holed.prices.equals(expected)
    assert notes(holed) == {"DATA_EMPTY_ROWS": 1}


# refused

BAD = {
    "empty": ("", "the file is empty"),
    "blank": (" \n\n", "the file is empty"),
    "binary": (b"\x89PNG\r\n\x1a\n\x00\x00\x01", "binary data"),
    "prose": ("Dear Sir,\nthis is no table,\nyours\n", r"not prices: 'Dear Sir, this is no table, yours'"),
    "unknown headings": ("Tag,Kurs\n2020-01-02,5\n", r"no column 'Date' among 'Tag', 'Kurs'; rename"),
    "json": ('{"Date": "2020-01-02", "Close": 5}\n', "a server's message, not prices: '{\"Date"),
    "html": (
        "<html><body>429 Too Many Requests</body></html>",
        "a server's message, not prices: '<html>.*web page",
    ),
    "header only": (YAHOO.splitlines()[0] + "\n", "no rows below"),
    "no prices at all": ("Date,Close\n2020-01-02,\n2020-01-03,\n", "no row has a price"),
    "no close": ("Date,Open,High,Low\n2020-01-02,1,2,1\n", "no column 'Close'"),
    "no high": ("Date,Open,Low,Close\n2020-01-02,1,1,1\n", "no column 'High'"),
    "word": (YAHOO.replace("101.0", "abc"), r"line 3, column 'Close': found 'abc', expected a number"),
    "formula": (YAHOO.replace("101.0", "=A1*2"), r"line 3, column 'Close': found '=A1\*2'"),
    "escape": (YAHOO.replace("101.0", "\x1b[31mred"), r"found '\\x1b\[31mred'"),
    "huge cell": (YAHOO.replace("101.0", "9" * 300_000), r"line 3: field larger"),
    "long cell": (YAHOO.replace("101.0", "x" * 3000), r"found 'x{40}…'"),
    "infinite": (YAHOO.replace("101.0", "inf"), r"line 3, column 'Close': found 'inf'"),
    "too large": (YAHOO.replace("101.0", "1e400"), r"line 3, column 'Close': found inf"),
    "zero": (YAHOO.replace("2020-01-03,102.0", "2020-01-03,0"), r"line 3, column 'Open': found 0"),
    "negative": (YAHOO.replace("101.0", "-37.63"), r"line 3, column 'Close': found -37.63"),
    "one price missing": (YAHOO.replace("101.0", "NaN"), r"line 3, column 'Close': no price"),
    "negative volume": (YAHOO.replace(",20\n", ",-20\n"), r"line 3, column 'Volume': found -20"),
    "twice": (
        YAHOO + "2020-01-06,51,53,50,52,52,40\n",
        r"line 5, column 'Date': 2020-01-06 occurs",
    ),
    "shuffled": (
        YAHOO + "2020-01-01,51,53,50,52,52,40\n",
        r"line 5, column 'Date': 2020-01-01 stands",
    ),
    "no such day": (YAHOO.replace("2020-01-03", "2020-02-30"), r"line 3, column 'Date': found '2020-02-30'"),
    "no date": (YAHOO.replace("2020-01-03", ""), r"line 3, column 'Date': no date"),
    "mixed dates": (YAHOO.replace("2020-01-03", "01/03/2020"), r"line 3, column 'Date': found '01/03/2020'"),
    "spreadsheet date": (
        "Date,Close\n43831,10.5\n",
        r"line 2, column 'Date': found '43831', expected a date",
    ),
    "short year": ("Date,Close\n31-Jan-20,10.5\n", r"expected a date; write it as 2020-03-31"),
    "ambiguous dates": (
        "Date,Close\n03/04/2020,10.5\n03/05/2020,10.6\n",
        r"line 2, column 'Date': found '03/04/2020', and no date of the file has a day above 12",
    ),
    "contradictory dates": (
        "Date,Close\n03/14/2020,10.5\n15/03/2020,10.6\n",
        r"line 2, column 'Date': found '03/14/2020', but '15/03/2020' elsewhere",
    ),
    "UTC": ("Date,Close\n2022-11-09 18:30:00+00:00,10.5\n", r"line 2, column 'Date': .* in UTC"),
    "ambiguous numbers": (
        "Date;Close\n2020-01-02;133.382\n2020-01-03;135.565\n",
        r"line 2, column 'Close': '133.382' can mean a fraction or thousands",
    ),
    "ambiguous commas": ('Date,Close\n2020-01-02,"133,382"\n', r"'133,382' can mean"),
    "contradictory numbers": (
        'Date,Close\n2020-01-02,"1,5"\n2020-01-03,"1.25"\n',
        r"line 2, column 'Close': found '1,5' \(decimal comma\), but '1.25' at AAA.csv, line 3",
    ),
    "wrong groups": ('Date,Close\n2020-01-02,"12,3,456.5"\n', r"found '12,3,456.5', expected a number"),
    "too many cells": (YAHOO.replace("101.0", "101.0,7"), r"line 3: found 8 cells under 7 headings"),
    "cut short": (YAHOO[:-12], r"line 4: found 5 cells under 7 headings"),
    "decimal commas between commas": (YAHOO.replace("101.0", "101,0"), r"line 3: found 8 cells"),
    "open quotation mark": (YAHOO.replace("101.0", '"101.0'), r"quotation marks"),
    "two closes": ("Date,Close,Price\n2020-01-02,1,1\n", r"'Close' and 'Price' both mean close"),
    "two labels": ("Date,Close,Close\n2020-01-02,1,1\n", r"'Close' occurs twice"),
    "two symbols": ("Date,Symbol,Close\n2020-01-02,A,1\n2020-01-03,B,1\n", r"several symbols \(A, B\)"),
    "two tickers": (
        THREE_HEADERS.replace("Ticker,AAA", "Ticker,BBB"),
        r"line 2: several symbols \(AAA, BBB\)",
    ),
    "headless": (
        "19980102 00:00,136300,162500,135000,162500,63150\n19980105 00:00,68150,165600,67000,160000,56773\n",
        r"line 1, column 1: found '19980102 00:00' where the headings should be; the columns look like a "
        r"date and 5 numbers .*x 10000.*column 2 falls to 0.500 of the day before in line 2",
    ),
    "second date label": (
        "Date,Date.1,Open,High,Low,Close\n2020-01-14,300.1,327.4,328.6,326.8,327.5\n",
        r"line 2, column 'Date.1': found '300.1' under a second label 'Date'",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_read_in_one_way_is_refused(write, kind: str) -> None:
    content, says = BAD[kind]
    assert re.search(says, refusal(write(content)))
    assert len(refusal(write(content))) < 700


def market_table(rows: int = 60) -> pl.DataFrame:
    """Bars with quiet nights and lively days, so that exchanged labels can be told."""
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.02, rows)))
    opened = np.concatenate([[100.0], close[:-1]]) * np.exp(rng.normal(0, 0.003, rows))
    days = pl.date_range(dt.date(2020, 1, 1), dt.date(2021, 1, 1), eager=True)[:rows]
    return pl.DataFrame(
        {
            "Date": days,
            "Open": opened,
            "High": np.maximum(opened, close) * 1.005,
            "Low": np.minimum(opened, close) * 0.995,
            "Close": close,
        }
    )


def test_exchanged_open_and_close_are_refused(write, tmp_path: Path) -> None:
    table = market_table()
    table.rename({"Open": "Close", "Close": "Open"}).write_csv(tmp_path / "swapped.csv")
    message = refusal(tmp_path / "swapped.csv")
    assert "line 2 to 61, column 'Open'" in message
    assert "exchanged" in message
    table.write_csv(tmp_path / "right.csv")
    assert read_prices(tmp_path / "right.csv").prices.height == 60


def test_labels_shifted_by_one_are_refused(tmp_path: Path) -> None:
    table = market_table()
    table.rename({"Open": "High", "High": "Low", "Low": "Close", "Close": "Open"}).write_csv(
        tmp_path / "s.csv"
    )
    assert "the labels do not fit" in refusal(tmp_path / "s.csv")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / "missing.csv")
    assert "cannot be opened" in refusal(tmp_path)


def test_a_parquet_file_that_is_none(write) -> None:
    assert "not a Parquet file" in refusal(write(b"PAR1 this is not parquet PAR1", "A.parquet"))
    assert "not a Parquet file" in refusal(write(YAHOO, "B.parquet"))


def test_a_parquet_row_is_named(tmp_path: Path) -> None:
    pl.DataFrame({"Date": [dt.date(2020, 1, 2)], "Close": [0.0]}).write_parquet(tmp_path / "A.parquet")
    assert "row 1, column 'Close': found 0" in refusal(tmp_path / "A.parquet")


# any input


def read_or_refuse(content: bytes, folder: Path, name: str = "any.csv") -> Reading | None:
    path = folder / name
    path.write_bytes(content)
    try:
        reading = read_prices(path)
    except DataError as error:
        message = str(error)
    else:
        require(reading.prices, PRICES)
        check(reading.prices)
        return reading
    assert message.isprintable()
    return None


FUZZ = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(content=st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(content, tmp_path)


@FUZZ
@given(content=st.binary(max_size=200))
def test_random_bytes_after_a_good_header_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(YAHOO.encode() + content, tmp_path)


CELLS = st.one_of(
    st.text(max_size=12),
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        [*"0.,-", "null", "1,5", "1.234", "12/31/2020", "2020-13-01", '"', "1e999", "9" * 400, "١٢", "\x00"]
    ),
)


@FUZZ
@given(edits=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), CELLS), min_size=1, max_size=4))
def test_random_cells_are_read_or_refused(tmp_path: Path, edits: list[tuple[int, int, str]]) -> None:
    rows = [line.split(",") for line in YAHOO.splitlines()]
    for row, column, cell in edits:
        rows[row][column] = cell
    read_or_refuse("\n".join(map(",".join, rows)).encode("utf-8", "surrogatepass"), tmp_path)


@FUZZ
@given(place=st.integers(0, 2000), byte=st.integers(0, 255))
def test_a_broken_parquet_is_read_or_refused(tmp_path: Path, place: int, byte: int) -> None:
    good = tmp_path / "good.parquet"
    if not good.exists():
        market_table(5).write_parquet(good)
    content = bytearray(good.read_bytes())
    content[place % len(content)] = byte
    read_or_refuse(bytes(content), tmp_path, "any.parquet")


@FUZZ
@given(
    closes=st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=30),
    factor=st.floats(0.01, 1.0),
    delimiter=st.sampled_from([",", ";", "\t"]),
)
def test_what_is_written_is_read_back(
    tmp_path: Path, closes: list[float], factor: float, delimiter: str
) -> None:
    days = pl.date_range(dt.date(2020, 1, 1), dt.date(2020, 3, 1), eager=True)[: len(closes)]
    close = np.array(closes)
    written = pl.DataFrame(
        {
            "Date": days,
            "Open": close,
            "High": close,
            "Low": close,
            "Close": close,
            "Adj Close": close * factor,
        }
    )
    content = written.write_csv(separator=delimiter, float_precision=None).encode()
    reading = read_or_refuse(content, tmp_path)
    if reading is None:  # every number has three decimals and nothing shows what the point means
        assert all("." in repr(x) and len(repr(x).split(".")[1]) == 3 for x in closes)
        return
    assert reading.prices["raw_close"].to_list() == closes
    assert reading.prices["close"].to_list() == (close * factor).tolist()


@FUZZ
@given(closes=st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=30))
def test_a_canonical_frame_is_read_back_bit_for_bit(tmp_path: Path, closes: list[float]) -> None:
    table = market_table(len(closes)).with_columns(pl.Series("Adj Close", closes))
    (tmp_path / "a.csv").write_text(table.write_csv())
    prices = read_prices(tmp_path / "a.csv").prices
    for name in ("b.csv", "b.parquet"):
        prices.write_csv(tmp_path / name) if name == "b.csv" else prices.write_parquet(tmp_path / name)
        assert read_prices(tmp_path / name).prices.equals(prices)


# the real exports


def messy(name: str) -> Path:
    return Path(str(MESSY)) / name


@needs_messy
@pytest.mark.parametrize(
    ("name", "rows", "first", "last", "close"),
    [
        ("yahoo_null_rows_DAX.csv", 8340, "1987-12-30", "2021-01-08", 14049.530273),
        ("nasdaq_dollar_descending_AAPL.csv", 2518, "2010-03-01", "2020-02-28", 273.36),
        ("investing_en_bom_thousands_BTC.csv", 271, "2022-08-01", "2023-04-28", 29068.9),
        ("investing_pt_dot_thousands_IBOV.csv", 4954, "2005-07-19", "2025-07-18", 133382.0),
        (
            "yfinance_multiheader_partial_row_HDFCBANK.NS.csv",
            1237,
            "2021-06-24",
            "2026-06-23",
            774.6500244140625,
        ),
        ("tz_stamped_RELIANCE.NS.csv", 742, "2022-11-10", "2025-11-10", 1489.300048828125),
        ("raw_split_jumps_with_adjclose_AAPL.csv", 5474, "1999-11-01", "2021-08-03", 147.36),
        ("spurious_adjclose_jump_ASML.csv", 7313, "1995-03-15", "2024-04-02", 966.710022),
        ("bad_holiday_rows_MC.PA.csv", 6732, "2000-01-03", "2026-03-13", 473.70001220703125),
    ],
)
def test_real_exports_are_read(name: str, rows: int, first: str, last: str, close: float) -> None:
    prices = read_prices(messy(name)).prices
    assert (prices.height, str(prices["day"][0]), str(prices["day"][-1])) == (rows, first, last)
    assert prices["raw_close"][-1] == close


@needs_messy
def test_the_real_null_rows_are_counted() -> None:
    (note,) = read_prices(messy("yahoo_null_rows_DAX.csv")).notes
    assert (note.code, note.count) == ("DATA_EMPTY_ROWS", 168)
    assert "168 rows have no prices (first 1987-12-31)" in note.text


@needs_messy
def test_the_real_portuguese_volumes_change_their_unit() -> None:
    reading = read_prices(messy("investing_pt_dot_thousands_IBOV.csv"))
    volume = dict(zip(reading.prices["day"].cast(str), reading.prices["volume"], strict=True))
    assert volume["2025-07-18"] == pytest.approx(10.07e9)
    assert volume["2005-07-19"] == pytest.approx(119.27e6)
    assert volume["2016-02-10"] == 0.0
    assert notes(reading)["DATA_VOLUME_MISSING"] == 1
    assert reading.prices["close"].min() > 20_000


@needs_messy
def test_the_real_partial_row_is_left_out() -> None:
    reading = read_prices(messy("yfinance_multiheader_partial_row_HDFCBANK.NS.csv"))
    assert [n.days for n in reading.notes if n.code == "DATA_EMPTY_ROWS"] == [("2026-06-24",)]


@needs_messy
def test_real_raw_splits_vanish_in_the_total_return() -> None:
    prices = read_prices(messy("raw_split_jumps_with_adjclose_AAPL.csv")).prices
    ratio = dict(zip(prices["day"].cast(str), prices["close"] / prices["close"].shift(1), strict=True))
    for day in ("2000-06-21", "2005-02-28", "2014-06-09", "2020-08-31"):
        assert 0.9 < ratio[day] < 1.2
    assert ratio["2000-09-29"] == pytest.approx(0.481, abs=0.001)  # a real crash stays


@needs_messy
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shifted_columns_SPY.csv", "line 2, column 'Date.1': found '300.0632629394531'"),
        ("lean_headerless_x10000_AAPL.csv", "line 1, column 1: found '19980102 00:00'"),
    ],
)
def test_real_exports_are_refused(name: str, says: str) -> None:
    assert says in refusal(messy(name))


@needs_messy
def test_the_real_shifted_columns_are_found_by_their_prices_too(tmp_path: Path) -> None:
    table = pl.read_csv(messy("shifted_columns_SPY.csv")).drop("Date.1")
    table.write_csv(tmp_path / "SPY.csv")
    assert "exchanged" in refusal(tmp_path / "SPY.csv")


@needs_messy
def test_the_real_headless_file_says_that_splits_are_in_it() -> None:
    message = refusal(messy("lean_headerless_x10000_AAPL.csv"))
    assert "0.513 of the day before in line 623" in message
    assert "x 10000" in message


@pytest.mark.slow
@needs_panel
def test_every_file_of_the_panel_is_read_with_all_its_rows() -> None:
    files = sorted(Path(str(PANEL)).glob("*.csv"))
    assert files
    for path in files:
        lines = path.read_bytes().count(b"\n")
        reading = read_prices(path)
        assert reading.prices.height == lines - 1, path.name
        assert reading.notes == (), path.name
