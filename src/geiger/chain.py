"""An append-only file whose every line vouches for all lines before it.

One entry is one line of JSON, written once and never touched again::

    {"at":"2024-01-05T21:30:00.000000+00:00","hash":"5f1c…","number":0,"previous":"0000…","record":{…}}

``hash`` is the SHA-256 of the line as it is without it: names sorted, no blanks, ASCII. ``previous`` is the
hash of the line before. A line that was changed, removed, added or moved therefore breaks the chain there.

What the file cannot show by itself: that its last lines were cut off, or that everything from some line on
was written anew with new hashes. Both are noticed by whoever kept the head. `Chain.keep_head` keeps it in a
file beside the chain, and `Chain.entries` takes any other that was kept; somebody who changes all of these
places together is not noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from geiger.errors import DataError, SettingError
from geiger.files import write_atomically

MAX_LINE_BYTES = 1_000_000  # with its newline; a file of something else must not fill the memory
START = "0" * 64  # what the first entry names as its previous hash

_RESTORE = "put the file back from a copy, or begin another one"


@dataclass(frozen=True)
class Entry:
    """One line of a chain.

    Attributes
    ----------
    number : int
        0 for the first, then one more each.
    at : str
        When it was written, by the clock of the machine: ISO 8601, UTC, microseconds. Clocks may be set
        back, so the order of entries is their number and not their time.
    record : mapping
        What was written, as JSON gives it back: tuples are lists, names are text.
    previous, hash : str
        64 hexadecimal digits each.
    """

    number: int
    at: str
    record: Mapping[str, Any]
    previous: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The number of entries of a chain and the hash of the last one, as kept at some time in some place."""

    length: int
    hash: str
    where: str


@dataclass(frozen=True)
class End:
    """Where a chain ended when it was verified: its entries, the hash of the last one, and its bytes."""

    length: int
    hash: str
    size: int


