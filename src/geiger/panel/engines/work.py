"""What workers can do: a closed table of functions of ours, and the one way to call them.

A message that names anything else is refused, so nobody who can send one runs code of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from geiger.codec import Misfit, fitted, plain
from geiger.errors import DataError, GeigerError, TrainingError, did_you_mean
from geiger.panel.engines.base import Blobs, Done, Failed, Job, Outcome, hash_of
from geiger.panel.engines.wire import pack, unpack

# word -> module and function: f(args, inputs) -> files, where `inputs` is bytes by name
WORK = {"walk": "geiger.experiment.portion:train_portion"}

Work = Callable[[Mapping[str, Any], Mapping[str, bytes]], Mapping[str, bytes]]


@dataclass(frozen=True)
class _Told:
    """What a worker says of a job without a result."""

    error: str
    kind: Literal["fit", "work"]


def order(job: Job, blobs: Blobs) -> bytes:
    """Return a job with all that it needs as a message for a worker."""
    return pack(plain(job), {name: blobs(digest) for name, digest in job.inputs.items()})


def perform(content: bytes) -> bytes:
    """Do the job of a message, and return the message of what came of it.

    An error is an answer as well: the next job may do better.
    """
    started = time.perf_counter()
    try:
        message = unpack(content)
        job = fitted(message.facts, Job)
        if {name: hash_of(inner) for name, inner in message.files.items()} != dict(job.inputs):
            raise DataError(f"{job.name}: its inputs are not those that it names")
        files = _function(job.work)(job.args, message.files)
        return pack({"seconds": time.perf_counter() - started}, files)
    except TrainingError as error:
        return pack({"error": str(error), "kind": "fit"}, {})
    except GeigerError as error:
        return pack({"error": str(error), "kind": "work"}, {})
    except Exception as error:  # such as memory that runs out
        return pack({"error": f"{type(error).__name__}: {error}", "kind": "work"}, {})


def outcome(job: Job, content: bytes) -> Outcome:
    """Return what a worker's message says of a job; one that cannot be read is no result."""
    try:
        message = unpack(content)
        if "error" in message.facts:
            told = fitted(message.facts, _Told)
            return Failed(job, told.error, told.kind)
        return Done(job, message.files, fitted(message.facts.get("seconds"), float))
    except (DataError, Misfit) as error:
        return Failed(job, str(error))


def _function(word: str) -> Work:
    if word not in WORK:
        raise DataError(f"no work is called {word!r}: {did_you_mean(word, WORK)}")
    module, _, name = WORK[word].partition(":")
    function: Work = getattr(import_module(module), name)
    return function
