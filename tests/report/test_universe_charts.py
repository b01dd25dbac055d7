"""Charts of a panel: colours that mean errors, one path for many cells, texts that stay texts."""

from __future__ import annotations

import re

import numpy as np
import pytest

from geiger.report.universe_charts import (
    MOST_NUMBERS,
    Point,
    Small,
    columns_drawing,
    curve_drawing,
    heat_drawing,
    heat_steps,
    multiples_drawing,
    points_drawing,
    sums_drawing,
)
from helpers.pages import HOSTILE


def test_colours_say_how_many_errors_a_value_lies_from_0() -> None:
    values = np.array([[-3.5, -2.5, -1.5, 0.0, 1.5, 2.5, 3.5, np.nan]])
    assert heat_steps(values, np.ones((1, 8))).tolist() == [[0, 1, 2, 3, 4, 5, 6, -1]]
    assert heat_steps(values, np.full((1, 8), 10.0)).tolist() == [[3] * 7 + [-1]]
    assert heat_steps(np.ones((1, 1)), np.full((1, 1), np.nan)).tolist() == [[-1]]


def test_a_heat_map_has_one_path_a_colour_and_one_number_a_cell() -> None:
    values = np.array([[5.0, -5.0], [0.0, np.nan]])
    drawing = heat_drawing(
        "h", "Heat", "gist", ["A", "B"], ["1", "2"], values, np.ones((2, 2)), narrow_numbers=False
    )
    assert re.findall(r"fill: (var\(--heat\d\))", drawing.wide) == [f"var(--heat{i})" for i in (1, 4, 7)]
    shown = re.findall(r"<text[^>]*>([^<]*)</text>", drawing.wide)
    assert sorted(shown) == sorted(["A", "B", "1", "2", "5", "−5", "0"])
    narrow = re.findall(r"<text[^>]*>([^<]*)</text>", drawing.narrow)
    assert sorted(narrow) == ["1", "2", "A", "B"]
    # where no number fits a dash marks what lies below 0 by more than an error
    assert "stroke: var(--ink)" in drawing.narrow


def test_a_heat_map_of_many_cells_has_no_numbers() -> None:
    rows = MOST_NUMBERS // 20 + 1
    values = np.ones((rows, 20))
    names = [f"S{i}" for i in range(rows)]
    drawing = heat_drawing(
        "h", "Heat", "gist", names, list("abcdefghijklmnopqrst"), values, values, narrow_numbers=True
    )
    assert drawing.wide.count("<text") == rows + 20
    assert len(drawing.wide) < 200_000


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_texts_from_outside_stay_texts(size: str) -> None:
    points = [Point(HOSTILE, 1.0, 0.5), Point("$x^2$", -1.0, None)]
    line = np.linspace(0.0, 2.0, 30)
    small = Small(HOSTILE, "1%", np.linspace(0.0, 1.0, 30), line)
    days = np.datetime64("2020-01-01") + np.arange(300)
    for drawing in (
        points_drawing("a", "Points", HOSTILE, points, "%"),
        columns_drawing("b", "Columns", HOSTILE, points, "%", "year"),
        curve_drawing("c", "Curve", HOSTILE, np.array([0.0, 5.0]), points, 1, ("bp", "%")),
        multiples_drawing("d", "Smalls", HOSTILE, [small], ("2020", "2021")),
        sums_drawing("e", HOSTILE, days, np.random.default_rng(0).normal(size=300), 252),
    ):
        svg = getattr(drawing, size)
        assert "<script" not in svg
        assert svg.count("</svg>") == 1
        assert "font-family" not in svg
        assert drawing.keys


def test_a_point_without_an_error_has_no_interval() -> None:
    one, other = (
        points_drawing("a", "Points", "gist", [Point("A", 1.0, error), Point("B", 2.0, 0.1)], "%").wide
        for error in (None, 0.5)
    )
    assert one != other


def test_few_days_have_no_running_mean() -> None:
    days = np.datetime64("2020-01-01") + np.arange(40)
    drawing = sums_drawing("e", "gist", days, np.random.default_rng(0).normal(size=40), 252)
    assert len(drawing.keys) == 2
