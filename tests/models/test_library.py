"""A library that is not there, lacks another, or does not load: said in one line, with what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from geiger.errors import MissingLibrary
from geiger.models.library import load


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str) -> None:
    """Put a module of this name, made of this code, in the way of the real one."""
    folder.joinpath(f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)


def complaint(name: str) -> str:
    with pytest.raises(MissingLibrary) as caught:
        load(name)
    return str(caught.value)


def test_a_library_that_loads_is_returned() -> None:
    assert load("json").loads("[1]") == [1]


def test_a_library_that_is_not_there_is_to_be_installed() -> None:
    assert complaint("no_such_library").startswith("no_such_library is not installed; install it")


def test_what_a_library_itself_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "lightgbm", "import no_such_library")
    assert complaint("lightgbm") == "lightgbm is installed and needs no_such_library, which is not"


@pytest.mark.parametrize("name", ["xgboost", "lightgbm"])
@pytest.mark.parametrize(
    ("system", "remedy"),
    [
        ("darwin", "brew install libomp"),
        ("linux", "install libgomp"),
        ("win32", "Visual C++ Redistributable"),
        ("freebsd14", "the one of your system"),
    ],
)
def test_openmp_is_named_with_what_the_system_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, system: str, remedy: str
) -> None:
    said = "dlopen(lib.dylib):\\n  Library not loaded: @rpath/libomp.dylib"
    stand_in(tmp_path, monkeypatch, name, f"raise OSError('{said}')")
    monkeypatch.setattr(sys, "platform", system)
    line = complaint(name)
    assert line.startswith(f"{name} is installed and does not load (dlopen(lib.dylib): Library not loaded: @")
    assert "OpenMP" in line
    assert remedy in line
    assert "\n" not in line


def test_catboost_needs_no_openmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "catboost", "raise ImportError")
    assert complaint("catboost") == "catboost is installed and does not load (ImportError); install it again"
