"""What a run came to, for a person in a hurry: the answer, how much, what it earned, what is wrong, what now.

The terminal, the page, the notebook, the list of runs and the live view show this first, and all of them
show the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from geiger.command_line import Folders
from geiger.figures import FigureName
from geiger.records import Answer, Notice, Outcome, Status, Why, as_text
from geiger.runlog.verdict import effect_text, headline, worth_text
from geiger.runs.record import RunRecord

COLUMNS = 80
MOST_LINES = 10
MOST_WRONG = 3
_BESIDE = (Why.RINGS, Why.WEAK, Why.DOES_NOT_PAY)  # reasons that the sentence itself gives


@dataclass(frozen=True, kw_only=True)
class Gist:
    """The first ten lines on a run.

    Attributes
    ----------
    title : str
        Symbol (or panel) and model.
    answer : Answer or None
        None where there is no verdict.
    headline : str
        The answer and its sentence.
    facts : tuple of (name, text)
        Effect, worth and the like, the most important first.
    wrong : tuple of Notice
        What is the matter, worst first, each with its code.
    next : str
        The command to type now.
    """

    title: str
    answer: Answer | None
    headline: str
    facts: tuple[tuple[str, str], ...]
    wrong: tuple[Notice, ...]
    next: str

    def lines(self, columns: int = COLUMNS) -> tuple[str, ...]:
        """Return at most ten lines of at most `columns` characters, a path or name in one piece."""
        head = _wrapped(f"{self.title}: {self.headline}", "", "  ", columns)
        facts = [("Next", self.next)]
        room = MOST_LINES - len(head) - 1
        told = [(name, text) for name, text in self._told()]
        body: list[str] = []
        for name, text in told:
            lines = _wrapped(text, f"  {name:<8} ", " " * 11, columns)
            if len(body) + len(lines) > room:
                break
            body += lines
        return (*head, *body, *(f"  {name:<8} {text}" for name, text in facts))

    def _told(self) -> Iterator[tuple[str, str]]:
        yield from self.facts
        for notice in self.wrong[:MOST_WRONG]:
            yield "Wrong", f"{notice.code}: {notice.text}"


def gist_of(record: RunRecord, folders: Folders = Folders()) -> Gist:
    """Return the gist of a run."""
    verdict = record.verdict
    return Gist(
        title=f"{record.symbol} {record.model}",
        answer=None if verdict is None else verdict.answer,
        headline=headline(verdict),
        facts=tuple(_facts(record)),
        wrong=tuple(_wrong(record)),
        next=next_command(record, folders),
    )


def next_command(record: RunRecord, folders: Folders = Folders()) -> str:
    """Return the one command that leads on from a run."""
    name, audit = record.name, record.audit
    if record.status is not Status.SUCCESS:
        return folders.command("geiger", "logs", "analyze", name, logs=True)
    if audit is not None and not audit.green:
        return folders.command("geiger", "audit", "--run", name, runs=True)
    return folders.command("geiger", "report", name, runs=True, logs=True)


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield the effect, what trading it earned, and how the training ended."""
    text = {figure.name: as_text(figure.value, figure.unit) for figure in record.results.figures}
    verdict = record.verdict
    if verdict is not None:
        yield "Effect", effect_text(verdict)
    if FigureName.SHARPE in text:
        held = text.get(FigureName.BUY_AND_HOLD_SHARPE, "undefined")
        beside = "" if verdict is None else f"; {worth_text(verdict)}"
        yield "Money", f"Sharpe {text[FigureName.SHARPE]} (buy and hold {held}){beside}"
    points = record.results.checkpoints
    passed = sum(point.outcome is Outcome.PASS for point in points)
    ended = "ended well" if record.status is Status.SUCCESS else f"ended {record.status}"
    yield "Training", f"{ended}; {passed} of {len(points)} checkpoints passed"


def _wrong(record: RunRecord) -> Iterator[Notice]:
    """Yield alarms, what keeps the answer from being better, and collapse, worst first."""
    verdict = record.verdict
    if verdict is not None:
        yield from verdict.alarms
        yield from (reason for reason in verdict.reasons if reason.code not in set(_BESIDE))
    health = record.results.health
    if health is not None and health.failed:
        yield Notice(str(health.codes[0]), health.meaning)


def _wrapped(text: str, first: str, later: str, columns: int) -> list[str]:
    return textwrap.wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
