"""What every command prints with: tables, JSON, a progress bar. Nothing heavy is imported here."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


BAR = 20  # columns of a progress bar
COLUMNS = 80  # of what every run prints, so that it fits any terminal


class Tick(Protocol):
    """Told of each finished step."""

    def __call__(self, text: str) -> None:
        """Take note of one step."""

    def more(self, steps: int) -> None:
        """Take note that there will be so many more steps."""

    def note(self, text: str, part: float = 0.0) -> None:
        """Take note of how far the present steps are, of which `part` is done together."""


class Silent:
    """Told of each step, and says nothing."""

    def __call__(self, text: str) -> None:
        """Take note of nothing."""

    def more(self, steps: int) -> None:
        """Take note of nothing."""

    def note(self, text: str, part: float = 0.0) -> None:
        """Take note of nothing."""


class Shown:
    """Moves a bar on with each step."""

    def __init__(self, bar: Progress, task: TaskID, steps: int) -> None:
        self._bar, self._task, self._steps, self._done = bar, task, steps, 0

    def __call__(self, text: str) -> None:
        """Move on by one step."""
        self._done += 1
        self._bar.update(self._task, completed=self._done, note=text)

    def more(self, steps: int) -> None:
        """Make the bar longer by so many steps."""
        self._steps += steps
        self._bar.update(self._task, total=self._steps)

    def note(self, text: str, part: float = 0.0) -> None:
        """Show it where the last step stood, and the part that is done."""
        self._bar.update(self._task, completed=self._done + part, note=text)


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


def wrapped(
    text: str,
    indent: str = "",
    hanging: str | None = None,
    columns: int = 100,
    *,
    widest: int = 100,
    most: int | None = None,
) -> list[str]:
    """Break prose where a terminal ends, and at `columns` elsewhere; names are never broken.

    Parameters
    ----------
    hanging : str, optional
        What later lines begin with; by default `indent`.
    widest : int
        Columns at most, however wide the terminal is.
    most : int, optional
        Lines at most; what is left out is marked.
    """
    return textwrap.wrap(
        text,
        min(widest, max(60, shutil.get_terminal_size((columns, 24)).columns)),
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" ...",
    )


def shown_in(text: str, indent: str = "", hanging: str | None = None, most: int | None = None) -> list[str]:
    """Break prose at 80 columns, or where a narrower terminal ends; see `wrapped`."""
    return wrapped(text, indent, hanging, COLUMNS, widest=COLUMNS, most=most)


def colour_wanted() -> bool:
    """Whether stdout shows colours: a terminal that knows them, whose user has not said NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def counted(number: int, word: str) -> str:
    """Return a number with its word.

    >>> counted(1, "fold"), counted(3, "fold")
    ('1 fold', '3 folds')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"
