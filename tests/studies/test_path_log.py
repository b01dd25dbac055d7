"""Finished paths: kept at once, counted once, a torn line passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.studies.path_log import PathLog


def test_paths_are_found_again_and_the_first_of_a_name_counts(tmp_path: Path) -> None:
    log = PathLog(tmp_path / "new" / "paths.jsonl")
    log.add((0.0, 1), {"p": 0.5})
    log.add((0.005, 1), {"p": 0.25})
    log.add((0.0, 1), {"p": 0.75})
    assert PathLog(log.path).found == log.found == {(0.0, 1): {"p": 0.5}, (0.005, 1): {"p": 0.25}}


def test_a_torn_line_spoils_neither_itself_nor_the_next(tmp_path: Path) -> None:
    log = PathLog(tmp_path / "paths.jsonl")
    log.add(("a", 1), {"p": 0.5})
    log.path.write_bytes(log.path.read_bytes() + b'[["a", 2], {"p"\n"text"\n3\n[[["a"]], {}]\n[["a", 3')
    again = PathLog(log.path)
    again.add(("a", 4), {"p": 1.0})
    assert PathLog(log.path).found == {("a", 1): {"p": 0.5}, ("a", 4): {"p": 1.0}}


def test_it_is_gone_when_removed(tmp_path: Path) -> None:
    log = PathLog(tmp_path / "paths.jsonl")
    log.add(("a",), {})
    log.remove()
    log.remove()
    assert not log.path.exists()


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        PathLog(tmp_path)
    log = PathLog(tmp_path / "paths.jsonl")
    log.path.mkdir()
    with pytest.raises(DataError, match="cannot be written"):
        log.add(("a",), {})
