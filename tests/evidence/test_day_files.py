"""Numbers by day: named after what they hold, and read only where they still hold it."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError
from geiger.evidence.day_files import DayFiles, DayValues
from helpers.trials import values


def test_the_digest_is_that_of_days_and_numbers() -> None:
    found = DayValues.of([dt.date(1970, 1, 2), dt.date(1970, 1, 5)], [0.5, -2.0])
    by_hand = hashlib.sha256(struct.pack("<2i2f", 1, 4, 0.5, -2.0)).hexdigest()
    assert (found.digest, len(found)) == (by_hand, 2)
    assert DayValues.of(pl.Series([1, 4]), pl.Series([0.5, -2.0])).digest == by_hand


def test_values_come_back_from_their_file(tmp_path: Path) -> None:
    files, one = DayFiles(tmp_path / "scores", "score"), values(1)
    digest = files.keep(one)
    assert files.keep(one) == digest == one.digest
    back = files.read(digest)
    assert back is not None
    np.testing.assert_array_equal(back.day, one.day)
    np.testing.assert_array_equal(back.value, one.value)
    frame = pl.read_parquet(files.path(digest))
    assert dict(frame.schema) == {"day": pl.Date, "score": pl.Float32}
    assert [path.name for path in files.folder.iterdir()] == [f"{digest}.parquet"]


def test_a_file_that_holds_something_else_counts_as_none(tmp_path: Path) -> None:
    files = DayFiles(tmp_path, "score")
    one, two = files.keep(values(1)), files.keep(values(2))
    assert files.state(one) == "whole"
    shutil.copy(files.path(two), files.path(one))
    assert (files.read(one), files.state(one)) == (None, "changed")
    files.path(one).write_bytes(b"PAR1 no")
    assert (files.read(one), files.state(one)) == (None, "changed")
    pl.DataFrame({"other": [1]}).write_parquet(files.path(one))
    assert (files.read(one), files.state(one)) == (None, "changed")
    pl.DataFrame({"day": [None, 1], "score": [0.5, None]}).write_parquet(files.path(one))
    assert (files.read(one), files.state(one)) == (None, "changed")
    files.keep(values(1))
    assert files.state(one) == "whole"
    files.path(one).unlink()
    assert (files.read(one), files.state(one)) == (None, "gone")


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "/x"])
def test_a_name_that_is_no_digest_leads_nowhere(tmp_path: Path, name: str) -> None:
    assert DayFiles(tmp_path, "score").read(name) is None
    assert DayFiles(tmp_path, "score").state(name) == "gone"


@pytest.mark.parametrize(
    ("day", "value", "says"),
    [
        ([1, 1], [0.0, 0.0], "ascend"),
        ([2, 1], [0.0, 0.0], "ascend"),
        ([1, 2], [0.0], "as many"),
        ([1, 2], [0.0, float("nan")], "finite"),
        ([1, 2], [0.0, float("inf")], "finite"),
        ([1, 2], [0.0, 1e300], "finite"),
        ([1, 2], [0.0, None], "finite"),
    ],
)
def test_what_is_no_number_a_day_is_refused(day: list[int], value: list[float], says: str) -> None:
    with pytest.raises(DataError, match=says):
        DayValues.of(day, value)
