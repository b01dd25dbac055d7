"""Tables of a text log: cells in columns."""

from __future__ import annotations

from collections.abc import Sequence

ABSENT = "-"  # a cell that has no figure, where an undefined one says so


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the columns, two spaces apart: the first to the left, the others to the right.

    >>> table([["day", "net"], ["Monday", ""]])
    ['day     net', 'Monday    -']
    """
    cells = [[cell or ABSENT for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]
