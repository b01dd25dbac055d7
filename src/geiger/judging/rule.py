"""The rule of the verdict, fixed before anything was measured with it (docs/verdict.md).

SIGNAL asks for scores that luck and all tries explain less than once in a hundred times, a slope whose sign
few wild days did not make, a green audit, and no alarm; where no audit is possible, because the forecasts
were made elsewhere, the user's word stands in its place and in the answer. NO SIGNAL asks for an effect whose
upper bound would not pay for its trading. Everything else is CANNOT TELL, with the days that are missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from geiger.evidence.day_test import DayTest
from geiger.evidence.regime import Following
from geiger.evidence.score_test import ENOUGH, LEVEL
from geiger.records import Answer, AuditSummary, Notice, Tries, Why

BOUND = NormalDist().inv_cdf(0.95)  # errors up to the upper bound of an effect
POWER = NormalDist().inv_cdf(0.8)  # the shares of samples in which an effect shall be found

TOO_GOOD = "figures as good as these come from a leak far more often than from skill; find it first"
INDEX = "of an index level, which nobody can buy, so that no trade of it is possible"
BOUNCE = (
    "filled at the close that the forecast has seen, where the bounce of prices between bid and ask rings "
    "too, and nobody can trade it"
)
SIGNED = (
    "an audit is not possible here: all of it rests on your word that each forecast was made before what it "
    "is of, with nothing that was known only later"
)
NOT_SIGNED = (
    "an audit is not possible here, and nobody signs that each forecast was made before what it is of, with "
    "nothing that was known only later (--made-in-time)"
)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an answer is given from.

    Attributes
    ----------
    test : DayTest
    tries : Tries or None
        None where nobody can say how many there were; `tries_unknown` says why.
    corrected_p : float or None
        The p of the scores with all tries counted.
    needed_slope : float or None
        From which on the trading pays its costs.
    alarms : sequence of Notice
    at_the_close : bool
        Whether positions are filled at the close that their forecast has seen, which nobody can do.
    not_tradable : bool
        Whether the prices are those of an index, which cannot be bought.
    following : Following or None
        The past mean that the forecasts go with, where they do.
    audit : AuditSummary or None
        None where there was none; `how_to_audit` says what makes one.
    made_in_time : bool or None
        Of forecasts made elsewhere, which cannot be audited here: whether the user signs that each was made
        before what it is of. None for those of a run.
    names : float or None
        Symbols of a day that are compared with each other, on average; None where there is one alone.
    """

    test: DayTest
    tries: Tries | None
    corrected_p: float | None
    needed_slope: float | None
    alarms: Sequence[Notice] = ()
    at_the_close: bool = False
    not_tradable: bool = False
    following: Following | None = None
    audit: AuditSummary | None = None
    tries_unknown: str = ""
    how_to_audit: str = ""
    made_in_time: bool | None = None
    names: float | None = None

    @property
    def bar(self) -> float:
        """Errors above 0 that a mean score must lie for a p below the level, were all tries independent."""
        return NormalDist().inv_cdf(1.0 - self.level_of_one)

    @property
    def level_of_one(self) -> float:
        """The p below which one try alone must lie, were all tries independent (Sidak, 1967)."""
        tries = 1 if self.tries is None else max(self.tries.skill, 1)
        return 1.0 - math.pow(1.0 - LEVEL, 1.0 / tries)

    @property
    def detectable(self) -> float | None:
        """Share of the outcome's variance that would be found in four of five such samples."""
        error = self.test.slope_error
        return None if error is None else self.test.explained((self.bar + POWER) * error)

    def times_for(self, slope: float | None) -> float | None:
        """Return how many times these scores a slope needs to be found in four of five samples.

        None where it is not above 0, or nothing was tested.
        """
        error = self.test.slope_error
        if error is None or slope is None or not slope > 0.0:
            return None
        times = ((self.bar + POWER) * error / slope) ** 2
        return times if math.isfinite(times) else None

    def days_for(self, slope: float | None) -> int | None:
        """Return the days that are missing until then; None as `times_for`."""
        times = self.times_for(slope)
        return None if times is None else max(0, math.ceil(self.test.n * times - self.test.n))

    @property
    def pays_nowhere(self) -> bool:
        """Whether even the upper bound of the effect would not pay for its trading."""
        slope, error, needed = self.test.slope, self.test.slope_error, self.needed_slope
        return None not in (slope, error, needed) and slope + BOUND * error < needed  # type: ignore[operator]


