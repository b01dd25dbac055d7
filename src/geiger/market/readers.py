"""Price files as people have them: read correctly, or refused with one line that names file, row and column.

Nothing is guessed and nothing is repaired in silence: what was left out or interpreted becomes a note. Text
and Parquet become one `Table` and from there on go one way.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from geiger.errors import DataError
from geiger.files import parquet_table
from geiger.market import cells
from geiger.market.doubts import DAYS_SHOWN, Doubt, shifted_columns
from geiger.market.encodings import decoded
from geiger.market.foreign import refuse_messages
from geiger.market.frames import from_pandas
from geiger.market.headings import (
    TIMES_OF_DAY,
    action_of,
    key_of,
    match_columns,
    meaning_of,
    names_symbols,
    quote,
    require_columns,
    shown,
    split_levels,
)
from geiger.market.layouts import cut, distinct, known_headings
from geiger.market.panels import columns_of, rows_of
from geiger.market.prices import QUOTES, actions_of, canonical
from geiger.market.stamps import as_text, joined, to_days
from geiger.market.table import Table

COLUMNS_IGNORED = "DATA_COLUMNS_IGNORED"
COLUMNS_SHOWN = 12  # of those that were not read
LARGEST_FILE = 100_000_000  # bytes; a century of daily bars has 3 million
_PICKLES = (".pkl", ".pickle", ".joblib")
_PICKLED = tuple(bytes((0x80, version)) for version in range(2, 6))

_SILENT_EXTRAS = re.compile(
    r"^(change ?%|var\.? ?%|% ?var\.?|variation ?%|\+/- ?%|unnamed: ?0|)$",
    re.I,
)


@dataclass(frozen=True)
class Reading:
    """One price file, read.

    Attributes
    ----------
    prices : PRICES frame
    layout : str
        What kind of export it is.
    adjustment : str
        Where the adjustment for splits and dividends comes from.
    notes : tuple of Doubt
        Everything that was left out or interpreted; the prices themselves are doubted by
        `geiger.market.doubts.check`.
    symbol : str, optional
        The symbol that the file itself gives the rows, where it was asked for.
    actions : polars.DataFrame, optional
        What the file itself lists of dividends, capital gains and splits: see `prices.actions_of`.
    """

    prices: pl.DataFrame
    layout: str
    adjustment: str
    notes: tuple[Doubt, ...]
    actions: pl.DataFrame | None = None
    symbol: str | None = None


def read_prices(path: str | Path, symbol: str | None = None) -> Reading:
    """Read daily prices from a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Delimited text (comma, semicolon, tab or bar; UTF-8, UTF-16, Windows-1252, or an encoding that the
        headings prove) or Parquet. Needed are a date and a close; Open, High, Low, Adj Close and Volume are
        used if present.
    symbol : str, optional
        Whose rows to read where the file holds several symbols.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        The file cannot be read in one way only; the message names file, line, column, find and remedy.
    """
    notes: list[Doubt] = []
    with naming(Path(path)):
        return _read(table_of(Path(path), symbol, notes), symbol, notes)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the name of the file before every complaint about it that lacks it."""
    name = shown(path.name, 80)
    try:
        yield
    except DataError as error:
        text = str(error)
        raise DataError(text if text.startswith((f"{name}:", f"{name},")) else f"{name}: {text}") from None


def table_of(path: Path, symbol: str | None, notes: list[Doubt]) -> Table:
    """Return the table of a CSV or Parquet file, cut into cells that are not understood yet.

    Parameters
    ----------
    symbol : str, optional
        Whose columns to take where the headings name several.
    notes : list of Doubt
        Gets what was concluded.
    """
    name = shown(path.name, 80)
    content = _bytes_of(path, name)
    if path.suffix.lower() in _PICKLES or content.startswith(_PICKLED):
        raise DataError(
            f"{name}: a pickle, and to open one is to run whatever code it holds; let the program that wrote "
            "it write Parquet or CSV (pandas: frame.to_parquet)"
        )
    if path.suffix.lower() == ".parquet" or content[:4] == b"PAR1":
        return _stored(content, name)
    return cut(decoded(content, known_headings, notes), name, symbol, notes)


