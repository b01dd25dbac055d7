"""Engines: the same jobs on the processors of this machine, or on a cluster; the same bits from either."""

from __future__ import annotations

from geiger.panel.engines.base import Done, Engine, Failed, Job, Outcome, hash_of
from geiger.panel.engines.local import LocalEngine
from geiger.panel.engines.ray import RayEngine

__all__ = [
    "Done",
    "Engine",
    "Failed",
    "Job",
    "LocalEngine",
    "Outcome",
    "RayEngine",
    "engine_named",
    "hash_of",
]


def engine_named(name: str, workers: int | None = None) -> Engine:
    """Return the engine of that name, ``local`` or ``ray``."""
    return RayEngine(workers) if name == "ray" else LocalEngine(workers)
