"""The tables of figures: what code calls them is what formats carry, and nothing stands beside them."""

from __future__ import annotations

import ast
import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pytest

from geiger.figures import PLAN_FIGURES, FigureName, ScoreName
from geiger.records import Better, Figure, Unit

SOURCE = Path(__file__).parents[1] / "src" / "geiger"
WORDS_FOR_PEOPLE = {  # file -> labels of tables and charts that are the same words
    "backtest/yardsticks.py": {"Direction Accuracy", "Beat Buy & Hold", "Max Drawdown", "WFE"},
    "report/compare_page.py": {"Correlation"},
    "report/run_page.py": {"WFE", "Correlation"},
    "report/tables.py": {"Correlation"},
    "report/universe_page.py": {"Correlation"},
    "service/view.py": {"Correlation"},
    "glossary.py": set(map(str, FigureName)),  # says what each is
    "figures.py": set(map(str, FigureName)),
}


@pytest.mark.parametrize("name", [*FigureName, *ScoreName])
def test_units_and_directions_are_known(name: FigureName | ScoreName) -> None:
    assert name.unit in get_args(Unit)
    assert name.better in get_args(Better)


def test_formats_carry_these_texts() -> None:
    """Logs and runs of every version have them: a change is a new step of the format."""
    assert list(map(str, PLAN_FIGURES)) == [
        "Direction Accuracy",
        "Prediction Std",
        "Positive %",
        "WFE",
        "Test Sharpe",
    ]
    assert list(PLAN_FIGURES.values()) == ["share", "number", "share", "share", "ratio"]
    assert [str(name) for name in ScoreName][:3] == ["sharpe", "sharpe_t", "total_return"]
    figure = FigureName.MAX_DRAWDOWN.of(0.2, 504)
    assert figure == Figure("Max Drawdown", 0.2, "share", "lower", 504)
    assert json.loads(json.dumps(asdict(figure)))["name"] == "Max Drawdown"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_nobody_asks_by_label(path: Path) -> None:
    allowed = WORDS_FOR_PEOPLE.get(str(path.relative_to(SOURCE)), set())
    labels = set(map(str, FigureName)) - allowed
    texts = {
        node.value
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert not texts & labels, f"{path}: take the member of FigureName"
