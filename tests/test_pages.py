"""The page of a run comes with what the analyzer finds in its log, and without where there is none."""

from __future__ import annotations

from pathlib import Path

from geiger.command_line import Folders
from geiger.pages import page_of, view_with_findings
from geiger.report.gather import log_of
from geiger.runs.folder import StoredRun

HERE = Folders()


def test_findings_come_from_the_log(stack_stored: StoredRun, stack_place: Path) -> None:
    log = log_of(stack_stored, stack_place / "logs")
    assert log is not None
    found = view_with_findings(stack_stored, log, HERE).findings
    assert found is not None
    assert view_with_findings(stack_stored, None, HERE).findings is None
    page = page_of(stack_stored, log, HERE)
    assert all(one.code in page for one in found)
    assert page == page_of(stack_stored, None, HERE, view_with_findings(stack_stored, log, HERE))


def test_a_log_that_is_none_leaves_the_page_without_findings(stack_stored: StoredRun, tmp_path: Path) -> None:
    odd = tmp_path / f"{stack_stored.name}.log"
    odd.write_text("nothing of a log\n")
    assert view_with_findings(stack_stored, odd, HERE).findings is None
