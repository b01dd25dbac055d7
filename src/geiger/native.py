"""Loops over rows as native code, compiled when first called: a command that runs none loads no Numba."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def native(function: F) -> F:
    """Return `function` as native code, which Numba keeps between runs; it may call no other such."""

    @cache
    def compiled() -> Callable[..., Any]:
        from numba import njit

        # nogil lets threads work on several symbols; no fastmath: it may reorder sums. A check for division
        # by zero would keep a loop from being vectorised, so division follows numpy.
        found: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")(function)
        return found

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return compiled()(*arguments)

    return cast(F, call)
