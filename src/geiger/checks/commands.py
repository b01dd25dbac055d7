"""The commands that findings and steps tell people to type, put together in this place alone.

A command goes on from the line that made the run: it names the same prices, settings and folders, and its
own part where that is the user's. Whatever a log says is quoted, and what is no word of ours is left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from geiger.command_line import LOG_DIR, RUNS_DIR, USUAL, Folders
from geiger.records import RunSettings
from geiger.settings.models import SECTIONS

Option = tuple[str, str | None]  # its name, and its value; None of a flag

_WORD = re.compile(r"[A-Za-z0-9^=][A-Za-z0-9^=._-]*")
_SOURCE = ("--data", "--context", "--start", "--end")
_NETWORK = ("--epochs", "--batch-size", "--lookback")
_SHAPE = ("--seeds", "--seed", "--refit", "--min-train", "--rolling", "--max-folds", "--fill", "--lockbox")
_TRADING = ("--risk", "--rule", "--cost-bps")
OWN_KINDS = ("features", "target", "estimator")
_OWN = tuple(f"--{kind}" for kind in OWN_KINDS)
_UNAIDED = ("--no-audit", "--no-check-source")
_FOLDERS = ("--runs-dir", "--log-dir")
FLAGS = (
    *_UNAIDED,
    "--debug",
    "--verbose",
    "--dry-run",
    "--json",
    "--again",
    "--canaries",
    "--museum",
    "--no-panel",
)
TRAINED_BY = (*_SOURCE, "--recipe", "--config", *_SHAPE, *_NETWORK, *_TRADING, "--models", *_OWN)
_OF_PANEL = ("--panel", "--symbols-file")
_MACHINE = ("--parallel", "--workers")
_KNOWN = (*TRAINED_BY, *_OF_PANEL, *_FOLDERS, *_MACHINE, *FLAGS, "--model", "--run", "--symbol")
_SAME = (
    *_MACHINE,
    *_FOLDERS,
    *_UNAIDED,
    "--json",
    "--debug",
    "--verbose",
)  # another one of these is the same again

# what a command takes of the options of a training, and which folders
TAKES: Mapping[str, tuple[tuple[str, ...], bool, bool]] = {
    "train": (TRAINED_BY, True, True),
    "backtest": (TRAINED_BY, True, True),
    "audit": (TRAINED_BY, True, True),
    "judge": (("--target", "--estimator"), True, True),
    "report": ((), True, True),
    "data show": (("--data",), True, False),
    "data list": (("--data",), True, False),
    "trials list": ((), True, False),
    "doctor": (("--data",), True, False),
    "features list": ((), False, False),
    "logs show": ((), False, True),
    "logs analyze": ((), False, True),
    "logs compare": ((), False, True),
    "logs list": ((), False, True),
    "logs watch": ((), False, True),
}
ACTS = ("train", "backtest", "audit", "judge", "demo", "validate")
"""Commands after which there is something new to read; the others only show what there is."""


def is_act(command: str) -> bool:
    """Whether a command makes something new, rather than showing what there is.

    A backtest of a run that is traded as it was in training repeats its ledger, and makes no run without
    ``--again``.

    >>> is_act("geiger train ridge AAPL"), is_act("geiger report AAPL_ridge_20240105_143022")
    (True, False)
    >>> is_act("geiger backtest AAPL --run R"), is_act("geiger backtest AAPL --run R --rule sign")
    (False, True)
    """
    words = command.split()
    if words[1:2] == ["backtest"] and "--run" in words:
        return bool({*_TRADING, "--again"} & set(words))
    return words[1:2] in [[act] for act in ACTS]


@dataclass(frozen=True)
class Typed:
    """A command line of ours, taken apart."""

    words: tuple[str, ...]  # without the options, `geiger` left out
    options: tuple[Option, ...]

    @classmethod
    def of(cls, line: str | None) -> Typed | None:
        """Return what a line says; None where it is none of ours.

        >>> Typed.of("geiger train ridge AAPL --max-f=2 --no-audit").options
        (('--max-folds', '2'), ('--no-audit', None))
        """
        try:
            first, *rest = _words(line or "")
        except ValueError:  # empty, or a quotation without an end
            return None
        if first != "geiger":
            return None
        words: list[str] = []
        options: list[Option] = []
        while rest:
            word = rest.pop(0)
            if not word.startswith("--"):
                words += [] if word.startswith("-") else [word]  # of one dash there is only -v
                continue
            said, equals, value = word.partition("=")
            name = _whole_name(said)
            if name in FLAGS:
                options.append((name, None))
            elif equals:
                options.append((name, value))
            elif rest:
                options.append((name, rest.pop(0)))
        return cls(tuple(words), tuple(options))

    def value(self, name: str) -> str | None:
        """Return the value of an option; of two the last counts."""
        return dict(self.options).get(name)

    def has(self, name: str) -> bool:
        """Whether an option is there."""
        return name in dict(self.options)


def _words(line: str) -> list[str]:
    """Return the words as a shell has them; without a quotation mark that is quick."""
    return shlex.split(line) if re.search(r"['\"\\\\#]", line) else line.split()


def _whole_name(said: str) -> str:
    """Return an option by its whole name: the parser takes the beginning of one."""
    if said in _KNOWN:
        return said
    near = [name for name in _KNOWN if name.startswith(said)]
    return near[0] if len(near) == 1 else said


def same(line: str) -> tuple[object, ...]:
    """Return what two lines share that do the same: folders, processes and output left out.

    >>> same("geiger train ridge A --recipe default") == same("geiger train ridge A --workers 2 --json")
    True
    """
    typed = Typed.of(line)
    if typed is None:
        return (line,)
    kept = {name: value for name, value in typed.options if name not in _SAME}
    if kept.get("--recipe") == "default":
        del kept["--recipe"]
    return typed.words, tuple(sorted((name, value or "") for name, value in kept.items()))


def options_of(settings: RunSettings, typed: Typed | None) -> tuple[Option, ...]:
    """Return the options that a training had: as typed, else as its settings tell them."""
    if typed is not None and typed.words[:1] in (("train",), ("backtest",)) and not typed.has("--run"):
        return tuple((name, value) for name, value in typed.options if name in TRAINED_BY)
    told: list[Option] = []
    if settings.source in ("folder", "file") and settings.where:
        # The folder, so that the context beside the symbol is found again.
        file = PurePath(settings.where)
        folder = file.parent if settings.source == "folder" and file.suffix else file
        told.append(("--data", str(folder)))
    if typed is not None and typed.words[:1] == ("validate",):
        # its --models and --recipe mean something else
        told = [
            (n, v) for n, v in typed.options if n in (*_SOURCE, "--config", *_SHAPE, *_NETWORK, *_TRADING)
        ]
    elif settings.context is not None and settings.data_hash is not None:
        told.append(("--context", settings.context[0] if settings.context else "none"))
    if settings.recipe in ("plan", "quick"):
        told.append(("--recipe", settings.recipe))
    return tuple(told)


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The commands on one run.

    Attributes
    ----------
    name, trained : str
        The run, and the one that made its forecasts.
    symbol, model : str
        As commands take them; empty where the log names none that they take.
    options : tuple
        Those of the training.
    members : tuple of str
        Of a panel, its symbols as they were typed; with `--symbols-file` among the options none are.
    panel : bool
        Whether many symbols were learned as one.
    again : bool
        Whether a line can train it again: not where prices or a part of it were in memory alone.
    kept : bool
        Whether the run lies in the folder of runs.
    own : tuple of str
        What of it is the user's own.
    """

    name: str
    trained: str
    symbol: str
    model: str
    options: tuple[Option, ...] = ()
    members: tuple[str, ...] = ()
    panel: bool = False
    again: bool = True
    kept: bool = True
    own: tuple[str, ...] = ()
    folders: Folders = USUAL

    def of(self, command: str, *words: str, options: Iterable[Option] = ()) -> str:
        """Return one command with the words and options given, and the folders that it takes."""
        _, runs, logs = TAKES[command]
        flat = [word for option in options for word in option if word is not None]
        return self.folders.command("geiger", *command.split(), *words, *flat, runs=runs, logs=logs)

    # What only shows what there is

    def show(self) -> str:
        """Return what shows all that the log says."""
        return self.of("logs show", self.name)

    def report(self) -> str:
        """Return what writes the page of the run: where no run was kept, what shows its log."""
        return self.of("report", self.name) if self.kept else self.show()

    def prices(self) -> str:
        """Return what shows the prices of the symbol; of a panel, or of prices from memory, its log."""
        if self.panel or not self.again or not self.symbol:
            return self.show()
        return self.of("data show", self.symbol, options=self._carried("data show"))

    def at_hand(self) -> str:
        """Return what lists the symbols at hand."""
        return self.of("data list", options=self._carried("data list"))

    def doctor(self) -> str:
        """Return what says whether the installation is whole."""
        return self.of("doctor", options=self._carried("doctor"))

    def compare(self, other: str) -> str:
        """Return what puts an earlier run beside this one."""
        return self.of("logs compare", other, self.name)

    def trials(self) -> str:
        """Return what lists the tries on these prices."""
        return self.trials_of(self.symbol)

    def trials_of(self, symbol: str) -> str:
        """Return what lists the tries on the prices of a symbol."""
        return self.of("trials list", options=[("--symbol", symbol)] if symbol else [])

    # What makes something new

    def train(self, *changes: Option, model: str | None = None, without: Sequence[str] = ()) -> str:
        """Return the training of this model, or another one, on the same prices with these changes.

        Where no line can make it, what shows its log.
        """
        kept = [o for o in self.options if o[0] not in (*without, *(name for name, _ in changes))]
        named = model or self.model
        if model not in (None, self.model):
            kept = [o for o in kept if o[0] not in (*_NETWORK, "--models", "--estimator")]
        if not (self.again and named and self.symbol) or (self.panel and not self._members()):
            return self.show()
        if self.panel:
            kept = [("--panel", self.symbol), *kept]
        symbols = self.members if self.panel else (self.symbol,)
        return self.of("train", named, *symbols, options=[*kept, *changes])

    def _members(self) -> bool:
        return bool(self.members) or any(name == "--symbols-file" for name, _ in self.options)

    def remedy(self, recipe: str | None) -> str:
        """Return the training that changes one thing: the recipe, or where that is `default` the model.

        Never the same run again: it would come out the same. Where neither is left, what shows the prices.
        """
        if self.model and self.model in SECTIONS and recipe != "default":
            return self.train(("--recipe", "default"))
        if self.model != "ridge":
            return self.train(model="ridge", without=("--estimator",))
        return self.prices()

    def backtest(self, *changes: Option) -> str:
        """Return what trades these forecasts: exactly these where the run was kept."""
        if self.kept and self.symbol:
            mine = self._carried("backtest", only=("--target", "--estimator"))
            # Without `--again` no log tells that a backtest like the training's was made: a step without end.
            more = changes or (("--again", None),)
            return self.of("backtest", self.symbol, options=[("--run", self.trained), *mine, *more])
        if not (self.again and self.model and self.symbol) or self.panel:
            return self.show()
        kept = [o for o in self._carried("backtest") if o[0] not in dict(changes)]
        return self.of("backtest", self.symbol, options=[("--model", self.model), *kept, *changes])

    def audit(self) -> str:
        """Return the audit of the run; where what is the user's own cannot be named, what shows its log."""
        given = self._carried("audit", only=_OWN)
        if not self.kept or {f"--{kind}" for kind in self.own} - set(dict(given)):
            return self.show()
        return self.of("audit", options=[("--run", self.trained), *given])

    def audit_traded(self, *changes: Option) -> str:
        """Return the audit of the same model under other trading settings."""
        if not (self.again and self.model and self.symbol) or self.panel:
            return self.audit()
        kept = [o for o in self._carried("audit") if o[0] not in dict(changes)]
        return self.of("audit", self.symbol, options=[("--model", self.model), *kept, *changes])

    def without_own(self) -> str:
        """Return the same training without what is the user's own: shows whether that is the cause."""
        model = "ridge" if "estimator" in self.own else None
        return self.train(model=model, without=_OWN)

    def judge(self) -> str:
        """Return what judges the run once more."""
        if not self.kept:
            return self.show()
        return self.of("judge", self.name, options=self._carried("judge"))

    def _carried(self, command: str, only: Sequence[str] | None = None) -> list[Option]:
        takes = TAKES[command][0] if only is None else only
        return [option for option in self.options if option[0] in takes]


