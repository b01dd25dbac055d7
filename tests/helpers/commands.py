"""Command lines called in this process."""

from __future__ import annotations

import shlex

from geiger.cli import main


def call(line: str) -> int:
    """Run one command line in this process and return its exit code."""
    try:
        return main(shlex.split(line)[1:])
    except SystemExit as error:
        return int(error.code or 0)
