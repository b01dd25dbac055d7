"""Every notebook of the examples runs from top to bottom in an empty folder, and shows what its text says."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def code_of(notebook: Path) -> list[str]:
    """The sources of its code cells."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def shown_of(value: Any) -> str:
    """What a notebook would show of a value."""
    html = getattr(value, "_repr_html_", None)
    return str(html()) if html is not None else repr(value)


def run_cells(sources: list[str]) -> list[tuple[str, Any]]:
    """Run cells in one namespace; return of each what its last line is worth, and how that is shown."""
    space: dict[str, Any] = {"__name__": "__main__"}
    found = []
    for number, source in enumerate(sources):
        tree, value = ast.parse(source), None
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"cell {number}", "exec"), space)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), space)
        found.append((shown_of(value), value))
    return found


def test_the_notebooks_are_there_without_outputs() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"quickstart", "own_features", "own_estimator", "panel"}
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
        assert all(cell.get("outputs", []) == [] for cell in notebook["cells"])
        assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = run_cells(code_of(notebook))
    values = [value for _, value in found]
    assert sum("<svg" in shown for shown, _ in found) >= 1
    if notebook.stem == "own_features":
        assert values[2][0] == "green"
        assert values[3][:3] == ("red", "features", "momentum_gap_leaky")
        assert values[5][2] != "SIGNAL"
    if notebook.stem == "quickstart":
        assert values[-2].startswith("AAPL_ridge_")
        assert values[-1].height == 1


@pytest.mark.slow
def test_the_page_for_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (EXAMPLES.parent / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.S | re.M)
    assert len(blocks) == 2
    monkeypatch.chdir(tmp_path)
    (_, printed), (_, frame) = run_cells(blocks)
    assert printed is None
    assert list(frame.columns)[:2] == ["name", "symbol"]
    told = {
        name for row in re.findall(r"^\| `run[^|]*\|", page, re.M) for name in re.findall(r"run\.(\w+)", row)
    }
    import geiger

    run = geiger.open_run("latest")
    assert {"verdict", "gist", "figures", "forecasts", "ledger", "returns", "report", "record"} <= told
    assert all(hasattr(run, name) for name in told)
    assert set(re.findall(r"`(\w+)`", page.partition("newest first: ")[2].partition("Both take")[0])) - {
        *("SUCCESS", "COLLAPSED", "FAILED", "running", "stopped", "damaged")
    } <= set(geiger.runs().columns)
