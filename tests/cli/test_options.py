"""Settings in a TOML file: options win, wrong names and types are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geiger.cli.options import config_of
from geiger.cli.parser import parse

Call = Any


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "mine.toml"


def test_the_file_changes_the_recipe_and_options_change_the_file(call: Call, data: Path, toml: Path) -> None:
    toml.write_text('recipe = "quick"\nmin_train = 200\nlockbox = 50\nrefit = 30\nmax_folds = 3\n')
    words = ("train", "ridge", "AAA", "--data", data, "--config", toml, "--dry-run", "--json")
    (planned,) = call(*words).json
    # 1100 days - 50 locked - 2 unknown labels - first forecast in row 473: 575 rows, the last block has 5
    assert (planned["folds"], planned["test_rows"]) == (3, 65)
    (planned,) = call(*words, "--max-folds", 1).json
    assert planned["folds"] == 1


def test_a_recipe_on_the_command_line_wins_over_the_files(toml: Path) -> None:
    toml.write_text('recipe = "quick"\nmin_train = 200\n')
    words = ["train", "ridge", "AAA", "--config", str(toml)]
    config = config_of(parse(words))
    assert (config.recipe, config.min_train) == ("quick", 200)
    config = config_of(parse([*words, "--recipe", "plan", "--seeds", "2", "--cost-bps", "7"]))
    assert (config.recipe, config.fill, config.min_train, config.seeds) == ("plan", "close", 200, 2)
    assert (config.trading.cost_bps, config.trading.rule) == (7.0, "long_flat")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("refti = 21", "no setting 'refti': did you mean 'refit'?"),
        ("[trading]\ncost_bp = 1", "no setting 'trading.cost_bp': did you mean 'cost_bps'?"),
        ('refit = "often"', "setting 'refit' must be int, got 'often'"),
        ("refit = 2.5", "setting 'refit' must be int, got 2.5"),
        ("refit = true", "setting 'refit' must be int, got True"),
        ("trading = 5", "setting 'trading' is a table, got 5"),
        ("trading = {cost_bps = nan}", "setting 'trading.cost_bps' must be a finite number, got nan"),
        ("clip = inf", "setting 'clip' must be a finite number, got inf"),
        ('ridge = {alphas = ["a"]}', "setting 'ridge.alphas' must be float, got 'a'"),
        ("start = 5", "setting 'start' must be str"),
        ('start = "soon"', "start: 'soon' is no day"),
        ('fill = "opne"', "fill: no 'opne'"),
        ('recipe = "plam"', "no recipe 'plam': did you mean 'plan'?"),
        ("refit = ", "not a readable TOML file"),
        ("\x00", "not a readable TOML file"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(
    call: Call, data: Path, toml: Path, text: str, message: str
) -> None:
    toml.write_text(text)
    answer = call("train", "ridge", "AAA", "--data", data, "--config", toml)
    assert (answer.code, answer.out) == (1, "")
    assert "mine.toml: " in answer.complaint
    assert message in answer.complaint


def test_a_file_that_is_a_folder_or_no_text(call: Call, tmp_path: Path, toml: Path) -> None:
    assert "not a readable TOML file" in call("train", "ridge", "AAA", "--config", tmp_path).complaint
    toml.write_bytes(b"\xff\xfe")
    assert "not a readable TOML file" in call("train", "ridge", "AAA", "--config", toml).complaint
