from __future__ import annotations

import datetime as dt
import json

import numpy as np

from geiger.report.live import Live, Panel

DAYS = [dt.date(1970, 1, 1), dt.date(1970, 1, 2), dt.date(2020, 2, 29)]


def test_days_count_from_1970_and_gaps_are_null() -> None:
    panel = Panel("growth", {"a": np.array([1.0, np.nan, np.inf]), "b": np.array([1 / 3, 2.0, 1e9])})
    facts = json.loads(Live(DAYS, (panel,), log=True).text())
    assert facts["x"] == [0, 1, 18321]  # 50 years and 59 days
    assert (facts["time"], facts["log"]) == (True, True)
    (shown,) = facts["panels"]
    assert [one["y"] for one in shown["series"]] == [[1.0, None, None], [0.33333, 2.0, 1e9]]
    assert [one["line"] for one in shown["series"]] == [1, 2]


def test_numbers_may_run_from_left_to_right() -> None:
    panel = Panel("y", {str(i): np.zeros(2) for i in range(8)}, first=2, dashes=[(), (3, 1)], points=True)
    facts = json.loads(Live(np.array([0.0, 5.0]), (panel,)).text())
    assert (facts["time"], facts["x"]) == (False, [0.0, 5.0])
    series = facts["panels"][0]["series"]
    assert [one["line"] for one in series] == [2, 3, 4, 5, 6, 1, 2, 3]
    assert [one.get("dash") for one in series[:3]] == [None, [3, 1], None]
    assert all(one["points"] for one in series)


def test_no_name_ends_the_element_it_stands_in() -> None:
    name = "</script><!--<script>&\u2028"
    text = Live(DAYS[:1], (Panel(name, {name: np.zeros(1)}),)).text()
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text)["panels"][0]["label"] == name


def test_falls_are_left_to_the_script() -> None:
    curves = {"a": np.array([1.0, 0.5, 2.0])}
    facts = json.loads(Live(DAYS, (Panel("growth", curves), Panel("fall", curves, falls=True))).text())
    assert [panel["series"][0]["y"] for panel in facts["panels"]] == [[1.0, 0.5, 2.0], []]
    assert facts["panels"][1]["falls"] is True
