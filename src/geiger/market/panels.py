"""Files that hold several symbols: the rows or the columns of the asked one, or a refusal that lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from geiger.errors import DataError
from geiger.market.doubts import Doubt
from geiger.market.headings import meaning_of, names_symbols, quote, shown
from geiger.market.table import Table

_LISTED = 5
_LEAST_ROWS = 2  # of a symbol, before repeated days are laid to a column that nobody calls a symbol


def columns_of(
    levels: Sequence[Sequence[str]], symbol: str | None, where: str, notes: list[Doubt]
) -> tuple[list[int], list[str], str | None]:
    """Return the columns of one symbol, where each heading has a level of words and a level of symbols.

    Returns
    -------
    kept : list of int
    words : list of str
        Headings of the kept columns.
    symbol : str or None
        The symbol that these columns have.
    """
    words = max(levels, key=lambda level: len({meaning_of(name) for name in level} - {None}))
    owners = ["".join(level[place] for level in levels if level is not words) for place in range(len(words))]
    found = sorted(set(owners) - {""})
    chosen = _asked(found, symbol, where, notes, "in the headings")
    kept = [place for place, owner in enumerate(owners) if owner in ("", chosen)]
    return kept, [words[place] for place in kept], chosen


def rows_of(table: Table, day: str | None, symbol: str | None, notes: list[Doubt]) -> Table:
    """Return the rows of one symbol; `day` is the heading of the days.

    A column that is called like a symbol says which row belongs to which. So does any other column of words
    whose values part repeated days from one another; it only leads to a refusal, since nobody named it so.
    """
    named = [heading for heading in table.columns if heading != day and names_symbols(heading)]
    for heading in named:
        values = _text(table.columns[heading])
        found = sorted(values.unique())
        if len(found) > 1:
            where = f"column {quote(heading)} holds"
            chosen = _asked(found, symbol, where, notes, f"in column {quote(heading)}")
            return replace(table.kept((values == chosen).arg_true().to_list()), symbol=chosen)
        if symbol is not None and [value.casefold() for value in found] == [symbol.casefold()]:
            table = replace(table, symbol=found[0])
    if day is not None:
        _refuse_unnamed_panel(table, day, set(named))
    return table


def _asked(found: list[str], symbol: str | None, where: str, notes: list[Doubt], place: str) -> str | None:
    """Return the one symbol, or of several the asked one, noting it."""
    if len(found) < 2:
        return found[0] if found else None
    listing = ", ".join(shown(name) or "nothing" for name in found[:_LISTED])
    listing += ", ..." if len(found) > _LISTED else ""
    same = [name for name in found if symbol is not None and name.casefold() == symbol.casefold()]
    if len(same) != 1:
        missing = f", not {shown(symbol)}" if symbol is not None else ""
        raise DataError(
            f"{where} several symbols ({listing}){missing}; ask for one of them by its name, or write "
            "one file a symbol"
        )
    text = f"{same[0]} was read out of {len(found)} symbols {place} ({listing})"
    notes.append(Doubt("DATA_ONE_OF_SEVERAL", "note", (), len(found), text))
    return same[0]


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String, strict=False).fill_null("").str.strip_chars()


def _refuse_unnamed_panel(table: Table, day: str, known: Iterable[str]) -> None:
    days = table.columns[day]
    if days.drop_nulls().n_unique() == days.drop_nulls().len():
        return
    for heading, column in table.columns.items():
        if heading == day or heading in known or meaning_of(heading) or column.dtype != pl.String:
            continue
        rows = pl.DataFrame({"day": days, "value": column})
        least = min(column.value_counts()["count"].to_list())
        words = ~column.str.contains(r"^[0-9:.,%+$-]*$").fill_null(True)
        parted = rows.unique().height == rows.height and least >= _LEAST_ROWS
        if words.all() and column.n_unique() > 1 and parted:
            listing = ", ".join(map(shown, column.unique().sort()[:_LISTED]))
            raise DataError(
                f"column {quote(heading)}: days occur once for each of its values ({listing}), as where a "
                "file holds several symbols; rename it to Symbol and ask for one of them, or write one file "
                "a symbol"
            )
