"""What a check is: one question to the records of one run, with a stable code.

It fires, stays quiet, or does not apply. A finding cites the lines it rests on, so that whoever reads it can
look them up.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from geiger.checks.commands import OWN_KINDS, Commands, Typed, goes_on, options_of, word
from geiger.command_line import RUNS_DIR, USUAL, Folders
from geiger.figures import STRATEGY, FigureName, ScoreName
from geiger.records import Assessment, Figure, RunLog, RunSettings, Status
from geiger.runlog.wording import assessment_of, audit_line, settings_of
from geiger.settings.models import OWN, SECTIONS, log_names

COMMANDS = {said: name for said, name in log_names().items() if name in SECTIONS and said != name}
IN_MEMORY = "frame"  # the source of prices that were handed over, and that no command can name


def command_name(model: str) -> str:
    """Return a model as commands take it, whichever of its names is given.

    >>> command_name("GBM_LGB"), command_name("lgb")
    ('lgb', 'lgb')
    """
    return COMMANDS.get(model.lower(), model.lower())


class Severity(StrEnum):
    """How much a finding matters."""

    FAIL = "FAIL"  # mend it before anything else: what follows from the run is not to be used
    WARN = "WARN"  # go on knowing it
    NOTE = "NOTE"  # worth knowing


@dataclass(frozen=True)
class Evidence:
    """Where a finding can be looked up.

    Attributes
    ----------
    file : str
        Name of the ``.log``, or of the ``.jsonl`` beside it.
    line : int or None
        Counted from 1; None where the evidence is that a line is missing.
    text : str
        What stands there, or is missing.
    """

    file: str
    line: int | None
    text: str

    @property
    def place(self) -> str:
        """Return ``AAPL_lstm_20251229_143022.log:41``."""
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """What a check found: the fact, its evidence, the likely cause, and the next command to type.

    Attributes
    ----------
    runs : tuple of str
        Of a pattern in several runs: those that show it, the oldest first.
    """

    code: str
    title: str
    severity: Severity
    text: str
    evidence: tuple[Evidence, ...]
    cause: str
    next: str
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fires:
    """A check's answer: yes. `next` is a command line, put together by `Case.commands`."""

    text: str
    evidence: tuple[Evidence, ...]
    cause: str
    next: str
    severity: Severity | None = None  # where it differs from the check's own


@dataclass(frozen=True)
class Quiet:
    """A check's answer: nothing of the kind."""


@dataclass(frozen=True)
class NotApplicable:
    """A check's answer: the log does not say enough to ask."""

    why: str


Answer: TypeAlias = Fires | Quiet | NotApplicable


