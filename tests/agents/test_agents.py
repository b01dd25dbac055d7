"""The assistants: every command they name runs, every code they name exists, and installing is careful."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from geiger.agents import NAMES, text_of
from geiger.checks.catalogue import CHECKS
from geiger.checks.trends import TRENDS
from geiger.market.synthetic import planted_market
from geiger.records import Cause, HealthCode
from helpers.commands import call

ROOT = Path(__file__).parents[2]
SMALL = "--data data --recipe quick --min-train 200 --lockbox 50 --refit 60 --max-folds 2"
DATA = "--data data"


# What stands for something of the user's, and what takes its place here; RUN, RUN_A and RUN_B are trained.
PLACEHOLDERS = {"SYMBOL": "AAA", "AAPL": "AAA", "MODEL": "lgb", "lstm": "lgb", "FILE": "data/AAA.csv"}


# By the first words of a command: options that find the small market, keep it short, or let it end.
APPENDED = {
    "geiger train": SMALL,
    "geiger backtest": SMALL,
    "geiger ablate": f"{DATA} --market-seeds 1 --start 2000-01-01",
    "geiger data show": DATA,
    "geiger doctor": DATA,
    "geiger logs watch": "--seconds 1",
}


class Command(NamedTuple):
    """One command line of a definition."""

    agent: str
    line: str


def commands(agent: str) -> list[Command]:
    """Return every command in backticks or in a block, once."""
    text = text_of(agent)
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.S | re.M))
    prose = re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.S | re.M)
    lines = re.findall(r"`(geiger [^`]+)`", prose) + re.findall(r"(geiger (?:[a-z]+ ).*)$", blocks, re.M)
    return [Command(agent, line.strip()) for line in dict.fromkeys(lines)]


COMMANDS = [command for agent in NAMES for command in commands(agent)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a user with a small market and three real runs."""
    root = tmp_path_factory.mktemp("user")
    (root / "data").mkdir()
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    for number, symbol in enumerate(("AAA", "SPY"), start=1):
        prices = planted_market(1100, number, 0.02).prices
        shown = {**names, "Adj Close": "close", "Volume": "volume"}
        prices.select(**{name: pl.col(column) for name, column in shown.items()}).write_csv(
            root / "data" / f"{symbol}.csv"
        )
    for settings in ("fix.toml", "idea.toml"):
        (root / settings).write_text('recipe = "quick"\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for line in ("train xgb AAA", "train lgb AAA", "backtest AAA --model lgb"):
            assert call(f"geiger {line} {SMALL} --epochs 20") == 0
    return root


def here(line: str, place: Path) -> str:
    """Return a command with everything of the user's put in."""
    runs = sorted(path.stem for path in (place / "training_logs").glob("*.log"))
    kinds = {run[4:-16]: run for run in runs}  # of AAA_gbm_lgb_20251229_143022, gbm_lgb
    table = {**PLACEHOLDERS, "RUN": kinds["gbm_lgb"], "RUN_A": kinds["gbm_xgb"], "RUN_B": kinds["gbm_lgb"]}
    table["AAPL_lstm_20251229_143022"] = kinds["gbm_lgb"]
    words = [table.get(word, word) for word in shlex.split(line)]
    added = [options for start, options in APPENDED.items() if line.startswith(start)]
    if "--run" in words:  # it takes everything from the run
        added = []
    return " ".join([shlex.join(words), *added])


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.agent}: {command.line}")
def test_every_command_runs(command: Command, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    assert call(here(command.line, place)) == 0


def test_there_are_commands_to_run() -> None:
    assert {command.agent for command in COMMANDS} == set(NAMES)
    named = " ".join(command.line for command in COMMANDS)
    for wanted in ("logs analyze", "logs show", "logs compare", "ablate", "train", "replay", "doctor"):
        assert f"geiger {wanted}" in named


CODES = {check.code for check in CHECKS} | {trend.code for trend in TRENDS}
WORDS = {str(code) for code in (*Cause, *HealthCode)}


@pytest.mark.parametrize("agent", NAMES)
def test_every_code_exists(agent: str) -> None:
    text = text_of(agent)
    assert set(re.findall(r"GC\d{3}", text)) <= CODES
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src" / "geiger").rglob("*.py"))
    for word in re.findall(r"`([A-Z][A-Z_]{3,})`", text):
        known = word in WORDS or f'"{word}"' in source
        assert known or word in PLACEHOLDERS, f"{word} is no code of ours"


def test_the_doctors_causes_all_have_their_remedy() -> None:
    for agent in ("deep-researcher", "code-analyzer"):
        assert {str(cause) for cause in Cause} <= set(re.findall(r"`([A-Z_]+)`", text_of(agent)))


@pytest.mark.parametrize("agent", NAMES)
def test_front_matter_is_whole(agent: str) -> None:
    text = text_of(agent)
    _, head, body = text.split("---\n", 2)
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    assert list(facts) == ["name", "description", "tools"]
    assert facts["name"] == agent
    assert len(facts["description"]) > 40
    assert set(facts["tools"].split(", ")) <= {"Bash", "Read", "Grep", "Glob", "WebSearch", "WebFetch"}
    assert body.startswith("\n# ")
    assert len(text.splitlines()) < 150


@pytest.mark.parametrize("agent", NAMES)
def test_no_path_is_absolute_and_no_fact_is_bare(agent: str) -> None:
    text = text_of(agent)
    assert not re.search(r"(?<![\w.~*}/])/(?:[a-z]+/|[a-z]+\b)", re.sub(r"std\(\w+\) / ", "", text))
    assert "never" in text
    assert "not evaluated" in text or agent == "deep-researcher"


def test_the_confirmation_is_quoted_right_and_with_its_caveats() -> None:
    page = (ROOT / "docs" / "evidence" / "confirmation.md").read_text(encoding="utf-8")
    text = " ".join(text_of("deep-researcher").split())
    (quoted,) = re.findall(r"On later days.*?do not differ\.", text)
    rows = [re.findall(r"\d\.\d+ ± \d\.\d+", line) for line in page.splitlines() if line.startswith("| ")]
    figures = [row for row in rows if len(row) == 3]  # differences have fewer
    assert len(figures) == 3
    others, development = quoted.split("development symbols")
    for _, chosen_on, never in figures:
        assert never in others
        assert chosen_on in development
    assert "only 12 of the 24 symbols were never used for choosing" in others
    assert "clustered by date" in quoted
    assert "None of these is told from 0" in development
    assert "R^2 is below 0" in development
    for mean, error in (figure.split(" ± ") for row in figures for figure in row):
        assert float(mean) < 1.645 * float(error)  # else another sentence


def test_exit_code_3_is_not_that_of_the_logs_commands() -> None:
    text = " ".join(text_of("command-executor").split())
    assert "3 that the run of a train, backtest or replay ended FAILED or COLLAPSED" in text
    assert "The `logs` commands end with 0 whatever the logs say" in text


@pytest.mark.parametrize("agent", NAMES)
def test_the_installed_copy_is_the_shipped_one(agent: str) -> None:
    assert (ROOT / ".claude" / "agents" / f"{agent}.md").read_text(encoding="utf-8") == text_of(agent)


@pytest.mark.parametrize("agent", NAMES)
def test_no_assistant_trains_unasked(agent: str) -> None:
    text = " ".join(text_of(agent).split())
    rule = re.search(
        r"\*\*Never start a training\*\* \(([^)]+)\) unless the user asked for exactly that", text
    )
    assert rule is not None
    for word in ("train", "backtest of a model without a run", "replay", "ablate without `--dry-run`"):
        assert word in rule[1]
    assert "`replay` costs a whole training" in text
    assert "`backtest`, with `--run` too, writes a new run" in text
    for line in text_of(agent).splitlines():
        if "`geiger replay" in line:
            assert "costs a whole training" in line
        if "`geiger backtest" in line:
            assert "writes a new run" in line
