"""Whether the adjusted close steps as the dividends, capital gains and splits that a file lists demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.market.doubts import DAYS_SHOWN, Doubt

MISMATCH = "DATA_ADJUSTMENT_MISMATCH"

Floats = npt.NDArray[np.float64]

_WRONG_BY = 0.25  # share of the step; vendors differ by less (which close, which day's exchange rate)
_SMALLEST = 1e-4  # log step; smaller ones no return shows
_ROUNDING_STEPS = 3.0  # times the 90th percentile of the steps on other days: above it rounding cannot reach
_NEAR = 60  # rows before and after that show the rounding
_CLEAR_SPLIT = 1.2  # smaller splits hide in a day's return, so either reading of the quoted close will do


@dataclass(frozen=True)
class _Fault:
    row: int
    what: str
    found: float  # adjusted over quoted close, the day before against the day itself
    expected: float
    quoted: float  # simple return of the quoted close


def mismatch(prices: pl.DataFrame, actions: pl.DataFrame | None) -> Doubt | None:
    """Return a doubt about the days on which the adjusted close does not step by what the file lists.

    On a day with a dividend D the ratio of adjusted to quoted close steps by 1 - D / (last close), or by
    close / (close + D) as some vendors write it. A split steps it where the quoted close is raw and leaves it
    alone where the quoted close is split-adjusted. Right within a quarter of the step and what rounding
    does on other days.

    Parameters
    ----------
    prices : PRICES frame, n rows
        Of a source that has an adjusted close of its own.
    actions : frame of day, dividend, capital_gain, split, optional
        As `geiger.market.prices.actions_of` returns it, on the days of `prices`.
    """
    if actions is None or prices.height < 2:
        return None
    close = prices["raw_close"].to_numpy()
    ratio = prices["close"].to_numpy() / close
    step = np.concatenate([[0.0], np.log(ratio[:-1] / ratio[1:])])
    dividend, gain = (actions[name].fill_null(0.0).to_numpy() for name in ("dividend", "capital_gain"))
    split = actions["split"].fill_null(1.0).to_numpy()
    listed = (dividend > 0) | (gain > 0) | ((split != 1) & (split > 0))
    quiet = np.where(listed, np.nan, np.abs(step))
    faults = []
    for row in np.flatnonzero(listed[1:]) + 1:
        near = quiet[max(row - _NEAR, 1) : row + _NEAR + 1]
        near = near[~np.isnan(near)]
        rounding = _ROUNDING_STEPS * float(np.quantile(near, 0.9)) if near.size else 0.0
        fault = _fault(int(row), close, float(step[row]), dividend[row], gain[row], split[row], rounding)
        if fault is not None:
            faults.append(fault)
    return _doubt(prices["day"], faults) if faults else None


def _fault(
    row: int, close: Floats, step: float, dividend: float, gain: float, split: float, rounding: float
) -> _Fault | None:
    """Compare the step of one day with every reading of its actions; None where one of them fits."""
    last, now = float(close[row - 1]), float(close[row])
    amounts = _amounts(dividend, gain, last, now)
    factors = _split_factors(split, last, now)
    steps = [
        cash * factor
        for amount in amounts
        for cash in (
            (1.0 - amount / last, now / (now + amount)) if amount < last else (now / (now + amount),)
        )
        for factor in factors
    ]
    for expected in np.log(steps):
        if abs(step - expected) <= max(_WRONG_BY * abs(expected), rounding, _SMALLEST):
            return None
    words = [
        f"{word} {value:g}"
        for word, value, none in (
            ("dividend", dividend, 0.0),
            ("capital gain", gain, 0.0),
            ("split", split, 1.0),
        )
        if value not in (none, 0.0)
    ]
    told = f"{' and '.join(words)} on a last close of {last:.6g}"
    return _Fault(row, told, float(np.exp(step)), float(steps[0]), now / last - 1.0)


def _amounts(dividend: float, gain: float, last: float, now: float) -> list[float]:
    """Return the money a share that may have been paid.

    Some sources count a capital gain among the dividends too; where both are listed and the dividend is not
    the smaller one, the fall of the quoted close says which it is, and where it cannot, either is right.
    """
    both = dividend + gain
    if not 0 < gain <= dividend:
        return [both]
    # A day's ordinary return must not decide: half the difference has to stand out.
    rest = [abs(now / last - 1.0 + amount / last) for amount in (dividend, both)]
    if abs(rest[0] - rest[1]) < 0.02:
        return [dividend, both]
    return [dividend] if rest[0] < rest[1] else [both]


def _split_factors(split: float, last: float, now: float) -> list[float]:
    """Return the steps that a split may cause: none where the quoted close has it already."""
    if split <= 0 or split == 1:
        return [1.0]
    if max(split, 1 / split) < _CLEAR_SPLIT:
        return [1.0, 1.0 / split]
    quoted = np.log(now / last)
    return [1.0 / split] if abs(quoted + np.log(split)) < abs(quoted) else [1.0]


def _doubt(day: pl.Series, faults: list[_Fault]) -> Doubt:
    told = "; ".join(
        f"{day[fault.row]}: {fault.what} asks for a step of {fault.expected:.4f}, found {fault.found:.4f} "
        f"(return {(1 + fault.quoted) / fault.found - 1:+.1%}, "
        f"{(1 + fault.quoted) / fault.expected - 1:+.1%} by the listed amount)"
        for fault in faults[:DAYS_SHOWN]
    )
    more = " ..." if len(faults) > DAYS_SHOWN else ""
    text = (
        "adjusted over quoted close does not step by what the file itself lists "
        f"({told}{more}); correct the adjusted close, or the listed amounts"
    )
    days = tuple(str(day[fault.row]) for fault in faults[:DAYS_SHOWN])
    return Doubt(MISMATCH, "error", days, len(faults), text)
