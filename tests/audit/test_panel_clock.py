"""Labels against the clock: that of a halted symbol is late, and nobody may learn it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from geiger.audit.panel_clock import folds_for, late_labels, learned_too_much
from geiger.audit.panel_pipeline import Made
from geiger.learning.folds import Fold
from geiger.panel.folds import counting
from geiger.panel.plan import PanelPlan
from geiger.panel.targets import Targets, targets_of


@pytest.fixture(scope="module")
def folds(panel_plan: PanelPlan) -> Mapping[str, tuple[Fold, ...]]:
    return folds_for(panel_plan)


@pytest.fixture(scope="module")
def targets(panel_plan: PanelPlan) -> Targets:
    return targets_of(panel_plan.material, panel_plan.work.config.panel)


def test_the_fold_for_use_is_among_them(panel_plan: PanelPlan, folds: Mapping[str, tuple[Fold, ...]]) -> None:
    assert folds["ridge"][:-1] == panel_plan.folds["ridge"]
    assert folds["ridge"][-1].test[-1] == len(counting(panel_plan.material)) - 1


def test_labels_of_the_plan_are_known_in_time(
    panel_plan: PanelPlan, targets: Targets, folds: Mapping[str, tuple[Fold, ...]]
) -> None:
    found = list(late_labels(panel_plan.material, targets, folds))
    assert [late for _, late in found] == [None] * len(folds["ridge"])
    assert min(learned for learned, _ in found) > 500


def test_a_label_that_is_known_later_than_the_first_decision_is_named(
    panel_plan: PanelPlan, targets: Targets, folds: Mapping[str, tuple[Fold, ...]]
) -> None:
    material = panel_plan.material
    last = counting(material)[folds["ridge"][1].valid[-1]]
    row = int(material.edges[last]) + 2
    known = material.known_on.to_list()
    known[row] = material.calendar[int(last) + 9]
    halted = replace(material, known_on=type(material.known_on)(known))
    late = [late for _, late in late_labels(halted, targets, folds) if late is not None]
    (moved, cut), *_ = late
    assert len(late) == 1  # the next fold begins when it is known
    assert moved.column == "known_on of fold 1 of ridge"
    assert moved.member == material.symbols[material.member[row]]
    assert moved.row == material.calendar[int(last)]
    assert cut.day == material.calendar[int(counting(material)[folds["ridge"][1].test.start])]


def test_a_fit_that_counts_more_rows_than_there_are_labels_is_named(panel_plan: PanelPlan) -> None:
    made = Made(panel_plan.material, "ridge", panel_plan.work.config)
    assert list(learned_too_much(made)) == []
    greedy = tuple(replace(one, learned_rows=one.learned_rows + 7) for one in made.walk.folds)
    cached = replace(made)
    cached.__dict__["walk"] = replace(made.walk, folds=greedy)
    found = [moved for moved, _ in learned_too_much(cached)]
    assert len(found) == len(greedy)
    assert np.isclose(found[0].size, 7.0)
