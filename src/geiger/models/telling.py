"""How a training that takes long says how far it is: each epoch as it happens, to whoever listens.

Whoever wants to know trains inside `telling`; a fit calls `tell`, which does nothing where nobody listens.
Nothing that is told changes what is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from geiger.records import Epoch

Listener = Callable[[Epoch], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


def listener() -> Listener | None:
    """Return who listens to what is trained here; None where nobody does."""
    return _LISTENER.get()


@contextmanager
def telling(to: Listener | None) -> Iterator[None]:
    """Tell the epochs of whatever is trained inside, by this thread."""
    token = _LISTENER.set(to)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def known_as(named: Callable[[Epoch], Epoch | None]) -> Iterator[None]:
    """Tell the epochs of what is trained inside as `named` returns them: of which fold and member they are.

    Those for which it returns None are told to nobody.
    """
    outer = listener()
    if outer is None:
        yield
        return

    def tell_outer(epoch: Epoch) -> None:
        if (known := named(epoch)) is not None:
            outer(known)

    with telling(tell_outer):
        yield


def tell(epoch: Epoch) -> None:
    """Tell one epoch that has just ended."""
    if (to := listener()) is not None:
        to(epoch)
