"""What the slow tools rest on: the lock's lines, an older processor's environment, what pytest recorded."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks for its module
    spec.loader.exec_module(module)
    return module


machines, platforms = tool("machines"), tool("platforms")


def test_each_booster_is_locked_once_on_every_system() -> None:
    from packaging.requirements import Requirement

    lines = [Requirement(line) for line in (ROOT / "requirements" / "lock.txt").read_text().splitlines()]
    for system, wanted in (("darwin", "xgboost"), ("linux", "xgboost-cpu"), ("win32", "xgboost-cpu")):
        here = [r.name for r in lines if r.marker is None or r.marker.evaluate({"sys_platform": system})]
        assert [name for name in here if name.startswith("xgboost")] == [wanted]
    versions = {str(r.specifier) for r in lines if r.name.startswith("xgboost")}
    assert len(versions) == 1


def test_a_lock_is_read_without_its_markers() -> None:
    assert platforms.locked("a==1\n\nb==2 ; sys_platform == 'win32'\n# c==3\n") == {"a==1", "b==2"}


def test_an_older_processor_lacks_what_came_later() -> None:
    loops = ["X86_V3", "X86_V4", "AVX512_ICL"]
    off = {
        name: machines.emulation(processor, 1, loops).get("NPY_DISABLE_CPU_FEATURES")
        for name, processor in machines.PROCESSORS.items()
    }
    assert off == {
        "nehalem": "X86_V3 X86_V4 AVX512_ICL",
        "sandybridge": "X86_V3 X86_V4 AVX512_ICL",
        "haswell": "X86_V4 AVX512_ICL",
        "skylake": "AVX512_ICL",
    }


def test_a_machine_that_cannot_play_a_processor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines.platform, "machine", lambda: "x86_64")
    assert machines.why_not(machines.PROCESSORS["haswell"], {"AVX2": True}) is None
    assert machines.why_not(machines.PROCESSORS["skylake"], {"AVX2": True}) == "this processor has no AVX512F"
    monkeypatch.setattr(machines.platform, "machine", lambda: "arm64")
    assert machines.why_not(machines.PROCESSORS["haswell"], {}) == "this is arm64, not x86-64"


def test_what_pytest_recorded_is_counted(tmp_path: Path) -> None:
    (tmp_path / "test_three.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n@pytest.mark.skip\ndef test_c(): pass\n"
        "@pytest.fixture\ndef broken(): raise OSError\ndef test_d(broken): pass\n"
    )
    record = tmp_path / "record.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={record}"]
    subprocess.run([*command, "."], cwd=tmp_path, capture_output=True, check=False)
    found, failed = machines.counts(record)
    assert found == {"passed": 1, "failed": 2, "skipped": 1}
    assert failed == ["test_three::test_b", "test_three::test_d"]


@pytest.mark.parametrize(
    "given",
    [
        "--xla_backend_optimization_level=1",
        *(pytest.param(flag, marks=pytest.mark.slow) for flag in ("", "--xla_cpu_max_isa=AVX")),
    ],
)
def test_flags_of_xla_that_are_set_stand_beside_those_of_the_tests(given: str) -> None:
    show = "import os, conftest; print(os.environ['XLA_FLAGS'])"
    done = subprocess.run(
        [sys.executable, "-c", show],
        env=os.environ | {"XLA_FLAGS": given, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    flags = done.stdout.split()
    assert set(given.split()) <= set(flags)
    names = [flag.partition("=")[0] for flag in flags]
    assert len(names) == len(set(names))
    assert {"--xla_backend_optimization_level", "--xla_llvm_disable_expensive_passes"} <= set(names)


def test_the_page_on_speed_shows_what_was_measured() -> None:
    page = (ROOT / "docs" / "evidence" / "speed.md").read_text(encoding="utf-8")
    for name, text in tool("speed").speed_parts().items():
        assert f"<!-- {name} -->\n{text}<!-- end of {name} -->" in page


def test_the_page_on_speed_says_where_nothing_was_measured_and_whether_it_was_quiet(tmp_path: Path) -> None:
    speed = tool("speed")
    assert all(text.startswith("Not measured yet: `make ") for text in speed.speed_parts(tmp_path).values())
    fit = {"exponent": 0.5, "error": 0.1, "fixed": 2.0, "one_more": 0.25}
    row = {"cpu": 4.0, "floor": 1.0, "seconds": 3.0, "pss": 200.0, "rss": 300.0}
    points = [{"size": size, **row} for size in (5, 10)]
    curve = {"what": "folds", "points": points, "fit_cpu": fit, "fit_floor": fit, "fit_pss": fit}
    facts = {"cores": 2, "processor": "P", "system": "S", "python": "3", "day": "2024-01-02", "commit": "abc"}
    record = {"machine": facts, "rounds": 1, "loads": [9.0], "quiet": False, "curves": {"folds, lgb": curve}}
    record["not_measured"] = ["logs, read first"]
    (tmp_path / "curves.json").write_text(json.dumps(record))
    found = speed.speed_parts(tmp_path)
    assert "not quiet" in found["machine"]
    assert "Not measured yet: logs, read first." in found["machine"]
    wanted = "| folds, lgb | 5 to 10 | 0.50 ± 0.10 | 2.0 | 0.25 | 0.50 ± 0.10 | 25% | 0.50 ± 0.10 |\n"
    assert found["curves"].endswith(wanted)
    assert "| folds, lgb | 10 | 4.0 | 1.0 | 3.0 | 200 | 300 |\n" in found["points"]
    assert found["memory"].startswith("Not measured yet")


def test_the_page_on_speed_shows_the_memory_that_was_measured(tmp_path: Path) -> None:
    memory = {"group": "memory", "goal": "at most 1500 MB"}
    rows = {
        "tree, cold": {**memory, "value": 1612.3, "pss": 1204.9, "met": False},
        "tree, warm": {**memory, "value": 1338.0, "met": True},
        "tree, of another day": {**memory, "value": 900.0, "pss": 500.0, "met": None},
        "a training": {"group": "trainings", "goal": "", "value": 7.0, "met": None},
    }
    (tmp_path / "table.json").write_text(json.dumps({"rows": rows}))
    parts = tool("speed").speed_parts(tmp_path)
    assert parts["memory"].splitlines()[2:] == [
        "| tree, cold | 1.61 | 1.20 | at most 1500 MB | no |",
        "| tree, warm | 1.34 |  | at most 1500 MB | yes |",
        "| tree, of another day | 0.90 | 0.50 | at most 1500 MB |  |",
    ]
    assert parts["curves"].startswith("Not measured yet")
    assert not any("a training" in text for text in parts.values())
