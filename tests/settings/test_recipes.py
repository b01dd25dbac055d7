"""Recipes hold the plan's numbers, and a wrong setting never passes."""

from __future__ import annotations

import pytest

from geiger.errors import SettingError
from geiger.models import forecaster_of
from geiger.settings import RECIPES, override, recipe


def test_recipe_plan_holds_the_plans_numbers() -> None:
    plan = recipe("plan")
    assert (plan.fill, plan.refit, plan.back_transform) == ("close", 252, "median")
    for booster in (plan.xgb, plan.lgb):
        assert (booster.l1, booster.l2, booster.depth) == (0.01, 0.01, 6)
        assert (booster.learning_rate, booster.subsample, booster.colsample) == (0.05, 0.8, 0.8)
        assert (booster.max_trees, booster.early_stopping) == (1000, 100)
    cat = plan.catboost
    assert (cat.max_trees, cat.learning_rate, cat.depth, cat.l2, cat.early_stopping) == (
        1000,
        0.03,
        6,
        3.0,
        100,
    )
    assert cat.ordered


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("model", ["ridge", "xgb", "lgb", "catboost"])
def test_every_recipe_makes_every_model(name: str, model: str) -> None:
    config = recipe(name)
    assert forecaster_of(config, model).settings == getattr(config, model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"refti": 21}, r"no setting 'refti': did you mean 'refit'\?"),
        ({"trading": {"cost_bp": 1.0}}, r"no setting 'trading.cost_bp': did you mean 'cost_bps'\?"),
        ({"refit": "63"}, "'refit' must be int, got '63'"),
        ({"refit": True}, "'refit' must be int, got True"),
        ({"trading": 5}, "'trading' is a table"),
        ({"fill": "opne"}, "fill: no 'opne'"),
        ({"horizon": 5}, "next-day"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"lockbox": -1}, "lockbox"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_nearest_right_one(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        override(recipe("default"), changes)


def test_a_whole_number_serves_as_a_float_and_none_clears() -> None:
    config = override(recipe("plan"), {"trading": {"cost_bps": 7}, "xgb": {"early_stopping": None}})
    assert config.trading.cost_bps == 7.0
    assert isinstance(config.trading.cost_bps, float)
    assert config.xgb.early_stopping is None


def test_the_plan_weighs_by_elastic_net_and_leaves_bins_to_the_libraries() -> None:
    plan = recipe("plan")
    assert plan.stack.meta == "elastic_net"
    assert (plan.xgb.bins, plan.lgb.bins, plan.catboost.bins) == (None, None, None)
