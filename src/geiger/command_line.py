"""Command lines that people are told to type: safe to paste, and finding the same things again.

A line carries the folders that the reader's own command had, where they are not those that a command takes
by itself; so whoever types it is not told that there is no such run.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

RUNS_DIR, LOG_DIR = "runs", "training_logs"


@dataclass(frozen=True)
class Folders:
    """Where runs and logs lie, as the reader's own command named them."""

    runs: str = RUNS_DIR
    logs: str = LOG_DIR

    @classmethod
    def of(cls, runs: Path | str = RUNS_DIR, logs: Path | str = LOG_DIR) -> Folders:
        """Return the folders of paths."""
        return cls(str(runs), str(logs))

    def command(self, *words: str, runs: bool = False, logs: bool = False) -> str:
        """Return a command line with those of the folders that it takes.

        >>> Folders(logs="my logs").command("geiger", "logs", "show", "AAPL_ridge_20240105_143022", logs=True)
        "geiger logs show AAPL_ridge_20240105_143022 --log-dir 'my logs'"
        >>> Folders().command("geiger", "report", "AAPL_ridge_20240105_143022", runs=True, logs=True)
        'geiger report AAPL_ridge_20240105_143022'
        """
        line = [*words]
        if runs and self.runs != RUNS_DIR:
            line += ["--runs-dir", self.runs]
        if logs and self.logs != LOG_DIR:
            line += ["--log-dir", self.logs]
        return shlex.join(line)


USUAL = Folders()
