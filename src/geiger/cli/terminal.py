"""What every command prints with: tables, JSON, a progress bar. Nothing heavy is imported here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol


class Tick(Protocol):
    """Told of each finished step."""

    def __call__(self, text: str) -> None:
        """Take note of one step."""


@contextmanager
def progress(title: str, steps: int, *, quiet: bool = False) -> Iterator[Tick]:
    """Show a progress bar on a terminal, and nothing on a pipe."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task(title, total=steps, note="")

        def tick(text: str) -> None:
            bar.update(task, advance=1, note=text)

        yield tick


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2, default=str, allow_nan=False))


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return rows of text with aligned columns, the first row being the heading."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(indent + line.rstrip() for line in lines)


def counted(number: int, word: str) -> str:
    """Return a number with its word.

    >>> counted(1, "fold"), counted(3, "fold")
    ('1 fold', '3 folds')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"
