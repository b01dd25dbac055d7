"""The page of all commands, made from the parser: ``docs/cli.md``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from geiger.cli.parser import build_parser

_HEAD = """\
# Commands

Made from the parser by `make docs`; `geiger COMMAND --help` says the same.

`geiger` ends with one of these exit codes: 0 fine, 1 an error (one plain line on stderr), 2 usage, 3 the run
ended FAILED or COLLAPSED, 130 it was stopped with Ctrl-C (143 by SIGTERM).

"""


def cli_page() -> str:
    """Return the page: every command, argument and option with its help, in the order of ``--help``."""
    leaves = list(_commands(build_parser(), ""))
    rows = [f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(text)} |" for name, text, _ in leaves]
    contents = "\n".join(["| command | does |", "|---|---|", *rows])
    return f"{_HEAD}{contents}\n\n" + "\n".join(_section(name, parser) for name, _, parser in leaves)


def _commands(
    parser: argparse.ArgumentParser, text: str
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield (name, help, parser) of each command that does something."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield parser.prog, text, parser
    for actions in below:
        helps = {choice.dest: choice.help or "" for choice in actions._choices_actions}
        for name, child in actions.choices.items():
            yield from _commands(child, helps.get(name, ""))


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    places = [action for action in shown if not action.option_strings]
    usage = " ".join([name, *map(_place, places), "[options]"])
    rows = [f"| {_name(action)} | {_cell(_help(action))} |" for action in shown if action.dest != "help"]
    table = "\n".join(["| argument or option | meaning |", "|---|---|", *rows])
    return f"## {name}\n\n{parser.description}\n\n`{usage}`\n\n{table}\n"


def _place(action: argparse.Action) -> str:
    word = _metavar(action)
    match action.nargs:
        case "?":
            return f"[{word}]"
        case "*":
            return f"[{word} ...]"
        case "+":
            return f"{word} ..."
        case _:
            return word


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_place(action)}`"
    value = "" if action.nargs == 0 else f" {_metavar(action)}"
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _help(action: argparse.Action) -> str:
    said = action.help or ""
    shown = action.default not in (None, False, [], argparse.SUPPRESS) and "(default" not in said
    default = f"(default: {action.default})" if shown and action.option_strings else ""
    needed = "(required)" if action.required and action.option_strings else ""
    return " ".join(filter(None, (said, default, needed)))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("%%", "%")
