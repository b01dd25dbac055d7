from __future__ import annotations

import datetime as dt
import re

import numpy as np

from geiger.report.compare_charts import smalls_drawing

DAYS = tuple(dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(60))


def test_twelve_runs_stand_apart_on_the_same_axes() -> None:
    rng = np.random.default_rng(0)
    runs = {f"{i}: AAPL ridge": np.exp(np.cumsum(rng.normal(0, 0.02, 60))) for i in range(12)}
    drawing = smalls_drawing("common", "gist", DAYS, runs, ("buy and hold", np.linspace(1, 2, 60)))
    for svg in (drawing.wide, drawing.narrow):
        titles = re.findall(r"<text[^>]*>(\d+: AAPL ridge)</text>", svg)
        assert titles == list(runs)
        assert svg.count("var(--line1)") == 24  # growth and fall of each
        assert svg.count("var(--line6)") == 24
    assert [key.text for key in drawing.keys][1] == "buy and hold"


def test_a_ruined_run_is_drawn_and_a_long_name_is_cut() -> None:
    runs = {"A: " + "x" * 90: np.linspace(1, 0, 60), "B": np.linspace(1, 30, 60)}
    drawing = smalls_drawing("common", "gist", DAYS, runs, None)
    assert "x" * 30 not in drawing.wide
    assert "…" in drawing.wide
