"""From the text of a price file to a table: delimiter, lines above the headings, headings on two lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import polars as pl

from geiger.errors import DataError
from geiger.market import cells
from geiger.market.doubts import Doubt
from geiger.market.foreign import refuse_messages
from geiger.market.headings import meaning_of, names_symbols, quote, shown
from geiger.market.panels import columns_of
from geiger.market.stamps import is_date
from geiger.market.table import Table

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SEPARATOR_LINE = re.compile(r'^"?sep=(\\t|[,;\t|])"?[,;\t| ]*$', re.I)
_NEW_LINE = re.compile(r"\r\n|\r|\n")
_LOOKED_AT = 30  # lines among which headings are looked for
_CHART_WORDS = ("vol.", "change %", "var%", "% var.", "variation %", "+/- %")
_KLINE = (  # the columns that Binance writes without headings
    *("open time", "open", "high", "low", "close", "volume", "close time", "quote volume"),
    *("count", "taker buy volume", "taker buy quote volume", "ignore"),
)


def known_headings(text: str) -> int:
    """Return how many headings the heading line of a text has, 0 where no line can be one."""
    lines = _NEW_LINE.split(text)
    found = _heading_line(lines, None)
    return 0 if found is None else _known(lines[found[0]], found[1])[0]


def cut(text: str, name: str, symbol: str | None, notes: list[Doubt]) -> Table:
    """Cut a text into cells; refuse rows of another width, naming the line.

    Parameters
    ----------
    text, name : str
        The content and the name of the file.
    symbol : str, optional
        The one to take where the headings name several.
    notes : list of Doubt
        Gets what was left out or concluded.
    """
    lines = _NEW_LINE.split(text)
    lines, obeyed = _separator(lines)
    found = _heading_line(lines, obeyed)
    if found is None:
        refuse_messages(text)
        delimiter = obeyed or _delimiter(next((line for line in lines if line.strip()), ""))
        rows, places = _rows("\n".join(lines), delimiter, name, 0)
        if _is_kline(rows):
            text = "there are no headings; the columns are those of Binance's bars"
            notes.append(Doubt("DATA_HEADINGS", "note", (), 1, text))
            layout = f"Binance without headings, {_DELIMITERS[delimiter]}-separated"
            return _table(list(_KLINE), rows, places, name, layout)
        _refuse_headless(rows, places, name)
        headings = [cell.strip() for cell in rows[0]]
        return _table(headings, rows[1:], places[1:], name, f"table, {_DELIMITERS[delimiter]}-separated")
    at, delimiter = found
    rows, places = _rows("\n".join(lines[at:]), delimiter, name, at)
    above = [line for line in lines[:at] if line.strip()]
    return _below_headings(rows, places, above, delimiter, name, symbol, notes)


def _below_headings(
    rows: list[list[str]],
    places: list[int],
    above: list[str],
    delimiter: str,
    name: str,
    symbol: str | None,
    notes: list[Doubt],
) -> Table:
    """Return the table of the rows from the headings on; `above` are the lines before them."""
    headings = [cell.strip().strip("*") for cell in rows[0]]
    layout, first, chosen = _layout(headings), 1, None
    over = _parts(above[-1], delimiter) if above else []
    if len(rows) > 1 and _are_symbols(rows[1], len(headings)):
        levels, first = [headings, [cell.strip() for cell in rows[1]]], 2
    elif _are_symbols(over, len(headings)):
        levels, above = [over, headings], above[:-1]
    else:
        levels = []
    if levels:
        where = f"{name}, line {places[first - 1]}:"
        kept, words, chosen = columns_of([level[1:] for level in levels], symbol, where, notes)
        headings = ["Date", *words]
        if len(rows) > first and rows[first][0].strip() and not any(map(str.strip, rows[first][1:])):
            first += 1  # the name of the index, alone on its line
        width, kept = len(rows[0]), [0, *(place + 1 for place in kept)]
        rows = [[row[place] for place in kept] if len(row) == width else row for row in rows]
        layout = "yfinance, three header rows"
    if above:
        _refuse_data_above(above, delimiter, name)
        text = f"the headings stand in line {places[0]}; left out above them: {quote(' / '.join(above), 80)}"
        notes.append(Doubt("DATA_HEADINGS", "note", (), len(above), text))
    layout = f"{layout}, {_DELIMITERS[delimiter]}-separated"
    return _table(headings, rows[first:], places[first:], name, layout, chosen)


def _table(
    headings: list[str],
    rows: list[list[str]],
    places: list[int],
    name: str,
    layout: str,
    symbol: str | None = None,
) -> Table:
    names, width = distinct(headings), len(headings)
    body = [_padded(row, width, f"{name}, line {line}") for row, line in zip(rows, places, strict=True)]
    columns = list(zip(*body, strict=True)) if body else [()] * width
    trimmed = {
        heading: cells.trim(pl.Series(heading, column, dtype=pl.String))
        for heading, column in zip(names, columns, strict=True)
    }
    return Table(trimmed, places, name, "line", layout, symbol)


def _separator(lines: list[str]) -> tuple[list[str], str | None]:
    """Return the lines without a first ``sep=;``, which spreadsheets obey, and the delimiter it names."""
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    named = _SEPARATOR_LINE.match(lines[first].lstrip("\ufeff").strip(" "))
    if named is None:
        return lines, None
    return ["" if place == first else line for place, line in enumerate(lines)], named[1].replace("\\t", "\t")


def _heading_line(lines: list[str], delimiter: str | None) -> tuple[int, str] | None:
    """Return the first line with two known headings or more, and the delimiter that shows most of them."""
    looked_at = [place for place, line in enumerate(lines) if line.strip()][:_LOOKED_AT]
    for place in looked_at:
        best = delimiter or _delimiter(lines[place])
        if _known(lines[place], best)[0] > 1:
            return place, best
    return None


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=lambda delimiter: _known(line, delimiter))


def _known(line: str, delimiter: str) -> tuple[int, int]:
    names = _parts(line[:10_000], delimiter)
    return len({meaning_of(name) for name in names} - {None}), len(names)


def _parts(line: str, delimiter: str) -> list[str]:
    return [part.strip().strip('"') for part in line.split(delimiter)]


def _are_symbols(row: list[str], width: int) -> bool:
    """Return whether a row beside the headings names the symbol of each column."""
    parts = [cell.strip() for cell in row]
    if len(parts) != width or width < 2 or not all(parts[1:]):
        return False
    return (not parts[0] or names_symbols(parts[0])) and not any(
        meaning_of(part) or cells.plain_number(part) is not None for part in parts[1:]
    )


def _rows(text: str, delimiter: str, name: str, above: int) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank, and the line on which each ends; `above` lines were cut off."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows, lines = [], []
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                rows.append(row)
                lines.append(above + reader.line_num)
    except csv.Error as error:
        line = above + reader.line_num
        raise DataError(f"{name}, line {line}: {error}; check the quotation marks there") from None
    if not rows:
        raise DataError("the file is empty; export it again")
    return rows, lines


def _padded(row: list[str], width: int, where: str) -> list[str]:
    if len(row) > width and not any(cell.strip() for cell in row[width:]):
        return row[:width]
    if len(row) == 1 and width > 1 and not is_date(row[0].strip()):
        raise DataError(
            f"{where}: found {quote(row[0])} alone under {width} headings, which is no row of the table; "
            "remove the line"
        )
    if len(row) != width:
        raise DataError(
            f"{where}: found {len(row)} cells under {width} headings ({quote(row[0])} ...); "
            "the line is cut short or a label or a quotation mark is missing"
        )
    return row


def distinct(headings: Sequence[str]) -> list[str]:
    """Return the headings with a number added to repetitions that mean nothing here; refuse the others."""
    seen: dict[str, int] = {}
    result: list[str] = []
    for heading in headings:
        seen[heading] = seen.get(heading, 0) + 1
        repeated = seen[heading] > 1
        result.append(f"{heading} (column {len(result) + 1})" if repeated else heading)
        if repeated and meaning_of(heading):
            raise DataError(f"column {quote(heading)} occurs twice; keep the right one")
    return result


def _layout(headings: list[str]) -> str:
    lowered = [heading.lower() for heading in headings]
    if "close/last" in lowered:
        return "Nasdaq.com"
    if any(word in lowered for word in _CHART_WORDS) and "close" not in lowered:
        return "Investing.com"
    return "table"


def _is_kline(rows: list[list[str]]) -> bool:
    """Return whether rows are bars of Binance: twelve cells, the first and the seventh count from 1970."""
    first = [cell.strip() for cell in rows[0]]
    return len(first) == len(_KLINE) and all(
        cells.plain_number(first[place]) is not None and is_date(first[place]) for place in (0, 6)
    )


def _refuse_data_above(above: list[str], delimiter: str, name: str) -> None:
    for line in above:
        parts = _parts(line, delimiter)
        if len(parts) > 1 and is_date(parts[0]):
            raise DataError(
                f"{name}: rows of data ({quote(line)}) stand above the headings; put the headings into line 1"
            )


def _refuse_headless(rows: list[list[str]], lines: list[int], name: str) -> None:
    """Refuse a file whose first line is data; say what the columns look like."""
    first = [cell.strip() for cell in rows[0]]
    if len(first) < 2 or not is_date(first[0]):
        return  # require_columns says what is missing
    text = (
        f"{name}, line {lines[0]}, column 1: found {quote(first[0])} where the headings should be; "
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
