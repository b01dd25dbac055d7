"""Processes that are replaced between two tasks lose nothing and keep nobody waiting."""

from __future__ import annotations

import os
import warnings

import pytest

from geiger.processes import in_processes
from helpers.replaced import prepare, work


@pytest.mark.slow
@pytest.mark.parametrize("ordered", [True, False])
def test_processes_that_are_replaced_lose_nothing_where_warnings_are_errors(ordered: bool) -> None:
    warnings.simplefilter("error")
    found = [*in_processes(work, range(12), 2, ahead=2, ordered=ordered, prepare=prepare)]
    numbers = [number for number, _ in found]
    assert (numbers if ordered else sorted(numbers)) == [*range(12)]
    assert len({process for _, process in found}) > 2, "no process was replaced"


def test_one_worker_is_this_process() -> None:
    assert [*in_processes(work, range(3), 1)] == [(number, os.getpid()) for number in range(3)]


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def tasks():
        for number in range(9):
            taken.append(number)
            yield number

    results = in_processes(work, tasks(), 1)
    assert next(results)[0] == 0
    assert len(taken) < 9
