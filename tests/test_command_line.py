"""Lines to type carry the folders that are not the usual ones, and quote what a shell would split."""

from __future__ import annotations

import shlex
from pathlib import Path

from geiger.command_line import Folders


def test_usual_folders_are_left_out() -> None:
    assert Folders.of(Path("runs"), Path("training_logs")).command("geiger", "report", "X", runs=True) == (
        "geiger report X"
    )


def test_others_are_named_and_quoted() -> None:
    line = Folders.of("my runs", "logs").command("geiger", "report", "X", runs=True, logs=True)
    assert shlex.split(line) == ["geiger", "report", "X", "--runs-dir", "my runs", "--log-dir", "logs"]


def test_a_command_gets_only_the_folders_that_it_takes() -> None:
    assert "--runs-dir" not in Folders.of("there", "logs").command("geiger", "logs", "list", logs=True)
