"""Who may import whom: the import statements themselves, held against the table."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "geiger"

# room -> the rooms that it may import; a folder counts as one room, a file beside the folders as well
# what everybody may use
SMALL = [
    "errors",
    "cleaning",
    "columns",
    "records",
    "figures",
    "codec",
    "native",
    "seeds",
    "files",
    "metrics",
    "chain",
    "blas",
    "processes",
    "hiding",
    "cross_section",
    "command_line",
    "glossary",
]
GROUND = [*SMALL, "settings", "market", "features", "learning", "models", "backtest", "evidence"]
STOREY = [*GROUND, "runlog", "runs", "checks", "analysis", "report", "pages", "opened"]

MAY_IMPORT: dict[str, list[str]] = {
    "errors": [],
    "cleaning": [],
    "columns": ["errors"],
    "records": ["errors", "cross_section"],
    "figures": ["records"],
    "codec": ["errors"],
    "native": [],
    "seeds": ["errors"],
    "files": ["errors"],
    "metrics": ["errors", "records"],
    "chain": ["errors", "files"],
    "blas": [],
    "processes": [],
    "hiding": [],
    "cross_section": [],
    "command_line": [],
    "glossary": [],
    "settings": ["errors", "records"],
    "market": ["errors", "columns", "seeds", "files", "settings"],
    "features": ["errors", "columns", "native", "seeds", "files", "settings"],
    "learning": ["errors", "columns", "seeds", "settings"],
    "models": [*SMALL, "settings", "features", "learning"],
    "backtest": [*SMALL, "settings"],
    "evidence": [*SMALL, "settings"],
    "runlog": [
        "command_line",
        "errors",
        "cleaning",
        "records",
        "cross_section",
        "figures",
        "codec",
        "settings",
    ],
    "runs": [*SMALL, "settings", "runlog", "learning", "models"],
    "checks": [
        "command_line",
        "errors",
        "records",
        "cross_section",
        "figures",
        "metrics",
        "settings",
        "runlog",
        "runs",
        "backtest",
    ],
    "analysis": [
        *(
            "command_line",
            "errors",
            "cleaning",
            "codec",
            "files",
            "records",
            "cross_section",
            "figures",
            "metrics",
        ),
        *("settings", "runlog", "runs", "backtest", "checks"),
    ],
    "report": [
        *(
            "command_line",
            "glossary",
            "errors",
            "cleaning",
            "files",
            "columns",
            "records",
            "cross_section",
            "figures",
            "codec",
            "metrics",
            "settings",
            "runlog",
        ),
        *("checks", "runs", "backtest", "evidence", "market"),
    ],
    "pages": [*GROUND, "runlog", "runs", "checks", "analysis", "report"],
    "opened": [*GROUND, "runlog", "runs", "checks", "analysis", "report", "pages"],
    "experiment": STOREY,
    "panel": [*STOREY, "experiment"],
    "audit": [*STOREY, "experiment", "panel"],
    "tomorrow": [*STOREY, "experiment", "panel", "audit"],
    "studies": [*STOREY, "experiment", "panel", "audit", "tomorrow"],
    "judging": [*STOREY, "experiment", "panel", "audit", "tomorrow", "studies"],
    "agents": ["errors", "files"],
    "cli": [*STOREY, "experiment", "panel", "audit", "tomorrow", "studies", "judging", "agents", "service"],
    "service": [*STOREY, "experiment", "panel", "audit", "tomorrow", "studies", "judging", "agents"],
}

# Libraries that cost time or may be absent: imported inside the function of their adapter, never at the top.
LATE = {
    "pandas",
    "numba",
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
    "flatbuffers",
    "joblib",
    "ray",
    "threadpoolctl",
    "matplotlib",
    "jinja2",
    "markupsafe",
    "mcp",
    "mcp_types",
    "starlette",
    "uvicorn",
    "sse_starlette",
    "mlflow",
    "anyio",
    "pydantic",
}
# Keras and JAX stand at the top of these files, which the networks' forecaster loads with the first fit.
NETS = SOURCE / "models" / "nets"
DOOR = NETS / "forecaster.py"

TESTS = SOURCE.parents[1] / "tests"

# module -> where its tests stand in place of a file of the same name, and why
TESTED_ELSEWHERE = {
    "cli/serve.py": ("service/test_serve.py", "one line: a browser talks to what it starts"),
    "cli/mcp.py": ("service/test_mcp.py", "one line: a client talks to what it starts"),
    "market/loaded.py": ("market/test_sources.py", "data only"),
    "models/nets/backend.py": ("models/nets/test_loop.py", "one choice, made when it is imported"),
    "models/nets/xla.py": ("models/nets/test_compiled.py", "one choice, made when it is imported"),
    "report/parts.py": ("report/test_run_page.py", "small words of both pages"),
    "report/failed_page.py": ("report/test_failed.py", "a page beside what it shows"),
    "report/tables.py": ("report/test_run_page.py", "tables of both pages"),
    "report/view.py": ("report/test_gather.py", "data only"),
    "experiment/made.py": ("experiment/test_walk.py", "a protocol: no code"),
}


def part_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


def meant(module: str, name: str) -> str:
    """`from module import name`: the module that it opens, which `name` may be itself."""
    inner = SOURCE.parent.joinpath(*module.split("."), name)
    is_module = module == "geiger" or inner.with_suffix(".py").exists() or inner.is_dir()
    return f"{module}.{name}" if is_module else module


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
            for name in {meant(str(node.module), alias.name) for alias in node.names}:
                found.append((name, node.lineno, id(node) in top))
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


def name_of(path: Path) -> str:
    parts = ["geiger", *path.relative_to(SOURCE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circle_in(needs: dict[str, set[str]]) -> list[str]:
    """The modules of one import circle, in order; empty where there is none."""
    done: set[str] = set()

    def follow(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return []
        for other in sorted(needs[module]):
            if found := follow(other, [*way, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(needs) if (found := follow(module, []))), [])


def test_a_circle_is_seen() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_module_is_part_of_an_import_circle() -> None:
    """Imports inside functions count, too: they would only hide a circle."""
    modules = {name_of(path): path for path in FILES if path != SOURCE / "__init__.py"}
    needs = {
        module: {name for name, _, _ in imports(path) if name in modules} for module, path in modules.items()
    }
    assert circle_in(needs) == []


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


LONGEST = 60  # lines of a function without its docstring
# "file:function" -> why it is better read in one piece
LONG: dict[str, str] = {}


def lengths(path: Path) -> dict[str, int]:
    """Lines of every function of a file, docstrings not counted."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
            prose = (text.end_lineno or 0) - text.lineno + 1 if text else 0
            found[node.name] = max(found.get(node.name, 0), (node.end_lineno or 0) - node.lineno + 1 - prose)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_functions_fit_a_screen(path: Path) -> None:
    for name, lines in lengths(path).items():
        place = f"{path.relative_to(SOURCE).as_posix()}:{name}"
        assert lines <= LONGEST or place in LONG, f"{place} has {lines} lines; split it, or say why in LONG"
        assert lines > LONGEST or place not in LONG, f"{place} is short by now: take it out of LONG"


