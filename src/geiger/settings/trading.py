"""How forecasts are traded, and what that costs. Nothing here shapes a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal, get_args

from geiger.settings.setting import Settings, setting

Risk = Literal["conservative", "balanced", "aggressive"]
Rule = Literal["sign", "long_flat", "proportional"]
RULES: tuple[Rule, ...] = get_args(Rule)

# Risk appetite: yearly volatility aimed at, and the largest absolute weight.
RISK: Mapping[Risk, tuple[float, float]] = MappingProxyType(
    {"conservative": (0.10, 1.0), "balanced": (0.20, 1.0), "aggressive": (0.40, 2.0)}
)


@dataclass(frozen=True)
class CostSettings(Settings):
    """Rates charged on a path of positions."""

    section: ClassVar[str] = "trading"
    cost_bps: float = setting(
        5.0,
        "Commission and half spread of one unit of turnover, one way.",
        unit="basis points",
        least=0,
        shapes="nothing",
    )
    slippage_bps: float = setting(
        0.0,
        "Market impact and slippage of one unit of turnover, on top.",
        unit="basis points",
        least=0,
        shapes="nothing",
    )
    borrow_rate: float = setting(
        0.0075, "Fee on the short part of equity.", unit="a year", least=0, shapes="nothing"
    )
    cash_yield: float = setting(
        0.0,
        "Interest on idle cash, the part of equity that backs no position. Short proceeds earn none.",
        unit="a year",
        least=0,
        shapes="nothing",
    )
    margin_spread: float = setting(
        0.01,
        "Interest above cash_yield on what is borrowed to hold more than the equity.",
        unit="a year",
        least=0,
        shapes="nothing",
    )


@dataclass(frozen=True)
class RuleSettings(Settings):
    """From forecasts to positions."""

    section: ClassVar[str] = "trading"
    rule: Rule = setting(
        "proportional",
        "sign holds +1 or -1; long_flat 1 or 0; proportional more the larger the forecast and the calmer the "
        "asset.",
        shapes="nothing",
    )
    risk: Risk = setting(
        "balanced",
        "Yearly volatility aimed at and largest weight: "
        + ", ".join(f"{name} {target:.0%} and {cap:g}" for name, (target, cap) in RISK.items())
        + " (proportional only).",
        shapes="nothing",
    )
    allow_short: bool = setting(True, "Otherwise every negative weight is 0.", shapes="nothing")
    holding_days: float = setting(
        5.0,
        "Time over which a unit of position must earn its cost for a forecast to count.",
        unit="days",
        above=0,
        shapes="nothing",
    )


@dataclass(frozen=True)
class TradingSettings(CostSettings, RuleSettings):
    """From forecasts to positions and costs."""