def read_given(frame: Any, symbol: str | None = None) -> Reading:
    """Read daily prices from a table in memory, in the same way as from a file.

    Parameters
    ----------
    frame : pandas.DataFrame or polars.DataFrame
        One row a day, with the days as a column or, in pandas, as the index; headings as in a file.
    symbol : str, optional
        Whose rows or columns to read where the table holds several symbols.

    Raises
    ------
    DataError
        The table cannot be read in one way only; the message names row, column, find and remedy.
    """
    return _read(table_in_memory(frame), symbol, [])


def table_in_memory(frame: Any) -> Table:
    """Return a pandas or polars table as the table that its Parquet file would be."""
    flat = frame if isinstance(frame, pl.DataFrame) else from_pandas(frame)
    columns = {column.name: _plain(column) for column in flat.get_columns()}
    return Table(columns, list(range(1, flat.height + 1)), "table", "row", "table in memory")


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{name}: cannot be opened (it is not a file); check the path")
        if path.stat().st_size > LARGEST_FILE:
            raise DataError(
                f"{name}: larger than {LARGEST_FILE // 10**6} MB; a file holds the daily bars of one symbol"
            )
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a usable path"
        raise DataError(f"{name}: cannot be opened ({why}); check the path") from None
    if not content.strip():
        raise DataError(f"{name}: the file is empty; export it again")
    return content


def _stored(content: bytes, name: str) -> Table:
    """Return the table of a Parquet file: text trimmed as in a CSV, dates as text, numbers as they are."""
    import pyarrow as pa

    if content[:4] != b"PAR1":
        refuse_messages(content[:10_000].decode("utf-8", "replace"))
    try:
        stored = parquet_table(content)
        names = distinct([str(heading) for heading in stored.column_names])
        frame = pl.DataFrame(pl.from_arrow(_with_known_zones(stored.rename_columns(names))))
        columns = dict(zip(names, map(_plain, frame.get_columns()), strict=True))
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        raise DataError("not a Parquet file that can be read; write it again") from None
    return Table(columns, list(range(1, frame.height + 1)), name, "row", "Parquet")


def _with_known_zones(stored: Any) -> Any:
    """Return the pyarrow table with stamps of a fixed zone (``+05:30``), unknown to polars, as text."""
    import pyarrow as pa

    for place, field in enumerate(stored.schema):
        zone = re.fullmatch(r"([+-])([0-9]{2}):?([0-9]{2})", getattr(field.type, "tz", None) or "")
        if zone is not None:
            ahead = (60 * int(zone[2]) + int(zone[3])) * (1 if zone[1] == "+" else -1)
            utc = pl.Series(pl.from_arrow(stored.column(place).cast(pa.timestamp("us", "UTC"), safe=False)))
            clock = utc.dt.replace_time_zone(None) + dt.timedelta(minutes=ahead)
            written = clock.dt.to_string("%Y-%m-%d %H:%M:%S") + zone[0]
            stored = stored.set_column(place, field.name, written.to_arrow())
    return stored


def _plain(column: pl.Series) -> pl.Series:
    """Return a stored column as numbers or as the text that a CSV would have."""
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return cells.trim(column)
    return as_text(column) if column.dtype.is_temporal() else column


