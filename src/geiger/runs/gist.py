"""What a run came to, for a person in a hurry: the answer, how much, what it earned, what is wrong, what now.

The terminal, the page, the notebook, the list of runs and the live view show this first, and all of them
show the same.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from geiger.command_line import Folders
from geiger.figures import FigureName
from geiger.records import Answer, Notice, Outcome, SourceVerdict, Status, Verdict, Why, Worth, as_text
from geiger.runlog.verdict import NINE_TENTHS, headline
from geiger.runs.record import RunRecord

COLUMNS = 80
MOST_LINES = 10
MOST_WRONG = 3
MOST_OF_ONE = 2  # lines of what is wrong, the rest of it stands in the log
INDENT = 12  # columns of a fact's name
LEAK = "LEAK_SUSPECT"
DOCTOR = "DOCTOR_"
USUAL = Folders()
UNDEFINED = as_text(None, "ratio")
ADVICE = "; `"  # begins a command in a reason: the last line has the one to type
_LUCK = {
    Worth.YES: "more than luck",
    Worth.NO: "less, and hardly by luck",
    Worth.CANNOT_TELL: "could be luck",
}
_BESIDE = (Why.RINGS, Why.WEAK, Why.DOES_NOT_PAY)  # reasons that the sentence itself gives


class Part(StrEnum):
    """What a line of a gist is, so that whoever shows it can give it a colour."""

    ANSWER = "answer"
    ALARM = "alarm"
    FACT = "fact"
    WRONG = "wrong"
    PLACE = "place"
    NEXT = "next"


Line = tuple[Part, str]


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
    alarms : int
        How many of them, the first ones, are alarms of a leak: they come before anything good is said.
    where : str
        The folder of the run.
    next : str
        The command to type now.
    """

    title: str
    answer: Answer | None
    headline: str
    facts: tuple[tuple[str, str], ...]
    wrong: tuple[Notice, ...]
    alarms: int = 0
    where: str = ""
    next: str

    def lines(self, columns: int = COLUMNS) -> tuple[str, ...]:
        """Return at most ten lines of at most `columns` characters, a path or command in one piece."""
        return tuple(text for _, text in self.parts(columns))

    def parts(self, columns: int = COLUMNS) -> tuple[Line, ...]:
        """Return the lines with what each of them is; where they would be too many, the least facts go."""
        head = _wrapped(f"{self.title}: {self.headline}", "", "  ", columns, most=3)
        last = [(Part.PLACE, "Run", self.where), (Part.NEXT, "Next", self.next)]
        end = [(part, f"{_named(name)}{text}") for part, name, text in last if text]
        alarms, wrong = self.wrong[: self.alarms], self.wrong[self.alarms :]
        blocks = [
            *(self._block(Part.ALARM, "Alarm", _told(one), columns) for one in alarms[:MOST_WRONG]),
            *(self._block(Part.FACT, name, text, columns) for name, text in self.facts),
            *(self._block(Part.WRONG, "Wrong", _told(one), columns) for one in wrong[:MOST_WRONG]),
        ]
        kept = _fitting(blocks, MOST_LINES - len(head) - len(end))
        return (*((Part.ANSWER, text) for text in head), *kept, *end)

    def _block(self, part: Part, name: str, text: str, columns: int) -> list[Line]:
        most = MOST_OF_ONE if part in (Part.ALARM, Part.WRONG) else None
        return [(part, line) for line in _wrapped(text, _named(name), " " * INDENT, columns, most=most)]


def gist_of(record: RunRecord, folders: Folders = USUAL) -> Gist:
    """Return the gist of a run."""
    verdict, wrong = record.verdict, tuple(dict.fromkeys(_wrong(record)))
    return Gist(
        title=f"{record.symbol} {record.model}",
        answer=None if verdict is None else verdict.answer,
        headline=headline(verdict),
        facts=tuple(_facts(record)),
        wrong=wrong,
        alarms=len(dict.fromkeys(_alarms(record))),
        where=f"{folders.runs.rstrip('/')}/{record.name}",
        next=next_command(record, folders),
    )


def next_command(record: RunRecord, folders: Folders = USUAL) -> str:
    """Return the one command that leads on from a run."""
    name, audit, verdict = record.name, record.audit, record.verdict
    trained = record.forecasts_of or name
    reasons = () if verdict is None else tuple(reason.code for reason in verdict.reasons)
    red = audit is not None and not audit.green
    # Without the user's own code nobody audits again what it made: the log says how to mend it.
    if record.status is not Status.SUCCESS or (red and record.own.kinds):
        return folders.command("geiger", "logs", "analyze", name, logs=True)
    if red or (Why.NOT_AUDITED in reasons and not record.own.kinds):
        return folders.command("geiger", "audit", "--run", trained, runs=True)
    return folders.command("geiger", "report", name, runs=True, logs=True)


