"""Price files as people have them: read correctly, or refused with one line that names file, row and column.

Nothing is guessed and nothing is repaired in silence: what was left out or interpreted becomes a note.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from geiger.errors import DataError
from geiger.files import parquet_table
from geiger.market import cells
from geiger.market.doubts import DAYS_SHOWN, Doubt, shifted_columns
from geiger.market.prices import (
    QUOTES,
    action_of,
    actions_of,
    canonical,
    match_columns,
    meaning_of,
    quoted,
    require_columns,
    shown,
)

LARGEST_FILE = 100_000_000  # bytes; a century of daily bars has 3 million

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SYMBOL_WORDS = ("ticker", "symbol", "<ticker>", "<symbol>", "name")
_CHART_WORDS = ("vol.", "change %", "var%", "% var.", "variation %", "+/- %")
_SILENT_EXTRAS = re.compile(
    r"^(change ?%|var\.? ?%|% ?var\.?|variation ?%|\+/- ?%|"
    r"unnamed: ?0|)$",
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
    actions : polars.DataFrame, optional
        What the file itself lists of dividends, capital gains and splits: see `prices.actions_of`.
    """

    prices: pl.DataFrame
    layout: str
    adjustment: str
    notes: tuple[Doubt, ...]
    actions: pl.DataFrame | None = None


@dataclass(frozen=True)
class _Table:
    """A text table: trimmed cells by heading, the line of the file on which each row ends, and its layout."""

    cells: Mapping[str, pl.Series]
    labels: Mapping[str, str]  # meaning -> heading
    lines: list[int]
    layout: str


def read_prices(path: str | Path) -> Reading:
    """Read daily prices from a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        Delimited text (comma, semicolon, tab or bar; UTF-8, UTF-16 with its mark, or Windows-1252) or
        Parquet. Needed are a date and a close; Open, High, Low, Adj Close and Volume are used if present.

    Returns
    -------
    Reading

    Raises
    ------
    DataError
        The file cannot be read in one way only; the message names file, line, column, find and remedy.
    """
    path = Path(path)
    name = shown(path.name, 80)
    content = _bytes_of(path, name)
    try:
        if path.suffix.lower() == ".parquet" or content[:4] == b"PAR1":
            return _read_parquet(content, name)
        return _read_text(content, name)
    except DataError as error:
        text = str(error)
        raise DataError(text if text.startswith((f"{name}:", f"{name},")) else f"{name}: {text}") from None


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


def _read_parquet(content: bytes, name: str) -> Reading:
    import pyarrow as pa

    try:
        stored = parquet_table(content)
        headings = [str(heading) for heading in stored.column_names]
        labels = match_columns(headings)
        require_columns(labels, headings)
        table = quoted(pl.DataFrame(pl.from_arrow(stored.select(list(labels.values())))), labels)
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError):
        raise DataError("not a Parquet file that can be read; write it again") from None
    extras = [heading for heading in headings if heading not in labels.values()]
    listed = [heading for heading in extras if action_of(heading)]
    numbers = {
        heading: column.cast(pl.Float64) if column.dtype.is_numeric() else None
        for heading in listed
        for column in [pl.Series(pl.from_arrow(stored.column(heading)))]
    }
    table, extras = _with_actions(table, numbers, extras)
    rows = list(range(1, table.height + 1))
    return _finish(table, _Origin(name, "row", rows, labels, "Parquet"), [], extras)


def _read_text(content: bytes, name: str) -> Reading:
    notes: list[Doubt] = []
    table = _cut(_decoded(content, notes), name)
    labels = table.labels
    origin = _Origin(name, "line", table.lines, labels, table.layout)
    extras = [heading for heading in table.cells if heading not in labels.values()]
    _refuse_doubled_labels(table, origin, extras)
    _refuse_several_symbols(table, extras)
    days = _days(table.cells[labels["day"]], origin, notes)
    numbers, style = _numbers(table, origin, extras, notes)
    actions = {
        heading: cells.numbers_or_none(table.cells[heading], style)
        for heading in extras
        if action_of(heading)
    }
    frame, extras = _with_actions(pl.DataFrame([days, *numbers]), actions, extras)
    return _finish(frame, origin, notes, extras)