def test_the_lengths_are_counted(tmp_path: Path) -> None:
    body = "\n".join(f"        x{i} = {i}" for i in range(60))
    text = f'class A:\n    def long(self):\n        """One.\n\n        Two.\n        """\n{body}\n'
    (tmp_path / "a.py").write_text(text)
    assert lengths(tmp_path / "a.py") == {"long": 61}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_each_module_has_its_tests(path: Path) -> None:
    """A face and `__main__` hold no logic; every other module is tested in the file that has its name."""
    if path.name in ("__init__.py", "__main__.py"):
        return
    module = path.relative_to(SOURCE)
    namesake = TESTS / module.parent / f"test_{module.name}"
    if str(module.as_posix()) not in TESTED_ELSEWHERE:
        assert namesake.exists(), f"{module}: write {namesake.relative_to(TESTS)}"
        return
    other, _ = TESTED_ELSEWHERE[module.as_posix()]
    assert (TESTS / other).exists(), f"{module}: no {other} that would test it"
    assert not namesake.exists(), f"{module} has its tests: take it out of the table"


def test_no_module_is_excused_that_is_not_there() -> None:
    gone = [name for name in TESTED_ELSEWHERE if not (SOURCE / name).exists()]
    assert not gone


# test file -> the subject of its own that has no module: several modules at work together
TOGETHER = {
    "cli/test_main.py": "the door itself: every command fails alike",
    "cli/test_stack.py": "a stack from training to a scored forecast",
    "runlog/test_log_format.py": "the page that shows the format",
    "models/nets/test_doctor.py": "real trainings, and what the doctor says of them",
    "models/nets/test_plan_recipe.py": "the plan's recipe down to the trained object",
    "report/test_browser.py": "pages in a browser",
    "service/test_live_browser.py": "the live view in a browser, while a training goes on",
    "agents/test_agents.py": "the definitions of the assistants, which are no code",
    "experiment/test_for_use.py": "a model for use: saved, forecast with, repeated",
    "experiment/test_network_runs.py": "runs of networks",
    "experiment/test_stack_runs.py": "runs of stacks",
}


def test_each_test_file_has_a_module_or_a_subject_of_its_own() -> None:
    rooms = [path for path in TESTS.rglob("test_*.py") if path.parent not in (TESTS, TESTS / "contracts")]
    names = {path.relative_to(TESTS).as_posix(): path for path in rooms}
    stray = [
        name
        for name, path in names.items()
        if not (SOURCE / path.parent.relative_to(TESTS) / path.name.removeprefix("test_")).exists()
    ]
    assert sorted(stray) == sorted(TOGETHER)


def test_help_imports_no_heavy_library() -> None:
    heavy = LATE | {"numpy", "polars", "numba", "rich", "pyarrow"}
    code = (
        "import sys\nfrom geiger.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', sorted({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"
