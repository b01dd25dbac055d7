"""Epochs are told to whoever listens, by the name of fold and member that the listener knows."""

from __future__ import annotations

import threading
from dataclasses import replace

from geiger.models.telling import known_as, listener, tell, telling
from geiger.records import Epoch

EPOCH = Epoch(3, 0.9, 1.0, 0.1, 52.0)


def test_without_a_listener_nothing_happens() -> None:
    tell(EPOCH)
    with known_as(lambda epoch: replace(epoch, fold=1)):
        assert listener() is None


def test_an_epoch_is_told_by_its_fold_and_member() -> None:
    heard: list[Epoch] = []
    with telling(heard.append):
        with known_as(lambda epoch: replace(epoch, fold=7)), known_as(lambda epoch: replace(epoch, seed=2)):
            tell(EPOCH)
        tell(EPOCH)
    tell(EPOCH)  # nobody listens any more
    assert heard == [replace(EPOCH, fold=7, seed=2), EPOCH]


def test_what_nobody_may_know_is_told_to_nobody() -> None:
    heard: list[Epoch] = []
    with telling(heard.append), known_as(lambda epoch: None):
        tell(EPOCH)
    assert heard == []


def test_other_threads_tell_nobody() -> None:
    heard: list[Epoch] = []
    with telling(heard.append):
        other = threading.Thread(target=tell, args=(EPOCH,))
        other.start()
        other.join()
    assert heard == []
