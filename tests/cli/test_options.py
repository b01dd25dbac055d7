"""From options and a TOML file to settings: options win, wrong names and types are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geiger.cli.options import config_of, experiment_of, settings_given, symbols_of
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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--start", "2003-01-01", "--end", "2001-01-01"), "start 2003-01-01 lies after end 2001-01-01"),
        (("--start", "yesterday"), "'yesterday' is no day; write it as 2012-03-31"),
        (("--lockbox", "100000"), "0 of 1100 days are left before the lock-box (last 100000 rows)"),
        (("--lockbox", "-5"), "lockbox must be at least 0, got -5"),
        (("--cost-bps", "nan"), "'trading.cost_bps' must be a finite number"),
        (("--cost-bps", "inf"), "'trading.cost_bps' must be a finite number"),
        (("--cost-bps", "-1"), "trading.cost_bps must be at least 0, got -1"),
        (("--refit", "0"), "refit must be at least 1, got 0"),
        (("--max-folds", "0"), "max_folds must be at least 1, got 0"),
        (("--rolling", "0"), "rolling must be at least 1, got 0"),
        (("--rolling", "5"), "rolling must be at least 200, got 5"),
        (("--seeds", "0"), "seeds must be at least 1, got 0"),
        (("--seed", "-1"), "seed must be at least 0, got -1"),
        (("--epochs", "0"), "max_trees must be at least 1, got 0"),
        (("--min-train", "0"), "min_train must be at least 1, got 0"),
        (("--min-train", "1"), "raise min_train"),
        (("--context", "NOPE"), "no NOPE.csv or NOPE.parquet"),
        (("--context", "../../etc/passwd"), "is no symbol"),
        (("--config", "none.toml"), "none.toml: no such settings file"),
    ],
)
def test_a_setting_without_sense_is_refused_before_anything_is_trained(
    on_data: Call, words: tuple[str, ...], message: str
) -> None:
    answer = on_data("train", "xgb", "AAA", *words)
    assert (answer.code, answer.out) == (1, "")
    assert message in answer.complaint
    assert not Path("training_logs").exists()


def test_a_file_of_symbols(on_data: Call, tmp_path: Path) -> None:
    listing = tmp_path / "symbols.txt"
    listing.write_text("BBB  # second\n\n# none here\nAAA\nSPY\n")
    answer = on_data("train", "ridge", "AAA", "--symbols-file", listing, "--dry-run", "--json")
    assert [facts["symbol"] for facts in answer.json] == ["AAA", "BBB", "SPY"]
    for content in ("\ufeffBBB\r\nSPY\r\n".encode(), "BBB\nSPY\n".encode("utf-16"), b"BBB, SPY # both\n\n"):
        listing.write_bytes(content)
        assert symbols_of(parse(["train", "ridge", "--symbols-file", str(listing)])) == ["BBB", "SPY"]
    listing.write_bytes(b"\x89PNG")
    assert (
        "cannot be read as a list of symbols"
        in on_data("train", "ridge", "--symbols-file", listing).complaint
    )
    assert "cannot be read" in on_data("train", "ridge", "--symbols-file", tmp_path / "no").complaint
    listing.write_text("# nobody\n")
    assert "no symbol given" in on_data("train", "ridge", "--symbols-file", listing).complaint


@pytest.mark.parametrize("words", [("train", "own", "AAA"), ("backtest", "AAA"), ("audit", "AAA")])
def test_own_parts_reach_the_experiment_of_every_command_that_trains(words: tuple[str, ...]) -> None:
    own = {"features": "a.py:f", "target": "b.py:t", "estimator": "c.py:e"}
    options = [word for kind, text in own.items() for word in (f"--{kind}", text)]
    args = parse([*words, *options])
    found = experiment_of(args, "AAA", "own", config_of(args))
    assert {kind: getattr(found, kind) for kind in own} == own
    assert settings_given(args)
    assert not settings_given(parse(list(words)))
    plain = experiment_of(parse(list(words)), "AAA", "ridge", config_of(args))
    assert (plain.features, plain.target, plain.estimator) == (None, None, None)
