"""Epochs on their way from the processes that train to the one that started them, as they happen.

Each fold has a file in a folder that lives as long as the training: its process appends a line an epoch, and
whoever started it reads the new lines. Nobody waits for anybody, and a process that is killed takes nothing
with it. What is forecast does not pass here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from geiger.models.telling import Listener
from geiger.records import Epoch

LOOK_EVERY = 0.5  # seconds


def leave(folder: Path, epoch: Epoch) -> None:
    """Leave an epoch for the process that started this one; a disk that is full stops no training."""
    try:
        with open(folder / f"{epoch.fold}.jsonl", "ab") as file:
            file.write(f"{json.dumps(asdict(epoch))}\n".encode())
    except OSError:
        pass


class Spool:
    """What processes left in a folder, told line by line, each once, by whichever thread looks."""

    def __init__(self, folder: Path, to: Listener) -> None:
        self.folder = folder
        self._to = to
        self._read: dict[Path, int] = {}  # bytes that were read of each file
        self._one = threading.Lock()

    def look(self) -> None:
        """Tell the epochs that came since the last look; a line that is not finished is left for later."""
        with self._one:
            for path in sorted(self.folder.glob("*.jsonl")):
                for epoch in self._new(path):
                    self._to(epoch)

    def _new(self, path: Path) -> list[Epoch]:
        with open(path, "rb") as file:
            file.seek(self._read.get(path, 0))
            whole = file.read().rpartition(b"\n")[0]
        if not whole:
            return []
        self._read[path] = self._read.get(path, 0) + len(whole) + 1
        return [Epoch(**json.loads(line)) for line in whole.split(b"\n")]


@contextmanager
def spooled(to: Listener) -> Iterator[Spool]:
    """Yield a spool in a folder of its own, and tell what is left there, from a thread of its own."""
    with TemporaryDirectory(prefix="geiger-epochs-", ignore_cleanup_errors=True) as place:
        spool, ended = Spool(Path(place), to), threading.Event()

        def read() -> None:
            while not ended.wait(LOOK_EVERY):
                spool.look()

        reader = threading.Thread(target=read, name="epochs", daemon=True)
        reader.start()
        try:
            yield spool
        finally:
            ended.set()
            reader.join()
