"""Files that hold several symbols: the rows or the columns of the asked one, or a refusal that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from geiger.errors import DataError
from geiger.market.doubts import Doubt
from geiger.market.headings import key_of, meaning_of, names_symbols, quote, shown
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
    named = max(levels, key=lambda level: len({meaning_of(name) for name in level} - {None}))
    others = ["".join(level[place] for level in levels if level is not named) for place in range(len(named))]
    words = [word or other for word, other in zip(named, others, strict=True)]
    owners = [other if word else "" for word, other in zip(named, others, strict=True)]
    found = sorted(set(owners) - {""})
    chosen = _asked(found, symbol, where, notes, "in the headings")
    kept = [place for place, owner in enumerate(owners) if owner in ("", chosen)]
    return kept, [words[place] for place in kept], chosen


def rows_of(table: Table, day: str, symbol: str | None, notes: list[Doubt]) -> Table:
    """Return the rows of one symbol; `day` is the heading of the days.

    A column that is called like a symbol says which row belongs to which. Where none is, so does a column of
    words whose values part repeated days from one another.
    """
    plain = [heading for heading, column in table.columns.items() if not column.dtype.is_nested()]
    named = [heading for heading in plain if heading != day and names_symbols(heading)]
    found = {heading: sorted(_text(table.columns[heading]).unique()) for heading in named}
    several = [heading for heading in named if len(found[heading]) > 1]
    if not several and (parting := _parting_column(table, day)):
        several, found[parting] = [parting], sorted(_text(table.columns[parting]).unique())
    if several:
        heading = next((name for name in several if _same(found[name], symbol)), several[0])
        where, place = f"column {quote(heading)} holds", f"in column {quote(heading)}"
        chosen = _asked(found[heading], symbol, where, notes, place)
        rows = (_text(table.columns[heading]) == chosen).arg_true().to_list()
        return replace(table.kept(rows), symbol=chosen)
    alone = next((found[heading][0] for heading in named if _same(found[heading], symbol)), None)
    return replace(table, symbol=alone) if alone is not None else table


def _asked(found: list[str], symbol: str | None, where: str, notes: list[Doubt], place: str) -> str | None:
    """Return the one symbol, or of several the asked one, noting it."""
    if len(found) < 2:
        return found[0] if found else None
    listing = ", ".join(shown(name) or "nothing" for name in found[:_LISTED])
    listing += ", ..." if len(found) > _LISTED else ""
    same = _same(found, symbol)
    if len(same) > 1:
        raise DataError(
            f"{where} {' and '.join(map(shown, same))}, which differ in small and capital letters alone; "
            "write one symbol one way, and others another"
        )
    if not same:
        missing = f", not {shown(symbol)}" if symbol is not None else ""
        raise DataError(
            f"{where} several symbols ({listing}){missing}; ask for one of them by its name, or write "
            "one file a symbol"
        )
    text = f"{same[0]} was read out of {len(found)} symbols {place} ({listing})"
    notes.append(Doubt("DATA_ONE_OF_SEVERAL", "note", (), len(found), text))
    return same[0]


def _same(found: list[str], symbol: str | None) -> list[str]:
    return [name for name in found if symbol is not None and name.casefold() == symbol.casefold()]


def _text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String, strict=False).fill_null("").str.strip_chars()


def _are_words(column: pl.Series) -> bool:
    return column.dtype == pl.String and not column.str.contains(r"^[0-9:.,%+$-]*$").fill_null(True).any()


def _parting_column(table: Table, day: str) -> str | None:
    """Return the column of words, or of whole numbers called an id, that parts repeated days.

    Each of its values has every day at most once.
    """
    days = table.columns[day]
    if days.drop_nulls().n_unique() == days.drop_nulls().len():
        return None
    for heading, column in table.columns.items():
        if heading == day or meaning_of(heading) not in (None, "day") or column.n_unique() < 2:
            continue
        if not (key_of(heading).endswith("id") or _are_words(column)) or column.dtype.is_nested():
            continue
        least = min(column.value_counts()["count"].to_list())
        if least >= _LEAST_ROWS and pl.DataFrame([days, column]).is_unique().all():
            return heading
    return None
