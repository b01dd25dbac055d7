"""What the server offers: each tool with its arguments, and the check that a call has only those."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geiger.checks.base import COMMANDS
from geiger.errors import SettingError, did_you_mean
from geiger.settings.models import OWN, SECTIONS

RUN_NAME = re.compile(r"[A-Za-z0-9^=][A-Za-z0-9^=._-]*_[a-z_]+_[0-9]{8}_[0-9]{6}")
LONGEST = 120  # characters of a name
NAMES = 50  # in one call
LARGEST = 10**9


@dataclass(frozen=True)
class Kind:
    """What an argument may be: for programs, for people, and the check itself."""

    schema: Mapping[str, Any]
    words: str
    holds: Callable[[Any], bool]


def is_name(value: Any) -> bool:
    """Return whether a value is the name of a run: a symbol, a model and a time, never a path."""
    return isinstance(value, str) and len(value) <= LONGEST and bool(RUN_NAME.fullmatch(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= NAMES and all(map(is_name, value))


_NAME_SCHEMA = {"type": "string", "pattern": f"^{RUN_NAME.pattern}$", "maxLength": LONGEST}
_NUMBER_SCHEMA = {"type": "integer", "minimum": 0, "maximum": LARGEST}
_NAMES_SCHEMA = {"type": "array", "items": _NAME_SCHEMA, "minItems": 1, "maxItems": NAMES}

# each: for programs, for people, the check
NAME = Kind(_NAME_SCHEMA, "the name of a run, as AAPL_lstm_20251229_143022", is_name)
NUMBER = Kind(_NUMBER_SCHEMA, f"a whole number from 0 to {LARGEST}", _is_number)
LIST = Kind(_NAMES_SCHEMA, f"a list of 1 to {NAMES} names of runs", _are_names)
FLAG = Kind({"type": "boolean"}, "true or false", lambda value: isinstance(value, bool))
WORD = Kind(
    {"type": "string", "pattern": "^[A-Za-z0-9^=._ -]+$", "maxLength": 40},
    "one short word of letters, digits and ^ = . _ -",
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z0-9^=._ -]{1,40}", value)),
)


def _one_of(*words: str) -> Kind:
    known = {word.lower() for word in words}
    return Kind(
        {"type": "string", "enum": list(words)},
        f"one of {', '.join(words)}",
        lambda value: isinstance(value, str) and value.lower() in known,
    )


STATUS = _one_of("SUCCESS", "FAILED", "COLLAPSED", "NONE")
MODEL = _one_of(*dict.fromkeys([*SECTIONS, *COMMANDS, "backtest", OWN]))


@dataclass(frozen=True)
class Argument:
    """One argument of a tool."""

    name: str
    kind: Kind
    text: str
    required: bool = False


@dataclass(frozen=True)
class Tool:
    """One tool; the answer comes from the method of `Answers` that has its name."""

    name: str
    text: str
    arguments: tuple[Argument, ...]

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the arguments."""
        return {
            "type": "object",
            "properties": {a.name: {**a.kind.schema, "description": a.text} for a in self.arguments},
            "required": [a.name for a in self.arguments if a.required],
            "additionalProperties": False,
        }

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call, None left out.

        Raises
        ------
        SettingError
            One is unknown, missing or not of its kind.
        """
        known = {a.name: a for a in self.arguments}
        for name in given:
            if name not in known:
                raise SettingError(
                    f"{self.name} has no argument {name[:40]!r}; {did_you_mean(name[:40], known)}"
                )
        for argument in self.arguments:
            value = given.get(argument.name)
            if value is None and argument.required:
                raise SettingError(f"{self.name} needs {argument.name}: {argument.kind.words}")
            if value is not None and not argument.kind.holds(value):
                came = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."
                raise SettingError(f"{argument.name} must be {argument.kind.words}, not {came}")
        return {name: value for name, value in given.items() if value is not None}


def _paged(rows: int, most: int = 200) -> Sequence[Argument]:
    return (
        Argument("offset", NUMBER, "rows to pass over; the last answer's next_offset (default: 0)"),
        Argument("limit", NUMBER, f"rows in the answer, at most {most} (default: {rows})"),
    )


_RUN = Argument("name", NAME, "name of the run, without .log", required=True)

TOOLS = (
    Tool(
        "list_runs",
        "Lists the training and backtest logs, newest first: answer and p of the verdict, symbol, model, "
        "status, main figures.",
        (
            Argument("symbol", WORD, "only this symbol"),
            Argument("model", MODEL, "only this model; lgb and gbm_lgb are the same"),
            Argument("status", STATUS, "only logs that end so; NONE for logs without a status"),
            *_paged(50),
        ),
    ),
    Tool(
        "show_run",
        "Shows one run, and the line of each fact: settings, figures, checkpoints, scorecard, verdict, "
        "audit, warnings, status.",
        (_RUN,),
    ),
    Tool(
        "audit",
        "Says whether anything in a run saw the future, as its time-travel audit found: green or red, the "
        "stages that were altered and compared, each leak with its cause and its mend, what was not "
        "checked. Ask it before you believe a figure.",
        (_RUN,),
    ),
    Tool(
        "analyze_runs",
        "Says what runs came to, the answer first (answer, sentences), then what the checks find in them and "
        "across them: code, severity, evidence with file and line, cause, and the next command. Without "
        "arguments: the newest run. What to do next stands on the first page, with the runs that it covers: "
        "steps of the kind act make something new, those of the kind look only show.",
        (
            Argument("names", LIST, "these runs"),
            Argument("newest", NUMBER, "the so many newest runs"),
            Argument("all", FLAG, "all runs"),
            *_paged(10, 20),
        ),
    ),
    Tool(
        "compare_runs",
        "Sets runs side by side, ranked among those that compare: settings that differ, figures, findings.",
        (Argument("names", LIST, "2 runs or more", required=True),),
    ),
    Tool(
        "epochs",
        "Lists the epochs (or boosting rounds) of a run with their lines: losses, spread, share above 0.",
        (
            _RUN,
            Argument("fold", NUMBER, "only this fold"),
            Argument("seed", NUMBER, "only this seed"),
            *_paged(100),
        ),
    ),
    Tool(
        "forecasts",
        "Lists the out-of-sample forecasts of a run: day, forecast, outcome (log returns; null where not yet "
        "known) and the mean of its train rows; of a panel also symbol and score, in place of that mean.",
        (_RUN, *_paged(100)),
    ),
)


def tools_table() -> str:
    """Return the table of docs/agents.md."""
    rows = [f"| `{t.name}` | {', '.join(map(_shown, t.arguments))} | {t.text} |" for t in TOOLS]
    return "\n".join(["| tool | arguments | answer |", "|---|---|---|", *rows]) + "\n"


def _shown(argument: Argument) -> str:
    return f"`{argument.name}`" + (" (required)" if argument.required else "")
