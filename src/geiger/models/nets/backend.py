"""Keras on JAX: the one place that chooses the backend and its threads.

On a CPU one thread serves one process: sums then keep their order, so bits do not depend on how many cores a
machine has, and two processes on two cores are faster than two threads. Whoever has loaded JAX before keeps
the threads it was loaded with.
"""

from __future__ import annotations

import os
import sys

from geiger.errors import MissingLibrary
from geiger.models.nets.compiled import keep_programs

os.environ["KERAS_BACKEND"] = "jax"
_threads, _loaded_before = os.environ.get("NPROC"), "jax" in sys.modules
os.environ["NPROC"] = "1"  # read once by JAX, when it opens the processor
try:
    import jax
    import jax.numpy as jnp
    import keras
    from keras import ops
except ImportError as error:
    raise MissingLibrary(
        f"networks need keras and jax ({error}); install them or choose another model"
    ) from error

DEVICE: str = jax.devices()[0].platform
if _threads is None:
    del os.environ["NPROC"]
else:
    os.environ["NPROC"] = _threads

if keras.backend.backend() != "jax":
    raise MissingLibrary(
        f"keras runs on {keras.backend.backend()} here; set KERAS_BACKEND=jax before anything imports keras"
    )

# How many threads a JAX that was loaded before has is not known: at most one a processor.
keep_programs(jax, (os.cpu_count() or 1) if _loaded_before else 1)

__all__ = ["DEVICE", "jax", "jnp", "keras", "ops"]
