from __future__ import annotations

from geiger.checks.catalogue import ask_all
from geiger.records import (
    Figure,
)
from helpers.cases import case, with_


def test_figures_that_are_undefined_measure_nothing() -> None:
    names = ("Direction Accuracy", "Prediction Std", "Positive %", "WFE", "Test Sharpe")
    none = with_(figures=tuple(Figure(name, None, "number") for name in names))
    assert "GC106" in {f.code for f in ask_all(case(none))}