def _read(table: Table, symbol: str | None, notes: list[Doubt]) -> Reading:
    """Understand the cells of a table: the common way of text and Parquet."""
    table = _one_level(table, symbol, notes)
    labels = match_columns(list(table.columns))
    require_columns(labels, list(table.columns))
    _refuse_doubled_labels(table, labels)
    table = rows_of(table, labels["day"], symbol, notes)
    if not table.rows:
        raise DataError("a header and no rows below it; export the file again")
    extras = [heading for heading in table.columns if heading not in labels.values()]
    days, extras = days_of(table, labels["day"], extras, notes)
    numbers, style = _numbers(table, labels, extras, notes)
    frame, extras = _with_actions(pl.DataFrame([days, *numbers]), table, style, extras)
    frame, table = _leave_out_empty(frame, table, notes)
    frame, table = _oldest_first(frame, table, notes)
    prices = canonical(frame, lambda row, meaning: table.at(row, labels[meaning]))
    _refuse_shifted(prices, table, labels)
    _note_volume(frame, notes)
    _note_extras(extras, labels["day"], notes)
    adjustment = _adjustment(frame, notes)
    return Reading(prices, table.layout, adjustment, tuple(notes), actions_of(frame), table.symbol)


def _one_level(table: Table, symbol: str | None, notes: list[Doubt]) -> Table:
    """Return the columns of one symbol under plain words, where headings carry both (``Close_AAPL``)."""
    names = list(table.columns)
    if any(meaning_of(name) == "close" for name in names) or not (levels := split_levels(names)):
        return table
    kept, words, chosen = columns_of(levels, symbol, f"{table.name}: the headings hold", notes)
    renamed = zip(distinct(words), (table.columns[names[place]] for place in kept), strict=True)
    return replace(
        table, columns=dict(renamed), layout=f"{table.layout}, symbols in the headings", symbol=chosen
    )


def _with_actions(
    frame: pl.DataFrame, table: Table, style: cells.NumberStyle, extras: list[str]
) -> tuple[pl.DataFrame, list[str]]:
    """Add the columns of dividends, capital gains and splits; return what is left of the other headings."""
    read: dict[str, str] = {}
    for heading in extras:
        action = action_of(heading)
        column = None if action is None else _listed(table.columns[heading], style)
        if action is None or column is None:
            continue  # no numbers: it stays among the columns that were not read
        if action in read:
            pair = f"{quote(read[action])} and {quote(heading)}"
            raise DataError(f"columns {pair} both list the same action ({action}); keep one of them")
        read[action] = heading
        frame = frame.with_columns(column.alias(action))
    return frame, [heading for heading in extras if heading not in read.values()]


def _listed(column: pl.Series, style: cells.NumberStyle) -> pl.Series | None:
    if column.dtype == pl.String:
        return cells.numbers_or_none(cells.ratios(column), style)
    return column.cast(pl.Float64) if column.dtype.is_numeric() or column.dtype == pl.Null else None


def _refuse_shifted(prices: pl.DataFrame, table: Table, labels: Mapping[str, str]) -> None:
    shifted = shifted_columns(prices)
    if shifted is not None:
        heading = quote(labels.get("open", labels["close"]))
        raise DataError(
            f"{table.name}, {table.word} {min(table.rows)} to {max(table.rows)}, column {heading}: "
            f"{shifted.text}; put the right label over every column"
        )


def _refuse_doubled_labels(table: Table, labels: Mapping[str, str]) -> None:
    """Refuse ``Date.1`` and the like: a second label of the same name, so labels and columns may not fit."""
    for heading in table.columns:
        base = re.sub(r"\.[0-9]+$", "", heading)
        if base != heading and heading not in labels.values() and base in table.columns and meaning_of(base):
            column = table.columns[heading]
            row = int(column.is_not_null().arg_max() or 0)
            found = shown(str(column[row] or "")) if table.rows else ""
            where = table.at(row, heading) if table.rows else f"{table.name}, column {quote(heading)}"
            raise DataError(
                f"{where}: found '{found}' under a second label {quote(base)}; labels and columns do not fit "
                "(shifted by one?): put the right label over every column"
            )


