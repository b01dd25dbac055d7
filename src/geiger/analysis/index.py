"""What was read in a folder of logs, remembered there as lines that are only ever appended.

The first line names the checks; each of the others is one log as it was read, or says that one was analyzed.
It is a cache in a folder that anybody may write to: whatever stands in it is looked at before it counts, it
holds no way to run anything, and without it everything is only read again. A kill leaves at most half a line,
which counts as none; processes append one after the other.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from geiger.checks.trends import Brief
from geiger.codec import compact, straight
from geiger.errors import DataError
from geiger.files import free, locked, write_atomically

INDEX = ".logbook.jsonl"
SCHEMA = 3
LARGEST = 2**29  # bytes: some hundred thousand logs
WAIT = 10.0  # seconds until another process must be done with its lines
_LARGEST_FIGURE, _LARGEST_LINE = 1e100, 2**53  # as `brief_of` has them
Stamp = tuple[int, int, int, int]  # size and mtime_ns of the log, and of its events
Key = tuple[str, Stamp]


@dataclass(frozen=True)
class KnownLog:
    """One log of the folder as it was read.

    Attributes
    ----------
    stamp : tuple of int
        Of its files when they were read.
    analyzed : bool
        Whether it was analyzed as it is now.
    until : float or None
        When the brief may become another one by itself, seconds since 1970: until then the run may go on.
    until_day : int or None
        The day, as `date.toordinal` counts, from which its data are old.
    """

    brief: Brief
    stamp: Stamp
    analyzed: bool = False
    until: float | None = None
    until_day: int | None = None

    @property
    def name(self) -> str:
        """Stem of the log."""
        return self.brief.name

    @property
    def key(self) -> Key:
        """What tells this log, as it was read, from all others."""
        return self.name, self.stamp

    def holds(self, now: float, today: date) -> bool:
        """Whether reading the same files now would give the same brief."""
        return (self.until is None or now < self.until) and (
            self.until_day is None or today.toordinal() < self.until_day
        )


@dataclass(frozen=True)
class _Line:
    """One line of the index; without a brief it says that a log was analyzed."""

    name: str
    stamp: Stamp
    analyzed: bool = False
    until: float | None = None
    until_day: int | None = None
    brief: Brief | None = None


_line_of = straight(_Line)


def encoded(logs: Iterable[KnownLog]) -> bytes:
    """Return lines of the index that remember these logs."""
    lines = (_Line(one.name, one.stamp, one.analyzed, one.until, one.until_day, one.brief) for one in logs)
    return b"".join(compact(line) + b"\n" for line in lines)


def decoded(lines: bytes) -> dict[Key, KnownLog]:
    """Return what lines of an index remember; one that is damaged, or is none of ours, says nothing."""
    odd = bool(lines.translate(None, _PLAIN))
    known: dict[Key, KnownLog] = {}
    marked: set[Key] = set()
    for text in lines.split(b"\n"):
        line = _line_of(text) if text else None
        if line is None:
            continue
        key = line.name, line.stamp
        if line.brief is None:
            marked.add(key)
        elif line.brief.name == line.name and _sound(line.brief, odd and bool(text.translate(None, _PLAIN))):
            known[key] = KnownLog(line.brief, line.stamp, False, line.until, line.until_day)
            if line.analyzed:
                marked.add(key)
    for key in marked & known.keys():
        known[key] = replace(known[key], analyzed=True)
    return known


_PLAIN = (
    bytes(c for c in range(32, 127) if c != ord("\\")) + b"\n"
)  # a text of these alone is fit to be shown


def _sound(brief: Brief, odd: bool) -> bool:
    """Whether a brief can be one of ours: figures that one may calculate with, texts that one may show."""
    figures, places = brief.figures.values(), brief.lines.values()
    if figures and not -_LARGEST_FIGURE < min(figures) <= max(figures) < _LARGEST_FIGURE:
        return False
    if places and not 0 < min(places) <= max(places) < _LARGEST_LINE:
        return False
    return not odd or all(text.isprintable() for text in _texts(asdict(brief)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)


class Index:
    """The index of one folder.

    Parameters
    ----------
    checks : str
        What the briefs rest on; an index of others remembers nothing.
    keep : bool
        Whether it may be written.
    """

    def __init__(self, folder: Path, checks: str, *, keep: bool = True) -> None:
        self.path = folder / INDEX
        self.keep = keep
        self._head = compact({"schema": SCHEMA, "checks": checks}) + b"\n"

    def load(self) -> dict[Key, KnownLog]:
        """Return what is remembered; a damaged index, or none, remembers nothing."""
        try:
            handle = os.open(self.path, os.O_RDONLY | _NO_LINK)
        except OSError:
            return {}
        try:
            return decoded(self._lines(handle) or b"")
        except OSError:
            return {}
        finally:
            os.close(handle)

    def add(self, lines: bytes) -> None:
        """Append lines; a folder that cannot be written costs time and nothing else."""
        if not (self.keep and lines):
            return
        with suppress(OSError, DataError), self._alone() as handle:
            if handle is None:
                return
            facts = os.fstat(handle)
            if not facts.st_size:
                _write(handle, self._head + lines)
            elif facts.st_nlink > 1 or facts.st_size > LARGEST or not self._begins(handle):
                # Of other checks, damaged, or a file that has another name as well: never written into.
                write_atomically(self.path, self._head + (self._lines(handle) or b"") + lines)
            else:
                os.lseek(handle, -1, os.SEEK_END)
                _write(handle, lines if os.read(handle, 1) == b"\n" else b"\n" + lines)  # after half a line

    def mark(self, logs: Iterable[KnownLog]) -> None:
        """Remember that these logs were analyzed as they were read."""
        self.add(b"".join(compact(_Line(one.name, one.stamp, True)) + b"\n" for one in logs))

    def tidy(self, stamps: Callable[[], Mapping[str, Stamp]]) -> None:
        """Write the index anew, without the logs that went or changed since.

        Parameters
        ----------
        stamps : callable
            Gives the logs that there are, by name; asked when no other process can add any.
        """
        if not self.keep:
            return
        with suppress(OSError, DataError), self._alone() as handle:
            lines = None if handle is None else self._lines(handle)
            if lines is not None:
                for left in self.path.parent.glob(f".{INDEX}.*.tmp"):  # by a kill: nobody else writes one now
                    left.unlink(missing_ok=True)
                there = stamps()
                known = [one for one in decoded(lines).values() if there.get(one.name) == one.stamp]
                write_atomically(self.path, self._head + encoded(known))

    def _begins(self, handle: int) -> bool:
        """Whether the first line is ours; what stands after it is read next."""
        os.lseek(handle, 0, os.SEEK_SET)
        return os.read(handle, len(self._head)) == self._head

    def _lines(self, handle: int) -> bytes | None:
        """Return all lines but the first, None where that is not ours."""
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST or not self._begins(handle):
            return None
        with open(handle, "rb", closefd=False) as file:
            return file.read(LARGEST)

    @contextmanager
    def _alone(self) -> Iterator[int | None]:
        """Yield the open index, which no other process writes meanwhile; None where one does not let go."""
        # Without locks appending alone does not mix lines, and what is lost costs time.
        over = time.monotonic() + WAIT
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _NO_LINK, 0o666)
            try:
                if not stat.S_ISREG(os.fstat(handle).st_mode) or not locked(handle, over):
                    yield None
                    return
                try:
                    if _same_file(handle, self.path):  # else another process wrote it anew meanwhile
                        yield handle
                        return
                finally:
                    free(handle)
            finally:
                os.close(handle)


_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False


def _write(handle: int, lines: bytes) -> None:
    while lines:
        lines = lines[os.write(handle, lines) :]
