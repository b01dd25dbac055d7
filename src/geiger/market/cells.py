"""Text cells of price files: which numbers they mean, proved by the file itself or refused.

A file has one number style. ``133.382`` can be read two ways; it is read only where other cells of the same
file leave one way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from geiger.errors import DataError
from geiger.market.headings import quote

NumberStyle = Literal["point", "comma"]  # the decimal sign; the other one groups thousands
Spot = tuple[str, int]  # (column, row)
Where = Callable[[int, str], str]  # (row, column) -> where that is, for a message

_EMPTY_WORDS = ["", "null", "nan", "na", "n/a", "#n/a", "none", "-", "--"]
_AROUND_NUMBERS = " \t\u00a0\u2007\u2009\u202f$€£¥₹"

_SUFFIXES: Mapping[str, float] = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}

_EXPONENT = r"(?:[eE][+-]?[0-9]{1,4})?$"
_POINT = (  # commas group thousands, or in India lakhs and crores: 1,23,45,678
    r"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.[0-9]*)?|\.[0-9]+)"
    + _EXPONENT
)
_COMMA = r"^[+-]?(?:(?:[0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,[0-9]*)?|,[0-9]+)" + _EXPONENT
_LAKHS = r"^[+-]?[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"

# Blanks of any width and apostrophes group thousands and mean nothing else.
_BLANK = "[ \u00a0\u2007\u2009\u202f'\u2019]"
_BLANKS = rf"^[+-]?[1-9][0-9]{{0,2}}(?:{_BLANK}[0-9]{{3}})+(?:[.,][0-9]*)?$"
_UNGROUPED = r"^[+-]?[1-9][0-9]{3,}(?:[.,][0-9]*)?$"


@dataclass(frozen=True)
class Numbers:
    """How a file writes numbers, and the cell that proves it (None where nothing needs a proof).

    `fraction` is a cell with three decimals that only a number without groups elsewhere (`proof`) shows to be
    a fraction and not thousands.
    """

    style: NumberStyle
    proof: Spot | None
    fraction: Spot | None = None


def trim(column: pl.Series) -> pl.Series:
    """Return the cells without blanks and currency signs around them; empty words become missing."""
    bare = column.str.strip_chars(_AROUND_NUMBERS)
    return bare.set(bare.str.to_lowercase().is_in(_EMPTY_WORDS), None)


def plain_number(text: str) -> float | None:
    """Return a cell without separators as a number, None if it is none.

    >>> plain_number("136300"), plain_number("1,5")
    (136300.0, None)
    """
    return float(text) if re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]+)?", text.strip()) else None


def split_suffix(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the cells without a trailing K, M, B or T, and the factor it stands for."""
    suffix = column.str.extract(r"([KMBTkmbt])$", 1).fill_null("").str.to_uppercase()
    factor = suffix.replace_strict(_SUFFIXES, return_dtype=pl.Float64)
    return column.str.replace(r" ?[KMBTkmbt]$", ""), factor


def number_style(cells: Mapping[str, pl.Series], witnesses: Mapping[str, pl.Series], where: Where) -> Numbers:
    """Return the one style in which every cell is a number.

    Parameters
    ----------
    cells : mapping of column label to trimmed cells
        All must be numbers.
    witnesses : mapping
        Further columns of the file (a change in percent, say); asked only if `cells` leave both styles open.
    where : callable
        Words the place of a cell.

    Raises
    ------
    DataError
        A cell is no number, two cells contradict each other, or both styles stay possible.
    """
    for label, column in cells.items():
        _refuse_no_numbers(column, label, where)
    point, comma = _only(cells, _POINT, _COMMA), _only(cells, _COMMA, _POINT)
    if point and comma:
        raise DataError(
            f"{where(comma[1], comma[0])}: found {_text(cells, comma)} (decimal comma), "
            f"but {_text(cells, point)} at {where(point[1], point[0])} has a decimal point; "
            "write all numbers one way"
        )
    open_cell = None if point or comma else _first(cells, lambda text: text.str.contains(r"[.,]"))
    if open_cell is None:
        return Numbers("comma" if comma else "point", comma or point)
    plain = _first(cells, lambda text: text.str.contains(_UNGROUPED))
    has_points = _first(cells, lambda text: text.str.contains(".", literal=True)) is not None
    has_commas = _first(cells, lambda text: text.str.contains(",", literal=True)) is not None
    if (
        plain is not None and has_points != has_commas
    ):  # this number groups nothing, so the sign is a decimal one
        return Numbers("comma" if has_commas else "point", plain, fraction=open_cell)
    point, comma = _only(witnesses, _POINT, _COMMA), _only(witnesses, _COMMA, _POINT)
    if bool(point) == bool(comma):
        raise DataError(
            f"{where(open_cell[1], open_cell[0])}: {_text(cells, open_cell)} can mean a fraction or "
            "thousands, and no cell of the file shows which; write numbers without thousands separators "
            "and with other than 3 decimals"
        )
    return Numbers("comma" if comma else "point", comma or point)


