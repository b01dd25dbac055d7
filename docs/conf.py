"""The documentation as a site: ``make site`` builds it with Sphinx into ``site/``.

A page of it loads nothing from elsewhere, and the menu stands here: the pages themselves stay plain Markdown,
which the repository shows as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FRONT = "docs/index"
START, HOW_TO, REFERENCE, EXPLANATION, EVIDENCE = "Start", "How to", "Reference", "Explanation", "Evidence"
# Pages in the order of the menu. One that is not there is passed over; one that stands nowhere is a how-to.
NAV = {
    START: ("install", "start", "tutorial", "faq"),
    HOW_TO: (
        *("data", "extending", "verdict", "audit", "calibration", "trials", "judge", "networks", "stack"),
        *("panel", "validate", "cluster", "log-analyzer", "agents", "report", "serve", "python", "mlflow"),
    ),
    REFERENCE: ("cli", "settings", "checks", "features", "log-format", "api", "glossary"),
    EXPLANATION: ("how-it-works", "plan", "leak-museum", "decisions/README"),
    EVIDENCE: ("evidence/README", "/bench/results/README", "/CHANGELOG"),
}
# What the menu calls a page whose heading is too long for it.
SHORT = {
    "start": "Five minutes",
    "tutorial": "Tutorial",
    "install": "Install",
    "data": "Prices of your own",
    "extending": "Features, target, model of your own",
    "verdict": "Read the verdict",
    "audit": "Prove that nothing saw the future",
    "calibration": "Measure how often it errs",
    "trials": "Count tries",
    "judge": "Judge forecasts from elsewhere",
    "networks": "Train networks",
    "stack": "Weigh models, forecast tomorrow",
    "panel": "Many symbols as one",
    "validate": "Many symbols, several models",
    "cluster": "Use all cores, or a cluster",
    "log-analyzer": "Let the logs be read",
    "agents": "Use assistants",
    "report": "See a run as a page",
    "features": "Features",
    "log-format": "Log format",
    "api": "Python, every name",
    "serve": "All runs, and a live view",
    "python": "Python and notebooks",
    "mlflow": "Export to MLflow",
}
# Folders of pages that a page of their own leads to.
BELOW = {
    "docs/decisions/README": ("docs/decisions",),
    "docs/evidence/README": ("docs/evidence",),
    "bench/results/README": ("bench/results",),
}

project = "Geiger"
html_title = "Geiger"
extensions = ["myst_parser"]
root_doc = FRONT
# Links of the pages are those of the repository, so its root is the root of the site.
include_patterns = ["docs/**/*.md", "docs/*.md", "bench/results/*.md", "CHANGELOG.md"]
exclude_patterns = [
    path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("docs", "bench")
]
myst_heading_anchors = 4
highlight_language = "none"
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False


def pages_below(folder: str) -> list[str]:
    """Return the pages of a folder but for the one that leads to them, from the root on."""
    files = sorted((ROOT / folder).glob("*.md"))
    return [f"/{folder}/{path.stem}" for path in files if path.name != "README.md"]


def menu() -> dict[str, list[str]]:
    """Return the pages under each heading of the menu."""
    found = {
        title: [
            name
            for name in names
            if (ROOT / "docs" / f"{name}.md".removeprefix("/")).exists() or name[0] == "/"
        ]
        for title, names in NAV.items()
    }
    known = {name for names in NAV.values() for name in names} | {"index"}
    found[HOW_TO] += sorted({path.stem for path in (ROOT / "docs").glob("*.md")} - known)
    return found


def _contents(pages: Iterable[str], caption: str = "") -> str:
    title = f":caption: {caption}\n" if caption else ""
    lines = (f"{SHORT[page]} <{page}>" if page in SHORT else page for page in pages)
    return "\n```{toctree}\n:hidden:\n" + title + "\n" + "\n".join(lines) + "\n```\n"


def add_menu(app: Any, page: str, source: list[str]) -> None:
    """Add to a page that leads to others what the menu shows under it."""
    if page == FRONT:
        source[0] += "".join(_contents(pages, title) for title, pages in menu().items())
    if page in BELOW:
        source[0] += _contents(name for folder in BELOW[page] for name in pages_below(folder))


def lead_to_front(app: Any, error: Exception | None) -> None:
    """Let the root of the site lead to its front page."""
    if error is None:
        there = f"{FRONT}.html"
        lead = f'<meta http-equiv="refresh" content="0; url={there}">\n<a href="{there}">{project}</a>'
        page = f"<!doctype html>\n{lead}\n"
        (Path(app.outdir) / "index.html").write_text(page, encoding="utf-8")


def setup(app: Any) -> None:
    """Tell Sphinx of the two."""
    app.connect("source-read", add_menu)
    app.connect("build-finished", lead_to_front)
