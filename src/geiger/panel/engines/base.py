"""What an engine is given and gives back: jobs that anybody with our code can do, and what came of them.

A job names its work by a word of a closed table (`work`), with arguments that JSON can hold and inputs that
are named by the hash of their bytes. Its result is files: bytes by relative path. Nothing else travels, so a
job comes out the same on any worker, in any order, as often as it is done.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

RETRIES = 2  # of a job whose worker was lost, before it is given up

Trouble = Literal["fit", "work", "lost"]
Blobs = Callable[[str], bytes]  # content hash -> the bytes that have it


def hash_of(content: bytes) -> str:
    """Return the content hash of bytes, 64 hexadecimal digits.

    >>> hash_of(b"")[:12]
    'e3b0c44298fc'
    """
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes
    ----------
    name : str
        What it is called in messages, and what tells it from the others of its batch.
    work : str
        A word of the table `work.WORK`.
    args : mapping
        What JSON can hold.
    inputs : mapping of str to str
        Content hashes of the bytes that it reads, by the name that the work has for them.
    """

    name: str
    work: str
    args: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """A job that was done; `files` is bytes by relative path, `seconds` how long its worker took."""

    job: Job
    files: Mapping[str, bytes]
    seconds: float


@dataclass(frozen=True)
class Failed:
    """A job without a result.

    Attributes
    ----------
    error : str
        Why, in one line.
    kind : {"fit", "work", "lost"}
        A model could not be fitted, which it cannot be elsewhere either; the worker could not do it; or its
        workers went away each time, so that nothing is known of the job itself.
    """

    job: Job
    error: str
    kind: Trouble = "work"


Outcome = Done | Failed


class Engine(ABC):
    """Does jobs somewhere."""

    @property
    @abstractmethod
    def workers(self) -> int:
        """How many jobs are done at a time."""

    @abstractmethod
    def run(self, jobs: Sequence[Job], blobs: Blobs) -> Generator[Outcome]:
        """Yield what came of each job as soon as it is known, in no order; closed early, it ends all work.

        Parameters
        ----------
        jobs : sequence of Job
        blobs : callable
            Gives the bytes of an input.

        Raises
        ------
        MissingLibrary
            The engine's library is not installed.
        DataError
            The engine cannot work at all.
        """
