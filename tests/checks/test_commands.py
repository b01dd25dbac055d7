"""Every command that findings name: what it carries on from the run, and that the parser takes it."""

from __future__ import annotations

import argparse
import shlex

import pytest

from geiger.checks.commands import ACTS, FLAGS, TAKES, Commands, Typed, commands_of, goes_on, is_act, same
from geiger.cli.parser import build_parser, parse
from geiger.command_line import Folders

RUN = "AAPL_ridge_20251229_143022"
ELSEWHERE = Folders("my runs", "my logs")
TYPED = (
    "geiger train ridge AAPL --data 'my prices' --context SPY --start 2001-01-02 --end 2020-01-02 --recipe "
    "quick --config 'a b.toml' --seeds 2 --seed 3 --refit 60 --min-train 200 --rolling 900 --max-folds 2 "
    "--fill close --lockbox 50 --epochs 9 --batch-size 64 --lookback 5 --risk balanced --rule sign "
    "--cost-bps 7 --models ridge,lgb --features 'f g.py:mine' --target t.py:mine --estimator e.py:Mine"
)


def commands(**changes: object) -> Commands:
    given = {"name": RUN, "trained": RUN, "symbol": "AAPL", "model": "ridge", **changes}
    return Commands(**given)  # type: ignore[arg-type]


def parser_of(command: str) -> argparse.ArgumentParser:
    """Return the parser of one command."""
    found: argparse.ArgumentParser = build_parser()
    for word in command.split():
        (choices,) = (a.choices for a in found._actions if isinstance(a, argparse._SubParsersAction))
        found = choices[word]
    return found


@pytest.mark.parametrize("command", TAKES)
def test_what_a_command_is_said_to_take_is_what_its_parser_takes(command: str) -> None:
    options, runs, logs = TAKES[command]
    known = parser_of(command)._option_string_actions
    assert set(options) <= set(known)
    assert ("--runs-dir" in known, "--log-dir" in known) == (runs, logs)


@pytest.mark.parametrize("command", ["train", "backtest", "audit"])
def test_flags_are_flags_and_all_else_has_a_value(command: str) -> None:
    for name, action in parser_of(command)._option_string_actions.items():
        if name.startswith("--") and name != "--help":
            assert (action.nargs == 0) == (name in FLAGS), name


def test_a_typed_line_is_taken_apart_as_the_parser_does() -> None:
    typed = Typed.of(TYPED)
    assert typed is not None
    assert typed.words == ("train", "ridge", "AAPL")
    args = vars(parse(shlex.split(TYPED)[1:]))
    assert args["symbols"] == ["AAPL"]
    for name, value in typed.options:
        assert str(args[name.removeprefix("--").replace("-", "_")]) in (value, f"{value}.0"), name
    assert Typed.of("geiger train ridge A --max-f 2 B") == Typed(
        ("train", "ridge", "A", "B"), (("--max-folds", "2"),)
    )
    assert Typed.of("geiger train ridge A -v B") == Typed(("train", "ridge", "A", "B"), ())
    for other in ("rm -rf x", "geiger 'train", "", None):
        assert Typed.of(other) is None


def test_all_that_a_training_had_is_carried_on() -> None:
    typed = Typed.of(TYPED)
    assert typed is not None
    again = commands(model="own", options=typed.options, folders=ELSEWHERE).train()
    wanted = TYPED.replace(" ridge ", " own ", 1) + " --runs-dir 'my runs' --log-dir 'my logs'"
    assert shlex.split(again) == shlex.split(wanted)
    assert parse(shlex.split(again)[1:]).context == "SPY"


def test_a_change_takes_the_place_of_what_was_typed() -> None:
    one = commands(options=(("--recipe", "plan"), ("--epochs", "50"), ("--data", "d")))
    assert one.train(("--epochs", "7")) == "geiger train ridge AAPL --recipe plan --data d --epochs 7"
    assert one.remedy("plan") == "geiger train ridge AAPL --epochs 50 --data d --recipe default"


def test_another_model_leaves_out_what_only_the_first_had() -> None:
    typed = (("--lookback", "5"), ("--models", "ridge,lgb"), ("--estimator", "e.py:E"), ("--data", "d"))
    assert commands(model="own", options=typed).remedy("default") == "geiger train ridge AAPL --data d"


def test_what_lies_in_memory_alone_is_shown_and_not_trained() -> None:
    lost = commands(again=False)
    assert lost.train() == lost.remedy("quick") == f"geiger logs show {RUN}"
    assert lost.backtest() == f"geiger backtest AAPL --run {RUN} --again", "the run kept its own prices"
    own = commands(own=("features",))
    assert own.audit() == f"geiger logs show {RUN}"
    given = commands(own=("features",), options=(("--features", "f.py:mine"),))
    assert given.audit() == f"geiger audit --run {RUN} --features f.py:mine"
    assert given.without_own() == "geiger train ridge AAPL"


def test_a_panel_is_trained_on_its_own_symbols() -> None:
    panel = commands(symbol="TECH", panel=True, members=("AAPL", "MSFT"), options=(("--data", "d"),))
    assert panel.train(model="lgb") == "geiger train lgb AAPL MSFT --panel TECH --data d"
    assert commands(symbol="TECH", panel=True).train() == f"geiger logs show {RUN}", "its symbols are unknown"
    assert panel.prices() == f"geiger logs show {RUN}"
    filed = commands(symbol="TECH", panel=True, options=(("--symbols-file", "s.txt"),))
    assert filed.train() == "geiger train ridge --panel TECH --symbols-file s.txt"


@pytest.mark.parametrize(
    "one",
    [
        commands(
            options=(("--data", "my prices"), ("--recipe", "quick")), folders=Folders("my runs", "logs")
        ),
        commands(symbol="TECH", panel=True, members=("AAPL", "MSFT"), options=(("--data", "d"),)),
        commands(again=False),
    ],
)
def test_the_line_of_a_run_tells_all_that_its_commands_need(one: Commands) -> None:
    line = Commands(**{**vars(one), "folders": Folders(one.folders.runs)}).train()
    told = commands_of(line, RUN, Folders(logs=one.folders.logs))
    for ask in (Commands.train, Commands.prices, Commands.show, lambda c: c.remedy("quick")):
        assert ask(told) == ask(one)


def test_acts_and_looks() -> None:
    for command in TAKES:
        assert is_act(f"geiger {command} X") == (command in ACTS)


def test_lines_that_do_the_same_are_the_same() -> None:
    assert same("geiger train ridge A --data d --epochs 5") == same(
        "geiger train ridge A --epochs 5 --data d --log-dir 'x y' --runs-dir r --json --recipe default"
    )
    assert same("geiger train ridge A --epochs 5") != same("geiger train ridge A --epochs 6")
    assert same("geiger train ridge A") != same("geiger train ridge B")


def test_a_line_goes_on_where_the_reader_is() -> None:
    assert goes_on("geiger train ridge A", ELSEWHERE) == (
        "geiger train ridge A --runs-dir 'my runs' --log-dir 'my logs'"
    )
    typed = "geiger train ridge A --runs-dir r --log-dir l"
    assert goes_on(typed, ELSEWHERE) == typed


def test_a_backtest_that_is_asked_for_leaves_a_log_so_that_the_step_ends() -> None:
    commands = Commands(name=RUN, trained=RUN, symbol="AAPL", model="ridge")
    assert is_act(commands.backtest()), "without --again nothing would tell that it was done"
    assert "--again" not in commands.backtest(("--rule", "sign")), "other trading leaves a log by itself"