@dataclass(frozen=True)
class Case:
    """One run as its checks see it.

    Attributes
    ----------
    name : str
        Stem of the log.
    log : RunLog
    began : datetime or None
        Local time in the name.
    idle : float or None
        Seconds since the log last grew; None where nobody looked.
    today : date
        The day on which the question is asked.
    before : Case or None
        The finished run of the same symbol and model before this one.
    folders : Folders
        Where the reader's command looks for logs and runs.
    line : str
        Of a backtest: the line that trains what it traded; empty where nobody looked.
    """

    name: str
    log: RunLog
    began: dt.datetime | None = None
    idle: float | None = None
    today: dt.date = dt.date.max
    before: Case | None = None
    folders: Folders = USUAL
    line: str = ""

    @cached_property
    def settings(self) -> RunSettings:
        """The settings as values."""
        return settings_of(self.log)

    @cached_property
    def assessment(self) -> Assessment:
        """What health table and doctor say of the test forecasts."""
        return assessment_of(self.log)

    @cached_property
    def config(self) -> dict[str, str]:
        """The config section as it reads: to cite, and to tell whether two runs say the same."""
        return dict(self.log.config)

    @cached_property
    def symbol(self) -> str:
        """The symbol, from the settings or the name of the log."""
        return self.settings.symbol or self.name.split("_")[0]

    @cached_property
    def kind(self) -> str:
        """The model in the log's name: ``gbm_xgb``, ``backtest`` for a backtest of any model."""
        named = re.fullmatch(
            r".+?_(" + "|".join([*SECTIONS, *COMMANDS, "backtest"]) + r")_\d{8}_\d{6}", self.name
        )
        return named[1] if named else self.settings.model or ""

    @cached_property
    def model(self) -> str:
        """The model as commands take it: ``xgb`` for ``gbm_xgb``, ``lstm`` for ``lstm_regressor``.

        Where the settings of another program name none of ours, the log's name may, as in the plan.
        """
        said = command_name(self.settings.model or self.kind)
        named = command_name(self.kind)
        return named if self.log.schema == 0 and said not in SECTIONS and named in SECTIONS else said

    @property
    def is_backtest(self) -> bool:
        """Whether it traded the forecasts of another run."""
        return self.kind == "backtest"

    @property
    def is_panel(self) -> bool:
        """Whether it learned from many symbols as one, under the name that stands for the symbol."""
        return self.settings.members is not None

    def figure(self, name: FigureName) -> Figure | None:
        """Return one of the final metrics, None where the log lacks it or it is undefined."""
        found = next((figure for figure in self.log.figures if figure.name == name), None)
        return None if found is None or found.value is None else found

    def value(self, name: FigureName) -> float | None:
        """Return the value of one of the final metrics, None where there is none."""
        found = self.figure(name)
        return None if found is None else found.value

    def score(self, name: ScoreName, path: str = STRATEGY) -> float | None:
        """Return one cell of the scorecard, None where there is none."""
        rows = (dict(score.values) for score in self.log.scorecard.scores if score.name == name)
        return next((row.get(path) for row in rows), None)

    def note(self, word: str) -> str | None:
        """Return the note that begins with `word` and a colon, without them."""
        head = f"{word}: "
        return next((n.removeprefix(head) for n in self.log.scorecard.notes if n.startswith(head)), None)

    def at(self, key: str, text: str) -> Evidence:
        """Cite the line of the text that `key` of `RunLog.lines` names."""
        return Evidence(f"{self.name}.log", self.log.lines.get(key), text)

    def at_setting(self, name: str) -> Evidence:
        """Cite one line of the config section."""
        return self.at(f"TRAINING CONFIG/{name}", f"{name}: {self.config.get(name, 'missing')}")

    def at_warning(self, code: str) -> Evidence:
        """Cite one warning."""
        text = self.warning(code)
        place = "WARNINGS/" + code
        if place in self.log.lines or not self.log.warnings:
            return self.at(place, f"{code}: {text}")
        return self.at_event(f"warning/{code}", f"{code}: {text}")  # killed before its warnings were printed

    def warning(self, code: str) -> str:
        """Return the text of one warning, empty where the log does not hold it."""
        return next((notice.text for notice in self.log.warnings if notice.code == code), "")

    def warned(self, *codes: str) -> str | None:
        """Return the first of these warnings that the log holds."""
        held = {notice.code for notice in self.log.warnings}
        return next((code for code in codes if code in held), None)

    def at_note(self, word: str, text: str) -> Evidence:
        """Cite the note that begins with `word` and a colon."""
        return self.at(f"SCORECARD/Note/{word}", text)

    def at_audit(self) -> Evidence:
        """Cite the line of the audit: that of the events where it was made after the text was written."""
        if "VERDICT/Audit" not in self.log.lines and "audit" in self.log.event_lines:
            return self.at_event("audit", audit_line(self.log.audit))
        return self.at("VERDICT/Audit", audit_line(self.log.audit))

    def at_event(self, key: str, text: str) -> Evidence:
        """Cite the line of the events that `key` of `RunLog.event_lines` names."""
        return Evidence(f"{self.name}.jsonl", self.log.event_lines.get(key), text)

    def at_figure(self, name: str, shown: str) -> Evidence:
        """Cite the line of one of the final metrics, with its value as `shown`."""
        return self.at(f"FINAL METRICS/{name}", f"{name}: {shown}")

    def at_score(self, name: ScoreName, text: str) -> Evidence:
        """Cite one row of the scorecard."""
        return self.at(f"SCORECARD/Figure/{name}", text)

    @cached_property
    def typed(self) -> Typed | None:
        """The command line that the log names, taken apart; None where it names none of ours."""
        return Typed.of(self.settings.command)

    @cached_property
    def commands(self) -> Commands:
        """What there is to type about this run."""
        settings = self.settings
        typed = Typed.of(self.line) or self.typed
        trained = typed is not None and typed.words[:1] == ("train",)
        own = tuple(kind for kind in OWN_KINDS if getattr(settings, f"own_{kind}") is not None)
        options = options_of(settings, typed)
        named = dict(options)
        nameless = {f"--{kind}" for kind in own} - set(named)
        model = self.model if self.model in SECTIONS else OWN if "--estimator" in named else ""
        if trained and self.is_panel and typed is not None:
            members, files = typed.words[2:], [o for o in typed.options if o[0] == "--symbols-file"]
            options = (*files, *options)
        return Commands(
            name=self.name,
            trained=settings.forecasts_of or self.name,
            symbol=word(self.symbol),
            model=model,
            options=options,
            members=members if trained and self.is_panel else (),
            panel=self.is_panel,
            again=settings.source != IN_MEMORY and not nameless - {"--estimator"},
            kept=settings.data_hash is not None and self.log.status in (Status.SUCCESS, Status.COLLAPSED),
            own=own,
            folders=self.places,
        )

    @property
    def places(self) -> Folders:
        """Where logs and runs lie: as the reader's command says, else as the run's own did."""
        if self.folders.runs != RUNS_DIR:
            return self.folders
        typed = None if self.typed is None else self.typed.value("--runs-dir")
        return Folders(self.settings.runs_dir or typed or RUNS_DIR, self.folders.logs)

    def again(self) -> str:
        """Return the command that goes on with this very run, as it was typed where the log says so."""
        if self.typed is not None and self.typed.words[:1] in (("train",), ("backtest",), ("demo",)):
            return goes_on(self.settings.command or "", self.places)
        return self.commands.backtest() if self.is_backtest else self.commands.train()

    def remedy(self) -> str:
        """Return the training that changes one thing; see `Commands.remedy`."""
        return self.commands.remedy(self.settings.recipe)

    @property
    def can_be_traded(self) -> bool:
        """Whether a backtest can have its forecasts: the run was kept, or a model of ours makes new ones."""
        return self.settings.data_hash is not None or self.model in SECTIONS


@dataclass(frozen=True)
class Check:
    """One question with a stable code.

    Attributes
    ----------
    how, why : str
        How it is detected and why it matters: sentences of the page that lists all checks.
    """

    code: str
    title: str
    severity: Severity
    how: str
    why: str
    ask: Callable[[Case], Answer]

    def __call__(self, case: Case) -> Finding | None:
        """Return the finding where the check fires."""
        answer = self.ask(case)
        if not isinstance(answer, Fires):
            return None
        severity = answer.severity or self.severity
        return Finding(
            self.code, self.title, severity, answer.text, answer.evidence, answer.cause, answer.next
        )


def check(
    code: str, title: str, severity: Severity, *, how: str, why: str
) -> Callable[[Callable[[Case], Answer]], Check]:
    """Make a function a check."""
    return lambda ask: Check(code, title, severity, how, why, ask)
