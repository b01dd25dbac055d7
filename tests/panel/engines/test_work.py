"""The closed table: what is not in it is not done, and what a job names must be what it got."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from geiger.codec import plain
from geiger.panel.engines.base import Done, Failed, Job, hash_of
from geiger.panel.engines.wire import pack
from geiger.panel.engines.work import WORK, order, outcome, perform


@pytest.fixture
def table() -> Iterator[None]:
    before = dict(WORK)
    WORK.update({name: f"helpers.tiny_jobs:{name}" for name in ("echo", "fail", "diverge")})
    yield
    WORK.clear()
    WORK.update(before)


def job(work: str = "echo") -> Job:
    return Job("a job", work, {"times": 2}, {"word": hash_of(b"ab")})


def test_every_word_of_the_table_names_a_function_of_ours() -> None:
    for place in WORK.values():
        module, name = place.split(":")
        assert module.startswith("geiger.")
        assert callable(getattr(import_module(module), name))


@pytest.mark.usefixtures("table")
def test_a_job_gives_its_files() -> None:
    found = outcome(job(), perform(order(job(), lambda digest: b"ab")))
    assert isinstance(found, Done)
    assert found.files == {"said/word.txt": b"abab"}


def test_what_is_not_in_the_table_is_refused() -> None:
    found = outcome(job("os:system"), perform(order(job("os:system"), lambda digest: b"ab")))
    assert isinstance(found, Failed)
    assert "no work is called 'os:system'" in found.error


@pytest.mark.usefixtures("table")
def test_an_input_with_another_hash_is_refused() -> None:
    found = outcome(job(), perform(pack(plain(job()), {"word": b"other"})))
    assert isinstance(found, Failed)
    assert "inputs are not those" in found.error


@pytest.mark.usefixtures("table")
def test_an_error_is_an_answer_in_one_line() -> None:
    found = outcome(job("fail"), perform(order(job("fail"), lambda digest: b"ab")))
    assert found == Failed(job("fail"), "ValueError: no such luck")


@pytest.mark.usefixtures("table")
def test_a_model_that_cannot_be_fitted_is_told_from_a_worker_that_cannot_work() -> None:
    found = outcome(job("diverge"), perform(order(job("diverge"), lambda digest: b"ab")))
    assert found == Failed(job("diverge"), "fold 3, seed 0: the loss is not finite", "fit")


def test_an_answer_that_was_damaged_is_no_result() -> None:
    assert isinstance(outcome(job(), b"nonsense"), Failed)
    assert isinstance(outcome(job(), pack({"error": "x", "kind": "lost"}, {})), Failed)
    assert isinstance(outcome(job(), pack({}, {"a": b""})), Failed)  # it does not say how long it took