def effect_in_words(v: Verdict) -> str:
    """Return how much of what was forecast came, with its interval of 90%, and from where on it pays."""
    if v.slope is None or v.slope_error is None:
        return "undefined"
    low, high = (v.slope + side * NINE_TENTHS * v.slope_error for side in (-1.0, 1.0))
    if v.panel is not None:
        pays = "" if v.needed_slope is None else f"; trading pays from {v.needed_slope:+z.3f} on"
        return (
            f"for each 1 more of score a symbol did {v.slope:+z.3f} daily volatilities better (90% interval "
            f"{low:+z.3f} to {high:+z.3f}){pays}"
        )
    pays = "" if v.needed_slope is None else f"; trading pays from {v.needed_slope:+z.2f}% on"
    return (
        f"for each 1% more that was forecast, {v.slope:+z.2f}% came (90% interval {low:+z.2f}% to "
        f"{high:+z.2f}%){pays}"
    )


def money_in_words(record: RunRecord) -> str:
    """Return what trading earned, beside holding the market; empty where nothing was traded."""
    text = _figures(record)
    if FigureName.SHARPE not in text:
        return ""
    verdict, panel = record.verdict, bool(record.members)
    held = "equal weight" if panel else "buy and hold"
    beside_it = f"{held} {text.get(FigureName.BUY_AND_HOLD_SHARPE, UNDEFINED)}"
    if text[FigureName.SHARPE] == UNDEFINED:  # no gain, no loss: nothing that luck could have made
        return f"Sharpe undefined, as the returns of its trading do not move; {beside_it}"
    told = f"Sharpe {text[FigureName.SHARPE]} net of costs, {beside_it}"
    if verdict is None or verdict.difference is None:
        return told
    beside = "equal weight at the same exposure" if panel else "it at the same volatility"
    return f"{told}; {100 * verdict.difference:+z.1f}% a year beside {beside} ({_LUCK[verdict.worth]})"


def _figures(record: RunRecord) -> dict[str, str]:
    return {figure.name: as_text(figure.value, figure.unit) for figure in record.results.figures}


def _facts(record: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield the effect, what trading it earned, how often the direction was right, how the training ended."""
    text = _figures(record)
    if record.verdict is not None and record.verdict.slope is not None:
        yield "Effect", effect_in_words(record.verdict)
    if money := money_in_words(record):
        yield "Money", money
    right, base = text.get(FigureName.DIRECTION_ACCURACY), text.get(FigureName.BASE_RATE)
    if right not in (None, UNDEFINED) and base not in (None, UNDEFINED) and not record.members:
        yield "Direction", f"{right} right; the commoner direction alone {base}"
    points = record.results.checkpoints
    passed = sum(point.outcome is Outcome.PASS for point in points)
    ended = "ended well" if record.status is Status.SUCCESS else f"ended {record.status}"
    of = f"; {passed} of {len(points)} checkpoints passed" if points else ""
    noted = len(record.warnings)
    warned = f"; {noted} warning{'' if noted == 1 else 's'}" if noted else ""
    yield "Training", f"{ended}{of}{warned}"


def _alarms(record: RunRecord) -> Iterator[Notice]:
    """Yield the alarms of a leak: of the verdict, or of the run where it has none."""
    if record.verdict is not None:
        yield from record.verdict.alarms
    else:
        yield from (notice for notice in record.warnings if notice.code == LEAK)


def _wrong(record: RunRecord) -> Iterator[Notice]:
    """Yield alarms, what keeps the answer from being better, and what went wrong in training, worst first."""
    verdict, health, audit = record.verdict, record.results.health, record.audit
    yield from _alarms(record)
    reasons = () if verdict is None else verdict.reasons
    if audit is not None and not audit.green and Why.LOOK_AHEAD not in {reason.code for reason in reasons}:
        yield Notice(Why.LOOK_AHEAD, f"the audit is red: {audit.leak or 'a planted leak was not caught'}")
    if health is not None and record.status is not Status.SUCCESS:
        yield Notice(str(health.codes[0]), health.meaning)
    said = "" if verdict is None else verdict.sentence
    yield from (one for one in reasons if one.code not in set(_BESIDE) and one.text != said)
    check = None if verdict is None else verdict.check
    if check is not None and check.verdict is SourceVerdict.BROKEN:
        yield Notice("CHECK_SOURCE", check.text())
    yield from (notice for notice in record.warnings if notice.code.startswith(DOCTOR))
    for model in record.bases_failed:
        yield Notice("BASE_FAILED", f"{model} could not be trained and is left out")


def _told(notice: Notice) -> str:
    return f"{notice.code}: {notice.text.partition(ADVICE)[0]}"


def _named(name: str) -> str:
    return f"  {name:<{INDENT - 2}}"


def _fitting(blocks: list[list[Line]], room: int) -> list[Line]:
    """Return the blocks for which there is room, in order; the least facts go first, then what is wrong."""
    kept = dict(enumerate(blocks))
    places = {part: [i for i, block in kept.items() if block[0][0] is part] for part in Part}
    facts, wrong = places[Part.FACT][::-1], places[Part.WRONG][::-1]
    # The first fact and the first that is wrong are worth more than all others.
    for place in (
        *facts[:-2],
        *wrong[:-1],
        *facts[-2:-1],
        *facts[-1:],
        *wrong[-1:],
        *places[Part.ALARM][:0:-1],
    ):
        if sum(map(len, kept.values())) <= room:
            break
        del kept[place]
    return [line for block in kept.values() for line in block]


def _wrapped(text: str, first: str, later: str, columns: int, most: int | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=most,
        placeholder=" ...",
    )
