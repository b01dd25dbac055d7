"""Who may import whom: the import statements themselves, held against the table."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "geiger"

# room -> the rooms that it may import; a folder counts as one room, a file beside the folders as well
SMALL = [
    "errors",
    "columns",
    "records",
    "figures",
    "seeds",
    "files",
    "metrics",
    "chain",
]  # what everybody may use
GROUND = [*SMALL, "settings", "market", "features", "learning", "models", "backtest", "evidence"]
STOREY = [*GROUND, "runlog", "runs", "checks", "analysis", "report"]

MAY_IMPORT: dict[str, list[str]] = {
    "errors": [],
    "columns": ["errors"],
    "records": ["errors"],
    "figures": ["records"],
    "seeds": ["errors"],
    "files": ["errors"],
    "metrics": ["errors"],
    "chain": ["errors", "files"],
    "settings": ["errors", "records"],
    "market": ["errors", "columns", "seeds", "files", "settings"],
    "features": ["errors", "columns", "seeds", "files", "settings"],
    "learning": ["errors", "columns", "seeds", "settings"],
    "models": [*SMALL, "settings", "features", "learning"],
    "backtest": [*SMALL, "settings"],
    "evidence": [*SMALL, "settings"],
    "runlog": ["errors", "records", "figures", "settings"],
    "runs": ["errors", "columns", "records", "files", "settings", "runlog", "learning", "models"],
    "checks": ["errors", "records", "figures", "metrics", "settings", "runlog", "runs", "backtest"],
    "analysis": [
        "errors",
        "files",
        "records",
        "figures",
        "metrics",
        "settings",
        "runlog",
        "runs",
        "backtest",
        "checks",
    ],
    "report": [
        *("errors", "files", "columns", "records", "figures", "settings", "runlog"),
        *("checks", "runs", "backtest", "evidence", "market"),
    ],
    "experiment": STOREY,
    "tomorrow": [*STOREY, "experiment"],
    "studies": [*STOREY, "experiment", "tomorrow"],
    "agents": ["errors", "files"],
    "cli": [*STOREY, "experiment", "tomorrow", "studies", "agents", "service"],
    "service": [*STOREY, "experiment", "tomorrow", "studies", "agents"],
}

# Libraries that cost time or may be absent: imported inside the function of their adapter, never at the top.
LATE = {
    "pandas",
    "xgboost",
    "lightgbm",
    "catboost",
    "exchange_calendars",
    "arch",
    "yfinance",
    "pyarrow",
    "sklearn",
    "scipy",
    "keras",
    "jax",
    "joblib",
    "threadpoolctl",
    "matplotlib",
    "jinja2",
    "mcp",
    "mcp_types",
    "anyio",
    "pydantic",
}
# Keras and JAX stand at the top of these files, which the networks' forecaster loads with the first fit.
NETS = SOURCE / "models" / "nets"
DOOR = NETS / "forecaster.py"


def part_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, int, bool]]:
    """Every imported module of a file: name, line, and whether it stands at the top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import; write the full name"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "geiger" else []
            found += [(name, node.lineno, id(node) in top) for name in names or [str(node.module)]]
    return found


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_arrows_point_one_way(path: Path) -> None:
    part = part_of(path)
    if part in ("__init__", "__main__"):  # the face: lazily opens every door
        return
    assert part in MAY_IMPORT, f"{path}: a new room needs its row in the table"
    for name, line, _ in imports(path):
        if name.startswith("geiger."):
            other = name.split(".")[1]
            allowed = other == part or other in MAY_IMPORT[part] or other == "__version__"
            assert allowed, f"{path}:{line}: {part} may not import {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_heavy_libraries_load_when_first_used(path: Path) -> None:
    for name, line, at_top in imports(path):
        assert not (at_top and name.split(".")[0] in LATE), f"{path}:{line}: import {name} inside its adapter"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_networks_load_with_the_first_fit(path: Path) -> None:
    if path.parent == NETS and path != DOOR:
        return
    for name, line, at_top in imports(path):
        inside = name.startswith("geiger.models.nets.") and name != "geiger.models.nets.forecaster"
        assert not (at_top and inside), f"{path}:{line}: import {name} inside the function that needs it"


def test_help_imports_no_heavy_library() -> None:
    heavy = LATE | {"numpy", "polars", "numba", "rich", "pyarrow"}
    code = (
        "import sys\nfrom geiger.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
