"""What trading and holding cost: the rates of the settings, and what a trade costs by them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from geiger.settings import CostSettings

BASIS_POINT = 1e-4


@dataclass(frozen=True)
class Costs(CostSettings):
    """Rates charged on a path of positions.

    >>> Costs(cost_bps=8.0, slippage_bps=2.0).per_turnover
    0.001
    """

    @classmethod
    def of(cls, rates: CostSettings) -> Costs:
        """Return the rates that larger settings, such as those of trading, hold among others."""
        return cls(**{rate.name: getattr(rates, rate.name) for rate in dataclasses.fields(cls)})

    @property
    def per_turnover(self) -> float:
        """Cost of one unit of turnover as a share of equity."""
        return (self.cost_bps + self.slippage_bps) * BASIS_POINT
