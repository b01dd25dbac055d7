"""What the same forecasts earn at other costs, and a day late: the question that every backtest meets first.

Each row is traded as `evaluation.trade` trades the run itself: sized anew, because what is worth a trade
depends on what a trade costs, filled and paid for by `simulate`. None is a try of its own: nobody chooses
his costs, and nothing is picked from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from geiger.backtest.baselines import buy_and_hold
from geiger.backtest.figures import cagr, sharpe
from geiger.backtest.simulate import simulate
from geiger.experiment.evaluation import costs_of, positions
from geiger.experiment.material import Material
from geiger.settings import Config, override

COSTS_BPS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """One path at one cost.

    Attributes
    ----------
    cost_bps : float
        Of a unit of turnover, one way, slippage included.
    days_late : int
        Days after which a decision was acted on, beside the usual ones.
    sharpe, cagr : float or None
        A year, net; `held_sharpe` and `held_cagr` those of buying and holding at this cost.
    """

    cost_bps: float
    days_late: int = 0
    sharpe: float | None
    cagr: float | None
    held_sharpe: float | None
    held_cagr: float | None


def cost_curve(forecasts: pl.DataFrame, material: Material, config: Config) -> tuple[CostRow, ...]:
    """Return the rows: every cost, that of the settings among them, and last that one a day late.

    Parameters
    ----------
    forecasts : FORECASTS frame
    """
    own = config.trading.cost_bps + config.trading.slippage_bps
    costs = sorted({*COSTS_BPS, own})
    rows = [_row(forecasts, material, config, cost, 0) for cost in costs]
    return (*rows, _row(forecasts, material, config, own, 1))


def _row(
    forecasts: pl.DataFrame, material: Material, config: Config, cost_bps: float, days_late: int
) -> CostRow:
    changed = override(config, {"trading": {"cost_bps": cost_bps, "slippage_bps": 0.0}})
    days, cash = material.market.days_per_year, config.trading.cash_yield
    late = pl.col("weight").shift(days_late, fill_value=0.0)
    weights = positions(forecasts, material, changed).with_columns(late)
    rows = material.target.join(forecasts.select("day"), on="day", how="semi")
    ledger = simulate(rows, weights, costs_of(changed), days)
    held = buy_and_hold(ledger, costs_of(changed), days)["net"].to_numpy()
    net = ledger["net"].to_numpy()
    return CostRow(
        cost_bps=cost_bps,
        days_late=days_late,
        sharpe=sharpe(net, days, cash),
        cagr=cagr(net, days),
        held_sharpe=sharpe(held, days, cash),
        held_cagr=cagr(held, days),
    )
