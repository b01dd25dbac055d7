"""Keras on JAX: the one place that chooses the backend of the layers."""

from __future__ import annotations

import os

from geiger.errors import MissingLibrary
from geiger.models.nets.xla import DEVICE, jax, jnp

os.environ["KERAS_BACKEND"] = "jax"
try:
    import keras
    from keras import ops
except ImportError as error:
    raise MissingLibrary(
        f"networks need keras and jax ({error}); install them or choose another model"
    ) from error

if keras.backend.backend() != "jax":
    raise MissingLibrary(
        f"keras runs on {keras.backend.backend()} here; set KERAS_BACKEND=jax before anything imports keras"
    )

__all__ = ["DEVICE", "jax", "jnp", "keras", "ops"]
