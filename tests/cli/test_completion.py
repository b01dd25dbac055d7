"""What Tab completes: asked of bash itself, in a process that has the script and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from geiger.cli.completion import bash, fish, tree, zsh
from geiger.cli.parser import build_parser
from geiger.settings.models import choices

Call = Any
BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None or os.name == "nt", reason="bash is not installed here")


def completed(place: Path, line: str, script: str) -> list[str]:
    """Return what bash offers where Tab is pressed at the end of the line."""
    words = line.split(" ")
    asked = " ".join(f"'{word}'" for word in words)
    commands = f"""{script}
COMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}
_geiger
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        [str(BASH), "--norc", "--noprofile", "-u", "-c", commands],
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@needs_bash
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("geiger tra", ["train"]),
        ("geiger logs an", ["analyze"]),
        ("geiger train --rec", ["--recipe"]),
        ("geiger train ridge AAPL --recipe p", ["plan"]),
        ("geiger train cat", ["catboost"]),
        ("geiger backtest --risk ag", ["aggressive"]),
        ("geiger data show --lock", []),
        ("geiger completion z", ["zsh"]),
        ("geiger report lat", ["latest"]),
        ("geiger report AAPL_l", ["AAPL_lstm_20240105_143022"]),
        ("geiger backtest AAPL --run AAPL_r", ["AAPL_ridge_20240105_143022"]),
        ("geiger logs show MSFT", ["MSFT_ridge_20240105_143022"]),
    ],
)
def test_bash_offers_what_fits(call: Call, tmp_path: Path, line: str, offered: list[str]) -> None:
    for name in ("runs/AAPL_ridge_20240105_143022", "runs/AAPL_lstm_20240105_143022", "training_logs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "training_logs" / "MSFT_ridge_20240105_143022.log").touch()
    assert completed(tmp_path, line, call("completion", "bash").out) == offered


@needs_bash
def test_every_command_and_option_is_offered(tmp_path: Path) -> None:
    found = tree(build_parser())
    script = bash(found)
    assert set(completed(tmp_path, "geiger ", script)) >= {"train", "demo", "logs", "--version"}
    offered = completed(tmp_path, "geiger train ", script)
    assert set(offered) >= {*choices(), *build_parser().commands()["train"].options()}


def test_zsh_takes_the_script_of_bash_and_fish_has_its_own() -> None:
    found = tree(build_parser())
    assert bash(found).split("\n", 1)[1] in zsh(found)
    assert "bashcompinit" in zsh(found)
    lines = fish(found).splitlines()
    assert "complete -c geiger -n __fish_use_subcommand -a" in "\n".join(lines)
    train = "complete -c geiger -n '__fish_seen_subcommand_from train'"
    assert f"{train} -l recipe -x -a 'plan default quick'" in lines
    logs = "'__fish_seen_subcommand_from logs; and not __fish_seen_subcommand_from"
    assert any(line.startswith(f"complete -c geiger -n {logs}") for line in lines)


def test_a_shell_that_nobody_knows_is_refused(call: Call) -> None:
    answer = call("completion", "bsh")
    assert answer.code == 2
    assert "did you mean 'bash'" in answer.complaint
