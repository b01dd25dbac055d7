"""Jobs in processes of this machine: new interpreters, never forks, so that JAX may run in all of them.

A process that dies, such as for want of memory, is replaced, and its job is done again elsewhere.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from geiger.errors import DataError
from geiger.panel.engines.base import RETRIES, Blobs, Engine, Failed, Job, Outcome
from geiger.panel.engines.wire import receive, send
from geiger.panel.engines.work import order, outcome
from geiger.runs.environment import threads_at_hand

LOOK_EVERY = 0.5  # seconds; an endless wait would hear no Ctrl-C
# -P: a module in the folder that a command runs in must not stand in for one of ours
WORKER = (sys.executable, "-P", "-m", "geiger.panel.engines.worker")


class _Lost(Exception):
    """A worker went away; the text says how."""


@dataclass(frozen=True)
class LocalEngine(Engine):
    """Processes of this machine.

    Attributes
    ----------
    processes : int, optional
        By default one for each processor.
    command : tuple of str
        What starts a worker.
    """

    processes: int | None = None
    command: tuple[str, ...] = WORKER

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return self.processes or threads_at_hand()

    def run(self, jobs: Sequence[Job], blobs: Blobs) -> Generator[Outcome]:
        """Yield what came of each job; see `Engine.run`."""
        todo: SimpleQueue[Job] = SimpleQueue()
        for job in jobs:
            todo.put(job)
        found: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        workers = [_Worker(self.command) for _ in range(min(self.workers, len(jobs)))]
        threads = [
            threading.Thread(target=_serve, args=(worker, todo, blobs, found), daemon=True)
            for worker in workers
        ]
        try:
            for thread in threads:
                thread.start()
            for _ in jobs:
                yield _next(found)
        finally:
            for worker in workers:
                worker.end()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()


def _next(found: SimpleQueue[Outcome | BaseException]) -> Outcome:
    while True:
        try:
            one = found.get(timeout=LOOK_EVERY)
        except Empty:
            continue
        if isinstance(one, BaseException):
            raise one
        return one


@dataclass(eq=False)
class _Worker:
    """A process that is started with its first job, and anew after it died."""

    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, content: bytes) -> bytes:
        """Return the answer to a message.

        Raises
        ------
        _Lost
            The process ended before it answered.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            send(process.stdin, content)
            answer = receive(process.stdout)
        except OSError:
            answer = None
        if answer is None:
            raise _Lost(self._buried(process))
        return answer

    def end(self) -> None:
        """End the process now, and start none again."""
        with self.lock:
            self.ended = True
            process = self.process
        if process is not None:
            process.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        with self.lock:
            if self.ended:
                raise _Lost("was ended")
            if self.process is None:
                # A session of its own: Ctrl-C comes to this process, which ends the others.
                self.process = subprocess.Popen(
                    self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
                )
            return self.process

    def _buried(self, process: subprocess.Popen[bytes]) -> str:
        """Return how a process ended, and forget it."""
        process.kill()  # it may have closed its streams and live on
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            try:
                stream.close()
            except OSError:  # what was not sent any more
                continue
        with self.lock:
            self.process = None
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def _serve(
    worker: _Worker, todo: SimpleQueue[Job], blobs: Blobs, found: SimpleQueue[Outcome | BaseException]
) -> None:
    """Let a worker do one job after the other, until there is none."""
    try:
        while not worker.ended:
            try:
                job = todo.get_nowait()
            except Empty:
                return
            found.put(_done(worker, job, order(job, blobs)))
    except OSError as error:
        found.put(DataError(f"{worker.command[0]}: no worker can be started ({error.strerror or error})"))
    except BaseException as error:
        found.put(error)
    finally:
        worker.end()
        if worker.process is not None:
            worker._buried(worker.process)


def _done(worker: _Worker, job: Job, content: bytes) -> Outcome:
    how = ""
    for _ in range(1 + RETRIES):
        try:
            return outcome(job, worker.ask(content))
        except _Lost as lost:
            how = str(lost)
            if worker.ended:
                break
    times = f"{1 + RETRIES} times"
    text = f"its worker went away {times}, the last one {how}; memory may be short: try fewer --workers"
    return Failed(job, text, "lost")
