"""What a panel's run leaves behind can be read back, and says what was trained."""

from __future__ import annotations

from polars.testing import assert_frame_equal
from tests.helpers.panels import ENDED, LATE, NAME, SYMBOLS

from geiger.columns import PANEL_FORECASTS, require
from geiger.files import read_frame
from geiger.panel.plan import PanelPlan
from geiger.panel.written import PanelRun
from geiger.runlog import read_log
from geiger.runs.folder import RunsFolder


def test_the_record_names_every_member_with_its_data(small_plan: PanelPlan, small_run: PanelRun) -> None:
    """And the cross-section, as the run found it."""
    record = RunsFolder(small_run.folder.parent).load(small_run.name).record
    assert record.symbol == NAME
    assert tuple(member.symbol for member in record.members) == SYMBOLS
    assert record.members == small_plan.material.members
    days = {member.symbol: (member.first_day, member.last_day) for member in record.members}
    assert days[LATE][0] > days["P00"][0]
    assert days[ENDED][1] < days["P00"][1]
    assert record.results.cross_section == small_run.evaluation.cross_section
    assert record.forecast_key == small_plan.key()
    found = RunsFolder(small_run.folder.parent).find(small_plan.key())
    assert found is not None
    assert found.name == small_run.name


def test_forecasts_and_ledger_are_kept_as_they_were(small_run: PanelRun) -> None:
    """By day and symbol."""
    kept = require(read_frame(small_run.folder / "forecasts.parquet"), PANEL_FORECASTS)
    assert_frame_equal(kept, small_run.forecasts, check_exact=True)
    ledger = RunsFolder(small_run.folder.parent).load(small_run.name).ledger()
    assert_frame_equal(ledger, small_run.evaluation.ledger, check_exact=True)


def test_the_log_reads_back(small_run: PanelRun) -> None:
    """Text and events: settings, folds, figures and the cross-section; no line is left unread."""
    assert small_run.log is not None
    log = read_log(small_run.log)
    assert log.status is small_run.status
    assert log.cross_section == small_run.evaluation.cross_section
    assert log.settings is not None
    assert (log.settings.symbol, log.settings.members) == (NAME, len(SYMBOLS))
    assert {fold.fold for fold in log.folds} >= {fold.fold for fold in small_run.evaluation.folds}
    assert not log.unread
    assert small_run.log.name.startswith(f"{NAME}_ridge_")
    assert "CROSS-SECTION" in log.lines


def test_a_fold_counts_the_rows_of_all_symbols(small_plan: PanelPlan, small_run: PanelRun) -> None:
    """And its borders are days, the same for all of them."""
    record = RunsFolder(small_run.folder.parent).load(small_run.name).record
    for fold in record.folds:
        assert fold.train_last < fold.valid_first <= fold.valid_last < fold.test_first <= fold.test_last
    material = small_plan.material
    last = record.folds[-1]
    inside = material.calendar.gather(material.day).cast(str).is_between(last.test_first, last.test_last)
    assert last.test_rows == int(inside.sum())