def days_of(table: Table, label: str, extras: list[str], notes: list[Doubt]) -> tuple[pl.Series, list[str]]:
    """Return the dates, missing where the cell is empty, and the headings that they did not use."""
    column = as_text(table.columns[label])
    for heading in [heading for heading in extras if key_of(heading) in TIMES_OF_DAY]:
        stamps = joined(column, as_text(table.columns[heading]))
        if stamps is not None:
            column, extras = stamps, [name for name in extras if name != heading]
            break
    filled = column.is_not_null().arg_true()
    if not len(filled):
        return pl.Series("day", [None] * len(column), dtype=pl.Date), extras
    inner = table.kept(filled.to_list())
    days = to_days(column.gather(filled), label, inner.at)
    if days.proof is not None:
        proof = f"{quote(column[filled[days.proof]])} in {table.word} {inner.rows[days.proof]}"
        told = f"{proof} is {days.day[days.proof]}" if days.layout.endswith("1970") else f"{proof} shows it"
        notes.append(Doubt("DATA_DATE_STYLE", "note", (), 1, f"dates are {days.layout}: {told}"))
    if days.times_dropped:
        whose = "their day in UTC" if days.utc else "the date written in them"
        text = f"{days.times_dropped} time stamps were cut to {whose}"
        notes.append(Doubt("DATA_TIME_OF_DAY", "note", (), days.times_dropped, text))
    return pl.Series("day", [None] * len(column), dtype=pl.Date).scatter(filled, days.day), extras


def _numbers(
    table: Table, labels: Mapping[str, str], extras: list[str], notes: list[Doubt]
) -> tuple[list[pl.Series], cells.NumberStyle]:
    """Return every known column but the day as floats, and the one number style of the file."""
    stored = {heading: table.columns[heading] for meaning, heading in labels.items() if meaning != "day"}
    for heading, column in stored.items():
        if column.dtype not in (pl.String, pl.Null) and not column.dtype.is_numeric():
            raise DataError(f"column {quote(heading)} holds {column.dtype}, not numbers; convert it first")
    written = {heading: column for heading, column in stored.items() if column.dtype == pl.String}
    factor = None
    volume = labels.get("volume")
    if volume in written:
        written[volume], factor = cells.split_suffix(written[volume])
    blanks = None
    for heading, column in written.items():
        written[heading], row = cells.ungrouped(column)
        blanks = blanks or (None if row is None else (heading, row))
    texts = {
        heading: table.columns[heading] for heading in extras if table.columns[heading].dtype == pl.String
    }
    witnesses = {heading: column.str.strip_suffix("%") for heading, column in texts.items()}
    numbers = cells.number_style(written, witnesses, table.at)
    _note_style(numbers, table, written, blanks, notes)
    columns = []
    for meaning in (meaning for meaning in (*QUOTES, "volume") if meaning in labels):
        heading = labels[meaning]
        read = cells.to_numbers(written[heading], numbers.style) if heading in written else stored[heading]
        read = read.cast(pl.Float64).alias(meaning)
        columns.append(read * factor if meaning == "volume" and factor is not None else read)
    return columns, numbers.style


def _note_style(
    numbers: cells.Numbers,
    table: Table,
    written: Mapping[str, pl.Series],
    blanks: cells.Spot | None,
    notes: list[Doubt],
) -> None:
    def shows(spot: cells.Spot) -> str:
        return f"{quote(table.columns[spot[0]][spot[1]])} ({table.at(spot[1], spot[0])}) shows it"

    grouped = any(cells.is_grouped(column, numbers.style) for column in written.values())
    texts = []
    if numbers.fraction is not None and numbers.proof is not None:
        fraction = quote(table.columns[numbers.fraction[0]][numbers.fraction[1]])
        texts.append(f"thousands are not grouped, so that {fraction} is a fraction: {shows(numbers.proof)}")
    elif numbers.proof is not None and (grouped or numbers.style == "comma"):
        lakhs = any(cells.groups_lakhs(column) for column in written.values())
        style = "commas that group thousands" + (", lakhs and crores" if lakhs else "")
        if numbers.style == "comma":
            style = "a decimal comma, dots group thousands" if grouped else "a decimal comma"
        texts.append(f"numbers have {style}: {shows(numbers.proof)}")
    if blanks is not None:
        texts.append(f"blanks or apostrophes group thousands: {shows(blanks)}")
    notes.extend(Doubt("DATA_NUMBER_STYLE", "note", (), 1, text) for text in texts)


