"""Where a panel is cut: fold edges of the run stay edges, and the first days are as the run has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geiger.audit.cuts import FIRST_TEST_ROW, INSIDE
from geiger.audit.panel_windows import (
    EDGE,
    FIRST_KNOWN,
    Window,
    stretches_of,
    told,
    window_config,
    windows_of,
)
from geiger.audit.panel_worlds import PanelWorld
from geiger.errors import DataError
from geiger.panel.folds import counting
from geiger.panel.plan import PanelPlan


@pytest.fixture(scope="module")
def windows(panel_plan: PanelPlan, panel_world: PanelWorld) -> list[Window]:
    found = [window for _, window in windows_of(panel_plan, replace(panel_world, index=None))]
    assert not any(isinstance(one, DataError) for one in found)
    return [one for one in found if isinstance(one, Window)]


def test_cuts_lie_at_fold_edges_inside_and_at_both_ends(panel_plan: PanelPlan) -> None:
    stretches = stretches_of(panel_plan)
    cuts = [place for stretch in stretches for place in stretch.places]
    assert len(cuts) >= 6
    assert len({place for place, _ in cuts}) == len(cuts)
    days, folds = counting(panel_plan.material), panel_plan.folds["ridge"]
    where = {why: place for place, why in cuts}
    assert where[FIRST_TEST_ROW] == days[folds[0].test.start]
    assert where["last row of the first fold"] == days[folds[0].test[-1]]
    assert where[EDGE] == days[folds[len(folds) // 2].test.start]
    assert where["last test row"] == days[folds[-1].test[-1]]
    assert where[EDGE] < where[INSIDE] < where["last test row"]
    assert all(stretch.first <= place < stretch.last for stretch in stretches for place, _ in stretch.places)


def test_the_first_days_are_made_as_the_run_made_them(panel_plan: PanelPlan, windows: list[Window]) -> None:
    first, run = windows[0], panel_plan.material
    assert not first.lighter
    assert first.config.panel == panel_plan.work.config.panel
    assert first.base.folds["ridge"][0] == panel_plan.folds["ridge"][0]
    rows = len(first.base.material.day)
    assert np.array_equal(first.base.material.normalised, run.normalised[:rows], equal_nan=True)
    issued = first.base.material.calendar.gather(first.base.material.day[first.base.walk.issued.rows])
    known = next(cut.day for cut in first.cuts if cut.why == FIRST_KNOWN)
    assert issued[0] < known


def test_an_edge_of_the_run_is_an_edge_of_a_lighter_window(
    panel_plan: PanelPlan, windows: list[Window]
) -> None:
    edge = next(cut.day for window in windows for cut in window.cuts if cut.why == EDGE)
    lighter = next(window for window in windows if edge in {cut.day for cut in window.cuts})
    material = lighter.base.material
    days = counting(material)
    starts = [material.calendar[int(days[fold.test.start])] for fold in lighter.base.folds["ridge"]]
    assert lighter.lighter
    assert edge in starts
    assert lighter.config.panel.slope_days < panel_plan.work.config.panel.slope_days
    (text,) = told(panel_plan, windows)
    assert f"learn from {lighter.config.min_train}" in text


def test_nothing_is_locked_and_no_fold_left_out(panel_plan: PanelPlan) -> None:
    work = replace(panel_plan.work, config=replace(panel_plan.work.config, max_folds=1, seeds=3))
    config = window_config(replace(panel_plan, work=work))
    assert (config.lockbox, config.max_folds, config.end) == (0, None, None)


def test_too_few_days_before_an_edge_are_told(panel_plan: PanelPlan, panel_world: PanelWorld) -> None:
    few = panel_world.between(panel_plan.material.calendar[250], panel_plan.material.calendar[-1])
    found = [window for _, window in windows_of(panel_plan, few)]
    assert any(isinstance(one, DataError) for one in found)
