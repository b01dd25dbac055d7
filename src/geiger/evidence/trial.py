"""One try: what was scored, on which prices and days, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from geiger.codec import straight
from geiger.errors import DataError

Kind = Literal["skill", "economic"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One line of the register.

    Attributes
    ----------
    kind : {"skill", "economic"}
        Whether forecasts were scored, or the money that they made under some trading settings.
    key : str
        Of everything that shapes the scores but the prices, and of nothing that grows with them: settings,
        model, seed, own parts; of an economic trial the trading settings as well.
    symbol, model : str
        As the user called them; neither decides what is the same trial.
    run : str or None
        None where no run was kept, as of an ablation.
    first, last : str
        First and last day that was scored, ISO. `rows` days were, at most one a day.
    statistic, p_value : float or None, float
        Of this trial alone, one-sided, before any correction for others.
    settings : str
        What was tried, in one plain line.
    members : tuple of str
        Of a panel its symbols, which are one try together; none of a symbol alone.
    series : str
        Which prices: see `series`. Given by the register.
    scores : str or None
        Digest of the per-day scores (see `day_files`); None where there are none. Given by the register.
    number : int
        Of its line in the register. Given by the register; -1 before.
    at : str
        When it was registered, by the clock of the machine. Given by the register.
    """

    kind: Kind
    key: str
    symbol: str
    model: str
    run: str | None
    first: str
    last: str
    rows: int
    statistic: float | None
    p_value: float
    settings: str
    members: tuple[str, ...] = ()
    series: str = ""
    scores: str | None = None
    number: int = -1
    at: str = ""

    def require(self) -> None:
        """Refuse a trial that cannot be.

        Raises
        ------
        DataError
            Its days are no days or stand the wrong way round, or its p-value is no probability.
        """
        where = f"trial of {self.symbol} {self.model}"
        try:
            first, last = (dt.date.fromisoformat(day) for day in (self.first, self.last))
        except ValueError:
            raise DataError(f"{where}: {self.first!r} to {self.last!r} are no days; give ISO days") from None
        if (str(first), str(last)) != (self.first, self.last) or first > last:
            raise DataError(f"{where}: {self.first} to {self.last} is no span; give ISO days in order")
        if not 1 <= self.rows <= (last - first).days + 1:
            raise DataError(f"{where}: {self.rows} rows cannot lie between {self.first} and {self.last}")
        if not 0 <= self.p_value <= 1:
            raise DataError(f"{where}: p_value must lie between 0 and 1, got {self.p_value}")

    @property
    def content(self) -> str:
        """What tells a rerun from another version: the scores, or where there are none what came of them."""
        return self.scores or f"p {self.p_value!r}, statistic {self.statistic!r}"


trials_in: Callable[[str | bytes], tuple[Trial, ...] | None] = straight(tuple[Trial, ...])
