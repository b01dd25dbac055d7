"""Tables of forecasts from other tools: read in one way, or refused with the line that stops them."""

from __future__ import annotations

import datetime as dt
import pickle
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.market.forecasts import read_forecasts, returns_of

FRIDAY, MONDAY = dt.date(2015, 1, 2), dt.date(2015, 1, 5)
DAYS = pd.DatetimeIndex(["2015-01-02", "2015-01-05"])


def written(folder: Path, text: str, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "forecast"),
    [
        ("day,forecast\n2015-01-02,0.001\n2015-01-05,-0.002\n", [0.001, -0.002]),
        ("Datum;Prediction\n02.01.2015;0,5\n05.01.2015;-0,25\n", [0.5, -0.25]),
        ("date\ty_pred\n20150102\t1e-3\n20150105\t-2e-3\n", [0.001, -0.002]),
        ("date,pred\n2015-01-02,1.2%\n2015-01-05,-0.3%\n", [0.012, -0.003]),
        (",score\n2015-01-02 00:00:00,1\n2015-01-05 00:00:00,2\n", [1.0, 2.0]),
        ("timestamp,signal\n2015-01-02T16:00:00-05:00,1.5\n2015-01-05T16:00:00-05:00,2.5\n", [1.5, 2.5]),
        ("day,forecast,return\n2015-01-05,2,9\n2015-01-02,1,9\n", [1.0, 2.0]),
    ],
)
def test_a_day_and_a_forecast_are_read_as_people_write_them(
    tmp_path: Path, text: str, forecast: list[float]
) -> None:
    table = read_forecasts(written(tmp_path, text))
    assert table.rows["day"].to_list() == [FRIDAY, MONDAY]
    assert table.rows["forecast"].to_list() == pytest.approx(forecast)
    assert not table.has("outcome")
    assert not table.has("returns")  # beside a forecast nobody says of which day it is


def test_what_was_interpreted_is_said(tmp_path: Path) -> None:
    text = "date,forecast,outcome\n2015-01-05,2%,0.01\n2015-01-02,,0.02\n"
    table = read_forecasts(written(tmp_path, text))
    assert table.rows["forecast"].to_list() == [None, 0.02]
    assert table.rows["outcome"].to_list() == [0.02, 0.01]
    said = " ".join(note.text for note in table.notes)
    for words in ("in percent", "not in the order of their days", "1 row has no forecast (first 2015-01-02)"):
        assert words in said


QLIB = pd.DataFrame(
    {"score": [1.0, 10.0, 2.0, 20.0]},
    index=pd.MultiIndex.from_product([DAYS, ["AAPL", "MSFT"]], names=["datetime", "instrument"]),
)


@pytest.mark.parametrize("kind", ["csv", "parquet", "memory"])
def test_the_predictions_of_qlib_are_read_by_symbol(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"pred.{kind}"
    if kind == "csv":
        QLIB.to_csv(path)
    elif kind == "parquet":
        QLIB.to_parquet(path)
    given = QLIB if kind == "memory" else path
    table = read_forecasts(given, "msft")
    assert table.rows["forecast"].to_list() == [10.0, 20.0]
    assert table.symbol == "MSFT"
    with pytest.raises(DataError, match=r"several symbols \(AAPL, MSFT\)"):
        read_forecasts(given)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    for name in ("pred.pkl", "pred.csv"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(QLIB))
        with pytest.raises(DataError, match=f"{name}: a pickle, and to open one is to run"):
            read_forecasts(path)


def test_tables_and_series_in_memory_are_read_as_well() -> None:
    series = pd.Series([0.1, 0.2], index=DAYS)
    frame = pl.DataFrame({"day": [FRIDAY, MONDAY], "forecast": [0.1, float("nan")]})
    assert read_forecasts(series).rows["forecast"].to_list() == [0.1, 0.2]
    assert read_forecasts(frame).rows["forecast"].to_list() == [0.1, None]


def test_an_equity_curve_of_backtesting_becomes_returns(tmp_path: Path) -> None:
    head = ",Equity,DrawdownPct,DrawdownDuration\n"
    text = f"{head}2015-01-02,10000,0,\n2015-01-05,10100,0.1,\n2015-01-06,9999,0,\n"
    found = returns_of(read_forecasts(written(tmp_path, text)))
    assert found["day"].to_list() == [MONDAY, dt.date(2015, 1, 6)]
    assert found["return"].to_list() == pytest.approx([0.01, -0.01])


def test_returns_of_vectorbt_are_read_under_a_name(tmp_path: Path) -> None:
    found = returns_of(read_forecasts(written(tmp_path, "Date,return\n2015-01-02,0.01\n2015-01-05,-0.02\n")))
    assert found["return"].to_list() == [0.01, -0.02]
    with pytest.raises(DataError, match="no column of forecasts among 'Date', '0'; call it 'forecast'"):
        read_forecasts(written(tmp_path, "Date,0\n2015-01-02,0.01\n2015-01-05,-0.02\n"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("day,forecast\n2015-01-02,1\n2015-01-02,2\n", "line 3, column 'day': 2015-01-02 occurs twice"),
        ("day,forecast\n2015-01-02,1\n,2\n", "line 3, column 'day': no date"),
        ("day,forecast\n2015-01-02,1\n2015-01-05,up\n", "line 3, column 'forecast': found 'up'"),
        ("day,forecast\n03/04/2015,1\n05/04/2015,2\n", "line 2, column 'day': found '03/04/2015'"),
        ("forecast,outcome\n1,2\n3,4\n", "no column 'day' among 'forecast', 'outcome'"),
        ("day,forecast,prediction\n2015-01-02,1,1\n", "'forecast' and 'prediction' both mean forecast"),
        ("2015-01-02,0.1\n2015-01-05,0.2\n", "found '2015-01-02' where the headings should be"),
        ("day,forecast\n2015-01-02 09:30,1\n2015-01-02 10:30,2\n", "several bars a day"),
        ("<html><body>404</body></html>", "a server's message"),
        ("", "the file is empty"),
        ("day,forecast,outcome\n2015-01-02,,1\n2015-01-05,NaN,2\n", "no row has a forecast"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=r"f\.csv") as told:
        read_forecasts(written(tmp_path, text))
    assert complaint in str(told.value)


@pytest.mark.parametrize("number", [float("inf"), -1e60])
def test_numbers_that_are_none_are_refused(number: float) -> None:
    frame = pl.DataFrame({"day": [FRIDAY, MONDAY], "forecast": [0.1, number]})
    with pytest.raises(DataError, match=rf"row 2, column 'forecast': found {number:g};".replace("+", r"\+")):
        read_forecasts(frame)


@pytest.mark.parametrize(
    ("column", "complaint"),
    [("return", "loses more than everything"), ("equity", "the equity of 2015-01-05 is not above 0")],
)
def test_returns_that_nobody_can_have_are_refused(column: str, complaint: str) -> None:
    table = read_forecasts(pl.DataFrame({"day": [FRIDAY, MONDAY], column: [1.0, -3.0]}))
    with pytest.raises(DataError, match=complaint):
        returns_of(table)
