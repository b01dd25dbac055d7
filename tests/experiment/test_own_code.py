"""A file that the user names is run once, and every way in which it fails is one line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from geiger.errors import DataError, SettingError
from geiger.experiment.own_code import called, load_code


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from pathlib import Path\n"
        "log = Path(__file__).with_name('ran')\n"
        "log.write_text(log.read_text() + 'x' if log.exists() else 'x')\n"
        "@dataclass\n"
        "class Gap:\n"
        "    days: int = 3\n"
        "def gap(bars):\n"
        "    return len(bars)\n"
        "def broken(bars):\n"
        "    inner = []\n"
        "    return inner[bars]\n"
        "def leaves(bars):\n"
        "    raise SystemExit\n"
        "if __name__ == '__main__':\n"
        "    raise ValueError\n"
    )
    return path


def test_a_name_is_found_and_the_hash_is_of_what_ran(mine: Path) -> None:
    found = load_code(f"{mine}:gap")
    assert (found.name, found.where) == ("mine.py:gap", str(mine))
    assert found.digest == hashlib.sha256(mine.read_bytes()).hexdigest()
    assert called(found.value, [1, 2], name=found.name) == 2
    assert mine.with_name("ran").read_text() == "x"
    assert load_code(f"{mine}:Gap").value().days == 3  # a dataclass looks up the module it lies in


@pytest.mark.parametrize("text", ["mine.py", "mine.py:", "mine:gap", "mine.txt:gap", "mine.py:a-b", ""])
def test_other_words_are_refused_with_the_form_to_use(text: str) -> None:
    with pytest.raises(SettingError, match=r"write it as FILE.py:NAME, such as features.py:momentum_gap"):
        load_code(text)


def test_a_missing_file_and_a_missing_name_are_told_apart(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"none.py: cannot be read \(No such file"):
        load_code(f"{tmp_path / 'none.py'}:gap")
    with pytest.raises(SettingError, match=r"mine.py: has no 'gpa'; did you mean 'gap'\?"):
        load_code(f"{mine}:gpa")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: .* on line 2 of mine.py"),
        ("x = 1\n\nx.y\n", "AttributeError: 'int' object has no attribute 'y' on line 3 of mine.py"),
        ("import not_there\n", "ModuleNotFoundError: No module named 'not_there' on line 1"),
        ("raise SystemExit\n", "SystemExit on line 1"),
    ],
)
def test_a_file_that_does_not_run_says_where_it_stops(mine: Path, text: str, why: str) -> None:
    mine.write_text(text)
    with pytest.raises(SettingError, match=f"mine.py: does not run: {why}"):
        load_code(f"{mine}:gap")


def test_a_function_that_raises_names_its_own_error_and_line(mine: Path) -> None:
    with pytest.raises(DataError, match=r"^b: stopped with IndexError: .* on line 13 of mine.py$"):
        called(load_code(f"{mine}:broken").value, 3, name="b")
    with pytest.raises(DataError, match=r"^l: stopped with SystemExit on line 15 of mine.py$"):
        called(load_code(f"{mine}:leaves").value, 3, name="l")
    with pytest.raises(DataError, match=r"^int: stopped with ValueError: invalid literal"):
        called(int, "x", name="int")