def _with_actions(
    table: pl.DataFrame, listed: Mapping[str, pl.Series | None], extras: list[str]
) -> tuple[pl.DataFrame, list[str]]:
    """Add the columns of dividends, capital gains and splits; return what is left of the other headings."""
    read: dict[str, str] = {}
    for heading, column in listed.items():
        action = action_of(heading)
        if action is None or column is None:
            continue  # no numbers: it stays among the columns that were not read
        if action in read:
            pair = f"{shown(read[action])!r} and {shown(heading)!r}"
            raise DataError(f"columns {pair} both list the same action ({action}); keep one of them")
        read[action] = heading
        table = table.with_columns(column.alias(action))
    return table, [heading for heading in extras if heading not in read.values()]


@dataclass(frozen=True)
class _Origin:
    """Where the rows of a table stand in the file, so that every message can say it."""

    name: str
    word: str  # "line" of a text, "row" of a Parquet file
    rows: list[int]  # 1-based place of each row of the table
    labels: Mapping[str, str]  # meaning -> heading
    layout: str

    def at(self, row: int, heading: str) -> str:
        return f"{self.name}, {self.word} {self.rows[row]}, column {shown(heading)!r}"

    def kept(self, keep: Sequence[int]) -> _Origin:
        return replace(self, rows=[self.rows[row] for row in keep])


def _finish(table: pl.DataFrame, origin: _Origin, notes: list[Doubt], extras: list[str]) -> Reading:
    """Leave out, turn round, adjust, refuse labels that do not fit: the common end of text and Parquet."""
    if not table.height:
        raise DataError("a header and no rows below it; export the file again")
    table, origin = _leave_out_empty(table, origin, notes)
    table, origin = _oldest_first(table, origin, notes)
    prices = canonical(table, lambda row, meaning: origin.at(row, origin.labels[meaning]))
    shifted = shifted_columns(prices)
    if shifted is not None:
        heading = shown(origin.labels.get("open", origin.labels["close"]))
        raise DataError(
            f"{origin.name}, {origin.word} {min(origin.rows)} to {max(origin.rows)}, column {heading!r}: "
            f"{shifted.text}; put the right label over every column"
        )
    _note_volume(table, notes)
    _note_extras(extras, notes)
    return Reading(prices, origin.layout, _adjustment(table, notes), tuple(notes), actions_of(table))