def _leave_out_empty(frame: pl.DataFrame, table: Table, notes: list[Doubt]) -> tuple[pl.DataFrame, Table]:
    """Leave out the rows that have no price at all, and say so."""
    prices = [pl.col(name) for name in QUOTES if name in frame.columns]
    empty = frame.select(pl.all_horizontal(price.is_null() | price.is_nan() for price in prices)).to_series()
    if not empty.any():
        return frame, table
    kept = (~empty).arg_true()
    if not len(kept):
        raise DataError("no row has a price; export the file again")
    days = tuple(str(day) for day in frame["day"].filter(empty).drop_nulls()[:DAYS_SHOWN])
    count = int(empty.sum())
    first = days[0] if days else f"{table.word} {table.rows[int(empty.arg_max() or 0)]}"
    text = (
        f"1 row has no prices ({first}): left out"
        if count == 1
        else f"{count} rows have no prices (first {first}): left out"
    )
    notes.append(Doubt("DATA_EMPTY_ROWS", "note", days, count, text))
    return frame[kept], table.kept(kept.to_list())


def _oldest_first(frame: pl.DataFrame, table: Table, notes: list[Doubt]) -> tuple[pl.DataFrame, Table]:
    """Turn round a table that runs strictly from new to old; every other order is right or refused later."""
    step = frame["day"].cast(pl.Int32).diff().slice(1)
    if frame.height < 2 or step.null_count() or not (step < 0).all():
        return frame, table
    notes.append(
        Doubt("DATA_NEWEST_FIRST", "note", (), frame.height, "rows run from new to old: turned round")
    )
    return frame.reverse(), table.kept(list(range(frame.height))[::-1])


def _note_volume(table: pl.DataFrame, notes: list[Doubt]) -> None:
    if "volume" not in table.columns:
        return
    missing = table["volume"].is_null() | table["volume"].is_nan().fill_null(True)
    if missing.any() and not missing.all():
        days = tuple(str(day) for day in table["day"].filter(missing)[:DAYS_SHOWN])
        count = int(missing.sum())
        have = "day has" if count == 1 else "days have"
        text = f"{count} {have} no volume (first {days[0]}): taken as 0, unknown"
        notes.append(Doubt("DATA_VOLUME_MISSING", "note", days, count, text))


def _note_extras(extras: list[str], day: str, notes: list[Doubt]) -> None:
    times = [heading for heading in extras if meaning_of(heading) == "day" and heading.strip()]
    if times:
        listing = ", ".join(map(quote, times))
        text = f"the day was read from {quote(day)}, not from {listing}"
        notes.append(Doubt("DATA_DATE_STYLE", "note", (), len(times), text))
    unread = [
        heading
        for heading in extras
        if heading not in times and not names_symbols(heading) and not _SILENT_EXTRAS.match(heading)
    ]
    if unread:
        more = len(unread) - COLUMNS_SHOWN
        listing = ", ".join(map(quote, unread[:COLUMNS_SHOWN])) + (f" and {more} more" if more > 0 else "")
        text = f"columns that mean nothing here were not read: {listing}"
        notes.append(Doubt(COLUMNS_IGNORED, "warning", (), len(unread), text))


def _adjustment(table: pl.DataFrame, notes: list[Doubt]) -> str:
    if "raw_close" in table.columns:
        return "total-return bar beside the raw close"
    if "adj" in table.columns:
        return (
            "adjusted column"
            if (table["adj"] != table["close"]).any()
            else "adjusted column, equal to the close"
        )
    text = (
        "there is no adjusted close: prices are taken as they are, and if splits or dividends are not in "
        "them, the returns of those days are wrong"
    )
    notes.append(Doubt("DATA_ADJUSTMENT_UNKNOWN", "warning", (), 1, text))
    return "already adjusted or unknown"
