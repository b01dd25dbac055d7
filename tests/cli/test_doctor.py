"""``geiger doctor``: what this installation can do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from geiger.cli.doctor import PARTS
from geiger.models.library import load
from geiger.models.nets.compiled import SETTING

Call = Any


def test_doctor_names_libraries_data_and_runs(call: Call, data: Path) -> None:
    facts = call("doctor", "--data", data, "--json").json
    assert facts["symbols"] == ["AAA", "BBB", "SPY", "TINY"]
    assert (facts["device"], facts["runs"]) == ("CPU", 0)
    assert facts["environment"]["threads"] >= 1
    assert {"xgboost", "lightgbm", "catboost"} <= {part["library"] for part in facts["parts"]}
    answer = call("doctor", "--data", data)
    assert (answer.code, answer.err) == (0, "")
    assert "symbols at hand: AAA, BBB, SPY, TINY" in answer.out
    assert not list(Path().iterdir())


@pytest.mark.parametrize("missing", [("arch",), ()])
def test_doctor_says_what_is_missing(
    call: Call, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    real = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> object:
        if name in missing:
            return None
        return real("json" if name in PARTS else name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    last = call("doctor").out.splitlines()[-1]
    assert last == ("missing: arch (embedded index prices)" if missing else "nothing is missing")
    states = {part["library"]: part["state"] for part in call("doctor", "--json").json["parts"]}
    assert {name for name, state in states.items() if state == "missing"} == set(missing)


def test_doctor_says_what_does_not_load_and_what_to_do(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is installed and lacks a library of the system is found by loading it."""
    load("xgboost"), load("catboost")  # while the system is still what it is
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "lightgbm.py").write_text("raise OSError('Library not loaded: @rpath/libomp.dylib')")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    monkeypatch.setattr(sys, "platform", "darwin")
    states = {part["library"]: part for part in call("doctor", "--json").json["parts"]}
    assert states["lightgbm"]["state"] == "does not load"
    assert states["xgboost"]["state"] == "installed"
    out = call("doctor").out
    assert "lightgbm is installed and does not load (Library not loaded: @rpath/libomp.dylib)" in out
    assert "brew install libomp" in out
    assert "nothing is missing" not in out


def test_doctor_says_where_compiled_networks_are_kept(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path.parent / f"{tmp_path.name} kept"
    monkeypatch.setenv(SETTING, str(kept))
    assert f"compiled networks: kept in {kept}\n" in call("doctor").out
    monkeypatch.setenv(SETTING, "off")
    assert f"compiled networks: not kept: {SETTING} is off\n" in call("doctor").out
