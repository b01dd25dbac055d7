"""What is too good for a panel: rank correlations of then and of now, each beyond its error."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.backtest.yardsticks import Measured
from geiger.cross_section import Member
from geiger.panel.alarms import panel_alarms

DAY = pl.date_range(dt.date(2014, 1, 1), dt.date(2017, 12, 31), "1d", eager=True)
NOW = (DAY.dt.year() >= 2016).to_numpy()


def daily(then: float, now: float, deviation: float = 0.2) -> np.ndarray:
    """Correlations of exactly these means; their standard error is about .0075 in each half."""
    noise = np.random.default_rng(1).standard_normal(len(DAY)) * deviation
    for half in (NOW, ~NOW):
        noise[half] -= noise[half].mean()
    return noise + np.where(NOW, now, then)


@pytest.mark.parametrize(
    ("then", "now", "codes"),
    [
        (0.09, 0.045, 0),
        (0.105, 0.055, 0),  # above, and not by 1.645 errors
        (0.13, 0.045, 1),
        (0.09, 0.08, 1),
        (0.13, 0.08, 2),
        (-0.5, -0.5, 0),
    ],
)
def test_it_rings_where_the_mean_is_beyond_belief_of_its_time(then: float, now: float, codes: int) -> None:
    rung = panel_alarms(daily(then, now), DAY)
    assert [notice.code for notice in rung] == ["LEAK_SUSPECT"] * codes


def test_it_names_the_years_and_the_figure() -> None:
    (then,) = panel_alarms(daily(0.13, 0.0), DAY)
    assert then.text.startswith("daily rank correlation through 2015 13.00%, less 1.645 standard errors ")
    (now,) = panel_alarms(daily(0.0, 0.08), DAY)
    assert now.text.startswith("daily rank correlation from 2016 on 8.00%")


def test_days_without_a_correlation_do_not_count_and_few_say_nothing() -> None:
    gaps = np.where(np.arange(len(DAY)) % 2 == 0, np.nan, daily(0.13, 0.08))
    assert len(panel_alarms(gaps, DAY)) == 2
    few = np.where(np.arange(len(DAY)) < len(DAY) - 59, np.nan, 0.9)
    assert panel_alarms(few, DAY) == ()
    assert len(panel_alarms(np.full(len(DAY), 1.0), DAY)) == 2


def test_the_portfolio_and_what_is_explained_ring_as_of_a_symbol() -> None:
    rung = panel_alarms(daily(0.0, 0.0), DAY, sharpe=Measured(5.0, 0.5), r2=Measured(0.05, 0.001))
    assert [notice.text.split(",")[0] for notice in rung] == [
        "net Sharpe ratio 5.00",
        "out-of-sample R^2 5.00%",
    ]


def test_a_symbol_that_knows_its_future_rings_by_itself() -> None:
    """One misdated file of many: the mean over symbols hides it, its own correlation does not."""
    days = pl.Series("day", np.arange(500)).cast(pl.Date)
    noise = np.random.default_rng(1).normal(0.0, 0.2, 500)

    def own(correlation: float, error: float) -> Member:
        return Member(
            symbol="LEAKS",
            first="1970-01-01",
            last="1971-01-01",
            days=500,
            correlation=correlation,
            error=error,
        )

    (notice,) = panel_alarms(noise, days, (own(0.31, 0.04), own(0.05, 0.04)))
    assert notice.code == "LEAK_SUSPECT"
    assert notice.text.startswith("LEAKS: ")
    assert panel_alarms(noise, days, (own(0.2, 0.04), own(0.05, 0.04))) == ()  # within 1.645 errors of .17
