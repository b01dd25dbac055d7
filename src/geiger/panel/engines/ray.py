"""The same jobs as tasks of a Ray cluster (optional: ``pip install geiger-lab[ray]``).

Data and results travel through Ray's object store; no disk is shared. Inputs are put there once, by content
hash. Ray does a job again whose worker or node was lost, and its result where that was lost with a node.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from geiger.errors import DataError, MissingLibrary
from geiger.panel.engines.base import RETRIES, Blobs, Engine, Failed, Job, Outcome
from geiger.panel.engines.wire import pack
from geiger.panel.engines.work import outcome, perform

ADDRESS = "RAY_ADDRESS"
LOOK_EVERY = 0.5  # seconds; an endless wait would hear no Ctrl-C
AHEAD = 2  # jobs a worker that are handed in and not yet done


@dataclass(frozen=True)
class RayEngine(Engine):
    """A Ray cluster: that of RAY_ADDRESS where it is set, or else one of this machine alone.

    Attributes
    ----------
    jobs : int, optional
        At a time; by default one for each processor of the cluster.
    """

    jobs: int | None = None

    @property
    def workers(self) -> int:
        """How many jobs are done at a time, by the nodes that are there now."""
        return self.jobs or max(1, int(_started().cluster_resources().get("CPU", 1)))

    def run(self, jobs: Sequence[Job], blobs: Blobs) -> Generator[Outcome]:
        """Yield what came of each job; see `Engine.run`."""
        ray, workers = _started(), self.workers
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_perform)
        put: dict[str, Any] = {}
        todo, waiting = list(reversed(jobs)), dict[Any, Job]()

        def hand_in(job: Job) -> None:
            for digest in job.inputs.values():
                if digest not in put:
                    put[digest] = ray.put(blobs(digest))
            inputs = [put[digest] for digest in job.inputs.values()]
            waiting[task.remote(_facts(job), list(job.inputs), *inputs)] = job

        try:
            while todo or waiting:
                while todo and len(waiting) < AHEAD * workers:
                    hand_in(todo.pop())
                ready, _ = ray.wait(list(waiting), num_returns=1, timeout=LOOK_EVERY)
                for reference in ready:
                    yield _heard(ray, reference, waiting.pop(reference))
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)


def _facts(job: Job) -> dict[str, Any]:
    return {"name": job.name, "work": job.work, "args": dict(job.args), "inputs": dict(job.inputs)}


def _perform(facts: dict[str, Any], names: list[str], *inputs: bytes) -> bytes:
    """Do a job on a worker of the cluster."""
    return perform(pack(facts, dict(zip(names, inputs, strict=True))))


def _heard(ray: Any, reference: Any, job: Job) -> Outcome:
    try:
        return outcome(job, ray.get(reference))
    except ray.exceptions.RayError as error:
        why = str(error).strip().splitlines()[0]
        text = f"the cluster lost it {1 + RETRIES} times ({type(error).__name__}: {why})"
        return Failed(job, text, "lost")


def _started() -> Any:
    """Return Ray, connected."""
    try:
        import ray
    except ImportError as error:
        raise MissingLibrary(
            f"--engine ray needs Ray ({error}): pip install 'geiger-lab[ray]', or leave the engine out"
        ) from None
    if not ray.is_initialized():
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray tells its makers
        try:
            ray.init(address=os.environ.get(ADDRESS), log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise DataError(f"no Ray cluster can be reached or started ({error})") from None
    return ray
