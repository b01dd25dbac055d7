"""Audits on a disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.runs.audits import SCHEMA, Audit, CutDay, Leak, StageCheck, keep_audit, read_audit

LEAK = Leak(
    stage="features",
    column="x",
    day="2020-01-02",
    size=None,
    rows=2,
    columns=1,
    world="the rows after it were removed",
    cut="2020-01-03",
    cause="a centred window",
    mend="let it end with the row",
)
AUDIT = Audit(
    symbol="AAPL",
    model="ridge",
    color="red",
    stages=(StageCheck(stage="features", what="columns", worlds=3, values=9, seconds=0.5),),
    cuts=(CutDay(day="2020-01-03", why="first test row"),),
    worlds=("the rows after it were removed",),
    leaks=(LEAK,),
    made_at="2026-01-02T03:04:05+00:00",
    key="abc",
)


def test_an_audit_comes_back_as_it_was(tmp_path: Path) -> None:
    keep_audit(tmp_path / "audits", AUDIT)
    assert read_audit(tmp_path / "audits", "abc") == AUDIT
    assert read_audit(tmp_path / "audits", "other") is None


def test_its_summary_is_one_line() -> None:
    assert AUDIT.summary.text() == "red, 1 stages, 1 cuts, 2026-01-02; look-ahead in features: x"
    assert replace(AUDIT, leaks=(), color="green").summary.text() == "green, 1 stages, 1 cuts, 2026-01-02"


@pytest.mark.parametrize(("text", "said"), [("{", "damaged"), ("{}", "missing"), ("", "damaged")])
def test_a_damaged_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "abc.json").write_text(text)
    with pytest.raises(DataError, match=said):
        read_audit(tmp_path, "abc")


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    keep_audit(tmp_path, replace(AUDIT, schema=SCHEMA + 1))
    with pytest.raises(DataError, match="newer version"):
        read_audit(tmp_path, "abc")
