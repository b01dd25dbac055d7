"""What every command prints with: tables, JSON, a progress bar. Nothing heavy is imported here."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


BAR = 20  # columns of a progress bar


class Tick(Protocol):
    """Told of each finished step."""

    def __call__(self, text: str) -> None:
        """Take note of one step."""

    def more(self, steps: int) -> None:
        """Take note that there will be so many more steps."""


class Silent:
    """Told of each step, and says nothing."""

    def __call__(self, text: str) -> None:
        """Take note of nothing."""

    def more(self, steps: int) -> None:
        """Take note of nothing."""


class Shown:
    """Moves a bar on with each step."""

    def __init__(self, bar: Progress, task: TaskID, steps: int) -> None:
        self._bar, self._task, self._steps = bar, task, steps

    def __call__(self, text: str) -> None:
        """Move on by one step."""
        self._bar.update(self._task, advance=1, note=text)

    def more(self, steps: int) -> None:
        """Make the bar longer by so many steps."""
        self._steps += steps
        self._bar.update(self._task, total=self._steps)


@contextmanager
def progress(title: str, steps: int, *, quiet: bool = False) -> Iterator[Tick]:
    """Show a progress bar on a terminal, and nothing on a pipe."""
    if quiet or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}"),
        BarColumn(BAR),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        # The note takes what is left: a long one must not push the count off the line.
        TextColumn("{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True)),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        yield Shown(bar, bar.add_task(title, total=steps, note=""), steps)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, indent=2, default=str, allow_nan=False))


def table(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Return rows of text with aligned columns, the first row being the heading."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(indent + line.rstrip() for line in lines)


def wrapped(text: str, indent: str = "", hanging: str | None = None, columns: int = 100) -> list[str]:
    """Break prose where a terminal ends, and at `columns` elsewhere; names are never broken.

    Parameters
    ----------
    hanging : str, optional
        What later lines begin with; by default `indent`.
    """
    return textwrap.wrap(
        text,
        min(100, max(60, shutil.get_terminal_size((columns, 24)).columns)),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def counted(number: int, word: str) -> str:
    """Return a number with its word.

    >>> counted(1, "fold"), counted(3, "fold")
    ('1 fold', '3 folds')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"
