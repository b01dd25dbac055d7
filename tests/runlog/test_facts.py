from __future__ import annotations

from geiger.figures import PLAN_FIGURES
from geiger.records import Figure
from geiger.runlog.facts import plan_figures_first


def test_the_plans_five_come_first_and_in_its_units() -> None:
    mine = (Figure("Mine", 1.0, "ratio"), Figure("WFE", 0.5, "ratio"))
    found = plan_figures_first(mine)
    assert [(f.name, f.unit) for f in found[:5]] == list(PLAN_FIGURES.items())
    assert found[3].value == 0.5
    assert found[5:] == mine[:1]
    assert plan_figures_first(found) == found
