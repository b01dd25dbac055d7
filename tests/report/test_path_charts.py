from __future__ import annotations

import datetime as dt
import json
import re

import numpy as np
import pytest

from geiger.report.charts import Drawing
from geiger.report.path_charts import (
    costs_drawing,
    distribution_drawing,
    held_drawing,
    importances_drawing,
    rolling_drawing,
)
from geiger.report.view import Distribution, Rolling

DAYS = tuple(dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(40))


def drawings() -> dict[str, Drawing]:
    line = np.concatenate([np.full(19, np.nan), np.linspace(-1, 1, 21)])
    counts = {"strategy": np.array([1, 5, 2]), "held": np.array([2, 4, 2])}
    spread = Distribution(np.linspace(-0.03, 0.03, 4), counts, {})
    names = [f"a_feature_with_a_long_name_{i}" for i in range(12)]
    shares = np.linspace(20, 1, 12)
    lines = {"strategy": np.array([1.0, 0.5, 0.2])}
    return {
        "rolling": rolling_drawing(
            "rolling", "Rolling", "gist", Rolling(20, DAYS, {"a": line, "b": -line}), "x"
        ),
        "distribution": distribution_drawing("distribution", "gist", spread),
        "held": held_drawing("held", "gist", DAYS, np.sign(np.sin(np.arange(40.0)))),
        "costs": costs_drawing("costs", "gist", np.array([0.0, 5.0, 50.0]), lines, 1, 0.3),
        "importances": importances_drawing("importances", "gist", names, shares, shares / 2, shares * 2),
    }


def test_each_is_drawn_twice_in_the_colours_of_the_page_and_the_same_every_time() -> None:
    first, again = drawings(), drawings()
    for name, one in first.items():
        assert (one.wide, one.narrow, one.live) == (again[name].wide, again[name].narrow, again[name].live)
        for svg in (one.wide, one.narrow):
            assert "var(--line1)" in svg
            assert not re.findall(r"#0a0b\w\w", svg)


def test_a_rolling_line_begins_where_its_window_is_full() -> None:
    facts = json.loads(drawings()["rolling"].live or "")
    assert len(facts["x"]) == 21
    assert facts["panels"][0]["series"][0]["y"][0] == -1.0


def test_every_feature_has_its_bar_and_a_long_name_is_cut() -> None:
    svg = drawings()["importances"].wide
    assert len(re.findall(r">a_feature_with_a_long_name?…?[^<]*<", svg)) == 12
    assert drawings()["importances"].live is None


def test_the_cost_of_the_run_and_the_late_fill_are_marked_at_one_place() -> None:
    (panel,) = json.loads(drawings()["costs"].live or "")["panels"]
    assert [one["y"] for one in panel["series"]] == [[1.0, 0.5, 0.2], [None, 0.5, None], [None, 0.3, None]]


@pytest.mark.parametrize("months", [1, 2, 17, 18, 19, 21, 23, 24, 25])
def test_any_span_has_its_dates(months: int) -> None:
    """A locator that finds no ticks warns, and a warning is an error here."""
    n = 30 * months
    days = tuple(dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(n))
    drawing = held_drawing("held", "gist", days, np.ones(n))
    assert drawing.narrow.count("<text") > 3


def test_a_rolling_figure_stands_on_the_last_day_of_its_window() -> None:
    found = json.loads(drawings()["rolling"].live or "")
    first, last = found["x"][0], found["x"][-1]
    assert dt.date(1970, 1, 1) + dt.timedelta(days=first) == DAYS[19], "the twentieth of twenty days"
    assert dt.date(1970, 1, 1) + dt.timedelta(days=last) == DAYS[-1]
    ys = found["panels"][0]["series"][0]["y"]
    assert (ys[0], ys[-1], len(ys)) == (-1.0, 1.0, 21)