def commands_of(line: str, name: str, folders: Folders) -> Commands:
    """Return what there is to type about a run of which only the line that trains it is known.

    Parameters
    ----------
    line : str
        As `Commands.train` gives it; of a run that no line can train the one that shows its log.
    """
    typed = Typed.of(line) or Typed((), ())
    panel = typed.value("--panel")
    trained = typed.words[:1] == ("train",) and len(typed.words) > 1
    symbols = typed.words[2:] if trained else ()
    return Commands(
        name=name,
        trained=name,
        symbol=panel or (symbols[0] if symbols else ""),
        model=typed.words[1] if trained else "",
        options=tuple(o for o in typed.options if o[0] not in ("--panel", *_FOLDERS)),
        members=symbols if panel else (),
        panel=panel is not None,
        again=trained,
        folders=Folders(typed.value("--runs-dir") or folders.runs, folders.logs),
    )


def word(text: str | None) -> str:
    """Return a text of a log as a word that a command may hold; empty where it is none.

    >>> word("AAPL"), word("A;reboot"), word("--debug")
    ('AAPL', '', '')
    """
    return text if text and _WORD.fullmatch(text) else ""


def goes_on(line: str, folders: Folders) -> str:
    """Return the line as it was typed, with the folders of the reader where it names none."""
    typed = Typed.of(line)
    assert typed is not None
    runs = folders.runs if not typed.has("--runs-dir") else RUNS_DIR
    logs = folders.logs if not typed.has("--log-dir") else LOG_DIR
    return Folders(runs, logs).command(*shlex.split(line), runs=True, logs=True)
