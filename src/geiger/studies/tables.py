"""From results to a row for each arm: means with errors, and paired differences with intervals.

Made markets are independent of each other, so their spread tells the error of their mean. Symbols share their
days, so theirs comes from what each day adds (`over_symbols`), and from nothing else.

An arm that failed, or forecasts a constant, has learned nothing: its correlation counts as 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geiger.evidence.by_day import Daily, error_over_symbols
from geiger.records import Status
from geiger.studies.arms import Arm
from geiger.studies.markets import Market

Record = Mapping[str, Any]

FALSE_ALARM = 1.96  # standard errors of a correlation, two-sided 5%
NO_DAYS = np.zeros(0, np.int64)
# 97.5% quantiles of Student's t for 1 to 30 degrees of freedom, two decimals further than is shown.
T_97_5 = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
)


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` markets; `error` is its standard error, None where it cannot be told.

    `freedom` is that of Student's t: markets less one, or days less one where symbols share days.
    """

    mean: float
    error: float | None
    n: int
    freedom: int

    @property
    def half_width(self) -> float | None:
        """Half of the 95% interval, by Student's t."""
        return None if self.error is None else t_97_5(self.freedom) * self.error

    @property
    def mark(self) -> str:
        """``=`` where the mean is within a standard error of 0, else its sign; ``?`` without an error."""
        if self.error is None:
            return "?"
        if abs(self.mean) <= self.error:
            return "="
        return "+" if self.mean > 0 else "-"


def t_97_5(freedom: int) -> float:
    """Return the 97.5% quantile of Student's t; beyond the table by Fisher's first two corrections.

    >>> t_97_5(3), round(t_97_5(100), 3)
    (3.1824, 1.984)
    """
    if freedom <= len(T_97_5):
        return T_97_5[freedom - 1]
    z = 1.959964
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2


def over_made_markets(values: Sequence[float]) -> Estimate | None:
    """Return mean and standard error (ddof 1) of `values`, one a market that shares nothing with the others.

    None of nothing. Never for symbols: see `over_symbols`.
    """
    if not values:
        return None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
    return Estimate(float(np.mean(values)), error, len(values), len(values) - 1)


def by_kind(values: Mapping[str, Sequence[float]]) -> Estimate | None:
    """Return the mean of all `values`, its error from the spread within each kind of made market alone."""
    full = [one for one in values.values() if one]
    n = sum(map(len, full))
    if not n:
        return None
    mean = sum(map(sum, full)) / n
    if min(map(len, full)) < 2:
        return Estimate(mean, None, n, n - 1)
    variance = sum(len(one) * float(np.var(one, ddof=1)) for one in full) / n**2
    return Estimate(mean, math.sqrt(variance), n, n - 1)


def over_symbols(figures: Sequence[Daily]) -> Estimate | None:
    """Return the mean of `figures`, one a symbol, its error from what each day adds; None of nothing."""
    if not figures:
        return None
    known = error_over_symbols(figures)
    mean = float(np.mean([one.value for one in figures]))
    error, days = (None, 1) if known is None else known
    return Estimate(mean, error, len(figures), days - 1)


@dataclass(frozen=True)
class Row:
    """What came of one arm.

    Attributes
    ----------
    linear, nonlinear : Estimate, optional
        Expected out-of-sample correlation on made markets: that of the forecast with the true mean, times
        the largest one possible.
    alarms, nulls : int
        Made markets without a signal where the correlation lies outside its 95% bound, and all of them.
    real : Estimate, optional
        Correlation of forecast and outcome, over symbols that share days.
    k : float, optional
        Median spread of the forecasts, in that of the outcomes.
    made_difference, real_difference : Estimate, optional
        Paired with the base arm: market by market, symbol by symbol.
    collapsed, failed, done, planned : int
        Trainings that collapsed, that failed, that have a result, and all.
    """

    arm: Arm
    linear: Estimate | None
    nonlinear: Estimate | None
    alarms: int
    nulls: int
    real: Estimate | None
    k: float | None
    made_difference: Estimate | None
    real_difference: Estimate | None
    collapsed: int
    failed: int
    done: int
    planned: int


Found = Mapping[str, Mapping[Market, Record]]  # arm -> market -> its result


def make_rows(arms: Sequence[Arm], planned: Mapping[str, Sequence[Market]], found: Found) -> list[Row]:
    """Return one row for each arm, in their order."""
    return [_row(arm, len(planned[arm.name]), found) for arm in arms]


def _row(arm: Arm, planned: int, found: Found) -> Row:
    own = found.get(arm.name, {})
    ks = [k for record in own.values() if (k := record["measured"].get("k")) is not None]
    nulls = [record for market, record in own.items() if market.kind == "null"]
    base = found.get(arm.base, {}) if arm.base != arm.name else {}
    return Row(
        arm=arm,
        linear=by_kind(_learned_by_kind(own, "linear")),
        nonlinear=by_kind(_learned_by_kind(own, "nonlinear")),
        alarms=sum(map(_false_alarm, nulls)),
        nulls=len(nulls),
        real=over_symbols([_daily(own[market]) for market in own if market.kind == "real"]),
        k=float(np.median(ks)) if ks else None,
        made_difference=over_made_markets(differences(own, base, ("linear", "nonlinear"))),
        real_difference=over_symbols(
            [
                _daily(own[market]).minus(_daily(base[market]))
                for market in own
                if market in base and market.kind == "real"
            ]
        ),
        collapsed=sum(record["status"] == Status.COLLAPSED for record in own.values()),
        failed=sum(record["status"] == Status.FAILED for record in own.values()),
        done=len(own),
        planned=planned,
    )


def learned(market: Market, record: Record) -> float:
    """Return the correlation that counts: the expected one where the truth is known, else the one found."""
    value = record["measured"].get("rho" if market.kind in ("real", "null") else "eic")
    return 0.0 if value is None else float(value)


def differences(
    own: Mapping[Market, Record], base: Mapping[Market, Record], kinds: Iterable[str]
) -> list[float]:
    """Return arm minus base on every market of these kinds that both have."""
    shared = [market for market in own if market in base and market.kind in kinds]
    return [learned(market, own[market]) - learned(market, base[market]) for market in shared]


def _learned_by_kind(own: Mapping[Market, Record], kind: str) -> dict[str, list[float]]:
    values: dict[str, list[float]] = {}
    for market, record in own.items():
        if market.planted is not None and market.kind == kind:
            signal, r2 = market.planted
            values.setdefault(f"{signal} {r2}", []).append(learned(market, record))
    return values


def _false_alarm(record: Record) -> bool:
    rho, error = (record["measured"].get(name) for name in ("rho", "rho_error"))
    return rho is not None and error is not None and abs(rho) > FALSE_ALARM * error


def _daily(record: Record) -> Daily:
    """Return the correlation of a symbol; 0 without days where there is none."""
    rho, days = record["measured"].get("rho"), record.get("by_day")
    if rho is None or days is None:
        return Daily(rho or 0.0, NO_DAYS, np.zeros(0))
    return Daily(float(rho), np.array(days["day"], np.int64), np.array(days["influence"], np.float64))
