"""How far a training has come, for people who call it from Python: in a notebook, or on a terminal.

Nothing is shown on a pipe, and nothing in a script that does not ask.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Literal, Protocol

from geiger.cleaning import clean

Place = Literal["notebook", "terminal"]


class Bar(Protocol):
    """Told of each finished step."""

    def step(self, text: str) -> None:
        """Move on by one step."""

    def more(self, steps: int) -> None:
        """Become longer by so many steps."""


class Nothing:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Take note of nothing."""

    def more(self, steps: int) -> None:
        """Take note of nothing."""


class NotebookBar:
    """A bar under the cell that trains; it needs no widgets."""

    def __init__(self, title: str, steps: int) -> None:
        self._title, self._steps, self._done, self._note = title, steps, 0, ""
        from IPython.display import HTML, display

        self._html = HTML
        self._place: Any = display(HTML(self._shown()), display_id=True)

    def step(self, text: str) -> None:
        """Move on by one step."""
        self._done, self._note = self._done + 1, text
        self._show()

    def more(self, steps: int) -> None:
        """Become longer by so many steps."""
        self._steps += steps
        self._show()

    def clear(self) -> None:
        """Leave nothing behind."""
        self._place.update(self._html(""))

    def _show(self) -> None:
        self._place.update(self._html(self._shown()))

    def _shown(self) -> str:
        done = min(self._done, self._steps)
        return (
            f'<div style="font-family:sans-serif">{escape(clean(self._title))} '
            f'<progress value="{done}" max="{max(self._steps, 1)}"></progress> '
            f"{self._done} of {self._steps} <small>{escape(clean(self._note))}</small></div>"
        )


class TerminalBar:
    """A bar of rich."""

    def __init__(self, progress: Any, title: str, steps: int) -> None:
        self._progress, self._steps = progress, steps
        self._task = progress.add_task(title, total=steps, note="")

    def step(self, text: str) -> None:
        """Move on by one step."""
        self._progress.update(self._task, advance=1, note=text)

    def more(self, steps: int) -> None:
        """Become longer by so many steps."""
        self._steps += steps
        self._progress.update(self._task, total=self._steps)


def place_for(wanted: bool | None) -> Place | None:
    """Return where a bar can be shown, None for nowhere.

    Parameters
    ----------
    wanted : bool or None
        None is the caller who says nothing: shown in IPython alone.
    """
    shell = _shell()
    if wanted is False:
        return None
    if shell == "ZMQInteractiveShell":  # of Jupyter
        return "notebook"
    asked = wanted or shell is not None
    return "terminal" if asked and sys.stderr.isatty() else None


def _shell() -> str | None:
    """Return what kind of IPython this runs in, None outside of it; it is not loaded to find out."""
    module = sys.modules.get("IPython")
    found = None if module is None else module.get_ipython()
    return None if found is None else type(found).__name__


@contextmanager
def progress_bar(title: str, steps: int, wanted: bool | None) -> Iterator[Bar]:
    """Show a bar while the block runs, where there is a place for one."""
    place = place_for(wanted)
    if place == "notebook":
        bar = NotebookBar(title, steps)
        try:
            yield bar
        finally:
            bar.clear()
    elif place == "terminal":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            yield TerminalBar(shown, title, steps)
    else:
        yield Nothing()
