"""The register of a runs folder, and who else knows how far it had come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geiger.chain import Head
from geiger.evidence.trials import Register
from geiger.runlog.wording import REGISTER, register_in
from geiger.runs.folder import RunsFolder


def register_of(runs: RunsFolder) -> Register:
    """Return the register of a runs folder, held against the head in every run's record there."""
    return Register(runs.trials, lambda: list(_record_heads(runs)))


def log_heads(folder: Path) -> Iterator[Head]:
    """Yield every head that a log of a folder tells; a log that cannot be read tells none."""
    for path in sorted(folder.glob("*.log")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        for line in content.splitlines():
            start = line.find(f"{REGISTER}: ".encode())  # a logger may have put its own words before it
            head = None if start < 0 else register_in(line[start:].decode("ascii", "replace").rstrip())
            if head is not None:
                yield Head(head.length, head.hash, str(path))


def _record_heads(runs: RunsFolder) -> Iterator[Head]:
    for path, head in runs.register_heads():
        yield Head(head.length, head.hash, str(path))
