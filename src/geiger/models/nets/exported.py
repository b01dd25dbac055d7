"""A network's forecast as JAX traced it, kept beside the compiled programs, so that nobody makes the network.

The layers stand in one place, and this is no second version of them: it is what they came to, once, for the
last days of a series. Kept under everything that it depends on (the code of the layers, settings, number of
features, versions, processor), it answers without Keras and in a fraction of the time; where nothing is kept,
the network is made and its forecast is kept for the next time. It leads to native code, so it lies where the
compiled programs do, in a private folder of the user, and never in a run.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geiger.models.nets.compiled import Programs, programs_here
from geiger.models.nets.jobs import SHORT_ROWS, Job
from geiger.models.nets.stretches import Forecasting, stacked
from geiger.models.nets.xla import DEVICE, THREADS, jax

if TYPE_CHECKING:
    from geiger.models.nets.program import Program

CONFIGURED = ("jax_enable_x64", "jax_default_matmul_precision")  # what a program is traced by
Shapes = tuple[tuple[tuple[int, ...], str], ...]  # (shape, dtype) of each array


@dataclass(frozen=True)
class Exported(Forecasting):
    """A network's forecast for series of at most `SHORT_ROWS` days, and what its weights look like.

    Attributes
    ----------
    trainable, others : Shapes
        Of the weights that it takes, without the axis of members.
    content : bytes
        The program, in JAX's own format for it.
    """

    width: int
    history: int
    length: int
    per_batch: int
    trainable: Shapes
    others: Shapes
    content: bytes = field(repr=False)

    @property
    def run_forecast(self) -> Any:
        """See `Forecasting.run_forecast`."""
        return _running(self.content)

    def takes(self, series: npt.NDArray[Any]) -> bool:
        """Whether a series (m, F) is short enough."""
        return len(series) <= SHORT_ROWS


def find(known_by: str) -> Exported | None:
    """Return the forecast that is kept under a description of its network; None where none is."""
    here = _programs()
    content = None if here is None else here.get(_key(known_by))
    return None if content is None else _opened(content)


def keep(known_by: str, program: Program) -> Exported | None:
    """Keep the forecast of a network under its description, and return it; None where nothing can be kept."""
    here = _programs()
    if here is None:
        return None
    weights = [
        [np.zeros((1, *v.shape), v.dtype) for v in variables]
        for variables in (program.net.trainable_variables, program.net.non_trainable_variables)
    ]
    data, capacity = stacked(program, [_nothing(program.width)], SHORT_ROWS)
    order = program.batches(np.zeros(0, np.int64), capacity)[None]
    traced = jax.export.export(program.run_forecast)(tuple(weights), data, order, 1)
    facts = {
        **{name: getattr(program, name) for name in ("width", "history", "length", "per_batch")},
        **{
            name: [[list(a.shape[1:]), str(a.dtype)] for a in arrays]
            for name, arrays in zip(("trainable", "others"), weights, strict=True)
        },
    }
    content = json.dumps(facts).encode() + b"\n" + bytes(traced.serialize())
    here.put(_key(known_by), content)
    return _opened(content)


@lru_cache(maxsize=1)
def _programs() -> Programs | None:
    return programs_here(THREADS) if _can_export() else None


def _can_export() -> bool:
    try:
        import flatbuffers  # noqa: F401  # JAX writes with it
    except ImportError:
        return False
    return True


def _opened(content: bytes) -> Exported:
    head, _, program = content.partition(b"\n")
    facts = json.loads(head)
    for name in ("trainable", "others"):
        facts[name] = tuple((tuple(shape), dtype) for shape, dtype in facts[name])
    return Exported(**facts, content=program)


@lru_cache(maxsize=8)
def _running(content: bytes) -> Any:
    return jax.jit(jax.export.deserialize(bytearray(content)).call)


def _nothing(width: int) -> Job:
    """Return a series of one row, which is padded to the shape that is kept."""
    none, no_rows = np.zeros(1, np.float32), np.zeros(0, np.int64)
    return Job(np.zeros((1, width), np.float32), none, none, none, no_rows, no_rows, 0.0, 0)


def _key(known_by: str) -> str:
    settings = [DEVICE, *(str(jax.config.values[name]) for name in CONFIGURED)]
    return "forecast-" + hashlib.sha256("\n".join([known_by, *settings, _code()]).encode()).hexdigest()


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a hash of the layers and of all else that a forecast is traced from: every file beside this."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
