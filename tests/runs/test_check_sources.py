"""Check sources as files: what goes in comes out, and nothing from outside leaves the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.records import CheckSource, SourceArm, SourceVerdict
from geiger.runs.check_sources import keep_check, read_check

NULL = SourceArm(r2=0.0, p_values=(0.5, 0.002, 1.0, 0.3))
WEAK = SourceArm(r2=0.005, p_values=(0.5, 0.002, 0.2, 0.001), oracle_p_values=(0.0, 0.0, 0.2, 0.0))
STRONG = SourceArm(r2=0.05, p_values=(0.0, 0.002, 0.2, 0.001), oracle_p_values=(0.0, 0.0, 0.0, 1e-300))
HELD = CheckSource(
    symbol="TEST",
    model="ridge",
    level=0.01,
    source="x",
    days=900,
    null=NULL,
    planted=(WEAK, STRONG),
    effort=("fitted every 252 days, not 63",),
    key="ab12",
)


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    keep_check(tmp_path / "checks", HELD)
    assert read_check(tmp_path / "checks", "ab12") == HELD


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_check(tmp_path, "ab12") is None
    (tmp_path / "secret.json").write_text("{}")
    assert read_check(tmp_path / "checks", "../secret") is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ab12.json").write_text("{")
    with pytest.raises(DataError, match=r"ab12\.json: damaged"):
        read_check(tmp_path, "ab12")


def test_it_counts_below_the_level() -> None:
    assert HELD.text() == (
        "on these very prices it rang falsely in 1 of 4 and found a planted R2 "
        "of 0.5% in 2 of 4, of 5% in 3 of 4"
    )
    assert HELD.at(0.002).null.rings(0.002) == 0  # at the level is not below it
    assert HELD.verdict is SourceVerdict.OK


def test_broken_is_what_the_signal_finds_and_the_model_does_not() -> None:
    assert HELD.at(0.0015).verdict is SourceVerdict.OK  # half of them
    assert HELD.at(0.0005).verdict is SourceVerdict.BROKEN
    assert HELD.at(1e-301).verdict is SourceVerdict.TOO_LITTLE  # the signal itself: 3 of 4