def _decoded(content: bytes, notes: list[Doubt]) -> str:
    try:
        if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return content.decode("utf-16")
        if b"\x00" in content:
            raise DataError(
                "binary data, not text; export the prices as CSV (from a spreadsheet: Save as, CSV UTF-8)"
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            raise DataError("starts as UTF-16 text and is not; export it again as UTF-8") from None
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise DataError("neither UTF-8 nor Windows-1252 text; export the prices as CSV in UTF-8") from None
    notes.append(Doubt("DATA_ENCODING", "note", (), 1, "the text is not UTF-8 and was read as Windows-1252"))
    return text


def _cut(text: str, name: str) -> _Table:
    """Cut the text into cells; refuse rows of another width, naming the line."""
    delimiter = _delimiter(text)
    rows, lines = _rows(text, delimiter, name)
    headings = [cell.strip().strip("*") for cell in rows[0]]
    layout, first = _layout(headings), 1
    if len(rows) > 1 and rows[1] and rows[1][0].strip().lower() == "ticker":
        headings, first = _yfinance_headings(headings, rows, name, lines)
        layout = "yfinance, three header rows"
    names, width = _distinct(headings), len(headings)
    labels = match_columns(names)
    if not labels:
        _refuse_headless(rows, lines, name)
    require_columns(labels, names)
    body = [
        _padded(row, width, f"{name}, line {line}")
        for row, line in zip(rows[first:], lines[first:], strict=True)
    ]
    columns = list(zip(*body, strict=True)) if body else [()] * width
    cut = {
        heading: cells.trim(pl.Series(heading, column, dtype=pl.String))
        for heading, column in zip(names, columns, strict=True)
    }
    return _Table(cut, labels, lines[first:], f"{layout}, {_DELIMITERS[delimiter]}-separated")


def _delimiter(text: str) -> str:
    """Return the delimiter under which the first line shows most known headings."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def known(delimiter: str) -> tuple[int, int]:
        names = [part.strip().strip('"') for part in first[:10_000].split(delimiter)]
        return sum(meaning_of(part) is not None for part in set(names)), len(names)

    return max(_DELIMITERS, key=known)


def _rows(text: str, delimiter: str, name: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank, and the line on which each ends."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows, lines = [], []
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}; check the quotation marks there") from None
    if not rows:
        raise DataError("the file is empty; export it again")
    return rows, lines


def _padded(row: list[str], width: int, where: str) -> list[str]:
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return row[:width]
    if len(row) != width:
        raise DataError(
            f"{where}: found {len(row)} cells under {width} headings ({shown(row[0])!r} ...); "
            "the line is cut short or a label or a quotation mark is missing"
        )
    return row


def _distinct(headings: Sequence[str]) -> list[str]:
    """Return the headings with a number added to repetitions that mean nothing here."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for heading in headings:
        seen[heading] = seen.get(heading, 0) + 1
        repeated = seen[heading] > 1
        result.append(f"{heading} (column {len(result) + 1})" if repeated else heading)
        if repeated and meaning_of(heading):
            raise DataError(f"column {shown(heading)!r} occurs twice; keep the right one")
    return result


def _yfinance_headings(
    headings: list[str], rows: list[list[str]], name: str, lines: list[int]
) -> tuple[list[str], int]:
    """Read the three header rows of modern yfinance: prices, tickers, and the name of the index."""
    tickers = {cell.strip() for cell in rows[1][1:]} - {""}
    if len(tickers) > 1:
        listing = ", ".join(sorted(map(shown, tickers))[:5])
        raise DataError(f"{name}, line {lines[1]}: several symbols ({listing}); write one file a symbol")
    third = [cell.strip().lower() for cell in rows[2]] if len(rows) > 2 else []
    names_index = bool(third) and third[0].startswith("date") and not any(third[1:])
    return ["Date", *headings[1:]], 3 if names_index else 2


def _layout(headings: list[str]) -> str:
    lowered = [heading.lower() for heading in headings]
    if "close/last" in lowered:
        return "Nasdaq.com"
    if any(word in lowered for word in _CHART_WORDS) and "close" not in lowered:
        return "Investing.com"
    return "table"


def _refuse_headless(rows: list[list[str]], lines: list[int], name: str) -> None:
    """Refuse a file whose first line is data; say what the columns look like."""
    first = [cell.strip() for cell in rows[0]]
    if len(first) < 2 or not cells.is_date(first[0]):
        return  # require_columns says what is missing
    text = (
        f"{name}, line {lines[0]}, column 1: found {shown(first[0])!r} where the headings should be; "
        f"the columns look like a date and {len(first) - 1} numbers ({', '.join(map(shown, first[1:7]))}); "
        "put a first line such as Date,Open,High,Low,Close,Volume above them"
    )
    numbers = [cells.plain_number(row[1]) if len(row) > 1 else None for row in rows]
    step = _first_split_step(numbers)
    if all(number is not None and number >= 1000 and number == int(number) for number in numbers):
        text += "; prices are whole numbers, perhaps scaled (LEAN writes dollars x 10000)"
    if step is not None:
        text += (
            f"; column 2 falls to {step[1]:.3f} of the day before in line {lines[step[0]]}: splits seem "
            "unadjusted, so an Adj Close column is needed as well"
        )
    raise DataError(text)


def _first_split_step(numbers: Sequence[float | None]) -> tuple[int, float] | None:
    for row in range(1, len(numbers)):
        now, last = numbers[row], numbers[row - 1]
        if now and last and min(abs(now / last * split - 1) for split in (2, 3, 4, 5, 7, 10)) < 0.03:
            return row, now / last
    return None


def _refuse_doubled_labels(table: _Table, origin: _Origin, extras: list[str]) -> None:
    """Refuse ``Date.1`` and the like: a second label of the same name, so labels and columns may not fit."""
    for heading in extras:
        base = re.sub(r"\.[0-9]+$", "", heading)
        if base != heading and base in table.cells and meaning_of(base):
            row = int(table.cells[heading].is_not_null().arg_max() or 0)
            found = shown(table.cells[heading][row] or "") if table.lines else ""
            where = origin.at(row, heading) if table.lines else f"{origin.name}, column {shown(heading)!r}"
            raise DataError(
                f"{where}: found {found!r} under a second label {base!r}; labels and columns do not fit "
                "(shifted by one?): put the right label over every column"
            )


def _refuse_several_symbols(table: _Table, extras: list[str]) -> None:
    for heading in extras:
        if heading.lower() in _SYMBOL_WORDS and table.cells[heading].n_unique() > 1:
            listing = ", ".join(
                shown(symbol) for symbol in table.cells[heading].drop_nulls().unique().sort()[:5]
            )
            raise DataError(f"column {heading!r} holds several symbols ({listing}); write one file a symbol")


def _days(column: pl.Series, origin: _Origin, notes: list[Doubt]) -> pl.Series:
    """Return the dates, missing where the cell is empty, and note how they were read."""
    filled = column.is_not_null().arg_true()
    if not len(filled):
        return pl.Series("day", [None] * len(column), dtype=pl.Date)
    inner = origin.kept(filled.to_list())
    days = cells.to_days(column.gather(filled), column.name, inner.at)
    if days.proof is not None:
        proof = f"{shown(column[filled[days.proof]])!r} in line {inner.rows[days.proof]} shows it"
        notes.append(Doubt("DATA_DATE_STYLE", "note", (), 1, f"dates are {days.layout}: {proof}"))
    if days.times_dropped:
        text = f"{days.times_dropped} time stamps were cut to the date written in them"
        notes.append(Doubt("DATA_TIME_OF_DAY", "note", (), days.times_dropped, text))
    return pl.Series("day", [None] * len(column), dtype=pl.Date).scatter(filled, days.day)


def _numbers(
    table: _Table, origin: _Origin, extras: list[str], notes: list[Doubt]
) -> tuple[list[pl.Series], cells.NumberStyle]:
    """Return every known column but the day as floats, and the one number style of the file."""
    written = {
        heading: table.cells[heading] for meaning, heading in origin.labels.items() if meaning != "day"
    }
    factor = None
    volume = origin.labels.get("volume")
    if volume is not None:
        written[volume], factor = cells.split_suffix(written[volume])
    witnesses = {heading: table.cells[heading].str.strip_suffix("%") for heading in extras}
    numbers = cells.number_style(written, witnesses, origin.at)
    _note_style(numbers, table, written, origin, notes)
    columns = []
    for meaning in (meaning for meaning in (*QUOTES, "volume") if meaning in origin.labels):
        column = cells.to_numbers(written[origin.labels[meaning]], numbers.style).alias(meaning)
        columns.append(column * factor if meaning == "volume" and factor is not None else column)
    return columns, numbers.style


def _note_style(
    numbers: cells.Numbers,
    table: _Table,
    written: Mapping[str, pl.Series],
    origin: _Origin,
    notes: list[Doubt],
) -> None:
    grouped = any(cells.is_grouped(column, numbers.style) for column in written.values())
    if numbers.proof is None or not (grouped or numbers.style == "comma"):
        return
    heading, row = numbers.proof
    style = (
        "a decimal comma, dots group thousands" if numbers.style == "comma" else "commas that group thousands"
    )
    text = f"numbers have {style}: {shown(table.cells[heading][row])!r} ({origin.at(row, heading)}) shows it"
    notes.append(Doubt("DATA_NUMBER_STYLE", "note", (), 1, text))


def _leave_out_empty(
    table: pl.DataFrame, origin: _Origin, notes: list[Doubt]
) -> tuple[pl.DataFrame, _Origin]:
    """Leave out the rows that have no price at all, and say so."""
    prices = [pl.col(name) for name in QUOTES if name in table.columns]
    empty = table.select(pl.all_horizontal(price.is_null() | price.is_nan() for price in prices)).to_series()
    if not empty.any():
        return table, origin
    kept = (~empty).arg_true()
    if not len(kept):
        raise DataError("no row has a price; export the file again")
    days = tuple(str(day) for day in table["day"].filter(empty).drop_nulls()[:DAYS_SHOWN])
    count = int(empty.sum())
    first = days[0] if days else f"{origin.word} {origin.rows[int(empty.arg_max() or 0)]}"
    text = (
        f"1 row has no prices ({first}): left out"
        if count == 1
        else f"{count} rows have no prices (first {first}): left out"
    )
    notes.append(Doubt("DATA_EMPTY_ROWS", "note", days, count, text))
    return table[kept], origin.kept(kept.to_list())


def _oldest_first(table: pl.DataFrame, origin: _Origin, notes: list[Doubt]) -> tuple[pl.DataFrame, _Origin]:
    """Turn round a table that runs strictly from new to old; every other order is right or refused later."""
    step = table["day"].cast(pl.Int32).diff().slice(1)
    if table.height < 2 or step.null_count() or not (step < 0).all():
        return table, origin
    notes.append(
        Doubt("DATA_NEWEST_FIRST", "note", (), table.height, "rows run from new to old: turned round")
    )
    return table.reverse(), origin.kept(range(table.height - 1, -1, -1))


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


def _note_extras(extras: list[str], notes: list[Doubt]) -> None:
    unread = [heading for heading in extras if not _SILENT_EXTRAS.match(heading)]
    if unread:
        listing = ", ".join(repr(shown(heading)) for heading in unread[:5]) + (
            " ..." if len(unread) > 5 else ""
        )
        text = f"columns that mean nothing here were not read: {listing}"
        notes.append(Doubt("DATA_COLUMNS_IGNORED", "note", (), len(unread), text))


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
