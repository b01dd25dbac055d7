"""A fit that is asked to end does so at its next step, in the thread that was asked and in no other."""

from __future__ import annotations

import threading

import pytest

from geiger.models.halt import Halted, halt_if_asked, halted, halting


def test_a_fit_ends_once_it_is_asked_to() -> None:
    asked = threading.Event()
    with halting(asked):
        halt_if_asked()
        asked.set()
        with pytest.raises(Halted):
            halt_if_asked()
    halt_if_asked()  # what comes after was not asked


def test_who_handles_failures_does_not_take_it_for_one() -> None:
    assert not issubclass(Halted, Exception)


def test_other_threads_are_not_asked() -> None:
    asked, seen = threading.Event(), []
    asked.set()
    with halting(asked):
        other = threading.Thread(target=lambda: seen.append(halted()))
        other.start()
        other.join()
        assert (halted(), seen) == (True, [False])
