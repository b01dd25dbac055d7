from __future__ import annotations

from geiger.cli.complaint import plain
from geiger.errors import DataError


def test_errors_in_plain_words() -> None:
    assert plain(DataError("AAA.csv, line 3: no price")) == "AAA.csv, line 3: no price"
    full = OSError(28, "No space left on device", "runs/x")
    assert plain(full) == "runs/x: No space left on device; check the disk and the permissions there"
