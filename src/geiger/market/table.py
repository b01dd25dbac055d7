"""What every kind of price file becomes before its cells are understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from geiger.market.headings import quote


@dataclass(frozen=True)
class Table:
    """Columns of a price file by heading, and where their rows stand in it, so that every message can say it.

    Attributes
    ----------
    columns : mapping of heading to Series
        Trimmed text, or in Parquet whatever is stored.
    rows : list of int
        1-based line or row of the file for each row of the table.
    name : str
        The file.
    word : str
        "line" of a text, "row" of a Parquet file.
    layout : str
        What kind of export it is.
    symbol : str, optional
        The symbol that the file itself gives these rows, where it holds several or the asked one alone.
    """

    columns: Mapping[str, pl.Series]
    rows: list[int]
    name: str
    word: str
    layout: str
    symbol: str | None = None

    def at(self, row: int, heading: str) -> str:
        """Return where a cell stands, for a message."""
        return f"{self.name}, {self.word} {self.rows[row]}, column {quote(heading)}"

    def kept(self, keep: list[int]) -> Table:
        """Return the table with these rows only."""
        columns = {heading: column.gather(keep) for heading, column in self.columns.items()}
        return replace(self, columns=columns, rows=[self.rows[row] for row in keep])
