"""Forecasts become positions, positions a ledger, the ledger a scorecard."""

from __future__ import annotations

from geiger.backtest.baselines import BUY_AND_HOLD, VOLATILITY_MATCHED, baselines
from geiger.backtest.costs import Costs
from geiger.backtest.figures import sharpe, wfe
from geiger.backtest.scorecard import LABELS, STRATEGY, Drawdown, Scorecard, deepest_drawdown, scorecard
from geiger.backtest.simulate import Paths, bankrupt_on, simulate, simulate_many
from geiger.backtest.sizing import Sizing, decide, trailing_volatility, weigh

__all__ = [
    "BUY_AND_HOLD",
    "LABELS",
    "STRATEGY",
    "VOLATILITY_MATCHED",
    "Costs",
    "Drawdown",
    "Paths",
    "Scorecard",
    "Sizing",
    "bankrupt_on",
    "baselines",
    "decide",
    "deepest_drawdown",
    "scorecard",
    "sharpe",
    "simulate",
    "simulate_many",
    "trailing_volatility",
    "weigh",
    "wfe",
]
