"""The lines of a cross-section: each figure in its place, and nothing wider than a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.cross_section import CrossSection, Portfolio, RankIC
from geiger.runlog.cross_section import cross_section_lines
from helpers.cross_sections import FOUND

LINES = cross_section_lines(FOUND)


def test_every_figure_has_its_line() -> None:
    assert list(LINES) == [
        "Symbols a day: 13 to 28, median 13; a day counts from 10 on",
        "Rank IC                         days  mean %  error %     t  ICIR a day",
        "all days                        4531    3.20     0.39  8.21        0.13",
        "2002-2009                       4531    4.10     0.65  6.31        0.16",
        "2010-2019                       4531    2.48     0.46  5.39        0.10",
        "one day late                    4531    1.55     0.41  3.78        0.06",
        "neutral to beta and volatility  4531    2.72     0.36  7.56        0.11",
        "By days held: 1 3.00% (t 5.0), 5 3.00% (t 5.0), 21 3.00% (t 5.0)",
        "By part: gap before the fill 6.53% (t 14.8), day after it 2.03% (t 5.1), "
        "night after that 3.59% (t 8.5)",
        "Rival on the same rows  days  mean %  error %  ours more %  error %     t",
        "12-1 momentum           4531    1.52     0.46         1.68     0.57  2.95",
        "low volatility             1       -        -            -        -     -",
        "Quantiles, bp beyond the mean: -3.7, 0.0, 4.3; spread 8.0 (error 1.3)",
        "R2 beyond the day's mean: 0.06% (error 0.03%); slope 0.80; "
        "scores correlate with those of the day before: 0.60",
        "Own correlation over time: 2 of 3 symbols above 0, 1 by 1.645 errors (0.2 expected by chance)",
        *LINES[15:19],
        "long/short net a year by cost: 0 bp 9.69%, 5 bp 4.07%, 10 bp -1.56%; "
        "2 positions closed at a last price, without a next open",
    ]
    head, main, long_only, _ = (line.split("  ") for line in LINES[15:19])
    assert [word.strip() for word in head if word] == [
        "At 5 bp",
        "net % a year",
        "Sharpe",
        "beside EW",
        "error",
        "turnover",
        "break-even bp",
        "beta",
        "drawdown %",
        "capacity",
    ]
    assert [word.strip() for word in main if word][1:] == [
        *("4.07", "0.58", "4.07", "1.68", "112.5", "8.95", "0.00", "16.87", "141 m")
    ]
    assert long_only[0] == "long only"


def test_lines_fit_a_terminal() -> None:
    years = tuple(RankIC(kind="year", name=str(year), days=250, mean=0.1, error=0.01) for year in range(30))
    portfolio = FOUND.portfolios[0]
    many = replace(
        FOUND,
        ics=(*FOUND.ics, *years),
        portfolios=tuple(replace(portfolio, name=f"long/short {i}", capacity=12_345e6) for i in range(6)),
        rivals=FOUND.rivals[:1] * 5,
        quantiles=FOUND.quantiles[:1] * 10,
    )
    lines = cross_section_lines(many)
    assert max(len(line) for line in lines) <= 110
    assert len(lines) <= 26


def test_what_there_is_nothing_of_has_no_line() -> None:
    empty = CrossSection(
        least_names=10, names=(10, 11, 12), ics=(RankIC(kind="all", name="all days", days=0),)
    )
    assert cross_section_lines(empty) == (
        "Symbols a day: 10 to 12, median 11; a day counts from 10 on",
        "Rank IC   days  mean %  error %  t  ICIR a day",
        "all days     0       -        -  -           -",
        "R2 beyond the day's mean: undefined; slope undefined; "
        "scores correlate with those of the day before: undefined",
    )


@pytest.mark.parametrize("capacity", [None, 1e6])
def test_an_unknown_capacity_is_no_zero(capacity: float | None) -> None:
    one = Portfolio(name="x", cost_bps=5.0, days=9, net=0.1, capacity=capacity)
    line = cross_section_lines(replace(FOUND, portfolios=(one,)))[-2]
    assert line.split()[-1] == ("-" if capacity is None else "m")
