"""The page that leads to all decisions, made from their headings and first words."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
HEAD = """\
# Decisions

Made by `make docs` from the pages: choices that had alternatives, with what spoke for them. An old page
stays where a choice changed, and names the new one.

| | decision | since |
|---|---|---|
"""


def decisions_page() -> str:
    """Return the page: number, title and day of each decision."""
    return HEAD + "".join(_row(path) for path in sorted(FOLDER.glob("[0-9]*.md")))


def _row(path: Path) -> str:
    title, _, text = path.read_text(encoding="utf-8").partition("\n")
    number, _, name = title.removeprefix("# ").partition(". ")
    day = text.strip()[: len("2026-11-23")]
    return f"| {number} | [{name}]({path.name}) | {day} |\n"
