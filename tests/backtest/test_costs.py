from __future__ import annotations

import dataclasses

import pytest

from geiger.backtest.costs import Costs
from geiger.errors import SettingError


def test_one_unit_of_turnover_costs_commission_spread_and_slippage() -> None:
    assert Costs(cost_bps=5.0, slippage_bps=3.0).per_turnover == pytest.approx(0.0008)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Costs)])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_rate_is_finite_and_not_negative(name: str, value: float) -> None:
    with pytest.raises(SettingError, match=rf"trading\.{name}'? must be (at least 0|a finite number), got"):
        Costs(**{name: value})
