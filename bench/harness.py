"""What every measurement shares: processes, their memory, another commit, and the facts of the machine.

Candidates take turns in rounds, so that a busy moment hits all of them; medians count. Times of the clock
are given beside processor seconds, which other work disturbs less, and the load before each round is kept.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
QUIET = 0.3  # a processor: more load than this before a round, and the clock says little
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
# As the installed script calls it: a process that runs a command loads less than one of the user's own.
START = "import sys; from geiger.cli import main; sys.exit(main())"
SPIN = """
import hashlib, threading, time
data = bytes(1 << 22)
def spin():
    while True:
        hashlib.sha256(data)
for _ in range(2):
    threading.Thread(target=spin, daemon=True).start()
time.sleep(3600)
"""


class Unavailable(Exception):
    """A candidate cannot be measured here; the text says why."""


@dataclass(frozen=True)
class Measured:
    """One run of a command.

    Attributes
    ----------
    seconds, cpu_seconds : float
        Of the clock, and of all processors by the command and by those of its children that it waited for.
    rss_mb, pss_mb : float, optional
        Largest sum over its process tree; the first counts a page for each process that has it, the second
        once. Only where it was watched, and on Linux.
    """

    seconds: float
    cpu_seconds: float
    output: str
    rss_mb: float | None = None
    pss_mb: float | None = None


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    watched: bool = False,
    fine: Sequence[int] = (0,),
) -> Measured:
    """Run a command to its end; any exit code but those in `fine` is an error.

    Raises
    ------
    RuntimeError
        The command failed: the text ends with what it said.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen(
        list(command),
        cwd=folder,
        env=None if environment is None else dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        peak = [0, 0]
        if watched:
            threading.Thread(target=_watch, args=(child, peak), daemon=True).start()
        try:
            output = child.communicate()[0]
        except BaseException:  # whoever stops this stops what it measures
            os.killpg(child.pid, signal.SIGKILL)
            raise
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if child.returncode not in fine:
        raise RuntimeError(f"{' '.join(command)[:300]} ended with {child.returncode}: {output[-1500:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rss, pss = (round(value / 1e6, 1) if value else None for value in peak)
    return Measured(seconds, used, output, rss, pss)


def _watch(child: subprocess.Popen[str], peak: list[int]) -> None:
    """Keep the largest sums of resident and of proportional memory (bytes) of the child's session."""
    while child.poll() is None and Path("/proc/self/stat").exists():
        sums = [0, 0]
        for number in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = Path("/proc", number, "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) != child.pid:
                    continue
                found = re.search(r"^Pss:\s+(\d+)", Path("/proc", number, "smaps_rollup").read_text(), re.M)
            except OSError:  # it has just ended
                continue
            sums[0] += int(fields[21]) * PAGE
            sums[1] += 1024 * int(found[1]) if found else 0
        peak[:] = [max(a, b) for a, b in zip(peak, sums, strict=True)]
        time.sleep(0.2)


@contextmanager
def busy() -> Iterator[None]:
    """Keep two threads of another process busy."""
    with subprocess.Popen([sys.executable, "-c", SPIN]) as other:
        try:
            time.sleep(0.5)
            yield
        finally:
            other.kill()


@contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """Give a folder with the files of a commit, which goes afterwards.

    Raises
    ------
    Unavailable
        There is no git, no history, or no such commit.
    """
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        try:
            done = subprocess.run(
                [*git, "add", "--detach", str(tree), commit], capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise Unavailable(f"no tree of {commit}: {error}") from None
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise Unavailable(f"no tree of {commit}: {said[-1] if said else 'git failed'}")
        try:
            compile_bytecode(tree)
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], capture_output=True, check=False)


def compile_bytecode(tree: Path) -> None:
    """Compile the sources of a tree: else the first start of each command would measure the compiler."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", str(tree / "src")],
        env=plain,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def environment_of(tree: Path, **changes: str) -> dict[str, str]:
    """Return the environment in which a command runs the sources of a tree."""
    return {**os.environ, "PYTHONPATH": str(tree / "src"), "JAX_PLATFORMS": "cpu", **changes}


def load() -> float:
    """Return the load average of the last minute, in processors; 0 where the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def median(values: Sequence[float], digits: int = 3) -> float:
    """Return the rounded median."""
    return round(statistics.median(values), digits)


def machine() -> dict[str, Any]:
    """Return what the figures depend on beside the code."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    from geiger.runs.environment import environment

    return {
        "day": date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": cores,
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": dict(environment().versions),
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return found[1] if found else platform.processor()


def _commit() -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)
