"""What trading and holding cost: the rates, each in its own unit."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from geiger.errors import SettingError

BASIS_POINT = 1e-4


@dataclass(frozen=True)
class Costs:
    """Rates charged on a path of positions.

    Attributes
    ----------
    cost_bps : float
        Commission and half spread of one unit of turnover, one way, in basis points.
    slippage_bps : float
        Market impact and slippage of one unit of turnover, on top, in basis points.
    borrow_rate : float
        Yearly fee on the short part of equity.
    cash_yield : float
        Yearly interest on idle cash, the part of equity that backs no position. Short proceeds earn none.
    margin_spread : float
        Yearly interest above `cash_yield` on what is borrowed to hold more than the equity.

    >>> Costs(cost_bps=8.0, slippage_bps=2.0).per_turnover
    0.001
    """

    cost_bps: float = 5.0
    slippage_bps: float = 0.0
    borrow_rate: float = 0.0075
    cash_yield: float = 0.0
    margin_spread: float = 0.01

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise SettingError(f"{name} must be a finite number of 0 or more, got {value}")

    @property
    def per_turnover(self) -> float:
        """Cost of one unit of turnover as a share of equity."""
        return (self.cost_bps + self.slippage_bps) * BASIS_POINT
