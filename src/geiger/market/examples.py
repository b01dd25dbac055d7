"""Files to try: made-up markets whose answer is known, the exports that people have, and forecasts to judge.

The same bytes every time. The days are sessions of New York, so that a check of them has a calendar.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl

from geiger.errors import DataError
from geiger.files import write_atomically
from geiger.market.calendar import US, sessions
from geiger.market.synthetic import Planted, garch_market, planted_market
from geiger.seeds import generator

SPAN = (dt.date(2014, 1, 2), dt.date(2023, 12, 29))  # ten years
R2 = 0.04  # of ACME's next return: what a line over ten years finds, and far more than a stock has
JUDGED = 1500  # the newest days of ACME that have a forecast
PAYS_EVERY, PAYS = 63, 0.006  # sessions between dividends of DIVI, and their share of the last close
SPLIT, SPLIT_ROW = 2.0, 1200  # of MESSY, adjusted by nobody
TYPO_ROW, TYPO = 1800, 10.0  # one high of MESSY with its point a place too far left
DIGITS = 4


@dataclass(frozen=True)
class Example:
    """One file.

    Attributes
    ----------
    name : str
        Its path in the folder.
    about : str
        What it is, in a sentence.
    content : bytes
    """

    name: str
    about: str
    content: bytes


def examples() -> tuple[Example, ...]:
    """Return all files, the one that says what they are first."""
    days = pl.Series(sessions(US, *SPAN), dtype=pl.Date)
    acme = planted_market(len(days), 3, R2)
    files = (
        Example(
            "prices/ACME.csv",
            f"a made-up market with a signal: a day's volume tells {R2:.0%} of the next return's variance",
            _csv(_plain(acme.prices, days)),
        ),
        Example(
            "prices/NOISE.csv",
            "a made-up market without any: nothing in it says where it goes next",
            _csv(_plain(garch_market(len(days), 2), days)),
        ),
        Example(
            "prices/DIVI.csv",
            "another without any, as Yahoo exports it: dividends are in `Adj Close` alone",
            _csv(_yahoo(garch_market(len(days), 3), days)),
        ),
        Example(
            "MESSY.csv",
            "an export with semicolons, commas and the newest day first, a split that nobody adjusted and a "
            "price typed wrong: `geiger data check` names both",
            _messy(garch_market(len(days), 4), days),
        ),
        Example("symbols.txt", "the three of prices/, for `--symbols-file`", b"ACME\nNOISE\nDIVI\n"),
        Example(
            "forecasts.csv",
            f"forecasts of the last {JUDGED} days of ACME, half skill and half noise, for `geiger judge`",
            _csv(_forecasts(acme, days)),
        ),
    )
    return (Example("README.txt", "this list", _listing(files).encode()), *files)


def write_examples(folder: Path, *, force: bool = False) -> tuple[Example, ...]:
    """Write all files into a folder, which is made where it is missing.

    Parameters
    ----------
    folder : Path
    force : bool
        Write over files of these names that hold something else.

    Raises
    ------
    DataError
        A file of one of the names holds something else, a link leads out of the folder, or it cannot be
        written. All names are looked at before anything is written.
    """
    files = examples()
    for file in files:
        _look_at(folder, file, force)
    for file in files:
        write_atomically(folder / file.name, file.content)
    return files


def _look_at(folder: Path, file: Example, force: bool) -> None:
    path = folder / file.name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{path}: a link there leads out of {folder}; remove the link")
        differs = path.exists() and (not path.is_file() or path.read_bytes() != file.content)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name another folder") from None
    if differs and not force:
        raise DataError(f"{path}: is there and holds something else; name another folder, or add --force")


def _listing(files: Sequence[Example]) -> str:
    return "".join(f"{line}\n" for line in _lines(files))


def _lines(files: Sequence[Example]) -> Iterator[str]:
    yield "Made-up prices to try Geiger on. Nothing here is a real market."
    yield ""
    width = max(len(file.name) for file in files)
    yield from (f"{file.name:<{width}}  {file.about}" for file in files)


def _csv(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_csv(buffer)
    return buffer.getvalue()


def _plain(prices: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Return the columns that a price file has at least."""
    return prices.select(
        Date=days,
        Open=pl.col("open").round(DIGITS),
        High=pl.col("high").round(DIGITS),
        Low=pl.col("low").round(DIGITS),
        Close=pl.col("close").round(DIGITS),
        Volume=pl.col("volume").round().cast(pl.Int64),
    )


def _yahoo(prices: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Return quoted prices, which fall by each dividend, and the adjusted close, which does not."""
    rows = np.arange(prices.height)
    still_to_come = (rows[-1] // PAYS_EVERY) - rows // PAYS_EVERY
    adjusted = (1.0 - PAYS) ** still_to_come  # adjusted over quoted close
    quoted = prices.with_columns(
        pl.col("open", "high", "low", "close") / adjusted, volume=pl.col("volume") * adjusted
    )
    bars = _plain(quoted, days)
    return bars.select(
        "Date",
        "Open",
        "High",
        "Low",
        "Close",
        prices["close"].round(DIGITS).alias("Adj Close"),
        "Volume",
    )


def _messy(prices: pl.DataFrame, days: pl.Series) -> bytes:
    """Return what a broker's program in Europe might export, with two faults."""
    rows = pl.Series(np.arange(prices.height))
    split = pl.Series(np.where(rows.to_numpy() < SPLIT_ROW, 1.0, SPLIT))
    bars = _plain(
        prices.with_columns(pl.col("open", "high", "low", "close") / split, volume=pl.col("volume") * split),
        days,
    )
    typed = pl.when(rows == TYPO_ROW).then(pl.col("High") / TYPO).otherwise(pl.col("High"))
    buffer = BytesIO()
    bars.with_columns(typed.round(DIGITS).alias("High")).reverse().write_csv(
        buffer, separator=";", decimal_comma=True, date_format="%d.%m.%Y"
    )
    return buffer.getvalue()


def _forecasts(market: Planted, days: pl.Series) -> pl.DataFrame:
    """Return what somebody with half the skill there is would have forecast."""
    known = market.true_mean - market.true_mean.mean()
    noise = generator(5, "example forecasts").standard_normal(len(known)) * known.std()
    forecast = pl.Series((known + noise) / 2.0).round(7)
    return pl.DataFrame({"day": days, "forecast": forecast}).tail(JUDGED)
