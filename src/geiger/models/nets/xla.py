"""JAX: the one place that loads it and chooses its threads; a forecast by a kept program needs no more.

On a CPU one thread serves one process: sums then keep their order, so bits do not depend on how many cores a
machine has, and two processes on two cores are faster than two threads. Whoever has loaded JAX before keeps
the threads it was loaded with.
"""

from __future__ import annotations

import os
import sys

from geiger.errors import MissingLibrary
from geiger.models.nets.compiled import keep_programs

_threads, _loaded_before = os.environ.get("NPROC"), "jax" in sys.modules
os.environ["NPROC"] = "1"  # read once by JAX, when it opens the processor
try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise MissingLibrary(
        f"networks need keras and jax ({error}); install them or choose another model"
    ) from error

DEVICE: str = jax.devices()[0].platform
if _threads is None:
    del os.environ["NPROC"]
else:
    os.environ["NPROC"] = _threads

# How many threads a JAX that was loaded before has is not known: at most one a processor.
THREADS: int = (os.cpu_count() or 1) if _loaded_before else 1
keep_programs(jax, THREADS)

__all__ = ["DEVICE", "THREADS", "jax", "jnp"]
