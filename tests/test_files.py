"""Frames on disk: back as they were, or refused; never a crash."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.errors import DataError
from geiger.files import read_frame, write_atomically, write_frame

FRAME = pl.DataFrame({"a": [1.5, -2.0, 3.25], "b": ["x", "y", "z"]})


def test_a_frame_comes_back_as_it_was(tmp_path: Path) -> None:
    write_frame(tmp_path / "new" / "f.parquet", FRAME)
    assert read_frame(tmp_path / "new" / "f.parquet").equals(FRAME)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["f.parquet"]


THREADS = """
import os, sys, pyarrow.parquet
from pathlib import Path
from geiger.files import parquet_table
before = len(os.listdir("/proc/self/task"))
parquet_table(Path(sys.argv[1]).read_bytes())
print(before, len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system does not list its threads")
def test_reading_starts_no_thread_that_could_outlive_the_interpreter(tmp_path: Path) -> None:
    write_frame(tmp_path / "f.parquet", FRAME)
    command = [sys.executable, "-c", THREADS, str(tmp_path / "f.parquet")]
    before, after = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert before == after


@settings(max_examples=200)
@given(st.data())
def test_a_changed_byte_gives_a_frame_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("f") / "f.parquet"
    write_frame(path, FRAME)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with suppress(DataError):
        assert isinstance(read_frame(path), pl.DataFrame)


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, no folder")
    with pytest.raises(DataError, match="cannot be written"):
        write_atomically(tmp_path / "file" / "inside", b"x")
    with pytest.raises(DataError, match="cannot be read"):
        read_frame(tmp_path / "nothing.parquet")


def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path) -> None:
    place = tmp_path / "new"
    place.mkdir()
    os.mkfifo(place / "pipe")
    (place / "folder").mkdir()
    (place / "link").symlink_to(place / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place / "socket"))
        before = {path: path.lstat().st_mode for path in place.iterdir()}
        for path in before:
            with pytest.raises(DataError, match=rf"{path.name}: is no regular file; name another"):
                write_atomically(path, b"x")
        assert {path: path.lstat().st_mode for path in place.iterdir()} == before


def test_a_link_to_a_file_is_replaced_and_the_file_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", b"new")
    assert stat.S_ISREG((tmp_path / "link").lstat().st_mode)
    assert ((tmp_path / "link").read_bytes(), (tmp_path / "file").read_bytes()) == (b"new", b"old")
