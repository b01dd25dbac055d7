"""The page of all settings, made from the records themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from geiger.settings.config import Config, recipe
from geiger.settings.recipes import RECIPES
from geiger.settings.setting import Known, Settings, known_settings

HEAD = """\
# Settings

Made by `make docs` from `src/geiger/settings`: every setting, what it means, what it may be, and its value in
each recipe. A settings file (`--config mine.toml`) has the same names: those of the first table at its
top, the others under their section, such as `[trading]`. A wrong name or value is refused at
once, with the nearest right one.

*Shapes* says what a setting changes. Stored forecasts are found again by the settings that shape them: those
of `forecast` (in the section of a model, the forecasts of that model and of a stack that weighs it), those of
`networks` for networks alone. What shapes `nothing` never trains a model again.
"""
KINDS = {
    "int": "whole number",
    "float": "number",
    "bool": "`true`, `false`",
    "str": "text",
    "tuple[int, ...]": "list of whole numbers, each",
    "tuple[float, ...]": "list of numbers, each",
    "tuple[str, ...]": "list of names",
}
SHOWN = ("default", "plan", "quick")


def settings_page() -> str:
    """Return the page as Markdown."""
    assert set(SHOWN) == set(RECIPES)
    return "\n".join([HEAD, *_tables()])


def _tables() -> Iterator[str]:
    sections = [item for item in known_settings(Config).values() if item.section is not None]
    yield "## At the top\n"
    yield from _table(Config, [recipe(name) for name in SHOWN])
    for item in sections:
        assert item.section is not None
        yield f"\n## [{item.name}]\n\n{item.about.meaning}\n"
        yield from _table(item.section, [getattr(recipe(name), item.name) for name in SHOWN])
    yield ""


def _table(record: type[Settings], values: list[Any]) -> Iterator[str]:
    """Yield the rows of one record's own settings; `values` are the recipes' records."""
    yield "| setting | meaning | may be | " + " | ".join(f"`{name}`" for name in SHOWN) + " | shapes |"
    yield "|---" * (4 + len(SHOWN)) + "|"
    for name, item in known_settings(record).items():
        if item.section is not None:
            continue
        given = " | ".join(_shown(getattr(value, name)) for value in values)
        yield f"| `{name}` | {item.about.meaning} | {_may_be(item)} | {given} | {item.about.shapes} |"


def _may_be(item: Known) -> str:
    """Say what a setting may be: its words, or its type, bounds and unit."""
    if item.choices:
        return ", ".join(f"`{word}`" for word in item.choices)
    kind = KINDS[item.declared.removesuffix(" | None")]
    bounds = item.about.range().removeprefix("be ").replace("lie in", "in")
    parts = [f"{kind} {bounds}".strip(), item.about.unit or "", "or none" if item.optional else ""]
    return ", ".join(part for part in parts if part)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(_shown(entry) for entry in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
