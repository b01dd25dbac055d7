"""The picture of a stack's weights."""

from __future__ import annotations

from geiger.experiment.pictures import pictures_of
from helpers.stacks import material, stacked


def test_the_chart_is_a_picture_of_the_weights_and_the_same_twice() -> None:
    made = stacked(material())
    svg = pictures_of(made)["weights"]
    assert svg == pictures_of(stacked(material()))["weights"]
    text = svg.decode()
    assert text.startswith("<?xml")
    for name in ("ridge", "xgb", "lstm", "TEST: weights of the base models"):
        assert name in text
