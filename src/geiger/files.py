"""Files that are whole or absent, their locks, and frames that are read without running anything."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from geiger.errors import DataError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

LOOK = 0.01  # seconds between two looks at a lock that another has


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` so that a reader, or a kill, sees the old file or the new one and nothing between.

    Raises
    ------
    DataError
        The folder cannot be made, the file cannot be written, or what is there is no regular file.
    """
    _refuse_what_is_no_file(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); check the folder") from None


def _refuse_what_is_no_file(path: Path) -> None:
    """Devices, pipes, sockets and folders must not be replaced by a file; a link counts as what it names."""
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing there, or the write itself will say what is wrong
        return
    if not stat.S_ISREG(mode):
        raise DataError(f"{path}: is no regular file; name another")


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet, atomically."""
    buffer = BytesIO()
    frame.write_parquet(buffer)
    write_atomically(path, buffer.getvalue())


def parquet_table(content: bytes) -> pa.Table:
    """Return the checked table of a Parquet file's bytes; a damaged one raises what pyarrow or Python raise.

    Read by pyarrow: a damaged file can abort the whole process inside polars' own reader. And by no thread of
    it: one that lets go of a Python object while the interpreter shuts down aborts the process as well, which
    a data set's scan (`read_table`) and a file object of Python bring about in a third of short commands.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    table.validate(full=True)
    return table


def read_frame(path: Path) -> pl.DataFrame:
    """Return the frame of a Parquet file.

    Raises
    ------
    DataError
        There is no such file, or it is damaged.
    """
    import polars as pl
    import pyarrow as pa

    try:
        return pl.DataFrame(pl.from_arrow(parquet_table(path.read_bytes())))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or 'damaged'})") from None
    except (pa.ArrowException, pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError):
        raise DataError(f"{path}: cannot be read (damaged, or no Parquet file)") from None


if sys.platform == "win32":

    def locked(handle: int, over: float) -> bool:
        """Return at once: whoever asks does without locks here."""
        return True

    def free(handle: int) -> None:
        """Do nothing: there is no lock."""

else:
    import fcntl

    def locked(handle: int, over: float) -> bool:
        """Lock an open file against other handles; return whether that was done by `over` (monotonic clock).

        The system frees it when its holder ends, however it ends. A file system without locks locks nothing.
        """
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > over:
                    return False
                time.sleep(LOOK)
            except OSError:
                return True
            else:
                return True

    def free(handle: int) -> None:
        """Free a lock: closing alone does not, where a child forked meanwhile has a copy of the handle."""
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
