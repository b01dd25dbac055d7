"""Which prices are the same: what a copy may change, and what it may not."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.evidence.day_files import DayValues
from geiger.evidence.series import Signs, agreeing, daily_returns, likeness, same
from helpers.trials import FIRST, values

N = 1500


def closes(seed: int, rows: int = N) -> np.ndarray:
    return np.asarray(50 * np.exp(np.cumsum(np.random.default_rng(seed).standard_normal(rows) * 0.015)))


def of(close: np.ndarray, first: int = FIRST) -> DayValues:
    day = [dt.date(1970, 1, 1) + dt.timedelta(days=first + n) for n in range(len(close))]
    return daily_returns(pl.DataFrame({"day": day, "close": close}))


def both(a: DayValues, b: DayValues) -> tuple[bool, bool]:
    """Whether two are the same, and whether their signs alone would let them be compared."""
    return same(a, b), bool(agreeing(Signs.of(a), [Signs.of(b)]))


def unadjusted(close: np.ndarray) -> np.ndarray:
    """Two splits and a dividend of half a percent every 63 days."""
    factor = np.ones(len(close))
    factor[500:] /= 4
    factor[1000:] /= 7
    for n in range(63, len(close), 63):
        factor[n:] *= 0.995
    return close * factor


CLOSE = closes(0)
SAME_PRICES = {
    "rescaled": CLOSE * 1e-4,
    "more days": closes(0, N + 200),
    "fewer days": CLOSE[: N // 3],
    "sixty returns": CLOSE[:61],
    "raw and adjusted": unadjusted(CLOSE),
    "log prices": np.log(CLOSE + 1),
    "inverse": 1 / CLOSE,
    "rounded to the cent": CLOSE.round(2),
    "a bad tick": np.where(np.arange(N) == 700, 100 * CLOSE, CLOSE),
}
OTHER_PRICES = {
    "another": closes(1),
    "fifty-nine returns": CLOSE[:60],
    "half another": np.sqrt(CLOSE * closes(1)),
    # A second class of shares: a move of its own, a tenth as large as the common one.
    "a second class": CLOSE * closes(2) ** 0.1,
    "another currency": CLOSE * closes(3) ** 0.3,
    "a day later": np.roll(CLOSE, 1),
}


@pytest.mark.parametrize("name", SAME_PRICES)
def test_the_same_prices_are_known_whatever_was_done_to_them(name: str) -> None:
    assert both(of(CLOSE), of(SAME_PRICES[name])) == (True, True)


@pytest.mark.parametrize("name", OTHER_PRICES)
def test_other_prices_are_others(name: str) -> None:
    assert not same(of(CLOSE), of(OTHER_PRICES[name]))


def test_the_correlation_is_that_of_numpy_where_nothing_is_odd() -> None:
    a, b = values(1, 100), values(2, 100)
    mixed = DayValues(a.day, a.value + b.value)
    whole = np.corrcoef(a.value.astype(float), mixed.value.astype(float))[0, 1]
    found = likeness(a, mixed)
    assert found is not None
    assert found >= whole - 1e-12  # the block without its two oddest days, or all days
    assert found == pytest.approx(whole, abs=0.08)
    assert likeness(a, values(1, 59)) is None
    assert likeness(a, DayValues(a.day, -a.value)) == pytest.approx(-1)


def test_flat_prices_are_the_same_as_flat_ones_only() -> None:
    still, other = of(np.full(N, 7.0)), of(np.full(N, 1e6))
    assert both(still, other) == (True, True)
    assert both(still, of(CLOSE)) == (False, False)
    pegged = np.where(np.arange(N) % 90 == 0, 1.0005, 1.0)
    assert both(of(pegged), of(3 * pegged)) == (True, True)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(61, 900),
    shift=st.integers(-400, 400),
    scale=st.floats(1e-3, 1e3),
    sign=st.sampled_from([1, -1]),
)
def test_signs_never_hide_the_same_prices(seed: int, rows: int, shift: int, scale: float, sign: int) -> None:
    """Whatever window of one series: where the exact comparison says the same, the signs let it be made."""
    whole = values(seed, 1300, FIRST)
    start = 400 + shift
    part = DayValues(whole.day[start : start + rows], (sign * scale * whole.value)[start : start + rows])
    middle = DayValues(whole.day[400:900], whole.value[400:900])
    common = len(np.intersect1d(part.day, middle.day))
    assert same(part, middle) == (common >= 60)
    assert bool(agreeing(Signs.of(part), [Signs.of(middle)])) == (common >= 60)


def test_at_the_limit_the_signs_still_agree() -> None:
    rng = np.random.default_rng(5)
    missed = 0
    for seed in range(200):
        a = values(seed, 60)
        b = DayValues(a.day, (a.value + 0.0004 * rng.standard_normal(60)).astype(np.float32))
        missed += same(a, b) and not agreeing(Signs.of(a), [Signs.of(b)])
    assert missed == 0


def test_one_is_found_among_thousands() -> None:
    known = [Signs.of(values(seed, 2000)) for seed in range(3000)]
    asked = Signs.of(values(1234, 1700, FIRST))
    assert agreeing(asked, known) == [1234]
