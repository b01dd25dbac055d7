"""What the bits of a run depend on beside its settings: versions, machine, threads, and our own code."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from geiger.runs.record import Environment
from geiger.settings.models import distributions

LIBRARIES = ("numpy", "polars", "numba", *distributions())
THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
    *("XLA_FLAGS", "JAX_PLATFORMS", "JAX_DEFAULT_MATMUL_PRECISION"),  # they change a network's bits
)


def threads_at_hand() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache  # the code that runs is the code that was loaded
def code_hash() -> str:
    """Return a hash of the package's own source, so that edited code never continues old folds."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def environment() -> Environment:
    """Return what else the bits of a run depend on, of this process."""
    versions: dict[str, str] = {}
    for name in ("geiger-lab", *LIBRARIES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Environment(
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        threads=threads_at_hand(),
        thread_variables={name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ},
        versions=versions,
        code=code_hash(),
    )


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the content key of JSON-able facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:24]
