"""Many symbols as one experiment: material, pooled walk, what is issued, and what it was worth.

The room and the function share a name, `geiger.panel`: calling the room calls the function, whose verdict is
given in a room that sees this one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return import_module("geiger.judging.panel").panel(*args, **kwargs)


sys.modules[__name__].__class__ = _Room
