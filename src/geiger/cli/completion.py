"""``geiger completion SHELL``: a script that completes commands, options, their values, models and runs.

It is made from the parser and needs nothing that is not in the shell: no Python starts when Tab is pressed.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from geiger.cli.parser import Parser, build_parser
from geiger.settings.models import choices

RUN, LOG, MODEL = "RUN", "LOG", "MODEL"  # as the help calls what stands there
RUNS = "latest $(cd runs 2>/dev/null && ls -d *_*_*_* 2>/dev/null)"
LOGS = "$(cd training_logs 2>/dev/null && ls *.log 2>/dev/null | sed 's/[.]log$//')"


@dataclass(frozen=True)
class Words:
    """What may follow a command.

    Attributes
    ----------
    words : tuple of str
        Commands and options, and what may stand without an option before it.
    values : mapping of str to str
        Option to its values, as a shell writes them.
    live : str
        What the shell itself finds out when it is asked, such as the runs there are.
    """

    words: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    live: str = ""


def completion(args: argparse.Namespace) -> int:
    """Print the script."""
    print(SCRIPTS[args.shell](tree(build_parser())), end="")
    return 0


def tree(parser: Parser, path: str = "") -> dict[str, Words]:
    """Return what may follow each command, by its words without ``geiger``; the empty one is geiger's own."""
    found = {path: _words_of(parser)}
    for name, inner in parser.commands().items():
        found |= tree(inner, f"{path} {name}".strip())
    return found


def _words_of(parser: Parser) -> Words:
    words, values, live = [*parser.commands()], dict[str, str](), ""
    for action in parser.arguments():
        given = _values_of(action)
        if action.option_strings:
            words += action.option_strings
            values |= dict.fromkeys(action.option_strings, given) if given else {}
        elif given.startswith(("$", "latest $")):
            live = given
        else:
            words += given.split()
    return Words(tuple(dict.fromkeys(words)), values, live)


def _values_of(action: argparse.Action) -> str:
    """Return the values of an option or of a place, as a shell writes them; empty where anything goes."""
    if action.choices is not None:
        return " ".join(map(str, action.choices))
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    kinds = {MODEL: " ".join(choices()), RUN: RUNS, f"FORECASTS|{RUN}": RUNS, LOG: LOGS}
    return kinds.get(metavar, "")


def _bash(found: Mapping[str, Words]) -> Iterator[str]:
    yield "_geiger() {"
    yield '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" words="" word'
    yield '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do'
    yield '        case "$path/$word" in'
    for path in filter(None, found):
        before, _, last = path.rpartition(" ")
        yield f"            {shlex.quote(f'{before}/{last}')}) path={shlex.quote(path)} ;;"
    yield "        esac"
    yield "    done"
    yield '    case "$path" in'
    for path, one in found.items():
        more = f" {one.live}" if one.live else ""
        yield f'        {shlex.quote(path)}) words="{" ".join(one.words)}{more}" ;;'
    yield "    esac"
    yield '    case "$path/$prev" in'
    for path, one in found.items():
        for option, values in one.values.items():
            yield f'        {shlex.quote(f"{path}/{option}")}) words="{values}" ;;'
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield "}"
    yield "complete -o default -F _geiger geiger"


def bash(found: Mapping[str, Words]) -> str:
    """Return the script of bash; where nothing of ours fits, files are completed."""
    return "".join(f"{line}\n" for line in ('# eval "$(geiger completion bash)"', *_bash(found)))


def zsh(found: Mapping[str, Words]) -> str:
    """Return the script of zsh, which takes that of bash."""
    head = ('# eval "$(geiger completion zsh)"', "autoload -U +X compinit && compinit")
    lines = (*head, "autoload -U +X bashcompinit && bashcompinit", *_bash(found))
    return "".join(f"{line}\n" for line in lines)


def _fish(found: Mapping[str, Words]) -> Iterator[str]:
    yield "# geiger completion fish | source"
    for path, one in found.items():
        seen = [f"__fish_seen_subcommand_from {word}" for word in path.split()]
        inner = [other.split()[-1] for other in found if path and other.rpartition(" ")[0] == path]
        apart = [f"not __fish_seen_subcommand_from {' '.join(inner)}"] if inner else []
        when = shlex.quote("; and ".join([*seen, *apart]) or "__fish_use_subcommand")
        plain = [word for word in one.words if not word.startswith("-")]
        given = " ".join(filter(None, (*plain, one.live)))
        if given:
            yield f"complete -c geiger -n {when} -a {_in_fish(given)}"
        for word in (word for word in one.words if word.startswith("-")):
            kind = "-l" if word.startswith("--") else "-s"
            values = one.values.get(word)
            more = f" -x -a {_in_fish(values)}" if values else ""
            yield f"complete -c geiger -n {when} {kind} {word.lstrip('-')}{more}"


def _in_fish(values: str) -> str:
    """Return values as fish writes them: what the shell finds out stands in brackets alone."""
    if "$(" not in values:
        return shlex.quote(values)
    known, _, rest = values.partition("$(")
    asked = f"sh -c {shlex.quote(rest.rpartition(')')[0])}"
    return shlex.quote(f"{known}({asked})")


def fish(found: Mapping[str, Words]) -> str:
    """Return the script of fish."""
    return "".join(f"{line}\n" for line in _fish(found))


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
