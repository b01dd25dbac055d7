"""What is hidden from a library, in whose process, and for how long."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from geiger import hiding
from geiger.hiding import hidden, run_as_command


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is one of our commands, until the test ends."""
    monkeypatch.setattr(hiding, "_PROCESS", hiding._Process())
    run_as_command()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that can be imported and has not been."""
    tmp_path.joinpath("aside.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "aside", raising=False)
    return "aside"


@pytest.mark.usefixtures("ours")
def test_a_module_is_not_found_inside_and_is_afterwards(module: str) -> None:
    with hidden([module]), pytest.raises(ModuleNotFoundError):
        importlib.import_module(module)
    assert importlib.import_module(module) is sys.modules[module]


@pytest.mark.usefixtures("ours")
def test_a_module_that_was_loaded_before_is_found(module: str) -> None:
    before = importlib.import_module(module)
    with hidden([module]):
        assert importlib.import_module(module) is before
    assert sys.modules[module] is before


@pytest.mark.usefixtures("ours")
def test_an_import_that_fails_hides_nothing_for_good(module: str) -> None:
    with pytest.raises(RuntimeError), hidden([module]):
        raise RuntimeError
    importlib.import_module(module)


def test_nothing_is_hidden_in_a_process_of_the_users(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hiding, "_PROCESS", hiding._Process())
    with hidden([module]):
        importlib.import_module(module)


@pytest.mark.parametrize("name", [pytest.param("lightgbm", marks=pytest.mark.slow), "xgboost"])
def test_a_users_own_process_has_the_classes_in_scikit_learns_style(name: str) -> None:
    code = (
        f"from geiger.models.library import load\nload({name!r})\nimport sys\nprint('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
