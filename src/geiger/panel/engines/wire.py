"""How jobs and results travel: facts as JSON, files as their bytes, each file with its content hash.

One message is ``length of the head (8 bytes) | head (JSON) | the files, one behind the other``. Reading one
runs no code. Whoever reads it believes no name and no byte before it was checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

from geiger.codec import Misfit, compact, fitted, parsed, plain
from geiger.errors import DataError
from geiger.panel.engines.base import hash_of

LENGTH = 8  # bytes that say how long what follows is
# Every part begins with no dot: no name leads out of its folder, or hides in it.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,3}")


@dataclass(frozen=True)
class Message:
    """Facts that JSON can hold, and bytes by relative path."""

    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class _File:
    name: str
    hash: str
    size: int


@dataclass(frozen=True)
class _Head:
    facts: dict[str, Any]
    files: tuple[_File, ...]


def pack(facts: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return a message as bytes."""
    listed = tuple(_File(name, hash_of(content), len(content)) for name, content in files.items())
    head = compact(plain(_Head(dict(facts), listed)))
    return b"".join((len(head).to_bytes(LENGTH, "big"), head, *files.values()))


def unpack(content: bytes) -> Message:
    """Return what a message says.

    Raises
    ------
    DataError
        It is cut off or damaged, a name of a file could leave its folder, or a hash does not fit.
    """
    start = LENGTH + int.from_bytes(content[:LENGTH], "big")
    try:
        head = fitted(parsed(content[LENGTH:start]), _Head)
    except Misfit as error:
        raise DataError(f"a message of a worker cannot be read ({error})") from None
    files: dict[str, bytes] = {}
    for file in head.files:
        if not NAME.fullmatch(file.name) or file.name in files:
            raise DataError(f"a message of a worker names a file {file.name[:100]!r}, which is no name here")
        files[file.name] = content[start : start + file.size] if file.size >= 0 else b""
        if hash_of(files[file.name]) != file.hash:
            raise DataError(f"{file.name} of a worker does not have the hash it came with; it was damaged")
        start += file.size
    if start != len(content):
        raise DataError("a message of a worker is longer than it says; it was damaged")
    return Message(head.facts, files)


def send(stream: IO[bytes], content: bytes) -> None:
    """Write a message to a stream."""
    stream.write(len(content).to_bytes(LENGTH, "big"))
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Return the next message of a stream; None where it has ended, in the middle of one as well."""
    head = stream.read(LENGTH)
    if len(head) < LENGTH:
        return None
    length = int.from_bytes(head, "big")
    content = stream.read(length)
    return content if len(content) == length else None