@dataclass(frozen=True)
class Chain:
    """A hash-chained file of records; a file that does not exist is a chain without entries.

    Attributes
    ----------
    path : Path
        The file. Beside it appears an empty ``.<name>.lock``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     chain = Chain(Path(folder) / "ledger.jsonl")
    ...     first, second = chain.append_all([{"forecast": 0.001}, {"forecast": -0.002}])
    ...     second.previous == first.hash, chain.head() == (2, second.hash)
    (True, True)
    """

    path: Path

    def append(self, record: Mapping[str, Any], now: datetime | None = None) -> Entry:
        """Write one record behind all others; see `append_all`."""
        return self.append_all([record], now)[0]

    def append_all(
        self,
        records: Iterable[Mapping[str, Any]],
        now: datetime | None = None,
        behind: End | None = None,
    ) -> tuple[Entry, ...]:
        """Write records behind all others, and return their entries once they are on the disk.

        The whole chain is read and verified first, so one call costs time in proportion to the file. Other
        processes wait meanwhile. Where writing fails nothing is added; a kill may leave only the first few
        of several records, each of them whole.

        Parameters
        ----------
        records : iterable of mapping
            What JSON can hold: text, finite numbers, true, false, null, lists and mappings.
        now : datetime, optional
            Time of the entries, with its time zone; the machine's clock by default.
        behind : End, optional
            What `read` gave, by one who knows that the file is still the same: it is then not read again,
            unless it has another size by now.

        Raises
        ------
        DataError
            A record is no JSON or makes a line above 1 MB, `now` has no time zone, the chain does not
            verify, or the file cannot be written.
        """
        if now is not None and now.utcoffset() is None:
            raise DataError(f"{self.path}: now={now} has no time zone; give one, such as datetime.now(UTC)")
        plain = [self._plain(record) for record in records]
        if not plain:
            return ()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with alone(self.path.with_name(f".{self.path.name}.lock")):
                length, previous, end, closed = self._place(behind)
                at = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")
                added, lines = list[Entry](), list[bytes]()
                for number, record in enumerate(plain, start=length):
                    added.append(_sealed(number, at, record, previous))
                    lines.append(self._line(added[-1]))
                    previous = added[-1].hash
                with self.path.open("ab", buffering=0) as file:
                    _write_after(file, end, b"".join(lines) if closed else b"\n" + b"".join(lines))
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self.path}: cannot be written ({reason}); check the folder") from None
        return tuple(added)

    def entries(self, known: Iterable[Head] = ()) -> tuple[Entry, ...]:
        """Return all entries, verified, oldest first; see `read`."""
        return self.read(known)[0]

    def read(self, known: Iterable[Head] = ()) -> tuple[tuple[Entry, ...], End | None]:
        """Return all entries, verified, oldest first, and where they end; None where half a line follows.

        Takes no lock: a reader sees an entry that is being written as not there yet.

        Parameters
        ----------
        known : iterable of Head
            Heads that were kept, all read before this call; the chain must go on from each.

        Raises
        ------
        DataError
            The file cannot be read, a line is not what was written in its place, or a head is not held.
        """
        heads = tuple(known)
        try:
            held, end, closed = self._read()
            size = self.path.stat().st_size if held else 0
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self.path}: cannot be read ({reason}); check the path") from None
        entries = tuple(held)
        hashes = hashes_of(entries)
        for head in heads:
            self.require_held(head, hashes)
        return entries, End(len(entries), hashes[-1], end) if closed and size == end else None

    def keep_head(self) -> Head:
        """Write the head into a file beside the chain, as ``<stem>.head``, and return it."""
        return self.note_head(*self.head())

    def note_head(self, length: int, hash: str) -> Head:
        """Write a head that is known into the file beside the chain; see `keep_head`."""
        content = json.dumps({"length": length, "hash": hash}) + "\n"
        write_atomically(self.path.with_suffix(".head"), content.encode())
        return Head(length, hash, str(self.path.with_suffix(".head")))

    def kept_head(self) -> Head | None:
        """Return what `keep_head` wrote last, or None.

        Raises
        ------
        DataError
            The file beside the chain is not what `keep_head` writes.
        """
        path = self.path.with_suffix(".head")
        try:
            held = json.loads(path.read_text(encoding="ascii"))
            return Head(int(held["length"]), str(held["hash"]), str(path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise DataError(f"{path}: is not what was written there; {_RESTORE}") from None

    def head(self) -> tuple[int, str]:
        """Return the number of entries and the hash of the last one: ``(0, START)`` where there is none.

        Kept somewhere else, it lets `verify` notice whatever happens to these entries later.
        """
        entries = self.entries()
        return len(entries), entries[-1].hash if entries else START

    def verify(self, length: int | None = None, hash: str | None = None) -> tuple[int, str]:
        """Return the head of a chain that is sound and goes on from a known one.

        Parameters
        ----------
        length, hash : int and str, optional
            A head of this chain as kept elsewhere; both or neither. Without it the missing of last lines
            cannot be noticed.

        Raises
        ------
        DataError
            A line is not what was written in its place, or the chain does not hold the known head.
        SettingError
            Only one of `length` and `hash` is given, or `length` is below 0.
        """
        known: list[Head] = []
        if length is not None and hash is not None:
            if length < 0:
                raise SettingError(f"{self.path}: length must be 0 or more, got {length}")
            known = [Head(length, hash, "")]
        elif length is not None or hash is not None:
            raise SettingError(f"{self.path}: length and hash are one head; give both or neither")
        entries = self.entries(known)
        return len(entries), entries[-1].hash if entries else START

    def require_held(self, head: Head, hashes: Sequence[str]) -> None:
        """Refuse a chain that does not go on from a head; `hashes[n]` is that of the first n entries."""
        by = f" by {head.where}" if head.where else ""
        if not 0 <= head.length < len(hashes):
            raise DataError(
                f"{self.path}: holds {len(hashes) - 1} entries where {head.length} were known{by}: its last "
                f"lines were removed; {_RESTORE}"
            )
        if hashes[head.length] != head.hash:
            raise DataError(
                f"{self.path}: the first {head.length} entries end in hash {hashes[head.length][:12]}… where "
                f"{head.hash[:12]}… was known{by}: they were written anew; {_RESTORE}"
            )

    def _place(self, behind: End | None) -> tuple[int, str, int, bool]:
        """Return entries, last hash and bytes of the chain, and whether a newline ends the last one."""
        if behind is not None:
            with suppress(FileNotFoundError):
                if self.path.stat().st_size == behind.size:
                    return behind.length, behind.hash, behind.size, True
        held, end, closed = self._read()
        return len(held), held[-1].hash if held else START, end, closed

    def _read(self) -> tuple[list[Entry], int, bool]:
        """Return the entries, the byte after the last one, and whether a newline ends that one."""
        entries, end, closed, previous = list[Entry](), 0, True, START
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                where = f"{self.path}: line {len(entries) + 1}"
                if len(line) > MAX_LINE_BYTES:
                    raise DataError(f"{where} is above 1 MB, which no entry is; {_RESTORE}")
                closed = line.endswith(b"\n")
                # A last line that stops early is what a kill leaves of an entry whose `append` never
                # returned. Nobody was told of it, so it does not count, and the next entry is written over
                # it. A last line that lacks nothing but its newline is an entry.
                if not closed and _stops_early(line):
                    return entries, end, True
                entries.append(_verified(line.removesuffix(b"\n"), len(entries), previous, where))
                end, previous = end + len(line), entries[-1].hash
        return entries, end, closed

    def _plain(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the record as reading will give it back; its hash is taken from this form."""
        try:
            return dict(json.loads(_canonical(dict(record))))
        except (TypeError, ValueError, RecursionError) as error:
            raise DataError(
                f"{self.path}: a record cannot be written as JSON ({error}); give a mapping of text, finite "
                "numbers, true, false, null, lists and mappings"
            ) from None

    def _line(self, entry: Entry) -> bytes:
        line = _text(entry) + b"\n"
        if len(line) > MAX_LINE_BYTES:
            raise DataError(
                f"{self.path}: a record makes a line of {len(line):,} bytes, at most {MAX_LINE_BYTES:,} are "
                "read; store the bulk in a file of its own and record that file's hash"
            )
        return line


def hashes_of(entries: Iterable[Entry]) -> list[str]:
    """Return the head's hash of the first n entries, for every n from 0 on."""
    return [START, *(entry.hash for entry in entries)]


def _canonical(value: Any) -> bytes:
    """Return the one way to write a value: sorted names, no blanks, ASCII, finite numbers."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.encode("ascii")


def _sealed(number: int, at: str, record: Mapping[str, Any], previous: str) -> Entry:
    """Return the entry with its hash."""
    body = {"number": number, "at": at, "record": record, "previous": previous}
    return Entry(number, at, record, previous, hashlib.sha256(_canonical(body)).hexdigest())


def _text(entry: Entry) -> bytes:
    return _canonical(vars(entry))


def _verified(line: bytes, number: int, previous: str, where: str) -> Entry:
    """Return the entry of a line that holds, byte for byte, what `append` would have written there."""
    # Comparing bytes instead of fields leaves no room for a second spelling: blanks, escapes, doubled names.
    try:
        held = json.loads(line.decode("ascii"))
        if isinstance(held["record"], dict) and isinstance(held["at"], str):
            entry = _sealed(number, held["at"], held["record"], previous)
            if _text(entry) == line:
                return entry
        alone = _text(_sealed(held["number"], held["at"], held["record"], held["previous"])) == line
    except (ValueError, KeyError, TypeError, RecursionError):
        alone = False
    if alone:
        raise DataError(
            f"{where} does not follow what stands before it: a line was changed, removed, added or moved; "
            f"{_RESTORE}"
        )
    raise DataError(f"{where} was changed after it was written; {_RESTORE}")


def _stops_early(line: bytes) -> bool:
    """Tell whether a line without newline is cut off, and not a whole entry, be it right or wrong."""
    try:
        json.JSONDecoder().raw_decode(line.decode("ascii", "replace").lstrip())
    except RecursionError:
        return False
    except ValueError:
        return True
    return False


def _write_after(file: FileIO, end: int, content: bytes) -> None:
    """Cut the file at byte `end` and write behind it, down to the disk; or leave the file cut."""
    try:
        file.truncate(end)
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())
    except BaseException:  # an interrupt too: the caller gets no entry, so the file keeps none
        with suppress(OSError):
            file.truncate(end)
        raise


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file alone, waiting for other processes and threads; the system frees it after a kill.

    The file stays: if it were removed, one process could lock it while another one locks its successor.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle)
        try:
            yield
        finally:
            with suppress(OSError):  # what was written stands, and closing frees the lock as well
                _unlock(handle)
    finally:
        os.close(handle)


if sys.platform == "win32":
    import errno
    import msvcrt

    def _lock(handle: int) -> None:
        while True:
            try:
                return msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError as error:
                if error.errno != errno.EDEADLOCK:  # what Windows says after ten seconds of waiting
                    raise

    def _unlock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)

    def _unlock(handle: int) -> None:
        # Closing alone would not do: a child forked meanwhile holds a copy of the handle.
        fcntl.flock(handle, fcntl.LOCK_UN)
