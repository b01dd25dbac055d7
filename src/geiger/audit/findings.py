"""What an audit has found so far: what was compared, what moved, what could not be made."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from geiger.audit.causes import CLOCK, DECISION_BAR, ONE_LESS, RESCALED, cause_of
from geiger.audit.cuts import Cut
from geiger.audit.panel_worlds import ENDED, PANEL_FUTURES
from geiger.audit.stages import STAGES
from geiger.audit.tables import Moved, Table, moved
from geiger.audit.worlds import FUTURES
from geiger.experiment.out_of_fold import Days
from geiger.runs.audits import Leak, StageCheck

WORDS: Mapping[str, str] = MappingProxyType(
    {
        **{kind: future.words for kind, future in FUTURES.items()},
        ENDED: PANEL_FUTURES[ENDED],
        RESCALED: "all bars up to it were halved, as a later split would tell them",
        DECISION_BAR: "the bar of the decision itself was altered",
        CLOCK: "labels were held against the clock",
        ONE_LESS: "one symbol was left out",
    }
)


@dataclass
class Tally:
    """How much of a stage was compared: worlds, numbers, and the seconds that took."""

    worlds: int = 0
    values: int = 0
    seconds: float = 0.0


@dataclass
class Findings:
    """What was found so far.

    Attributes
    ----------
    leaks : mapping of (stage, column) to (Moved, str, Cut)
        The first move of each, the kind of world in which it was seen, and the cut.
    missing, failed : mapping of str to str
        Stage, and world, to why it could not be made again.
    stages : mapping of str to str
        Those of a symbol, or of a panel.
    """

    tallies: dict[str, Tally] = field(default_factory=dict)
    leaks: dict[tuple[str, str], tuple[Moved, str, Cut]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=lambda: STAGES)

    def compare(self, pairs: Iterable[tuple[Table, Table]], cut: Cut, kind: str) -> bool:
        """Compare tables in the order of the stages until one moved, and say whether one did."""
        started = time.perf_counter()
        for base, other in pairs:
            found = moved(base, other, cut.day, truncated=kind == "truncated")
            known = int((base.known <= np.datetime64(cut.day, "D")).sum())
            self.count(base.stage, 1, known * len(base.columns), time.perf_counter() - started)
            started = time.perf_counter()
            if self.take(found, cut, kind):
                return True
        return False

    def take(self, found: Moved | None, cut: Cut, kind: str) -> bool:
        """Keep what moved, if anything did, and say whether it did."""
        if found is not None:
            self.leaks.setdefault((found.stage, found.column), (found, kind, cut))
        return found is not None

    def count(self, stage: str, worlds: int, values: int, seconds: float) -> None:
        """Add to what was compared of a stage."""
        tally = self.tallies.setdefault(stage, Tally())
        tally.worlds, tally.values = tally.worlds + worlds, tally.values + values
        tally.seconds += seconds

    def add_fits(self, other: Findings) -> None:
        """Take over what another audit found, and what it compared in fits."""
        self.failed |= other.failed
        self.leaks = {**other.leaks, **self.leaks}
        for stage in ("scaler", "selection", "model"):
            more = other.tallies.get(stage, Tally())
            self.count(stage, more.worlds, more.values, more.seconds)

    def stage_checks(self) -> tuple[StageCheck, ...]:
        """Return what was compared, in the order of the stages."""
        return tuple(
            StageCheck(
                stage=name, what=self.stages[name], worlds=t.worlds, values=t.values, seconds=t.seconds
            )
            for name in self.stages
            if (t := self.tallies.get(name)) is not None
        )

    def leak_records(self, days: Days) -> tuple[Leak, ...]:
        """Return the leaks, the earliest stage first; `days` are those of the material."""
        order = list(self.stages)
        found = sorted(self.leaks.values(), key=lambda one: (order.index(one[0].stage), one[0].row))
        return tuple(_leak(*one, days) for one in found)


def _leak(found: Moved, kind: str, cut: Cut, days: Days) -> Leak:
    reach = cut.row - int(np.searchsorted(days, np.datetime64(found.row, "D"))) + 1
    cause, mend = cause_of(found, kind, reach)
    return Leak(
        stage=found.stage,
        column=found.column,
        day=str(found.row),
        size=found.size if np.isfinite(found.size) else None,
        rows=found.rows,
        columns=found.columns,
        world=WORDS[kind],
        cut=str(cut.day),
        cause=cause,
        mend=mend,
        member=found.member,
        members=found.members,
    )
