"""Processes: whoever does a job and however often it dies, the result is the same."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.panel.engines import Done, Failed, Job, LocalEngine, Outcome, hash_of
from helpers.tiny_jobs import WORKER

WORDS = {hash_of(word): word for word in (b"one", b"two", b"three", b"four")}


def echoes() -> list[Job]:
    return [Job(f"job {i}", "echo", {"times": i + 1}, {"w": digest}) for i, digest in enumerate(WORDS)]


def run(jobs: list[Job], workers: int = 1, command: tuple[str, ...] = WORKER) -> dict[str, Outcome]:
    found = list(LocalEngine(workers, command).run(jobs, WORDS.__getitem__))
    assert len(found) == len(jobs)
    return {one.job.name: one for one in found}


def files(outcome: Outcome) -> dict[str, bytes]:
    assert isinstance(outcome, Done)
    return dict(outcome.files)


@pytest.mark.slow
def test_order_and_number_of_workers_change_no_byte() -> None:
    one, two = run(echoes()), run(echoes()[::-1], workers=2)
    assert {name: files(done) for name, done in one.items()} == {
        "job 0": {"said/w.txt": b"one"},
        "job 1": {"said/w.txt": b"two" * 2},
        "job 2": {"said/w.txt": b"three" * 3},
        "job 3": {"said/w.txt": b"four" * 4},
    }
    assert {name: files(done) for name, done in two.items()} == {n: files(d) for n, d in one.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("deaths", "comes"), [(2, True), (3, False)])
def test_a_job_whose_worker_dies_is_done_again_twice_at_most(
    tmp_path: Path, deaths: int, comes: bool
) -> None:
    dying = Job("dying", "die_at_first", {"marks": str(tmp_path), "deaths": deaths})
    found = run([dying, *echoes()])
    assert all(isinstance(found[job.name], Done) for job in echoes())  # the others are none the worse
    last = found["dying"]
    assert isinstance(last, Done) if comes else isinstance(last, Failed) and last.kind == "lost"
    if isinstance(last, Failed):
        assert "went away 3 times, the last one was killed by signal 9" in last.error
    assert len(list(tmp_path.iterdir())) == deaths


def test_a_job_that_fails_is_not_done_again_and_no_name_leaves_its_folder() -> None:
    found = run([Job("bad", "fail"), Job("escape", "leave"), echoes()[0]])
    assert found["bad"] == Failed(Job("bad", "fail"), "ValueError: no such luck")
    assert isinstance(found["escape"], Failed)
    assert "no name here" in found["escape"].error
    assert files(found["job 0"]) == {"said/w.txt": b"one"}


@pytest.mark.slow
def test_closing_ends_workers_in_the_middle_of_their_job(tmp_path: Path) -> None:
    here = tmp_path / "pid"
    jobs = [echoes()[0], Job("long", "sleep", {"here": str(here)})]
    with closing(LocalEngine(2, WORKER).run(jobs, WORDS.__getitem__)) as outcomes:
        assert next(outcomes).job.name == "job 0"
        while not (here.exists() and here.read_text()):
            time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(int(here.read_text()), 0)


def test_a_worker_that_cannot_be_started_is_said() -> None:
    with pytest.raises(DataError, match="no worker can be started"):
        run(echoes(), command=("/no/such/program",))


def test_without_jobs_nothing_is_started() -> None:
    assert run([], command=("/no/such/program",)) == {}
