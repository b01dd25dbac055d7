"""One word for what a run came to, and what that word rests on.

BAD and CAUTION say that something is wrong with it. GOOD says that nothing is, and that the verdict is a
signal; NOTHING SHOWN that nothing is wrong and nothing was shown. A log without a verdict is asked for the
test of its directions in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from geiger.checks.audited import RED
from geiger.checks.base import Case, Finding, Severity
from geiger.checks.forecasts import health_codes
from geiger.figures import FigureName
from geiger.records import Answer, Figure, HealthCode, as_text
from geiger.runlog.verdict import answer_in

LEVEL = 0.05  # of the direction test
_FAULTS = ("GC1", "GC2", "GC401", RED)  # training, forecasts, leaks
_NO_FAULT = ("GC118", "GC203", "GC205", "GC212")  # nothing was found, and nothing is wrong
_EMPTY = (HealthCode.NO_SKILL, HealthCode.DRIFT_ONLY)


class Word(StrEnum):
    """What a run came to."""

    GOOD = "GOOD"
    NOTHING_SHOWN = "NOTHING SHOWN"
    CAUTION = "CAUTION"
    BAD = "BAD"


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes
    ----------
    word : Word
    shown : bool
        Whether the verdict speaks for it, or else accuracy above the base rate and the direction test.
    rests : str
        On what `shown` rests: ``verdict CANNOT TELL``, ``direction test p 0.031``.
    figures : tuple of Figure
        The figures named in `rests`.
    """

    word: Word
    shown: bool
    rests: str
    figures: tuple[Figure, ...] = ()

    @property
    def text(self) -> str:
        """Return the word, and what it rests on where it is about that."""
        about_it = self.word in (Word.GOOD, Word.NOTHING_SHOWN)
        return f"{self.word} ({self.rests})" if about_it and self.rests else str(self.word)


def result_of(case: Case, findings: Sequence[Finding]) -> Result | None:
    """Return what a run came to, None where nothing was measured."""
    if case.figure(FigureName.DIRECTION_ACCURACY) is None and case.figure(FigureName.PREDICTION_STD) is None:
        return None
    gravest = {f.severity for f in findings if f.code.startswith(_FAULTS) and f.code not in _NO_FAULT}
    against = next(_against(case), None)
    test = case.figure(FigureName.DIRECTION_TEST_P)
    judged = answer_in(case.log.verdict[0]) is not None
    for_it = ("verdict SIGNAL", ()) if judged else (_p_text(test), (test,) if test else ())
    rests, figures = against or for_it
    word = Word.NOTHING_SHOWN if against else Word.GOOD
    if Severity.WARN in gravest:
        word = Word.CAUTION
    if Severity.FAIL in gravest:
        word = Word.BAD
    return Result(word, against is None, rests, figures)


def _against(case: Case) -> Iterator[tuple[str, tuple[Figure, ...]]]:
    """Yield each reason why nothing was shown; where there is a verdict it alone says."""
    answer = answer_in(case.log.verdict[0])
    if answer is not None:
        if answer is not Answer.SIGNAL:
            yield f"verdict {answer}", ()
        return
    if case.is_panel:  # whose symbols share their days, which no direction test of ours allows for
        yield "no verdict", ()
        return
    accuracy, base, test = (
        case.figure(n)
        for n in (FigureName.DIRECTION_ACCURACY, FigureName.BASE_RATE, FigureName.DIRECTION_TEST_P)
    )
    if accuracy is None or accuracy.value is None:
        yield "no direction accuracy", ()
    elif base is None or base.value is None:
        yield "no base rate to compare with", ()
    elif accuracy.value <= base.value:
        yield "not above the base rate", ()
    if test is None or test.value is None:
        yield "no direction test", ()
    elif test.value >= LEVEL:
        yield _p_text(test), (test,)
    yield from ((str(code), ()) for code in _EMPTY if code in health_codes(case))


def _p_text(test: Figure | None) -> str:
    return "" if test is None else f"direction test p {as_text(test.value, 'p')}"
