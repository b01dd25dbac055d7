"""The register of a runs folder, what is written into it, and who else knows how far it had come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from geiger.chain import Head
from geiger.evidence.day_files import DayValues
from geiger.evidence.day_test import DayTest
from geiger.evidence.trial import Trial
from geiger.evidence.trials import Register, Registered
from geiger.experiment.material import Material
from geiger.experiment.scored import daily_returns
from geiger.runlog.wording import REGISTER, register_in
from geiger.runs.folder import RunsFolder

EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Tried:
    """A try with all that the register keeps of it: the daily returns of its prices, and its daily scores."""

    trial: Trial
    returns: DayValues
    scores: DayValues

    def register(self, register: Register) -> Registered:
        """Write it down; see `Register.add`."""
        return register.add(self.trial, self.returns, self.scores)


def tried(material: Material, test: DayTest, *, key: str | None, run: str | None, **told: Any) -> Tried:
    """Return a try of forecasts of a symbol; see `tried_on`."""
    day = material.prices["day"]
    returns = DayValues.of(day[1:], daily_returns(material)[1:])
    return tried_on(day, returns, test, key=key, run=run, symbol=material.symbol, **told)


def tried_on(day: pl.Series, returns: DayValues, test: DayTest, *, key: str | None, **told: Any) -> Tried:
    """Return a try of forecasts; `test` has at least one score.

    Parameters
    ----------
    day : Series of date (D,)
        Of all rows that the test was given.
    returns : DayValues
        Of the prices, or of all symbols of a panel held alike.
    key : str or None
        See `key.trial_key`; None where the model cannot be written down: then its scores tell it from others.
    told
        The fields of a `Trial` that say whose it is, and for people what.
    """
    scores = DayValues.of(day.gather(test.row), test.c)
    trial = Trial(
        kind="skill",
        key=key or f"scores {scores.digest}",
        **span(scores),
        statistic=test.statistic,
        p_value=test.p_value,
        **told,
    )
    return Tried(trial, returns, scores)


def span(values: DayValues) -> dict[str, Any]:
    """Return first and last day and their number, as a `Trial` has them."""
    first, last = (str(dt.date.fromordinal(EPOCH + int(values.day[place]))) for place in (0, -1))
    return {"first": first, "last": last, "rows": values.day.size}


def register_of(runs: RunsFolder) -> Register:
    """Return the register of a runs folder, held against the head in every run's record there."""
    return Register(runs.trials, lambda: list(_record_heads(runs)))


def log_heads(folder: Path) -> Iterator[Head]:
    """Yield every head that a log of a folder tells; a log that cannot be read tells none."""
    for path in sorted(folder.glob("*.log")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        for line in content.splitlines():
            start = line.find(f"{REGISTER}: ".encode())  # a logger may have put its own words before it
            head = None if start < 0 else register_in(line[start:].decode("ascii", "replace").rstrip())
            if head is not None:
                yield Head(head.length, head.hash, str(path))


def _record_heads(runs: RunsFolder) -> Iterator[Head]:
    for path, head in runs.register_heads():
        yield Head(head.length, head.hash, str(path))
