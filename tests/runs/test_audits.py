"""Audits on a disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.runs.audits import (
    SCHEMA,
    Audit,
    CutDay,
    Elsewhere,
    Leak,
    StageCheck,
    keep_audit,
    kept_built_in,
    read_audit,
)

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


def test_a_summary_keeps_cause_mend_and_key() -> None:
    summary = AUDIT.summary
    assert (summary.cause, summary.mend, summary.key) == (LEAK.cause, LEAK.mend, "abc")


def test_a_leak_of_a_panel_is_named_with_its_symbol(tmp_path: Path) -> None:
    of_panel = replace(AUDIT, leaks=(replace(LEAK, member="KO", members=3),), declared=("scores",))
    assert of_panel.summary.leak == "features: x of KO"
    keep_audit(tmp_path, of_panel)
    assert read_audit(tmp_path, "abc") == of_panel


def test_stages_that_were_audited_elsewhere_count() -> None:
    elsewhere = Elsewhere(symbol="MSFT", day="2026-01-01", key="def", stages=("scaler", "model", "fills"))
    assert replace(AUDIT, elsewhere=elsewhere).summary.stages == 4
    left_out = elsewhere.not_checked()
    assert (left_out.stage, left_out.why) == (
        "scaler ... fills",
        "audited on MSFT on 2026-01-01 with this code and these settings",
    )


def test_the_newest_audit_of_our_stages_is_found_where_all_were_green(tmp_path: Path) -> None:
    green = replace(AUDIT, color="green", leaks=(), built_in="b1")
    assert kept_built_in(tmp_path, "b1") is None
    for key, one in {
        "a1": green,
        "a2": replace(green, made_at="2026-01-03T00:00:00+00:00"),
        "a3": replace(green, made_at="2026-01-04T00:00:00+00:00", built_in="b2"),
    }.items():
        keep_audit(tmp_path, replace(one, key=key))
    (tmp_path / "a5.json").write_text('{"built_in": "b1"')
    found = kept_built_in(tmp_path, "b1")
    assert found is not None
    assert found.key == "a2"
    assert kept_built_in(tmp_path, "b3") is None
    keep_audit(tmp_path, replace(AUDIT, key="a4", built_in="b1"))
    assert kept_built_in(tmp_path, "b1") is None, "on other data the same stages looked ahead"


def test_a_key_that_leads_elsewhere_is_none(tmp_path: Path) -> None:
    keep_audit(tmp_path, AUDIT)
    assert read_audit(tmp_path / "sub", "../abc") is None
