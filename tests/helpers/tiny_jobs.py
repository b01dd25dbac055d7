"""Jobs that are done in no time, and jobs that die: run as a script, a worker that knows them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geiger.errors import TrainingError

WORKER = (sys.executable, __file__)


def echo(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    print("what a library prints is no answer")
    return {f"said/{name}.txt": content * args["times"] for name, content in inputs.items()}


def die_at_first(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Kill the own process as often as asked, then be done."""
    marks = Path(args["marks"])
    mark = marks / str(len(list(marks.iterdir())))
    if len(list(marks.iterdir())) < args["deaths"]:
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"done": b""}


def fail(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    raise ValueError("no such luck")


def diverge(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    raise TrainingError("fold 3, seed 0: the loss is not finite")


def leave(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Try to write outside."""
    return {"../outside": b"x"}


def sleep(args: Mapping[str, Any], inputs: Mapping[str, bytes]) -> dict[str, bytes]:
    Path(args["here"]).write_text(str(os.getpid()))
    time.sleep(600.0)
    return {}


if __name__ == "__main__":
    from geiger.panel.engines import work, worker

    work.WORK.update(
        {name: f"tiny_jobs:{name}" for name in ("echo", "die_at_first", "fail", "leave", "sleep")}
    )
    worker.main()