def answer(found: Evidence) -> tuple[Answer, str, tuple[Notice, ...]]:
    """Return the answer, a sentence for a person who knows no statistics, and the reasons, worst first."""
    against = [*_nothing_counts(found)]
    if not against and found.test.p_value < LEVEL:
        against = [*_not_yet(found)]
        if not against:
            text = (
                f"the forecasts know {_something(found)}: luck and {_tried(found.tries)} would give "
                "such scores less than once in a hundred times"
            )
            for but in (INDEX if found.not_tradable else "", BOUNCE if found.at_the_close else ""):
                text = f"{text}; {but}" if but else text
            beside = [_reason(Why.RINGS, text), *_beside(found)]
            if found.made_in_time is None:
                return Answer.SIGNAL, text, tuple(beside)
            beside.insert(1, _reason(Why.NOT_AUDITED, SIGNED))
            return Answer.SIGNAL_IF_IN_TIME, text, tuple(beside)
    elif not against:
        if found.pays_nowhere:
            text = f"whatever the forecasts know of {_matter(found)}, it would not pay for its trading"
            return Answer.NO_SIGNAL, text, (_reason(Why.DOES_NOT_PAY, text),)
        against = [_weak(found), *_unknown(found)]
    return Answer.CANNOT_TELL, against[0].text, tuple(against)


def _beside(found: Evidence) -> list[Notice]:
    """Return what a signal may be beside skill."""
    told = [_reason(Why.NOT_TRADABLE, INDEX)] if found.not_tradable else []
    told += [_reason(Why.AT_THE_CLOSE, BOUNCE)] if found.at_the_close else []
    return told if found.following is None else [*told, _reason(Why.REGIME, str(found.following))]


def _nothing_counts(found: Evidence) -> list[Notice]:
    """Return what makes every figure worthless."""
    test, audit, reasons = found.test, found.audit, []
    if audit is not None and not audit.green:
        where = "" if audit.leak is None else f" ({audit.leak})"
        text = f"the audit found a look into the future{where}, so no figure counts until it is mended"
        reasons.append(_reason(Why.LOOK_AHEAD, text))
    if found.alarms:
        reasons.append(_reason(Why.ALARM, TOO_GOOD))
    if test.n < ENOUGH:
        have = "day has" if test.n == 1 else "days have"
        text = f"{test.n} {have} a score, and fewer than {ENOUGH} tell nothing"
        reasons.append(_reason(Why.FEW_DAYS, text))
    elif test.statistic is None:
        reasons.append(_reason(Why.NO_SPREAD, "the forecasts do not move, so there is nothing to test"))
    if found.tries is None and test.n:  # without a score there was nothing to count
        text = f"tries unknown, so nobody knows how much luck went into these scores: {found.tries_unknown}"
        reasons.append(_reason(Why.TRIES_UNKNOWN, text))
    return reasons


def _not_yet(found: Evidence) -> list[Notice]:
    """Return what keeps scores that are above luck from being a signal."""
    test, reasons = found.test, []
    if found.corrected_p is None or found.corrected_p >= LEVEL:
        text = (
            f"the best of {_tried(found.tries)} reaches such scores by luck too often "
            f"(p {test.p_value:.4f} by itself)"
        )
        reasons.append(_reason(Why.WEAK, text))
    if test.uncut_slope is None or test.uncut_slope <= 0.0:
        text = "a few wild days decide: without cutting them the forecasts point the wrong way"
        reasons.append(_reason(Why.FEW_DAYS_DECIDE, text))
    return [*reasons, *_unknown(found)]


def _unknown(found: Evidence) -> list[Notice]:
    if found.audit is not None or found.made_in_time:
        return []
    if found.made_in_time is not None:
        return [_reason(Why.NOT_AUDITED, NOT_SIGNED)]
    how = f"; {found.how_to_audit}" if found.how_to_audit else ""
    text = f"not audited, so nobody has shown that nothing saw the future{how}"
    return [_reason(Why.NOT_AUDITED, text)]


def _weak(found: Evidence) -> Notice:
    several = "" if found.names is None else f" of {found.names:.3g} symbols"
    days = f"{found.test.n} days{several} are too few to rule out an edge that pays"
    return _reason(Why.WEAK, f"what was found could be luck, and {days}")


def _something(found: Evidence) -> str:
    return _matter(found) if found.names is not None else f"something of {_matter(found)}"


def _matter(found: Evidence) -> str:
    which = "" if found.names is None else "which symbols do better "
    return f"{which}{_ahead(found)}"


def _ahead(found: Evidence) -> str:
    return "the next day" if found.test.horizon == 1 else f"the next {found.test.horizon} days"


def _tried(tries: Tries | None) -> str:
    n = 1 if tries is None else tries.skill
    return "one try" if n == 1 else f"{n} tries"


def _reason(code: Why, text: str) -> Notice:
    return Notice(str(code), text)
