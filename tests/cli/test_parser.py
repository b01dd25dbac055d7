from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from geiger import __version__
from geiger.cli.parser import build_parser

Call = Any
CLI = Path(__file__).parents[2] / "src" / "geiger" / "cli"


def handlers(parser: argparse.ArgumentParser) -> set[str]:
    """Every `module:function` that a command leads to."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    children = [child for actions in below for child in actions.choices.values()]
    own = parser.get_default("handler")
    return {own} - {None} | {found for child in children for found in handlers(child)}


def test_each_command_is_a_function_and_each_such_function_a_command() -> None:
    """A handler is a public function of a file in cli/ that takes the arguments and returns the exit code."""
    written = {
        f"geiger.cli.{path.stem}:{node.name}"
        for path in CLI.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if ast.unparse(node.args) == "args: argparse.Namespace"
        if node.returns is not None and ast.unparse(node.returns) == "int"
    }
    assert handlers(build_parser()) == written


def test_help_and_version(call: Call) -> None:
    assert call("--version").out == f"geiger {__version__}\n"
    told = call("--help")
    assert told.code == 0
    for command in ("demo", "data", "features", "train", "backtest", "doctor"):
        assert command in told.out
        assert call(command, "--help").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--debug",), "arguments are required: COMMAND"),
        (("trian",), "no COMMAND 'trian': did you mean 'train'"),
        (("logs", "analyse"), "no ACTION 'analyse': did you mean 'analyze'"),
        (("train", "ridge", "AAA", "--epoch-s", "3"), "arguments: --epoch-s: did you mean --epochs"),
        (("train", "ridge", "AAA", "--log_dir=x"), "arguments: --log_dir=x: did you mean --log-dir"),
        (("data",), "arguments are required: ACTION"),
        (("train", "ridge", "AAA", "--bogus"), "unrecognized arguments: --bogus"),
        (("train", "ridge", "AAA", "--refit", "x"), "argument --refit: invalid int value: 'x'"),
        (("train", "ridge", "AAA", "--recipe", "plam"), "no --recipe 'plam': did you mean 'plan'"),
        (("data", "show", "AAPL", "MSFT"), "unrecognized arguments: MSFT"),
        (("train", "ridge", "A", "--\x1b[2J"), r"--\x1b[2J"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(call: Call, words: tuple[str, ...], message: str) -> None:
    answer = call(*words)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.complaint
    assert "--help` shows what there is" in answer.complaint


def test_a_bare_command_says_where_to_begin(call: Call) -> None:
    answer = call()
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert len(lines) < 12
    assert max(map(len, lines)) <= 80
    shown = [line.split()[1] for line in lines if line.startswith("  geiger ")]
    there = build_parser().commands()
    assert shown == [name for name in ("demo", "train", "logs", "report", "runs") if name in there]
    assert lines[-1] == "All commands: geiger --help. Of one: geiger train --help."


def test_help_imports_nothing_heavy() -> None:
    heavy = {"numpy", "polars", "pandas", "numba", "xgboost", "lightgbm", "catboost", "rich", "pyarrow"}
    code = (
        "import sys; from geiger.cli.parser import build_parser as b; b().format_help(); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not heavy & set(ran.stdout.split())


WORDS = (
    *("--recipe", "quick", "--min-train", "200", "--lockbox", "50"),
    *("--refit", "60", "--max-folds", "2"),
)


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_symbols_stand_before_between_and_after_options(call: Call, data: Path, place: str) -> None:
    options = ["--data", data, *WORDS]
    symbols = {
        "first": ["AAA", "BBB", *options],
        "middle": ["AAA", *options, "BBB"],
        "last": [*options, "AAA", "BBB"],
    }
    answer = call("train", "ridge", "--dry-run", "--json", *symbols[place])
    assert [facts["symbol"] for facts in answer.json] == ["AAA", "BBB"]
