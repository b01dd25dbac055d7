"""The page of settings shows every setting, from the records themselves."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from geiger.settings import Config, recipe
from geiger.settings.page import KINDS, settings_page
from geiger.settings.setting import known_settings


def row_of(page: str, section: str, name: str) -> list[str]:
    """Return the cells of a setting's row: name, meaning, what it may be, three recipes, what it shapes."""
    part = page.split(f"## {section}\n")[1].split("\n## ")[0]
    (row,) = [line for line in part.splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_every_setting_has_its_row() -> None:
    page = settings_page()
    for name, item in known_settings(Config).items():
        if item.section is None:
            assert len(row_of(page, "At the top", name)) == 7
            continue
        for inner in known_settings(item.section):
            assert len(row_of(page, f"[{name}]", inner)) == 7
    assert len(re.findall(r"^\| `", page, re.M)) > 100


def test_rows_say_what_a_setting_may_be_and_is_in_each_recipe() -> None:
    page = settings_page()
    assert row_of(page, "[lstm]", "lookback")[2:] == [
        "whole number at least 1, days",
        "60",
        "60",
        "60",
        "forecast",
    ]
    assert row_of(page, "[trading]", "rule")[3:] == ["proportional", "long_flat", "proportional", "nothing"]
    assert row_of(page, "[xgb]", "early_stopping")[2:6] == [
        "whole number at least 1, trees, or none",
        *("none", "100", "none"),
    ]
    assert row_of(page, "[xgb]", "subsample")[2] == "number in (0, 1], or none"
    assert row_of(page, "[ridge]", "alphas")[2] == "list of numbers, each above 0, rows"
    assert row_of(page, "At the top", "fill")[2] == "`next_open`, `close`"
    assert row_of(page, "At the top", "parallel")[-1] == "networks"
    assert f"{recipe('plan').lstm.learning_rate:g}" == row_of(page, "[lstm]", "learning_rate")[4]


def test_a_kind_of_value_without_words_would_be_missed_here() -> None:
    declared = {
        inner.declared.removesuffix(" | None")
        for item in known_settings(Config).values()
        for inner in (known_settings(item.section).values() if item.section else [item])
        if not inner.choices
    }
    assert declared == set(KINDS)


def test_every_setting_is_read_somewhere() -> None:
    """A setting that nothing reads would be documented, stored and without effect."""
    source = Path(__file__).parents[2] / "src" / "geiger"
    read = {
        node.attr
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    known = [*known_settings(Config).values()]
    known += [one for item in known if item.section for one in known_settings(item.section).values()]
    assert [one.name for one in known if one.section is None and one.name not in read] == []
