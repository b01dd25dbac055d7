"""Exports as vendors write them today: each is read as it is meant, from text and from Parquet alike."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from geiger.market.readers import Reading, read_prices

# name -> (text, encoding, last bar as quoted: day, open, high, low, close, volume)
Bar = tuple[str, float, float, float, float, float]
VENDORS: dict[str, tuple[str, str, Bar]] = {
    "Yahoo, website": (
        "Date\tOpen\tHigh\tLow\tClose*\tAdj Close**\tVolume\n"
        "Jan 3, 2024\t10.50\t11.00\t10.00\t10.75\t10.75\t1,200,300\n"
        "Jan 2, 2024\t10.00\t10.90\t9.90\t10.50\t10.50\t900,100\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200300.0),
    ),
    "yfinance, columns by ticker": (
        "Ticker,XYZ,XYZ,XYZ,XYZ,XYZ\nPrice,Open,High,Low,Close,Volume\nDate,,,,,\n"
        "2024-01-02,10,10.9,9.9,10.5,900\n2024-01-03,10.5,11,10,10.75,1200\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "pandas-datareader": (
        "Attributes,Close,High,Low,Open,Volume\nSymbols,XYZ,XYZ,XYZ,XYZ,XYZ\nDate,,,,,\n"
        "2024-01-02,10.5,10.9,9.9,10,900\n2024-01-03,10.75,11,10,10.5,1200\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Alpha Vantage, daily adjusted": (
        ",1. open,2. high,3. low,4. close,5. adjusted close,6. volume,"
        "7. dividend amount,8. split coefficient\n"
        "2024-01-03,10.5,11.0,10.0,10.75,10.75,1200,0.0,1.0\n2024-01-02,10,10.9,9.9,10.5,10.5,900,0.0,1.0\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Tiingo": (
        "date,close,high,low,open,volume,adjClose,adjHigh,adjLow,adjOpen,adjVolume,divCash,splitFactor\n"
        "2024-01-02T00:00:00.000Z,10.5,10.9,9.9,10,900,10.5,10.9,9.9,10,900,0.0,1.0\n"
        "2024-01-03T00:00:00.000Z,10.75,11,10,10.5,1200,10.75,11,10,10.5,1200,0.0,1.0\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Polygon": (  # midnight of New York in milliseconds
        "v,vw,o,c,h,l,t,n\n900,10.4,10,10.5,10.9,9.9,1704171600000,31\n"
        "1200,10.6,10.5,10.75,11,10,1704258000000,42\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "EODHD": (
        "Date,Open,High,Low,Close,Adjusted_close,Volume\n"
        "2024-01-02,10,10.9,9.9,10.5,10.5,900\n2024-01-03,10.5,11,10,10.75,10.75,1200\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Stooq": (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "XYZ.US,D,20240102,000000,10,10.9,9.9,10.5,900,0\nXYZ.US,D,20240103,000000,10.5,11,10,10.75,1200,0\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Stooq, Polish": (
        "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\n"
        "2024-01-02,10,10.9,9.9,10.5,900\n2024-01-03,10.5,11,10,10.75,1200\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "MetaTrader 5": (
        "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t10.00\t10.90\t9.90\t10.50\t555\t900\t2\n"
        "2024.01.03\t10.50\t11.00\t10.00\t10.75\t777\t1200\t2\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "MetaTrader, with a column of times": (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t00:00:00\t10.00\t10.90\t9.90\t10.50\t555\t900\t2\n"
        "2024.01.03\t00:00:00\t10.50\t11.00\t10.00\t10.75\t777\t1200\t2\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "CryptoDataDownload": (
        "https://www.CryptoDataDownload.com\n"
        "unix,date,symbol,open,high,low,close,Volume XYZ,Volume USDT,tradecount\n"
        "1704240000000,2024-01-03,XYZUSDT,10.5,11,10,10.75,1200,12900,42\n"
        "1704153600000,2024-01-02,XYZUSDT,10,10.9,9.9,10.5,900,9450,31\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Binance, no headings": (
        "1704153600000,10,10.9,9.9,10.5,900,1704239999999,9450,31,450,4725,0\n"
        "1704240000000,10.5,11,10,10.75,1200,1704326399999,12900,42,600,6450,0\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Binance, microseconds": (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
        "taker_buy_quote_volume,ignore\n"
        "1704153600000000,10,10.9,9.9,10.5,900,1704239999999999,9450,31,450,4725,0\n"
        "1704240000000000,10.5,11,10,10.75,1200,1704326399999999,12900,42,600,6450,0\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "CoinMarketCap": (
        "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
        '"2024-01-03T00:00:00.000Z";"2024-01-03T23:59:59.999Z";"2024-01-03T05:00:00.000Z";'
        '"2024-01-03T07:00:00.000Z";"2781";10.5;11;10;10.75;1200;99000;"2024-01-03T23:59:59.999Z"\n'
        '"2024-01-02T00:00:00.000Z";"2024-01-02T23:59:59.999Z";"2024-01-02T05:00:00.000Z";'
        '"2024-01-02T07:00:00.000Z";"2781";10;10.9;9.9;10.5;900;98000;"2024-01-02T23:59:59.999Z"\n',
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "TradingView, seconds of the opening": (
        "time,open,high,low,close,Volume,VWAP\n1704205800,10,10.9,9.9,10.5,900,10.4\n"
        "1704292200,10.5,11,10,10.75,1200,10.6\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "TradingView, stamps with a zone": (
        "time,open,high,low,close,Volume\n2024-01-02T09:30:00-05:00,10,10.9,9.9,10.5,900\n"
        "2024-01-03T09:30:00-05:00,10.5,11,10,10.75,1200\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "NSE": (
        '"Date ","series ","OPEN ","HIGH ","LOW ","PREV. CLOSE ","ltp ","close ","vwap ",'
        '"52W H","52W L","VOLUME ","VALUE ","No of trades "\n'
        '"17-Jan-2024","EQ","1,230.50","1,240.00","1,220.10","1,228.00","1,235.00","1,234.75","1,231.0",'
        '"1,400.00","1,100.00","1,23,456","15,20,00,000.50","9,876"\n',
        "utf-8-sig",
        ("2024-01-17", 1230.5, 1240.0, 1220.1, 1234.75, 123456.0),
    ),
    "BSE": (
        "Date,Open Price,High Price,Low Price,Close Price,WAP,No.of Shares,No. of Trades,"
        "Total Turnover (Rs.),Deliverable Quantity,% Deli. Qty to Traded Qty,"
        "Spread High-Low,Spread Close-Open\n"
        "17-January-2024,1230.50,1240.00,1220.10,1234.75,1231.1,123456,9876,152000000.00,"
        "60000,48.6,19.90,4.25,\n",
        "utf-8",
        ("2024-01-17", 1230.5, 1240.0, 1220.1, 1234.75, 123456.0),
    ),
    "akshare": (
        "日期,股票代码,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率\n"
        "2024-01-03,600519,10.5,10.75,11.0,10.0,1200,12900.0,9.5,2.4,0.25,0.1\n",
        "gb18030",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "tushare": (
        "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount\n"
        "600519.SH,20240103,10.5,11,10,10.75,10.5,0.25,2.38,1200,12.9\n"
        "600519.SH,20240102,10,10.9,9.9,10.5,10,0.5,5,900,9.45\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Ariva": (
        "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n"
        "2024-01-03;10,50;11,00;10,00;10,75;1.200;12.900\n2024-01-02;10,00;10,90;9,90;10,50;900;9.450\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Google Finance": (
        "Date,Open,High,Low,Close,Volume\n1/16/2024 16:00:00,10,10.9,9.9,10.5,900\n"
        "1/17/2024 16:00:00,10.5,11,10,10.75,1200\n",
        "utf-8",
        ("2024-01-17", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "Kaggle, one file a symbol": (
        "date,open,high,low,close,volume,Name\n2024-01-02,10,10.9,9.9,10.5,900,XYZ\n"
        "2024-01-03,10.5,11,10,10.75,1200,XYZ\n",
        "utf-8",
        ("2024-01-03", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
    "investing.com, Russian": (
        '"Дата","Цена","Откр.","Макс.","Мин.","Объём","Изм. %"\n'
        '"17.01.2024","10,75","10,50","11,00","10,00","1,20K","2,38%"\n',
        "cp1251",
        ("2024-01-17", 10.5, 11.0, 10.0, 10.75, 1200.0),
    ),
}


def last_bar(reading: Reading) -> Bar:
    day, opened, high, low, close, raw, volume = reading.prices.row(-1)
    scale = raw / close
    return str(day), opened * scale, high * scale, low * scale, raw, volume / scale


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_export_is_read(tmp_path: Path, vendor: str) -> None:
    text, encoding, bar = VENDORS[vendor]
    (tmp_path / "XYZ.csv").write_bytes(text.encode(encoding))
    read = last_bar(read_prices(tmp_path / "XYZ.csv"))
    assert read[0] == bar[0]
    assert read[1:] == pytest.approx(bar[1:])


ONE_LINE_OF_HEADINGS = [
    *("Alpha Vantage, daily adjusted", "Tiingo", "Polygon", "Stooq", "MetaTrader, with a column of times"),
    *("CoinMarketCap", "TradingView, seconds of the opening", "NSE", "akshare", "tushare"),
]


@pytest.mark.parametrize("vendor", ONE_LINE_OF_HEADINGS)
def test_the_same_table_in_parquet_is_read_alike(tmp_path: Path, vendor: str) -> None:
    text, encoding, _ = VENDORS[vendor]
    (tmp_path / "XYZ.csv").write_bytes(text.encode(encoding))
    plain = text.encode().removeprefix(b"\xef\xbb\xbf")
    separator = max(",;\t", key=text.splitlines()[0].count)
    table = pl.read_csv(plain, separator=separator, infer_schema=False, truncate_ragged_lines=True)
    table.write_parquet(tmp_path / "text.parquet")
    typed = pl.read_csv(plain, separator=separator, truncate_ragged_lines=True)
    typed.write_parquet(tmp_path / "typed.parquet")
    expected = read_prices(tmp_path / "XYZ.csv").prices
    for name in ("text", "typed"):
        assert read_prices(tmp_path / f"{name}.parquet").prices.equals(expected), name


def test_actions_stay_apart_from_prices(tmp_path: Path) -> None:
    text = VENDORS["Alpha Vantage, daily adjusted"][0].replace("900,0.0,1.0", "900,0.24,2.0")
    (tmp_path / "XYZ.csv").write_text(text)
    actions = read_prices(tmp_path / "XYZ.csv").actions
    assert actions is not None
    assert actions.rows() == [(dt.date(2024, 1, 2), 0.24, None, 2.0), (dt.date(2024, 1, 3), 0.0, None, 1.0)]