def to_numbers(column: pl.Series, style: NumberStyle) -> pl.Series:
    """Return the cells as floats; missing stays missing."""
    if style == "comma":
        column = column.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        column = column.str.replace_all(",", "", literal=True)
    return column.cast(pl.Float64)


def ungrouped(column: pl.Series) -> tuple[pl.Series, int | None]:
    """Return the cells without blanks between groups of three digits, and the first row that had any.

    >>> ungrouped(pl.Series(["2 119,58", "7"]))[0].to_list()
    ['2119,58', '7']
    """
    grouped = column.str.contains(_BLANKS).fill_null(False)
    if not grouped.any():
        return column, None
    joined = pl.DataFrame({"cell": column, "grouped": grouped}).select(
        pl.when("grouped").then(pl.col("cell").str.replace_all(_BLANK, "")).otherwise("cell")
    )
    return joined.to_series().alias(column.name), int(grouped.arg_max() or 0)


def groups_lakhs(column: pl.Series) -> bool:
    """Whether any cell groups its digits as in India, two by two above the thousands."""
    return bool(column.str.contains(_LAKHS).any())


def ratios(column: pl.Series) -> pl.Series:
    """Return the cells with ``4:1`` and ``4/1`` worked out.

    >>> ratios(pl.Series(["4:1", "0.25"])).to_list()
    ['4.0', '0.25']
    """
    parts = column.str.extract_groups(r"^([0-9]+(?:\.[0-9]+)?) ?[:/] ?([0-9]*[1-9][0-9]*(?:\.[0-9]+)?)$")
    new, old = (parts.struct.field(name).cast(pl.Float64) for name in ("1", "2"))
    return (new / old).cast(pl.String).zip_with((new / old).is_not_null(), column)


def numbers_or_none(column: pl.Series, style: NumberStyle) -> pl.Series | None:
    """Return the cells as floats, or None where one of them is no number in this style.

    >>> numbers_or_none(pl.Series(["0.25", None]), "point").to_list()
    [0.25, None]
    >>> numbers_or_none(pl.Series(["4:1"]), "point")
    """
    right = column.str.contains(_COMMA if style == "comma" else _POINT)
    return to_numbers(column, style) if right.fill_null(True).all() else None


def is_grouped(column: pl.Series, style: NumberStyle) -> bool:
    """Whether any cell groups its thousands."""
    return bool(column.str.contains("." if style == "comma" else ",", literal=True).any())


def _refuse_no_numbers(column: pl.Series, label: str, where: Where) -> None:
    wrong = (~(column.str.contains(_POINT) | column.str.contains(_COMMA))).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"{where(row, label)}: found {quote(column[row])}, expected a number; "
            "correct the cell or remove the row"
        )


def _only(cells: Mapping[str, pl.Series], wanted: str, other: str) -> Spot | None:
    """Return the first cell that is a number in the wanted style and not in the other."""
    return _first(cells, lambda text: text.str.contains(wanted) & ~text.str.contains(other))


def _first(cells: Mapping[str, pl.Series], test: Callable[[pl.Series], pl.Series]) -> Spot | None:
    for label, column in cells.items():
        hit = test(column).fill_null(False)
        if hit.any():
            return label, int(hit.arg_max() or 0)
    return None


def _text(cells: Mapping[str, pl.Series], spot: Spot) -> str:
    return quote(cells[spot[0]][spot[1]])
