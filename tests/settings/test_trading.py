"""Rates and rules of trading: one record, which the backtest's own are taken from."""

from __future__ import annotations

from typing import get_args

from geiger.backtest.costs import Costs
from geiger.backtest.sizing import Sizing
from geiger.settings import RISK, RULES, TradingSettings, override
from geiger.settings.setting import known_settings
from geiger.settings.trading import CostSettings, Risk, Rule


def test_every_risk_and_rule_has_its_numbers() -> None:
    assert tuple(RISK) == get_args(Risk)
    assert get_args(Rule) == RULES
    assert all(target > 0 and cap >= 1 for target, cap in RISK.values())


def test_the_backtest_takes_its_rates_and_defaults_from_the_settings() -> None:
    rates = {name: 0.5 + i for i, name in enumerate(known_settings(CostSettings))}
    costs = Costs.of(override(TradingSettings(), rates))
    assert {name: getattr(costs, name) for name in rates} == rates
    assert Costs() == Costs.of(TradingSettings())
    for name in ("rule", "holding_days", "cost_bps", "allow_short"):
        assert getattr(Sizing(), name) == getattr(TradingSettings(), name)


def test_nothing_of_trading_shapes_a_forecast() -> None:
    assert {item.about.shapes for item in known_settings(TradingSettings).values()} == {"nothing"}


def test_risk_is_a_volatility_and_a_largest_weight() -> None:
    assert dict(RISK) == {"conservative": (0.10, 1.0), "balanced": (0.20, 1.0), "aggressive": (0.40, 2.0)}
