from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from geiger.figures import PLAN_FIGURES
from geiger.records import Notice, Status, Unit, as_text


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("share", 0.5449, "54.5%"),
        ("points", -0.0512, "-5.1 pp"),
        ("points", 0.0, "+0.0 pp"),
        ("ratio", 0.875, "0.88"),
        ("return", -0.01234, "-1.23%"),
        ("bp", 4.2, "4.20 bp"),
        ("days", 12.4, "12"),
        ("rows", 504.0, "504"),
        ("p", 0.03211, "0.032"),
        ("number", 0.05, "0.0500"),
    ],
)
def test_each_unit_has_one_notation(unit: Unit, value: float, text: str) -> None:
    assert as_text(value, unit) == text


@pytest.mark.parametrize("unit", get_args(Unit))
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_undefined_in_every_unit(unit: Unit, value: float | None) -> None:
    assert as_text(value, unit) == "undefined"


def test_the_plans_figures_in_its_order() -> None:
    assert list(PLAN_FIGURES) == ["Direction Accuracy", "Prediction Std", "Positive %", "WFE", "Test Sharpe"]
    assert set(PLAN_FIGURES.values()) <= set(get_args(Unit))


def test_records_are_values() -> None:
    assert Notice("A", "b") == Notice("A", "b")
    assert f"{Status.COLLAPSED}" == "COLLAPSED"
    with pytest.raises(FrozenInstanceError):
        Notice("A", "b").code = "B"  # type: ignore[misc]
