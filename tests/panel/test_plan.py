"""What a panel's run will do, and under which keys it is found again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.errors import SettingError
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.settings import override


def test_the_name_of_a_panel_shapes_no_forecast(small_plan: PanelPlan) -> None:
    """Forecasts are found by their members, data and settings; a try by what does not grow."""
    other = replace(small_plan, work=replace(small_plan.work, name="OTHER"))
    assert other.key() == small_plan.key()
    assert other.trial_key() == small_plan.trial_key()


@pytest.mark.parametrize(
    "change",
    [{"panel": {"clip": 3.0}}, {"ridge": {"alphas": (100.0,)}}, {"refit": 61}],
    ids=["panel", "model", "walk"],
)
def test_what_shapes_a_forecast_changes_both_keys(small_plan: PanelPlan, change: dict[str, object]) -> None:
    """A setting of the panel, of its model and of its folds."""
    config = override(small_plan.work.config, change)
    other = replace(small_plan, work=replace(small_plan.work, config=config))
    assert other.key() != small_plan.key()
    assert other.trial_key() != small_plan.trial_key()


@pytest.mark.parametrize("change", [{"lgb": {"depth": 3}}, {"trading": {"cost_bps": 9.0}}, {"workers": 2}])
def test_what_shapes_none_changes_neither(small_plan: PanelPlan, change: dict[str, object]) -> None:
    """Another model's settings, those of trading, and who does the work."""
    config = override(small_plan.work.config, change)
    other = replace(small_plan, work=replace(small_plan.work, config=config))
    assert (other.key(), other.trial_key()) == (small_plan.key(), small_plan.trial_key())


def test_later_days_continue_a_try_and_are_other_forecasts(small_plan: PanelPlan) -> None:
    """The data of a member and the last day are part of the first key alone."""
    material = small_plan.material
    grown = replace(material, provenance=replace(material.provenance, last_day="2031-01-01"))
    other = replace(small_plan, material=grown)
    assert other.key() != small_plan.key()
    assert other.trial_key() == small_plan.trial_key()
    first = replace(material.members[0], data_hash="0" * 64)
    other = replace(small_plan, material=replace(material, members=(first, *material.members[1:])))
    assert other.key() != small_plan.key()
    assert other.trial_key() == small_plan.trial_key()


def test_a_panel_is_not_filled_at_the_close(small_plan: PanelPlan) -> None:
    """Closes bounce between bid and ask, which flatters what symbols do against each other."""
    config = override(small_plan.work.config, {"fill": "close"})
    with pytest.raises(SettingError, match="next open"):
        plan_panel(replace(small_plan.work, config=config))


def test_a_small_panel_says_so(small_plan: PanelPlan) -> None:
    """Twelve symbols and three years are few to learn from."""
    assert "SMALL_PANEL" in [notice.code for notice in small_plan.notices]


def test_days_that_will_be_forecast_are_those_of_the_folds(small_plan: PanelPlan) -> None:
    """They begin behind the least training and its gap, and end with the last label that is known."""
    days, material = small_plan.test_days, small_plan.material
    counted = material.calendar.filter(material.counts)
    assert days[0] == counted[160 + 1]
    assert days[-1] == counted[len(counted) - 3]
    assert len(days) == sum(len(fold.test) for fold in small_plan.folds["ridge"])


def test_what_cannot_be_is_refused_before_anything_is_trained(small_plan: PanelPlan) -> None:
    """A name that is a symbol's; a model that is not for panels; days that only teach the size."""
    work = small_plan.work
    others = tuple(symbol for symbol in work.symbols if symbol != "P00")
    with pytest.raises(SettingError, match="P00: is a symbol at hand"):
        plan_panel(replace(work, name="P00", symbols=others))
    with pytest.raises(SettingError, match="not for panels"):
        plan_panel(replace(work, model="zero"))
    few = override(work.config, {"max_folds": 1, "panel": {"slope_days": 100}})
    with pytest.raises(SettingError, match="only teach the size"):
        plan_panel(replace(work, config=few))
