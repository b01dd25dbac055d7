from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from geiger.evidence.error_rates import Rate
from geiger.report.gather import view_of
from geiger.report.path_parts import (
    costs_chart,
    distribution_chart,
    falls_table,
    gates_table,
    held_chart,
    importances_chart,
    months_table,
    rolling_ic_chart,
    rolling_sharpe_chart,
    sharpe_table,
    stays_table,
)
from geiger.report.view import Fall, Importance, Months, PathView, Positions, SharpeRange, Stay
from helpers.pages import Runs

DAY = dt.date(2020, 1, 1)


def test_nothing_makes_no_part() -> None:
    bare = PathView()
    parts = [
        *(falls_table(bare), months_table(None), rolling_sharpe_chart(bare), rolling_ic_chart(bare)),
        *(sharpe_table(None), distribution_chart(bare), held_chart(None), stays_table(None)),
        *(costs_chart(bare), importances_chart(()), gates_table(())),
    ]
    assert parts == [None] * 11


def test_a_fall_that_is_not_over_says_so() -> None:
    fall = Fall(0.254, DAY, DAY + dt.timedelta(9), None, 12)
    table = falls_table(PathView(falls=(fall,)))
    assert table is not None
    assert table.rows == (("25.4%", "2020-01-01", "2020-01-10", "not yet", "12"),)


def test_months_are_coloured_by_their_own_size() -> None:
    returns = np.full((1, 12), np.nan)
    returns[0, :4] = (0.03, -0.03, 0.0, 0.006)  # root mean square 0.0214
    table = months_table(Months((2020,), returns, np.array([0.0055])))
    assert table is not None
    assert table.rows[0][:6] == ("2020", "3.0", "-3.0", "0.0", "0.6", "")
    assert table.rows[0][-1] == "0.5"
    assert table.steps[0][:5] == (6, 2, 4, 4, 0)
    assert len(table.steps[0]) == len(table.rows[0]) - 1


def test_an_interval_that_holds_0_is_called_so() -> None:
    wide = SharpeRange(0.5, (-0.2, 1.3), (-0.1, 1.1), 10.0, 1000)
    table, other = sharpe_table(wide), sharpe_table(replace(wide, drawn=(0.1, 1.3), formula=None))
    assert table is not None
    assert other is not None
    assert [row[1:] for row in table.rows] == [("0.50", "-0.20", "1.30"), ("0.50", "-0.10", "1.10")]
    assert "without any edge" in table.note
    assert "counts neither the tries nor what the market gave" in other.note
    assert len(other.rows) == 1


def test_stays_are_counted_by_side_and_the_last_is_among_them() -> None:
    stays = tuple(
        Stay(side, DAY + dt.timedelta(i), DAY + dt.timedelta(i + 1), i + 1, 0.5, net)
        for i, (side, net) in enumerate([("long", 0.1), ("flat", 0.0), ("long", -0.05), ("short", 0.02)])
    )
    weights = np.array([0.5, 0.5, 0.0, -0.5])
    found = Positions((DAY,) * 4, weights, stays, 3, 2.5)
    chart, table = held_chart(found), stays_table(found)
    assert chart is not None
    assert chart.table is not None
    assert [row[:3] for row in chart.table.rows] == [
        ("long", "2", "4"),
        ("short", "1", "4"),
        ("flat", "1", "2"),
    ]
    assert chart.table.rows[0][4:] == ("50.0%", "4.50%")
    assert "long on 50.0%, short on 25.0%, flat on 25.0%" in chart.caption
    assert table is not None
    assert [row[2] for row in table.rows] == ["long", "long", "short"]
    assert table.rows[-1][-1].endswith("last")


def test_the_parts_of_a_real_run_name_its_figures(made: Runs) -> None:
    paths = view_of(made["xgb"]).paths
    costs, spread = costs_chart(paths), distribution_chart(paths)
    assert costs is not None
    assert costs.table is not None
    own = next(row for row in costs.table.rows if row[0].endswith("this run's"))
    assert f"Sharpe ratio {costs.table.rows[0][1]} at 0 bp" in costs.caption
    assert f"{own[1]} at this run's 5 bp" in costs.caption
    assert costs.table.rows[-1][0] == "5 bp, a day late"
    assert spread is not None
    assert spread.table is not None
    assert [row[0] for row in spread.table.rows][-1] == "Share of days above 0"


def test_only_the_most_used_features_are_drawn_and_all_are_listed() -> None:
    found = [Importance(f"feature_{i}", (30 - i) / 465, 0.0, 0.1) for i in range(30)]
    chart = importances_chart(found)
    assert chart is not None
    assert "The 20 features with the largest share of the model's own measure, of 30" in chart.caption
    # (30 + ... + 11) / 465 and 20 of 30
    assert "together 88.2%, where equal parts would be 66.7%" in chart.caption
    assert chart.table is not None
    assert len(chart.table.rows) == 30


def test_gates_stand_with_their_counts() -> None:
    table = gates_table((Rate(name="WFE > 50%", n=330, count=58),))
    assert table is not None
    assert table.rows[0][:2] == ("WFE > 50%", "58 of 330")
    assert table.rows[0][2].endswith("%")
