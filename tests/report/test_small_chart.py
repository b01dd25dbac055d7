"""A small chart: its frame, its gaps, its ends, and nothing in it that a page would obey."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np

from geiger.report.small_chart import MOST_POINTS, Line, small_chart

SVG = "{http://www.w3.org/2000/svg}"


def paths(svg: str) -> list[str]:
    """What the lines draw; the first path is the frame."""
    return [one.attrib["d"] for one in ET.fromstring(svg).iter("path")][1:]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_the_highest_is_on_top_and_the_last_at_the_right() -> None:
    line = Line("one", np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 2.0]))
    svg = small_chart("A title", [line], ends=("first", "last"), width=200, height=100)
    assert points(paths(svg)[0]) == [(58.0, 80.0), (125.0, 8.0), (192.0, 44.0)]
    assert [one.text for one in ET.fromstring(svg).iter("text")] == ["3.00", "1.00", "first", "last"]
    assert 'aria-label="A title"' in svg


def test_what_is_not_finite_leaves_a_gap() -> None:
    y = np.array([1.0, 2.0, np.nan, 2.0, 1.0])
    (path,) = paths(small_chart("t", [Line("one", np.arange(5.0), y)]))
    assert [part[0] for part in re.findall(r"[ML][\d. ]+", path)] == ["M", "L", "M", "L"]


def test_long_lines_are_thinned_and_keep_their_end() -> None:
    n = 10 * MOST_POINTS + 3
    (path,) = paths(small_chart("t", [Line("one", np.arange(float(n)), np.arange(float(n)))], width=560))
    found = points(path)
    assert len(found) <= MOST_POINTS + 2
    assert found[-1] == (552.0, 8.0)


def test_nothing_is_drawn_of_nothing() -> None:
    none = np.array([])
    assert small_chart("t", []) == ""
    assert small_chart("t", [Line("one", none, none)]) == ""
    assert small_chart("t", [Line("one", np.array([1.0, 2.0]), np.array([np.nan, 1.0]))]) == ""
    flat = small_chart("t", [Line("one", np.array([1.0, 2.0]), np.array([5.0, 5.0]))])
    assert points(paths(flat)[0])[0][1] == points(paths(flat)[0])[1][1]


def test_texts_are_escaped() -> None:
    svg = small_chart(
        'a"<b', [Line("<script>", np.array([0.0, 1.0]), np.array([0.0, 1.0]), 'red"')], ends=("<i>", "")
    )
    assert "<script>" not in svg
    assert "<i>" not in svg
    ET.fromstring(svg)
