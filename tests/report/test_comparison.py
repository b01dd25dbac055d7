from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.report.comparison import compare
from geiger.report.gather import view_of
from geiger.runs.folder import StoredRun
from helpers.pages import Changed, Runs


def test_a_comparison_needs_two_different_runs(made: Runs) -> None:
    view = view_of(made["ridge"])
    with pytest.raises(SettingError, match="at least two runs"):
        compare([made["ridge"], made["ridge"]], [view, view])


def test_a_panel_stands_beside_runs_of_itself_alone(panel_run: StoredRun, changed: Changed) -> None:
    view = view_of(panel_run)
    alone = changed(panel_run, lambda facts: facts.update(members=[], symbol="AAPL"))
    with pytest.raises(SettingError, match="of one symbol and panel TWELVE of many"):
        compare([panel_run, replace(alone, folder=alone.folder.with_name("AAPL_ridge"))], [view, view])
    other = replace(panel_run.record, symbol="OTHER")
    with pytest.raises(SettingError, match="OTHER and TWELVE are different panels"):
        compare([panel_run, StoredRun(panel_run.folder.with_name("OTHER_ridge"), other)], [view, view])


def test_years_that_differ_are_counted_from_the_common_days(made: Runs, changed: Changed) -> None:
    stored = [changed(made["ridge"], lambda facts: facts.update(days_per_year=365)), made["xgb"]]
    view = compare(stored, [view_of(one) for one in stored])
    days = made["xgb"].ledger()["day"]
    counted = round((len(days) - 1) * 365.25 / (days[-1] - days[0]).days)
    assert 255 <= counted <= 262  # weekdays without holidays
    assert f"here it is {counted} days" in view.common_note
    net = made["xgb"].ledger()["net"].to_numpy()
    expected = net.mean() / net.std(ddof=1) * np.sqrt(counted)
    assert dict(view.common_figures[0].values)[stored[1].name] == pytest.approx(expected)
