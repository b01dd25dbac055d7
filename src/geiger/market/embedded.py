"""Real daily series that come with two ordinary packages, read from their files without importing them.

Stocks from bokeh_sampledata (quoted prices and an adjusted close, 2000 to 2013), indices and others from arch
(1986 to 2019).
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from geiger.errors import MissingLibrary, SettingError, did_you_mean
from geiger.market.doubts import DAYS_SHOWN, Doubt
from geiger.market.loaded import Loaded
from geiger.market.prices import from_frame


@dataclass(frozen=True)
class _File:
    """Where one series stands: package, file inside it, how it writes days, and which rows are meant."""

    package: str
    path: str
    layout: str
    day_format: str = "%m/%d/%Y"
    close: str = "Close"
    ticker: str | None = None


def _stock(ticker: str) -> _File:
    layout = "quoted prices with an adjusted close"
    return _File("bokeh_sampledata", "_data/stocks.csv.gz", layout, "%Y-%m-%d", ticker=ticker)


FILES: Mapping[str, _File] = {
    **{ticker: _stock(ticker) for ticker in ("AAPL", "MSFT", "IBM", "GOOG", "FB")},
    "^GSPC": _File("arch", "data/sp500/sp500.csv.gz", "an index"),
    "^IXIC": _File("arch", "data/nasdaq/nasdaq.csv.gz", "an index"),
    "^VIX": _File("arch", "data/vix/vix.csv.gz", "closes alone", close="vix"),
    "WTI": _File("arch", "data/wti/wti.csv.gz", "spot prices, closes alone", close="DCOILWTICO"),
}


def embedded_symbols() -> tuple[str, ...]:
    """Return the symbols whose package is installed."""
    return tuple(symbol for symbol, file in FILES.items() if _path(file) is not None)


def load_embedded(symbol: str) -> Loaded:
    """Return one embedded series; rows without a price above 0 are left out, with a note."""
    if symbol not in FILES:
        raise SettingError(f"{symbol!r} is not embedded; {did_you_mean(symbol, FILES)}")
    file = FILES[symbol]
    path = _path(file)
    if path is None:
        raise MissingLibrary(f"{symbol} comes with the package {file.package}; pip install {file.package}")
    table = _table(path, file)
    good = table.filter(pl.col("Close") > 0)
    left_out = table.filter((pl.col("Close") > 0).fill_null(False).not_())["Date"]
    where = f"package {file.package}, {file.path}"
    return Loaded(symbol, from_frame(good), "embedded", where, _note(left_out), file.layout)


def _path(file: _File) -> Path | None:
    spec = importlib.util.find_spec(file.package)  # finds a top-level package without importing it
    folders = spec.submodule_search_locations if spec is not None else None
    found = (Path(folder) / file.path for folder in folders or ())
    return next((path for path in found if path.is_file()), None)


def _table(path: Path, file: _File) -> pl.DataFrame:
    """Return the rows of one symbol with the columns that `from_frame` knows."""
    table = pl.read_csv(gzip.decompress(path.read_bytes()), infer_schema=False)
    if file.ticker is not None:
        table = table.filter(pl.col("Ticker") == file.ticker).drop("Ticker")
    numbers = pl.all().exclude("Date").cast(pl.Float64, strict=False)  # no number: no price
    return table.with_columns(numbers, pl.col("Date").str.to_date(file.day_format)).rename(
        {file.close: "Close"}
    )


def _note(left_out: pl.Series) -> tuple[Doubt, ...]:
    if not len(left_out):
        return ()
    days = tuple(map(str, left_out[:DAYS_SHOWN]))
    rows = "1 row" if len(left_out) == 1 else f"{len(left_out)} rows"
    text = f"{rows} without a price above 0 left out, the first of {days[0]}"
    return (Doubt("DATA_EMPTY_ROWS", "note", days, len(left_out), text),)
