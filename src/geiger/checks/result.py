"""One word for what a run came to, and what that word rests on.

BAD and CAUTION say that something is wrong with it. GOOD says that nothing is, and that the verdict is a
signal; NOTHING SHOWN that nothing is wrong and nothing was shown. A log without a verdict is asked for the
test of its directions in its place, and one with the plan's figures alone for the plan's own gates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
_BELOW = "accuracy below the base rate"
BY_THE_PLAN = "by the plan's gates alone; no verdict and no base rate, so no word on skill"
_GATES = (  # the plan's checkpoints 2 to 4, and its minimum of accuracy
    (FigureName.DIRECTION_ACCURACY, 0.52, float("inf")),
    (FigureName.PREDICTION_STD, 0.01, float("inf")),
    (FigureName.POSITIVE_SHARE, 0.35, 0.65),
    (FigureName.WFE, 0.5, float("inf")),
)
_ASKED_FOR = (FigureName.DIRECTION_ACCURACY, FigureName.PREDICTION_STD)
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
        On what the word rests: ``verdict CANNOT TELL``, ``direction test p 0.031``, ``GC204; verdict
        SIGNAL``.
    figures : tuple of Figure
        The figures named in `rests`.
    """

    word: Word
    shown: bool
    rests: str
    figures: tuple[Figure, ...] = ()

    @property
    def text(self) -> str:
        """Return the word, and what it rests on."""
        return f"{self.word} ({self.rests})" if self.rests else str(self.word)


def result_of(case: Case, findings: Sequence[Finding]) -> Result | None:
    """Return what a run came to, None where nothing was measured.

    Where a verdict stands, the word follows from it: GOOD needs `SIGNAL`, and an accuracy that is not below
    its base rate. Faults of training, forecasts or leaks make it CAUTION or BAD whatever the verdict.
    """
    if case.figure(FigureName.DIRECTION_ACCURACY) is None and case.figure(FigureName.PREDICTION_STD) is None:
        return None
    faults = [f for f in findings if f.code.startswith(_FAULTS) and f.code not in _NO_FAULT]
    for severity, word in ((Severity.FAIL, Word.BAD), (Severity.WARN, Word.CAUTION)):
        found = [f.code for f in faults if f.severity is severity]
        if found:
            plain = _without_faults(case)
            return replace(plain, word=word, rests="; ".join([", ".join(found), *_verdict(case)]))
    return _without_faults(case)


def _verdict(case: Case) -> tuple[str, ...]:
    answer = answer_in(case.log.verdict[0])
    return () if answer is None else (f"verdict {answer}",)


def _without_faults(case: Case) -> Result:
    """Return what a run came to in which nothing is wrong."""
    answer = answer_in(case.log.verdict[0])
    accuracy, base = case.figure(FigureName.DIRECTION_ACCURACY), case.figure(FigureName.BASE_RATE)
    if answer is Answer.SIGNAL:
        if accuracy and base and (accuracy.value or 0.0) < (base.value or 0.0):
            return Result(Word.CAUTION, True, f"verdict {answer}; {_BELOW}", (accuracy, base))
        return Result(Word.GOOD, True, f"verdict {answer}")
    if answer is None and _has_the_plans_figures_only(case):
        missed = next(_missed(case), None)
        return Result(Word.NOTHING_SHOWN, False, missed) if missed else Result(Word.GOOD, True, BY_THE_PLAN)
    against = next(_against(case), None)
    if against is not None:
        return Result(Word.NOTHING_SHOWN, False, *against)
    test = case.figure(FigureName.DIRECTION_TEST_P)
    return Result(Word.GOOD, True, _p_text(test), (test,) if test else ())


def _has_the_plans_figures_only(case: Case) -> bool:
    """Whether another program wrote the log, with nothing to hold its accuracy against."""
    beyond = (FigureName.BASE_RATE, FigureName.DIRECTION_TEST_P)
    return case.log.schema == 0 and all(case.figure(name) is None for name in beyond)


def _missed(case: Case) -> Iterator[str]:
    """Yield each of the plan's own gates that its figures miss."""
    for name, least, most in _GATES:
        figure = case.figure(name)
        value = None if figure is None else figure.value
        if figure is None or value is None:
            if name in _ASKED_FOR:
                yield f"no {name}"
        elif not least < value < most:
            yield f"{name} {as_text(value, figure.unit)}, and the plan asks for {_range(least, most)}"


def _range(least: float, most: float) -> str:
    """Say a range; only the spread is no share.

    >>> _range(0.01, float("inf")), _range(0.5, float("inf")), _range(0.35, 0.65)
    ('above 0.01', 'above 50%', '35% to 65%')
    """
    if most > 1.0:
        return f"above {least:.0%}" if least > 0.1 else f"above {least:g}"
    return f"{least:.0%} to {most:.0%}"


def _against(case: Case) -> Iterator[tuple[str, tuple[Figure, ...]]]:
    """Yield each reason why nothing was shown; where there is a verdict it alone says."""
    answer = answer_in(case.log.verdict[0])
    if answer is not None:
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
